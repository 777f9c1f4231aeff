/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_link.c - what is said on one link to one edge.
 *
 *   GREETING --[take_hello]--> IDLE --[begin_push]--> STREAMING --[end_push]--> AWAITING_ACK
 *   AWAITING_ACK --[take_ack]--> IDLE
 */
#include "control/publish/edge_link.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/store/store_origin_events.h"

/* One row past the fill mark, and what is said between rows, must fit. */
_Static_assert(EDGE_LINK_FILL_BYTES + LIMIT_FRAME_BYTES + 65536 <= LIMIT_LINK_OUT_BYTES,
               "a row fits into the output of a link");

static void link_check(const struct edge_link *link)
{
    ASSERT((link->state == EDGE_LINK_STREAMING) == (link->feed != NULL));
    ASSERT((link->state == EDGE_LINK_GREETING) == (link->edge.edge_id[0] == '\0'));
    ASSERT(!link->out.overflowed);
}

void edge_link_open(struct edge_link *link, struct store *store, struct propagation *propagation)
{
    *link = (struct edge_link){.store = store, .propagation = propagation};
    frame_reader_init(&link->in);
    buf_init(&link->out, LIMIT_LINK_OUT_BYTES);
    link_check(link);
}

void edge_link_close(struct edge_link *link)
{
    store_feed_close(&link->feed);
    if (link->state != EDGE_LINK_GREETING && !link->superseded)
        propagation_edge_gone(link->propagation, link->edge.edge_id);
    /* Keys may be in it. */
    if (link->out.ptr)
        mem_wipe(link->out.ptr, link->out.len);
    buf_release(&link->out);
    frame_reader_release(&link->in);
}

static void say(struct edge_link *link, const struct message *message)
{
    message_encode(message, &link->out);
}

/* An edge that has revision 0 has nothing to go on from, whatever its epoch. */
static enum err take_hello(struct edge_link *link, const struct message_hello *hello)
{
    if (link->state != EDGE_LINK_GREETING || hello->edge_id.len == 0 ||
        !span_to_cstr(hello->edge_id, link->edge.edge_id, sizeof(link->edge.edge_id)))
        return ERR_PROTOCOL;
    link->state = EDGE_LINK_IDLE;
    bool known = false;
    const struct store_feed_point has = {hello->epoch, hello->revision, hello->chain};
    if (hello->revision > 0 && hello->epoch.text[0] != '\0')
        TRY(store_feed_known(link->store, &has, &known));
    link->full_wanted = !known;
    link->edge.revision = known ? hello->revision : 0;
    link->edge.workers = hello->worker_count;
    link->edge.workers_applied = known ? hello->worker_count : 0;
    propagation_edge_connected(link->propagation, &link->edge);
    log_info("edge_connected", F_STR("edge", link->edge.edge_id),
             F_U64("revision", hello->revision), F_BOOL("full", link->full_wanted));
    return ERR_OK;
}

static enum err take_ack(struct edge_link *link, const struct message_ack *ack)
{
    if (link->state != EDGE_LINK_AWAITING_ACK || ack->revision != link->point.revision)
        return ERR_PROTOCOL;
    link->state = EDGE_LINK_IDLE;
    link->full_wanted = false;
    link->edge.revision = ack->revision;
    link->edge.workers = ack->workers;
    link->edge.workers_applied = ack->workers_applied;
    link->edge.took_us = clock_mono_us() - link->begun_at_us;
    link->edge.applied_at_us = clock_wall_us();
    propagation_edge_applied(link->propagation, &link->edge);
    log_debug("revision_applied", F_STR("edge", link->edge.edge_id),
              F_U64("revision", ack->revision), F_U64("rows", link->row_count),
              F_U64("took_us", link->edge.took_us), F_U64("edge_took_us", ack->took_us));
    return ERR_OK;
}

static enum err take_nack(struct edge_link *link, const struct message_nack *nack)
{
    if (link->state == EDGE_LINK_GREETING)
        return ERR_PROTOCOL;
    struct propagation_refusal refusal = {.zone_id = nack->zone_id, .revision = nack->revision};
    memcpy(refusal.edge_id, link->edge.edge_id, sizeof(refusal.edge_id));
    struct span path = nack->path, text = nack->text;
    /* Another program's words: cut, not believed. */
    if (path.len >= sizeof(refusal.path))
        path.len = sizeof(refusal.path) - 1;
    if (text.len >= sizeof(refusal.text))
        text.len = sizeof(refusal.text) - 1;
    if (!span_to_cstr(path, refusal.path, sizeof(refusal.path)) ||
        !span_to_cstr(text, refusal.text, sizeof(refusal.text)))
        return ERR_PROTOCOL;
    propagation_edge_refused(link->propagation, &refusal);
    log_warn("document_refused", F_STR("edge", link->edge.edge_id),
             F_SPAN("zone", id_span(&nack->zone_id)), F_U64("revision", nack->revision),
             F_SPAN("path", path), F_SPAN("text", text));
    return ERR_OK;
}

static enum err store_event(struct edge_link *link, const struct origin_event *event)
{
    const struct store_origin_event row = {
        .zone_id = event->zone_id,
        .at_s = event->at_s,
        .until_s = event->until_s,
        .edge = span_str(link->edge.edge_id),
        .origin = event->origin,
        .sni = event->sni,
        .reason = span_str(origin_reason_slug(event->reason)),
    };
    struct store_conn *conn;
    TRY(store_write_begin(link->store, &conn));
    enum err err = store_origin_event_insert(conn, &row);
    if (err == ERR_OK)
        return store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}

