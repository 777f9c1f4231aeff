/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_document.c - what the edges are told of a touched zone: its document or a tombstone.
 */
#include "common/base/map.h"
#include "common/model/zone_document.h"
#include "control/change/change_int.h"
#include "control/store/store_documents.h"

static enum err load_rows(struct change *change, const struct id *zone_id, struct zone_rows *out)
{
    struct store_scope all = change_all();
    struct arena *arena = &change->arena;
    TRY(store_zone_get(change->conn, &all, zone_id, arena, &out->zone));
    TRY(store_settings_load(change->conn, &all, zone_id, out->settings));
    TRY(store_records_proxied(change->conn, zone_id, arena, &out->records));
    TRY(store_override_list(change->conn, zone_id, out->zone.plan, arena, &out->overrides));
    return store_certificate_list(change->conn, &all, zone_id, arena, &out->certificates);
}

static void fill_origin(const struct store_record *record, struct zone_origin *out)
{
    *out = (struct zone_origin){
        .address = record->content,
        .host_header = record->origin_host_header,
        .sni = record->origin_sni,
        .port = (uint16_t)record->origin_port,
    };
}

/* Records come in the order of names: each run of one name is a hostname. */
static void fill_hostnames(struct change *change, const struct store_record_list *records,
                           struct zone_document *document)
{
    struct zone_origin *origins =
        arena_calloc(&change->arena, records->count + 1, sizeof(*origins));
    struct zone_hostname *hostnames =
        arena_calloc(&change->arena, records->count + 1, sizeof(*hostnames));
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct store_record *record = &records->rows[i];
        fill_origin(record, &origins[i]);
        if (count == 0 || !span_equal(hostnames[count - 1].name, record->name))
            hostnames[count++] = (struct zone_hostname){record->name, &origins[i], 0};
        hostnames[count - 1].origin_count++;
    }
    document->hostnames = hostnames;
    document->hostname_count = count;
}

/* Apart: what visitors see, and what origins see. */
static void fill_certificates(struct change *change, const struct store_certificate_list *list,
                              struct zone_document *out)
{
    struct arena *arena = &change->arena;
    out->certificates = arena_calloc(arena, list->count + 1, sizeof(struct id));
    out->client_certificates = arena_calloc(arena, list->count + 1, sizeof(struct id));
    for (size_t i = 0; i < list->count; i++) {
        const struct store_certificate *row = &list->rows[i];
        if (row->client)
            out->client_certificates[out->client_certificate_count++] = row->id;
        else
            out->certificates[out->certificate_count++] = row->id;
    }
}

/* Rows come by setting: each is put to what there is of its hostname. */
static void fill_overrides(struct change *change, const struct store_override_list *list,
                           struct zone_document *document)
{
    struct map by_name;
    document->overrides =
        arena_calloc(&change->arena, list->count + 1, sizeof(*document->overrides));
    map_init(&by_name);
    for (size_t i = 0; i < list->count; i++) {
        const struct store_override *row = &list->rows[i];
        struct zone_override *of_name = map_get(&by_name, row->hostname);
        if (!of_name) {
            of_name = &document->overrides[document->override_count++];
            of_name->name = row->hostname;
            (void)map_put(&by_name, row->hostname, of_name);
        }
        of_name->given[row->setting] = true;
        of_name->values[row->setting] = row->value;
    }
    map_release(&by_name);
}

static void fill_document(struct change *change, const struct zone_rows *rows,
                          struct zone_document *out)
{
    *out = (struct zone_document){
        .zone_id = rows->zone.id,
        .account_id = rows->zone.account_id,
        .name = rows->zone.name,
        .plan = rows->zone.plan,
        .paused = rows->zone.paused,
    };
    for (size_t i = 0; i < SETTING_COUNT; i++)
        out->settings[i] = rows->settings[i].value;
    fill_certificates(change, &rows->certificates, out);
    fill_hostnames(change, &rows->records, out);
    fill_overrides(change, &rows->overrides, out);
}

/* changed = SHA-256(changed || SHA-256(zone id || digest of the document)). */
static void add_changed(struct digest *changed, const struct store_document *document)
{
    struct digest zone = digest_of(id_span(&document->zone_id));
    struct digest item = digest_chain(&zone, &document->digest);
    *changed = digest_chain(changed, &item);
}

static enum err put_document(struct change *change, const struct zone_document *document,
                             struct store_document *row, struct problem *problem)
{
    struct buf body;
    buf_init(&body, LIMIT_DOCUMENT_BYTES);
    zone_document_encode(document, &body);
    enum err err = ERR_OK;
    if (body.overflowed)
        err =
            problem_set(problem, ERR_LIMIT, "zone",
                        "its hostnames and origins need more than %d bytes", LIMIT_DOCUMENT_BYTES);
    if (err == ERR_OK) {
        row->body = buf_span(&body);
        row->digest = digest_of(row->body);
        err = store_document_put(change->conn, row);
    }
    buf_release(&body);
    return err;
}

static enum err bury(struct change *change, struct store_document *row)
{
    row->deleted = true;
    row->digest = digest_of(SPAN_EMPTY);
    return store_document_put(change->conn, row);
}

enum err change_document_write(struct change *change, const struct change_zone *zone,
                               uint64_t revision, struct digest *changed, struct problem *problem)
{
    struct store_document row = {.zone_id = zone->id, .revision = revision};
    if (zone->deleted) {
        TRY(bury(change, &row));
        add_changed(changed, &row);
        return ERR_OK;
    }
    struct zone_rows rows;
    TRY(load_rows(change, &zone->id, &rows));
    /* Nobody has shown yet that it is his: the edges are told that there is none. */
    if (store_zone_is_pending(&rows.zone)) {
        TRY(bury(change, &row));
    } else {
        struct zone_document document;
        TRY(change_cover(change, &rows, problem));
        fill_document(change, &rows, &document);
        TRY(zone_check(&document, problem));
        TRY(put_document(change, &document, &row, problem));
        TRY(store_certificates_stamp(change->conn, &zone->id, revision));
    }
    add_changed(changed, &row);
    return ERR_OK;
}
