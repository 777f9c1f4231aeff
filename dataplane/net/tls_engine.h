/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_engine.h - OpenSSL over memory: bytes in, bytes out, no sockets.
 *
 *     input (lent span) -> [SSL] -> plaintext in the caller's scratch
 *     plaintext         -> [SSL] -> records behind each other in shared->records
 *
 * One loop has one record scratch: whoever calls the engine carries the records away before anyone
 * else calls one.  A call that would overflow it stops and says TLS_STEP_FULL.
 *
 * Ownership: an engine is embedded in its transport and keeps a reference to its profile.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TLS_ENGINE_H
#define TRUNKLINE_DATAPLANE_NET_TLS_ENGINE_H

#include <openssl/ssl.h>

#include "common/base/err.h"
#include "common/base/span.h"
#include "dataplane/net/tls_ticket.h"
#include "dataplane/net/transport_tls.h"

/* RFC 8446 5.1: what one record can carry, and more than what encryption adds to it. */
#define TLS_RECORD_BYTES 16384
#define TLS_RECORD_EXTRA_BYTES 256

enum tls_step {
    TLS_STEP_DONE,
    TLS_STEP_MORE,  /* needs more input */
    TLS_STEP_FULL,  /* the record scratch is full: carry it away and call again */
    TLS_STEP_ENDED, /* the peer's close_notify */
    TLS_STEP_FAILED,
};

/* Of one loop. */
struct tls_shared {
    BIO_METHOD *bio_method;
    SSL_CTX *accepting; /* every visitor begins with it */
    struct tls_tickets tickets;
    uint8_t *plain;      /* TLS_PLAIN_BYTES */
    struct span records; /* grows inside loop->record_buffer */
};
/* A whole read of the lower transport fits. */
#define TLS_PLAIN_BYTES (LOOP_READ_BYTES + TLS_RECORD_BYTES)

struct tls_engine {
    SSL *ssl;
    struct tls_shared *shared;
    struct tls_profile *profile; /* NULL until a visitor's certificate is selected */
    const struct loop *loop;
    struct span input;
    char *name;        /* visitor: its SNI; origin: server_name; NULL: none */
    char *session_key; /* origin: of the sessions it stores */
    size_t session_key_len;
    struct tls_accept accept;
    enum err select_err;
    enum tls_step refused; /* by the BIO in this call: TLS_STEP_MORE or TLS_STEP_FULL */
    bool origin_facing;
    bool h2_offered;                /* visitor, by his terms, as is: */
    uint8_t scope[TLS_SCOPE_BYTES]; /* where his ticket will be good */
};

/* The first engine of a loop makes what all of them share; loop_close frees it. */
struct tls_shared *tls_shared_of(struct loop *loop);
void tls_shared_free(struct tls_shared **shared);

void tls_engine_init_accept(struct tls_engine *engine, struct loop *loop,
                            const struct tls_accept *accept);
void tls_engine_init_connect(struct tls_engine *engine, struct loop *loop,
                             const struct tls_connect *connect);
void tls_engine_release(struct tls_engine *engine);

enum tls_step tls_engine_handshake(struct tls_engine *engine);
/* After TLS_STEP_DONE.  False when the peer chose a protocol that it was not offered. */
MUST_USE bool tls_engine_facts(const struct tls_engine *engine, struct tls_facts *out);
/* After TLS_STEP_FAILED of the handshake: what went wrong, for the opener. */
enum err tls_engine_problem(struct tls_engine *engine, struct problem *problem);
/* The handshake is over: what only it needed goes. */
void tls_engine_settle(struct tls_engine *engine);

/* Fills shared->plain as far as whole records fit; *len is how much, whatever the step says. */
enum tls_step tls_engine_read(struct tls_engine *engine, size_t *len);
/* Encrypts bytes (at most TLS_RECORD_BYTES) into one record. */
enum tls_step tls_engine_write(struct tls_engine *engine, struct span bytes);
/* After TLS_STEP_FAILED of a read: ERR_PROTOCOL, or ERR_ORIGIN_CLIENT_CERTIFICATE: with TLS 1.3 an
 * origin looks at it when the handshake is over for us (RFC 8446 4.4.2.4). */
enum err tls_engine_read_err(const struct tls_engine *engine);
/* After TLS_STEP_FAILED of a read or write: OpenSSL's reasons, which belong to nobody, go. */
void tls_engine_forget_failure(void);
/* close_notify into the records. */
void tls_engine_end(struct tls_engine *engine);

/* SSL_CTX_sess_set_new_cb of profiles towards origins. */
int tls_engine_new_session(SSL *ssl, SSL_SESSION *session);

#endif
