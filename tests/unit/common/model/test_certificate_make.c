/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_certificate_make.c - requests are signed for their own key alone, and what was revoked is
 * listed.
 */
#include "common/model/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/unit/common/model/cmocka_all.h"

#define NOW_S 1800000000u
#define DAY_S 86400u

struct scene {
    struct buf ca_chain, ca_key, csr, out;
    struct certificate_authority ca;
    struct hostname name;
};

static int open_scene(void **state)
{
    struct scene *s = test_calloc(1, sizeof(*s));
    struct buf *all[] = {&s->ca_chain, &s->ca_key, &s->csr, &s->out};
    for (size_t i = 0; i < countof(all); i++)
        buf_init(all[i], LIMIT_CERTIFICATE_BYTES);
    assert_int_equal(certificate_make_ca("origin test", NOW_S, &s->ca_chain, &s->ca_key), ERR_OK);
    s->ca = (struct certificate_authority){buf_span(&s->ca_chain), buf_span(&s->ca_key)};
    assert_int_equal(hostname_parse(SPAN("*.example.com"), HOSTNAME_WILDCARD, &s->name, NULL),
                     ERR_OK);
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;
    struct buf *all[] = {&s->ca_chain, &s->ca_key, &s->csr, &s->out};
    for (size_t i = 0; i < countof(all); i++)
        buf_release(all[i]);
    test_free(s);
    return 0;
}

/* A request with `key` inside, signed by `signer`; takes both. */
static void make_request(struct scene *s, EVP_PKEY *key, EVP_PKEY *signer)
{
    char *text = NULL;
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_true(X509_REQ_sign(request, signer ? signer : key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(bio, request), 1);
    long len = BIO_get_mem_data(bio, &text);
    buf_append(&s->csr, span_of(text, (size_t)len));
    BIO_free(bio);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
}

static enum err sign(struct scene *s, uint64_t days, struct problem *problem)
{
    const struct certificate_order order = {
        .csr_pem = buf_span(&s->csr),
        .names = &s->name,
        .name_count = 1,
        .time = {NOW_S, days},
    };
    buf_clear(&s->out);
    return certificate_sign_request(&s->ca, &order, &s->out, problem);
}

static void a_request_is_signed_for_its_key_and_our_names(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    struct certificate_made made;
    make_request(s, EVP_EC_gen("P-256"), NULL);

    assert_int_equal(sign(s, 30, &problem), ERR_OK);

    assert_true(span_starts_with(buf_span(&s->out), SPAN("-----BEGIN CERTIFICATE-----")));
    assert_null(strstr(buf_cstr(&s->out), "PRIVATE"));
    assert_true(certificate_describe(buf_span(&s->out), &made));
    assert_int_equal(made.not_after_s, NOW_S + 30 * DAY_S);
    assert_int_equal(strlen(made.serial), 32);
    BIO *bio = BIO_new_mem_buf(s->out.ptr, (int)s->out.len);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_int_equal(X509_check_host(leaf, "www.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ca(leaf), 0);
    X509_free(leaf);
    BIO_free(bio);
}

static void no_certificate_outlives_its_ca(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    struct certificate_made made, ca;
    make_request(s, EVP_RSA_gen(2048), NULL);
    assert_int_equal(sign(s, 5475, &problem), ERR_OK);
    assert_true(certificate_describe(buf_span(&s->out), &made));
    assert_true(certificate_describe(buf_span(&s->ca_chain), &ca));
    assert_int_equal(made.not_after_s, ca.not_after_s);
}

static void a_request_without_proof_of_its_key_is_refused(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    make_request(s, EVP_EC_gen("P-256"), EVP_EC_gen("P-256"));
    assert_int_equal(sign(s, 30, &problem), ERR_INVALID);
    assert_string_equal(problem.path, "csr");
    assert_int_equal(s->out.len, 0);
}

static void weak_keys_and_other_text_are_refused(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    make_request(s, EVP_RSA_gen(1024), NULL);
    assert_int_equal(sign(s, 30, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "1024"));
    buf_clear(&s->csr);
    buf_append_str(&s->csr, "-----BEGIN CERTIFICATE REQUEST-----\nAA\n");
    assert_int_equal(sign(s, 30, &problem), ERR_INVALID);
    assert_string_equal(problem.path, "csr");
}

static void what_was_revoked_is_listed_behind_the_ca(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    const struct span serials[] = {SPAN("40000000000000000000000000000001"),
                                   SPAN("40000000000000000000000000000002")};
    const struct certificate_revocations what = {serials, 2, NOW_S};

    assert_int_equal(certificate_revoke(&s->ca, &what, &s->out), ERR_OK);

    assert_int_equal(certificate_inspect_ca(buf_span(&s->out), &problem), ERR_OK);
    BIO *bio = BIO_new_mem_buf(s->out.ptr, (int)s->out.len);
    X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    assert_non_null(list);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), 2);
    X509_CRL_free(list);
    BIO_free(bio);
}

static void a_full_list_fits_into_a_record(void **state)
{
    struct scene *s = *state;
    static char texts[LIMIT_ORIGIN_REVOCATIONS][33];
    static struct span serials[LIMIT_ORIGIN_REVOCATIONS];
    for (size_t i = 0; i < LIMIT_ORIGIN_REVOCATIONS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "4%031zx", i);
        serials[i] = span_str(texts[i]);
    }
    const struct certificate_revocations what = {serials, LIMIT_ORIGIN_REVOCATIONS, NOW_S};
    assert_int_equal(certificate_revoke(&s->ca, &what, &s->out), ERR_OK);
    assert_true(s->out.len <= LIMIT_CERTIFICATE_BYTES);
}

static void a_leaf_is_no_ca(void **state)
{
    struct scene *s = *state;
    struct problem problem = {0};
    make_request(s, EVP_EC_gen("P-256"), NULL);
    assert_int_equal(sign(s, 30, &problem), ERR_OK);
    assert_int_equal(certificate_inspect_ca(buf_span(&s->out), &problem), ERR_INVALID);
    assert_int_equal(certificate_inspect_ca(SPAN("nothing"), &problem), ERR_INVALID);
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_request_is_signed_for_its_key_and_our_names),
        SCENE_TEST(no_certificate_outlives_its_ca),
        SCENE_TEST(a_request_without_proof_of_its_key_is_refused),
        SCENE_TEST(weak_keys_and_other_text_are_refused),
        SCENE_TEST(what_was_revoked_is_listed_behind_the_ca),
        SCENE_TEST(a_full_list_fits_into_a_record),
        SCENE_TEST(a_leaf_is_no_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
