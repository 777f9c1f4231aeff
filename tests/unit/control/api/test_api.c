/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api.c - every resource over a real store, without a socket.
 */
#include "control/api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "common/base/text.h"
#include "common/base/clock.h"
#include "common/model/certificate.h"
#include "common/model/setting.h"
#include "control/change/change_account.h"
#include "control/store/store_origin_events.h"

struct scene {
    char directory[64];
    struct store *store;
    struct change_door door;
    struct api api;
    struct change_user_made owner, stranger;
    struct api_reply reply; /* of the newest request */
    json_t *answer;
    char zone[ID_TEXT_BYTES + 1];
};

static void check(enum err err, const struct problem *problem)
{
    if (err != ERR_OK)
        fail_msg("%s: %s: %s", err_slug(err), problem->path, problem->text);
}

static void make_people(struct scene *scene)
{
    struct change_actor actor = {.scope.platform_wide = true};
    const struct change_user_spec owner = {SPAN("owner@a.example"), SPAN("correct horse"), true};
    const struct change_user_spec stranger = {SPAN("b@b.example"), SPAN("battery staple"), false};
    struct problem problem = {0};
    struct change *change;
    uint64_t revision;
    check(change_begin(&scene->door, &actor, &change), &problem);
    check(change_bootstrap(change, &owner, &scene->owner, &problem), &problem);
    check(change_commit(&change, &revision, &problem), &problem);
    actor.scope.user_id = scene->owner.user_id;
    check(change_begin(&scene->door, &actor, &change), &problem);
    check(change_user_create(change, &stranger, &scene->stranger, &problem), &problem);
    check(change_commit(&change, &revision, &problem), &problem);
}

/* ---- asking */

static void ask_as(struct scene *scene, const char *token, const char *line, const char *body)
{
    char authorization[96];
    text_format(authorization, sizeof(authorization), "Bearer %s", token);
    struct span target = span_str(line), method = span_split(&target, ' ');
    struct api_request request = {
        .api = &scene->api,
        .request_id = id_new(),
        .method = method,
        .target = target,
        .remote = SPAN("192.0.2.1"),
        .authorization = span_str(authorization),
        .body = span_str(body),
    };
    json_decref(scene->answer);
    buf_release(&scene->reply.body);
    scene->reply = (struct api_reply){0};
    buf_init(&scene->reply.body, 16777216);
    api_dispatch(&request, &scene->reply);
    scene->answer = json_loads(buf_cstr(&scene->reply.body), JSON_REJECT_DUPLICATES, NULL);
}

static void ask(struct scene *scene, const char *method, const char *rest, const char *body)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "%s /client/v4/zones/%s%s", method, scene->zone, rest);
    ask_as(scene, scene->owner.token.text, line, body);
}

