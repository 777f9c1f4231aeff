/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_ticket.c - OpenSSL's three questions about a ticket: with which key, what else goes into it,
 * is it taken.
 */
#include "dataplane/net/tls_ticket.h"

#include <openssl/core_names.h>

#include "common/base/mem.h"
#include "common/base/random.h"
#include "dataplane/net/loop.h"
#include "dataplane/net/tls_engine.h"

/* A key: its public name, then AES-256, then HMAC-SHA256. */
#define NAME_BYTES 16
#define AES_BYTES 32
#define MAC_BYTES 32
#define IV_BYTES 16
#define CURRENT 1
_Static_assert(NAME_BYTES + AES_BYTES + MAC_BYTES == LIMIT_TICKET_KEY_BYTES, "the parts of a key");

#define STAMP_BYTES_MAX (TLS_SCOPE_BYTES + LIMIT_HOSTNAME_BYTES)

/* ---- with which key */

static size_t find_key(const struct tls_tickets *tickets, const uint8_t *name)
{
    size_t at = 0;
    while (at < tickets->count && memcmp(tickets->keys[at], name, NAME_BYTES) != 0)
        at++;
    return at;
}

/* 1: go on; 2: go on, and the visitor gets a newer ticket; 0: none of ours. */
static int use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int sealing)
{
    struct tls_tickets *tickets = &((struct tls_engine *)SSL_get_app_data(ssl))->shared->tickets;
    size_t at = sealing ? CURRENT : find_key(tickets, name);
    if (at >= tickets->count)
        return 0;
    uint8_t *key = tickets->keys[at];
    char digest[] = "sha256"; /* the macro casts const away */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key + NAME_BYTES + AES_BYTES,
                                          MAC_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (sealing) {
        memcpy(name, key, NAME_BYTES);
        random_bytes(iv, IV_BYTES);
    }
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + NAME_BYTES, iv, sealing) != 1 ||
        EVP_MAC_CTX_set_params(mac, params) != 1)
        return -1;
    return at == CURRENT ? 1 : 2;
}

/* ---- whose it is */

static size_t write_stamp(const struct tls_engine *engine, uint8_t out[STAMP_BYTES_MAX])
{
    size_t name_len = strlen(engine->name);
    ASSERT(name_len <= LIMIT_HOSTNAME_BYTES);
    memcpy(out, engine->scope, TLS_SCOPE_BYTES);
    memcpy(out + TLS_SCOPE_BYTES, engine->name, name_len);
    return TLS_SCOPE_BYTES + name_len;
}

static int stamp_ticket(SSL *ssl, void *arg)
{
    uint8_t stamp[STAMP_BYTES_MAX];
    size_t len = write_stamp(SSL_get_app_data(ssl), stamp);
    (void)arg;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), stamp, len);
}

static bool is_own(SSL *ssl, SSL_SESSION *session)
{
    uint8_t stamp[STAMP_BYTES_MAX];
    size_t len = write_stamp(SSL_get_app_data(ssl), stamp);
    void *carried = NULL;
    size_t carried_len = 0;
    return SSL_SESSION_get0_ticket_appdata(session, &carried, &carried_len) == 1 &&
           carried_len == len && memcmp(carried, stamp, len) == 0 &&
           SSL_SESSION_get_protocol_version(session) == SSL_version(ssl);
}

static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                      size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    const struct tls_engine *engine = SSL_get_app_data(ssl);
    (void)name, (void)name_len, (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!is_own(ssl, session)) {
        counters_add(engine->loop->counters, COUNTER_CLIENT_TICKETS_FOREIGN, 1);
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    /* RFC 8446 C.4: a ticket is for one connection, so that nobody can tell that two are related.
     */
    bool fresh = status == SSL_TICKET_SUCCESS && SSL_version(ssl) != TLS1_3_VERSION;
    return fresh ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- the keys of a loop */

void tls_tickets_attach(SSL_CTX *accepting)
{
    SSL_CTX_set_num_tickets(accepting, 1);
    ASSERT(SSL_CTX_set_max_early_data(accepting, 0) == 1);
    ASSERT(SSL_CTX_set_tlsext_ticket_key_evp_cb(accepting, use_key) == 1);
    ASSERT(SSL_CTX_set_session_ticket_cb(accepting, stamp_ticket, judge_ticket, NULL) == 1);
}

void tls_tickets_use(struct loop *loop, struct span keys, uint32_t lifetime_s)
{
    struct tls_shared *shared = tls_shared_of(loop);
    size_t count = keys.len / LIMIT_TICKET_KEY_BYTES;
    ASSERT(count > CURRENT && count <= LIMIT_TICKET_KEYS &&
           keys.len == count * LIMIT_TICKET_KEY_BYTES);
    mem_wipe(shared->tickets.keys, sizeof(shared->tickets.keys));
    memcpy(shared->tickets.keys, keys.ptr, keys.len);
    shared->tickets.count = count;
    (void)SSL_CTX_set_timeout(shared->accepting, (long)lifetime_s);
}
