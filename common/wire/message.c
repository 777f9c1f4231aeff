/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - each message written and read, as neighbours (schema/wire.md has the bytes).
 *
 * put_<member> and take_<member> name the same fields in the same order; the switches at the end
 * come from message_table.h, so that a message without either does not compile.
 */
#include "common/wire/message.h"

#include "common/base/text.h"
#include "common/wire/payload.h"

#define EDGE_ID_BYTES_MAX 63

_Static_assert(LIMIT_DOCUMENT_BYTES + 256 <= LIMIT_FRAME_BYTES, "a document fits into a frame");
_Static_assert(LIMIT_CERTIFICATE_BYTES + LIMIT_PRIVATE_KEY_BYTES + 256 <= LIMIT_FRAME_BYTES,
               "a certificate fits into a frame");
_Static_assert(MESSAGE_ZONES_MAX *ID_TEXT_BYTES + 256 <= LIMIT_FRAME_BYTES,
               "a list of zones fits into a frame");

/* ---- the feed: edge and control */

static void put_hello(const struct message_hello *m, struct buf *out)
{
    payload_put_id(out, &m->epoch);
    payload_put_u64(out, m->revision);
    payload_put_digest(out, &m->chain);
    payload_put_u32(out, m->worker_count);
    payload_put_bytes(out, m->edge_id);
}

static bool is_edge_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text_lower(text.ptr[i]);
        if (!text_is_digit(c) && (uint8_t)(c - 'a') >= 26 && c != '-' && c != '.' && c != '_')
            return false;
    }
    return text.len > 0;
}

static void take_hello(struct payload_reader *reader, struct message_hello *out)
{
    out->epoch = payload_take_id(reader, PAYLOAD_ID_MAY_BE_EMPTY, "epoch");
    out->revision = payload_take_u64(reader, "revision");
    out->chain = payload_take_digest(reader, "chain");
    out->worker_count = payload_take_u32(reader, "worker_count");
    out->edge_id = payload_take_bytes(reader, EDGE_ID_BYTES_MAX, "edge_id");
    if (out->worker_count > LIMIT_WORKERS)
        payload_refuse(reader, "worker_count", "is more than an edge may have");
    if (!is_edge_id(out->edge_id))
        payload_refuse(reader, "edge_id", "must be letters, digits, '-', '.' and '_'");
}

static void put_begin(const struct message_begin *m, struct buf *out)
{
    payload_put_id(out, &m->epoch);
    payload_put_u64(out, m->revision);
    payload_put_bool(out, m->full);
}

static void take_begin(struct payload_reader *reader, struct message_begin *out)
{
    out->epoch = payload_take_id(reader, PAYLOAD_ID_NEEDED, "epoch");
    out->revision = payload_take_u64(reader, "revision");
    out->full = payload_take_bool(reader, "full");
}

static void put_document(const struct message_document *m, struct buf *out)
{
    payload_put_id(out, &m->zone_id);
    payload_put_u64(out, m->revision);
    payload_put_digest(out, &m->digest);
    payload_put_bytes(out, m->body);
}

static void take_document(struct payload_reader *reader, struct message_document *out)
{
    out->zone_id = payload_take_id(reader, PAYLOAD_ID_NEEDED, "zone_id");
    out->revision = payload_take_u64(reader, "revision");
    out->digest = payload_take_digest(reader, "digest");
    out->body = payload_take_bytes(reader, LIMIT_DOCUMENT_BYTES, "body");
    if (reader->err != ERR_OK)
        return;
    struct digest digest = digest_of(out->body);
    if (!digest_equal(&digest, &out->digest))
        payload_refuse(reader, "digest", "is not that of the body");
}

static void put_tombstone(const struct message_tombstone *m, struct buf *out)
{
    payload_put_id(out, &m->zone_id);
    payload_put_u64(out, m->revision);
}

static void take_tombstone(struct payload_reader *reader, struct message_tombstone *out)
{
    out->zone_id = payload_take_id(reader, PAYLOAD_ID_NEEDED, "zone_id");
    out->revision = payload_take_u64(reader, "revision");
}

static void put_certificate(const struct message_certificate *m, struct buf *out)
{
    payload_put_id(out, &m->certificate_id);
    payload_put_id(out, &m->zone_id);
    payload_put_u64(out, m->revision);
    payload_put_bytes(out, m->chain_pem);
    payload_put_bytes(out, m->key_pem);
}

static void take_certificate(struct payload_reader *reader, struct message_certificate *out)
{
    out->certificate_id = payload_take_id(reader, PAYLOAD_ID_NEEDED, "certificate_id");
    out->zone_id = payload_take_id(reader, PAYLOAD_ID_MAY_BE_EMPTY, "zone_id");
    out->revision = payload_take_u64(reader, "revision");
    out->chain_pem = payload_take_bytes(reader, LIMIT_CERTIFICATE_BYTES, "chain_pem");
    out->key_pem = payload_take_bytes(reader, LIMIT_PRIVATE_KEY_BYTES, "key_pem");
    if (reader->err == ERR_OK && (out->zone_id.text[0] == '\0') != (out->key_pem.len == 0))
        payload_refuse(reader, "key_pem", "comes with a zone, and only then");
}

