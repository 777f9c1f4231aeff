/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_overrides.c - settings that one hostname of a zone has for itself.
 */
#include "control/store/store_overrides.h"

#include "common/base/text.h"
#include "common/model/zone_document.h"
#include "control/store/statement.h"
#include "control/store/store_settings.h"

#define ROWS_MAX (SETTING_COUNT * LIMIT_ZONE_OVERRIDES)

static enum err count_rows(struct store_conn *conn, const struct id *zone_id, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*) FROM hostname_settings WHERE zone_id = ?");
    statement_bind_id(&s, zone_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

enum err store_override_count(struct store_conn *conn, const struct id *zone_id, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT count(DISTINCT hostname) FROM hostname_settings WHERE zone_id = ?");
    statement_bind_id(&s, zone_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

/* False for what is not in force. */
static bool read_override(struct statement *s, enum plan plan, struct arena *arena,
                          struct store_override *out)
{
    enum err err = setting_find(statement_lend(s), &out->setting);
    out->hostname = statement_text(s, arena);
    if (err == ERR_OK)
        err = store_setting_parse(out->setting, plan, statement_lend(s), &out->value);
    out->created_at_us = statement_u64(s);
    out->modified_at_us = statement_u64(s);
    return err == ERR_OK && out->setting < SETTING_OVERRIDES;
}

enum err store_override_list(struct store_conn *conn, const struct id *zone_id, enum plan plan,
                             struct arena *arena, struct store_override_list *out)
{
    uint64_t rows_max = 0;
    *out = (struct store_override_list){0};
    TRY(count_rows(conn, zone_id, &rows_max));
    ASSERT(rows_max <= ROWS_MAX);
    if (rows_max == 0)
        return ERR_OK;
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    struct statement s;
    statement_open(&s, conn,
                   "SELECT setting, hostname, value, created_at_us, modified_at_us FROM "
                   "hostname_settings WHERE zone_id = ? ORDER BY setting, hostname");
    statement_bind_id(&s, zone_id);
    enum err err;
    while ((err = statement_row(&s)) == ERR_OK && out->count < rows_max)
        if (read_override(&s, plan, arena, &out->rows[out->count]))
            out->count++;
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_override_put(struct store_conn *conn, const struct id *zone_id,
                            const struct store_override *override)
{
    char digits[TEXT_U64_BYTES_MAX];
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO hostname_settings (zone_id, setting, hostname, value, "
                   "created_at_us, modified_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
                   "ON CONFLICT DO UPDATE SET value = ?4, modified_at_us = ?5");
    statement_bind_id(&s, zone_id);
    statement_bind_text(&s, span_str(setting_row(override->setting)->id));
    statement_bind_text(&s, override->hostname);
    statement_bind_text(&s, store_setting_text(override->setting, override->value, digits));
    statement_bind_u64(&s, override->modified_at_us);
    return statement_run(&s);
}

enum err store_override_delete(struct store_conn *conn, const struct id *zone_id,
                               enum setting_id setting, struct span hostname)
{
    struct statement s;
    statement_open(&s, conn,
                   "DELETE FROM hostname_settings WHERE zone_id = ? AND setting = ? AND "
                   "hostname = ?");
    statement_bind_id(&s, zone_id);
    statement_bind_text(&s, span_str(setting_row(setting)->id));
    statement_bind_text(&s, hostname);
    return statement_run_one(&s);
}
