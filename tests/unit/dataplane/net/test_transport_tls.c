/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transport_tls.c - two TLS transports face to face, and what happens when one misbehaves.
 */
#include "tls_test.h"

#include "dataplane/net/tls_engine.h"
#include "dataplane/net/tls_profile_int.h"

#define WHOLE_BYTES (4 << 20)

/* Everything that one test needs: both profiles, both sides, opened and not yet secured. */
struct scene {
    struct rig rig;
    struct test_cert ca, cert;
    struct tls_profile *serving, *dialling;
    struct selection selection;
    struct tls_peer visitor, origin; /* the connecting and the accepting side */
    int visitor_fd, origin_fd;       /* duplicates, to do evil with */
};

static const uint8_t ticket_keys[3][LIMIT_TICKET_KEY_BYTES] = {{1}, {2}, {3}};

static void scene_open(struct scene *scene, const char *alt_names)
{
    memset(scene, 0, sizeof(*scene));
    rig_open(&scene->rig);
    tls_tickets_use(&scene->rig.loop, span_of(ticket_keys, sizeof(ticket_keys)), 3600);
    test_cert_make(&scene->ca, &(struct test_cert_wish){.from_days = -1, .to_days = 10});
    test_cert_make(&scene->cert, &(struct test_cert_wish){.alt_names = alt_names,
                                                          .issuer = &scene->ca,
                                                          .from_days = -1,
                                                          .to_days = 10});
    scene->serving = client_facing(&scene->cert);
    scene->dialling = origin_facing(&scene->ca, true);
    scene->selection = (struct selection){.profile = scene->serving};
}

static void scene_join(struct scene *scene, const char *name)
{
    int fds[2];
    tcp_pair(fds);
    scene->visitor_fd = dup(fds[0]);
    scene->origin_fd = dup(fds[1]);
    tls_peer_connect(&scene->rig, &scene->visitor, fds[0], scene->dialling, name);
    tls_peer_accept(&scene->rig, &scene->origin, fds[1], &scene->selection);
}

static void scene_secure(struct scene *scene, const char *name)
{
    scene_join(scene, name);
    RUN_UNTIL(&scene->rig, scene->visitor.answers == 1 && scene->origin.answers == 1);
    assert_int_equal(scene->visitor.err, ERR_OK);
    assert_int_equal(scene->origin.err, ERR_OK);
}

static void scene_part(struct scene *scene)
{
    close(scene->visitor_fd);
    close(scene->origin_fd);
    peer_release(&scene->visitor.peer);
    peer_release(&scene->origin.peer);
}

static void scene_close(struct scene *scene)
{
    scene_part(scene);
    tls_profile_unref(&scene->serving);
    tls_profile_unref(&scene->dialling);
    test_cert_release(&scene->cert);
    test_cert_release(&scene->ca);
    rig_close(&scene->rig);
}

static void handshake_finds_version_alpn_and_name(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:www.example.com");

    scene_secure(&scene, "www.example.com");

    assert_int_equal(scene.visitor.facts.alpn, TLS_ALPN_H2);
    assert_int_equal(scene.origin.facts.alpn, TLS_ALPN_H2);
    assert_string_equal(scene.origin.facts.version, "TLSv1.3");
    assert_string_equal(scene.origin.sni, "www.example.com");
    assert_false(scene.visitor.facts.resumed);
    assert_int_equal(scene.selection.asked, 1);
    scene_close(&scene);
}

static void h1_alone_is_negotiated_when_h2_is_not_offered(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:www.example.com");
    tls_profile_unref(&scene.dialling);
    scene.dialling = origin_facing(&scene.ca, false);

    scene_secure(&scene, "www.example.com");

    assert_int_equal(scene.visitor.facts.alpn, TLS_ALPN_H1);
    assert_int_equal(scene.origin.facts.alpn, TLS_ALPN_H1);
    scene_close(&scene);
}

static void megabytes_arrive_exactly_whatever_the_pieces_and_pauses(void **state)
{
    struct scene scene;
    uint8_t *whole = mem_alloc(WHOLE_BYTES);
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    fill_pattern(whole, WHOLE_BYTES, 5);

    transfer(&scene.rig, &scene.visitor.peer, &scene.origin.peer, span_of(whole, WHOLE_BYTES), 17);
    transfer(&scene.rig, &scene.origin.peer, &scene.visitor.peer, span_of(whole, WHOLE_BYTES), 19);

    free(whole);
    scene_close(&scene);
}

