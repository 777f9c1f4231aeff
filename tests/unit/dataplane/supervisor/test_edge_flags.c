/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_edge_flags.c - one table: the command line, the file, and what workers are given.
 */
#include "dataplane/supervisor/edge_flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct edge_flags flags;
static struct problem problem;

static enum err parse(const char *const *words)
{
    const char *argv[80] = {"trunkline-edge"};
    int argc = 1;
    while (words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    problem = (struct problem){.text = ""};
    return edge_flags_parse(argc, argv, &flags, &problem);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void everything_has_a_default(void **state)
{
    (void)state;
    assert_int_equal(PARSE(NULL), ERR_OK);
    assert_string_equal(flags.https, "0.0.0.0:8443");
    assert_string_equal(flags.access_log, "");
    assert_in_range(flags.workers, 1, LIMIT_WORKERS);
    assert_int_equal(flags.origin_connect_timeout_ms, 19000);
    assert_int_equal(flags.drain_timeout_ms, 150000);
    assert_int_equal(flags.address_conns_max, 4096);
    assert_int_equal(flags.address_handshakes_per_s, LIMIT_ADDRESS_HANDSHAKES);
    assert_memory_equal(&flags.client, client_terms_of(NULL), sizeof(flags.client));
    assert_int_equal(flags.trusted_proxy.parsed.count, 0);
    assert_true(strlen(flags.edge_id) > 0);
    assert_true(flags.worker_slot == EDGE_FLAGS_SUPERVISOR);
    edge_flags_release(&flags);
}

static void flags_are_taken_in_both_forms(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--workers", "3", "--drain-timeout=500ms", "--allow-origin",
                           "10.0.0.0/8", "--allow-origin=::1/128", "--edge-id", "fra-1",
                           "--worker-slot", "2"),
                     ERR_OK);
    assert_int_equal(flags.workers, 3);
    assert_int_equal(flags.drain_timeout_ms, 500);
    assert_int_equal(flags.policy.allowed.count, 2);
    assert_string_equal(flags.allow_origin[1], "::1/128");
    assert_string_equal(flags.edge_id, "fra-1");
    assert_int_equal(flags.worker_slot, 2);
    edge_flags_release(&flags);
}

static void help_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), ERR_CLOSED);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *path;
    } rows[] = {
        {{"--nonsense", "1"}, "--nonsense"},
        {{"workers", "1"}, "workers"},
        {{"--workers"}, "--workers"},
        {{"--workers", "0"}, "--workers"},
        {{"--workers", "257"}, "--workers"},
        {{"--workers", "many"}, "--workers"},
        {{"--drain-timeout", "soon"}, "--drain-timeout"},
        {{"--https", ""}, "--https"},
        {{"--allow-origin", "10.0.0.0/99"}, "--allow-origin"},
        {{"--edge-id", "two words"}, "--edge-id"},
        {{"--sandbox", "some"}, "--sandbox"},
        {{"--http=a", "--http=b"}, "--http"},
        {{"--config", "/nonexistent/edge.json"}, "--config"},
        {{"--socket",
          "/a/path/of/more/than/one/hundred/and/seven/bytes/which/no/unix/socket/can/have/"
          "however/much/one/would/like/it/to.sock"},
         "--socket"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        assert_int_equal(parse(rows[i].words), ERR_INVALID);
        assert_string_equal(problem.path, rows[i].path);
        assert_true(strlen(problem.text) > 0);
    }
}

static const char *config(const char *text)
{
    static char path[64];
    strcpy(path, "/tmp/edge-flags-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void the_file_says_what_flags_say_and_flags_win(void **state)
{
    (void)state;
    const char *path = config("{\"workers\": 5, \"drain-timeout\": \"7s\", \"https\": \"[::]:443\","
                              " \"allow-origin\": [\"10.0.0.0/8\", \"192.168.0.0/16\"],"
                              " \"origin-read-timeout\": 9}");

    assert_int_equal(PARSE("--drain-timeout", "1s", "--config", path), ERR_OK);

    assert_int_equal(flags.workers, 5);
    assert_int_equal(flags.drain_timeout_ms, 1000);
    assert_int_equal(flags.origin_read_timeout_ms, 9000);
    assert_string_equal(flags.https, "[::]:443");
    assert_int_equal(flags.policy.allowed.count, 2);
    edge_flags_release(&flags);
    unlink(path);
}

static void a_bad_file_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"no-such-flag\": 1}", "{\"workers\": \"x\"}",      "{\"workers\": -1}",
        "{\"config\": \"a\"}",   "{\"worker-slot\": 1}",      "[1]",
        "{\"https\": 443}",      "{\"allow-origin\": [5]}",   "{",
        "{\"workers\": [1]}",    "{\"https\": \"a\\u0000b\"}"};
    for (size_t i = 0; i < countof(texts); i++) {
        const char *path = config(texts[i]);
        assert_int_equal(PARSE("--config", path), ERR_INVALID);
        assert_true(strlen(problem.text) > 0);
        unlink(path);
    }
}

static void workers_get_every_value(void **state)
{
    (void)state;
    struct edge_flags first;
    assert_int_equal(PARSE("--workers", "3", "--allow-origin", "10.0.0.0/8", "--access-log", "-",
                           "--origin-connect-timeout", "1500ms"),
                     ERR_OK);
    first = flags;
    const char *const *words = edge_flags_arguments(&first);

    assert_int_equal(parse(words), ERR_OK);

    assert_int_equal(flags.workers, 3);
    assert_int_equal(flags.origin_connect_timeout_ms, 1500);
    assert_string_equal(flags.access_log, "-");
    assert_string_equal(flags.edge_id, first.edge_id);
    assert_string_equal(flags.allow_origin[0], "10.0.0.0/8");
    edge_flags_release(&flags);
    edge_flags_release(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_default),
        cmocka_unit_test(flags_are_taken_in_both_forms),
        cmocka_unit_test(help_is_asked_for),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(the_file_says_what_flags_say_and_flags_win),
        cmocka_unit_test(a_bad_file_is_refused),
        cmocka_unit_test(workers_get_every_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
