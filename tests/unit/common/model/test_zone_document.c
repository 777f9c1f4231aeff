/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zone_document.c - the golden documents come back byte for byte; lookups; bad bytes.
 */
#include "common/model/zone_document.h"

#include <stdio.h>

#include "common/model/limits.h"

#include "tests/unit/common/model/cmocka_all.h"

#define ZONE_ID "0123456789abcdef0123456789abcdef"
#define HEAD                                                                                \
    "{\"zone_id\":\"" ZONE_ID "\",\"account_id\":\"" ZONE_ID "\",\"name\":\"example.com\"," \
    "\"plan\":\"free\",\"paused\":false,"

/* The bytes of a golden file without the newline at its end. */
static void read_golden(const char *name, struct buf *out)
{
    char path[128], bytes[8192];
    snprintf(path, sizeof(path), "schema/examples/%s.json", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_in_range(len, 2, sizeof(bytes) - 1);
    assert_int_equal(bytes[len - 1], '\n');
    buf_append(out, span_of(bytes, len - 1));
}

static struct zone_document *decode(struct span bytes)
{
    struct zone_document *document;
    struct problem problem = {.text = ""};
    if (zone_document_decode(bytes, 7, &document, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    return document;
}

static struct zone_document *decode_golden(const char *name)
{
    struct buf bytes;
    buf_init(&bytes, 8192);
    read_golden(name, &bytes);
    struct zone_document *document = decode(buf_span(&bytes));
    buf_release(&bytes);
    return document;
}

static void golden_documents_come_back_byte_for_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"default", "enterprise_h1", "wildcard", "paused_empty"};
    for (size_t i = 0; i < countof(names); i++) {
        struct buf bytes, again;
        buf_init(&bytes, 8192);
        buf_init(&again, LIMIT_DOCUMENT_BYTES);
        read_golden(names[i], &bytes);

        struct zone_document *document = decode(buf_span(&bytes));
        zone_document_encode(document, &again);

        assert_int_equal(bytes.len, again.len);
        assert_memory_equal(bytes.ptr, again.ptr, bytes.len);
        zone_document_unref(&document);
        assert_null(document);
        buf_release(&bytes);
        buf_release(&again);
    }
}

static void the_default_document_says_http2(void **state)
{
    (void)state;
    struct zone_document *d = decode_golden("default");
    assert_string_equal(d->zone_id.text, ZONE_ID);
    assert_int_equal(d->revision, 7);
    assert_int_equal(d->plan, PLAN_FREE);
    assert_false(d->paused);
    assert_int_equal(zone_document_setting(d, SETTING_origin_max_http_version), ORIGIN_HTTP_2);
    assert_int_equal(zone_document_setting(d, SETTING_origin_h2_max_streams), 100);
    assert_int_equal(zone_document_setting(d, SETTING_ssl), SSL_FULL);
    assert_int_equal(d->certificate_count, 1);
    assert_int_equal(d->hostname_count, 2);
    assert_int_equal(d->hostnames[0].origins[0].port, 0);
    assert_int_equal(d->hostnames[0].origins[0].sni.len, 0);
    zone_document_unref(&d);
}

static void the_enterprise_document_says_http1(void **state)
{
    (void)state;
    struct zone_document *d = decode_golden("enterprise_h1");
    const struct zone_origin *origin = &d->hostnames[0].origins[0];
    assert_int_equal(d->plan, PLAN_ENTERPRISE);
    assert_int_equal(zone_document_setting(d, SETTING_origin_max_http_version), ORIGIN_HTTP_1);
    assert_int_equal(zone_document_setting(d, SETTING_origin_h2_max_streams), 1);
    assert_int_equal(zone_document_setting(d, SETTING_ssl), SSL_STRICT);
    assert_int_equal(origin->port, 8443);
    assert_true(span_equal(origin->sni, SPAN("shop.hosting.example")));
    assert_true(span_equal(origin->host_header, SPAN("shop.hosting.example:8443")));
    zone_document_unref(&d);
}

static bool matches(const struct zone_document *d, const char *host, const char *entry)
{
    const struct zone_hostname *found = zone_document_match(d, span_str(host));
    if (entry == NULL)
        return found == NULL;
    return found != NULL && span_equal(found->name, span_str(entry));
}

static void a_host_matches_exactly_else_its_wildcard(void **state)
{
    (void)state;
    struct zone_document *d = decode_golden("wildcard");
    assert_true(matches(d, "xn--bcher-kva.example", "xn--bcher-kva.example"));
    assert_true(matches(d, "_dmarc.xn--bcher-kva.example", "_dmarc.xn--bcher-kva.example"));
    assert_true(matches(d, "www.xn--bcher-kva.example", "*.xn--bcher-kva.example"));
    assert_true(matches(d, "a.b.xn--bcher-kva.example", NULL));
    assert_true(matches(d, "example", NULL));
    assert_true(matches(d, "xn--bcher-kva.exampl", NULL));
    assert_true(matches(d, "", NULL));
    assert_int_equal(zone_document_match(d, SPAN("x.xn--bcher-kva.example"))->origin_count, 4);
    zone_document_unref(&d);

    d = decode_golden("paused_empty");
    assert_true(d->paused);
    assert_true(matches(d, "quiet.example", NULL));
    zone_document_unref(&d);
}

static void references_keep_a_document(void **state)
{
    (void)state;
    struct zone_document *first = decode_golden("default");
    struct zone_document *second = zone_document_ref(first);
    zone_document_unref(&first);
    assert_null(first);
    assert_true(matches(second, "www.example.com", "www.example.com"));
    zone_document_unref(&second);
    zone_document_unref(&second);
}

static void a_newer_control_is_understood(void **state)
{
    (void)state;
    struct zone_document *d =
        decode(SPAN(HEAD "\"new\":{\"deep\":[1]},\"settings\":{\"ssl\":\"off\",\"grpc\":\"on\"},"
                         "\"certificates\":[],\"hostnames\":[{\"name\":\"example.com\",\"new\":1,"
                         "\"origins\":[{\"address\":\"8.8.8.8\",\"weight\":5}]}]}"));
    assert_int_equal(zone_document_setting(d, SETTING_ssl), SSL_OFF);
    assert_int_equal(zone_document_setting(d, SETTING_origin_h2_max_streams), 100);
    assert_int_equal(d->hostname_count, 1);
    zone_document_unref(&d);
}

static void a_setting_above_the_plan_is_controls_affair(void **state)
{
    (void)state;
    struct zone_document *d = decode(SPAN(HEAD "\"settings\":{\"origin_h2_max_streams\":500},"
                                               "\"certificates\":[],\"hostnames\":[]}"));
    assert_int_equal(zone_document_setting(d, SETTING_origin_h2_max_streams), 500);
    zone_document_unref(&d);
}

static void the_order_of_hostnames_does_not_change_the_bytes(void **state)
{
    (void)state;
    struct buf left, right;
    struct zone_document *d = decode_golden("wildcard");
    struct zone_hostname first = d->hostnames[0];
    buf_init(&left, LIMIT_DOCUMENT_BYTES);
    buf_init(&right, LIMIT_DOCUMENT_BYTES);

    zone_document_encode(d, &left);
    d->hostnames[0] = d->hostnames[2];
    d->hostnames[2] = first;
    zone_document_encode(d, &right);

    assert_true(span_equal(buf_span(&left), buf_span(&right)));
    buf_release(&left);
    buf_release(&right);
    zone_document_unref(&d);
}

#define TAIL "\"settings\":{},\"certificates\":[],\"hostnames\":[]}"
#define HOSTNAMES(list) HEAD "\"settings\":{},\"certificates\":[],\"hostnames\":[" list "]}"
#define ORIGIN(members) \
    HOSTNAMES("{\"name\":\"example.com\",\"origins\":[{\"address\":\"8.8.8.8\"},{" members "}]}")

static void bad_documents_are_refused_at_their_path(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *path;
    } bad[] = {
        {"", ""},
        {"[]", ""},
        {"{\"zone_id\":1}", "zone_id"},
        {"{\"zone_id\":\"x\",\"account_id\":\"\",\"name\":\"a\",\"plan\":\"free\"}", "paused"},
        {"{\"zone_id\":\"x\",\"account_id\":\"\",\"name\":\"a\",\"plan\":\"free\",\"paused\":"
         "true," TAIL,
         "zone_id"},
        {"{\"zone_id\":\"" ZONE_ID "\",\"account_id\":\"\",\"name\":\"a\",\"plan\":\"free\","
         "\"paused\":true," TAIL,
         "account_id"},
        {"{\"zone_id\":\"" ZONE_ID "\",\"account_id\":\"" ZONE_ID "\",\"name\":\"A\","
         "\"plan\":\"free\",\"paused\":true," TAIL,
         "name"},
        {"{\"zone_id\":\"" ZONE_ID "\",\"account_id\":\"" ZONE_ID "\",\"name\":\"a\","
         "\"plan\":\"gold\",\"paused\":true," TAIL,
         "plan"},
        {HEAD "\"settings\":[],\"certificates\":[],\"hostnames\":[]}", "settings"},
        {HEAD "\"settings\":{\"ssl\":\"on\"},\"certificates\":[],\"hostnames\":[]}",
         "settings.ssl"},
        {HEAD "\"settings\":{},\"certificates\":[],\"client_certificates\":[7],\"hostnames\":[]}",
         "client_certificates[0]"},
        {HEAD "\"settings\":{\"ssl\":2},\"certificates\":[],\"hostnames\":[]}", "settings.ssl"},
        {HEAD "\"settings\":{\"origin_h2_max_streams\":-1},\"certificates\":[],\"hostnames\":[]}",
         "settings.origin_h2_max_streams"},
        {HEAD "\"settings\":{\"origin_h2_max_streams\":0},\"certificates\":[],\"hostnames\":[]}",
         "settings.origin_h2_max_streams"},
        {HEAD "\"settings\":{\"origin_h2_max_streams\":1.5},\"certificates\":[],\"hostnames\":[]}",
         "settings.origin_h2_max_streams"},
        {HEAD "\"settings\":{},\"certificates\":{},\"hostnames\":[]}", "certificates"},
        {HEAD "\"settings\":{},\"certificates\":[\"x\"],\"hostnames\":[]}", "certificates[0]"},
        {HEAD "\"settings\":{},\"certificates\":[1],\"hostnames\":[]}", "certificates[0]"},
        {HEAD "\"settings\":{},\"certificates\":[\"" ZONE_ID "\",\"" ZONE_ID "\"],"
              "\"hostnames\":[]}",
         "certificates[1]"},
        {HEAD "\"settings\":{},\"certificates\":[],\"hostnames\":null}", "hostnames"},
        {HOSTNAMES("7"), "hostnames[0]"},
        {HOSTNAMES("{\"name\":\"example.com\"}"), "hostnames[0].origins"},
        {HOSTNAMES("{\"name\":\"example.com\",\"origins\":[]}"), "hostnames[0].origins"},
        {HOSTNAMES("{\"name\":\"example.org\",\"origins\":[{\"address\":\"8.8.8.8\"}]}"),
         "hostnames[0].name"},
        {HOSTNAMES("{\"name\":\"WWW.example.com\",\"origins\":[{\"address\":\"8.8.8.8\"}]}"),
         "hostnames[0].name"},
        {HOSTNAMES("{\"name\":\"a.example.com\",\"origins\":[{\"address\":\"8.8.8.8\"}]},"
                   "{\"name\":\"a.example.com\",\"origins\":[{\"address\":\"8.8.8.8\"}]}"),
         "hostnames[1].name"},
        {ORIGIN("\"port\":80"), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"\""), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"127.1\""), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"2606:4700:0::1\""), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"::ffff:8.8.8.8\""), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"Origin.example\""), "hostnames[0].origins[1].address"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"port\":0"), "hostnames[0].origins[1].port"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"port\":65536"), "hostnames[0].origins[1].port"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"sni\":\"a b\""), "hostnames[0].origins[1].sni"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"sni\":\"*.example\""), "hostnames[0].origins[1].sni"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"host_header\":\"a\\r\\nb\""),
         "hostnames[0].origins[1].host_header"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"host_header\":\"a:0\""),
         "hostnames[0].origins[1].host_header"},
        {ORIGIN("\"address\":\"8.8.8.8\",\"host_header\":\"a:\""),
         "hostnames[0].origins[1].host_header"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct zone_document *document;
        struct problem problem = {.path = "unset"};
        enum err err = zone_document_decode(span_str(bad[i].bytes), 1, &document, &problem);
        if (err != ERR_INVALID || strcmp(problem.path, bad[i].path) != 0)
            fail_msg("%s: %s: %s", bad[i].bytes, problem.path, problem.text);
        assert_null(document);
        assert_int_equal(zone_document_decode(span_str(bad[i].bytes), 1, &document, NULL), err);
    }
}

