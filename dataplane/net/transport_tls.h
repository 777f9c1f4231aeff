/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_tls.h - a transport that encrypts over another one.
 *
 * OpenSSL sees memory only (tls_engine.h): one large read feeds many records, and what many streams
 * wrote in one loop turn leaves as full 16 KB records in one gathered write.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TRANSPORT_TLS_H
#define TRUNKLINE_DATAPLANE_NET_TRANSPORT_TLS_H

#include "dataplane/net/tls_profile.h"
#include "dataplane/net/transport.h"

/* What the handshake found.  Spans are lent until the callback returns. */
struct tls_facts {
    enum tls_alpn alpn;
    const char *version; /* "TLSv1.3" */
    struct span sni;     /* lower case; empty when none was sent */
    bool resumed;
    struct tls_profile *profile;
};

/* Exactly once per open, from the loop, unless the transport was closed first.  err: ERR_OK;
 * ERR_ORIGIN_CERTIFICATE (verification; the problem says which rule), ERR_ORIGIN_CLIENT_CERTIFICATE
 * (the origin wants another one, or one at all), ERR_ORIGIN_TLS (anything else towards an origin),
 * ERR_PROTOCOL (a visitor's bad handshake), ERR_HOST_UNKNOWN (alert sent), ERR_CLOSED.  After an
 * error the opener closes the transport. */
typedef void tls_secured_fn(void *owner, enum err err, const struct tls_facts *facts,
                            const struct problem *problem);

struct tls_accept {
    tls_select_fn *select;
    void *select_owner;
};

/* Takes lower.  events and owner get bytes after tls_secured_fn said ERR_OK and
 * transport_read_start was called. */
struct transport *transport_tls_accept(struct transport *lower, const struct tls_accept *accept,
                                       const struct transport_events *events, void *owner,
                                       tls_secured_fn *secured);

/* Takes lower, borrows profile (keeps a reference).  server_name is sent as SNI and, with a
 * verifying profile, must be covered by the certificate.  A session is resumed only by who gives
 * the same session_key: it names the zone, the address and everything else that changes trust. */
struct tls_connect {
    struct tls_profile *profile;
    struct span server_name;
    struct span session_key; /* empty: server_name */
};
struct transport *transport_tls_connect(struct transport *lower, const struct tls_connect *connect,
                                        const struct transport_events *events, void *owner,
                                        tls_secured_fn *secured);

#endif
