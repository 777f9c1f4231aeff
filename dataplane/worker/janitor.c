/* SPDX-License-Identifier: Apache-2.0 */
/*
 * janitor.c - each 10 s half of the spare chunks go back: an idle worker is small after a minute.
 */
#include "dataplane/worker/janitor.h"

static void tidy_up(uv_timer_t *timer)
{
    struct janitor *janitor = timer->data;
    chunk_pool_trim(&janitor->loop->chunks);
}

void janitor_open(struct janitor *janitor, struct loop *loop)
{
    janitor->loop = loop;
    uv_timer_init(&loop->uv, &janitor->timer);
    janitor->timer.data = janitor;
    uv_timer_start(&janitor->timer, tidy_up, JANITOR_MS, JANITOR_MS);
}

void janitor_close(struct janitor *janitor)
{
    uv_close((uv_handle_t *)&janitor->timer, NULL);
}
