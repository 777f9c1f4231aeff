/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_int.h - what the files of this directory share: the daemon, and one request on its way.
 *
 *      server_request_begin (the request line is there)
 *        -> server_request_on_progress: head -> body ... -> answer, or suspend and answer later
 *        -> server_request_on_end
 *
 * Threads: a request belongs to one thread of the daemon; only its wait is touched from outside.
 */
#ifndef TRUNKLINE_CONTROL_SERVER_SERVER_INT_H
#define TRUNKLINE_CONTROL_SERVER_SERVER_INT_H

#include <microhttpd.h>
#include <pthread.h>

#include "common/base/buf.h"
#include "control/api/api.h"
#include "control/publish/propagation.h"
#include "control/server/server.h"

#define SERVER_TAG 0x53525652u
#define SERVER_REQUEST_TAG 0x53525251u

struct server {
    uint32_t tag;
    struct MHD_Daemon *daemon;
    struct api api;
    struct propagation *propagation;
    struct buf tls_cert, tls_key;
    uint16_t port;
    bool tls;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t ended; /* a request has ended */
    size_t running;       /* requests between begin and end */
};

struct server_request {
    uint32_t tag;
    struct server *server;
    struct MHD_Connection *connection;
    char *target;
    struct buf body;
    struct propagation_wait wait;
    struct password_job *job; /* with the hasher, or done there */
    struct id id;
    uint64_t begun_at_us;
    enum api_error refused; /* why the rest of the request is not looked at */
    bool head_seen, waited;
    char method[16];
    int status;
};

/* The library's three callbacks. */
void *server_request_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result server_request_on_progress(void *cls, struct MHD_Connection *connection,
                                           const char *url, const char *method, const char *version,
                                           const char *bytes, size_t *bytes_len, void **slot);
void server_request_on_end(void *cls, struct MHD_Connection *connection, void **slot,
                           enum MHD_RequestTerminationCode reason);

/* ERR_PROTOCOL for a head that two readers may read differently (RFC 9112 6.3, RFC 9110 7.2). */
MUST_USE enum err server_head_check(struct MHD_Connection *connection, const char *version);

/* api_propagation_fn over the publisher's record. */
void server_propagation_read(void *record, const struct api_propagation_question *question,
                             struct arena *arena, struct api_propagation_answer *out);

#endif
