/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_edge_link.c - the talk with one edge, over a real store and no socket.
 */
#include "control/publish/edge_link.h"

#include "tests/unit/control/publish/store_fixture.h"

struct talk {
    struct store_fixture fixture;
    struct propagation *propagation;
    struct edge_link link;
    struct frame_reader heard; /* what the link said, read as the edge reads it */
    struct message message;    /* the newest of it */
};

static int open_talk(void **state)
{
    struct talk *talk = test_calloc(1, sizeof(*talk));
    fixture_open(&talk->fixture);
    talk->propagation = propagation_new();
    edge_link_open(&talk->link, talk->fixture.store, talk->propagation);
    frame_reader_init(&talk->heard);
    *state = talk;
    return 0;
}

static int close_talk(void **state)
{
    struct talk *talk = *state;
    edge_link_close(&talk->link);
    frame_reader_release(&talk->heard);
    propagation_free(&talk->propagation);
    fixture_close(&talk->fixture);
    test_free(talk);
    return 0;
}

static enum err tell(struct talk *talk, const struct message *message)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_FRAME_BYTES);
    message_encode(message, &bytes);
    enum err err = edge_link_take(&talk->link, buf_span(&bytes));
    buf_release(&bytes);
    return err;
}

static enum err hello(struct talk *talk, const struct store_feed_point *has)
{
    return tell(talk, &(struct message){.kind = MESSAGE_HELLO,
                                        .hello = {.epoch = has->epoch,
                                                  .revision = has->revision,
                                                  .chain = has->chain,
                                                  .edge_id = SPAN("edge-1"),
                                                  .worker_count = 3}});
}

static enum err ack(struct talk *talk, uint64_t revision)
{
    return tell(
        talk,
        &(struct message){
            .kind = MESSAGE_ACK,
            .ack = {.revision = revision, .workers = 3, .workers_applied = 3, .took_us = 1200}});
}

/* The next message that the link said; 0 when it said no more. */
static int next(struct talk *talk)
{
    if (talk->link.out.len > 0) {
        frame_reader_feed(&talk->heard, buf_span(&talk->link.out));
        buf_clear(&talk->link.out);
    }
    struct frame frame;
    if (frame_reader_next(&talk->heard, &frame) != ERR_OK)
        return 0;
    struct problem problem = {0};
    assert_int_equal(message_decode(&frame, &talk->message, &problem), ERR_OK);
    return (int)talk->message.kind;
}

static struct store_feed_point now(struct talk *talk)
{
    struct store_feed_point point;
    assert_int_equal(store_feed_now(talk->fixture.store, &point), ERR_OK);
    return point;
}

static const struct store_feed_point nothing = {.revision = 0};

static void an_edge_with_nothing_gets_a_full_copy(void **state)
{
    struct talk *talk = *state;
    struct id zone = id_new();
    fixture_put(&talk->fixture, zone, SPAN("{\"a\":1}"));
    struct store_feed_point newest = now(talk);

    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, newest.revision), ERR_OK);

    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_true(talk->message.begin.full);
    assert_true(id_equal(talk->message.begin.epoch, newest.epoch));
    assert_int_equal(talk->message.begin.revision, newest.revision);
    assert_int_equal(next(talk), MESSAGE_DOCUMENT);
    assert_true(id_equal(talk->message.document.zone_id, zone));
    assert_true(span_equal(talk->message.document.body, SPAN("{\"a\":1}")));
    assert_int_equal(next(talk), MESSAGE_COMMIT);
    assert_true(digest_equal(&talk->message.commit.chain, &newest.chain));
    assert_int_equal(next(talk), 0);
    assert_int_equal(talk->link.state, EDGE_LINK_AWAITING_ACK);
}

static void an_empty_store_is_a_full_copy_too(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, 0), ERR_OK);

    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_true(talk->message.begin.full);
    assert_int_equal(next(talk), MESSAGE_COMMIT);
    assert_int_equal(ack(talk, 0), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, 0), ERR_OK);
    assert_int_equal(next(talk), 0);
}

