/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_certificate.c - the local CA signs, inspection describes, and bad material is refused.
 */
#include "common/model/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/mem.h"

#include "tests/unit/common/model/cmocka_all.h"

#define NOW_S 1800000000u
#define DAY_S 86400u

/* PEM of a CA and of a leaf for two names. */
struct material {
    struct buf ca_chain, ca_key, chain, key;
    struct hostname *names; /* where inspection puts what it finds */
};

static struct hostname name_of(const char *text)
{
    struct hostname name;
    assert_int_equal(hostname_parse(span_str(text), HOSTNAME_WILDCARD, &name, NULL), ERR_OK);
    return name;
}

static enum err sign(struct material *m, const struct hostname *names, size_t name_count)
{
    const struct certificate_authority ca = {buf_span(&m->ca_chain), buf_span(&m->ca_key)};
    buf_clear(&m->chain);
    buf_clear(&m->key);
    return certificate_sign(&ca, names, name_count, NOW_S, &m->chain, &m->key);
}

static int make_material(void **state)
{
    struct material *m = mem_new(struct material);
    struct buf *all[] = {&m->ca_chain, &m->ca_key, &m->chain, &m->key};
    for (size_t i = 0; i < countof(all); i++)
        buf_init(all[i], LIMIT_CERTIFICATE_BYTES);
    m->names = mem_calloc(CERTIFICATE_NAMES_MAX, sizeof(*m->names));
    assert_int_equal(certificate_make_ca("Trunkline test", NOW_S, &m->ca_chain, &m->ca_key),
                     ERR_OK);
    const struct hostname names[] = {name_of("example.com"), name_of("*.example.com")};
    assert_int_equal(sign(m, names, 2), ERR_OK);
    *state = m;
    return 0;
}

static int free_material(void **state)
{
    struct material *m = *state;
    struct buf *all[] = {&m->ca_chain, &m->ca_key, &m->chain, &m->key};
    for (size_t i = 0; i < countof(all); i++)
        buf_release(all[i]);
    mem_free(&m->names);
    mem_free(&m);
    return 0;
}

static enum err inspect(struct material *m, uint64_t now_s, struct certificate_facts *facts,
                        struct problem *problem)
{
    enum err err = certificate_inspect(buf_span(&m->chain), buf_span(&m->key), now_s, m->names,
                                       facts, problem);
    assert_int_equal(ERR_peek_error(), 0);
    return err;
}

static X509 *read_cert(struct span pem, int index)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    for (int i = 0; i < index && cert != NULL; i++) {
        X509_free(cert);
        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static void a_signed_certificate_is_described(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem = {.text = ""};

    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_OK);
    assert_int_equal(facts.name_count, 2);
    assert_string_equal(facts.names[0].text, "example.com");
    assert_string_equal(facts.names[1].text, "*.example.com");
    assert_string_equal(facts.issuer, "CN=Trunkline test");
    assert_string_equal(facts.signature, "ecdsa-with-SHA256");
    assert_int_equal(facts.not_before_s, NOW_S - 3600);
    assert_int_equal(facts.not_after_s, NOW_S + 825 * DAY_S);
    assert_int_equal(strlen(facts.serial), 32);
    assert_int_equal(strlen(facts.fingerprint_sha256), 64);
}

static void names_cover_one_label(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_OK);

    assert_true(certificate_covers(&facts, SPAN("example.com")));
    assert_true(certificate_covers(&facts, SPAN("www.example.com")));
    assert_false(certificate_covers(&facts, SPAN("a.www.example.com")));
    assert_false(certificate_covers(&facts, SPAN("badexample.com")));
    assert_false(certificate_covers(&facts, SPAN("com")));
    assert_false(certificate_covers(&facts, SPAN_EMPTY));
}

static bool chain_verifies(struct material *m, const char *host)
{
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_CTX *run = X509_STORE_CTX_new();
    X509 *leaf = read_cert(buf_span(&m->chain), 0), *ca = read_cert(buf_span(&m->ca_chain), 0);
    X509_STORE_add_cert(trusted, ca);
    X509_STORE_CTX_init(run, trusted, leaf, NULL);
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(run);
    X509_VERIFY_PARAM_set_time(rules, (time_t)NOW_S);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set1_host(rules, host, 0);
    bool verified = X509_verify_cert(run) == 1;
    X509_STORE_CTX_free(run);
    X509_STORE_free(trusted);
    X509_free(leaf);
    X509_free(ca);
    ERR_clear_error();
    return verified;
}

