/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy_retry.c - which failures may be tried again, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/proxy/proxy_retry.h"

static struct proxy_retry_question get_that_failed(enum err err)
{
    return (struct proxy_retry_question){
        .err = err, .replayable = true, .idempotent = true, .seen = true};
}

static struct proxy_retry_question post_that_failed(enum err err)
{
    return (struct proxy_retry_question){.err = err, .replayable = true, .seen = true};
}

static enum proxy_retry decide(struct proxy_retry_question question)
{
    return proxy_retry_decide(&question);
}

static void what_was_not_processed_is_sent_again_whatever_the_method(void **state)
{
    (void)state;
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_NOT_PROCESSED)), PROXY_FRESH);
    assert_int_equal(decide(get_that_failed(ERR_ORIGIN_NOT_PROCESSED)), PROXY_FRESH);
}

static void a_dead_connection_is_survived_by_idempotent_methods_once(void **state)
{
    (void)state;
    static const enum err errs[] = {ERR_ORIGIN_STALE, ERR_ORIGIN_RESET};
    for (size_t i = 0; i < countof(errs); i++) {
        struct proxy_retry_question again = get_that_failed(errs[i]);
        again.counts.repeats = again.counts.tries = 1;
        assert_int_equal(decide(get_that_failed(errs[i])), PROXY_FRESH);
        assert_int_equal(decide(post_that_failed(errs[i])), PROXY_GIVE_UP);
        assert_int_equal(decide(again), PROXY_GIVE_UP);
    }
}

static void a_post_that_no_origin_was_handed_is_sent_again(void **state)
{
    (void)state;
    struct proxy_retry_question question = post_that_failed(ERR_ORIGIN_STALE);
    question.seen = false;
    assert_int_equal(decide(question), PROXY_FRESH);
    proxy_retry_count(&question, &question.counts);
    assert_int_equal(question.counts.tries, 1);
    assert_int_equal(question.counts.repeats, 0);
}

static void a_dial_that_fails_leads_to_another_address_however_often(void **state)
{
    (void)state;
    static const enum err errs[] = {ERR_ORIGIN_REFUSED,     ERR_ORIGIN_UNREACHABLE,
                                    ERR_ORIGIN_TLS,         ERR_ORIGIN_CONNECT_TIMEOUT,
                                    ERR_ORIGIN_CERTIFICATE, ERR_ORIGIN_RESOLVE};
    for (size_t i = 0; i < countof(errs); i++) {
        struct proxy_retry_question question = post_that_failed(errs[i]);
        for (unsigned round = 0; round < 2 * LIMIT_RETRIES; round++) {
            assert_int_equal(decide(question), PROXY_OTHER_ORIGIN);
            proxy_retry_count(&question, &question.counts);
        }
        assert_false(proxy_retry_charged(&question));
    }
}

static void timeouts_of_an_answer_and_full_queues_are_final(void **state)
{
    (void)state;
    static const enum err errs[] = {ERR_ORIGIN_READ_TIMEOUT,  ERR_ORIGIN_ADDRESS,
                                    ERR_ORIGIN_QUEUE_FULL,    ERR_ORIGIN_ANSWER,
                                    ERR_ORIGIN_QUEUE_TIMEOUT, ERR_REQUEST_BODY_TOO_LARGE};
    for (size_t i = 0; i < countof(errs); i++)
        assert_int_equal(decide(get_that_failed(errs[i])), PROXY_GIVE_UP);
}

static void what_goaway_hands_back_is_sent_again_more_often(void **state)
{
    (void)state;
    struct proxy_retry_question question = post_that_failed(ERR_ORIGIN_NOT_PROCESSED);
    for (unsigned i = 0; i < LIMIT_RETURNS; i++) {
        assert_int_equal(decide(question), PROXY_FRESH);
        assert_false(proxy_retry_charged(&question));
        proxy_retry_count(&question, &question.counts);
    }
    assert_int_equal(decide(question), PROXY_GIVE_UP);
}

