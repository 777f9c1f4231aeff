/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_override.c - a setting that one hostname of a zone has for itself.
 */
#include "control/change/change_override.h"

#include "common/model/zone_document.h"
#include "control/change/change_int.h"
#include "control/change/hostname_idn.h"
#include "control/store/store_overrides.h"

enum err change_override_parse(struct span setting, struct span hostname,
                               enum setting_id *setting_out, struct hostname *out,
                               struct problem *problem)
{
    struct problem found = {.code = ERR_OK};
    if (setting_find(setting, setting_out) != ERR_OK || *setting_out >= SETTING_OVERRIDES)
        return problem_set(problem, ERR_NOT_FOUND, "id", "hostnames have no setting %.*s",
                           setting.len < 64 ? (int)setting.len : 64,
                           setting.ptr ? (const char *)setting.ptr : "");
    if (hostname_idn_parse(hostname, HOSTNAME_WILDCARD, out, &found) != ERR_OK)
        return problem_set(problem, ERR_INVALID, "hostname", "%s", found.text);
    return ERR_OK;
}

static enum err audit_override(struct change *change, const struct store_zone *zone,
                               const char *action, const struct store_override *override)
{
    struct buf json;
    buf_init(&json, CHANGE_JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "hostname", override->hostname);
    change_json_setting(&json, override->setting, override->value);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {
        .action = action,
        .account_id = zone->account_id,
        .zone_id = zone->id,
        .new_json = &json,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

static enum err check_count(struct change *change, const struct store_zone *zone,
                            struct problem *problem)
{
    uint64_t count = 0;
    TRY(store_override_count(change->conn, &zone->id, &count));
    if (count > LIMIT_ZONE_OVERRIDES)
        return problem_set(problem, ERR_LIMIT, "hostname",
                           "a zone may have %d hostnames with settings of their own",
                           LIMIT_ZONE_OVERRIDES);
    return ERR_OK;
}

enum err change_override_put(struct change *change, const struct id *zone_id, struct span hostname,
                             const struct change_setting *item, struct problem *problem)
{
    struct store_zone zone;
    struct hostname name;
    struct store_override override = {.modified_at_us = change->now_us};
    TRY(change_find_zone(change, zone_id, PERMISSION_SETTING_EDIT, &zone, problem));
    TRY(change_override_parse(item->id, hostname, &override.setting, &name, problem));
    override.hostname = hostname_span(&name);
    if (!hostname_within(override.hostname, zone.name))
        return problem_set(problem, ERR_INVALID, "hostname", "is not within the zone");
    TRY(change_setting_parse(item, zone.plan, &override.setting, &override.value, problem));
    TRY(store_override_put(change->conn, zone_id, &override));
    TRY(check_count(change, &zone, problem));
    TRY(audit_override(change, &zone, "hostname_setting.edit", &override));
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

enum err change_override_delete(struct change *change, const struct id *zone_id,
                                struct span hostname, struct span setting, struct problem *problem)
{
    struct store_zone zone;
    struct hostname name;
    struct store_override override = {0};
    TRY(change_find_zone(change, zone_id, PERMISSION_SETTING_EDIT, &zone, problem));
    TRY(change_override_parse(setting, hostname, &override.setting, &name, problem));
    override.hostname = hostname_span(&name);
    override.value = setting_default(override.setting, zone.plan);
    enum err err =
        store_override_delete(change->conn, zone_id, override.setting, override.hostname);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "the hostname has no value of its own");
    TRY(err);
    TRY(audit_override(change, &zone, "hostname_setting.delete", &override));
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}
