/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_settings.c - what a zone has set; the rest has the default of its plan.
 */
#include "control/store/store_settings.h"

#include "common/base/text.h"
#include "control/store/statement.h"

static enum err zone_plan(struct store_conn *conn, const struct store_scope *scope,
                          const struct id *zone_id, enum plan *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT plan FROM zones WHERE id = ?1 AND (?2 OR account_id IN "
                   "(SELECT account_id FROM members WHERE user_id = ?3))");
    statement_bind_id(&s, zone_id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK && plan_parse(statement_lend(&s), out) != ERR_OK)
        err = ERR_CORRUPT;
    statement_close(&s);
    return err;
}

enum err store_setting_parse(enum setting_id id, enum plan plan, struct span text,
                             struct setting_value *out)
{
    uint64_t number = 0;
    if (setting_row(id)->kind == SETTING_TEXT)
        return setting_parse_word(id, plan, text, out, NULL);
    TRY(text_parse_u64(text, UINT32_MAX, &number));
    return setting_parse_number(id, plan, number, out, NULL);
}

/* A value that the zone's plan no longer allows, and a setting of another version, are as if they
 * were not set. */
static void read_setting(struct statement *s, enum plan plan,
                         struct store_setting out[SETTING_COUNT])
{
    enum setting_id id;
    struct setting_value value;
    if (setting_find(statement_lend(s), &id) != ERR_OK)
        return;
    if (store_setting_parse(id, plan, statement_lend(s), &value) == ERR_OK)
        out[id] = (struct store_setting){value, statement_u64(s)};
}

enum err store_settings_load(struct store_conn *conn, const struct store_scope *scope,
                             const struct id *zone_id, struct store_setting out[SETTING_COUNT])
{
    enum plan plan;
    TRY(zone_plan(conn, scope, zone_id, &plan));
    for (size_t i = 0; i < SETTING_COUNT; i++)
        out[i] = (struct store_setting){setting_default((enum setting_id)i, plan), 0};
    struct statement s;
    statement_open(&s, conn,
                   "SELECT setting, value, modified_at_us FROM zone_settings WHERE zone_id = ?");
    statement_bind_id(&s, zone_id);
    enum err err;
    while ((err = statement_row(&s)) == ERR_OK)
        read_setting(&s, plan, out);
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

struct span store_setting_text(enum setting_id id, struct setting_value value,
                               char digits[TEXT_U64_BYTES_MAX])
{
    if (value.kind == SETTING_TEXT)
        return setting_word(id, value);
    return span_of(digits, text_format_u64(value.number, digits));
}

enum err store_setting_put(struct store_conn *conn, const struct id *zone_id, enum setting_id id,
                           const struct store_setting *setting)
{
    char digits[TEXT_U64_BYTES_MAX];
    struct statement s;
    statement_open(&s, conn,
                   "INSERT OR REPLACE INTO zone_settings (zone_id, setting, value, modified_at_us) "
                   "VALUES (?, ?, ?, ?)");
    statement_bind_id(&s, zone_id);
    statement_bind_text(&s, span_str(setting_row(id)->id));
    statement_bind_text(&s, store_setting_text(id, setting->value, digits));
    statement_bind_u64(&s, setting->modified_at_us);
    return statement_run(&s);
}
