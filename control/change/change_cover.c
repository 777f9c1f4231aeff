/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_cover.c - the zone's local certificate: what it must name, and signing it anew.
 *
 *      needed = zone, *.zone, each proxied hostname that neither they nor a custom one cover
 *      the local certificate names all of needed and does not end soon --> it stays
 */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/model/certificate.h"
#include "control/change/change_certificate.h"
#include "control/change/change_int.h"

#define RENEW_S ((uint64_t)CHANGE_RENEW_DAYS * 86400)

struct cover {
    struct change *change;
    const struct zone_rows *rows;
    struct hostname *needed; /* CERTIFICATE_NAMES_MAX */
    size_t needed_count;
    struct problem *problem;
};

static bool covered_by_name(struct span name, struct span host)
{
    struct hostname wildcard;
    if (span_equal(name, host))
        return true;
    return hostname_wildcard_of(host, &wildcard) && span_equal(name, hostname_span(&wildcard));
}

/* names: "example.com *.example.com" */
static bool covered_by_names(struct span names, struct span host)
{
    while (names.len > 0)
        if (covered_by_name(span_split(&names, ' '), host))
            return true;
    return false;
}

static bool covered_by_custom(const struct cover *cover, struct span host)
{
    uint64_t now_s = cover->change->now_us / 1000000;
    for (size_t i = 0; i < cover->rows->certificates.count; i++) {
        const struct store_certificate *row = &cover->rows->certificates.rows[i];
        if (!row->local && !row->client && row->not_after_s > now_s &&
            covered_by_names(row->names, host))
            return true;
    }
    return false;
}

static bool covered_by_needed(const struct cover *cover, struct span host)
{
    for (size_t i = 0; i < cover->needed_count; i++)
        if (covered_by_name(hostname_span(&cover->needed[i]), host))
            return true;
    return false;
}

static enum err need(struct cover *cover, struct span host)
{
    struct hostname *name = &cover->needed[cover->needed_count];
    if (cover->needed_count == CERTIFICATE_NAMES_MAX)
        return problem_set(cover->problem, ERR_LIMIT, "name",
                           "more than %d hostnames need a certificate: upload one for some",
                           CERTIFICATE_NAMES_MAX);
    TRY(hostname_parse(host, HOSTNAME_WILDCARD, name, cover->problem));
    cover->needed_count++;
    return ERR_OK;
}

static enum err collect_needed(struct cover *cover)
{
    const struct store_record_list *records = &cover->rows->records;
    struct hostname star;
    struct span zone = cover->rows->zone.name;
    TRY(need(cover, zone));
    /* A name of the full length has no room for a star. */
    star.len = (size_t)snprintf(star.text, sizeof(star.text), "*.%.*s", SPAN_ARG(zone));
    if (star.len < sizeof(star.text))
        TRY(need(cover, hostname_span(&star)));
    for (size_t i = 0; i < records->count; i++) {
        struct span host = records->rows[i].name;
        if (!covered_by_needed(cover, host) && !covered_by_custom(cover, host))
            TRY(need(cover, host));
    }
    return ERR_OK;
}

/* The local one is the last of the list. */
static struct store_certificate *local_row(const struct zone_rows *rows)
{
    size_t count = rows->certificates.count;
    return count > 0 && rows->certificates.rows[count - 1].local
               ? &rows->certificates.rows[count - 1]
               : NULL;
}

static bool suffices(const struct cover *cover, const struct store_certificate *local)
{
    if (!local || local->not_after_s < cover->change->now_us / 1000000 + RENEW_S)
        return false;
    for (size_t i = 0; i < cover->needed_count; i++)
        if (!covered_by_names(local->names, hostname_span(&cover->needed[i])))
            return false;
    return true;
}

static enum err sign(struct cover *cover, struct buf *chain_out, struct buf *key_out)
{
    struct buf ca_chain, ca_key;
    buf_init(&ca_chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&ca_key, LIMIT_PRIVATE_KEY_BYTES);
    enum err err = store_ca_get(cover->change->conn, &ca_chain, &ca_key);
    if (err == ERR_OK) {
        struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
        err = certificate_sign(&ca, cover->needed, cover->needed_count,
                               cover->change->now_us / 1000000, chain_out, key_out);
    } else if (err == ERR_NOT_FOUND) {
        err = problem_set(cover->problem, ERR_INTERNAL, "", "the store has no local CA");
    }
    if (ca_key.len > 0)
        mem_wipe(ca_key.ptr, ca_key.len);
    buf_release(&ca_key);
    buf_release(&ca_chain);
    return err;
}

static enum err insert_signed(struct cover *cover, struct span chain, struct span key,
                              struct store_certificate *out)
{
    struct change *change = cover->change;
    struct certificate_facts facts;
    struct hostname *names = arena_calloc(&change->arena, CERTIFICATE_NAMES_MAX, sizeof(*names));
    TRY(certificate_inspect(chain, key, change->now_us / 1000000, names, &facts, cover->problem));
    *out = change_certificate_row(change, &facts);
    out->zone_id = cover->rows->zone.id;
    out->local = true;
    out->chain_pem = arena_copy(&change->arena, chain);
    return store_certificate_insert(change->conn, out, key);
}

static enum err replace(struct cover *cover, struct zone_rows *rows)
{
    struct store_certificate *old = local_row(rows), made;
    struct buf chain, key;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES);
    enum err err = sign(cover, &chain, &key);
    if (err == ERR_OK && old)
        err = store_certificate_delete(cover->change->conn, &rows->zone.id, &old->id);
    if (err == ERR_OK)
        err = insert_signed(cover, buf_span(&chain), buf_span(&key), &made);
    if (key.len > 0)
        mem_wipe(key.ptr, key.len);
    buf_release(&key);
    buf_release(&chain);
    TRY(err);
    if (!old)
        old = &rows->certificates.rows[rows->certificates.count++];
    *old = made;
    return ERR_OK;
}

enum err change_cover(struct change *change, struct zone_rows *rows, struct problem *problem)
{
    struct cover cover = {.change = change, .rows = rows, .problem = problem};
    cover.needed = arena_calloc(&change->arena, CERTIFICATE_NAMES_MAX, sizeof(*cover.needed));
    TRY(collect_needed(&cover));
    return suffices(&cover, local_row(rows)) ? ERR_OK : replace(&cover, rows);
}
