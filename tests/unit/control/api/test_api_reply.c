/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_reply.c - the envelope, byte for byte.
 */
#include "control/api/api_reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int open_reply(void **state)
{
    struct api_reply *reply = test_calloc(1, sizeof(*reply));
    buf_init(&reply->body, 65536);
    *state = reply;
    return 0;
}

static int close_reply(void **state)
{
    struct api_reply *reply = *state;
    buf_release(&reply->body);
    test_free(reply);
    return 0;
}

static void a_result_has_empty_errors_and_messages(void **state)
{
    struct api_reply *reply = *state;

    assert_int_equal(api_reply_result(reply, json_pack("{s:o}", "ttl", api_json_u64(1))), ERR_OK);

    assert_int_equal(reply->status, 200);
    assert_string_equal(buf_cstr(&reply->body), "{\"success\":true,\"errors\":[],\"messages\":[],"
                                                "\"result\":{\"ttl\":1}}");
}

static void no_result_is_null(void **state)
{
    struct api_reply *reply = *state;
    assert_int_equal(api_reply_result(reply, NULL), ERR_OK);
    assert_non_null(strstr(buf_cstr(&reply->body), "\"result\":null"));
}

static void a_page_past_the_end_is_an_empty_success(void **state)
{
    struct api_reply *reply = *state;
    const struct api_page page = {.page = 9, .per_page = 20, .total_count = 21};

    assert_int_equal(api_reply_page(reply, json_array(), &page), ERR_OK);

    assert_int_equal(reply->status, 200);
    assert_string_equal(buf_cstr(&reply->body),
                        "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[],"
                        "\"result_info\":{\"page\":9,\"per_page\":20,\"count\":0,"
                        "\"total_count\":21,\"total_pages\":2}}");
}

static void an_error_has_its_code_and_the_words_of_the_problem(void **state)
{
    struct api_reply *reply = *state;

    assert_int_not_equal(api_fail(reply, API_ERROR_FIELD, "per_page", "at most %d", 50), ERR_OK);
    api_reply_error(reply, SPAN_EMPTY);

    assert_int_equal(reply->status, 400);
    assert_string_equal(buf_cstr(&reply->body),
                        "{\"success\":false,\"errors\":[{\"code\":1001,\"message\":\"per_page: at "
                        "most 50\"}],\"messages\":[],\"result\":null}");
}

static void a_chain_carries_the_problem_below_the_general_text(void **state)
{
    struct api_reply *reply = *state;

    api_fail(reply, API_ERROR_HEADER_MALFORMED, "", "%s",
             "Invalid format for Authorization header");
    api_reply_error(reply, SPAN_EMPTY);

    assert_string_equal(buf_cstr(&reply->body),
                        "{\"success\":false,\"errors\":[{\"code\":6003,\"message\":\"Invalid "
                        "request headers\",\"error_chain\":[{\"code\":6111,\"message\":\"Invalid "
                        "format for Authorization header\"}]}],\"messages\":[],\"result\":null}");
}

static void what_is_not_there_says_so_in_two_codes(void **state)
{
    struct api_reply *reply = *state;

    reply->error = API_ERROR_NO_OBJECT;
    api_reply_error(reply, SPAN("/client/v4/zones/x\"y"));

    assert_int_equal(reply->status, 404);
    const char *text = buf_cstr(&reply->body);
    assert_non_null(strstr(text, "\"code\":7003"));
    assert_non_null(strstr(text, "/client/v4/zones/x\\\"y, perhaps"));
    assert_non_null(strstr(text, "\"code\":7000"));
}

static void an_answer_that_is_too_large_is_an_error_and_no_abort(void **state)
{
    struct api_reply *reply = *state;
    buf_release(&reply->body);
    buf_init(&reply->body, 200);
    char text[400];
    memset(text, 'x', sizeof(text));

    assert_int_equal(api_reply_result(reply, api_json_text(span_of(text, sizeof(text)))), ERR_OK);

    assert_int_equal(reply->status, 500);
    assert_non_null(strstr(buf_cstr(&reply->body), "\"success\":false"));
}

static void bytes_that_are_no_text_become_empty_and_times_have_microseconds(void **state)
{
    (void)state;
    json_t *text = api_json_text(SPAN("\xff\xfe"));
    json_t *time = api_json_time(1763807267123456);
    json_t *never = api_json_time(0);

    assert_string_equal(json_string_value(text), "");
    assert_string_equal(json_string_value(time), "2025-11-22T10:27:47.123456Z");
    assert_true(json_is_null(never));

    json_decref(text);
    json_decref(time);
    json_decref(never);
}

#define reply_test(f) cmocka_unit_test_setup_teardown(f, open_reply, close_reply)

int main(void)
{
    const struct CMUnitTest tests[] = {
        reply_test(a_result_has_empty_errors_and_messages),
        reply_test(no_result_is_null),
        reply_test(a_page_past_the_end_is_an_empty_success),
        reply_test(an_error_has_its_code_and_the_words_of_the_problem),
        reply_test(a_chain_carries_the_problem_below_the_general_text),
        reply_test(what_is_not_there_says_so_in_two_codes),
        reply_test(an_answer_that_is_too_large_is_an_error_and_no_abort),
        reply_test(bytes_that_are_no_text_become_empty_and_times_have_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
