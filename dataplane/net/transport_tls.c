/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_tls.c - a transport that encrypts over a TCP transport.
 *
 *     HANDSHAKING --secured(OK)--> OPEN --owner closes--> CLOSING --flushed--> RELEASED --> freed
 *          |                        |                        |
 *          '--secured(err)--> DEAD <'--on_closed             '--lower died, or 2 s passed
 *                              '-----owner closes-------------------------> RELEASED
 *
 * [advance_handshake] [deliver] [die] [tls_close] [advance_close] [release]
 *
 * What arrived and was not wanted (read_stop in the middle of a large read) waits as ciphertext in
 * `held`, with the lower transport stopped.
 */
#include "dataplane/net/transport_tls.h"

#include "common/base/mem.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/tls_engine.h"
#include "dataplane/net/transport_int.h"

#define TRANSPORT_TLS_TAG 0x544c5331u
/* While the kernel has not taken this much, nothing more is encrypted.  It is the level at which
 * the lower transport tells of room; were it lower, nobody would call again. */
#define LOWER_PENDING_BYTES_MAX (LIMIT_TRANSPORT_OUT_BYTES / 2)
_Static_assert(LOWER_PENDING_BYTES_MAX + LOOP_RECORD_BYTES < LIMIT_TRANSPORT_OUT_BYTES,
               "a scratch full of records must fit behind what is pending");

enum tls_state { TLS_HANDSHAKING, TLS_OPEN, TLS_DEAD, TLS_CLOSING, TLS_RELEASED };

struct transport_tls {
    struct transport base;
    uint32_t tag;
    enum tls_state state;
    struct transport *lower;
    struct tls_engine engine;
    tls_secured_fn *secured;
    struct bytequeue pending; /* plaintext */
    struct bytequeue held;    /* ciphertext */
    struct loop_flush flush;
    struct wake wake;
    struct deadline close_deadline;
    bool reading;
    bool ended; /* the peer's close_notify */
    bool crowded;
    bool write_failed;
    bool ending; /* the owner writes no more */
    bool end_said;
};

static struct transport_tls *tls_of(struct transport *t)
{
    struct transport_tls *tls = container_of(t, struct transport_tls, base);
    TAG_CHECK(tls, TRANSPORT_TLS_TAG);
    return tls;
}

/* Beside what we write, the peer can make OpenSSL answer (alerts, key updates) without ever reading
 * the answers: past the limit the connection is broken. */