static void slow_kernel_bounds_output_and_room_is_told(void **state)
{
    struct scene scene;
    static uint8_t block[LIMIT_TRANSPORT_OUT_BYTES];
    int small = 4096;
    size_t sent = 0;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    struct peer *from = &scene.visitor.peer, *to = &scene.origin.peer;
    setsockopt(scene.visitor_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fill_pattern(block, sizeof(block), 23);

    for (int quiet = 0; quiet < 20; quiet++) {
        size_t room = transport_write_room(from->t);
        assert_true(room <= LIMIT_TRANSPORT_OUT_BYTES);
        if (room > 0) {
            quiet = 0;
            peer_write(from, span_of(block, room));
            sent += room;
        }
        uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
    }
    assert_true(scene.rig.loop.chunks.in_use <= LIMIT_TRANSPORT_OUT_BYTES / CHUNK_BYTES + 3);
    from->rooms = 0;
    peer_read_start(to);
    RUN_UNTIL(&scene.rig, from->rooms == 1);
    RUN_UNTIL(&scene.rig, to->in.len == sent);

    scene_close(&scene);
}

static void bytes_behind_the_handshake_wait_for_read_start(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_join(&scene, "a.example");
    peer_write(&scene.visitor.peer, SPAN("written before the handshake"));
    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);
    for (int i = 0; i < 10; i++)
        uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(scene.origin.peer.bytes_events, 0);

    peer_read_start(&scene.origin.peer);
    RUN_UNTIL(&scene.rig, scene.origin.peer.in.len == 28);

    scene_close(&scene);
}

static void many_small_writes_of_one_turn_become_one_record(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    peer_read_start(&scene.origin.peer);

    for (int i = 0; i < 1000; i++)
        peer_write(&scene.visitor.peer, SPAN("0123456789"));
    RUN_UNTIL(&scene.rig, scene.origin.peer.in.len == 10000);

    assert_int_equal(scene.origin.peer.bytes_events, 1);
    scene_close(&scene);
}

static void close_says_close_notify_and_delivers_all(void **state)
{
    struct scene scene;
    static uint8_t block[200000];
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    fill_pattern(block, sizeof(block), 29);
    peer_write(&scene.visitor.peer, span_of(block, sizeof(block)));
    transport_close(&scene.visitor.peer.t);

    peer_read_start(&scene.origin.peer);
    RUN_UNTIL(&scene.rig, scene.origin.peer.endings == 1);

    assert_int_equal(scene.origin.peer.in.len, sizeof(block));
    assert_memory_equal(scene.origin.peer.in.ptr, block, sizeof(block));
    for (int i = 0; i < 10; i++)
        uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(scene.origin.peer.closings, 0);
    scene_close(&scene);
}

static void end_without_close_notify_is_a_truncation(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    peer_read_start(&scene.origin.peer);
    peer_write(&scene.visitor.peer, SPAN("half a mess"));
    RUN_UNTIL(&scene.rig, scene.origin.peer.in.len == 11);

    shutdown(scene.visitor_fd, SHUT_WR);
    RUN_UNTIL(&scene.rig, scene.origin.peer.closings == 1);

    assert_int_equal(scene.origin.peer.err, ERR_PROTOCOL);
    assert_int_equal(scene.origin.peer.endings, 0);
    scene_close(&scene);
}

static void abort_is_seen_as_a_reset(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    peer_read_start(&scene.origin.peer);
    peer_write(&scene.visitor.peer, SPAN("never sent"));

    close(scene.visitor_fd);
    scene.visitor_fd = -1;
    transport_abort(&scene.visitor.peer.t);
    RUN_UNTIL(&scene.rig, scene.origin.peer.closings == 1);

    assert_int_equal(scene.origin.peer.err, ERR_IO);
    assert_int_equal(scene.origin.peer.in.len, 0);
    scene_close(&scene);
}

static void damaged_record_breaks_the_connection(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    peer_read_start(&scene.origin.peer);

    assert_int_equal(
        send(scene.visitor_fd, "\x17\x03\x03\x00\x20garbage garbage garbage garbage", 37, 0), 37);
    RUN_UNTIL(&scene.rig, scene.origin.peer.closings == 1);

    assert_int_equal(scene.origin.peer.err, ERR_PROTOCOL);
    assert_int_equal(scene.origin.peer.in.len, 0);
    scene_close(&scene);
}

static void unknown_name_gets_its_alert(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene.selection.known = "a.example";

    scene_join(&scene, "Other.example");
    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);

    assert_int_equal(scene.origin.err, ERR_HOST_UNKNOWN);
    assert_non_null(strstr(scene.origin.problem.text, "other.example"));
    assert_int_equal(scene.visitor.err, ERR_ORIGIN_TLS);
    assert_non_null(strstr(scene.visitor.problem.text, "unrecognized name"));
    scene_close(&scene);
}

