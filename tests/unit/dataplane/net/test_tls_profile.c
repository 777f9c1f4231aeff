/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tls_profile.c - what a profile accepts, and what it says about the rest.
 */
#include "tls_test.h"

#include "dataplane/net/tls_profile_int.h"

static void make_leaf(struct test_cert *cert)
{
    test_cert_make(cert, &(struct test_cert_wish){
                             .alt_names = "DNS:a.example", .from_days = -1, .to_days = 9});
}

static void certificate_and_key_make_a_profile_with_one_reference(void **state)
{
    struct test_cert cert;
    (void)state;
    make_leaf(&cert);

    struct tls_profile *profile = client_facing(&cert);
    struct tls_profile *same = tls_profile_ref(profile);
    assert_ptr_equal(same, profile);
    tls_profile_unref(&same);
    assert_null(same);
    tls_profile_unref(&profile);
    tls_profile_unref(&profile);

    test_cert_release(&cert);
}

static void chain_with_issuer_is_kept_whole(void **state)
{
    struct test_cert ca, leaf;
    char chain[16384];
    STACK_OF(X509) *extra = NULL;
    struct tls_profile *profile;
    (void)state;
    test_cert_make(&ca, &(struct test_cert_wish){.from_days = -1, .to_days = 9});
    make_leaf(&leaf);
    snprintf(chain, sizeof(chain), "%s\n%s", leaf.chain_pem, ca.chain_pem);

    assert_int_equal(
        tls_profile_new_client_facing(span_str(chain), span_str(leaf.key_pem), &profile, NULL),
        ERR_OK);
    SSL_CTX_get0_chain_certs(profile->ssl_config, &extra);
    assert_int_equal(sk_X509_num(extra), 1);

    tls_profile_unref(&profile);
    test_cert_release(&ca);
    test_cert_release(&leaf);
}

static void expect_invalid(struct span chain, struct span key, const char *path, const char *text)
{
    struct tls_profile *profile = (void *)1;
    struct problem problem = {0};
    assert_int_equal(tls_profile_new_client_facing(chain, key, &profile, &problem), ERR_INVALID);
    assert_null(profile);
    assert_string_equal(problem.path, path);
    if (!strstr(problem.text, text))
        fail_msg("'%s' does not say '%s'", problem.text, text);
}

static void what_is_no_certificate_or_not_its_key_is_refused(void **state)
{
    struct test_cert cert, other;
    char chain[16384];
    (void)state;
    make_leaf(&cert);
    make_leaf(&other);
    snprintf(chain, sizeof(chain),
             "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", cert.chain_pem);
    struct span good_chain = span_str(cert.chain_pem), good_key = span_str(cert.key_pem);

    expect_invalid(SPAN_EMPTY, good_key, "chain", "not a certificate");
    expect_invalid(SPAN("nonsense"), good_key, "chain", "not a certificate");
    expect_invalid(span_str(chain), good_key, "chain", "certificate 2 is damaged");
    expect_invalid(good_chain, SPAN_EMPTY, "key", "not a private key");
    expect_invalid(good_chain, good_chain, "key", "not a private key");
    expect_invalid(good_chain, span_str(other.key_pem), "key", "does not belong");
    test_cert_release(&cert);
    test_cert_release(&other);
}

static void encrypted_key_is_refused_without_asking_for_a_passphrase(void **state)
{
    struct test_cert cert;
    char key_pem[4096];
    char passphrase[] = "secret";
    (void)state;
    make_leaf(&cert);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, cert.key, EVP_aes_128_cbc(), passphrase, 6, NULL, NULL);
    pem_of(bio, key_pem, sizeof(key_pem));

    expect_invalid(span_str(cert.chain_pem), span_str(key_pem), "key", "not a private key");
    test_cert_release(&cert);
}

static void missing_ca_file_is_a_problem_that_names_it(void **state)
{
    struct tls_trust *trust = (void *)1;
    struct problem problem = {0};
    (void)state;

    assert_int_equal(tls_trust_new("/nonexistent/ca.pem", SPAN_EMPTY, &trust, &problem),
                     ERR_INVALID);
    assert_null(trust);
    assert_non_null(strstr(problem.text, "/nonexistent/ca.pem"));

    assert_int_equal(tls_trust_new(NULL, SPAN_EMPTY, &trust, &problem), ERR_OK);
    tls_trust_free(&trust);
    assert_null(trust);
}

static void a_client_certificate_needs_its_own_key(void **state)
{
    const struct test_cert_wish wish = {.alt_names = "DNS:edge.example", .to_days = 1};
    struct test_cert cert, other;
    test_cert_make(&cert, &wish);
    test_cert_make(&other, &wish);
    struct tls_origin_options options = {.chain_pem = span_str(cert.chain_pem),
                                         .key_pem = span_str(cert.key_pem)};
    struct tls_profile *profile = NULL;
    struct problem problem = {0};
    (void)state;

    assert_int_equal(tls_profile_new_origin_facing(&options, &profile, &problem), ERR_OK);
    tls_profile_unref(&profile);

    options.key_pem = span_str(other.key_pem);
    assert_int_equal(tls_profile_new_origin_facing(&options, &profile, &problem), ERR_INVALID);
    assert_null(profile);
    assert_string_equal(problem.path, "key");
    test_cert_release(&cert);
    test_cert_release(&other);
}

static void sessions_are_bounded_and_the_oldest_goes_first(void **state)
{
    struct tls_profile *profile = origin_facing(NULL, true);
    char name[32];
    (void)state;

    for (int i = 0; i <= LIMIT_TLS_SESSIONS; i++) {
        SSL_SESSION *session = SSL_SESSION_new();
        unsigned char id = 1;
        SSL_SESSION_set1_id(session, &id, 1);
        snprintf(name, sizeof(name), "origin-%d.example", i);
        tls_profile_keep_session(profile, span_str(name), session);
    }

    assert_int_equal(profile->sessions.count, LIMIT_TLS_SESSIONS);
    assert_null(tls_profile_session(profile, SPAN("origin-0.example")));
    assert_non_null(tls_profile_session(profile, SPAN("origin-1.example")));
    assert_null(tls_profile_session(profile, SPAN("never.example")));
    tls_profile_unref(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificate_and_key_make_a_profile_with_one_reference),
        cmocka_unit_test(chain_with_issuer_is_kept_whole),
        cmocka_unit_test(what_is_no_certificate_or_not_its_key_is_refused),
        cmocka_unit_test(encrypted_key_is_refused_without_asking_for_a_passphrase),
        cmocka_unit_test(missing_ca_file_is_a_problem_that_names_it),
        cmocka_unit_test(a_client_certificate_needs_its_own_key),
        cmocka_unit_test(sessions_are_bounded_and_the_oldest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
