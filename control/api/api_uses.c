/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_uses.c - tokens and logins that were used, until somebody writes it down.
 */
#include "control/api/api_uses.h"

#include <pthread.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define USES_MAX 1024
#define WORTH_US UINT64_C(60000000)

struct api_uses {
    pthread_mutex_t lock;
    struct login_use rows[USES_MAX];
    size_t count;
};

struct api_uses *api_uses_new(void)
{
    struct api_uses *uses = mem_new(struct api_uses);
    ASSERT(pthread_mutex_init(&uses->lock, NULL) == 0);
    return uses;
}

void api_uses_free(struct api_uses **uses)
{
    if (*uses)
        ASSERT(pthread_mutex_destroy(&(*uses)->lock) == 0);
    mem_free(uses);
}

void api_uses_note(struct api_uses *uses, const struct id *id, uint64_t known_us)
{
    uint64_t now_us = clock_wall_us();
    if (!uses || now_us < known_us + WORTH_US)
        return;
    ASSERT(pthread_mutex_lock(&uses->lock) == 0);
    size_t at = 0;
    while (at < uses->count && !id_equal(uses->rows[at].id, *id))
        at++;
    if (at == uses->count && at < USES_MAX)
        uses->count++;
    if (at < USES_MAX)
        uses->rows[at] = (struct login_use){*id, now_us};
    ASSERT(pthread_mutex_unlock(&uses->lock) == 0);
}

enum err api_uses_write(struct api_uses *uses, const struct change_door *door)
{
    ASSERT(pthread_mutex_lock(&uses->lock) == 0);
    size_t count = uses->count;
    struct login_use *rows = count > 0 ? mem_calloc(count, sizeof(*rows)) : NULL;
    if (rows)
        memcpy(rows, uses->rows, count * sizeof(*rows));
    uses->count = 0;
    ASSERT(pthread_mutex_unlock(&uses->lock) == 0);
    enum err err = rows ? change_uses_write(door, rows, count) : ERR_OK;
    mem_free(&rows);
    return err;
}