/* News, not truth: one that cannot be stored is in the log, and the link goes on. */
static enum err take_event(struct edge_link *link, const struct origin_event *event)
{
    if (link->state == EDGE_LINK_GREETING)
        return ERR_PROTOCOL;
    enum err err = store_event(link, event);
    log_warn("origin_event", F_STR("edge", link->edge.edge_id),
             F_SPAN("zone", id_span(&event->zone_id)), F_SPAN("origin", event->origin),
             F_SPAN("sni", event->sni), F_STR("reason", origin_reason_slug(event->reason)),
             F_U64("at_s", event->at_s), F_U64("until_s", event->until_s), F_ERR(err));
    return ERR_OK;
}

static enum err take_message(struct edge_link *link, const struct message *message)
{
    switch ((int)message->kind) {
    case MESSAGE_HELLO:
        return take_hello(link, &message->hello);
    case MESSAGE_ACK:
        return take_ack(link, &message->ack);
    case MESSAGE_NACK:
        return take_nack(link, &message->nack);
    case MESSAGE_EVENT:
        return take_event(link, &message->event.of);
    case MESSAGE_HEARTBEAT:
        return link->state == EDGE_LINK_GREETING ? ERR_PROTOCOL : ERR_OK;
    default:
        return ERR_PROTOCOL;
    }
}

enum err edge_link_take(struct edge_link *link, struct span bytes)
{
    frame_reader_feed(&link->in, bytes);
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        struct frame frame;
        struct message message;
        struct problem problem = {0};
        err = frame_reader_next(&link->in, &frame);
        if (err == ERR_OK)
            err = message_decode(&frame, &message, &problem);
        if (err == ERR_OK)
            err = take_message(link, &message);
        if (err != ERR_OK && err != ERR_MORE)
            log_warn("edge_misunderstood", F_STR("edge", link->edge.edge_id), F_ERR(err),
                     F_STR("path", problem.path), F_STR("text", problem.text));
    }
    link_check(link);
    return err == ERR_MORE ? ERR_OK : err;
}

static enum err begin_push(struct edge_link *link)
{
    uint64_t since = link->full_wanted ? 0 : link->edge.revision;
    TRY(store_feed_open(link->store, since, &link->point, &link->feed));
    link->state = EDGE_LINK_STREAMING;
    link->begun_at_us = clock_mono_us();
    link->row_count = 0;
    if (link->full_wanted)
        propagation_edge_renewed(link->propagation, link->edge.edge_id);
    say(link, &(struct message){
                  .kind = MESSAGE_BEGIN,
                  .begin = {link->point.epoch, link->point.revision, link->full_wanted},
              });
    return ERR_OK;
}

static void end_push(struct edge_link *link)
{
    store_feed_close(&link->feed);
    link->state = EDGE_LINK_AWAITING_ACK;
    say(link, &(struct message){
                  .kind = MESSAGE_COMMIT,
                  .commit = {link->point.revision, link->point.chain},
              });
}

static void say_item(struct edge_link *link, const struct store_feed_item *item)
{
    struct message message = {0};
    switch (item->kind) {
    case STORE_FEED_CERTIFICATE:
        message.kind = MESSAGE_CERTIFICATE;
        message.certificate = (struct message_certificate){
            item->certificate_id, item->zone_id, item->revision, item->chain_pem, item->key_pem};
        break;
    case STORE_FEED_TOMBSTONE:
        message.kind = MESSAGE_TOMBSTONE;
        message.tombstone = (struct message_tombstone){item->zone_id, item->revision};
        break;
    case STORE_FEED_DOCUMENT:
        message.kind = MESSAGE_DOCUMENT;
        message.document =
            (struct message_document){item->zone_id, item->revision, item->digest, item->body};
        break;
    }
    say(link, &message);
}

static enum err stream_rows(struct edge_link *link)
{
    while (link->out.len < EDGE_LINK_FILL_BYTES) {
        struct store_feed_item item;
        enum err err = store_feed_next(link->feed, &item);
        if (err == ERR_CLOSED) {
            end_push(link);
            return ERR_OK;
        }
        if (err == ERR_CORRUPT) {
            /* One key that does not open holds no other zone back. */
            log_error("certificate_unreadable", F_STR("edge", link->edge.edge_id));
            continue;
        }
        TRY(err);
        say_item(link, &item);
        link->row_count++;
    }
    return ERR_OK;
}

enum err edge_link_advance(struct edge_link *link, uint64_t newest)
{
    enum err err = ERR_OK;
    if (link->state == EDGE_LINK_IDLE && (link->full_wanted || newest > link->edge.revision))
        err = begin_push(link);
    if (err == ERR_OK && link->state == EDGE_LINK_STREAMING)
        err = stream_rows(link);
    link_check(link);
    return err;
}

void edge_link_heartbeat(struct edge_link *link, uint64_t newest)
{
    if (link->state == EDGE_LINK_GREETING || link->out.len >= EDGE_LINK_FILL_BYTES)
        return;
    say(link, &(struct message){.kind = MESSAGE_HEARTBEAT, .heartbeat = {newest}});
}
