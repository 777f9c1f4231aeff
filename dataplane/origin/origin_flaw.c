/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_flaw.c - what connections show of an origin's HTTP/2: breaks, and answers that came.
 *
 *      http->flaw, at the end or when it drains -.
 *      LIMIT_ORIGIN_H2_RESETS streams in a row   +-> broke -> suspended? -> tickets go by HTTP/1.1
 *                                                '                      '-> event, log
 *      an answer came ------------------------------> worked -> resumed? --> event, log
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "dataplane/origin/origin_int.h"

static uint64_t now_ms_of(const struct origin_pool *pool)
{
    return loop_now_ms(pool->pools->options.loop);
}

static const char *format_origin(const struct origin *origin, char out[ORIGIN_PLACE_TEXT_BYTES])
{
    bool v6 = memchr(origin->address.ptr, ':', origin->address.len) != NULL;
    text_format(out, ORIGIN_PLACE_TEXT_BYTES, "%s%.*s%s:%u", v6 ? "[" : "",
                (int)origin->address.len, (const char *)origin->address.ptr, v6 ? "]" : "",
                (unsigned)origin->port);
    return out;
}

static void report(const struct origin_pool *pool, enum origin_reason reason, uint64_t suspended_ms)
{
    const struct origin_listener *listener = &pool->pools->options.listener;
    char text[ORIGIN_PLACE_TEXT_BYTES];
    uint64_t now_s = clock_wall_s();
    const struct origin_event event = {
        .zone_id = pool->origin.zone_id,
        .reason = reason,
        .at_s = now_s,
        .until_s = suspended_ms > 0 ? now_s + (suspended_ms + 999) / 1000 : 0,
        .origin = span_str(format_origin(&pool->origin, text)),
        .sni = pool->origin.sni,
    };
    log_warn(suspended_ms > 0 ? "origin_h2_suspended" : "origin_h2_resumed",
             F_SPAN("zone", id_span(&pool->origin.zone_id)), F_SPAN("origin", event.origin),
             F_STR("reason", origin_reason_slug(reason)), F_U64("suspended_ms", suspended_ms));
    if (listener->decided)
        listener->decided(listener->owner, &event);
}

static bool is_hopeless(enum origin_reason flaw)
{
    return flaw == ORIGIN_REASON_H2_NO_SETTINGS || flaw == ORIGIN_REASON_H2_NOT_SPOKEN ||
           flaw == ORIGIN_REASON_H2_RESETS;
}

static void break_h2(struct origin_pool *pool, enum origin_reason flaw)
{
    uint64_t suspended_ms = origin_memory_h2_broke(&pool->pools->memory, pool->known,
                                                   is_hopeless(flaw), now_ms_of(pool));
    if (suspended_ms == 0)
        return;
    report(pool, flaw, suspended_ms);
    origin_pool_known_anew(pool);
}

void origin_flaw_note(struct origin_conn *conn)
{
    enum origin_reason flaw = conn->http->flaw;
    if (conn->http->version != HTTP_2 || flaw == ORIGIN_REASON_NONE || conn->flaw_noted)
        return;
    conn->flaw_noted = true;
    break_h2(conn->pool, flaw);
}

void origin_flaw_count_streams(struct origin_conn *conn)
{
    struct origin_pool *pool = conn->pool;
    const struct http_conn *http = conn->http;
    if (http->answers_count != conn->answers_seen) {
        conn->answers_seen = http->answers_count;
        conn->resets_seen = http->resets_count;
        if (origin_memory_h2_worked(&pool->pools->memory, pool->known, now_ms_of(pool)))
            report(pool, ORIGIN_REASON_H2_RESUMED, 0);
        return;
    }
    pool->known->reset_count += (unsigned)(http->resets_count - conn->resets_seen);
    conn->resets_seen = http->resets_count;
    if (pool->known->reset_count >= LIMIT_ORIGIN_H2_RESETS)
        break_h2(pool, ORIGIN_REASON_H2_RESETS);
}