static void an_edge_that_is_known_goes_on_from_its_revision(void **state)
{
    struct talk *talk = *state;
    struct id old = id_new(), gone = id_new(), fresh = id_new();
    fixture_put(&talk->fixture, old, SPAN("{\"a\":1}"));
    fixture_put(&talk->fixture, gone, SPAN("{\"b\":1}"));
    struct store_feed_point has = now(talk);
    fixture_put(&talk->fixture, gone, SPAN_EMPTY);
    uint64_t newest = fixture_put(&talk->fixture, fresh, SPAN("{\"c\":1}"));

    assert_int_equal(hello(talk, &has), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, newest), ERR_OK);

    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_false(talk->message.begin.full);
    assert_int_equal(next(talk), MESSAGE_TOMBSTONE);
    assert_true(id_equal(talk->message.tombstone.zone_id, gone));
    assert_int_equal(next(talk), MESSAGE_DOCUMENT);
    assert_true(id_equal(talk->message.document.zone_id, fresh));
    assert_int_equal(next(talk), MESSAGE_COMMIT);
}

static void an_edge_that_has_all_is_left_alone(void **state)
{
    struct talk *talk = *state;
    fixture_put(&talk->fixture, id_new(), SPAN("{\"a\":1}"));
    struct store_feed_point has = now(talk);

    assert_int_equal(hello(talk, &has), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, has.revision), ERR_OK);

    assert_int_equal(next(talk), 0);
    assert_int_equal(talk->link.state, EDGE_LINK_IDLE);
}

static enum err event(struct talk *talk, struct id zone_id)
{
    return tell(talk, &(struct message){.kind = MESSAGE_EVENT,
                                        .event.of = {.zone_id = zone_id,
                                                     .reason = ORIGIN_REASON_H2_RESETS,
                                                     .at_s = 1700000000,
                                                     .until_s = 1700000060,
                                                     .origin = SPAN("192.0.2.1:443")}});
}

static void an_event_before_hello_is_nonsense_and_of_a_zone_that_is_gone_no_harm(void **state)
{
    struct talk *talk = *state;
    assert_int_equal(event(talk, id_new()), ERR_PROTOCOL);
    edge_link_close(&talk->link);
    edge_link_open(&talk->link, talk->fixture.store, talk->propagation);

    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(event(talk, id_new()), ERR_OK);
    assert_int_equal(talk->link.state, EDGE_LINK_IDLE);
}

static void another_epoch_or_chain_means_a_full_copy(void **state)
{
    struct talk *talk = *state;
    fixture_put(&talk->fixture, id_new(), SPAN("{\"a\":1}"));
    struct store_feed_point newest = now(talk), other = newest;
    other.chain.bytes[7] ^= 1;

    assert_int_equal(hello(talk, &other), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, newest.revision), ERR_OK);
    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_true(talk->message.begin.full);

    edge_link_close(&talk->link);
    edge_link_open(&talk->link, talk->fixture.store, talk->propagation);
    frame_reader_release(&talk->heard);
    frame_reader_init(&talk->heard);
    other = newest;
    other.epoch = id_new();
    assert_int_equal(hello(talk, &other), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, newest.revision), ERR_OK);
    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_true(talk->message.begin.full);
}

static void a_burst_coalesces_and_waits_for_the_ack(void **state)
{
    struct talk *talk = *state;
    struct id zone = id_new();
    uint64_t first = fixture_put(&talk->fixture, zone, SPAN("{\"n\":1}"));
    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, first), ERR_OK);
    while (next(talk) != 0)
        continue;

    uint64_t last = 0;
    for (unsigned i = 0; i < 20; i++) {
        last = fixture_put(&talk->fixture, zone, i == 19 ? SPAN("{\"n\":20}") : SPAN("{\"n\":2}"));
        assert_int_equal(edge_link_advance(&talk->link, last), ERR_OK);
    }
    assert_int_equal(next(talk), 0);
    assert_int_equal(ack(talk, first), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, last), ERR_OK);

    assert_int_equal(next(talk), MESSAGE_BEGIN);
    assert_false(talk->message.begin.full);
    assert_int_equal(next(talk), MESSAGE_DOCUMENT);
    assert_true(span_equal(talk->message.document.body, SPAN("{\"n\":20}")));
    assert_int_equal(next(talk), MESSAGE_COMMIT);
    assert_int_equal(talk->message.commit.revision, last);
}

static void an_ack_is_recorded(void **state)
{
    struct talk *talk = *state;
    uint64_t revision = fixture_put(&talk->fixture, id_new(), SPAN("{\"a\":1}"));
    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, revision), ERR_OK);
    assert_int_equal(ack(talk, revision), ERR_OK);

    struct propagation_view *view = test_malloc(sizeof(*view));
    const struct propagation_question question = {id_new(), revision, revision};
    propagation_read(talk->propagation, &question, view);
    assert_true(view->applied);
    assert_string_equal(view->edges[0].edge_id, "edge-1");
    assert_int_equal(view->edges[0].workers_applied, 3);
    assert_true(view->edges[0].applied_at_us > 0);
    test_free(view);
}