static const json_t *result(const struct scene *scene)
{
    if (scene->reply.status != 200)
        fail_msg("%s", buf_cstr(&((struct scene *)(uintptr_t)scene)->reply.body));
    return json_object_get(scene->answer, "result");
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void expect_error(const struct scene *scene, int status, long long code)
{
    const json_t *error = json_array_get(json_object_get(scene->answer, "errors"), 0);
    if (scene->reply.status != status || json_integer_value(json_object_get(error, "code")) != code)
        fail_msg("%d/%lld expected, not %d/%s", status, code, scene->reply.status,
                 text_of(error, "message"));
}

static int open_scene(void **state)
{
    struct scene *scene = test_calloc(1, sizeof(*scene));
    char path[96], body[128];
    text_format(scene->directory, sizeof(scene->directory), "/tmp/trunkline-unit-XXXXXX");
    assert_non_null(mkdtemp(scene->directory));
    text_format(path, sizeof(path), "%s/store.db", scene->directory);
    const struct store_options options = {.path = path};
    struct problem problem = {0};
    check(store_open(&options, &scene->store, &problem), &problem);
    scene->door = (struct change_door){.store = scene->store, .name_servers = SPAN("a.ns,b.ns")};
    scene->api = (struct api){.store = scene->store, .door = &scene->door};
    make_people(scene);
    text_format(body, sizeof(body), "{\"name\":\"A.example\",\"organization\":{\"id\":\"%s\"}}",
                scene->owner.account_id.text);
    ask_as(scene, scene->owner.token.text, "POST /client/v4/zones", body);
    text_format(scene->zone, sizeof(scene->zone), "%s", text_of(result(scene), "id"));
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    json_decref(scene->answer);
    buf_release(&scene->reply.body);
    store_close(&scene->store);
    char command[128];
    text_format(command, sizeof(command), "rm -rf '%s'", scene->directory);
    assert_int_equal(system(command), 0);
    test_free(scene);
    return 0;
}

/* ---- accounts and users */

static void the_user_is_shown_without_a_secret(void **state)
{
    struct scene *scene = *state;
    ask_as(scene, scene->owner.token.text, "GET /client/v4/user", "");
    assert_string_equal(text_of(result(scene), "email"), "owner@a.example");
    assert_null(strstr(buf_cstr(&scene->reply.body), "argon2"));
}

static void operators_make_accounts_and_others_do_not(void **state)
{
    struct scene *scene = *state;

    ask_as(scene, scene->owner.token.text, "POST /client/v4/accounts", "{\"name\":\"Second\"}");
    assert_string_equal(text_of(result(scene), "name"), "Second");
    assert_string_equal(text_of(result(scene), "type"), "standard");
    assert_int_equal(scene->reply.revision, 0);

    ask_as(scene, scene->stranger.token.text, "POST /client/v4/accounts", "{\"name\":\"Third\"}");
    expect_error(scene, 403, 9109);
}

static void everyone_lists_his_own_accounts(void **state)
{
    struct scene *scene = *state;
    char line[128];

    ask_as(scene, scene->stranger.token.text, "GET /client/v4/accounts", "");
    assert_int_equal(json_array_size(result(scene)), 1);

    text_format(line, sizeof(line), "GET /client/v4/accounts/%s", scene->owner.account_id.text);
    ask_as(scene, scene->stranger.token.text, line, "");
    expect_error(scene, 404, 7003);
    ask_as(scene, scene->owner.token.text, line, "");
    assert_string_equal(text_of(result(scene), "id"), scene->owner.account_id.text);
}

/* ---- zones */

static void a_zone_has_every_member_that_clients_read(void **state)
{
    struct scene *scene = *state;
    static const char *const members[] = {"id",
                                          "name",
                                          "status",
                                          "paused",
                                          "type",
                                          "name_servers",
                                          "created_on",
                                          "modified_on",
                                          "activated_on",
                                          "original_name_servers",
                                          "meta",
                                          "owner",
                                          "account",
                                          "permissions",
                                          "plan",
                                          "original_registrar",
                                          "original_dnshost",
                                          "development_mode"};
    static const char *const plan[] = {"id",
                                       "name",
                                       "price",
                                       "currency",
                                       "frequency",
                                       "is_subscribed",
                                       "can_subscribe",
                                       "legacy_id",
                                       "legacy_discount",
                                       "externally_managed"};

    ask(scene, "GET", "", "");

    for (size_t i = 0; i < countof(members); i++)
        assert_non_null(json_object_get(result(scene), members[i]));
    for (size_t i = 0; i < countof(plan); i++)
        assert_non_null(json_object_get(json_object_get(result(scene), "plan"), plan[i]));
    assert_string_equal(text_of(result(scene), "name"), "a.example");
    assert_true(json_is_integer(json_object_get(json_object_get(result(scene), "plan"), "price")));
}

static void zones_are_listed_by_filter(void **state)
{
    struct scene *scene = *state;
    static const char *const found[] = {"name=A.Example", "name=contains:exam",
                                        "status=pending,active", "type=full&type=partial", ""};
    static const char *const missed[] = {"name=b.example", "name=starts_with:z", "status=pending",
                                         "type=partial", "page=2"};
    char line[128];

    for (size_t i = 0; i < countof(found); i++) {
        text_format(line, sizeof(line), "GET /client/v4/zones?%s", found[i]);
        ask_as(scene, scene->owner.token.text, line, "");
        if (json_array_size(result(scene)) != 1)
            fail_msg("%s found nothing", found[i]);
    }
    for (size_t i = 0; i < countof(missed); i++) {
        text_format(line, sizeof(line), "GET /client/v4/zones?%s", missed[i]);
        ask_as(scene, scene->owner.token.text, line, "");
        if (json_array_size(result(scene)) != 0)
            fail_msg("%s found something", missed[i]);
    }
    ask_as(scene, scene->stranger.token.text, "GET /client/v4/zones", "");
    assert_int_equal(json_array_size(result(scene)), 0);
}

static void zones_that_cannot_be_say_why(void **state)
{
    struct scene *scene = *state;
    char body[160];
    text_format(body, sizeof(body), "{\"name\":\"a.example\",\"account\":{\"id\":\"%s\"}}",
                scene->owner.account_id.text);

    ask_as(scene, scene->owner.token.text, "POST /client/v4/zones", body);
    expect_error(scene, 400, 1061);
    ask_as(scene, scene->owner.token.text, "POST /client/v4/zones", "{\"name\":\"no name\"}");
    expect_error(scene, 400, 1002);
    ask_as(scene, scene->owner.token.text, "POST /client/v4/zones", "{\"account\":{}}");
    expect_error(scene, 400, 1001);
    ask_as(scene, scene->owner.token.text, "POST /client/v4/zones",
           "{\"name\":\"b.example\",\"account\":{\"id\":\"x\"}}");
    expect_error(scene, 400, 1001);
}

static void a_zone_is_paused_and_deleted(void **state)
{
    struct scene *scene = *state;

    ask(scene, "PATCH", "", "{\"paused\":true}");
    assert_true(json_is_true(json_object_get(result(scene), "paused")));
    assert_int_equal(scene->reply.revision, 2);
    ask(scene, "DELETE", "", "");
    assert_string_equal(text_of(result(scene), "id"), scene->zone);
    assert_int_equal(scene->reply.revision, 3);
    ask(scene, "GET", "", "");
    expect_error(scene, 404, 7003);
}

static void only_operators_change_a_plan(void **state)
{
    struct scene *scene = *state;
    char line[128], body[128];

    ask(scene, "PATCH", "", "{\"plan\":{\"id\":\"94f3b7b768b0458b56d2cac4fe5ec0f9\"}}");
    assert_string_equal(text_of(json_object_get(result(scene), "plan"), "legacy_id"), "enterprise");
    ask(scene, "GET", "/settings/origin_max_http_version", "");
    assert_string_equal(text_of(result(scene), "value"), "1");

    text_format(body, sizeof(body), "{\"name\":\"b.example\",\"account\":{\"id\":\"%s\"}}",
                scene->stranger.account_id.text);
    ask_as(scene, scene->stranger.token.text, "POST /client/v4/zones", body);
    text_format(line, sizeof(line), "PATCH /client/v4/zones/%s", text_of(result(scene), "id"));
    ask_as(scene, scene->stranger.token.text, line, "{\"plan\":{\"legacy_id\":\"enterprise\"}}");
    expect_error(scene, 403, 9109);
}

/* ---- settings */

static void settings_of_ours_are_strings_or_integers_and_editable(void **state)
{
    struct scene *scene = *state;

    ask(scene, "GET", "/settings", "");

    assert_true(json_array_size(result(scene)) > SETTING_COUNT);
    const json_t *version = json_array_get(result(scene), SETTING_origin_max_http_version);
    const json_t *streams = json_array_get(result(scene), SETTING_origin_h2_max_streams);
    assert_string_equal(text_of(version, "value"), "2");
    assert_int_equal(json_integer_value(json_object_get(streams, "value")), 100);
    assert_true(json_is_true(json_object_get(streams, "editable")));
    assert_non_null(json_object_get(streams, "modified_on"));
}

static void a_bulk_edit_is_all_or_nothing(void **state)
{
    struct scene *scene = *state;

    ask(scene, "PATCH", "/settings",
        "{\"items\":[{\"id\":\"ssl\",\"value\":\"strict\"},"
        "{\"id\":\"origin_h2_max_streams\",\"value\":7}]}");
    assert_int_equal(json_array_size(result(scene)), 2);
    assert_int_equal(scene->reply.revision, 2);
    ask(scene, "PATCH", "/settings",
        "{\"items\":[{\"id\":\"ssl\",\"value\":\"off\"},{\"id\":\"nope\",\"value\":7}]}");
    expect_error(scene, 400, 1006);
    ask(scene, "GET", "/settings/ssl", "");
    assert_string_equal(text_of(result(scene), "value"), "strict");
}

static void values_of_every_wrong_kind_are_refused(void **state)
{
    struct scene *scene = *state;
    static const char *const bad[] = {"\"3\"", "2", "true", "[\"1\"]", "{}", "1.5", "-1", "\"\""};
    char body[64];
    for (size_t i = 0; i < countof(bad); i++) {
        text_format(body, sizeof(body), "{\"value\":%s}", bad[i]);
        ask(scene, "PATCH", "/settings/origin_max_http_version", body);
        expect_error(scene, 400, 1007);
    }
}

/* ---- records */

static void a_record_is_made_changed_and_deleted(void **state)
{
    struct scene *scene = *state;
    char path[128];

    ask(scene, "POST", "/dns_records",
        "{\"type\":\"A\",\"name\":\"www.a.example\",\"content\":\"192.88.98.1\",\"proxied\":true,"
        "\"origin_port\":8443,\"comment\":\"first\"}");
    assert_int_equal(json_integer_value(json_object_get(result(scene), "origin_port")), 8443);
    assert_true(json_is_true(json_object_get(result(scene), "proxiable")));
    assert_int_equal(json_integer_value(json_object_get(result(scene), "ttl")), 1);
    assert_int_equal(scene->reply.revision, 2);
    text_format(path, sizeof(path), "/dns_records/%s", text_of(result(scene), "id"));

    ask(scene, "PATCH", path, "{\"origin_sni\":\"in.example\"}");
    assert_string_equal(text_of(result(scene), "origin_sni"), "in.example");
    assert_string_equal(text_of(result(scene), "comment"), "first");
    ask(scene, "PUT", path,
        "{\"type\":\"A\",\"name\":\"www.a.example\",\"content\":\"192.88.98.2\"}");
    assert_true(json_is_null(json_object_get(result(scene), "comment")));
    assert_true(json_is_false(json_object_get(result(scene), "proxied")));
    ask(scene, "DELETE", path, "");
    assert_int_equal(scene->reply.revision, 5);
    ask(scene, "GET", path, "");
    expect_error(scene, 404, 7003);
}

static void records_that_cannot_be_say_which_member(void **state)
{
    struct scene *scene = *state;
    static const char *const good =
        "{\"type\":\"A\",\"name\":\"www.a.example\",\"content\":\"192.88.98.1\"}";

    ask(scene, "POST", "/dns_records", good);
    (void)result(scene);
    ask(scene, "POST", "/dns_records", good);
    expect_error(scene, 400, 81057);
    ask(scene, "POST", "/dns_records",
        "{\"type\":\"CNAME\",\"name\":\"www.a.example\",\"content\":\"b.example\"}");
    expect_error(scene, 400, 81058);
    ask(scene, "POST", "/dns_records",
        "{\"type\":\"A\",\"name\":\"a.example\",\"content\":\"192.88.98.300\"}");
    expect_error(scene, 400, 1004);
    assert_non_null(strstr(buf_cstr(&scene->reply.body), "content: "));
    ask(scene, "POST", "/dns_records",
        "{\"type\":\"A\",\"name\":\"a.example\",\"content\":\"127.0.0.1\",\"proxied\":true}");
    expect_error(scene, 400, 1004);
    ask(scene, "POST", "/dns_records", "{\"type\":\"A\",\"content\":\"192.88.98.1\"}");
    expect_error(scene, 400, 1004);
    assert_non_null(strstr(buf_cstr(&scene->reply.body), "name: "));
}

static void records_are_listed_by_page_and_filter(void **state)
{
    struct scene *scene = *state;
    char body[128];
    for (unsigned i = 0; i < 7; i++) {
        text_format(body, sizeof(body),
                    "{\"type\":\"A\",\"name\":\"h%u.a.example\",\"content\":\"192.88.98.%u\"}", i,
                    i);
        ask(scene, "POST", "/dns_records", body);
        (void)result(scene);
    }

    ask(scene, "GET", "/dns_records?per_page=3&page=3&order=name&direction=desc", "");
    assert_int_equal(json_array_size(result(scene)), 1);
    assert_string_equal(text_of(json_array_get(result(scene), 0), "name"), "h0.a.example");
    const json_t *pages = json_object_get(scene->answer, "result_info");
    assert_int_equal(json_integer_value(json_object_get(pages, "total_pages")), 3);
    assert_int_equal(json_integer_value(json_object_get(pages, "count")), 1);

    ask(scene, "GET", "/dns_records?name.startswith=H3&type=A", "");
    assert_int_equal(json_array_size(result(scene)), 1);
    ask(scene, "GET", "/dns_records?name=h1.a.example&content=192.88.98.2&match=any", "");
    assert_int_equal(json_array_size(result(scene)), 2);
    ask(scene, "GET", "/dns_records?proxied=true", "");
    assert_int_equal(json_array_size(result(scene)), 0);
}

/* ---- certificates */

static void a_certificate_goes_in_with_its_key_and_comes_out_without(void **state)
{
    struct scene *scene = *state;
    struct buf chain, key, ca_chain, ca_key;
    struct buf *bufs[] = {&chain, &key, &ca_chain, &ca_key};
    for (size_t i = 0; i < countof(bufs); i++)
        buf_init(bufs[i], 65536);
    struct hostname name;
    assert_int_equal(hostname_parse(SPAN("a.example"), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    assert_int_equal(certificate_make_ca("test", clock_wall_s(), &ca_chain, &ca_key), ERR_OK);
    const struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
    assert_int_equal(certificate_sign(&ca, &name, 1, clock_wall_s(), &chain, &key), ERR_OK);
    json_t *body =
        json_pack("{s:s, s:s}", "certificate", buf_cstr(&chain), "private_key", buf_cstr(&key));
    char *text = json_dumps(body, 0), path[128];

    ask(scene, "POST", "/custom_certificates", text);
    assert_null(strstr(buf_cstr(&scene->reply.body), "PRIVATE"));
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(result(scene), "hosts"), 0)), "a.example");
    text_format(path, sizeof(path), "/custom_certificates/%s", text_of(result(scene), "id"));
    ask(scene, "GET", "/custom_certificates", "");
    assert_int_equal(json_array_size(result(scene)), 1);
    ask(scene, "GET", path, "");
    assert_string_equal(text_of(result(scene), "status"), "active");
    ask(scene, "DELETE", path, "");
    (void)result(scene);
    ask(scene, "GET", path, "");
    expect_error(scene, 404, 7003);
    ask(scene, "POST", "/custom_certificates",
        "{\"certificate\":\"nonsense\",\"private_key\":\"nonsense\"}");
    expect_error(scene, 400, 1001);

    free(text);
    json_decref(body);
    for (size_t i = 0; i < countof(bufs); i++)
        buf_release(bufs[i]);
}

