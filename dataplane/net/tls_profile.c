/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_profile.c - how we do TLS on one side.
 *
 * Sessions of visitors are resumed by stateless tickets (tls_ticket.h); the session id context is
 * the digest of the certificate, so that a ticket is good only where the same certificate would be
 * shown.
 */
#include "dataplane/net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/mem.h"
#include "common/model/limits.h"
#include "dataplane/net/tls_engine.h"
#include "dataplane/net/tls_profile_int.h"

#define CHAIN_CERTIFICATES_MAX 16

/* Forward secrecy and AEAD for visitors; for origins also what old servers still speak. */
#define CLIENT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define ORIGIN_CIPHERS \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:AESGCM:AES:!aNULL:!PSK:!SRP"
#define TLS13_SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

struct session_entry {
    struct list_node node;
    SSL_SESSION *session;
    struct span key; /* points behind the struct */
};

const char *tls_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason ? reason : "unknown reason";
}

SSL_CTX *tls_config_new(const SSL_METHOD *method)
{
    char groups[] = "X25519:P-256:P-384"; /* the macro casts const away */
    SSL_CTX *config = SSL_CTX_new(method);
    if (!config)
        return NULL;
    SSL_CTX_set_min_proto_version(config, TLS1_2_VERSION);
    SSL_CTX_set_options(config, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(config, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(config, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_ciphersuites(config, TLS13_SUITES) != 1 ||
        SSL_CTX_set1_groups_list(config, groups) != 1) {
        SSL_CTX_free(config);
        return NULL;
    }
    return config;
}

static struct tls_profile *profile_new(const SSL_METHOD *method)
{
    SSL_CTX *config = tls_config_new(method);
    ASSERT(config != NULL);
    struct tls_profile *profile = mem_new(struct tls_profile);
    profile->refs = 1;
    profile->ssl_config = config;
    map_init(&profile->sessions);
    list_init(&profile->session_order);
    return profile;
}

int tls_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                    const unsigned char *in, unsigned int in_len, void *arg)
{
    static const unsigned char wanted[] = "\x02h2\x08http/1.1\x08http/1.0";
    const struct tls_engine *engine = SSL_get_app_data(ssl);
    unsigned skipped = engine->h2_offered ? 0 : 3;
    unsigned char *selected;
    (void)arg;
    if (SSL_select_next_proto(&selected, out_len, wanted + skipped,
                              (unsigned)sizeof(wanted) - 1 - skipped, in,
                              in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- towards visitors */

/* Without it OpenSSL would ask for the passphrase of an encrypted key on the terminal. */
static int refuse_passphrase(char *buf, int buf_bytes, int writing, void *arg)
{
    (void)buf, (void)buf_bytes, (void)writing, (void)arg;
    return -1;
}

static BIO *open_pem(struct span pem)
{
    ASSERT(pem.len <= INT32_MAX);
    BIO *bio = BIO_new_mem_buf(pem.ptr ? (const void *)pem.ptr : "", (int)pem.len);
    ASSERT(bio != NULL);
    return bio;
}

static bool add_chain(SSL_CTX *config, BIO *bio, struct problem *problem)
{
    X509 *next;
    int count = 1;
    while ((next = PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL)) != NULL) {
        if (++count > CHAIN_CERTIFICATES_MAX || SSL_CTX_add0_chain_cert(config, next) != 1) {
            X509_free(next);
            problem_set(problem, ERR_INVALID, "chain", "more than %d certificates",
                        CHAIN_CERTIFICATES_MAX);
            return false;
        }
    }
    /* The end of the text is an error of its own to OpenSSL. */
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end)
        problem_set(problem, ERR_INVALID, "chain", "certificate %d is damaged", count + 1);
    return at_end;
}

static enum err use_chain(SSL_CTX *config, struct span chain_pem, struct problem *problem)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;
    BIO *bio = open_pem(chain_pem);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL);
    enum err err = ERR_OK;
    if (!leaf || SSL_CTX_use_certificate(config, leaf) != 1 ||
        X509_digest(leaf, EVP_sha256(), digest, &digest_len) != 1 ||
        SSL_CTX_set_session_id_context(config, digest, digest_len) != 1)
        err = problem_set(problem, ERR_INVALID, "chain", "not a certificate: %s", tls_reason());
    else if (!add_chain(config, bio, problem))
        err = ERR_INVALID;
    X509_free(leaf);
    BIO_free(bio);
    return err;
}

