/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_server.c - the REST service over its real socket and a real store.
 */
#include "control/server/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/text.h"
#include "control/api/api.h"
#include "control/change/change_account.h"
#include "control/publish/propagation.h"

#define ANSWER_BYTES_MAX 65536
#define PATIENCE_S 10

struct installation {
    char directory[64];
    struct store *store;
    struct change_door door;
    struct api api;
    struct propagation *propagation;
    struct server *server;
    struct change_user_made owner, stranger;
};

struct answer {
    char text[ANSWER_BYTES_MAX]; /* head and body */
    int status;
    const char *body;
    json_t *json;
};

/* ---- the installation */

static void check(enum err err, const struct problem *problem)
{
    if (err != ERR_OK)
        fail_msg("%s: %s: %s", err_slug(err), problem->path, problem->text);
}

static void make_people(struct installation *in)
{
    struct change_actor actor = {
        .scope.platform_wide = true, .ip = SPAN(""), .request_id = SPAN("")};
    const struct change_user_spec owner = {SPAN("owner@a.example"), SPAN("correct horse"), true};
    const struct change_user_spec stranger = {SPAN("other@b.example"), SPAN("battery staple"),
                                              false};
    struct problem problem = {0};
    struct change *change;
    uint64_t revision;
    check(change_begin(&in->door, &actor, &change), &problem);
    check(change_bootstrap(change, &owner, &in->owner, &problem), &problem);
    check(change_commit(&change, &revision, &problem), &problem);
    actor.scope.user_id = in->owner.user_id;
    check(change_begin(&in->door, &actor, &change), &problem);
    check(change_user_create(change, &stranger, &in->stranger, &problem), &problem);
    check(change_commit(&change, &revision, &problem), &problem);
}

static enum err open_server(struct installation *in, const char *listen, struct server **out,
                            struct problem *problem)
{
    const struct server_options options = {
        .listen = listen, .api = &in->api, .propagation = in->propagation};
    return server_open(&options, out, problem);
}

static int open_installation(void **state)
{
    struct installation *in = test_calloc(1, sizeof(*in));
    text_format(in->directory, sizeof(in->directory), "/tmp/trunkline-unit-XXXXXX");
    assert_non_null(mkdtemp(in->directory));
    char path[96];
    text_format(path, sizeof(path), "%s/store.db", in->directory);
    const struct store_options options = {.path = path};
    struct problem problem = {0};
    check(store_open(&options, &in->store, &problem), &problem);
    in->door = (struct change_door){.store = in->store, .name_servers = SPAN("a.ns,b.ns")};
    in->api = (struct api){.store = in->store, .door = &in->door};
    in->propagation = propagation_new();
    make_people(in);
    check(open_server(in, "127.0.0.1:0", &in->server, &problem), &problem);
    *state = in;
    return 0;
}

static int close_installation(void **state)
{
    struct installation *in = *state;
    server_close(&in->server);
    propagation_free(&in->propagation);
    store_close(&in->store);
    char command[128];
    text_format(command, sizeof(command), "rm -rf '%s'", in->directory);
    assert_int_equal(system(command), 0);
    test_free(in);
    return 0;
}

/* ---- a client */

static int dial(const struct installation *in)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server_port(in->server)),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    for (size_t sent = 0, len = strlen(text); sent < len;) {
        ssize_t count = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
        /* A server that has refused already reads no more. */
        if (count <= 0)
            return;
        sent += (size_t)count;
    }
}

/* Reads until the server closes: every request here says so. */
static void read_answer(int fd, struct answer *out)
{
    size_t len = 0;
    ssize_t count;
    while (len < sizeof(out->text) - 1 &&
           (count = recv(fd, out->text + len, sizeof(out->text) - 1 - len, 0)) > 0)
        len += (size_t)count;
    close(fd);
    out->text[len] = '\0';
    const char *body = strstr(out->text, "\r\n\r\n");
    assert_non_null(body);
    out->body = body + 4;
    assert_int_equal(sscanf(out->text, "HTTP/1.1 %d", &out->status), 1);
    out->json = json_loads(out->body, JSON_REJECT_DUPLICATES, NULL);
}

static void ask_raw(const struct installation *in, const char *request, struct answer *out)
{
    int fd = dial(in);
    send_text(fd, request);
    read_answer(fd, out);
}

static void send_request(int fd, const char *token, const char *line, const char *body)
{
    char *head = test_malloc(2048 + strlen(body));
    (void)sprintf(head,
                  "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  line, token, strlen(body), body);
    send_text(fd, head);
    test_free(head);
}

static void ask(const struct installation *in, const char *line, const char *body,
                struct answer *out)
{
    int fd = dial(in);
    send_request(fd, in->owner.token.text, line, body);
    read_answer(fd, out);
}

static void forget(struct answer *answer)
{
    json_decref(answer->json);
    answer->json = NULL;
}

static long long error_code(const struct answer *answer)
{
    return json_integer_value(
        json_object_get(json_array_get(json_object_get(answer->json, "errors"), 0), "code"));
}

static const char *error_text(const struct answer *answer)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(answer->json, "errors"), 0), "message"));
}

