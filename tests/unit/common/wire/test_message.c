/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_message.c - every message there and back, cut at every length, and its own rules.
 */
#include "common/wire/message.h"

#include "common/base/mem.h"

#include "tests/unit/common/model/cmocka_all.h"

#define ID_A "0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210"

static const struct id id_a = {.text = ID_A}, id_b = {.text = ID_B};

#define SAMPLE(name, member, ...)                         \
    {                                                     \
        .kind = MESSAGE_##name, .member = { __VA_ARGS__ } \
    }

static const uint8_t ticket_keys[2 * LIMIT_TICKET_KEY_BYTES] = {1, 2, 3};

/* One of each kind, the digest of the document set by sample(). */
static const struct message samples[] = {
    SAMPLE(HELLO, hello, .epoch = {.text = ID_A}, .revision = 41, .chain = {.bytes = {1, 2}},
           .edge_id = SPAN("edge-1.example_a"), .worker_count = 4),
    SAMPLE(HELLO, hello, .edge_id = SPAN("e")),
    SAMPLE(BEGIN, begin, .epoch = {.text = ID_A}, .revision = UINT64_MAX, .full = true),
    SAMPLE(DOCUMENT, document, .zone_id = {.text = ID_A}, .revision = 42,
           .body = SPAN("{\"a\":1}")),
    SAMPLE(TOMBSTONE, tombstone, .zone_id = {.text = ID_B}, .revision = 43),
    SAMPLE(CERTIFICATE, certificate, .certificate_id = {.text = ID_A}, .zone_id = {.text = ID_B},
           .revision = 44, .chain_pem = SPAN("chain"), .key_pem = SPAN("key")),
    SAMPLE(COMMIT, commit, .revision = 44, .chain = {.bytes = {[31] = 9}}),
    SAMPLE(ACK, ack, .revision = 44, .workers_applied = 3, .workers = 4, .took_us = 1200),
    SAMPLE(NACK, nack, .zone_id = {.text = ID_A}, .revision = 42, .path = SPAN("hostnames[0]"),
           .text = SPAN("is there twice")),
    SAMPLE(HEARTBEAT, heartbeat, .revision = 44),
    SAMPLE(WORKER_READY, worker_ready, .pid = 4711),
    SAMPLE(ZONES_CHANGED, zones_changed, .revision = 44, .zone_ids = SPAN(ID_A ID_B),
           .zone_count = 2),
    SAMPLE(ZONES_CHANGED, zones_changed, .revision = 44, .all = true),
    SAMPLE(ZONES_FORGOTTEN, zones_forgotten, .revision = 44),
    SAMPLE(DRAIN, drain, .timeout_ms = 150000),
    SAMPLE(ADOPT, adopt, .pid = 4711, .slot = 3),
    SAMPLE(EVENT, event,
           .of = {.zone_id = {.text = ID_A},
                  .reason = ORIGIN_REASON_H2_NO_SETTINGS,
                  .at_s = 1700000000,
                  .until_s = 1700000060,
                  .origin = SPAN("[2001:db8::1]:8443"),
                  .sni = SPAN("www.example.com")}),
    SAMPLE(PROTOCOL, protocol,
           .learned = {.origin = {.bytes = {1, [31] = 2}},
                       .fact = ORIGIN_FACT_H2_SUSPENDED,
                       .count = 3,
                       .until_s = 1700000060}),
    SAMPLE(TICKET_KEYS, ticket_keys, .lifetime_s = 3600, .rotate_at_s = 1700000060,
           .keys = {ticket_keys, sizeof(ticket_keys)}),
};

static struct message sample(size_t i)
{
    struct message message = samples[i];
    if (message.kind == MESSAGE_DOCUMENT)
        message.document.digest = digest_of(message.document.body);
    return message;
}

/* The frame of a message, in memory of exactly its size so that ASan sees a read past it. */
static struct frame encode(const struct message *message, uint8_t **memory)
{
    struct buf out;
    struct frame_reader reader;
    struct frame frame;
    buf_init(&out, LIMIT_LINK_OUT_BYTES);
    message_encode(message, &out);
    assert_false(out.overflowed);
    frame_reader_init(&reader);
    frame_reader_feed(&reader, buf_span(&out));
    assert_int_equal(frame_reader_next(&reader, &frame), ERR_OK);
    assert_int_equal(frame.payload.len + FRAME_HEAD_BYTES, out.len);
    *memory = mem_alloc(frame.payload.len);
    memcpy(*memory, frame.payload.ptr, frame.payload.len);
    frame.payload.ptr = *memory;
    frame_reader_release(&reader);
    buf_release(&out);
    return frame;
}

/* Equal messages have equal bytes. */
static void assert_same(const struct message *a, const struct message *b)
{
    struct buf left, right;
    buf_init(&left, LIMIT_LINK_OUT_BYTES);
    buf_init(&right, LIMIT_LINK_OUT_BYTES);
    message_encode(a, &left);
    message_encode(b, &right);
    assert_int_equal(a->kind, b->kind);
    assert_true(span_equal(buf_span(&left), buf_span(&right)));
    buf_release(&left);
    buf_release(&right);
}