static void carry_records(struct transport_tls *t)
{
    struct span *records = &t->engine.shared->records;
    if (records->len > transport_write_room(t->lower)) {
        t->write_failed = true;
        loop_flush_post(t->base.loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    } else if (records->len > 0) {
        transport_tcp_write_now(t->lower, *records);
    }
    records->len = 0;
}

/* ---- life */

/* The lower transport is gone or on its way; the memory goes when nobody of ours is on the stack.
 */
static void release(struct transport_tls *t)
{
    struct loop *loop = t->base.loop;
    t->state = TLS_RELEASED;
    t->base.events = transport_no_events();
    loop_flush_cancel(loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    deadline_disarm(loop, &t->close_deadline);
    wake_post(&loop->wakeq, &t->wake);
}

static void free_transport(struct transport_tls *t)
{
    tls_engine_release(&t->engine);
    bytequeue_release(&t->pending);
    bytequeue_release(&t->held);
    t->tag = 0;
    free(t);
}

/* The last event of a transport that was open.  From the loop only. */
static void die(struct transport_tls *t, enum err err)
{
    const struct transport_events *events = t->base.events;
    t->state = TLS_DEAD;
    t->base.events = transport_no_events();
    transport_read_stop(t->lower);
    events->on_closed(t->base.owner, err);
}

static void fail_handshake(struct transport_tls *t, enum err err, const struct problem *problem)
{
    t->state = TLS_DEAD;
    transport_read_stop(t->lower);
    t->secured(t->base.owner, err, NULL, problem);
}

/* The peer's connection ended or broke while the handshake was under way. */
static void fail_handshake_cut(struct transport_tls *t)
{
    struct problem problem;
    enum err err = t->engine.origin_facing ? ERR_ORIGIN_TLS : ERR_CLOSED;
    problem_set(&problem, err, "tls", "the connection was closed during the handshake");
    fail_handshake(t, err, &problem);
}

/* ---- reading */

static void succeed_handshake(struct transport_tls *t)
{
    struct problem problem = {0};
    struct tls_facts facts;
    if (!tls_engine_facts(&t->engine, &facts)) {
        problem_set(&problem, ERR_ORIGIN_TLS, "alpn", "a protocol was chosen that was not offered");
        fail_handshake(t, ERR_ORIGIN_TLS, &problem);
        return;
    }
    t->state = TLS_OPEN;
    t->secured(t->base.owner, ERR_OK, &facts, &problem);
    tls_engine_settle(&t->engine);
    if (t->state != TLS_OPEN)
        return;
    if (!t->reading)
        transport_read_stop(t->lower);
    if (bytequeue_level(&t->pending) > 0)
        loop_flush_post(t->base.loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
}

static void advance_handshake(struct transport_tls *t)
{
    struct problem problem;
    enum tls_step step;
    do {
        step = tls_engine_handshake(&t->engine);
        carry_records(t);
    } while (step == TLS_STEP_FULL && transport_write_room(t->lower) >= LOOP_RECORD_BYTES);
    if (step == TLS_STEP_DONE) {
        succeed_handshake(t);
    } else if (step != TLS_STEP_MORE) {
        enum err err = tls_engine_problem(&t->engine, &problem);
        fail_handshake(t, err, &problem);
    }
}

/* Hands over what the input of the engine yields, until it is used up or not wanted. */
static void deliver(struct transport_tls *t)
{
    enum tls_step step = TLS_STEP_DONE;
    while (step == TLS_STEP_DONE && t->state == TLS_OPEN && t->reading && !t->ended) {
        size_t len;
        step = tls_engine_read(&t->engine, &len);
        carry_records(t);
        if (len > 0)
            t->base.events->on_bytes(t->base.owner, span_of(t->engine.shared->plain, len));
        if (t->state != TLS_OPEN)
            return;
        if (step == TLS_STEP_ENDED) {
            t->ended = true;
            t->base.events->on_ended(t->base.owner);
        } else if (step == TLS_STEP_FAILED) {
            die(t, tls_engine_read_err(&t->engine));
        }
    }
}

static void take_input(struct transport_tls *t)
{
    if (t->state == TLS_HANDSHAKING)
        advance_handshake(t);
    if (t->state == TLS_OPEN)
        deliver(t);
}

static void lower_on_bytes(void *owner, struct span bytes)
{
    struct transport_tls *t = owner;
    t->engine.input = bytes;
    take_input(t);
    if (t->state == TLS_OPEN && !t->ended && t->engine.input.len > 0)
        bytequeue_put(&t->held, t->engine.input);
    t->engine.input = SPAN_EMPTY;
}

static void deliver_held(struct transport_tls *t)
{
    while (t->state == TLS_OPEN && t->reading && bytequeue_level(&t->held) > 0) {
        struct span run = bytequeue_peek(&t->held);
        t->engine.input = run;
        deliver(t);
        size_t used = t->ended ? run.len : run.len - t->engine.input.len;
        t->engine.input = SPAN_EMPTY;
        bytequeue_consume(&t->held, used);
    }
    if (t->state == TLS_OPEN && t->reading)
        transport_read_start(t->lower);
}

static void tls_read_start(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    t->reading = true;
    if (t->state != TLS_OPEN)
        return;
    if (bytequeue_level(&t->held) > 0)
        wake_post(&base->loop->wakeq, &t->wake);
    else
        transport_read_start(t->lower);
}

static void tls_read_stop(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    t->reading = false;
    if (t->state == TLS_OPEN)
        transport_read_stop(t->lower);
}

/* ---- writing */

static size_t pending_bytes(const struct transport_tls *t)
{
    return bytequeue_level(&t->pending) + transport_tcp_pending(t->lower);
}

static size_t tls_write_room(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    if (t->state == TLS_DEAD)
        return LIMIT_TRANSPORT_OUT_BYTES;
    size_t pending = pending_bytes(t);
    size_t room = pending < LIMIT_TRANSPORT_OUT_BYTES ? LIMIT_TRANSPORT_OUT_BYTES - pending : 0;
    if (room < LIMIT_TRANSPORT_OUT_BYTES / 2)
        t->crowded = true;
    return room;
}

static void tls_write(struct transport *base, struct span bytes)
{
    struct transport_tls *t = tls_of(base);
    if (t->state == TLS_DEAD || t->write_failed || bytes.len == 0)
        return;
    ASSERT(bytes.len <= tls_write_room(base));
    bytequeue_put(&t->pending, bytes);
    if (t->state == TLS_OPEN)
        loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
}

/* One record per chunk of plaintext, and all of them in one write. */
static void encrypt_pending(struct transport_tls *t)
{
    while (bytequeue_level(&t->pending) > 0 &&
           transport_tcp_pending(t->lower) <= LOWER_PENDING_BYTES_MAX) {
        struct span run = bytequeue_peek(&t->pending);
        enum tls_step step = tls_engine_write(&t->engine, run);
        if (step == TLS_STEP_DONE) {
            bytequeue_consume(&t->pending, run.len);
        } else if (step == TLS_STEP_FULL) {
            carry_records(t);
        } else {
            tls_engine_forget_failure();
            t->write_failed = true;
            bytequeue_release(&t->pending);
        }
    }
    carry_records(t);
}

static void say_end(struct transport_tls *t)
{
    if (t->end_said)
        return;
    t->end_said = true;
    tls_engine_end(&t->engine);
    carry_records(t);
}

static void advance_end(struct transport_tls *t)
{
    if (bytequeue_level(&t->pending) > 0 || t->end_said)
        return;
    say_end(t);
    transport_end(t->lower);
}

static void advance_close(struct transport_tls *t)
{
    if (bytequeue_level(&t->pending) > 0 && !t->write_failed)
        return;
    say_end(t);
    transport_close(&t->lower);
    release(t);
}

static void flush(void *owner)
{
    struct transport_tls *t = owner;
    if (t->state != TLS_OPEN && t->state != TLS_CLOSING)
        return;
    if (!t->write_failed)
        encrypt_pending(t);
    if (t->state == TLS_CLOSING) {
        advance_close(t);
    } else if (t->write_failed) {
        die(t, ERR_PROTOCOL);
    } else if (t->ending) {
        advance_end(t);
    } else if (t->crowded && pending_bytes(t) <= LIMIT_TRANSPORT_OUT_BYTES / 2) {
        t->crowded = false;
        t->base.events->on_room(t->base.owner);
    }
}

/* ---- the other events of the lower transport */

static void lower_on_room(void *owner)
{
    struct transport_tls *t = owner;
    flush(t);
}

/* Without close_notify this is a truncation (RFC 8446 6.1). */
static void lower_on_ended(void *owner)
{
    struct transport_tls *t = owner;
    if (t->state == TLS_HANDSHAKING)
        fail_handshake_cut(t);
    else if (t->state == TLS_OPEN && !t->ended)
        die(t, ERR_PROTOCOL);
}

static void lower_on_closed(void *owner, enum err err)
{
    struct transport_tls *t = owner;
    if (t->state == TLS_HANDSHAKING) {
        fail_handshake_cut(t);
    } else if (t->state == TLS_OPEN) {
        die(t, err);
    } else if (t->state == TLS_CLOSING) {
        transport_close(&t->lower);
        release(t);
    }
}

/* ---- opening and closing */

static void run_wake(struct wake *wake)
{
    struct transport_tls *t = container_of(wake, struct transport_tls, wake);
    if (t->state == TLS_RELEASED)
        free_transport(t);
    else if (t->state == TLS_HANDSHAKING)
        advance_handshake(t);
    else
        deliver_held(t);
}

static void give_up_close(struct deadline *deadline)
{
    struct transport_tls *t = container_of(deadline, struct transport_tls, close_deadline);
    transport_abort(&t->lower);
    release(t);
}

static void tls_end(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    t->ending = true;
    if (t->state == TLS_OPEN)
        loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
}

static void tls_close(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    ASSERT(t->state < TLS_CLOSING);
    base->events = transport_no_events();
    if (t->state != TLS_OPEN) {
        transport_close(&t->lower);
        release(t);
        return;
    }
    t->state = TLS_CLOSING;
    transport_read_start(t->lower); /* what arrives is thrown away */
    loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    deadline_arm(base->loop, &t->close_deadline, TRANSPORT_CLOSE_MS, give_up_close);
}

static void tls_abort(struct transport *base)
{
    struct transport_tls *t = tls_of(base);
    ASSERT(t->state < TLS_CLOSING);
    transport_abort(&t->lower);
    release(t);
}

static const struct transport_ops tls_ops = {
    .name = "tls",
    .write = tls_write,
    .write_room = tls_write_room,
    .read_stop = tls_read_stop,
    .read_start = tls_read_start,
    .end = tls_end,
    .close = tls_close,
    .abort = tls_abort,
};

static const struct transport_events lower_events = {
    .on_bytes = lower_on_bytes,
    .on_room = lower_on_room,
    .on_ended = lower_on_ended,
    .on_closed = lower_on_closed,
};

static struct transport_tls *transport_new(struct transport *lower,
                                           const struct transport_events *events, void *owner,
                                           tls_secured_fn *secured)
{
    struct transport_tls *t = mem_new(struct transport_tls);
    struct loop *loop = lower->loop;
    TAG_SET(t, TRANSPORT_TLS_TAG);
    t->base = (struct transport){.ops = &tls_ops, .loop = loop, .events = events, .owner = owner};
    t->lower = lower;
    t->secured = secured;
    bytequeue_init(&t->pending, &loop->chunks, LIMIT_TRANSPORT_OUT_BYTES);
    bytequeue_init(&t->held, &loop->chunks, LOOP_READ_BYTES);
    t->flush = (struct loop_flush){.run = flush, .owner = t};
    wake_init(&t->wake, run_wake);
    transport_set_owner(lower, &lower_events, t);
    transport_read_start(lower);
    return t;
}

struct transport *transport_tls_accept(struct transport *lower, const struct tls_accept *accept,
                                       const struct transport_events *events, void *owner,
                                       tls_secured_fn *secured)
{
    struct transport_tls *t = transport_new(lower, events, owner, secured);
    tls_engine_init_accept(&t->engine, lower->loop, accept);
    return &t->base;
}

struct transport *transport_tls_connect(struct transport *lower, const struct tls_connect *connect,
                                        const struct transport_events *events, void *owner,
                                        tls_secured_fn *secured)
{
    struct transport_tls *t = transport_new(lower, events, owner, secured);
    tls_engine_init_connect(&t->engine, lower->loop, connect);
    wake_post(&lower->loop->wakeq, &t->wake); /* the first word is ours */
    return &t->base;
}