static void every_cut_of_a_document_is_refused(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 8192);
    read_golden("wildcard", &bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        struct zone_document *document;
        struct span cut = span_first(buf_span(&bytes), i);
        assert_int_equal(zone_document_decode(cut, 1, &document, NULL), ERR_INVALID);
    }
    buf_release(&bytes);
}

/* A document of count hostnames, each with origin_count origins. */
static void write_large(struct buf *out, size_t count, size_t origin_count)
{
    buf_append(out, SPAN(HEAD "\"settings\":{},\"certificates\":[],\"hostnames\":["));
    for (size_t i = 0; i < count; i++) {
        buf_appendf(out, "%s{\"name\":\"n%zu.example.com\",\"origins\":[", i ? "," : "", i);
        for (size_t k = 0; k < origin_count; k++)
            buf_appendf(out, "%s{\"address\":\"8.8.8.8\"}", k ? "," : "");
        buf_append_str(out, "]}");
    }
    buf_append_str(out, "]}");
}

static enum err decode_large(size_t count, size_t origin_count, struct zone_document **out)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_DOCUMENT_BYTES);
    write_large(&bytes, count, origin_count);
    assert_false(bytes.overflowed);
    enum err err = zone_document_decode(buf_span(&bytes), 1, out, NULL);
    buf_release(&bytes);
    return err;
}

