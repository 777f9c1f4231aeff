/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_store.c - the commands that move a store.
 */
#include "control/main_store.h"

#include <unistd.h>

#include "control/store/store_backup.h"

int open_store(const struct arguments *args, bool exclusive, struct store **out)
{
    const struct store_options options = {
        .path = flag_text(args, FLAG_store),
        .master_key_path = flag_text(args, FLAG_master_key),
        .exclusive = exclusive,
    };
    struct problem problem = {.code = ERR_OK};
    enum err err = store_open(&options, out, &problem);
    return err == ERR_OK ? 0 : complain_problem(EXIT_FAILURE, &problem, err);
}

/* For a person who waits, not for a log. */
static void show_progress(unsigned percent)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%3u %%%s", percent, percent == 100 ? "\n" : "");
}

/* Nothing is made of a store that is not there. */
static int require_store(const struct arguments *args)
{
    const char *path = flag_text(args, FLAG_store);
    return access(path, F_OK) == 0 ? 0 : complain(EXIT_FAILURE, "store: %s is not there", path);
}

int run_backup(const struct arguments *args)
{
    struct store *store = NULL;
    struct problem problem = {.code = ERR_OK};
    const char *to = flag_text(args, FLAG_to);
    if (!to)
        return complain(EXIT_WRONG_USAGE, "backup needs --to FILE");
    int code = require_store(args);
    if (code == 0)
        code = open_store(args, false, &store);
    if (code != 0)
        return code;
    enum err err = store_backup(store, to, show_progress, &problem);
    store_close(&store);
    if (err != ERR_OK)
        return complain_problem(EXIT_FAILURE, &problem, err);
    printf("%s is written. The master key is not in it: keep %s%s apart from it, and safe.\n", to,
           flag_text(args, FLAG_master_key) ? flag_text(args, FLAG_master_key)
                                            : flag_text(args, FLAG_store),
           flag_text(args, FLAG_master_key) ? "" : ".key");
    return EXIT_SUCCESS;
}

int run_restore(const struct arguments *args)
{
    struct problem problem = {.code = ERR_OK};
    const struct store_restore what = {
        .from = flag_text(args, FLAG_from),
        .path = flag_text(args, FLAG_store),
        .master_key_path = flag_text(args, FLAG_master_key),
        .replace = args->flags[FLAG_replace].count > 0,
        .progress = show_progress,
    };
    if (!what.from)
        return complain(EXIT_WRONG_USAGE, "restore needs --from FILE");
    enum err err = store_restore(&what, &problem);
    if (err != ERR_OK)
        return complain_problem(EXIT_FAILURE, &problem, err);
    printf("%s is restored from %s. Edges will take a full copy of it.\n", what.path, what.from);
    return EXIT_SUCCESS;
}

int run_migrate(const struct arguments *args)
{
    struct store *store = NULL;
    int code = require_store(args);
    if (code == 0)
        code = open_store(args, true, &store);
    store_close(&store);
    if (code == 0)
        printf("%s has the schema of this program.\n", flag_text(args, FLAG_store));
    return code;
}
