/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_origin_tls.c - one profile for each way to do TLS, made once and given up in order.
 */
#include "dataplane/origin/origin_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/model/certificate.h"

struct scene {
    struct origin_profiles tls;
    struct buf ca_chain, ca_key, chain, key;
    unsigned loads, ca_loads;
    enum err load_err, ca_err;
};

static enum err load(void *owner, const struct id *id, struct buf *chain_out, struct buf *key_out)
{
    struct scene *s = owner;
    (void)id;
    s->loads++;
    buf_append(chain_out, buf_span(&s->chain));
    buf_append(key_out, buf_span(&s->key));
    return s->load_err;
}

static enum err load_ca(void *owner, struct buf *out)
{
    struct scene *s = owner;
    s->ca_loads++;
    buf_append(out, s->ca_err == ERR_INVALID ? SPAN("nonsense") : buf_span(&s->ca_chain));
    return s->ca_err == ERR_INVALID ? ERR_OK : s->ca_err;
}

static int open_scene(void **state)
{
    struct scene *s = test_calloc(1, sizeof(*s));
    struct buf *all[] = {&s->ca_chain, &s->ca_key, &s->chain, &s->key};
    struct hostname name;
    for (size_t i = 0; i < countof(all); i++)
        buf_init(all[i], LIMIT_CERTIFICATE_BYTES);
    assert_int_equal(hostname_parse(SPAN("edge.example"), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    assert_int_equal(certificate_make_ca("test", 1800000000, &s->ca_chain, &s->ca_key), ERR_OK);
    const struct certificate_authority ca = {buf_span(&s->ca_chain), buf_span(&s->ca_key)};
    assert_int_equal(certificate_sign(&ca, &name, 1, 1800000000, &s->chain, &s->key), ERR_OK);
    const struct origin_tls_source source = {load, load_ca, s};
    origin_tls_init(&s->tls, NULL, &source);
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;
    struct buf *all[] = {&s->ca_chain, &s->ca_key, &s->chain, &s->key};
    origin_tls_release(&s->tls);
    for (size_t i = 0; i < countof(all); i++)
        buf_release(all[i]);
    test_free(s);
    return 0;
}

static struct origin_tls_want want_of(unsigned number)
{
    struct origin_tls_want want = {.h2_offered = true};
    snprintf(want.client_certificate.text, sizeof(want.client_certificate.text), "%032x", number);
    return want;
}

static struct tls_profile *profile_of(struct scene *s, const struct origin_tls_want *want)
{
    struct problem problem = {0};
    struct tls_profile *profile = origin_tls_profile(&s->tls, want, &problem);
    if (!profile)
        fail_msg("%s: %s", problem.path, problem.text);
    return profile;
}

static void one_profile_for_each_way(void **state)
{
    struct scene *s = *state;
    const struct origin_tls_want plain = {.h2_offered = true}, h1 = {.h2_offered = false};
    const struct origin_tls_want one = want_of(1), two = want_of(2);

    struct tls_profile *first = profile_of(s, &one);

    assert_ptr_equal(profile_of(s, &one), first);
    assert_ptr_not_equal(profile_of(s, &two), first);
    assert_ptr_not_equal(profile_of(s, &plain), profile_of(s, &h1));
    assert_int_equal(s->loads, 2);
    assert_int_equal(s->ca_loads, 0);
}

static void the_least_recently_used_goes(void **state)
{
    struct scene *s = *state;
    const struct origin_tls_want kept = want_of(0), gone = want_of(1);
    (void)profile_of(s, &kept);
    for (unsigned i = 1; i <= LIMIT_ORIGIN_TLS_PROFILES; i++) {
        const struct origin_tls_want want = want_of(i);
        (void)profile_of(s, &want);
        (void)profile_of(s, &kept);
    }
    unsigned loads = s->loads;

    assert_int_equal(s->tls.used.count, LIMIT_ORIGIN_TLS_PROFILES);
    (void)profile_of(s, &kept);
    assert_int_equal(s->loads, loads);
    (void)profile_of(s, &gone);
    assert_int_equal(s->loads, loads + 1);
}

static void trust_is_loaded_once_and_anew_when_it_was_forgotten(void **state)
{
    struct scene *s = *state;
    const struct origin_tls_want h2 = {.verified = true, .h2_offered = true};
    const struct origin_tls_want h1 = {.verified = true}, any = {.verified = false};
    struct tls_profile *unverified = profile_of(s, &any);
    struct tls_profile *before = tls_profile_ref(profile_of(s, &h2));
    (void)profile_of(s, &h1);
    assert_int_equal(s->ca_loads, 1);

    origin_tls_forget_trust(&s->tls);

    assert_ptr_not_equal(profile_of(s, &h2), before);
    assert_ptr_equal(profile_of(s, &any), unverified);
    assert_int_equal(s->ca_loads, 2);
    tls_profile_unref(&before);
}

static void without_an_origin_ca_the_others_are_trusted(void **state)
{
    struct scene *s = *state;
    const struct origin_tls_want want = {.verified = true};
    s->ca_err = ERR_NOT_FOUND;
    assert_non_null(profile_of(s, &want));
    origin_tls_forget_trust(&s->tls);
    s->ca_err = ERR_INVALID;
    assert_non_null(profile_of(s, &want));
}

static void a_certificate_that_cannot_be_read_is_told_and_not_remembered(void **state)
{
    struct scene *s = *state;
    const struct origin_tls_want want = want_of(1);
    struct problem problem = {0};
    s->load_err = ERR_NOT_FOUND;

    assert_null(origin_tls_profile(&s->tls, &want, &problem));
    assert_non_null(strstr(problem.text, "client certificate"));

    s->load_err = ERR_OK;
    assert_non_null(origin_tls_profile(&s->tls, &want, &problem));
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(one_profile_for_each_way),
        SCENE_TEST(the_least_recently_used_goes),
        SCENE_TEST(trust_is_loaded_once_and_anew_when_it_was_forgotten),
        SCENE_TEST(without_an_origin_ca_the_others_are_trusted),
        SCENE_TEST(a_certificate_that_cannot_be_read_is_told_and_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
