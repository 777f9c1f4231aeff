/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_test.h - certificates of every kind, made on the spot, and two TLS transports face to face.
 */
#ifndef TRUNKLINE_TESTS_UNIT_DATAPLANE_NET_TLS_TEST_H
#define TRUNKLINE_TESTS_UNIT_DATAPLANE_NET_TLS_TEST_H

#include "net_test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dataplane/net/transport_tls.h"

#define DAY_S 86400

struct test_cert {
    X509 *x509;
    EVP_PKEY *key;
    char chain_pem[8192];
    char key_pem[2048];
};

struct test_cert_wish {
    const char *name;               /* NULL: "test CA" or "leaf" */
    const char *alt_names;          /* "DNS:a.example,IP:127.0.0.1"; NULL: a CA */
    const struct test_cert *issuer; /* NULL: signs itself */
    long from_days, to_days;
};

static UNUSED void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
}

static UNUSED void pem_of(BIO *bio, char *out, size_t out_bytes)
{
    int len = BIO_read(bio, out, (int)out_bytes - 1);
    assert_true(len > 0);
    out[len] = '\0';
    BIO_free(bio);
}

static UNUSED void test_cert_make(struct test_cert *cert, const struct test_cert_wish *wish)
{
    cert->key = EVP_EC_gen("P-256");
    cert->x509 = X509_new();
    X509 *issuer = wish->issuer ? wish->issuer->x509 : cert->x509;
    BIGNUM *serial = BN_new();
    BN_rand(serial, 63, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert->x509));
    BN_free(serial);
    X509_set_version(cert->x509, 2);
    X509_set_pubkey(cert->x509, cert->key);
    X509_gmtime_adj(X509_getm_notBefore(cert->x509), wish->from_days * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert->x509), wish->to_days * DAY_S);
    const char *name = wish->name ? wish->name : wish->alt_names ? "leaf" : "test CA";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert->x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert->x509, X509_get_subject_name(issuer));
    if (wish->alt_names)
        add_extension(cert->x509, issuer, NID_subject_alt_name, wish->alt_names);
    else
        add_extension(cert->x509, issuer, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(cert->x509, wish->issuer ? wish->issuer->key : cert->key, EVP_sha256()) >
                0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert->x509);
    pem_of(bio, cert->chain_pem, sizeof(cert->chain_pem));
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL);
    pem_of(bio, cert->key_pem, sizeof(cert->key_pem));
}

static UNUSED void test_cert_release(struct test_cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
}

static UNUSED struct tls_profile *client_facing(const struct test_cert *cert)
{
    struct tls_profile *profile;
    struct problem problem = {0};
    enum err err = tls_profile_new_client_facing(span_str(cert->chain_pem), span_str(cert->key_pem),
                                                 &profile, &problem);
    if (err != ERR_OK)
        fail_msg("%s", problem.text);
    return profile;
}

/* The CA as a file that lives while the profile is made. */
static UNUSED struct tls_profile *origin_facing(const struct test_cert *ca, bool h2_offered)
{
    struct tls_profile *profile;
    struct problem problem = {0};
    char path[] = "/tmp/test-ca-XXXXXX";
    struct tls_origin_options options = {.h2_offered = h2_offered};
    struct tls_trust *trust = NULL;
    if (ca) {
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_true(write(fd, ca->chain_pem, strlen(ca->chain_pem)) > 0);
        close(fd);
        if (tls_trust_new(path, SPAN_EMPTY, &trust, &problem) != ERR_OK)
            fail_msg("%s", problem.text);
        options.trust = trust;
        unlink(path);
    }
    enum err err = tls_profile_new_origin_facing(&options, &profile, &problem);
    tls_trust_free(&trust);
    if (err != ERR_OK)
        fail_msg("%s", problem.text);
    return profile;
}

/* One side of a TLS connection. */
struct tls_peer {
    struct peer peer; /* first: it is the owner of the events */
    int answers;
    enum err err;
    struct tls_facts facts;
    char sni[256];
    struct problem problem;
    bool close_when_secured;
    bool read_when_secured;
};

static UNUSED void tls_peer_secured(void *owner, enum err err, const struct tls_facts *facts,
                                    const struct problem *problem)
{
    struct tls_peer *side = owner;
    assert_false(side->peer.inside_verb);
    side->answers++;
    side->err = err;
    if (err == ERR_OK) {
        side->facts = *facts;
        assert_true(span_to_cstr(facts->sni, side->sni, sizeof(side->sni)));
    } else {
        side->problem = *problem;
    }
    if (side->close_when_secured)
        transport_close(&side->peer.t);
    else if (side->read_when_secured && err == ERR_OK)
        transport_read_start(side->peer.t);
}

/* Answers the question of the ClientHello: one name is known, "" too if there is no name. */
struct selection {
    const char *known;
    struct tls_profile *profile;
    int asked;
    bool tls_1_2_refused, tls_1_3_refused, h2_refused;
    uint8_t zone;
};

static UNUSED enum err select_known(void *owner, struct span sni, struct tls_terms *out)
{
    struct selection *selection = owner;
    selection->asked++;
    if (selection->known && !span_equal(sni, span_str(selection->known)))
        return ERR_HOST_UNKNOWN;
    *out = (struct tls_terms){
        .profile = tls_profile_ref(selection->profile),
        .scope = {selection->zone},
        .tls_1_2 = !selection->tls_1_2_refused,
        .tls_1_3 = !selection->tls_1_3_refused,
        .h2_offered = !selection->h2_refused,
    };
    return ERR_OK;
}

static UNUSED void tls_peer_accept(struct rig *rig, struct tls_peer *side, int fd,
                                   struct selection *selection)
{
    struct tls_accept accept = {.select = select_known, .select_owner = selection};
    *side = (struct tls_peer){0};
    peer_init(&side->peer);
    struct transport *lower = transport_tcp_accept(&rig->loop, fd, &peer_events, NULL);
    side->peer.t = transport_tls_accept(lower, &accept, &peer_events, side, tls_peer_secured);
}

static UNUSED void tls_peer_connect(struct rig *rig, struct tls_peer *side, int fd,
                                    struct tls_profile *profile, const char *name)
{
    struct tls_connect connect = {.profile = profile, .server_name = span_str(name)};
    *side = (struct tls_peer){0};
    peer_init(&side->peer);
    struct transport *lower = transport_tcp_accept(&rig->loop, fd, &peer_events, NULL);
    side->peer.inside_verb = true;
    side->peer.t = transport_tls_connect(lower, &connect, &peer_events, side, tls_peer_secured);
    side->peer.inside_verb = false;
}

#endif