static const json_t *result(const struct answer *answer)
{
    return json_object_get(answer->json, "result");
}

static void expect_error(struct answer *answer, int status, long long code)
{
    if (answer->status != status || error_code(answer) != code)
        fail_msg("%d/%lld expected: %s", status, code, answer->text);
    assert_true(json_is_false(json_object_get(answer->json, "success")));
    forget(answer);
}

static void make_zone(const struct installation *in, char id[ID_TEXT_BYTES + 1])
{
    struct answer answer;
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"name\":\"a.example\",\"account\":{\"id\":\"%s\"}}",
                   in->owner.account_id.text);
    ask(in, "POST /client/v4/zones", body, &answer);
    if (answer.status != 200)
        fail_msg("%s", answer.text);
    (void)snprintf(id, ID_TEXT_BYTES + 1, "%s",
                   json_string_value(json_object_get(result(&answer), "id")));
    forget(&answer);
}

static const char *line(char out[256], const char *method, const char *zone, const char *rest)
{
    (void)snprintf(out, 256, "%s /client/v4/zones/%s%s", method, zone, rest);
    return out;
}

/* ---- who asks */

static void credentials_are_told_apart(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask_raw(in, "GET /client/v4/zones HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_non_null(strstr(answer.text, "X-Request-Id: "));
    expect_error(&answer, 400, 9106);
    ask_raw(in, "GET /client/v4/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n\r\n",
            &answer);
    assert_non_null(strstr(answer.body, "\"code\":6111"));
    expect_error(&answer, 400, 6003);
    ask_raw(in, "GET /client/v4/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n",
            &answer);
    expect_error(&answer, 403, 9109);
    ask_raw(in,
            "GET /client/v4/user/tokens/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            "abc\r\n\r\n",
            &answer);
    expect_error(&answer, 401, 1000);
}

static void a_good_token_is_verified(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask(in, "GET /client/v4/user/tokens/verify", "", &answer);

    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_value(json_object_get(result(&answer), "status")), "active");
    forget(&answer);
}

/* ---- what is asked for */

static void unknown_paths_and_methods_are_told_apart(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask(in, "GET /client/v4/nothing", "", &answer);
    expect_error(&answer, 404, 7000);
    ask(in, "GET /", "", &answer);
    expect_error(&answer, 404, 7000);
    ask(in, "DELETE /client/v4/zones", "", &answer);
    assert_non_null(strstr(answer.text, "Allow: GET, POST\r\n"));
    expect_error(&answer, 405, 7001);
}

static void a_change_answers_its_revision(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer answer;
    make_zone(in, zone);

    ask(in, line(path, "PATCH", zone, "/settings/origin_max_http_version"), "{\"value\":\"1\"}",
        &answer);

    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.text, "X-Config-Revision: 2\r\n"));
    assert_string_equal(json_string_value(json_object_get(result(&answer), "value")), "1");
    assert_true(json_is_true(json_object_get(result(&answer), "editable")));
    forget(&answer);
}

static void a_zone_of_another_account_is_as_one_that_never_was(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer mine, never;
    make_zone(in, zone);

    int fd = dial(in);
    send_request(fd, in->stranger.token.text, line(path, "GET", zone, ""), "");
    read_answer(fd, &mine);
    fd = dial(in);
    send_request(fd, in->stranger.token.text,
                 line(path, "GET", "0123456789abcdef0123456789abcdef", ""), "");
    read_answer(fd, &never);

    const char *at = strstr(never.body, "0123456789abcdef0123456789abcdef");
    assert_non_null(at);
    assert_int_equal(strlen(mine.body), strlen(never.body));
    assert_int_equal(strncmp(mine.body, never.body, (size_t)(at - never.body)), 0);
    assert_string_equal(mine.body + (at - never.body) + ID_TEXT_BYTES, at + ID_TEXT_BYTES);
    expect_error(&mine, 404, 7003);
    expect_error(&never, 404, 7003);
}

