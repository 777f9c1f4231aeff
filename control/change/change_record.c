/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_record.c - DNS records: the proxied A, AAAA and CNAME among them are the origins.
 */
#include "control/change/change_record.h"

#include "control/change/record_apply.h"

static enum err audit_record(struct change *change, const struct store_zone *zone,
                             const struct store_record *before, const struct store_record *after)
{
    struct buf old_json, new_json;
    buf_init(&old_json, CHANGE_JSON_BYTES_MAX);
    buf_init(&new_json, CHANGE_JSON_BYTES_MAX);
    if (before)
        change_json_record(&old_json, before);
    if (after)
        change_json_record(&new_json, after);
    const struct change_entry entry = {
        .action = !before ? "record.create"
                  : after ? "record.edit"
                          : "record.delete",
        .account_id = zone->account_id,
        .zone_id = zone->id,
        .old_json = &old_json,
        .new_json = &new_json,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&old_json);
    buf_release(&new_json);
    return err;
}

static enum err find_record(struct change *change, const struct store_zone *zone,
                            const struct id *record_id, struct store_record *out,
                            struct problem *problem)
{
    enum err err = store_record_get(change->conn, &change->actor.scope, &zone->id, record_id,
                                    &change->arena, out);
    return err == ERR_NOT_FOUND ? problem_set(problem, err, "", "no such record") : err;
}

/* A host is served by one zone: names of a zone further down belong to that one. */
static enum err check_deeper_zones(struct change *change, const struct store_zone *zone,
                                   const struct store_record *record, struct problem *problem)
{
    struct span name = record->name;
    while (name.len > zone->name.len) {
        struct store_zone_claim claim;
        enum err err = store_zone_claimed(change->conn, name, &claim);
        if (err == ERR_OK)
            return problem_set(problem, ERR_CONFLICT, "name", "belongs to the zone %.128s",
                               claim.name.text);
        if (err != ERR_NOT_FOUND)
            return err;
        (void)span_split(&name, '.');
    }
    return ERR_OK;
}

static enum err check_neighbours(struct change *change, const struct store_zone *zone,
                                 const struct store_record *record, struct problem *problem)
{
    bool excluded = false;
    if (record->proxied)
        TRY(check_deeper_zones(change, zone, record, problem));
    TRY(store_record_excluded(change->conn, record, &excluded));
    if (excluded)
        return problem_set(problem, ERR_CONFLICT, "type",
                           "a name has either A and AAAA records or one CNAME record");
    return ERR_OK;
}

static enum err tell_twin(enum err err, struct problem *problem)
{
    return err == ERR_EXISTS ? problem_set(problem, err, "", "An identical record already exists.")
                             : err;
}

static enum err require_members(const struct change_record_spec *spec, struct problem *problem)
{
    if (!spec->type_given)
        return problem_set(problem, ERR_INVALID, "type", "is required");
    if (!spec->name_given)
        return problem_set(problem, ERR_INVALID, "name", "is required");
    if (!spec->content_given)
        return problem_set(problem, ERR_INVALID, "content", "is required");
    return ERR_OK;
}

static struct store_record fresh_record(const struct change *change, const struct id *zone_id)
{
    return (struct store_record){
        .id = id_new(),
        .zone_id = *zone_id,
        .ttl_s = 1,
        .created_at_us = change->now_us,
        .modified_at_us = change->now_us,
    };
}

enum err change_record_create(struct change *change, const struct id *zone_id,
                              const struct change_record_spec *spec, struct id *out,
                              struct problem *problem)
{
    struct store_zone zone;
    uint64_t count = 0;
    TRY(change_find_zone(change, zone_id, PERMISSION_RECORD_EDIT, &zone, problem));
    TRY(require_members(spec, problem));
    TRY(store_record_count(change->conn, zone_id, &count));
    if (count >= LIMIT_ZONE_RECORDS)
        return problem_set(problem, ERR_LIMIT, "", "a zone may have %d records",
                           LIMIT_ZONE_RECORDS);
    struct store_record record = fresh_record(change, zone_id);
    TRY(record_apply(change, zone.name, spec, &record, problem));
    TRY(check_neighbours(change, &zone, &record, problem));
    TRY(tell_twin(store_record_insert(change->conn, &record), problem));
    TRY(audit_record(change, &zone, NULL, &record));
    *out = record.id;
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

static enum err store_edit(struct change *change, const struct store_zone *zone,
                           const struct store_record *before, const struct store_record *after,
                           struct problem *problem)
{
    TRY(check_neighbours(change, zone, after, problem));
    TRY(tell_twin(store_record_update(change->conn, after), problem));
    TRY(audit_record(change, zone, before, after));
    return change_touch(change, (struct change_zone){zone->id, false}, problem);
}

enum err change_record_put(struct change *change, const struct id *zone_id,
                           const struct id *record_id, const struct change_record_spec *spec,
                           struct problem *problem)
{
    struct store_zone zone;
    struct store_record before;
    TRY(change_find_zone(change, zone_id, PERMISSION_RECORD_EDIT, &zone, problem));
    TRY(find_record(change, &zone, record_id, &before, problem));
    TRY(require_members(spec, problem));
    struct store_record after = fresh_record(change, zone_id);
    after.id = before.id;
    after.created_at_us = before.created_at_us;
    TRY(record_apply(change, zone.name, spec, &after, problem));
    return store_edit(change, &zone, &before, &after, problem);
}

enum err change_record_patch(struct change *change, const struct id *zone_id,
                             const struct id *record_id, const struct change_record_spec *spec,
                             struct problem *problem)
{
    struct store_zone zone;
    struct store_record before;
    TRY(change_find_zone(change, zone_id, PERMISSION_RECORD_EDIT, &zone, problem));
    TRY(find_record(change, &zone, record_id, &before, problem));
    struct store_record after = before;
    after.modified_at_us = change->now_us;
    TRY(record_apply(change, zone.name, spec, &after, problem));
    return store_edit(change, &zone, &before, &after, problem);
}

enum err change_record_delete(struct change *change, const struct id *zone_id,
                              const struct id *record_id, struct problem *problem)
{
    struct store_zone zone;
    struct store_record record;
    TRY(change_find_zone(change, zone_id, PERMISSION_RECORD_EDIT, &zone, problem));
    TRY(find_record(change, &zone, record_id, &record, problem));
    TRY(store_record_delete(change->conn, zone_id, record_id));
    TRY(audit_record(change, &zone, &record, NULL));
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}
