/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_side.c - many random lives of an exchange: every byte arrives, and no cut looks complete.
 */
#include "tests/unit/common/base/dies.h"

#include <stdlib.h>

#include "dataplane/http/reply.h"
#include "tests/unit/support/fake_side.h"

#define UNKNOWN HEAD_LENGTH_UNKNOWN

static void answer_502(struct fake_rig *rig)
{
    reply_attach(rig->exchange, fake_rig_response(rig, 502, UNKNOWN), SPAN("no origin\n"));
}

struct life {
    struct fake_rig rig;
    uint32_t seed;
    uint8_t *request, *response;
    size_t request_len, response_len, request_put, response_put;
    unsigned failures_left;
    bool request_ended, response_headed, response_ended;
};

static uint32_t roll(struct life *life, uint32_t below)
{
    life->seed = life->seed * 1664525u + 1013904223u;
    return below == 0 ? 0 : (life->seed >> 8) % below;
}

static size_t piece(struct life *life, size_t left)
{
    size_t len = roll(life, 4) == 0 ? roll(life, 70000) : roll(life, 900) + 1;
    return len < left ? len : left;
}

static void client_produces(struct life *life)
{
    struct side *side = &life->rig.client.side;
    size_t len = piece(life, life->request_len - life->request_put);
    if (len > side_room(side))
        len = side_room(side);
    if (!life->request_ended) {
        fake_put(&life->rig.client, span_of(life->request + life->request_put, len));
        life->request_put += len;
    }
    if (!life->request_ended && life->request_put == life->request_len) {
        life->request_ended = true;
        fake_end(&life->rig.client);
    }
}

static void origin_produces(struct life *life)
{
    struct side *side = &life->rig.origin.side;
    if (!life->response_headed) {
        life->response_headed = true;
        int64_t len = roll(life, 2) ? (int64_t)life->response_len : UNKNOWN;
        side_put_head(side, fake_rig_response(&life->rig, 200, len));
    }
    size_t len = piece(life, life->response_len - life->response_put);
    if (len > side_room(side))
        len = side_room(side);
    if (!life->response_ended) {
        fake_put(&life->rig.origin, span_of(life->response + life->response_put, len));
        life->response_put += len;
    }
    if (!life->response_ended && life->response_put == life->response_len) {
        life->response_ended = true;
        fake_end(&life->rig.origin);
    }
}

static void origin_fails(struct life *life)
{
    if (life->failures_left == 0 || life->response_headed ||
        !exchange_can_replay(life->rig.exchange))
        return;
    life->failures_left--;
    side_fail(&life->rig.origin.side, ERR_ORIGIN_STALE);
    fake_rig_run(&life->rig);
    assert_false(side_attached(&life->rig.origin.side));
    fake_rig_attach(&life->rig);
}

static void one_step(struct life *life)
{
    switch (roll(life, 6)) {
    case 0:
        client_produces(life);
        break;
    case 1:
        fake_take(&life->rig.origin, piece(life, SIZE_MAX));
        break;
    case 2:
        if (life->failures_left == 0)
            origin_produces(life);
        break;
    case 3:
        fake_take(&life->rig.client, piece(life, SIZE_MAX));
        break;
    case 4:
        origin_fails(life);
        break;
    default:
        fake_rig_run(&life->rig);
        break;
    }
}

static uint8_t *random_bytes(struct life *life, size_t *len)
{
    static const size_t sizes[] = {0, 1, 100, 16384, 65535, 65536, 65537, 200000};
    *len = sizes[roll(life, countof(sizes))] + (roll(life, 3) == 0 ? roll(life, 3000) : 0);
    uint8_t *bytes = malloc(*len + 1);
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (uint8_t)roll(life, 256);
    return bytes;
}

static void life_open(struct life *life, uint32_t seed)
{
    *life = (struct life){.seed = seed * 2654435761u + 1};
    life->request = random_bytes(life, &life->request_len);
    life->response = random_bytes(life, &life->response_len);
    fake_rig_open(&life->rig);
    life->failures_left = roll(life, 4);
    int64_t len = roll(life, 2) ? (int64_t)life->request_len : UNKNOWN;
    side_put_head(&life->rig.client.side, fake_rig_request(&life->rig, "POST", len));
    for (uint32_t i = roll(life, 5); i > 0; i--)
        client_produces(life);
    fake_rig_attach(&life->rig);
}

static void life_close(struct life *life)
{
    fake_rig_close(&life->rig);
    free(life->request);
    free(life->response);
}

static void random_lives_deliver_every_byte(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 400; seed++) {
        struct life life;
        life_open(&life, seed);
        struct fake_rig *rig = &life.rig;
        unsigned steps = 0;
        while (!rig->client.end_got || !rig->origin.end_got) {
            one_step(&life);
            if (++steps > 500)
                life.failures_left = 0;
            assert_true(steps < 200000);
        }
        assert_span_bytes(buf_span(&rig->origin.got), span_of(life.request, life.request_len));
        assert_span_bytes(buf_span(&rig->client.got), span_of(life.response, life.response_len));
        assert_int_equal(rig->exchange->fault.err, ERR_OK);
        side_detach(seed % 2 ? &rig->client.side : &rig->origin.side);
        fake_rig_run(rig);
        side_detach(seed % 2 ? &rig->origin.side : &rig->client.side);
        life_close(&life);
    }
}

static void cut(struct life *life, uint32_t how)
{
    struct fake_rig *rig = &life->rig;
    switch (how) {
    case 0:
        side_fail(&rig->client.side, ERR_CLIENT_GONE);
        break;
    case 1:
        side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
        break;
    case 2:
        exchange_fail(rig->exchange, ERR_TIMEOUT, FAULT_OF_ORIGIN);
        break;
    case 3:
        side_stop(&rig->client.side);
        break;
    case 4:
        side_stop(&rig->origin.side);
        break;
    case 5:
        side_detach(&rig->client.side);
        break;
    default:
        side_detach(&rig->origin.side);
        break;
    }
}

/* Whatever is cut and whenever: what arrived is a beginning of what was sent, an end is only seen
 * behind the last byte, and nothing leaks. */
static void random_cuts_never_look_complete(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 700; seed++) {
        struct life life;
        life_open(&life, seed);
        struct fake_rig *rig = &life.rig;
        life.failures_left = 0;
        rig->on_failed = seed % 3 == 0 ? answer_502 : NULL;
        for (uint32_t i = roll(&life, 60); i > 0; i--)
            one_step(&life);
        size_t got = rig->origin.got.len;
        assert_span_bytes(buf_span(&rig->origin.got), span_of(life.request, got));
        assert_true(!rig->origin.end_got || got == life.request_len);
        got = rig->client.got.len;
        assert_span_bytes(buf_span(&rig->client.got), span_of(life.response, got));
        assert_true(!rig->client.end_got || got == life.response_len);
        cut(&life, seed % 7);
        if (roll(&life, 2))
            fake_rig_run(rig);
        if (side_attached(&rig->client.side))
            side_fail(&rig->client.side, ERR_CLIENT_GONE);
        if (roll(&life, 2))
            fake_rig_run(rig);
        if (side_attached(&rig->origin.side))
            side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
        life_close(&life);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lives_deliver_every_byte),
        cmocka_unit_test(random_cuts_never_look_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