static void every_message_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(samples); i++) {
        struct message there = sample(i), back;
        struct problem problem = {.text = ""};
        uint8_t *memory;
        struct frame frame = encode(&there, &memory);
        if (message_decode(&frame, &back, &problem) != ERR_OK)
            fail_msg("%s: %s %s", message_name(there.kind), problem.path, problem.text);
        assert_same(&there, &back);
        mem_free(&memory);
    }
}

static void fields_come_back_as_they_were(void **state)
{
    (void)state;
    struct message there = sample(0), back;
    uint8_t *memory;
    struct frame frame = encode(&there, &memory);
    assert_int_equal(message_decode(&frame, &back, NULL), ERR_OK);
    assert_true(id_equal(back.hello.epoch, id_a));
    assert_int_equal(back.hello.revision, 41);
    assert_int_equal(back.hello.chain.bytes[1], 2);
    assert_int_equal(back.hello.worker_count, 4);
    assert_true(span_equal(back.hello.edge_id, SPAN("edge-1.example_a")));
    mem_free(&memory);

    there = sample(5);
    frame = encode(&there, &memory);
    assert_int_equal(message_decode(&frame, &back, NULL), ERR_OK);
    assert_true(id_equal(back.certificate.certificate_id, id_a));
    assert_true(id_equal(back.certificate.zone_id, id_b));
    assert_true(span_equal(back.certificate.chain_pem, SPAN("chain")));
    assert_true(span_equal(back.certificate.key_pem, SPAN("key")));
    mem_free(&memory);
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(samples); i++) {
        struct message there = sample(i), back;
        uint8_t *memory;
        struct frame frame = encode(&there, &memory);
        for (size_t len = 0; len < frame.payload.len; len++) {
            struct problem problem = {.path = ""};
            uint8_t *part = mem_alloc(len ? len : 1);
            memcpy(part, memory, len);
            struct frame cut = {.kind = frame.kind, .payload = span_of(part, len)};
            assert_int_equal(message_decode(&cut, &back, &problem), ERR_PROTOCOL);
            assert_string_not_equal(problem.path, "");
            mem_free(&part);
        }
        uint8_t *longer = mem_calloc(1, frame.payload.len + 1);
        memcpy(longer, memory, frame.payload.len);
        struct frame extra = {.kind = frame.kind,
                              .payload = span_of(longer, frame.payload.len + 1)};
        assert_int_equal(message_decode(&extra, &back, NULL), ERR_PROTOCOL);
        mem_free(&longer);
        mem_free(&memory);
    }
}

/* Whatever the bytes, the decoder says yes or no; what it says yes to encodes to the same bytes. */
static void every_flipped_bit_is_refused_or_means_something(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(samples); i++) {
        struct message there = sample(i), back;
        uint8_t *memory;
        struct frame frame = encode(&there, &memory);
        for (size_t bit = 0; bit < 8 * frame.payload.len; bit++) {
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (message_decode(&frame, &back, NULL) == ERR_OK) {
                uint8_t *again;
                struct frame same = encode(&back, &again);
                assert_true(span_equal(same.payload, frame.payload));
                mem_free(&again);
            }
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        mem_free(&memory);
    }
}

static void unknown_kinds_are_refused(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0, 11, 31, 39, 255};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct frame frame = {.kind = kinds[i], .payload = SPAN("\0\0\0\0\0\0\0\0")};
        struct message back;
        struct problem problem;
        assert_int_equal(message_decode(&frame, &back, &problem), ERR_PROTOCOL);
        assert_string_equal(problem.path, "kind");
    }
    assert_string_equal(message_name(MESSAGE_ZONES_CHANGED), "ZONES_CHANGED");
    assert_string_equal(message_name((enum message_kind)77), "UNKNOWN");
}

static void refused_at(const struct message *message, const char *path)
{
    struct message back;
    struct problem problem = {.path = ""};
    uint8_t *memory;
    struct frame frame = encode(message, &memory);
    assert_int_equal(message_decode(&frame, &back, &problem), ERR_PROTOCOL);
    assert_string_equal(problem.path, path);
    mem_free(&memory);
}

static void a_document_must_have_its_own_digest(void **state)
{
    (void)state;
    struct message message = sample(3);
    message.document.digest.bytes[0] ^= 1;
    refused_at(&message, "digest");
    message = sample(3);
    message.document.zone_id = (struct id){.text = ""};
    refused_at(&message, "zone_id");
}

