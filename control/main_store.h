/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_store.h - the commands that move a store: backup, restore, migrate.
 */
#ifndef TRUNKLINE_CONTROL_MAIN_STORE_H
#define TRUNKLINE_CONTROL_MAIN_STORE_H

#include "control/main_arguments.h"
#include "control/store/store.h"

/* 0, or the exit code after it said what is wrong. */
int open_store(const struct arguments *args, bool exclusive, struct store **out);

/* Return the exit code. */
int run_backup(const struct arguments *args);
int run_restore(const struct arguments *args);
int run_migrate(const struct arguments *args);

#endif
