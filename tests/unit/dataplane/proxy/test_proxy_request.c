/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy_request.c - both rewrites: what origins get, what visitors get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/proxy/proxy_ray.h"
#include "dataplane/proxy/proxy_request.h"
#include "dataplane/proxy/proxy_response.h"

static struct arena arena;
static struct head asked;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL);
    head_init(&asked, &arena);
    asked.method = SPAN("GET");
    asked.scheme = SPAN("https");
    asked.authority = SPAN("www.example.com");
    asked.path = SPAN("/a?b");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void add(const char *name, const char *value)
{
    assert_int_equal(fields_add(&asked.fields, span_str(name), span_str(value)), ERR_OK);
}

static struct head *rewritten(void)
{
    struct proxy_request request = {.asked = &asked,
                                    .client_address = SPAN("203.0.113.7"),
                                    .peer_address = SPAN("203.0.113.7"),
                                    .secure = true,
                                    .ray = SPAN("0123456789abcdef-AMS"),
                                    .edge_id = SPAN("AMS")};
    return proxy_request_head(&request, &arena);
}

static void assert_field(const struct head *head, enum field_id id, const char *value)
{
    assert_int_equal(fields_count(&head->fields, id), 1);
    const struct field *field = fields_find(&head->fields, id);
    assert_true(span_equal(field->value, span_str(value)));
    assert_true(span_equal(field->name, field_text(id)));
}

static void the_edge_says_who_asks_and_how(void **state)
{
    (void)state;
    add("accept", "*/*");
    struct head *head = rewritten();

    assert_field(head, FIELD_ACCEPT, "*/*");
    assert_field(head, FIELD_CF_CONNECTING_IP, "203.0.113.7");
    assert_field(head, FIELD_X_FORWARDED_FOR, "203.0.113.7");
    assert_field(head, FIELD_X_FORWARDED_PROTO, "https");
    assert_field(head, FIELD_CF_RAY, "0123456789abcdef-AMS");
    assert_field(head, FIELD_CF_VISITOR, "{\"scheme\":\"https\"}");
    assert_field(head, FIELD_CDN_LOOP, "AMS");
    assert_true(span_equal(head->path, SPAN("/a?b")));
    assert_int_equal(asked.fields.count, 1);
}

static void what_a_visitor_claims_for_the_edge_is_dropped(void **state)
{
    (void)state;
    add("cf-connecting-ip", "6.6.6.6");
    add("cf-ray", "forged");
    add("cf-visitor", "forged");
    add("x-forwarded-proto", "gopher");
    struct head *head = rewritten();

    assert_field(head, FIELD_CF_CONNECTING_IP, "203.0.113.7");
    assert_field(head, FIELD_CF_RAY, "0123456789abcdef-AMS");
    assert_field(head, FIELD_X_FORWARDED_PROTO, "https");
    assert_field(head, FIELD_CF_VISITOR, "{\"scheme\":\"https\"}");
}

static void lists_are_appended_to_in_order(void **state)
{
    (void)state;
    add("x-forwarded-for", "198.51.100.1");
    add("cdn-loop", "other; v=1");
    add("x-forwarded-for", "198.51.100.2, 198.51.100.3");
    struct head *head = rewritten();

    assert_field(head, FIELD_X_FORWARDED_FOR,
                 "198.51.100.1, 198.51.100.2, 198.51.100.3, 203.0.113.7");
    assert_field(head, FIELD_CDN_LOOP, "other; v=1, AMS");
}

static void a_full_head_still_takes_what_the_edge_adds(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_FIELDS; i++)
        add("x-many", "1");
    struct head *head = rewritten();

    assert_int_equal(head->fields.count, LIMIT_FIELDS + 6);
    size_t bytes = 0;
    for (uint32_t i = 0; i < head->fields.count; i++)
        bytes += head->fields.items[i].name.len + head->fields.items[i].value.len + 32;
    assert_int_equal(head->fields.bytes, bytes);
}

static void a_loop_is_seen_by_the_edges_own_id(void **state)
{
    (void)state;
    add("cdn-loop", "amsterdam, x AMS");
    assert_false(proxy_request_looped(&asked.fields, SPAN("AMS")));
    add("cdn-loop", "cloudflare; subreqs=1,  ams ; v=2");
    assert_true(proxy_request_looped(&asked.fields, SPAN("AMS")));
}

static void answers_carry_one_ray_and_a_date(void **state)
{
    (void)state;
    asked.status = 200;
    add("cf-ray", "the-origin's");
    add("server", "origin/1");
    add("cf-ray", "another");
    assert_false(proxy_response_dated(&asked));
    proxy_response_rewrite(&asked, SPAN("ray-AMS"), SPAN("Sun, 22 Nov 2026 13:29:25 GMT"));

    assert_field(&asked, FIELD_CF_RAY, "ray-AMS");
    assert_field(&asked, FIELD_SERVER, "origin/1");
    assert_field(&asked, FIELD_DATE, "Sun, 22 Nov 2026 13:29:25 GMT");
    assert_true(proxy_response_dated(&asked));
}

static void dates_have_the_fixed_form(void **state)
{
    (void)state;
    char text[PROXY_DATE_BYTES];
    proxy_format_date(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void rays_differ_and_end_with_the_edge(void **state)
{
    (void)state;
    struct proxy_rays rays;
    proxy_rays_init(&rays);
    struct span a = proxy_rays_next(&rays, SPAN("AMS"), &arena);
    struct span b = proxy_rays_next(&rays, SPAN("AMS"), &arena);

    assert_int_equal(a.len, 20);
    assert_true(span_ends_with(a, SPAN("-AMS")));
    assert_false(span_equal(a, b));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(the_edge_says_who_asks_and_how),
        CASE(what_a_visitor_claims_for_the_edge_is_dropped),
        CASE(lists_are_appended_to_in_order),
        CASE(a_full_head_still_takes_what_the_edge_adds),
        CASE(a_loop_is_seen_by_the_edges_own_id),
        CASE(answers_carry_one_ray_and_a_date),
        CASE(dates_have_the_fixed_form),
        CASE(rays_differ_and_end_with_the_edge),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
