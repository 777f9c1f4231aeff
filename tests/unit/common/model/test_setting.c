/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_setting.c - settings by plan: defaults, values, rights.
 */
#include "common/model/setting.h"

#include "tests/unit/common/model/cmocka_all.h"

static const enum plan plans[] = {PLAN_FREE, PLAN_PRO, PLAN_BUSINESS, PLAN_ENTERPRISE};

static void plans_have_slugs(void **state)
{
    (void)state;
    static const char *const slugs[] = {"free", "pro", "business", "enterprise"};
    enum plan plan;
    for (size_t i = 0; i < countof(plans); i++) {
        assert_string_equal(plan_slug(plans[i]), slugs[i]);
        assert_int_equal(plan_parse(span_str(slugs[i]), &plan), ERR_OK);
        assert_int_equal(plan, plans[i]);
    }
    assert_int_equal(plan_parse(SPAN("Free"), &plan), ERR_INVALID);
    assert_int_equal(plan_parse(SPAN_EMPTY, &plan), ERR_INVALID);
}

static void settings_are_found_by_id(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        enum setting_id id;
        assert_int_equal(setting_find(span_str(setting_row((enum setting_id)i)->id), &id), ERR_OK);
        assert_int_equal(id, i);
    }
    enum setting_id id;
    assert_int_equal(setting_find(SPAN("origin_max_http"), &id), ERR_NOT_FOUND);
    assert_int_equal(setting_find(SPAN_EMPTY, &id), ERR_NOT_FOUND);
}

static void defaults_follow_the_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(plans); i++) {
        bool enterprise = plans[i] == PLAN_ENTERPRISE;
        struct setting_value version = setting_default(SETTING_origin_max_http_version, plans[i]);
        struct setting_value streams = setting_default(SETTING_origin_h2_max_streams, plans[i]);
        struct setting_value ssl = setting_default(SETTING_ssl, plans[i]);
        assert_int_equal(version.kind, SETTING_TEXT);
        assert_int_equal(version.number, enterprise ? ORIGIN_HTTP_1 : ORIGIN_HTTP_2);
        assert_int_equal(streams.kind, SETTING_NUMBER);
        assert_int_equal(streams.number, enterprise ? 1 : 100);
        assert_int_equal(ssl.number, SSL_FULL);
        assert_int_equal(setting_default(SETTING_min_tls_version, plans[i]).number, MIN_TLS_1_0);
        assert_int_equal(setting_default(SETTING_tls_1_3, plans[i]).number, SWITCH_ON);
        assert_int_equal(setting_default(SETTING_http2, plans[i]).number, SWITCH_ON);
        assert_int_equal(setting_default(SETTING_always_use_https, plans[i]).number, SWITCH_OFF);
    }
}

static void what_a_visitor_is_spoken_to_with_reads_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
    struct setting_value value;
    for (size_t i = 0; i < countof(versions); i++) {
        struct span word = span_str(versions[i]);
        assert_int_equal(setting_parse_word(SETTING_min_tls_version, PLAN_FREE, word, &value, NULL),
                         ERR_OK);
        assert_int_equal(value.number, MIN_TLS_1_0 + i);
        assert_true(span_equal(setting_word(SETTING_min_tls_version, value), word));
    }
    assert_int_equal(setting_parse_word(SETTING_tls_1_3, PLAN_FREE, SPAN("zrt"), &value, NULL),
                     ERR_OK);
    assert_true(value.number != SWITCH_OFF);
    assert_true(span_equal(setting_word(SETTING_tls_1_3, value), SPAN("zrt")));
    assert_int_equal(setting_parse_word(SETTING_http2, PLAN_FREE, SPAN("zrt"), &value, NULL),
                     ERR_INVALID);
    assert_int_equal(
        setting_parse_word(SETTING_min_tls_version, PLAN_FREE, SPAN("1.4"), &value, NULL),
        ERR_INVALID);
}

static void words_are_one_of_the_row(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum ssl_mode mode;
    } modes[] = {{"off", SSL_OFF},
                 {"flexible", SSL_FLEXIBLE},
                 {"full", SSL_FULL},
                 {"strict", SSL_STRICT},
                 {"origin_pull", SSL_ORIGIN_PULL}};
    struct setting_value value;
    struct problem problem;

    for (size_t i = 0; i < countof(modes); i++) {
        struct span word = span_str(modes[i].word);
        assert_int_equal(setting_parse_word(SETTING_ssl, PLAN_FREE, word, &value, NULL), ERR_OK);
        assert_int_equal(value.number, modes[i].mode);
        assert_true(span_equal(setting_word(SETTING_ssl, value), word));
    }
    assert_int_equal(setting_parse_word(SETTING_ssl, PLAN_FREE, SPAN("ful"), &value, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.text,
                        "must be `off`, `flexible`, `full`, `strict` or `origin_pull`");
    assert_int_equal(setting_parse_word(SETTING_ssl, PLAN_FREE, SPAN("off|full"), &value, NULL),
                     ERR_INVALID);
    assert_int_equal(setting_parse_word(SETTING_ssl, PLAN_FREE, SPAN_EMPTY, &value, NULL),
                     ERR_INVALID);
}

