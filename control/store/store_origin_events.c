/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_origin_events.c - rows that edges report, the newest of each zone.
 */
#include "control/store/store_origin_events.h"

#include "control/store/statement.h"

static enum err drop_old(struct store_conn *conn, const struct id *zone_id)
{
    struct statement s;
    statement_open(&s, conn,
                   "DELETE FROM origin_events WHERE zone_id = ?1 AND id <= (SELECT id FROM "
                   "origin_events WHERE zone_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)");
    statement_bind_id(&s, zone_id);
    statement_bind_u64(&s, LIMIT_ZONE_ORIGIN_EVENTS);
    return statement_run(&s);
}

enum err store_origin_event_insert(struct store_conn *conn, const struct store_origin_event *event)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO origin_events (zone_id, at_s, edge, origin, sni, reason, until_s) "
                   "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM zones WHERE id = ?1");
    statement_bind_id(&s, &event->zone_id);
    statement_bind_u64(&s, event->at_s);
    statement_bind_text(&s, event->edge);
    statement_bind_text(&s, event->origin);
    statement_bind_text(&s, event->sni);
    statement_bind_text(&s, event->reason);
    statement_bind_u64(&s, event->until_s);
    TRY(statement_run_one(&s));
    return drop_old(conn, &event->zone_id);
}

static void read_event(struct statement *s, struct arena *arena, struct store_origin_event *out)
{
    out->at_s = statement_u64(s);
    out->edge = statement_text(s, arena);
    out->origin = statement_text(s, arena);
    out->sni = statement_text(s, arena);
    out->reason = statement_text(s, arena);
    out->until_s = statement_u64(s);
}

enum err store_origin_event_list(struct store_conn *conn, const struct id *zone_id,
                                 struct arena *arena, struct store_origin_event_list *out)
{
    *out = (struct store_origin_event_list){
        .rows = arena_alloc(arena, LIMIT_ZONE_ORIGIN_EVENTS * sizeof(*out->rows))};
    struct statement s;
    statement_open(&s, conn,
                   "SELECT at_s, edge, origin, sni, reason, until_s FROM origin_events "
                   "WHERE zone_id = ?1 ORDER BY id DESC LIMIT ?2");
    statement_bind_id(&s, zone_id);
    statement_bind_u64(&s, LIMIT_ZONE_ORIGIN_EVENTS);
    enum err err;
    while ((err = statement_row(&s)) == ERR_OK) {
        struct store_origin_event *event = &out->rows[out->count++];
        event->zone_id = *zone_id;
        read_event(&s, arena, event);
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
