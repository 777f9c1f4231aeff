/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_zone.c - zones come, change and go.
 */
#include "control/change/change_zone.h"

#include "common/base/text.h"
#include "control/change/change_int.h"
#include "control/change/hostname_idn.h"

#define ZONE_JSON_BYTES_MAX 2048

static enum err audit_zone(struct change *change, const char *action,
                           const struct store_zone *before, const struct store_zone *after)
{
    const struct store_zone *either = after ? after : before;
    struct buf old_json, new_json;
    buf_init(&old_json, ZONE_JSON_BYTES_MAX);
    buf_init(&new_json, ZONE_JSON_BYTES_MAX);
    if (before)
        change_json_zone(&old_json, before);
    if (after)
        change_json_zone(&new_json, after);
    const struct change_entry entry = {
        .action = action,
        .account_id = either->account_id,
        .zone_id = either->id,
        .old_json = &old_json,
        .new_json = &new_json,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&old_json);
    buf_release(&new_json);
    return err;
}

/* At least two labels; no wildcard, address, underscore or single label is a zone. */
static enum err parse_zone_name(struct span text, struct hostname *out, struct problem *problem)
{
    struct problem found = {.code = ERR_OK};
    if (hostname_idn_parse(text, HOSTNAME_EXACT, out, &found) != ERR_OK)
        return problem_set(problem, ERR_INVALID, "name", "is not a domain name: %s", found.text);
    struct span name = hostname_span(out);
    if (span_find(name, '.') == name.len)
        return problem_set(problem, ERR_INVALID, "name", "%.128s is not a registrable domain name",
                           out->text);
    if (span_find(name, '_') < name.len)
        return problem_set(problem, ERR_INVALID, "name", "a domain name has no underscore");
    return ERR_OK;
}

/* The account that was named, else the only one where the actor is a member. */
static enum err choose_account(struct change *change, const struct change_zone_spec *spec,
                               struct store_account *out, struct problem *problem)
{
    if (spec->account_id.text[0] != '\0') {
        enum err err = store_account_get(change->conn, &change->actor.scope, &spec->account_id,
                                         &change->arena, out);
        return err == ERR_NOT_FOUND ? problem_set(problem, err, "account.id", "no such account")
                                    : err;
    }
    const struct store_account_query own = {
        .scope = {.user_id = change->actor.scope.user_id},
        .page = {.page = 1, .per_page = 2},
    };
    struct store_account_list list;
    TRY(store_account_list(change->conn, &own, &change->arena, &list));
    if (list.count != 1)
        return problem_set(problem, ERR_INVALID, "account.id", "must name one of your accounts");
    *out = list.rows[0];
    return ERR_OK;
}

static enum err taken(struct problem *problem, const struct hostname *name, const char *why)
{
    return problem_set(problem, ERR_EXISTS, "name", "%.100s %s", name->text, why);
}

/* A parent of the same account must not serve what the new zone will serve. */
static enum err check_parent(struct change *change, const struct store_zone_claim *parent,
                             const struct store_zone *zone, struct problem *problem)
{
    bool served = false;
    if (!id_equal(parent->account_id, zone->account_id))
        return problem_set(problem, ERR_EXISTS, "name", "lies below a domain of another account");
    TRY(store_record_proxied_below(change->conn, &parent->id, zone->name, &served));
    if (served)
        return taken(problem, &parent->name, "has proxied records below this name");
    return ERR_OK;
}