static void the_chain_verifies_strictly_for_its_names_only(void **state)
{
    struct material *m = *state;
    assert_true(chain_verifies(m, "example.com"));
    assert_true(chain_verifies(m, "www.example.com"));
    assert_false(chain_verifies(m, "example.org"));
}

static void a_leaf_is_a_server_and_no_ca(void **state)
{
    struct material *m = *state;
    X509 *leaf = read_cert(buf_span(&m->chain), 0), *second = read_cert(buf_span(&m->chain), 1);
    X509 *ca = read_cert(buf_span(&m->ca_chain), 0);

    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_non_null(X509_get0_subject_key_id(leaf));
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(ca)), 0);
    assert_int_equal(X509_cmp(second, ca), 0);
    X509_free(leaf);
    X509_free(second);
    X509_free(ca);
}

static void serials_differ(void **state)
{
    struct material *m = *state;
    struct certificate_facts first, second;
    const struct hostname name = name_of("example.com");
    assert_int_equal(inspect(m, NOW_S, &first, NULL), ERR_OK);
    assert_int_equal(sign(m, &name, 1), ERR_OK);
    assert_int_equal(inspect(m, NOW_S, &second, NULL), ERR_OK);
    assert_string_not_equal(first.serial, second.serial);
    assert_string_not_equal(first.fingerprint_sha256, second.fingerprint_sha256);
}

static void a_name_too_long_for_a_subject_is_signed_without(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    const struct hostname name = name_of("a-label-that-is-quite-long.another-label-that-is-long."
                                         "third-label.example.com");
    assert_true(name.len > 64);
    assert_int_equal(sign(m, &name, 1), ERR_OK);
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_OK);
    assert_string_equal(facts.names[0].text, name.text);
    assert_true(chain_verifies(m, name.text));
}

static void the_number_of_names_is_bounded(void **state)
{
    struct material *m = *state;
    struct hostname *names = mem_calloc(CERTIFICATE_NAMES_MAX + 1, sizeof(*names));
    struct certificate_facts facts;
    for (size_t i = 0; i <= CERTIFICATE_NAMES_MAX; i++) {
        char text[32];
        snprintf(text, sizeof(text), "n%zu.example.com", i);
        names[i] = name_of(text);
    }
    assert_int_equal(sign(m, names, 0), ERR_INVALID);
    assert_int_equal(sign(m, names, CERTIFICATE_NAMES_MAX + 1), ERR_INVALID);
    assert_int_equal(sign(m, names, CERTIFICATE_NAMES_MAX), ERR_OK);
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_OK);
    assert_int_equal(facts.name_count, CERTIFICATE_NAMES_MAX);
    mem_free(&names);
}

static void signing_needs_a_ca_with_its_key(void **state)
{
    struct material *m = *state;
    const struct hostname name = name_of("example.com");
    const struct certificate_authority swapped = {buf_span(&m->ca_chain), buf_span(&m->key)};
    const struct certificate_authority garbage = {SPAN("x"), SPAN("y")};
    struct buf chain, key;
    buf_init(&chain, 65536);
    buf_init(&key, 65536);
    assert_int_equal(certificate_sign(&swapped, &name, 1, NOW_S, &chain, &key), ERR_INVALID);
    assert_int_equal(certificate_sign(&garbage, &name, 1, NOW_S, &chain, &key), ERR_INVALID);
    assert_int_equal(certificate_make_ca("", NOW_S, &chain, &key), ERR_INVALID);
    assert_int_equal(chain.len + key.len, 0);
    assert_int_equal(ERR_peek_error(), 0);
    buf_release(&chain);
    buf_release(&key);
}

static void a_leaf_does_not_outlive_its_ca(void **state)
{
    struct material *m = *state;
    const struct hostname name = name_of("example.com");
    const struct certificate_authority ca = {buf_span(&m->ca_chain), buf_span(&m->ca_key)};
    uint64_t late_s = NOW_S + 3600u * DAY_S;
    struct certificate_facts facts;
    buf_clear(&m->chain);
    buf_clear(&m->key);
    assert_int_equal(certificate_sign(&ca, &name, 1, late_s, &m->chain, &m->key), ERR_OK);
    assert_int_equal(inspect(m, late_s, &facts, NULL), ERR_OK);
    assert_int_equal(facts.not_after_s, NOW_S + 3652u * DAY_S);
}

static void an_expired_certificate_is_refused(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem;
    assert_int_equal(inspect(m, NOW_S + 825 * DAY_S, &facts, NULL), ERR_OK);
    assert_int_equal(inspect(m, NOW_S + 825 * DAY_S + 1, &facts, &problem), ERR_INVALID);
    assert_string_equal(problem.path, "certificate");
    assert_non_null(strstr(problem.text, "expired on 2029-"));
}

