/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_setting.c - settings of a zone, one or several at once.
 */
#include "control/change/change_setting.h"

#include <stdio.h>

#include "common/base/text.h"
#include "control/change/change_int.h"

/* Puts the item's own path before the member's. */
static enum err item_problem(const struct change_setting *item, const char *member, enum err err,
                             struct problem *problem)
{
    if (problem) {
        problem->code = err;
        (void)snprintf(problem->path, sizeof(problem->path), "%s%s", item->path, member);
    }
    return err;
}

enum err change_setting_parse(const struct change_setting *item, enum plan plan,
                              enum setting_id *id, struct setting_value *value,
                              struct problem *problem)
{
    struct problem found = {.code = ERR_OK};
    if (setting_find(item->id, id) != ERR_OK) {
        (void)problem_set(problem, ERR_NOT_FOUND, "", "there is no setting %.*s",
                          item->id.len < 64 ? (int)item->id.len : 64,
                          item->id.ptr ? (const char *)item->id.ptr : "");
        return item_problem(item, "id", ERR_NOT_FOUND, problem);
    }
    enum err err = item->kind == SETTING_TEXT
                       ? setting_parse_word(*id, plan, item->word, value, &found)
                       : setting_parse_number(*id, plan, item->number, value, &found);
    if (err == ERR_OK)
        return ERR_OK;
    (void)problem_set(problem, err, "", "%s", found.text);
    return item_problem(item, "value", err, problem);
}

void change_json_setting(struct buf *out, enum setting_id id, struct setting_value value)
{
    const char *name = setting_row(id)->id;
    if (value.kind == SETTING_TEXT)
        change_json_text(out, name, setting_word(id, value));
    else
        change_json_number(out, name, value.number);
}

struct edit {
    struct change *change;
    const struct store_zone *zone;
    struct store_setting settings[SETTING_COUNT];
    struct buf old_json, new_json;
};

static enum err apply_item(struct edit *edit, const struct change_setting *item,
                           struct problem *problem)
{
    enum setting_id id;
    struct store_setting setting = {.modified_at_us = edit->change->now_us};
    TRY(change_setting_parse(item, edit->zone->plan, &id, &setting.value, problem));
    change_json_setting(&edit->old_json, id, edit->settings[id].value);
    change_json_setting(&edit->new_json, id, setting.value);
    edit->settings[id] = setting;
    return store_setting_put(edit->change->conn, &edit->zone->id, id, &setting);
}

static enum err audit_edit(struct edit *edit)
{
    buf_append_byte(&edit->old_json, '}');
    buf_append_byte(&edit->new_json, '}');
    const struct change_entry entry = {
        .action = "setting.edit",
        .account_id = edit->zone->account_id,
        .zone_id = edit->zone->id,
        .old_json = &edit->old_json,
        .new_json = &edit->new_json,
    };
    return change_audit(edit->change, &entry);
}

enum err change_settings_set(struct change *change, const struct id *zone_id,
                             const struct change_setting *items, size_t count,
                             struct problem *problem)
{
    struct store_zone zone;
    struct edit edit = {.change = change, .zone = &zone};
    TRY(change_find_zone(change, zone_id, PERMISSION_SETTING_EDIT, &zone, problem));
    if (count == 0 || count > CHANGE_SETTINGS_MAX)
        return problem_set(problem, ERR_INVALID, "items", "must be 1 to %d settings",
                           CHANGE_SETTINGS_MAX);
    TRY(store_settings_load(change->conn, &change->actor.scope, zone_id, edit.settings));
    buf_init(&edit.old_json, CHANGE_JSON_BYTES_MAX);
    buf_init(&edit.new_json, CHANGE_JSON_BYTES_MAX);
    buf_append_byte(&edit.old_json, '{');
    buf_append_byte(&edit.new_json, '{');
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = apply_item(&edit, &items[i], problem);
    if (err == ERR_OK)
        err = audit_edit(&edit);
    buf_release(&edit.old_json);
    buf_release(&edit.new_json);
    TRY(err);
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}
