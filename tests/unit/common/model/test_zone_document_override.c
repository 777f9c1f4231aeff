/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zone_document_override.c - settings that one hostname of a zone has for itself.
 */
#include "common/model/zone_document_override.h"

#include "common/model/limits.h"

#include "tests/unit/common/model/cmocka_all.h"

#define ZONE_ID "0123456789abcdef0123456789abcdef"
#define DOCUMENT(overrides)                                                                  \
    "{\"zone_id\":\"" ZONE_ID "\",\"account_id\":\"" ZONE_ID "\",\"name\":\"example.com\","  \
    "\"plan\":\"free\",\"paused\":false,\"settings\":{},\"certificates\":[],\"hostnames\":[" \
    "]" overrides "}"
#define BOTH                                                                                  \
    ",\"overrides\":[{\"name\":\"*.example.com\",\"origin_max_http_version\":\"1\","          \
    "\"origin_h2_max_streams\":7},{\"name\":\"api.example.com\",\"origin_max_http_version\":" \
    "\"2\"}]"

static struct zone_document *decode(struct span bytes)
{
    struct zone_document *document;
    struct problem problem = {.text = ""};
    if (zone_document_decode(bytes, 1, &document, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    return document;
}

static void the_exact_name_wins_over_the_wildcard_setting_by_setting(void **state)
{
    (void)state;
    struct zone_document *d = decode(SPAN(DOCUMENT(BOTH)));

    assert_int_equal(
        zone_document_setting_of(d, SPAN("www.example.com"), SETTING_origin_max_http_version),
        ORIGIN_HTTP_1);
    assert_int_equal(
        zone_document_setting_of(d, SPAN("api.example.com"), SETTING_origin_max_http_version),
        ORIGIN_HTTP_2);
    assert_int_equal(
        zone_document_setting_of(d, SPAN("api.example.com"), SETTING_origin_h2_max_streams), 7);
    assert_int_equal(
        zone_document_setting_of(d, SPAN("example.com"), SETTING_origin_h2_max_streams), 100);
    assert_int_equal(
        zone_document_setting_of(d, SPAN("a.b.example.com"), SETTING_origin_max_http_version),
        ORIGIN_HTTP_2);
    assert_int_equal(zone_document_setting_of(d, SPAN("www.example.com"), SETTING_ssl), SSL_FULL);

    zone_document_unref(&d);
}

static void they_come_back_byte_for_byte_in_the_order_of_names(void **state)
{
    (void)state;
    struct zone_document *d = decode(SPAN(DOCUMENT(BOTH)));
    struct zone_override first = d->overrides[0];
    struct buf bytes;
    buf_init(&bytes, LIMIT_DOCUMENT_BYTES);

    d->overrides[0] = d->overrides[1];
    d->overrides[1] = first;
    zone_document_encode(d, &bytes);

    assert_non_null(strstr(buf_cstr(&bytes), "\"hostnames\":[]" BOTH "}"));
    buf_release(&bytes);
    zone_document_unref(&d);
}

static void a_document_without_overrides_does_not_mention_them(void **state)
{
    (void)state;
    struct zone_document *d = decode(SPAN(DOCUMENT(",\"overrides\":[]")));
    struct buf bytes;
    buf_init(&bytes, LIMIT_DOCUMENT_BYTES);

    zone_document_encode(d, &bytes);

    assert_null(strstr(buf_cstr(&bytes), "overrides"));
    buf_release(&bytes);
    zone_document_unref(&d);
}

static void bad_overrides_are_refused_at_their_path(void **state)
{
    (void)state;
    static const struct {
        const char *json, *path;
    } cases[] = {
        {DOCUMENT(",\"overrides\":{}"), "overrides"},
        {DOCUMENT(",\"overrides\":[{}]"), "overrides[0].name"},
        {DOCUMENT(",\"overrides\":[{\"name\":\"example.org\"}]"), "overrides[0].name"},
        {DOCUMENT(",\"overrides\":[{\"name\":\"WWW.example.com\"}]"), "overrides[0].name"},
        {DOCUMENT(",\"overrides\":[{\"name\":\"example.com\"},{\"name\":\"example.com\"}]"),
         "overrides[1].name"},
        {DOCUMENT(",\"overrides\":[{\"name\":\"example.com\",\"origin_h2_max_streams\":0}]"),
         "overrides[0].origin_h2_max_streams"},
        {DOCUMENT(",\"overrides\":[{\"name\":\"example.com\",\"origin_max_http_version\":\"3\"}]"),
         "overrides[0].origin_max_http_version"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct zone_document *document;
        struct problem problem = {.text = ""};
        assert_int_not_equal(zone_document_decode(span_str(cases[i].json), 1, &document, &problem),
                             ERR_OK);
        assert_null(document);
        assert_string_equal(problem.path, cases[i].path);
    }
}

static void more_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct buf json;
    struct zone_document *document;
    struct problem problem = {.text = ""};
    buf_init(&json, LIMIT_DOCUMENT_BYTES);
    buf_append_str(&json, DOCUMENT(",\"overrides\":["));
    json.len -= 1;
    for (int i = 0; i <= LIMIT_ZONE_OVERRIDES; i++)
        buf_appendf(&json, "%s{\"name\":\"h%d.example.com\"}", i > 0 ? "," : "", i);
    buf_append_str(&json, "]}");

    assert_int_equal(zone_document_decode(buf_span(&json), 1, &document, &problem), ERR_LIMIT);

    assert_string_equal(problem.path, "overrides");
    buf_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_name_wins_over_the_wildcard_setting_by_setting),
        cmocka_unit_test(they_come_back_byte_for_byte_in_the_order_of_names),
        cmocka_unit_test(a_document_without_overrides_does_not_mention_them),
        cmocka_unit_test(bad_overrides_are_refused_at_their_path),
        cmocka_unit_test(more_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