/* ---- propagation */

static void read_record(void *record, const struct api_propagation_question *question,
                        struct arena *arena, struct api_propagation_answer *out)
{
    *out = *(const struct api_propagation_answer *)record;
    out->edges = arena_new(arena, struct api_edge);
    out->edges[0] = (struct api_edge){.edge_id = SPAN("edge-1"),
                                      .revision = question->revision,
                                      .workers = 4,
                                      .workers_applied = 4,
                                      .took_us = 1001,
                                      .connected = true};
    out->edge_count = 1;
}

static void propagation_shows_the_edges(void **state)
{
    struct scene *scene = *state;
    struct api_propagation_answer known = {.applied = true};
    scene->api.propagation = (struct api_propagation){read_record, &known};

    ask(scene, "GET", "/propagation", "");

    assert_true(json_is_true(json_object_get(result(scene), "applied")));
    assert_int_equal(json_integer_value(json_object_get(result(scene), "revision")), 1);
    const json_t *edge = json_array_get(json_object_get(result(scene), "edges"), 0);
    assert_int_equal(json_integer_value(json_object_get(edge, "took_ms")), 2);
    assert_true(json_is_null(json_object_get(edge, "applied_at")));
}

static void a_wait_asks_to_be_dispatched_again(void **state)
{
    struct scene *scene = *state;
    struct api_propagation_answer known = {.applied = false};
    scene->api.propagation = (struct api_propagation){read_record, &known};

    ask(scene, "GET", "/propagation?wait=9&timeout=1500ms", "");
    assert_int_equal(scene->reply.wait.revision, 9);
    assert_int_equal(scene->reply.wait.wait_ms, 1500);
    assert_int_equal(scene->reply.body.len, 0);

    known.applied = true;
    ask(scene, "GET", "/propagation?wait=9", "");
    assert_int_equal(scene->reply.wait.wait_ms, 0);
    assert_true(json_is_true(json_object_get(result(scene), "applied")));
}

