/* SPDX-License-Identifier: Apache-2.0 */
/* test_certificate_cache.c - certificates by SNI, loaded once, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/model/certificate.h"
#include "dataplane/client/certificate_cache.h"

#define PROFILES 8

static struct buf chain, key;
static struct certificate_cache *cache;
static size_t load_count;
static unsigned id_salt;
static enum err source_err;

/* "n<number>.example.com" has the id <number> + id_salt. */
static enum err test_choose(void *owner, struct span host, struct visitor_tls *out)
{
    unsigned number;
    char text[ID_TEXT_BYTES + 1], name[64];
    (void)owner;
    if (source_err != ERR_OK)
        return source_err;
    assert_true(span_to_cstr(host, name, sizeof(name)));
    if (sscanf(name, "n%u.example.com", &number) != 1)
        return ERR_HOST_UNKNOWN;
    snprintf(text, sizeof(text), "%032x", number + id_salt);
    *out = (struct visitor_tls){.tls_1_3 = true, .h2_offered = number % 2 == 0};
    assert_int_equal(id_parse(SPAN("0123456789abcdef0123456789abcdef"), &out->zone_id), ERR_OK);
    return id_parse(span_str(text), &out->certificate_id);
}

static enum err test_load(void *owner, struct span host, struct visitor_tls *out,
                          struct buf *chain_out, struct buf *key_out)
{
    load_count++;
    buf_append(chain_out, buf_span(&chain));
    buf_append(key_out, buf_span(&key));
    return test_choose(owner, host, out);
}

static int make_certificate(void **state)
{
    (void)state;
    struct buf ca_chain, ca_key;
    struct hostname name;
    buf_init(&ca_chain, 65536);
    buf_init(&ca_key, 65536);
    buf_init(&chain, 65536);
    buf_init(&key, 65536);
    assert_int_equal(hostname_parse(SPAN("n1.example.com"), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    assert_int_equal(certificate_make_ca("test", clock_wall_s(), &ca_chain, &ca_key), ERR_OK);
    struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
    assert_int_equal(certificate_sign(&ca, &name, 1, clock_wall_s(), &chain, &key), ERR_OK);
    buf_release(&ca_chain);
    buf_release(&ca_key);
    return 0;
}

static int drop_certificate(void **state)
{
    (void)state;
    buf_release(&chain);
    buf_release(&key);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    struct certificate_source source = {.choose = test_choose, .load = test_load};
    cache = certificate_cache_new(&source, PROFILES);
    load_count = id_salt = 0;
    source_err = ERR_OK;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certificate_cache_free(&cache);
    return 0;
}

static enum err select_host(const char *sni)
{
    struct tls_terms terms = {0};
    enum err err = certificate_cache_select(cache, span_str(sni), &terms);
    assert_true((err == ERR_OK) == (terms.profile != NULL));
    tls_profile_unref(&terms.profile);
    return err;
}

static void a_certificate_is_loaded_once(void **state)
{
    (void)state;
    assert_int_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_equal(load_count, 1);
}

static void what_the_zone_says_is_asked_each_time(void **state)
{
    (void)state;
    struct tls_terms terms = {0};
    assert_int_equal(certificate_cache_select(cache, SPAN("N2.example.com."), &terms), ERR_OK);
    assert_true(terms.h2_offered && terms.tls_1_3 && !terms.tls_1_2);
    assert_memory_equal(terms.scope, "0123456789abcdef0123456789abcdef", TLS_SCOPE_BYTES);
    assert_true(tls_profile_covers(terms.profile, SPAN("n1.example.com")));
    assert_false(tls_profile_covers(terms.profile, SPAN("n2.example.com")));
    tls_profile_unref(&terms.profile);
    assert_int_equal(certificate_cache_select(cache, SPAN("n1.example.com"), &terms), ERR_OK);
    assert_false(terms.h2_offered);
    tls_profile_unref(&terms.profile);
}

static void a_changed_certificate_is_loaded_and_the_old_profile_lives_on(void **state)
{
    (void)state;
    struct tls_terms old = {0};
    assert_int_equal(certificate_cache_select(cache, SPAN("n1.example.com"), &old), ERR_OK);
    id_salt = 1000;
    assert_int_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_equal(load_count, 2);
    certificate_cache_free(&cache);
    tls_profile_unref(&old.profile);
    (void)set_up(NULL);
}

static void names_that_nobody_has_are_refused(void **state)
{
    (void)state;
    assert_int_equal(select_host("www.example.org"), ERR_HOST_UNKNOWN);
    assert_int_equal(select_host(""), ERR_HOST_UNKNOWN);
    assert_int_equal(select_host("192.0.2.1"), ERR_HOST_UNKNOWN);
    assert_int_equal(select_host("*.example.com"), ERR_HOST_UNKNOWN);
    assert_int_equal(load_count, 0);
}

static void a_source_that_fails_is_not_remembered(void **state)
{
    (void)state;
    source_err = ERR_IO;
    assert_int_equal(select_host("n1.example.com"), ERR_IO);
    source_err = ERR_OK;
    assert_int_equal(select_host("n1.example.com"), ERR_OK);
}

static void a_broken_certificate_is_an_error_each_time(void **state)
{
    (void)state;
    struct buf good = chain;
    buf_init(&chain, 65536);
    buf_append_str(&chain, "not a certificate");
    assert_int_not_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_not_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_equal(load_count, 2);
    buf_release(&chain);
    chain = good;
}

static void the_least_recently_used_goes_when_there_are_many(void **state)
{
    (void)state;
    char name[64];
    for (unsigned i = 0; i < PROFILES; i++) {
        snprintf(name, sizeof(name), "n%u.example.com", i);
        assert_int_equal(select_host(name), ERR_OK);
    }
    assert_int_equal(select_host("n0.example.com"), ERR_OK);
    assert_int_equal(load_count, PROFILES);
    assert_int_equal(select_host("n99999.example.com"), ERR_OK);

    assert_int_equal(select_host("n0.example.com"), ERR_OK);
    assert_int_equal(load_count, PROFILES + 1);
    assert_int_equal(select_host("n1.example.com"), ERR_OK);
    assert_int_equal(load_count, PROFILES + 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_certificate_is_loaded_once),
        CASE(what_the_zone_says_is_asked_each_time),
        CASE(a_changed_certificate_is_loaded_and_the_old_profile_lives_on),
        CASE(names_that_nobody_has_are_refused),
        CASE(a_source_that_fails_is_not_remembered),
        CASE(a_broken_certificate_is_an_error_each_time),
        CASE(the_least_recently_used_goes_when_there_are_many),
    };
    return cmocka_run_group_tests(cases, make_certificate, drop_certificate);
}
