/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_origin_ca.c - certificates for origins, signed by the installation's origin CA.
 */
#include "control/change/change_origin_ca.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "common/model/certificate.h"
#include "control/change/change_int.h"
#include "control/store/store_origin_ca.h"

#define CA_NAME "Trunkline origin CA"
#define NAMES_BYTES_MAX (CHANGE_ORIGIN_NAMES_MAX * (LIMIT_HOSTNAME_BYTES + 1))

/* An opened CA; the key is wiped by close_ca. */
struct origin_ca {
    struct buf chain, key;
    struct certificate_authority authority;
};

static void init_ca(struct origin_ca *ca)
{
    buf_init(&ca->chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&ca->key, LIMIT_PRIVATE_KEY_BYTES);
}

static void close_ca(struct origin_ca *ca)
{
    if (ca->key.cap > 0)
        mem_wipe(ca->key.ptr, ca->key.cap);
    buf_release(&ca->key);
    buf_release(&ca->chain);
}

/* Not told to edges by itself: at bootstrap there is no zone that could need it, and the first
 * revision takes it along. */
enum err change_origin_ca_make(struct change *change)
{
    struct origin_ca ca;
    init_ca(&ca);
    enum err err = certificate_make_ca(CA_NAME, change->now_us / 1000000, &ca.chain, &ca.key);
    if (err == ERR_OK)
        err = store_origin_ca_put(change->conn, buf_span(&ca.chain), buf_span(&ca.key));
    close_ca(&ca);
    return err;
}

/* A store that is older than the CA gets it now. */
static enum err open_ca(struct change *change, struct origin_ca *ca)
{
    enum err err = store_origin_ca_get(change->conn, &ca->chain, &ca->key);
    if (err == ERR_NOT_FOUND) {
        TRY(change_origin_ca_make(change));
        change->origin_ca_changed = true;
        err = store_origin_ca_get(change->conn, &ca->chain, &ca->key);
    }
    ca->authority = (struct certificate_authority){buf_span(&ca->chain), buf_span(&ca->key)};
    return err;
}

/* ---- the names of a request */

struct order {
    struct change *change;
    struct store_origin_certificate row;
    struct hostname names[CHANGE_ORIGIN_NAMES_MAX];
    struct id zones[CHANGE_ORIGIN_NAMES_MAX];
    size_t name_count;
    struct problem *problem;
};

/* The zone that a name lies in, if the actor may sign for it.  A zone of others and none at all are
 * not told apart. */
static enum err find_zone(struct order *order, const struct hostname *name, struct store_zone *out)
{
    struct span rest = hostname_span(name);
    struct store_zone_claim claim;
    enum err err = ERR_NOT_FOUND;
    if (span_starts_with(rest, SPAN("*.")))
        rest = span_skip(rest, 2);
    while (err == ERR_NOT_FOUND && rest.len > 0) {
        err = store_zone_claimed(order->change->conn, rest, &claim);
        (void)span_split(&rest, '.');
    }
    if (err == ERR_OK)
        err = change_find_zone(order->change, &claim.id, PERMISSION_CERTIFICATE_EDIT, out,
                               order->problem);
    /* Edges trust this CA: who has not proven the domain gets nothing signed for it. */
    if (err == ERR_OK && store_zone_is_pending(out))
        return problem_set(order->problem, ERR_INVALID, "hostnames",
                           "%.*s is in a zone that is pending: prove its control first",
                           SPAN_ARG(hostname_span(name)));
    if (err == ERR_NOT_FOUND)
        return problem_set(order->problem, ERR_INVALID, "hostnames",
                           "%.*s is not in a zone of yours", SPAN_ARG(hostname_span(name)));
    return err;
}

static enum err take_name(struct order *order, struct span text)
{
    struct hostname *name = &order->names[order->name_count];
    struct store_zone zone;
    enum err err = hostname_parse(text, HOSTNAME_WILDCARD, name, order->problem);
    if (err != ERR_OK) {
        if (order->problem)
            (void)snprintf(order->problem->path, sizeof(order->problem->path), "hostnames");
        return err;
    }
    TRY(find_zone(order, name, &zone));
    if (order->name_count > 0 && !id_equal(zone.account_id, order->row.account_id))
        return problem_set(order->problem, ERR_INVALID, "hostnames",
                           "are in zones of more than one account");
    order->row.account_id = zone.account_id;
    order->zones[order->name_count++] = zone.id;
    return ERR_OK;
}

static enum err take_names(struct order *order, const struct change_origin_spec *spec)
{
    struct buf joined;
    if (spec->hostname_count == 0 || spec->hostname_count > CHANGE_ORIGIN_NAMES_MAX)
        return problem_set(order->problem, ERR_INVALID, "hostnames", "must be 1 to %d names",
                           CHANGE_ORIGIN_NAMES_MAX);
    buf_init(&joined, NAMES_BYTES_MAX);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < spec->hostname_count; i++) {
        err = take_name(order, spec->hostnames[i]);
        if (i > 0)
            buf_append_byte(&joined, ' ');
        if (err == ERR_OK)
            buf_append(&joined, hostname_span(&order->names[i]));
    }
    order->row.hostnames = arena_copy(&order->change->arena, buf_span(&joined));
    buf_release(&joined);
    return err;
}