/* ---- origin events */

static void store_event(struct scene *scene, uint64_t at_s, struct span reason, uint64_t until_s)
{
    struct store_conn *conn;
    struct store_origin_event event = {.at_s = at_s,
                                       .until_s = until_s,
                                       .edge = SPAN("edge-1"),
                                       .origin = SPAN("192.0.2.1:443"),
                                       .sni = SPAN("www.example.com"),
                                       .reason = reason};
    assert_int_equal(id_parse(span_str(scene->zone), &event.zone_id), ERR_OK);
    assert_int_equal(store_write_begin(scene->store, &conn), ERR_OK);
    assert_int_equal(store_origin_event_insert(conn, &event), ERR_OK);
    event.zone_id = id_new();
    assert_int_equal(store_origin_event_insert(conn, &event), ERR_NOT_FOUND);
    assert_int_equal(store_write_commit(&conn), ERR_OK);
}

static void origin_events_are_shown_the_newest_first(void **state)
{
    struct scene *scene = *state;
    store_event(scene, 1700000000, SPAN("h2_no_settings"), 1700000060);
    store_event(scene, 1700000100, SPAN("h2_resumed"), 0);

    ask(scene, "GET", "/origin_events", "");

    assert_int_equal(json_array_size(result(scene)), 2);
    const json_t *newest = json_array_get(result(scene), 0);
    assert_string_equal(json_string_value(json_object_get(newest, "reason")), "h2_resumed");
    assert_true(json_is_null(json_object_get(newest, "until")));
    const json_t *oldest = json_array_get(result(scene), 1);
    assert_string_equal(json_string_value(json_object_get(oldest, "at")),
                        "2023-11-14T22:13:20.000000Z");
    assert_string_equal(json_string_value(json_object_get(oldest, "origin")), "192.0.2.1:443");
    assert_string_equal(json_string_value(json_object_get(oldest, "edge")), "edge-1");
}