static void what_may_cost_the_origin_work_is_charged(void **state)
{
    (void)state;
    static const enum err errs[] = {ERR_ORIGIN_RESET, ERR_ORIGIN_STALE, ERR_ORIGIN_REFUSED_STREAM,
                                    ERR_ORIGIN_MISDIRECTED, ERR_ORIGIN_H2_BROKEN};
    for (size_t i = 0; i < countof(errs); i++) {
        struct proxy_retry_question question = get_that_failed(errs[i]);
        assert_true(proxy_retry_charged(&question));
    }
}

static void pauses_grow_from_the_second_retry_on_and_differ(void **state)
{
    (void)state;
    struct proxy_retry_counts counts = {.tries = 1};
    assert_int_equal(proxy_retry_pause_ms(&counts, 7), 0);
    counts.tries = 2;
    assert_int_equal(proxy_retry_pause_ms(&counts, 0), 10);
    assert_int_equal(proxy_retry_pause_ms(&counts, 2), 20);
    counts.tries = 3;
    assert_int_equal(proxy_retry_pause_ms(&counts, 0), 20);
    assert_int_equal(proxy_retry_pause_ms(&counts, 1), 30);
    counts.returns = 1000;
    assert_int_equal(proxy_retry_pause_ms(&counts, 2), 160);
}

static void http_1_1_required_moves_any_method_but_not_grpc(void **state)
{
    (void)state;
    struct proxy_retry_question grpc = post_that_failed(ERR_ORIGIN_H1_REQUIRED);
    struct proxy_retry_question twice = post_that_failed(ERR_ORIGIN_H1_REQUIRED);
    grpc.grpc = true;
    twice.h1_only = true;
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_H1_REQUIRED)), PROXY_FRESH_H1);
    assert_int_equal(decide(grpc), PROXY_GIVE_UP);
    assert_int_equal(decide(twice), PROXY_GIVE_UP);
}

static void broken_http_2_moves_idempotent_methods_only(void **state)
{
    (void)state;
    assert_int_equal(decide(get_that_failed(ERR_ORIGIN_H2_BROKEN)), PROXY_FRESH_H1);
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_H2_BROKEN)), PROXY_GIVE_UP);
    assert_int_equal(decide(get_that_failed(ERR_ORIGIN_STREAM_RESET)), PROXY_FRESH_H1);
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_STREAM_RESET)), PROXY_GIVE_UP);
}

static void what_cannot_be_replayed_or_was_tried_enough_is_given_up(void **state)
{
    (void)state;
    struct proxy_retry_question gone = get_that_failed(ERR_ORIGIN_NOT_PROCESSED);
    struct proxy_retry_question tired = get_that_failed(ERR_ORIGIN_REFUSED_STREAM);
    gone.replayable = false;
    tired.counts.tries = LIMIT_RETRIES;
    assert_int_equal(decide(gone), PROXY_GIVE_UP);
    assert_int_equal(decide(tired), PROXY_GIVE_UP);
    tired.counts.tries--;
    assert_int_equal(decide(tired), PROXY_FRESH);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_was_not_processed_is_sent_again_whatever_the_method),
        cmocka_unit_test(a_dead_connection_is_survived_by_idempotent_methods_once),
        cmocka_unit_test(a_post_that_no_origin_was_handed_is_sent_again),
        cmocka_unit_test(a_dial_that_fails_leads_to_another_address_however_often),
        cmocka_unit_test(timeouts_of_an_answer_and_full_queues_are_final),
        cmocka_unit_test(what_goaway_hands_back_is_sent_again_more_often),
        cmocka_unit_test(what_may_cost_the_origin_work_is_charged),
        cmocka_unit_test(pauses_grow_from_the_second_retry_on_and_differ),
        cmocka_unit_test(http_1_1_required_moves_any_method_but_not_grpc),
        cmocka_unit_test(broken_http_2_moves_idempotent_methods_only),
        cmocka_unit_test(what_cannot_be_replayed_or_was_tried_enough_is_given_up),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
