/* SPDX-License-Identifier: Apache-2.0 */
/* test_change_login.c - who guesses waits, and what was right counts while it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "control/change/change_login.h"
#include "control/change/change_user.h"
#include "tests/unit/control/change/change_dir.h"

#define NOW_US UINT64_C(1800000000000000)
#define SECOND_US UINT64_C(1000000)
#define OTHER_HASH SPAN("$argon2id$another")

static enum err try_from(struct change_dir *c, const char *email, const char *ip,
                         struct login_found *out)
{
    const struct login_try try_ = {.email = span_str(email), .ip = span_str(ip)};
    return change_login_try(&c->door, &try_, out);
}

static const uint8_t dana_email[] = "dana@example.net", dana_ip[] = "192.0.2.1";
static const struct login_try dana = {.email = {dana_email, sizeof(dana_email) - 1},
                                      .ip = {dana_ip, sizeof(dana_ip) - 1}};

static enum err log_in(struct change_dir *c, const struct login_found *found,
                       struct login_made *made)
{
    const struct change_actor nobody = {.ip = SPAN("192.0.2.1")};
    struct change *change = begin(c, &nobody);
    return end(c, change, change_login_begin(change, &dana, found, SPAN_EMPTY, made));
}

static void set_password(struct change_dir *c, const struct id *but_login)
{
    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_password_set(change, &c->second.user_id, OTHER_HASH, but_login)),
        ERR_OK);
}

static void five_tries_are_free_and_then_waits_double(void **state)
{
    struct change_dir *c = *state;
    struct login_found found;
    uint64_t now_us = NOW_US;
    clock_test_set(1, now_us);
    for (size_t i = 0; i < LIMIT_LOGIN_FREE_TRIES; i++)
        assert_int_equal(try_from(c, "dana@example.net", "192.0.2.1", &found), ERR_OK);
    for (uint64_t wait_s = 1; wait_s < LIMIT_LOGIN_WAIT_S; wait_s *= 2) {
        assert_int_equal(try_from(c, "dana@example.net", "192.0.2.2", &found), ERR_LIMIT);
        assert_int_equal(found.wait_s, wait_s);
        now_us += wait_s * SECOND_US;
        clock_test_set(1, now_us);
        assert_int_equal(try_from(c, "dana@example.net", "192.0.2.2", &found), ERR_OK);
    }
    assert_int_equal(try_from(c, "dana@example.net", "192.0.2.3", &found), ERR_LIMIT);
    assert_int_equal(found.wait_s, LIMIT_LOGIN_WAIT_S);
    assert_int_equal(try_from(c, "op@example.net", "192.0.2.3", &found), ERR_OK);
    clock_test_release();
}

static void an_address_has_so_many_tries_and_a_v6_host_is_its_64(void **state)
{
    struct change_dir *c = *state;
    struct login_found found;
    char email[32], ip[40];
    clock_test_set(1, NOW_US);
    for (unsigned i = 0; i < LIMIT_LOGIN_TRIES_PER_ADDRESS; i++) {
        text_format(email, sizeof(email), "nobody%u@example.net", i);
        text_format(ip, sizeof(ip), "2001:db8::%x", i + 1);
        assert_int_equal(try_from(c, email, ip, &found), ERR_OK);
    }
    assert_int_equal(try_from(c, "new@example.net", "2001:db8::ffff", &found), ERR_LIMIT);
    assert_int_equal(try_from(c, "new@example.net", "2001:db8:0:1::1", &found), ERR_OK);
    clock_test_set(1, NOW_US + 60 * SECOND_US);
    assert_int_equal(try_from(c, "newer@example.net", "2001:db8::ffff", &found), ERR_OK);
    clock_test_release();
}

static void a_login_makes_the_tries_forgotten(void **state)
{
    struct change_dir *c = *state;
    struct login_found found;
    struct login_made made;
    clock_test_set(1, NOW_US);
    for (size_t i = 0; i < LIMIT_LOGIN_FREE_TRIES; i++)
        assert_int_equal(change_login_try(&c->door, &dana, &found), ERR_OK);
    assert_int_equal(change_login_try(&c->door, &dana, &found), ERR_LIMIT);
    assert_int_equal(change_login_find(&c->door, &dana, &found), ERR_OK);
    assert_int_equal(log_in(c, &found, &made), ERR_OK);
    assert_int_equal(change_login_try(&c->door, &dana, &found), ERR_OK);
    clock_test_release();
}

static void a_password_that_was_changed_meanwhile_is_not_right(void **state)
{
    struct change_dir *c = *state;
    const struct id no_login = {{0}};
    struct login_found found;
    struct login_made made;
    assert_int_equal(change_login_find(&c->door, &dana, &found), ERR_OK);
    set_password(c, &no_login);
    assert_int_equal(log_in(c, &found, &made), ERR_UNAUTHENTICATED);
    struct change *change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_login_proved(change, &dana, &found)), ERR_CONFLICT);

    assert_int_equal(change_login_find(&c->door, &dana, &found), ERR_OK);
    assert_int_equal(log_in(c, &found, &made), ERR_OK);
}

static void another_password_ends_all_logins_but_one(void **state)
{
    struct change_dir *c = *state;
    struct login_found found;
    struct login_made kept, other;
    struct store_login_list list;
    struct store_conn *conn = NULL;
    struct arena arena;
    assert_int_equal(change_login_find(&c->door, &dana, &found), ERR_OK);
    assert_int_equal(log_in(c, &found, &kept), ERR_OK);
    assert_int_equal(log_in(c, &found, &other), ERR_OK);
    set_password(c, &kept.id);

    arena_init(&arena, NULL);
    assert_int_equal(store_read_begin(c->door.store, &conn), ERR_OK);
    assert_int_equal(store_login_list(conn, &c->second.user_id, &arena, &list), ERR_OK);
    store_read_end(&conn);
    assert_int_equal(list.count, 1);
    assert_true(id_equal(list.rows[0].id, kept.id));
    arena_release(&arena);
}

static void a_login_ends_for_its_own_user_only(void **state)
{
    struct change_dir *c = *state;
    struct login_found found;
    struct login_made made;
    assert_int_equal(change_login_find(&c->door, &dana, &found), ERR_OK);
    assert_int_equal(log_in(c, &found, &made), ERR_OK);
    struct change *change = begin(c, &c->operating);
    assert_int_equal(end(c, change, change_login_end(change, &made.id, &c->problem)),
                     ERR_NOT_FOUND);
    change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_login_end(change, &made.id, &c->problem)), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(five_tries_are_free_and_then_waits_double),
        CHANGE_TEST(an_address_has_so_many_tries_and_a_v6_host_is_its_64),
        CHANGE_TEST(a_login_makes_the_tries_forgotten),
        CHANGE_TEST(a_password_that_was_changed_meanwhile_is_not_right),
        CHANGE_TEST(another_password_ends_all_logins_but_one),
        CHANGE_TEST(a_login_ends_for_its_own_user_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