static void every_plan_may_choose_the_version(void **state)
{
    (void)state;
    enum setting_id id = SETTING_origin_max_http_version;
    struct setting_value value;
    struct problem problem;

    for (size_t i = 0; i < countof(plans); i++) {
        assert_int_equal(setting_parse_word(id, plans[i], SPAN("1"), &value, NULL), ERR_OK);
        assert_int_equal(value.number, ORIGIN_HTTP_1);
        assert_int_equal(setting_parse_word(id, plans[i], SPAN("2"), &value, NULL), ERR_OK);
        assert_int_equal(value.number, ORIGIN_HTTP_2);
    }
    assert_int_equal(setting_parse_word(id, PLAN_FREE, SPAN("3"), &value, &problem), ERR_INVALID);
    assert_string_equal(problem.text, "must be `1` or `2`");
    assert_int_equal(setting_parse_number(id, PLAN_FREE, 2, &value, &problem), ERR_INVALID);
    assert_string_equal(problem.text, "must be `1` or `2`");
}

static void streams_may_be_lowered_and_raised_by_enterprise_only(void **state)
{
    (void)state;
    enum setting_id id = SETTING_origin_h2_max_streams;
    struct setting_value value;
    struct problem problem;

    for (size_t i = 0; i < countof(plans); i++) {
        bool enterprise = plans[i] == PLAN_ENTERPRISE;
        assert_int_equal(setting_parse_number(id, plans[i], 1, &value, NULL), ERR_OK);
        assert_int_equal(setting_parse_number(id, plans[i], 100, &value, NULL), ERR_OK);
        assert_int_equal(value.number, 100);
        assert_int_equal(setting_parse_number(id, plans[i], 101, &value, &problem),
                         enterprise ? ERR_OK : ERR_FORBIDDEN);
        assert_int_equal(setting_parse_number(id, plans[i], 1000, &value, NULL),
                         enterprise ? ERR_OK : ERR_FORBIDDEN);
        assert_int_equal(setting_parse_number(id, plans[i], 1001, &value, NULL), ERR_INVALID);
        assert_int_equal(setting_parse_number(id, plans[i], 0, &value, &problem), ERR_INVALID);
        assert_string_equal(problem.text, "must be a whole number from 1 to 1000");
    }
    assert_int_equal(setting_parse_word(id, PLAN_FREE, SPAN("100"), &value, &problem), ERR_INVALID);
    assert_string_equal(problem.text, "must be a whole number from 1 to 1000");
}

static void seconds_of_silence_are_for_enterprise_to_raise(void **state)
{
    (void)state;
    enum setting_id id = SETTING_proxy_read_timeout;
    struct setting_value value;
    for (size_t i = 0; i < countof(plans); i++) {
        bool enterprise = plans[i] == PLAN_ENTERPRISE;
        assert_int_equal(setting_default(id, plans[i]).number, 120);
        assert_int_equal(setting_parse_number(id, plans[i], 1, &value, NULL), ERR_OK);
        assert_int_equal(setting_parse_number(id, plans[i], 120, &value, NULL), ERR_OK);
        assert_int_equal(setting_parse_number(id, plans[i], 121, &value, NULL),
                         enterprise ? ERR_OK : ERR_FORBIDDEN);
        assert_int_equal(setting_parse_number(id, plans[i], 6000, &value, NULL),
                         enterprise ? ERR_OK : ERR_FORBIDDEN);
        assert_int_equal(setting_parse_number(id, plans[i], 6001, &value, NULL), ERR_INVALID);
        assert_int_equal(setting_parse_number(id, plans[i], 0, &value, NULL), ERR_INVALID);
    }
}

static void every_plan_may_ping_and_switch_grpc(void **state)
{
    (void)state;
    struct setting_value value;
    for (size_t i = 0; i < countof(plans); i++) {
        assert_int_equal(setting_default(SETTING_grpc, plans[i]).number, SWITCH_ON);
        assert_int_equal(setting_parse_word(SETTING_grpc, plans[i], SPAN("off"), &value, NULL),
                         ERR_OK);
        assert_int_equal(value.number, SWITCH_OFF);
        assert_int_equal(setting_default(SETTING_origin_h2_ping, plans[i]).number, 0);
        assert_int_equal(setting_parse_number(SETTING_origin_h2_ping, plans[i], 3600, &value, NULL),
                         ERR_OK);
        assert_int_equal(setting_parse_number(SETTING_origin_h2_ping, plans[i], 3601, &value, NULL),
                         ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_have_slugs),
        cmocka_unit_test(settings_are_found_by_id),
        cmocka_unit_test(defaults_follow_the_plan),
        cmocka_unit_test(what_a_visitor_is_spoken_to_with_reads_back_as_it_was_written),
        cmocka_unit_test(words_are_one_of_the_row),
        cmocka_unit_test(every_plan_may_choose_the_version),
        cmocka_unit_test(streams_may_be_lowered_and_raised_by_enterprise_only),
        cmocka_unit_test(seconds_of_silence_are_for_enterprise_to_raise),
        cmocka_unit_test(every_plan_may_ping_and_switch_grpc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