static enum err use_key(SSL_CTX *config, struct span key_pem, struct problem *problem)
{
    BIO *bio = open_pem(key_pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
    enum err err = ERR_OK;
    if (!key)
        err = problem_set(problem, ERR_INVALID, "key", "not a private key: %s", tls_reason());
    else if (SSL_CTX_use_PrivateKey(config, key) != 1 || SSL_CTX_check_private_key(config) != 1)
        err = problem_set(problem, ERR_INVALID, "key", "does not belong to the certificate: %s",
                          tls_reason());
    EVP_PKEY_free(key);
    BIO_free(bio);
    return err;
}

enum err tls_profile_new_client_facing(struct span chain_pem, struct span key_pem,
                                       struct tls_profile **out, struct problem *problem)
{
    struct tls_profile *profile = profile_new(TLS_server_method());
    ERR_clear_error();
    *out = NULL;
    enum err err = use_chain(profile->ssl_config, chain_pem, problem);
    if (err == ERR_OK)
        err = use_key(profile->ssl_config, key_pem, problem);
    if (err != ERR_OK) {
        tls_profile_unref(&profile);
        return err;
    }
    ASSERT(SSL_CTX_set_cipher_list(profile->ssl_config, CLIENT_CIPHERS) == 1);
    SSL_CTX_set_alpn_select_cb(profile->ssl_config, tls_select_alpn, NULL);
    *out = profile;
    return ERR_OK;
}

bool tls_profile_covers(const struct tls_profile *profile, struct span host)
{
    X509 *leaf = SSL_CTX_get0_certificate(profile->ssl_config);
    return X509_check_host(leaf, (const char *)host.ptr, host.len,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

/* ---- towards origins */

static void drop_session(struct tls_profile *profile, struct session_entry *entry)
{
    map_remove(&profile->sessions, entry->key);
    list_remove(&profile->session_order, &entry->node);
    SSL_SESSION_free(entry->session);
    free(entry);
}

SSL_SESSION *tls_profile_session(struct tls_profile *profile, struct span key)
{
    struct session_entry *entry = map_get(&profile->sessions, key);
    if (!entry)
        return NULL;
    if (SSL_SESSION_is_resumable(entry->session))
        return entry->session;
    drop_session(profile, entry);
    return NULL;
}

void tls_profile_keep_session(struct tls_profile *profile, struct span key, SSL_SESSION *session)
{
    struct session_entry *entry = map_get(&profile->sessions, key);
    if (entry) {
        SSL_SESSION_free(entry->session);
        list_remove(&profile->session_order, &entry->node);
    } else {
        if (profile->sessions.count >= LIMIT_TLS_SESSIONS)
            drop_session(profile, container_of(list_first(&profile->session_order),
                                               struct session_entry, node));
        entry = mem_calloc(1, sizeof(*entry) + key.len + 1);
        uint8_t *bytes = (uint8_t *)(entry + 1);
        if (key.len > 0)
            memcpy(bytes, key.ptr, key.len);
        entry->key = span_of(bytes, key.len);
        map_put(&profile->sessions, entry->key, entry);
    }
    entry->session = session;
    list_push_back(&profile->session_order, &entry->node);
}

/* Who the edge is to an origin that asks. */
static enum err use_client_certificate(SSL_CTX *config, const struct tls_origin_options *options,
                                       struct problem *problem)
{
    if (options->chain_pem.len == 0)
        return ERR_OK;
    TRY(use_chain(config, options->chain_pem, problem));
    return use_key(config, options->key_pem, problem);
}

enum err tls_profile_new_origin_facing(const struct tls_origin_options *options,
                                       struct tls_profile **out, struct problem *problem)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    unsigned skipped = options->h2_offered ? 0 : 3;
    struct tls_profile *profile = profile_new(TLS_client_method());
    SSL_CTX *config = profile->ssl_config;
    ERR_clear_error();
    *out = NULL;
    profile->verified = options->trust != NULL;
    profile->h2_offered = options->h2_offered;
    ASSERT(SSL_CTX_set_cipher_list(config, ORIGIN_CIPHERS) == 1);
    ASSERT(SSL_CTX_set_alpn_protos(config, protocols + skipped,
                                   (unsigned)sizeof(protocols) - 1 - skipped) == 0);
    SSL_CTX_set_session_cache_mode(config, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(config, tls_engine_new_session);
    SSL_CTX_set_verify(config, profile->verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (profile->verified)
        SSL_CTX_set1_cert_store(config, options->trust->store);
    enum err err = use_client_certificate(config, options, problem);
    if (err != ERR_OK)
        tls_profile_unref(&profile);
    *out = profile;
    return err;
}

/* ---- references */

struct tls_profile *tls_profile_ref(struct tls_profile *profile)
{
    ASSERT(profile->refs > 0);
    profile->refs++;
    return profile;
}

void tls_profile_unref(struct tls_profile **slot)
{
    struct tls_profile *profile = *slot;
    *slot = NULL;
    if (!profile || --profile->refs > 0)
        return;
    LIST_EACH(&profile->session_order, node)
    drop_session(profile, container_of(node, struct session_entry, node));
    map_release(&profile->sessions);
    SSL_CTX_free(profile->ssl_config);
    free(profile);
}