static enum err take_terms(struct order *order, const struct change_origin_spec *spec)
{
    static const uint64_t days[] = {7, 30, 90, 365, 730, 1095, CHANGE_ORIGIN_DAYS};
    bool known = false;
    for (size_t i = 0; i < countof(days); i++)
        known = known || days[i] == spec->validity_days;
    if (!known)
        return problem_set(order->problem, ERR_INVALID, "requested_validity",
                           "must be 7, 30, 90, 365, 730, 1095 or 5475 days");
    if (!span_equal(spec->request_type, SPAN("origin-rsa")) &&
        !span_equal(spec->request_type, SPAN("origin-ecc")))
        return problem_set(order->problem, ERR_INVALID, "request_type",
                           "must be `origin-rsa` or `origin-ecc`");
    order->row.request_type = spec->request_type;
    order->row.validity_days = spec->validity_days;
    order->row.csr_pem = spec->csr_pem;
    return ERR_OK;
}

/* ---- operations */

static enum err sign(struct order *order)
{
    struct change *change = order->change;
    const struct certificate_order wanted = {
        .csr_pem = order->row.csr_pem,
        .names = order->names,
        .name_count = order->name_count,
        .time = {change->now_us / 1000000, order->row.validity_days},
    };
    struct origin_ca ca;
    struct buf signed_pem;
    struct certificate_made made;
    init_ca(&ca);
    buf_init(&signed_pem, LIMIT_CERTIFICATE_BYTES);
    enum err err = open_ca(change, &ca);
    if (err == ERR_OK)
        err = certificate_sign_request(&ca.authority, &wanted, &signed_pem, order->problem);
    if (err == ERR_OK && !certificate_describe(buf_span(&signed_pem), &made))
        err = ERR_INTERNAL;
    if (err == ERR_OK) {
        order->row.chain_pem = arena_copy(&change->arena, buf_span(&signed_pem));
        order->row.serial = arena_copy(&change->arena, span_str(made.serial));
        order->row.not_after_s = made.not_after_s;
    }
    close_ca(&ca);
    buf_release(&signed_pem);
    return err;
}

static enum err audit(struct change *change, const struct store_origin_certificate *row, bool added)
{
    struct buf json;
    buf_init(&json, 4 * NAMES_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&row->id));
    change_json_text(&json, "hostnames", row->hostnames);
    change_json_text(&json, "serial", row->serial);
    change_json_number(&json, "not_after_s", row->not_after_s);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {
        .action = added ? "origin_certificate.create" : "origin_certificate.revoke",
        .account_id = row->account_id,
        .old_json = added ? NULL : &json,
        .new_json = added ? &json : NULL,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

enum err change_origin_certificate_create(struct change *change,
                                          const struct change_origin_spec *spec, struct id *out,
                                          struct problem *problem)
{
    struct order *order = arena_new(&change->arena, struct order);
    order->change = change;
    order->problem = problem;
    TRY(take_terms(order, spec));
    TRY(take_names(order, spec));
    TRY(sign(order));
    order->row.id = id_new();
    order->row.created_at_us = change->now_us;
    TRY(store_origin_certificate_insert(change->conn, &order->row));
    for (size_t i = 0; i < order->name_count; i++)
        TRY(store_origin_certificate_link(change->conn, &order->row.id, &order->zones[i]));
    *out = order->row.id;
    return audit(change, &order->row, true);
}

/* The CA's certificate with a new list of what it has revoked. */
static enum err publish_revocations(struct change *change, struct problem *problem)
{
    struct certificate_revocations what = {.now_s = change->now_us / 1000000};
    struct span *serials = NULL;
    enum err err = store_origin_revocations(change->conn, what.now_s, &change->arena, &serials,
                                            &what.serial_count);
    if (err == ERR_LIMIT)
        return problem_set(problem, err, "", "at most %d certificates can be revoked at a time",
                           LIMIT_ORIGIN_REVOCATIONS);
    TRY(err);
    what.serials = serials;
    struct origin_ca ca;
    struct buf chain;
    init_ca(&ca);
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    err = open_ca(change, &ca);
    if (err == ERR_OK)
        err = certificate_revoke(&ca.authority, &what, &chain);
    if (err == ERR_OK)
        err = store_origin_ca_update(change->conn, buf_span(&chain));
    close_ca(&ca);
    buf_release(&chain);
    change->origin_ca_changed = true;
    return err;
}

enum err change_origin_certificate_revoke(struct change *change, const struct id *id,
                                          struct problem *problem)
{
    struct store_origin_certificate row;
    enum err err =
        store_origin_certificate_get(change->conn, &change->actor.scope, id, &change->arena, &row);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "no such certificate");
    TRY(err);
    TRY(change_permit(change, &row.account_id, PERMISSION_CERTIFICATE_EDIT, problem));
    if (row.revoked_at_us != 0)
        return problem_set(problem, ERR_INVALID, "", "the certificate is revoked already");
    TRY(store_origin_certificate_revoke(change->conn, id, change->now_us));
    TRY(audit(change, &row, false));
    return publish_revocations(change, problem);
}