static void limits_hold_and_the_last_hostname_is_found(void **state)
{
    (void)state;
    struct zone_document *d;
    assert_int_equal(decode_large(LIMIT_ZONE_HOSTNAMES, 1, &d), ERR_OK);
    for (size_t i = 0; i < LIMIT_ZONE_HOSTNAMES; i++) {
        char host[64];
        snprintf(host, sizeof(host), "n%zu.example.com", i);
        assert_true(matches(d, host, host));
    }
    assert_true(matches(d, "n4096.example.com", NULL));
    zone_document_unref(&d);

    assert_int_equal(decode_large(LIMIT_ZONE_HOSTNAMES + 1, 1, &d), ERR_LIMIT);
    assert_int_equal(decode_large(1, LIMIT_HOSTNAME_ORIGINS, &d), ERR_OK);
    zone_document_unref(&d);
    assert_int_equal(decode_large(1, LIMIT_HOSTNAME_ORIGINS + 1, &d), ERR_LIMIT);
}

static void more_bytes_than_the_limit_are_not_even_parsed(void **state)
{
    (void)state;
    static const uint8_t bytes[LIMIT_DOCUMENT_BYTES + 1];
    struct zone_document *d;
    assert_int_equal(zone_document_decode(span_of(bytes, sizeof(bytes)), 1, &d, NULL),
                     ERR_TOO_LARGE);
    assert_null(d);
}

