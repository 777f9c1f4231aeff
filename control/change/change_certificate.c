/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_certificate.c - the certificates that a zone shows: to visitors, and to its origins.
 */
#include "control/change/change_certificate.h"

#include "common/base/clock.h"
#include "common/model/certificate.h"
#include "control/change/change_int.h"

#define NAMES_BYTES_MAX (CERTIFICATE_NAMES_MAX * (LIMIT_HOSTNAME_BYTES + 1))
#define RENEW_S ((uint64_t)CHANGE_RENEW_DAYS * 86400)

static struct span join_names(struct change *change, const struct certificate_facts *facts)
{
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    for (size_t i = 0; i < facts->name_count; i++) {
        if (i > 0)
            buf_append_byte(&names, ' ');
        buf_append(&names, hostname_span(&facts->names[i]));
    }
    ASSERT(!names.overflowed);
    struct span joined = arena_copy(&change->arena, buf_span(&names));
    buf_release(&names);
    return joined;
}

struct store_certificate change_certificate_row(struct change *change,
                                                const struct certificate_facts *facts)
{
    struct arena *arena = &change->arena;
    return (struct store_certificate){
        .id = id_new(),
        .names = join_names(change, facts),
        .issuer = arena_copy(arena, span_str(facts->issuer)),
        .serial = arena_copy(arena, span_str(facts->serial)),
        .signature = arena_copy(arena, span_str(facts->signature)),
        .fingerprint = arena_copy(arena, span_str(facts->fingerprint_sha256)),
        .not_before_s = facts->not_before_s,
        .not_after_s = facts->not_after_s,
        .created_at_us = change->now_us,
    };
}

static bool serves_zone(const struct certificate_facts *facts, struct span zone)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (hostname_within(hostname_span(&facts->names[i]), zone))
            return true;
    return certificate_covers(facts, zone);
}

static enum err inspect(struct change *change, const struct change_certificate_spec *spec,
                        struct span zone, struct certificate_facts *out, struct problem *problem)
{
    uint64_t now_s = change->now_us / 1000000;
    struct hostname *names = arena_calloc(&change->arena, CERTIFICATE_NAMES_MAX, sizeof(*names));
    if (spec->chain_pem.len > LIMIT_CERTIFICATE_BYTES)
        return problem_set(problem, ERR_INVALID, "certificate", "has more than %d bytes",
                           LIMIT_CERTIFICATE_BYTES);
    if (spec->key_pem.len > LIMIT_PRIVATE_KEY_BYTES)
        return problem_set(problem, ERR_INVALID, "private_key", "has more than %d bytes",
                           LIMIT_PRIVATE_KEY_BYTES);
    if (spec->client)
        return certificate_inspect_client(spec->chain_pem, spec->key_pem, now_s, names, out,
                                          problem);
    TRY(certificate_inspect(spec->chain_pem, spec->key_pem, now_s, names, out, problem));
    if (!serves_zone(out, zone))
        return problem_set(problem, ERR_INVALID, "certificate", "names nothing of %.128s",
                           (const char *)arena_cstr(&change->arena, zone));
    return ERR_OK;
}