static void known_name_is_asked_in_lower_case(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene.selection.known = "a.example";

    scene_secure(&scene, "A.Example");

    assert_string_equal(scene.origin.sni, "a.example");
    scene_close(&scene);
}

static void literal_address_sends_no_name_and_is_verified_as_an_address(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "IP:127.0.0.1");
    scene.selection.known = "";

    scene_secure(&scene, "127.0.0.1");

    assert_string_equal(scene.origin.sni, "");
    scene_close(&scene);
}

static void second_connection_resumes_the_session_of_its_name(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example,DNS:b.example");
    scene_secure(&scene, "a.example");
    assert_false(scene.visitor.facts.resumed);
    peer_read_start(&scene.visitor.peer); /* tickets come with the first bytes */
    peer_write(&scene.origin.peer, SPAN("x"));
    RUN_UNTIL(&scene.rig, scene.visitor.peer.in.len == 1);
    scene_part(&scene);

    scene_secure(&scene, "a.example");
    assert_true(scene.visitor.facts.resumed);
    assert_true(scene.origin.facts.resumed);
    assert_int_equal(scene.visitor.facts.alpn, TLS_ALPN_H2);
    scene_part(&scene);
    scene_secure(&scene, "b.example");
    assert_false(scene.visitor.facts.resumed);

    scene_close(&scene);
}

static void session_is_not_resumed_under_another_certificate(void **state)
{
    struct scene scene;
    struct test_cert other;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_secure(&scene, "a.example");
    peer_read_start(&scene.visitor.peer);
    peer_write(&scene.origin.peer, SPAN("x"));
    RUN_UNTIL(&scene.rig, scene.visitor.peer.in.len == 1);
    scene_part(&scene);
    test_cert_make(&other, &(struct test_cert_wish){.alt_names = "DNS:a.example",
                                                    .issuer = &scene.ca,
                                                    .from_days = -1,
                                                    .to_days = 10});
    tls_profile_unref(&scene.serving);
    scene.serving = scene.selection.profile = client_facing(&other);

    scene_secure(&scene, "a.example");

    assert_false(scene.origin.facts.resumed);
    test_cert_release(&other);
    scene_close(&scene);
}

/* A connection until the visitor has a new ticket, if it is given one; whether it was resumed. */
static bool scene_resumes(struct scene *scene)
{
    scene_secure(scene, "a.example");
    assert_int_equal(scene->visitor.facts.resumed, scene->origin.facts.resumed);
    bool resumed = scene->origin.facts.resumed;
    peer_read_start(&scene->visitor.peer);
    peer_write(&scene->origin.peer, SPAN("x"));
    RUN_UNTIL(&scene->rig, scene->visitor.peer.in.len == 1);
    scene_part(scene);
    return resumed;
}

static void scene_end(struct scene *scene)
{
    scene->visitor_fd = scene->origin_fd = -1;
    scene_close(scene);
}

static void a_zones_versions_are_spoken_and_no_others(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");

    scene.selection.tls_1_3_refused = true;
    scene_secure(&scene, "a.example");
    assert_string_equal(scene.origin.facts.version, "TLSv1.2");
    assert_string_equal(scene.visitor.facts.version, "TLSv1.2");
    scene_part(&scene);

    scene.selection.tls_1_2_refused = true;
    scene.selection.tls_1_3_refused = false;
    SSL_CTX_set_max_proto_version(scene.dialling->ssl_config, TLS1_2_VERSION);
    scene_join(&scene, "a.example");
    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);
    assert_int_equal(scene.origin.err, ERR_PROTOCOL);
    assert_int_equal(scene.visitor.err, ERR_ORIGIN_TLS);
    scene_close(&scene);
}

static void without_h2_in_the_terms_h1_is_negotiated(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene.selection.h2_refused = true;

    scene_secure(&scene, "a.example");

    assert_int_equal(scene.visitor.facts.alpn, TLS_ALPN_H1);
    assert_int_equal(scene.origin.facts.alpn, TLS_ALPN_H1);
    scene_close(&scene);
}

static void a_ticket_of_another_zone_is_not_taken(void **state)
{
    (void)state;
    for (int tls_1_2 = 0; tls_1_2 <= 1; tls_1_2++) {
        struct scene scene;
        scene_open(&scene, "DNS:a.example");
        scene.selection.tls_1_3_refused = tls_1_2;
        assert_false(scene_resumes(&scene));
        assert_true(scene_resumes(&scene));

        scene.selection.zone = 1;
        assert_false(scene_resumes(&scene));
        assert_int_equal(counters_read(scene.rig.loop.counters, COUNTER_CLIENT_TICKETS_FOREIGN), 1);
        scene_end(&scene);
    }
}

