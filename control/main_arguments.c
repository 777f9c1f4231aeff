/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_arguments.c - what trunkline-control was told: a command, its flags, a config file.
 */
#include "control/main_arguments.h"

#include <errno.h>
#include <stdarg.h>

#define CONFIG_BYTES_MAX 65536

struct flag_row {
    const char *name, *value;
    unsigned commands;
    const char *normal, *help;
};

struct command_row {
    const char *name, *help;
};

static const struct command_row command_rows[COMMAND_COUNT] = {
#define X(name, help) {#name, (help)},
    COMMAND_TABLE(X)
#undef X
};

static const struct flag_row flag_rows[FLAG_COUNT] = {
#define X(name, member, value, commands, normal, help) \
    {(name), (value), (commands), (normal), (help)},
    FLAG_TABLE(X)
#undef X
};

int complain(int code, const char *format, ...)
{
    va_list list;
    fputs(PROGRAM ": ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return code;
}

int complain_problem(int code, const struct problem *problem, enum err err)
{
    if (problem->text[0] == '\0')
        return complain(code, "%s", err_slug(err));
    if (problem->path[0] == '\0')
        return complain(code, "%s", problem->text);
    return complain(code, "%s: %s", problem->path, problem->text);
}

static void print_help(void)
{
    printf("usage: " PROGRAM " COMMAND [--flag VALUE]...\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", command_rows[i].name, command_rows[i].help);
    printf("\n" PROGRAM " COMMAND --help lists its flags.\n");
}

static void print_command_help(enum command command)
{
    printf("usage: " PROGRAM " %s [--flag VALUE]...\n%s\n\n", command_rows[command].name,
           command_rows[command].help);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag_row *row = &flag_rows[i];
        char left[40];
        if (!(row->commands & (1u << command)))
            continue;
        (void)snprintf(left, sizeof(left), "--%s %s", row->name, row->value);
        printf("  %-24s %s", left, row->help);
        printf(row->normal ? " (default: %s)\n" : "\n", row->normal);
    }
    printf("  %-24s %s\n", "--help", "this list");
}

static const struct flag_row *find_flag(const char *name, enum command command, enum flag *out)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (strcmp(flag_rows[i].name, name) != 0 || !(flag_rows[i].commands & (1u << command)))
            continue;
        *out = (enum flag)i;
        return &flag_rows[i];
    }
    return NULL;
}

static bool repeatable(enum flag flag)
{
    return flag == FLAG_edge_user || flag == FLAG_allow_origin;
}

static int add_value(struct arguments *args, enum flag flag, const char *text)
{
    struct flag_values *values = &args->flags[flag];
    if (values->count > 0 && !repeatable(flag))
        return complain(EXIT_WRONG_USAGE, "--%s is given twice", flag_rows[flag].name);
    if (values->count == FLAG_VALUES_MAX)
        return complain(EXIT_WRONG_USAGE, "--%s is given more than %d times", flag_rows[flag].name,
                        FLAG_VALUES_MAX);
    values->texts[values->count++] = text;
    return 0;
}

/* Consumes "--name VALUE" or "--name=VALUE" at argv[*at]. */
static int parse_flag(struct arguments *args, char **argv, int *at)
{
    char name[64];
    enum flag flag = FLAG_COUNT;
    struct span rest = span_str(argv[*at] + 2);
    bool joined = span_find(rest, '=') < rest.len;
    struct span word = span_split(&rest, '=');
    const struct flag_row *row =
        span_to_cstr(word, name, sizeof(name)) ? find_flag(name, args->command, &flag) : NULL;
    if (!row)
        return complain(EXIT_WRONG_USAGE, "%s has no flag --%.*s (see %s %s --help)",
                        command_rows[args->command].name, SPAN_ARG(word), PROGRAM,
                        command_rows[args->command].name);
    if (row->value[0] == '\0')
        return joined ? complain(EXIT_WRONG_USAGE, "--%s takes no value", row->name)
                      : add_value(args, flag, "");
    if (joined)
        return add_value(args, flag, argv[*at] + 2 + word.len + 1);
    if (!argv[*at + 1])
        return complain(EXIT_WRONG_USAGE, "--%s needs a value (%s)", row->name, row->value);
    return add_value(args, flag, argv[++*at]);
}