static void put_commit(const struct message_commit *m, struct buf *out)
{
    payload_put_u64(out, m->revision);
    payload_put_digest(out, &m->chain);
}

static void take_commit(struct payload_reader *reader, struct message_commit *out)
{
    out->revision = payload_take_u64(reader, "revision");
    out->chain = payload_take_digest(reader, "chain");
}

static void put_ack(const struct message_ack *m, struct buf *out)
{
    payload_put_u64(out, m->revision);
    payload_put_u32(out, m->workers_applied);
    payload_put_u32(out, m->workers);
    payload_put_u64(out, m->took_us);
}

static void take_ack(struct payload_reader *reader, struct message_ack *out)
{
    out->revision = payload_take_u64(reader, "revision");
    out->workers_applied = payload_take_u32(reader, "workers_applied");
    out->workers = payload_take_u32(reader, "workers");
    out->took_us = payload_take_u64(reader, "took_us");
    if (out->workers > LIMIT_WORKERS || out->workers_applied > out->workers)
        payload_refuse(reader, "workers", "is more than an edge may have, or less than applied");
}

static void put_nack(const struct message_nack *m, struct buf *out)
{
    payload_put_id(out, &m->zone_id);
    payload_put_u64(out, m->revision);
    payload_put_bytes(out, m->path);
    payload_put_bytes(out, m->text);
}

static void take_nack(struct payload_reader *reader, struct message_nack *out)
{
    struct problem *sizes = NULL;
    out->zone_id = payload_take_id(reader, PAYLOAD_ID_NEEDED, "zone_id");
    out->revision = payload_take_u64(reader, "revision");
    out->path = payload_take_bytes(reader, sizeof(sizes->path) - 1, "path");
    out->text = payload_take_bytes(reader, sizeof(sizes->text) - 1, "text");
}

static void put_heartbeat(const struct message_heartbeat *m, struct buf *out)
{
    payload_put_u64(out, m->revision);
}

static void take_heartbeat(struct payload_reader *reader, struct message_heartbeat *out)
{
    out->revision = payload_take_u64(reader, "revision");
}

static void put_event(const struct message_event *m, struct buf *out)
{
    payload_put_id(out, &m->of.zone_id);
    payload_put_u32(out, m->of.reason);
    payload_put_u64(out, m->of.at_s);
    payload_put_u64(out, m->of.until_s);
    payload_put_bytes(out, m->of.origin);
    payload_put_bytes(out, m->of.sni);
}