static void a_ticket_of_another_version_is_not_taken(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene.selection.tls_1_3_refused = true;
    assert_false(scene_resumes(&scene));
    scene.selection.tls_1_3_refused = false;
    scene.selection.tls_1_2_refused = true;

    assert_false(scene_resumes(&scene));
    assert_string_equal(scene.origin.facts.version, "TLSv1.3");
    scene_end(&scene);
}

static void keys_that_were_rotated_out_open_tickets_for_one_turn_more(void **state)
{
    static const uint8_t once[3][LIMIT_TICKET_KEY_BYTES] = {{9}, {1}, {2}};
    static const uint8_t others[3][LIMIT_TICKET_KEY_BYTES] = {{7}, {8}, {9}};
    (void)state;
    for (int tls_1_2 = 0; tls_1_2 <= 1; tls_1_2++) {
        struct scene scene;
        scene_open(&scene, "DNS:a.example");
        scene.selection.tls_1_3_refused = tls_1_2;
        assert_false(scene_resumes(&scene));

        tls_tickets_use(&scene.rig.loop, span_of(once, sizeof(once)), 3600);
        assert_true(scene_resumes(&scene));
        /* The new ticket came under the new key, which is the next one of a worker that is late.
         * (OpenSSL as a client forgets a session of TLS 1.2 whose ticket was renewed.) */
        tls_tickets_use(&scene.rig.loop, span_of(ticket_keys, sizeof(ticket_keys)), 3600);
        assert_int_equal(scene_resumes(&scene), !tls_1_2);
        tls_tickets_use(&scene.rig.loop, span_of(others, sizeof(others)), 3600);
        assert_false(scene_resumes(&scene));
        scene_end(&scene);
    }
}

static void without_keys_there_are_no_tickets_and_nothing_breaks(void **state)
{
    (void)state;
    for (int tls_1_2 = 0; tls_1_2 <= 1; tls_1_2++) {
        struct scene scene;
        scene_open(&scene, "DNS:a.example");
        scene.rig.loop.tls->tickets.count = 0;
        scene.selection.tls_1_3_refused = tls_1_2;
        assert_false(scene_resumes(&scene));
        assert_int_equal(scene.dialling->sessions.count, 0);
        assert_false(scene_resumes(&scene));
        scene_end(&scene);
    }
}

/* One bad certificate against a verifying and a trusting profile. */
static void expect_refused(const struct test_cert_wish *wish, bool known_ca, const char *name,
                           const char *reason)
{
    struct scene scene;
    struct test_cert bad;
    struct test_cert_wish made = *wish;
    scene_open(&scene, "DNS:a.example");
    if (known_ca)
        made.issuer = &scene.ca;
    test_cert_make(&bad, &made);
    tls_profile_unref(&scene.serving);
    scene.serving = scene.selection.profile = client_facing(&bad);

    scene_join(&scene, name);
    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);
    assert_int_equal(scene.visitor.err, ERR_ORIGIN_CERTIFICATE);
    assert_int_equal(scene.origin.err, ERR_PROTOCOL);
    if (!strstr(scene.visitor.problem.text, reason))
        fail_msg("'%s' does not say '%s'", scene.visitor.problem.text, reason);
    scene_part(&scene);

    tls_profile_unref(&scene.dialling);
    scene.dialling = origin_facing(NULL, true);
    scene_secure(&scene, name);
    test_cert_release(&bad);
    scene_close(&scene);
}

static void bad_certificates_are_refused_by_reason_unless_trusted_blindly(void **state)
{
    struct test_cert stranger;
    (void)state;
    test_cert_make(&stranger,
                   &(struct test_cert_wish){.name = "stranger", .from_days = -1, .to_days = 10});
    struct test_cert_wish fine = {.alt_names = "DNS:a.example", .from_days = -1, .to_days = 10};
    struct test_cert_wish expired = {.alt_names = "DNS:a.example", .from_days = -9, .to_days = -1};
    struct test_cert_wish early = {.alt_names = "DNS:a.example", .from_days = 1, .to_days = 9};
    struct test_cert_wish foreign = fine;
    foreign.issuer = &stranger;

    expect_refused(&expired, true, "a.example", "has expired");
    expect_refused(&early, true, "a.example", "not valid yet");
    expect_refused(&fine, true, "b.example", "does not cover the name b.example");
    expect_refused(&fine, true, "127.0.0.1", "does not cover the name 127.0.0.1");
    expect_refused(&fine, false, "a.example", "is self-signed");
    expect_refused(&foreign, false, "a.example", "issuer is unknown");
    test_cert_release(&stranger);
}