static int config_value(struct arguments *args, const char *name, const json_t *value)
{
    enum flag flag = FLAG_COUNT;
    const struct flag_row *row = find_flag(name, args->command, &flag);
    if (!row) {
        /* A name of another command is fine: one file serves all of them. */
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            if (find_flag(name, (enum command)i, &flag))
                return 0;
        return complain(EXIT_WRONG_USAGE, "config: there is no \"%s\"", name);
    }
    if (row->value[0] == '\0' && json_is_true(value))
        return add_value(args, flag, "");
    if (row->value[0] == '\0' && json_is_false(value))
        return 0;
    if (row->value[0] != '\0' && json_is_string(value))
        return add_value(args, flag, json_string_value(value));
    return complain(EXIT_WRONG_USAGE, "config: \"%s\" must be %s", name,
                    row->value[0] == '\0' ? "true or false" : "text");
}

/* Adds what the command line left out. */
static int config_member(struct arguments *args, const char *name, json_t *value)
{
    size_t at;
    json_t *item;
    enum flag flag = FLAG_COUNT;
    if (find_flag(name, args->command, &flag) && args->flags[flag].count > 0)
        return 0;
    if (!json_is_array(value) || !repeatable(flag))
        return config_value(args, name, value);
    json_array_foreach(value, at, item)
    {
        int code = config_value(args, name, item);
        if (code != 0)
            return code;
    }
    return 0;
}

static int read_config(struct arguments *args)
{
    const char *path = args->flags[FLAG_config].texts[0];
    char text[CONFIG_BYTES_MAX];
    struct problem problem = {.code = ERR_OK};
    FILE *file = fopen(path, "re");
    if (!file)
        return complain(EXIT_WRONG_USAGE, "config: %s: %s", path, strerror(errno));
    size_t len = fread(text, 1, sizeof(text), file);
    bool whole = feof(file) && !ferror(file);
    fclose(file);
    if (!whole)
        return complain(EXIT_WRONG_USAGE, "config: %s cannot be read or is too large", path);
    if (json_parse(span_of(text, len), &args->config, &problem) != ERR_OK)
        return complain(EXIT_WRONG_USAGE, "config: %s: %s", path, problem.text);
    if (!json_is_object(args->config))
        return complain(EXIT_WRONG_USAGE, "config: %s: must be a JSON object", path);
    const char *name;
    json_t *value;
    json_object_foreach(args->config, name, value)
    {
        int code = config_member(args, name, value);
        if (code != 0)
            return code;
    }
    return 0;
}

const char *flag_text(const struct arguments *args, enum flag flag)
{
    return args->flags[flag].count > 0 ? args->flags[flag].texts[0] : flag_rows[flag].normal;
}

int arguments_parse(struct arguments *args, int argc, char **argv)
{
    size_t command = 0;
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        print_help();
        return argc < 2 ? EXIT_WRONG_USAGE : 0;
    }
    while (command < COMMAND_COUNT && strcmp(command_rows[command].name, argv[1]) != 0)
        command++;
    if (command == COMMAND_COUNT)
        return complain(EXIT_WRONG_USAGE, "there is no command %s (see --help)", argv[1]);
    args->command = (enum command)command;
    int first = 2;
    if (args->command == COMMAND_user && argc > 2 && argv[2][0] != '-')
        args->verb = argv[first++];
    for (int at = first; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            print_command_help(args->command);
            return 0;
        }
        if (strncmp(argv[at], "--", 2) != 0)
            return complain(EXIT_WRONG_USAGE, "%s is not a flag", argv[at]);
        int code = parse_flag(args, argv, &at);
        if (code != 0)
            return code;
    }
    int code = args->flags[FLAG_config].count > 0 ? read_config(args) : 0;
    return code == 0 ? -1 : code;
}

void arguments_release(struct arguments *args)
{
    json_decref(args->config);
    args->config = NULL;
}

const char *command_name(enum command command)
{
    return command_rows[command].name;
}
