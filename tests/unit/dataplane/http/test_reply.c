/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reply.c - answers of our own travel like any other.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/http/reply.h"
#include "tests/unit/support/fake_side.h"

#define UNKNOWN HEAD_LENGTH_UNKNOWN
#define CAP ((size_t)LIMIT_FLOW_BYTES)

static const uint8_t zeros[LIMIT_FLOW_BYTES + 1];

static struct span some(size_t len)
{
    return span_of(zeros, len);
}

/* A request with its head, an origin attached, all events told. */
static void open_both(struct fake_rig *rig)
{
    fake_rig_open(rig);
    side_put_head(&rig->client.side, fake_rig_request(rig, "POST", UNKNOWN));
    fake_rig_attach(rig);
    fake_rig_run(rig);
}

static void finish(struct fake_rig *rig)
{
    if (rig->origin.side.exchange)
        side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
    if (rig->client.side.exchange)
        side_fail(&rig->client.side, ERR_CLIENT_GONE);
    fake_rig_close(rig);
}

static void answer_502(struct fake_rig *rig)
{
    reply_attach(rig->exchange, fake_rig_response(rig, 502, UNKNOWN), SPAN("no origin\n"));
}

static void l6_a_reply_is_just_another_origin_side(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    rig.on_failed = answer_502;
    rig.client.greedy = true;
    fake_put(&rig.client, some(CAP));
    fake_take(&rig.origin, CAP / 2); /* cannot be replayed any more, a reply does not care */
    assert_false(exchange_can_replay(rig.exchange));
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    fake_rig_run(&rig);
    assert_true(rig.client.end_got);
    assert_int_equal(side_in_head(&rig.client.side)->content_length, 10);
    assert_span_bytes(buf_span(&rig.client.got), SPAN("no origin\n"));
    assert_int_equal(side_out_state(&rig.client.side), FLOW_STOPPED);
    assert_int_equal(rig.head_count, 1);
    side_detach(&rig.client.side);
    fake_rig_run(&rig);
    assert_int_equal(rig.done_count, 1);
    fake_rig_close(&rig);
}

static void a_reply_to_head_has_no_body(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "HEAD", UNKNOWN));
    fake_end(&rig.client);
    rig.client.greedy = true;
    reply_attach(rig.exchange, fake_rig_response(&rig, 404, UNKNOWN), SPAN("unknown host"));
    fake_rig_run(&rig);
    assert_int_equal(rig.client.got.len, 0);
    assert_true(rig.client.end_got);
    assert_int_equal(side_in_head(&rig.client.side)->content_length, 12);
    assert_false(rig.exchange->origin_may_have_acted);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l6_a_reply_is_just_another_origin_side),
        cmocka_unit_test(a_reply_to_head_has_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