static enum err audit_certificate(struct change *change, const struct store_zone *zone,
                                  const struct store_certificate *row, bool added)
{
    struct buf json;
    buf_init(&json, 4 * NAMES_BYTES_MAX);
    change_json_certificate(&json, row);
    const struct change_entry entry = {
        .action = added ? "certificate.create" : "certificate.delete",
        .account_id = zone->account_id,
        .zone_id = zone->id,
        .old_json = added ? NULL : &json,
        .new_json = added ? &json : NULL,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

/* One place of LIMIT_ZONE_CERTIFICATES is the local one's. */
static enum err check_room(struct change *change, const struct store_zone *zone, bool client,
                           struct problem *problem)
{
    struct store_scope all = change_all();
    struct store_certificate_list list;
    size_t count_max = client ? LIMIT_ZONE_CLIENT_CERTIFICATES : LIMIT_ZONE_CERTIFICATES - 1;
    size_t count = 0;
    TRY(store_certificate_list(change->conn, &all, &zone->id, &change->arena, &list));
    for (size_t i = 0; i < list.count; i++)
        count += !list.rows[i].local && list.rows[i].client == client ? 1 : 0;
    if (count < count_max)
        return ERR_OK;
    return problem_set(problem, ERR_LIMIT, "certificate", "a zone may have %zu certificates%s",
                       count_max, client ? " for its origins" : "");
}

enum err change_certificate_create(struct change *change, const struct id *zone_id,
                                   const struct change_certificate_spec *spec, struct id *out,
                                   struct problem *problem)
{
    struct store_zone zone;
    struct certificate_facts facts;
    TRY(change_find_zone(change, zone_id, PERMISSION_CERTIFICATE_EDIT, &zone, problem));
    TRY(inspect(change, spec, zone.name, &facts, problem));
    TRY(check_room(change, &zone, spec->client, problem));
    struct store_certificate row = change_certificate_row(change, &facts);
    row.zone_id = zone.id;
    row.client = spec->client;
    row.chain_pem = spec->chain_pem;
    TRY(store_certificate_insert(change->conn, &row, spec->key_pem));
    TRY(audit_certificate(change, &zone, &row, true));
    *out = row.id;
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

static enum err find_uploaded(struct change *change, const struct id *zone_id,
                              const struct id *certificate_id, struct store_certificate *out,
                              struct problem *problem)
{
    enum err err = store_certificate_get(change->conn, &change->actor.scope, zone_id,
                                         certificate_id, &change->arena, out);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && (out->local || out->client)))
        return problem_set(problem, ERR_NOT_FOUND, "", "no such certificate");
    return err;
}

enum err change_certificate_replace(struct change *change, const struct id *zone_id,
                                    const struct id *certificate_id,
                                    const struct change_certificate_spec *spec, struct id *out,
                                    struct problem *problem)
{
    struct store_certificate before;
    TRY(find_uploaded(change, zone_id, certificate_id, &before, problem));
    TRY(change_certificate_delete(change, zone_id, certificate_id, problem));
    TRY(change_certificate_create(change, zone_id, spec, out, problem));
    return store_certificate_prioritise(change->conn, zone_id, out, before.priority);
}

enum err change_certificate_prioritise(struct change *change, const struct id *zone_id,
                                       const struct id *certificate_id, uint64_t priority,
                                       struct problem *problem)
{
    struct store_zone zone;
    struct store_certificate row;
    TRY(change_find_zone(change, zone_id, PERMISSION_CERTIFICATE_EDIT, &zone, problem));
    TRY(find_uploaded(change, zone_id, certificate_id, &row, problem));
    TRY(store_certificate_prioritise(change->conn, zone_id, certificate_id, priority));
    struct buf json;
    buf_init(&json, CHANGE_JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(certificate_id));
    change_json_number(&json, "priority", priority);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {
        .action = "certificate.prioritise",
        .account_id = zone.account_id,
        .zone_id = zone.id,
        .new_json = &json,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    TRY(err);
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

struct change_certificate_choice {
    struct id id;
    bool client;
};

static enum err delete_uploaded(struct change *change, const struct id *zone_id,
                                const struct change_certificate_choice *choice,
                                struct problem *problem)
{
    const struct id *certificate_id = &choice->id;
    struct store_zone zone;
    struct store_certificate row;
    TRY(change_find_zone(change, zone_id, PERMISSION_CERTIFICATE_EDIT, &zone, problem));
    enum err err = store_certificate_get(change->conn, &change->actor.scope, zone_id,
                                         certificate_id, &change->arena, &row);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && (row.local || row.client != choice->client)))
        return problem_set(problem, ERR_NOT_FOUND, "", "no such certificate");
    TRY(err);
    TRY(store_certificate_delete(change->conn, zone_id, certificate_id));
    TRY(audit_certificate(change, &zone, &row, false));
    return change_touch(change, (struct change_zone){zone.id, false}, problem);
}

enum err change_certificate_delete(struct change *change, const struct id *zone_id,
                                   const struct id *certificate_id, struct problem *problem)
{
    const struct change_certificate_choice choice = {*certificate_id, false};
    return delete_uploaded(change, zone_id, &choice, problem);
}

enum err change_client_certificate_delete(struct change *change, const struct id *zone_id,
                                          const struct id *certificate_id, struct problem *problem)
{
    const struct change_certificate_choice choice = {*certificate_id, true};
    return delete_uploaded(change, zone_id, &choice, problem);
}

/* The commit signs anew what ends soon; this only makes it look. */
static enum err renew_zone(const struct change_door *door, const struct id *zone_id)
{
    const struct change_actor console = {.scope = change_all()};
    struct change *change = NULL;
    struct store_zone zone;
    uint64_t revision = 0;
    TRY(change_begin(door, &console, &change));
    enum err err = change_find_zone(change, zone_id, PERMISSION_CERTIFICATE_EDIT, &zone, NULL);
    if (err == ERR_OK)
        err = change_touch(change, (struct change_zone){zone.id, false}, NULL);
    if (err == ERR_OK) {
        const struct change_entry entry = {
            .action = "certificate.renew", .account_id = zone.account_id, .zone_id = zone.id};
        err = change_audit(change, &entry);
    }
    if (err == ERR_OK)
        err = change_commit(&change, &revision, NULL);
    change_abandon(&change);
    return err;
}

static enum err find_ending(const struct change_door *door, struct id *zone_id)
{
    struct store_conn *conn = NULL;
    TRY(store_read_begin(door->store, &conn));
    enum err err = store_certificate_ending(conn, clock_wall_s() + RENEW_S, zone_id);
    store_read_end(&conn);
    return err;
}

enum err change_certificates_renew(const struct change_door *door)
{
    struct id zone_id;
    enum err err;
    while ((err = find_ending(door, &zone_id)) == ERR_OK)
        TRY(renew_zone(door, &zone_id));
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