static void bad_settings_say_what_is_good(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer answer;
    make_zone(in, zone);

    ask(in, line(path, "PATCH", zone, "/settings/origin_max_http_version"), "{\"value\":\"3\"}",
        &answer);
    assert_non_null(strstr(error_text(&answer), "`1` or `2`"));
    expect_error(&answer, 400, 1007);
    ask(in, line(path, "PATCH", zone, "/settings/origin_h2_max_streams"), "{\"value\":101}",
        &answer);
    expect_error(&answer, 403, 1135);
    ask(in, line(path, "PATCH", zone, "/settings/no_such"), "{\"value\":1}", &answer);
    expect_error(&answer, 400, 1006);
    ask(in, line(path, "GET", zone, "/settings/no_such"), "", &answer);
    expect_error(&answer, 400, 1006);
    ask(in, line(path, "PATCH", zone, "/settings"),
        "{\"items\":[{\"id\":\"ssl\",\"value\":\"strict\"},{\"id\":\"ssl\",\"value\":\"x\"}]}",
        &answer);
    assert_non_null(strstr(error_text(&answer), "items[1].value"));
    expect_error(&answer, 400, 1007);
    ask(in, line(path, "GET", zone, "/settings/ssl"), "", &answer);
    assert_string_equal(json_string_value(json_object_get(result(&answer), "value")), "full");
    forget(&answer);
}

static void a_page_past_the_end_is_empty(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask(in, "GET /client/v4/zones?page=9&per_page=5", "", &answer);

    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(result(&answer)), 0);
    forget(&answer);
}

/* ---- bodies and heads */

static void a_body_that_does_not_parse_names_line_and_column(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask(in, "POST /client/v4/zones", "{\"name\":\n  oops}", &answer);

    assert_non_null(strstr(error_text(&answer), "line 2"));
    assert_non_null(strstr(error_text(&answer), "column"));
    expect_error(&answer, 400, 6005);
    ask(in, "POST /client/v4/zones", "", &answer);
    expect_error(&answer, 400, 6005);
    ask(in, "POST /client/v4/zones", "[]", &answer);
    expect_error(&answer, 400, 6005);
}

static void another_content_type_is_refused(void **state)
{
    const struct installation *in = *state;
    char request[512];
    struct answer answer;
    (void)snprintf(request, sizeof(request),
                   "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
                   in->owner.token.text);

    ask_raw(in, request, &answer);

    expect_error(&answer, 415, 6006);
}

static void a_long_body_is_refused_before_it_is_read_for_nothing(void **state)
{
    const struct installation *in = *state;
    struct answer answer;

    ask_raw(in,
            "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            "Content-Length: 1048577\r\n\r\n",
            &answer);
    assert_non_null(strstr(answer.text, "Connection: close\r\n"));
    expect_error(&answer, 413, 6007);

    ask_raw(in, "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n",
            &answer);
    assert_non_null(strstr(answer.text, "Connection: close\r\n"));
    expect_error(&answer, 413, 6007);
}

static void a_long_chunked_body_is_refused_too(void **state)
{
    const struct installation *in = *state;
    struct answer answer;
    char *chunk = test_malloc(65536 + 32);
    size_t at = (size_t)sprintf(chunk, "10000\r\n");
    memset(chunk + at, 'x', 65536);
    memcpy(chunk + at + 65536, "\r\n", 3);
    int fd = dial(in);

    send_text(fd,
              "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 17; i++)
        send_text(fd, chunk);
    send_text(fd, "0\r\n\r\n");
    test_free(chunk);
    read_answer(fd, &answer);

    expect_error(&answer, 413, 6007);
}

static void ambiguous_heads_are_refused(void **state)
{
    const struct installation *in = *state;
    static const char *const heads[] = {
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    };
    for (size_t i = 0; i < countof(heads); i++) {
        struct answer answer;
        char request[256];
        (void)snprintf(request, sizeof(request),
                       "POST /client/v4/zones HTTP/1.1\r\n%sAuthorization: Bearer %s\r\n\r\n"
                       "0\r\n\r\n",
                       heads[i], in->owner.token.text);
        ask_raw(in, request, &answer);
        assert_int_equal(answer.status, 400);
        assert_null(strstr(answer.text, "X-Config-Revision"));
        forget(&answer);
    }
}

static void a_connection_carries_several_requests(void **state)
{
    const struct installation *in = *state;
    char request[512];
    struct answer answer;
    (void)snprintf(request, sizeof(request),
                   "GET /client/v4/user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
                   "GET /client/v4/user HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   "Authorization: Bearer %s\r\n\r\n",
                   in->owner.token.text, in->owner.token.text);

    ask_raw(in, request, &answer);

    assert_non_null(strstr(answer.body, "HTTP/1.1 200 OK"));
    forget(&answer);
}

/* ---- propagation */

static struct propagation_edge edge_at(uint64_t revision)
{
    return (struct propagation_edge){
        .edge_id = "edge-1", .revision = revision, .workers = 2, .workers_applied = 2};
}

static void a_wait_ends_when_the_edge_has_it(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer answer;
    make_zone(in, zone);
    struct propagation_edge edge = edge_at(0);
    propagation_edge_connected(in->propagation, &edge);
    int fd = dial(in);

    send_request(fd, in->owner.token.text,
                 line(path, "GET", zone, "/propagation?wait=1&timeout=10s"), "");
    struct pollfd early = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&early, 1, 100), 0);
    edge = edge_at(1);
    propagation_edge_applied(in->propagation, &edge);
    read_answer(fd, &answer);

    assert_int_equal(answer.status, 200);
    assert_true(json_is_true(json_object_get(result(&answer), "applied")));
    forget(&answer);
}

