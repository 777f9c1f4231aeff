/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_resolve.c - names to addresses, against a name server of its own on loopback.
 *
 * The name server knows: both.example (A and AAAA), many.example (24 A), zero.example (TTL 0);
 * it says nothing at all about silent.example, and that nothing else exists.
 */
#include "net_test.h"

#include "dataplane/net/resolve.h"

struct name_server {
    uv_udp_t udp;
    int query_count;
    uint8_t in[2048];
    char address[64];
};

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct name_server *ns = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)ns->in, sizeof(ns->in));
}

/* "\4both\7example\0" into text; returns the length of the question section. */
static size_t read_question(const uint8_t *query, char *name, uint16_t *type)
{
    size_t at = 12, len = 0;
    while (query[at] != 0) {
        memcpy(name + len, query + at + 1, query[at]);
        len += query[at];
        name[len++] = '.';
        at += query[at] + 1u;
    }
    name[len - 1] = '\0';
    *type = (uint16_t)(query[at + 1] << 8 | query[at + 2]);
    return at + 5 - 12;
}

static size_t add_answer(uint8_t *out, uint16_t type, uint32_t ttl_s, int number)
{
    size_t address_bytes = type == 1 ? 4 : 16;
    const uint8_t fixed[] = {0xc0, 12, 0, (uint8_t)type,  0, 1,
                             0,    0,  0, (uint8_t)ttl_s, 0, (uint8_t)address_bytes};
    memcpy(out, fixed, sizeof(fixed));
    memset(out + sizeof(fixed), 0, address_bytes);
    out[sizeof(fixed)] = type == 1 ? 192 : 0x20;
    out[sizeof(fixed) + address_bytes - 1] = (uint8_t)number;
    return sizeof(fixed) + address_bytes;
}

static void take_query(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *from,
                       unsigned flags)
{
    struct name_server *ns = udp->data;
    uint8_t out[2048];
    char name[256];
    uint16_t type;
    int answers = 0;
    (void)buf, (void)flags;
    if (len < 12 || !from)
        return;
    ns->query_count++;
    size_t question = read_question(ns->in, name, &type);
    if (strcmp(name, "silent.example") == 0)
        return;
    memcpy(out, ns->in, 12 + question);
    memset(out + 6, 0, 6);
    size_t at = 12 + question;
    bool known = true;
    if (strcmp(name, "both.example") == 0)
        answers = 1;
    else if (strcmp(name, "many.example") == 0)
        answers = type == 1 ? 24 : 0;
    else if (strcmp(name, "zero.example") == 0)
        answers = type == 1 ? 1 : 0;
    else
        known = false;
    for (int i = 0; i < answers; i++)
        at += add_answer(out + at, type, strcmp(name, "zero.example") == 0 ? 0 : 60, i + 1);
    out[2] = 0x81;
    out[3] = known ? 0x80 : 0x83; /* NXDOMAIN */
    out[7] = (uint8_t)answers;
    uv_buf_t reply = uv_buf_init((char *)out, (unsigned)at);
    uv_udp_try_send(udp, &reply, 1, from);
}

static void name_server_open(struct rig *rig, struct name_server *ns)
{
    struct sockaddr_in address;
    int bytes = sizeof(address);
    *ns = (struct name_server){0};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_udp_init(&rig->loop.uv, &ns->udp);
    ns->udp.data = ns;
    assert_int_equal(uv_udp_bind(&ns->udp, (void *)&address, 0), 0);
    uv_udp_getsockname(&ns->udp, (void *)&address, &bytes);
    uv_udp_recv_start(&ns->udp, lend_buffer, take_query);
    snprintf(ns->address, sizeof(ns->address), "127.0.0.1:%u", ntohs(address.sin_port));
}

struct asker {
    struct resolve_question question;
    struct resolver *resolver;
    int answers;
    enum err err;
    struct address addresses[LIMIT_ORIGIN_ADDRESSES];
    size_t count;
    bool inside_verb;
    const char *next_name;
};

static void asker_resolved(struct resolve_question *question, enum err err,
                           const struct address *addresses, size_t count);

static void ask(struct asker *asker, struct resolver *resolver, const char *name)
{
    asker->resolver = resolver;
    asker->inside_verb = true;
    resolve_ask(resolver, &asker->question, span_str(name), asker_resolved);
    asker->inside_verb = false;
}

static void asker_resolved(struct resolve_question *question, enum err err,
                           const struct address *addresses, size_t count)
{
    struct asker *asker = container_of(question, struct asker, question);
    assert_false(asker->inside_verb);
    assert_true(count <= LIMIT_ORIGIN_ADDRESSES);
    assert_int_equal(err == ERR_OK, count > 0);
    asker->answers++;
    asker->err = err;
    asker->count = count;
    memcpy(asker->addresses, addresses, count * sizeof(addresses[0]));
    const char *next_name = asker->next_name;
    asker->next_name = NULL;
    if (next_name)
        ask(asker, asker->resolver, next_name);
}