static void client_certificates_are_apart_and_may_be_absent(void **state)
{
    (void)state;
    static const char id[] = "00112233445566778899aabbccddeeff";
    struct zone_document *d = decode(SPAN(
        HEAD "\"settings\":{\"tls_client_auth\":\"on\"},\"certificates\":[],"
             "\"client_certificates\":[\"00112233445566778899aabbccddeeff\"],\"hostnames\":[]}"));
    assert_int_equal(zone_document_setting(d, SETTING_tls_client_auth), SWITCH_ON);
    assert_int_equal(d->certificate_count, 0);
    assert_int_equal(d->client_certificate_count, 1);
    assert_string_equal(d->client_certificates[0].text, id);

    struct buf bytes;
    buf_init(&bytes, LIMIT_DOCUMENT_BYTES);
    zone_document_encode(d, &bytes);
    assert_non_null(
        strstr(buf_cstr(&bytes), "\"certificates\":[],\"client_certificates\":[\"0011"));
    buf_release(&bytes);
    zone_document_unref(&d);

    d = decode(SPAN(HEAD "\"settings\":{},\"certificates\":[],\"hostnames\":[]}"));
    assert_int_equal(zone_document_setting(d, SETTING_tls_client_auth), SWITCH_OFF);
    assert_int_equal(d->client_certificate_count, 0);
    zone_document_unref(&d);
}

static void versions_for_visitors_follow_the_settings(void **state)
{
    (void)state;
    static const struct {
        enum min_tls_version oldest;
        uint64_t newest; /* tls_1_3: off, on, zrt */
        bool tls_1_2, tls_1_3;
    } rows[] = {
        {MIN_TLS_1_0, SWITCH_ON, true, true},   {MIN_TLS_1_1, 2, true, true},
        {MIN_TLS_1_2, SWITCH_OFF, true, false}, {MIN_TLS_1_3, SWITCH_ON, false, true},
        {MIN_TLS_1_3, SWITCH_OFF, false, true},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct zone_document document = {0};
        struct visitor_tls tls;
        document.settings[SETTING_min_tls_version].number = rows[i].oldest;
        document.settings[SETTING_tls_1_3].number = rows[i].newest;
        document.settings[SETTING_http2].number = i % 2;
        zone_document_visitor_tls(&document, &tls);
        assert_int_equal(tls.tls_1_2, rows[i].tls_1_2);
        assert_int_equal(tls.tls_1_3, rows[i].tls_1_3);
        assert_int_equal(tls.h2_offered, i % 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_documents_come_back_byte_for_byte),
        cmocka_unit_test(versions_for_visitors_follow_the_settings),
        cmocka_unit_test(the_default_document_says_http2),
        cmocka_unit_test(the_enterprise_document_says_http1),
        cmocka_unit_test(a_host_matches_exactly_else_its_wildcard),
        cmocka_unit_test(references_keep_a_document),
        cmocka_unit_test(a_newer_control_is_understood),
        cmocka_unit_test(a_setting_above_the_plan_is_controls_affair),
        cmocka_unit_test(the_order_of_hostnames_does_not_change_the_bytes),
        cmocka_unit_test(bad_documents_are_refused_at_their_path),
        cmocka_unit_test(every_cut_of_a_document_is_refused),
        cmocka_unit_test(limits_hold_and_the_last_hostname_is_found),
        cmocka_unit_test(more_bytes_than_the_limit_are_not_even_parsed),
        cmocka_unit_test(client_certificates_are_apart_and_may_be_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
