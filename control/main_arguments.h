/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_arguments.h - what trunkline-control was told: a command, its flags, a config file.
 *
 * Ownership: texts are borrowed from argv and from the config, which arguments_release gives back.
 */
#ifndef TRUNKLINE_CONTROL_MAIN_ARGUMENTS_H
#define TRUNKLINE_CONTROL_MAIN_ARGUMENTS_H

#include "common/base/json.h"
#include "common/model/address_policy.h"
#include "control/main_flag_table.h"

#define PROGRAM "trunkline-control"
#define FLAG_VALUES_MAX ADDRESS_POLICY_RANGES_MAX
#define EXIT_WRONG_USAGE 2
#define EXIT_HAS_USER 3

enum command {
#define X(name, help) COMMAND_##name,
    COMMAND_TABLE(X)
#undef X
        COMMAND_COUNT
};

enum command_bit {
#define X(name, help) IN_##name = 1 << COMMAND_##name,
    COMMAND_TABLE(X)
#undef X
};

enum flag {
#define X(name, member, value, commands, normal, help) FLAG_##member,
    FLAG_TABLE(X)
#undef X
        FLAG_COUNT
};

struct flag_values {
    const char *texts[FLAG_VALUES_MAX];
    size_t count;
};

struct arguments {
    enum command command;
    const char *verb; /* the word behind `user`; NULL: none */
    struct flag_values flags[FLAG_COUNT];
    json_t *config; /* owns the texts that came from it */
};

/* -1: go on; else the exit code: help was printed, or what is wrong. */
int arguments_parse(struct arguments *args, int argc, char **argv);
void arguments_release(struct arguments *args);

/* What the flag was given, its default, or NULL. */
const char *flag_text(const struct arguments *args, enum flag flag);
const char *command_name(enum command command);

/* One line for a person; return the code. */
int complain(int code, const char *format, ...) PRINTF_LIKE(2, 3);
int complain_problem(int code, const struct problem *problem, enum err err);

#endif