static void a_nack_is_recorded_for_its_zone(void **state)
{
    struct talk *talk = *state;
    struct id zone = id_new();
    uint64_t revision = fixture_put(&talk->fixture, zone, SPAN("{\"a\":1}"));
    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, revision), ERR_OK);

    const struct message nack = {
        .kind = MESSAGE_NACK,
        .nack = {zone, revision, SPAN("name"), SPAN("is missing")},
    };
    assert_int_equal(tell(talk, &nack), ERR_OK);
    assert_int_equal(ack(talk, revision), ERR_OK);

    struct propagation_view *view = test_malloc(sizeof(*view));
    const struct propagation_question question = {zone, revision, revision};
    propagation_read(talk->propagation, &question, view);
    assert_false(view->applied);
    assert_string_equal(view->refusals[0].text, "is missing");
    test_free(view);
}

static void rows_are_read_only_up_to_the_mark(void **state)
{
    struct talk *talk = *state;
    char *body = test_malloc(100001);
    memset(body, ' ', 100000);
    body[0] = '{';
    body[99999] = '}';
    for (unsigned i = 0; i < 8; i++)
        fixture_put(&talk->fixture, id_new(), span_of(body, 100000));
    test_free(body);

    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, 8), ERR_OK);

    assert_int_equal(talk->link.state, EDGE_LINK_STREAMING);
    assert_true(talk->link.out.len < EDGE_LINK_FILL_BYTES + 110000);
    unsigned documents = 0;
    for (int kind = next(talk); kind != MESSAGE_COMMIT; kind = next(talk)) {
        documents += kind == MESSAGE_DOCUMENT;
        if (kind == 0)
            assert_int_equal(edge_link_advance(&talk->link, 8), ERR_OK);
    }
    assert_int_equal(documents, 8);
}

static void nonsense_is_a_protocol_error(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(ack(talk, 1), ERR_PROTOCOL);
    assert_int_equal(tell(talk, &(struct message){.kind = MESSAGE_HEARTBEAT}), ERR_PROTOCOL);
    assert_int_equal(tell(talk, &(struct message){.kind = MESSAGE_COMMIT}), ERR_PROTOCOL);
    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(hello(talk, &nothing), ERR_PROTOCOL);
    assert_int_equal(ack(talk, 0), ERR_PROTOCOL);
}

static void an_ack_for_another_revision_is_a_protocol_error(void **state)
{
    struct talk *talk = *state;
    uint64_t revision = fixture_put(&talk->fixture, id_new(), SPAN("{\"a\":1}"));
    assert_int_equal(hello(talk, &nothing), ERR_OK);
    assert_int_equal(edge_link_advance(&talk->link, revision), ERR_OK);

    assert_int_equal(ack(talk, revision + 1), ERR_PROTOCOL);
}

static void heartbeats_carry_the_newest_revision(void **state)
{
    struct talk *talk = *state;
    edge_link_heartbeat(&talk->link, 7);
    assert_int_equal(next(talk), 0);
    assert_int_equal(hello(talk, &nothing), ERR_OK);

    edge_link_heartbeat(&talk->link, 7);

    assert_int_equal(next(talk), MESSAGE_HEARTBEAT);
    assert_int_equal(talk->message.heartbeat.revision, 7);
    assert_int_equal(tell(talk, &(struct message){.kind = MESSAGE_HEARTBEAT}), ERR_OK);
}

#define talk_test(f) cmocka_unit_test_setup_teardown(f, open_talk, close_talk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(an_edge_with_nothing_gets_a_full_copy),
        talk_test(an_empty_store_is_a_full_copy_too),
        talk_test(an_edge_that_is_known_goes_on_from_its_revision),
        talk_test(an_edge_that_has_all_is_left_alone),
        talk_test(another_epoch_or_chain_means_a_full_copy),
        talk_test(an_event_before_hello_is_nonsense_and_of_a_zone_that_is_gone_no_harm),
        talk_test(a_burst_coalesces_and_waits_for_the_ack),
        talk_test(an_ack_is_recorded),
        talk_test(a_nack_is_recorded_for_its_zone),
        talk_test(rows_are_read_only_up_to_the_mark),
        talk_test(nonsense_is_a_protocol_error),
        talk_test(an_ack_for_another_revision_is_a_protocol_error),
        talk_test(heartbeats_carry_the_newest_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
