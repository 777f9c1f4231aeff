/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_profile_int.h - the inside of a profile, for tls_engine and tls_profile alone.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TLS_PROFILE_INT_H
#define TRUNKLINE_DATAPLANE_NET_TLS_PROFILE_INT_H

#include <openssl/ssl.h>

#include "common/base/list.h"
#include "common/base/map.h"
#include "dataplane/net/tls_profile.h"
#include "dataplane/net/tls_trust.h"

struct tls_profile {
    unsigned refs;
    SSL_CTX *ssl_config;
    bool verified;   /* towards origins */
    bool h2_offered; /* towards origins */
    /* Towards origins: one session per key (tls_connect.session_key), the least recently stored one
     * goes first. */
    struct map sessions;
    struct list session_order;
};

struct tls_trust {
    X509_STORE *store;
};

/* What every SSL_CTX of ours has in common; NULL when OpenSSL has no memory or no algorithms. */
SSL_CTX *tls_config_new(const SSL_METHOD *method);
/* Picks h2, where the terms offer it, or http/1.1; a list with neither gets the alert
 * no_application_protocol. */
int tls_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                    const unsigned char *in, unsigned int in_len, void *arg);

/* The session to resume under this key, or NULL; lent. */
SSL_SESSION *tls_profile_session(struct tls_profile *profile, struct span key);
/* Takes session. */
void tls_profile_keep_session(struct tls_profile *profile, struct span key, SSL_SESSION *session);

/* "reason of the library" of the oldest error in OpenSSL's queue, which is emptied. */
const char *tls_reason(void);

#endif
