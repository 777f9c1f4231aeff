/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_user.h - the commands about people: `bootstrap`, and `user` with what is to be done.
 */
#ifndef TRUNKLINE_CONTROL_MAIN_USER_H
#define TRUNKLINE_CONTROL_MAIN_USER_H

#include "control/main_arguments.h"

/* Returns the exit code. */
int main_user(const struct arguments *args);

#endif