static void a_zone_keeps_so_many_origin_events(void **state)
{
    struct scene *scene = *state;
    for (uint64_t i = 1; i <= LIMIT_ZONE_ORIGIN_EVENTS + 7; i++)
        store_event(scene, i, SPAN("h2_closed"), i + 60);

    ask(scene, "GET", "/origin_events?per_page=100", "");

    assert_int_equal(json_array_size(result(scene)), LIMIT_ZONE_ORIGIN_EVENTS);
    const json_t *oldest = json_array_get(result(scene), LIMIT_ZONE_ORIGIN_EVENTS - 1);
    assert_string_equal(json_string_value(json_object_get(oldest, "at")),
                        "1970-01-01T00:00:08.000000Z");
    ask(scene, "GET", "/origin_events?per_page=20&page=6", "");
    assert_int_equal(json_array_size(result(scene)), 0);
}

#define scene_test(f) cmocka_unit_test_setup_teardown(f, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(the_user_is_shown_without_a_secret),
        scene_test(operators_make_accounts_and_others_do_not),
        scene_test(everyone_lists_his_own_accounts),
        scene_test(a_zone_has_every_member_that_clients_read),
        scene_test(zones_are_listed_by_filter),
        scene_test(zones_that_cannot_be_say_why),
        scene_test(a_zone_is_paused_and_deleted),
        scene_test(only_operators_change_a_plan),
        scene_test(settings_of_ours_are_strings_or_integers_and_editable),
        scene_test(a_bulk_edit_is_all_or_nothing),
        scene_test(values_of_every_wrong_kind_are_refused),
        scene_test(a_record_is_made_changed_and_deleted),
        scene_test(records_that_cannot_be_say_which_member),
        scene_test(records_are_listed_by_page_and_filter),
        scene_test(a_certificate_goes_in_with_its_key_and_comes_out_without),
        scene_test(propagation_shows_the_edges),
        scene_test(a_wait_asks_to_be_dispatched_again),
        scene_test(origin_events_are_shown_the_newest_first),
        scene_test(a_zone_keeps_so_many_origin_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