static void a_foreign_or_broken_key_is_refused(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem;
    struct span chain = buf_span(&m->chain);

    assert_int_equal(
        certificate_inspect(chain, buf_span(&m->ca_key), NOW_S, m->names, &facts, &problem),
        ERR_INVALID);
    assert_string_equal(problem.path, "private_key");
    assert_non_null(strstr(problem.text, "does not belong"));
    assert_int_equal(certificate_inspect(chain, chain, NOW_S, m->names, &facts, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.path, "private_key");
    assert_int_equal(certificate_inspect(chain, SPAN_EMPTY, NOW_S, m->names, &facts, NULL),
                     ERR_INVALID);
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_key_with_a_pass_phrase_is_refused_without_asking(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem;
    BIO *in = BIO_new_mem_buf(m->key.ptr, (int)m->key.len), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char phrase[] = "secret", *text = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), phrase,
                                                   (int)strlen(phrase), NULL, NULL),
                     1);
    long len = BIO_get_mem_data(out, &text);

    assert_int_equal(certificate_inspect(buf_span(&m->chain), span_of(text, (size_t)len), NOW_S,
                                         m->names, &facts, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.path, "private_key");
    BIO_free(in);
    BIO_free(out);
    EVP_PKEY_free(key);
}

static void a_chain_is_read_to_its_end(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem;

    assert_int_equal(
        certificate_inspect(SPAN("garbage"), buf_span(&m->key), NOW_S, m->names, &facts, &problem),
        ERR_INVALID);
    assert_string_equal(problem.path, "certificate");
    assert_non_null(strstr(problem.text, "no start line"));
    buf_append_str(&m->chain, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_string_equal(problem.path, "certificate");
}

static void every_cut_is_refused(void **state)
{
    struct material *m = *state;
    const struct hostname name = name_of("example.com");
    struct certificate_facts facts;
    assert_int_equal(sign(m, &name, 1), ERR_OK);
    struct span chain = buf_span(&m->chain), key = buf_span(&m->key);
    size_t leaf_end = chain.len / 3; /* inside the first certificate */
    for (size_t i = 0; i < leaf_end; i += 7)
        assert_int_equal(
            certificate_inspect(span_first(chain, i), key, NOW_S, m->names, &facts, NULL),
            ERR_INVALID);
    for (size_t i = 0; i + 30 < key.len; i += 5)
        assert_int_equal(
            certificate_inspect(chain, span_first(key, i), NOW_S, m->names, &facts, NULL),
            ERR_INVALID);
}

static void too_long_material_is_refused(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem;
    char *spaces = mem_alloc(LIMIT_CERTIFICATE_BYTES + 1);
    memset(spaces, ' ', LIMIT_CERTIFICATE_BYTES + 1);
    assert_int_equal(certificate_inspect(span_of(spaces, LIMIT_CERTIFICATE_BYTES + 1),
                                         buf_span(&m->key), NOW_S, m->names, &facts, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.path, "certificate");
    assert_int_equal(certificate_inspect(buf_span(&m->chain),
                                         span_of(spaces, LIMIT_PRIVATE_KEY_BYTES + 1), NOW_S,
                                         m->names, &facts, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.path, "private_key");
    mem_free(&spaces);
}

/* A certificate of the visitor's making: this key, this digest, signed by itself or by the CA. */
static void make_foreign(struct material *m, EVP_PKEY *key, const EVP_MD *md, bool by_ca,
                         const char *names)
{
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 5);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"x", -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)(by_ca ? "Trunkline test" : "x"), -1, -1, 0);
    ASN1_TIME_set(X509_getm_notBefore(cert), NOW_S - 10);
    ASN1_TIME_set(X509_getm_notAfter(cert), NOW_S + 1000);
    X509_set_pubkey(cert, key);
    if (names != NULL) {
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, names);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    BIO *ca_bio = BIO_new_mem_buf(m->ca_key.ptr, (int)m->ca_key.len);
    EVP_PKEY *ca_key = PEM_read_bio_PrivateKey(ca_bio, NULL, NULL, NULL);
    X509_sign(cert, by_ca ? ca_key : key, md);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    PEM_write_bio_X509(bio, cert);
    buf_clear(&m->chain);
    long chain_bytes = BIO_get_mem_data(bio, &text);
    buf_append(&m->chain, span_of(text, (size_t)chain_bytes));
    (void)BIO_reset(bio);
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &text);
    buf_clear(&m->key);
    buf_append(&m->key, span_of(text, (size_t)len));
    BIO_free(bio);
    BIO_free(ca_bio);
    EVP_PKEY_free(ca_key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void weak_keys_and_curves_are_refused(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem = {.text = ""};

    make_foreign(m, EVP_RSA_gen(1024), EVP_sha256(), false, "DNS:example.com");
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "1024 bits"));
    make_foreign(m, EVP_EC_gen("secp256k1"), EVP_sha256(), false, "DNS:example.com");
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "secp256k1"));
    make_foreign(m, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, false, "DNS:example.com");
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "neither RSA nor EC"));
}

