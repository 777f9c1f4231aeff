/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.c - the one door through which anything in the store changes.
 *
 *      open --[operations]--> open --[change_commit]--> documents, revision, COMMIT, on_revision
 *                               '----[change_abandon]-> ROLLBACK
 */
#include "control/change/change.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/change/access.h"
#include "control/change/change_int.h"
#include "control/store/store_audit.h"
#include "control/store/store_documents.h"
#include "control/store/store_origin_ca.h"

enum err change_begin(const struct change_door *door, const struct change_actor *actor,
                      struct change **out)
{
    struct store_conn *conn = NULL;
    *out = NULL;
    TRY(store_write_begin(door->store, &conn));
    struct change *change = mem_new(struct change);
    change->door = door;
    change->actor = *actor;
    change->conn = conn;
    change->now_us = clock_wall_us();
    arena_init(&change->arena, NULL);
    *out = change;
    return ERR_OK;
}

static void release(struct change **change)
{
    store_write_rollback(&(*change)->conn);
    arena_release(&(*change)->arena);
    mem_free(change);
}

void change_abandon(struct change **change)
{
    if (*change)
        release(change);
}

static enum err write_documents(struct change *change, uint64_t *revision_out,
                                struct problem *problem)
{
    uint64_t revision = 0, taken = 0;
    struct digest changed = {{0}};
    if (change->zone_count == 0 && !change->origin_ca_changed)
        return ERR_OK;
    TRY(store_revision_next(change->conn, &revision));
    TRY(store_origin_ca_stamp(change->conn, revision));
    for (size_t i = 0; i < change->zone_count; i++)
        TRY(change_document_write(change, &change->zones[i], revision, &changed, problem));
    TRY(store_revision_take(change->conn, &changed, &taken));
    ASSERT(taken == revision);
    *revision_out = revision;
    return ERR_OK;
}

static enum err finish(struct change *change, uint64_t *revision_out, struct problem *problem)
{
    if (change->audit_count == 0) {
        log_error("change_without_audit", F_U64("zones", change->zone_count));
        return problem_set(problem, ERR_INTERNAL, "", "nothing says what was changed");
    }
    TRY(write_documents(change, revision_out, problem));
    return store_write_commit(&change->conn);
}

enum err change_commit(struct change **change, uint64_t *revision_out, struct problem *problem)
{
    const struct change_door *door = (*change)->door;
    *revision_out = 0;
    enum err err = finish(*change, revision_out, problem);
    release(change);
    if (err != ERR_OK) {
        *revision_out = 0;
        return err;
    }
    if (*revision_out > 0) {
        log_info("revision_committed", F_U64("revision", *revision_out));
        if (door->on_revision)
            door->on_revision(door->on_revision_owner, *revision_out);
    }
    return ERR_OK;
}

static enum err permit(struct change *change, const struct access_object *object,
                       enum permission permission, struct problem *problem)
{
    bool named = object->account_id.text[0] != '\0';
    enum err err = named ? access_check(change->conn, &change->actor, permission, object)
                         : access_check_own(&change->actor, permission);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "no such %s",
                           object->zone_id.text[0] != '\0' ? "zone" : "account");
    if (err == ERR_FORBIDDEN)
        return problem_set(problem, err, "", "requires the permission %s",
                           permission_row(permission)->name);
    return err;
}

enum err change_permit(struct change *change, const struct id *account_id,
                       enum permission permission, struct problem *problem)
{
    return permit(change, &(struct access_object){.account_id = *account_id}, permission, problem);
}

enum err change_find_zone(struct change *change, const struct id *zone_id,
                          enum permission permission, struct store_zone *out,
                          struct problem *problem)
{
    enum err err = store_zone_get(change->conn, &change->actor.scope, zone_id, &change->arena, out);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "no such zone");
    TRY(err);
    const struct access_object object = {out->account_id, *zone_id};
    return permit(change, &object, permission, problem);
}

enum err change_touch(struct change *change, struct change_zone zone, struct problem *problem)
{
    for (size_t i = 0; i < change->zone_count; i++) {
        if (!id_equal(change->zones[i].id, zone.id))
            continue;
        change->zones[i].deleted = zone.deleted;
        return ERR_OK;
    }
    if (change->zone_count == CHANGE_ZONES_MAX)
        return problem_set(problem, ERR_LIMIT, "", "one change may touch %d zones",
                           CHANGE_ZONES_MAX);
    change->zones[change->zone_count++] = zone;
    return ERR_OK;
}

enum err change_refused(const struct change_door *door, const struct change_actor *actor,
                        const struct access_object *object, struct span what)
{
    struct change *change = NULL;
    struct problem unasked = {.code = ERR_OK};
    struct buf json;
    uint64_t revision;
    TRY(change_begin(door, actor, &change));
    buf_init(&json, CHANGE_JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "request", what);
    buf_append_byte(&json, '}');
    struct change_entry entry = {.action = "request.refuse",
                                 .account_id = object->account_id,
                                 .zone_id = object->zone_id,
                                 .new_json = &json};
    enum err err = ERR_OK;
    if (entry.zone_id.text[0] != '\0')
        err = store_zone_account(change->conn, &entry.zone_id, &entry.account_id);
    if (err == ERR_OK)
        err = change_audit(change, &entry);
    buf_release(&json);
    if (err == ERR_OK)
        err = change_commit(&change, &revision, &unasked);
    change_abandon(&change);
    return err;
}

enum err change_audit(struct change *change, const struct change_entry *entry)
{
    const struct store_audit_entry row = {
        .at_us = change->now_us,
        .user_id = change->actor.scope.user_id,
        .token_id = change->actor.token_id,
        .account_id = entry->account_id,
        .zone_id = entry->zone_id,
        .action = span_str(entry->action),
        .old_json = entry->old_json ? buf_span(entry->old_json) : SPAN_EMPTY,
        .new_json = entry->new_json ? buf_span(entry->new_json) : SPAN_EMPTY,
        .ip = change->actor.ip,
        .request_id = change->actor.request_id,
    };
    ASSERT(!entry->old_json || !entry->old_json->overflowed);
    ASSERT(!entry->new_json || !entry->new_json->overflowed);
    TRY(store_audit_append(change->conn, &row));
    change->audit_count++;
    return ERR_OK;
}