static void garbage_instead_of_a_handshake_is_told_once(void **state)
{
    struct scene scene;
    int fds[2];
    (void)state;
    scene_open(&scene, "DNS:a.example");
    tcp_pair(fds);
    scene.visitor_fd = fds[0];
    scene.origin_fd = -1;
    tls_peer_accept(&scene.rig, &scene.origin, fds[1], &scene.selection);
    assert_int_equal(send(fds[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 28, 0), 28);

    RUN_UNTIL(&scene.rig, scene.origin.answers == 1);
    for (int i = 0; i < 10; i++)
        uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);

    assert_int_equal(scene.origin.answers, 1);
    assert_int_equal(scene.origin.err, ERR_PROTOCOL);
    assert_non_null(strstr(scene.origin.problem.text, "http request"));
    assert_int_equal(scene.selection.asked, 0);
    assert_int_equal(scene.origin.peer.closings, 0);
    scene_close(&scene);
}

static void end_in_the_middle_of_the_handshake_is_told_once(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_join(&scene, "a.example");
    shutdown(scene.visitor_fd, SHUT_RDWR);

    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);

    assert_int_equal(scene.origin.err, ERR_CLOSED);
    assert_int_equal(scene.visitor.err, ERR_ORIGIN_TLS);
    scene_close(&scene);
}

static void opener_may_close_inside_secured(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "DNS:a.example");
    scene_join(&scene, "a.example");
    scene.origin.close_when_secured = true;
    scene.visitor.close_when_secured = true;

    RUN_UNTIL(&scene.rig, scene.visitor.answers == 1 && scene.origin.answers == 1);

    scene_close(&scene);
}

/* Whatever moment the owner picks, everything is given back (the sanitizer is the judge). */
static void closing_and_aborting_in_every_state_leaks_nothing(void **state)
{
    (void)state;
    for (int turns = 0; turns < 24; turns++) {
        struct scene scene;
        scene_open(&scene, "DNS:a.example");
        scene_join(&scene, "a.example");
        scene.visitor.read_when_secured = scene.origin.read_when_secured = true;
        peer_write(&scene.visitor.peer, SPAN("something"));
        for (int i = 0; i < turns / 2; i++)
            uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
        if (turns % 2)
            transport_abort(&scene.visitor.peer.t);
        else
            transport_close(&scene.visitor.peer.t);
        scene_close(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_finds_version_alpn_and_name),
        cmocka_unit_test(h1_alone_is_negotiated_when_h2_is_not_offered),
        cmocka_unit_test(megabytes_arrive_exactly_whatever_the_pieces_and_pauses),
        cmocka_unit_test(slow_kernel_bounds_output_and_room_is_told),
        cmocka_unit_test(bytes_behind_the_handshake_wait_for_read_start),
        cmocka_unit_test(many_small_writes_of_one_turn_become_one_record),
        cmocka_unit_test(close_says_close_notify_and_delivers_all),
        cmocka_unit_test(end_without_close_notify_is_a_truncation),
        cmocka_unit_test(abort_is_seen_as_a_reset),
        cmocka_unit_test(damaged_record_breaks_the_connection),
        cmocka_unit_test(unknown_name_gets_its_alert),
        cmocka_unit_test(known_name_is_asked_in_lower_case),
        cmocka_unit_test(literal_address_sends_no_name_and_is_verified_as_an_address),
        cmocka_unit_test(second_connection_resumes_the_session_of_its_name),
        cmocka_unit_test(session_is_not_resumed_under_another_certificate),
        cmocka_unit_test(a_zones_versions_are_spoken_and_no_others),
        cmocka_unit_test(without_h2_in_the_terms_h1_is_negotiated),
        cmocka_unit_test(a_ticket_of_another_zone_is_not_taken),
        cmocka_unit_test(a_ticket_of_another_version_is_not_taken),
        cmocka_unit_test(keys_that_were_rotated_out_open_tickets_for_one_turn_more),
        cmocka_unit_test(without_keys_there_are_no_tickets_and_nothing_breaks),
        cmocka_unit_test(bad_certificates_are_refused_by_reason_unless_trusted_blindly),
        cmocka_unit_test(garbage_instead_of_a_handshake_is_told_once),
        cmocka_unit_test(end_in_the_middle_of_the_handshake_is_told_once),
        cmocka_unit_test(opener_may_close_inside_secured),
        cmocka_unit_test(closing_and_aborting_in_every_state_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
