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
        again.repeat_count = again.retry_count = 1;
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
    assert_false(proxy_retry_repeats(&question));
}

static void an_unreachable_origin_leads_to_another(void **state)
{
    (void)state;
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_REFUSED)), PROXY_OTHER_ORIGIN);
    assert_int_equal(decide(post_that_failed(ERR_ORIGIN_UNREACHABLE)), PROXY_OTHER_ORIGIN);
}

static void timeouts_and_distrust_are_final(void **state)
{
    (void)state;
    static const enum err errs[] = {
        ERR_ORIGIN_CONNECT_TIMEOUT, ERR_ORIGIN_READ_TIMEOUT, ERR_ORIGIN_TLS,
        ERR_ORIGIN_CERTIFICATE,     ERR_ORIGIN_RESOLVE,      ERR_ORIGIN_ADDRESS,
        ERR_ORIGIN_QUEUE_FULL,      ERR_ORIGIN_ANSWER,       ERR_ORIGIN_QUEUE_TIMEOUT};
    for (size_t i = 0; i < countof(errs); i++)
        assert_int_equal(decide(get_that_failed(errs[i])), PROXY_GIVE_UP);
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
    struct proxy_retry_question tired = get_that_failed(ERR_ORIGIN_NOT_PROCESSED);
    gone.replayable = false;
    tired.retry_count = LIMIT_RETRIES;
    assert_int_equal(decide(gone), PROXY_GIVE_UP);
    assert_int_equal(decide(tired), PROXY_GIVE_UP);
    tired.retry_count--;
    assert_int_equal(decide(tired), PROXY_FRESH);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_was_not_processed_is_sent_again_whatever_the_method),
        cmocka_unit_test(a_dead_connection_is_survived_by_idempotent_methods_once),
        cmocka_unit_test(a_post_that_no_origin_was_handed_is_sent_again),
        cmocka_unit_test(an_unreachable_origin_leads_to_another),
        cmocka_unit_test(timeouts_and_distrust_are_final),
        cmocka_unit_test(http_1_1_required_moves_any_method_but_not_grpc),
        cmocka_unit_test(broken_http_2_moves_idempotent_methods_only),
        cmocka_unit_test(what_cannot_be_replayed_or_was_tried_enough_is_given_up),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