static void a_late_wait_answers_that_it_is_not_applied(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer answer;
    make_zone(in, zone);
    int fd = dial(in);

    send_request(fd, in->owner.token.text,
                 line(path, "GET", zone, "/propagation?wait=1&timeout=10s"), "");
    struct pollfd early = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&early, 1, 100), 0);
    propagation_expire(in->propagation, clock_mono_ms() + 10001);
    read_answer(fd, &answer);

    assert_true(json_is_false(json_object_get(result(&answer), "applied")));
    forget(&answer);
}

static void closing_answers_who_waits(void **state)
{
    struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    make_zone(in, zone);
    int waiting[8];
    for (size_t i = 0; i < countof(waiting); i++) {
        waiting[i] = dial(in);
        send_request(waiting[i], in->owner.token.text,
                     line(path, "GET", zone, "/propagation?wait=1&timeout=20s"), "");
    }
    struct pollfd early = {.fd = waiting[0], .events = POLLIN};
    assert_int_equal(poll(&early, 1, 100), 0);

    uint64_t begun_ms = clock_mono_ms();
    server_close(&in->server);

    assert_null(in->server);
    assert_true(clock_mono_ms() - begun_ms < 5000);
    for (size_t i = 0; i < countof(waiting); i++) {
        struct answer answer;
        read_answer(waiting[i], &answer);
        assert_int_equal(answer.status, 200);
        assert_true(json_is_false(json_object_get(result(&answer), "applied")));
        forget(&answer);
    }
}

static void bad_waits_are_refused(void **state)
{
    const struct installation *in = *state;
    char zone[ID_TEXT_BYTES + 1], path[256];
    struct answer answer;
    make_zone(in, zone);

    ask(in, line(path, "GET", zone, "/propagation?wait=x"), "", &answer);
    expect_error(&answer, 400, 1001);
    ask(in, line(path, "GET", zone, "/propagation?wait=1&timeout=3h"), "", &answer);
    expect_error(&answer, 400, 1001);
}

/* ---- opening */

static void a_port_in_use_is_a_clear_problem(void **state)
{
    struct installation *in = *state;
    char listen[32];
    text_format(listen, sizeof(listen), "127.0.0.1:%u", server_port(in->server));
    struct server *second = NULL;
    struct problem problem = {0};

    assert_int_equal(open_server(in, listen, &second, &problem), ERR_IO);

    assert_null(second);
    assert_non_null(strstr(problem.text, "in use"));
    assert_non_null(strstr(problem.text, listen));
}

static void an_address_that_does_not_parse_is_a_clear_problem(void **state)
{
    struct installation *in = *state;
    static const char *const bad[] = {"",         "8080",          "localhost:80", "127.0.0.1",
                                      "1.2.3.4:", "1.2.3.4:99999", ":80",          "[::1:80"};
    for (size_t i = 0; i < countof(bad); i++) {
        struct server *server = NULL;
        struct problem problem = {0};
        if (open_server(in, bad[i], &server, &problem) != ERR_INVALID)
            fail_msg("%s was accepted", bad[i]);
        assert_string_equal(problem.path, "listen");
    }
}

#define server_test(f) cmocka_unit_test_setup_teardown(f, open_installation, close_installation)

int main(void)
{
    const struct CMUnitTest tests[] = {
        server_test(credentials_are_told_apart),
        server_test(a_good_token_is_verified),
        server_test(unknown_paths_and_methods_are_told_apart),
        server_test(a_change_answers_its_revision),
        server_test(a_zone_of_another_account_is_as_one_that_never_was),
        server_test(bad_settings_say_what_is_good),
        server_test(a_page_past_the_end_is_empty),
        server_test(a_body_that_does_not_parse_names_line_and_column),
        server_test(another_content_type_is_refused),
        server_test(a_long_body_is_refused_before_it_is_read_for_nothing),
        server_test(a_long_chunked_body_is_refused_too),
        server_test(ambiguous_heads_are_refused),
        server_test(a_connection_carries_several_requests),
        server_test(a_wait_ends_when_the_edge_has_it),
        server_test(a_late_wait_answers_that_it_is_not_applied),
        server_test(closing_answers_who_waits),
        server_test(bad_waits_are_refused),
        server_test(a_port_in_use_is_a_clear_problem),
        server_test(an_address_that_does_not_parse_is_a_clear_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