struct scene {
    struct rig rig;
    struct name_server ns;
    struct resolver *resolver;
};

static void scene_open(struct scene *scene)
{
    struct problem problem;
    rig_open(&scene->rig);
    name_server_open(&scene->rig, &scene->ns);
    assert_int_equal(resolver_open(&scene->rig.loop, scene->ns.address, &scene->resolver, &problem),
                     ERR_OK);
}

static void scene_close(struct scene *scene)
{
    resolver_close(&scene->resolver);
    uv_close((uv_handle_t *)&scene->ns.udp, NULL);
    rig_close(&scene->rig);
}

static bool has_address(const struct asker *asker, const char *text)
{
    struct address wanted;
    assert_int_equal(address_parse(span_str(text), &wanted), ERR_OK);
    for (size_t i = 0; i < asker->count; i++) {
        if (memcmp(&asker->addresses[i], &wanted, sizeof(wanted)) == 0)
            return true;
    }
    return false;
}

static void name_gives_the_addresses_of_both_families(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "both.example");
    RUN_UNTIL(&scene.rig, asker.answers == 1);

    assert_int_equal(asker.err, ERR_OK);
    assert_int_equal(asker.count, 2);
    assert_true(has_address(&asker, "192.0.0.1"));
    assert_true(has_address(&asker, "2000::1"));
    scene_close(&scene);
}

static void literals_are_answered_without_a_query(void **state)
{
    struct scene scene;
    struct asker v4 = {0}, v6 = {0};
    (void)state;
    scene_open(&scene);

    ask(&v4, scene.resolver, "192.0.2.7");
    ask(&v6, scene.resolver, "2001:db8::1");
    RUN_UNTIL(&scene.rig, v4.answers == 1 && v6.answers == 1);

    assert_true(has_address(&v4, "192.0.2.7"));
    assert_true(has_address(&v6, "2001:db8::1"));
    assert_int_equal(scene.ns.query_count, 0);
    scene_close(&scene);
}

static void localhost_comes_from_the_hosts_file(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "localhost");
    RUN_UNTIL(&scene.rig, asker.answers == 1);

    assert_int_equal(asker.err, ERR_OK);
    assert_true(has_address(&asker, "127.0.0.1") || has_address(&asker, "::1"));
    assert_int_equal(scene.ns.query_count, 0);
    scene_close(&scene);
}

static void concurrent_questions_share_a_query_and_later_ones_the_answer(void **state)
{
    struct scene scene;
    struct asker first = {0}, second = {0}, third = {0};
    (void)state;
    scene_open(&scene);

    ask(&first, scene.resolver, "both.example");
    ask(&second, scene.resolver, "Both.Example");
    RUN_UNTIL(&scene.rig, first.answers == 1 && second.answers == 1);
    assert_int_equal(scene.ns.query_count, 2); /* A and AAAA */
    ask(&third, scene.resolver, "both.example");
    RUN_UNTIL(&scene.rig, third.answers == 1);

    assert_int_equal(scene.ns.query_count, 2);
    assert_int_equal(second.count, 2);
    assert_int_equal(third.count, 2);
    scene_close(&scene);
}

static void more_addresses_than_the_limit_are_cut(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "many.example");
    RUN_UNTIL(&scene.rig, asker.answers == 1);

    assert_int_equal(asker.count, LIMIT_ORIGIN_ADDRESSES);
    scene_close(&scene);
}

static void
name_without_the_other_family_and_without_ttl_resolves_and_is_kept_a_moment(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "zero.example");
    RUN_UNTIL(&scene.rig, asker.answers == 1);
    assert_int_equal(asker.count, 1);
    int query_count = scene.ns.query_count;
    ask(&asker, scene.resolver, "zero.example");
    RUN_UNTIL(&scene.rig, asker.answers == 2);

    assert_int_equal(asker.count, 1);
    assert_int_equal(scene.ns.query_count, query_count);
    scene_close(&scene);
}

static void absent_names_are_told_and_remembered(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "absent.example");
    RUN_UNTIL(&scene.rig, asker.answers == 1);
    assert_int_equal(asker.err, ERR_ORIGIN_RESOLVE);
    int query_count = scene.ns.query_count;
    ask(&asker, scene.resolver, "absent.example");
    RUN_UNTIL(&scene.rig, asker.answers == 2);

    assert_int_equal(asker.err, ERR_ORIGIN_RESOLVE);
    assert_int_equal(scene.ns.query_count, query_count);
    scene_close(&scene);
}