static enum err check_claims(struct change *change, const struct store_zone *zone,
                             struct problem *problem)
{
    struct store_zone_claim claim;
    enum err err = store_zone_claimed(change->conn, zone->name, &claim);
    if (err == ERR_OK)
        return taken(problem, &claim.name, "already exists");
    if (err != ERR_NOT_FOUND)
        return err;
    struct span parent = zone->name;
    while ((void)span_split(&parent, '.'), parent.len > 0) {
        err = store_zone_claimed(change->conn, parent, &claim);
        if (err == ERR_OK)
            err = check_parent(change, &claim, zone, problem);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            return err;
    }
    err = store_zone_claimed_below(change->conn, zone->name, &zone->account_id, &claim);
    if (err == ERR_OK)
        return problem_set(problem, ERR_EXISTS, "name", "lies above a domain of another account");
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err check_type(struct span type, struct problem *problem)
{
    if (type.len == 0 || span_equal(type, SPAN("full")))
        return ERR_OK;
    return problem_set(problem, ERR_INVALID, "type", "must be full");
}

/* No wildcard is a zone; one of a name that somebody has is told as a name that is taken. */
static enum err refuse_wildcard(struct change *change, struct span text, struct problem *problem)
{
    struct hostname name;
    struct store_zone_claim claim;
    if (!span_starts_with(text, SPAN("*.")) ||
        parse_zone_name(span_skip(text, 2), &name, NULL) != ERR_OK)
        return ERR_OK;
    enum err err = store_zone_claimed(change->conn, hostname_span(&name), &claim);
    if (err == ERR_OK)
        return taken(problem, &claim.name, "already exists");
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err change_zone_create(struct change *change, const struct change_zone_spec *spec,
                            struct id *out, struct problem *problem)
{
    struct hostname name;
    struct store_account account;
    TRY(refuse_wildcard(change, spec->name, problem));
    TRY(parse_zone_name(spec->name, &name, problem));
    TRY(check_type(spec->type, problem));
    TRY(choose_account(change, spec, &account, problem));
    TRY(change_permit(change, &account.id, PERMISSION_ZONE_EDIT, problem));
    uint64_t zones_max = account.zones_max ? account.zones_max : LIMIT_ACCOUNT_ZONES;
    if (account.zone_count >= zones_max)
        return problem_set(problem, ERR_LIMIT, "account.id", "an account may have %llu zones",
                           (unsigned long long)zones_max);
    /* Whom an operator makes a zone for was asked by him. */
    bool served = change->actor.scope.platform_wide;
    struct id verification_key = id_new();
    const struct store_zone zone = {
        .id = id_new(),
        .account_id = account.id,
        .name = arena_copy(&change->arena, hostname_span(&name)),
        .name_servers = change->door->name_servers,
        .status = served ? SPAN("active") : SPAN("pending"),
        .type = SPAN("full"),
        .verification_key = arena_copy(&change->arena, id_span(&verification_key)),
        .activated_at_us = served ? change->now_us : 0,
        .plan = PLAN_FREE,
        .created_at_us = change->now_us,
        .modified_at_us = change->now_us,
    };
    TRY(check_claims(change, &zone, problem));
    TRY(store_zone_insert(change->conn, &zone));
    TRY(audit_zone(change, "zone.create", NULL, &zone));
    *out = zone.id;
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

static enum err edit_plan(struct change *change, struct store_zone *zone, struct span slug,
                          struct problem *problem)
{
    enum plan plan;
    if (plan_parse(slug, &plan) != ERR_OK)
        return problem_set(problem, ERR_INVALID, "plan",
                           "must be free, pro, business or enterprise");
    if (plan != zone->plan)
        TRY(change_permit(change, &zone->account_id, PERMISSION_ZONE_PLAN, problem));
    zone->plan = plan;
    return ERR_OK;
}

enum err change_zone_edit(struct change *change, const struct id *zone_id,
                          const struct change_zone_edit *edit, struct problem *problem)
{
    struct store_zone before;
    TRY(change_find_zone(change, zone_id, PERMISSION_ZONE_EDIT, &before, problem));
    struct store_zone after = before;
    if (edit->plan_given)
        TRY(edit_plan(change, &after, edit->plan, problem));
    if (edit->paused_given)
        after.paused = edit->paused;
    after.modified_at_us = change->now_us;
    TRY(store_zone_update(change->conn, &after));
    TRY(audit_zone(change, "zone.edit", &before, &after));
    return change_touch(change, (struct change_zone){after.id, false}, problem);
}

enum err change_zone_activate(struct change *change, const struct id *zone_id,
                              struct problem *problem)
{
    struct store_zone before;
    TRY(change_find_zone(change, zone_id, PERMISSION_PLATFORM, &before, problem));
    struct store_zone after = before;
    after.status = SPAN("active");
    after.modified_at_us = change->now_us;
    if (store_zone_is_pending(&before))
        after.activated_at_us = change->now_us;
    TRY(store_zone_update(change->conn, &after));
    TRY(audit_zone(change, "zone.activate", &before, &after));
    return change_touch(change, (struct change_zone){after.id, false}, problem);
}

enum err change_zone_delete(struct change *change, const struct id *zone_id,
                            struct problem *problem)
{
    struct store_zone zone;
    TRY(change_find_zone(change, zone_id, PERMISSION_ZONE_EDIT, &zone, problem));
    TRY(store_zone_delete(change->conn, &zone));
    TRY(audit_zone(change, "zone.delete", &zone, NULL));
    return change_touch(change, (struct change_zone){zone.id, true}, problem);
}