static void strong_keys_are_accepted(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    make_foreign(m, EVP_RSA_gen(2048), EVP_sha256(), false, "DNS:Example.com,IP:8.8.8.8");
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_OK);
    assert_string_equal(facts.signature, "sha256WithRSAEncryption");
    assert_int_equal(facts.name_count, 1);
    assert_string_equal(facts.names[0].text, "example.com");
    make_foreign(m, EVP_EC_gen("P-384"), EVP_sha384(), false, "DNS:example.com");
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_OK);
}

static void sha1_and_nameless_certificates_are_refused(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem = {.text = ""};

    make_foreign(m, EVP_EC_gen("P-256"), EVP_sha1(), true, "DNS:example.com");
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "SHA1"));
    make_foreign(m, EVP_EC_gen("P-256"), EVP_sha256(), false, NULL);
    assert_int_equal(inspect(m, NOW_S, &facts, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "names no hostname"));
    make_foreign(m, EVP_EC_gen("P-256"), EVP_sha256(), false, "IP:8.8.8.8,DNS:*.*.example");
    assert_int_equal(inspect(m, NOW_S, &facts, NULL), ERR_INVALID);
}

#define WITH_MATERIAL(test) cmocka_unit_test_setup_teardown(test, make_material, free_material)

static void a_client_certificate_needs_no_names_but_the_right_use(void **state)
{
    struct material *m = *state;
    struct certificate_facts facts;
    struct problem problem = {0};
    struct span ca = buf_span(&m->ca_chain), ca_key = buf_span(&m->ca_key);

    assert_int_equal(certificate_inspect(ca, ca_key, NOW_S, m->names, &facts, &problem),
                     ERR_INVALID);
    assert_int_equal(certificate_inspect_client(ca, ca_key, NOW_S, m->names, &facts, &problem),
                     ERR_OK);
    assert_int_equal(facts.name_count, 0);

    /* For servers only, and expired. */
    assert_int_equal(certificate_inspect_client(buf_span(&m->chain), buf_span(&m->key), NOW_S,
                                                m->names, &facts, &problem),
                     ERR_INVALID);
    assert_non_null(strstr(problem.text, "clientAuth"));
    assert_int_equal(certificate_inspect_client(ca, ca_key, NOW_S + 4000 * (uint64_t)DAY_S,
                                                m->names, &facts, &problem),
                     ERR_INVALID);
    assert_non_null(strstr(problem.text, "expired"));
    assert_int_equal(certificate_inspect_received(buf_span(&m->chain), buf_span(&m->key), m->names,
                                                  &facts, &problem),
                     ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MATERIAL(a_signed_certificate_is_described),
        WITH_MATERIAL(names_cover_one_label),
        WITH_MATERIAL(the_chain_verifies_strictly_for_its_names_only),
        WITH_MATERIAL(a_leaf_is_a_server_and_no_ca),
        WITH_MATERIAL(serials_differ),
        WITH_MATERIAL(a_name_too_long_for_a_subject_is_signed_without),
        WITH_MATERIAL(the_number_of_names_is_bounded),
        WITH_MATERIAL(signing_needs_a_ca_with_its_key),
        WITH_MATERIAL(a_leaf_does_not_outlive_its_ca),
        WITH_MATERIAL(an_expired_certificate_is_refused),
        WITH_MATERIAL(a_foreign_or_broken_key_is_refused),
        WITH_MATERIAL(a_key_with_a_pass_phrase_is_refused_without_asking),
        WITH_MATERIAL(a_chain_is_read_to_its_end),
        WITH_MATERIAL(every_cut_is_refused),
        WITH_MATERIAL(too_long_material_is_refused),
        WITH_MATERIAL(weak_keys_and_curves_are_refused),
        WITH_MATERIAL(strong_keys_are_accepted),
        WITH_MATERIAL(sha1_and_nameless_certificates_are_refused),
        WITH_MATERIAL(a_client_certificate_needs_no_names_but_the_right_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