static void what_cannot_be_a_name_is_refused_from_the_loop(void **state)
{
    struct scene scene;
    struct asker empty = {0}, huge = {0};
    char name[300];
    (void)state;
    scene_open(&scene);
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';

    ask(&empty, scene.resolver, "");
    ask(&huge, scene.resolver, name);
    RUN_UNTIL(&scene.rig, empty.answers == 1 && huge.answers == 1);

    assert_int_equal(empty.err, ERR_ORIGIN_RESOLVE);
    assert_int_equal(huge.err, ERR_ORIGIN_RESOLVE);
    assert_int_equal(scene.ns.query_count, 0);
    scene_close(&scene);
}

static void cancelled_question_is_never_answered(void **state)
{
    struct scene scene;
    struct asker cancelled = {0}, refused = {0}, patient = {0};
    (void)state;
    scene_open(&scene);
    ask(&cancelled, scene.resolver, "both.example");
    ask(&patient, scene.resolver, "both.example");
    ask(&refused, scene.resolver, "");

    resolve_cancel(&cancelled.question);
    resolve_cancel(&cancelled.question);
    resolve_cancel(&refused.question);
    RUN_UNTIL(&scene.rig, patient.answers == 1);

    assert_int_equal(cancelled.answers + refused.answers, 0);
    scene_close(&scene);
}

static void asker_may_ask_again_from_its_answer(void **state)
{
    struct scene scene;
    struct asker asker = {.next_name = "absent.example"};
    (void)state;
    scene_open(&scene);

    ask(&asker, scene.resolver, "both.example");
    RUN_UNTIL(&scene.rig, asker.answers == 2);

    assert_int_equal(asker.err, ERR_ORIGIN_RESOLVE);
    scene_close(&scene);
}

static void closing_with_questions_outstanding_tells_nobody(void **state)
{
    struct scene scene;
    struct asker waiting = {0}, ready = {0};
    (void)state;
    scene_open(&scene);
    ask(&waiting, scene.resolver, "silent.example");
    ask(&ready, scene.resolver, "192.0.2.1");
    for (int i = 0; i < 3; i++)
        uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
    ask(&ready, scene.resolver, "192.0.2.1");

    scene_close(&scene);

    assert_int_equal(waiting.answers, 0);
    assert_int_equal(ready.answers, 1);
    resolve_cancel(&waiting.question);
}

static void cache_is_bounded(void **state)
{
    struct scene scene;
    struct asker asker = {0};
    (void)state;
    scene_open(&scene);
    ask(&asker, scene.resolver, "both.example");
    RUN_UNTIL(&scene.rig, asker.answers == 1);
    int query_count = scene.ns.query_count;

    for (int i = 0; i < LIMIT_RESOLVE_CACHE; i++) {
        char name[32];
        snprintf(name, sizeof(name), "10.0.%d.%d", i / 256, i % 256);
        int before = asker.answers;
        ask(&asker, scene.resolver, name);
        while (asker.answers == before)
            uv_run(&scene.rig.loop.uv, UV_RUN_NOWAIT);
    }
    int before = asker.answers;
    ask(&asker, scene.resolver, "both.example");
    RUN_UNTIL(&scene.rig, asker.answers == before + 1);

    assert_int_equal(asker.err, ERR_OK);
    assert_int_equal(scene.ns.query_count, query_count + 2); /* it had been evicted */
    scene_close(&scene);
}

static void bad_server_list_is_a_problem(void **state)
{
    struct rig rig;
    struct resolver *resolver = (void *)1;
    struct problem problem = {0};
    (void)state;
    rig_open(&rig);

    assert_int_equal(resolver_open(&rig.loop, "not an address", &resolver, &problem), ERR_INVALID);

    assert_null(resolver);
    assert_non_null(strstr(problem.text, "not an address"));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_gives_the_addresses_of_both_families),
        cmocka_unit_test(literals_are_answered_without_a_query),
        cmocka_unit_test(localhost_comes_from_the_hosts_file),
        cmocka_unit_test(concurrent_questions_share_a_query_and_later_ones_the_answer),
        cmocka_unit_test(more_addresses_than_the_limit_are_cut),
        cmocka_unit_test(
            name_without_the_other_family_and_without_ttl_resolves_and_is_kept_a_moment),
        cmocka_unit_test(absent_names_are_told_and_remembered),
        cmocka_unit_test(what_cannot_be_a_name_is_refused_from_the_loop),
        cmocka_unit_test(cancelled_question_is_never_answered),
        cmocka_unit_test(asker_may_ask_again_from_its_answer),
        cmocka_unit_test(closing_with_questions_outstanding_tells_nobody),
        cmocka_unit_test(cache_is_bounded),
        cmocka_unit_test(bad_server_list_is_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