static void values_past_their_limits_are_refused(void **state)
{
    (void)state;
    uint8_t *large = mem_calloc(1, LIMIT_DOCUMENT_BYTES + 1);
    struct message message = sample(0);
    message.hello.edge_id = SPAN("edge 1");
    refused_at(&message, "edge_id");
    message.hello.edge_id = SPAN_EMPTY;
    refused_at(&message, "edge_id");
    message.hello.edge_id = span_of(large, 64);
    refused_at(&message, "edge_id");
    message = sample(0);
    message.hello.worker_count = LIMIT_WORKERS + 1;
    refused_at(&message, "worker_count");

    message = sample(3);
    message.document.body = span_of(large, LIMIT_DOCUMENT_BYTES + 1);
    message.document.digest = digest_of(message.document.body);
    refused_at(&message, "body");
    message = sample(5);
    message.certificate.chain_pem = span_of(large, LIMIT_CERTIFICATE_BYTES + 1);
    refused_at(&message, "chain_pem");
    message = sample(5);
    message.certificate.key_pem = span_of(large, LIMIT_PRIVATE_KEY_BYTES + 1);
    refused_at(&message, "key_pem");
    message = sample(5);
    message.certificate.zone_id = (struct id){{0}};
    refused_at(&message, "key_pem"); /* the origin CA has none here */
    message = sample(5);
    message.certificate.key_pem = SPAN_EMPTY;
    refused_at(&message, "key_pem");
    message = sample(7);
    message.ack.workers_applied = 5;
    refused_at(&message, "workers");
    message = sample(8);
    message.nack.path = span_of(large, 96);
    refused_at(&message, "path");
    message = sample(15);
    message.adopt.slot = LIMIT_WORKERS;
    refused_at(&message, "slot");
    mem_free(&large);
}

static void facts_and_events_are_checked(void **state)
{
    (void)state;
    struct message message = sample(16);
    message.event.of.reason = (enum origin_reason)8;
    refused_at(&message, "reason");
    message = sample(16);
    message.event.of.until_s = MESSAGE_WALL_MAX_S + 1ull;
    refused_at(&message, "at_s");
    message = sample(16);
    message.event.of.origin = SPAN("127.0.0.1:443\n{}");
    refused_at(&message, "origin");
    message.event.of.origin = SPAN_EMPTY;
    refused_at(&message, "origin");
    message = sample(17);
    message.protocol.learned.fact = (enum origin_fact)0;
    refused_at(&message, "fact");
    message = sample(17);
    message.protocol.learned.until_s = UINT64_MAX;
    refused_at(&message, "until_s");
}

static void ticket_keys_are_checked(void **state)
{
    (void)state;
    struct message message = sample(18);
    message.ticket_keys.lifetime_s = 0;
    refused_at(&message, "lifetime_s");
    message.ticket_keys.lifetime_s = LIMIT_TICKET_ROTATION_MS / 1000 + 1;
    refused_at(&message, "lifetime_s");
    message = sample(18);
    message.ticket_keys.rotate_at_s = MESSAGE_WALL_MAX_S + 1ull;
    refused_at(&message, "rotate_at_s");
    message = sample(18);
    message.ticket_keys.keys = span_of(ticket_keys, LIMIT_TICKET_KEY_BYTES);
    refused_at(&message, "keys");
    message.ticket_keys.keys = span_of(ticket_keys, 2 * LIMIT_TICKET_KEY_BYTES - 1);
    refused_at(&message, "keys");
}

static void zone_lists_are_checked(void **state)
{
    (void)state;
    static const uint8_t too_many[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t all_and_some[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1};
    const struct frame bad[] = {
        {MESSAGE_ZONES_CHANGED, span_of(too_many, sizeof(too_many))},
        {MESSAGE_ZONES_CHANGED, span_of(all_and_some, sizeof(all_and_some))}};
    for (size_t i = 0; i < countof(bad); i++) {
        struct message back;
        struct problem problem;
        assert_int_equal(message_decode(&bad[i], &back, &problem), ERR_PROTOCOL);
        assert_string_equal(problem.path, "zone_count");
    }
    struct message message = sample(11);
    message.zones_changed.zone_ids = SPAN(ID_A "FEDCBA9876543210fedcba9876543210");
    refused_at(&message, "zone_ids");
}

static void the_longest_zone_list_fits(void **state)
{
    (void)state;
    struct buf ids;
    struct message back;
    uint8_t *memory;
    buf_init(&ids, (size_t)MESSAGE_ZONES_MAX * ID_TEXT_BYTES);
    for (size_t i = 0; i < MESSAGE_ZONES_MAX; i++)
        buf_append_str(&ids, ID_A);
    struct message message = {
        .kind = MESSAGE_ZONES_CHANGED,
        .zones_changed = {.zone_ids = buf_span(&ids), .zone_count = MESSAGE_ZONES_MAX}};
    struct frame frame = encode(&message, &memory);
    assert_int_equal(message_decode(&frame, &back, NULL), ERR_OK);
    assert_int_equal(back.zones_changed.zone_count, MESSAGE_ZONES_MAX);
    mem_free(&memory);
    buf_release(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back),
        cmocka_unit_test(fields_come_back_as_they_were),
        cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused_or_means_something),
        cmocka_unit_test(unknown_kinds_are_refused),
        cmocka_unit_test(a_document_must_have_its_own_digest),
        cmocka_unit_test(values_past_their_limits_are_refused),
        cmocka_unit_test(facts_and_events_are_checked),
        cmocka_unit_test(ticket_keys_are_checked),
        cmocka_unit_test(zone_lists_are_checked),
        cmocka_unit_test(the_longest_zone_list_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