static bool is_visible(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

static void take_event(struct payload_reader *reader, struct message_event *out)
{
    out->of.zone_id = payload_take_id(reader, PAYLOAD_ID_NEEDED, "zone_id");
    uint32_t reason = payload_take_u32(reader, "reason");
    out->of.at_s = payload_take_u64(reader, "at_s");
    out->of.until_s = payload_take_u64(reader, "until_s");
    out->of.origin = payload_take_bytes(reader, ORIGIN_PLACE_TEXT_BYTES, "origin");
    out->of.sni = payload_take_bytes(reader, LIMIT_HOSTNAME_BYTES, "sni");
    if (!origin_reason_known(reason))
        payload_refuse(reader, "reason", "is not one");
    else
        out->of.reason = (enum origin_reason)reason;
    if (out->of.at_s > MESSAGE_WALL_MAX_S || out->of.until_s > MESSAGE_WALL_MAX_S)
        payload_refuse(reader, "at_s", "is too far away");
    if (out->of.origin.len == 0 || !is_visible(out->of.origin) || !is_visible(out->of.sni))
        payload_refuse(reader, "origin", "must be visible ASCII");
}

/* ---- the worker channel: supervisor and worker */

static void put_worker_ready(const struct message_worker_ready *m, struct buf *out)
{
    payload_put_u32(out, m->pid);
}

static void take_worker_ready(struct payload_reader *reader, struct message_worker_ready *out)
{
    out->pid = payload_take_u32(reader, "pid");
}

static void put_zones_changed(const struct message_zones_changed *m, struct buf *out)
{
    ASSERT(m->zone_count <= MESSAGE_ZONES_MAX && (!m->all || m->zone_count == 0));
    ASSERT(m->zone_ids.len == m->zone_count * ID_TEXT_BYTES);
    payload_put_u64(out, m->revision);
    payload_put_bool(out, m->all);
    payload_put_u32(out, (uint32_t)m->zone_count);
    buf_append(out, m->zone_ids);
}

static void take_zones_changed(struct payload_reader *reader, struct message_zones_changed *out)
{
    out->revision = payload_take_u64(reader, "revision");
    out->all = payload_take_bool(reader, "all");
    out->zone_count = payload_take_u32(reader, "zone_count");
    if (out->zone_count > MESSAGE_ZONES_MAX || (out->all && out->zone_count > 0))
        payload_refuse(reader, "zone_count", "is too large");
    out->zone_ids = payload_take(reader, out->zone_count * ID_TEXT_BYTES, "zone_ids");
    struct payload_reader ids = {.left = out->zone_ids, .problem = reader->problem};
    while (ids.left.len > 0)
        (void)payload_take_id(&ids, PAYLOAD_ID_NEEDED, "zone_ids");
    if (ids.err != ERR_OK)
        reader->err = ids.err;
}

static void put_zones_forgotten(const struct message_zones_forgotten *m, struct buf *out)
{
    payload_put_u64(out, m->revision);
}

static void take_zones_forgotten(struct payload_reader *reader, struct message_zones_forgotten *out)
{
    out->revision = payload_take_u64(reader, "revision");
}

static void put_drain(const struct message_drain *m, struct buf *out)
{
    payload_put_u64(out, m->timeout_ms);
}

static void take_drain(struct payload_reader *reader, struct message_drain *out)
{
    out->timeout_ms = payload_take_u64(reader, "timeout_ms");
}

static void put_adopt(const struct message_adopt *m, struct buf *out)
{
    payload_put_u32(out, m->pid);
    payload_put_u32(out, m->slot);
    payload_put_digest(out, &m->identity);
}

static void take_adopt(struct payload_reader *reader, struct message_adopt *out)
{
    out->pid = payload_take_u32(reader, "pid");
    out->slot = payload_take_u32(reader, "slot");
    out->identity = payload_take_digest(reader, "identity");
    if (out->slot >= LIMIT_WORKERS)
        payload_refuse(reader, "slot", "is more than an edge may have");
}

static void put_protocol(const struct message_protocol *m, struct buf *out)
{
    payload_put_digest(out, &m->learned.origin);
    payload_put_u32(out, m->learned.fact);
    payload_put_u32(out, m->learned.count);
    payload_put_u64(out, m->learned.until_s);
}

static void take_protocol(struct payload_reader *reader, struct message_protocol *out)
{
    out->learned.origin = payload_take_digest(reader, "origin");
    uint32_t fact = payload_take_u32(reader, "fact");
    out->learned.count = payload_take_u32(reader, "count");
    out->learned.until_s = payload_take_u64(reader, "until_s");
    if (!origin_fact_known(fact))
        payload_refuse(reader, "fact", "is not one");
    else
        out->learned.fact = (enum origin_fact)fact;
    if (out->learned.until_s > MESSAGE_WALL_MAX_S)
        payload_refuse(reader, "until_s", "is too far away");
}

static void put_ticket_keys(const struct message_ticket_keys *m, struct buf *out)
{
    payload_put_u32(out, m->lifetime_s);
    payload_put_u64(out, m->rotate_at_s);
    payload_put_bytes(out, m->keys);
}

static void take_ticket_keys(struct payload_reader *reader, struct message_ticket_keys *out)
{
    out->lifetime_s = payload_take_u32(reader, "lifetime_s");
    out->rotate_at_s = payload_take_u64(reader, "rotate_at_s");
    out->keys = payload_take_bytes(reader, LIMIT_TICKET_KEYS * LIMIT_TICKET_KEY_BYTES, "keys");
    if (out->lifetime_s == 0 || out->lifetime_s > LIMIT_TICKET_ROTATION_MS / 1000)
        payload_refuse(reader, "lifetime_s", "is none, or too long");
    if (out->rotate_at_s > MESSAGE_WALL_MAX_S)
        payload_refuse(reader, "rotate_at_s", "is too far away");
    if (out->keys.len < 2 * (size_t)LIMIT_TICKET_KEY_BYTES ||
        out->keys.len % LIMIT_TICKET_KEY_BYTES != 0)
        payload_refuse(reader, "keys", "must be the next and the current one, at least");
}

/* ---- all of them */

const char *message_name(enum message_kind kind)
{
    switch (kind) {
#define X(name, member, number, direction) \
    case MESSAGE_##name:                   \
        return #name;
        MESSAGE_TABLE(X)
#undef X
    }
    return "UNKNOWN";
}

void message_encode(const struct message *message, struct buf *out)
{
    size_t mark = frame_begin(out, (uint8_t)message->kind);
    switch (message->kind) {
#define X(name, member, number, direction)   \
    case MESSAGE_##name:                     \
        put_##member(&message->member, out); \
        break;
        MESSAGE_TABLE(X)
#undef X
    }
    frame_end(out, mark);
}

enum err message_decode(const struct frame *frame, struct message *out, struct problem *problem)
{
    struct payload_reader reader = {.left = frame->payload, .problem = problem};
    memset(out, 0, sizeof(*out));
    switch (frame->kind) {
#define X(name, member, number, direction)    \
    case (number):                            \
        out->kind = MESSAGE_##name;           \
        take_##member(&reader, &out->member); \
        break;
        MESSAGE_TABLE(X)
#undef X
    default:
        return problem_set(problem, ERR_PROTOCOL, "kind", "%u is not a message", frame->kind);
    }
    enum err err = payload_finish(&reader);
    if (err != ERR_OK)
        memset(out, 0, sizeof(*out));
    return err;
}
