/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_ticket.h - session tickets of visitors: under which keys, and who may resume with one.
 *
 *      keys:  [0] next   [1] current   [2..] older        tickets are sealed with the current one
 *                                                         and opened with each of them
 *
 * The keys are the edge's: all its workers have the same, so that a ticket is good at each of them.
 * The next one is there so that a worker which hears of a rotation late opens what another has
 * sealed already.
 *
 * A ticket carries the scope (the zone) and the name of the connection that got it.  With another
 * scope or name, or where another version of TLS is spoken by now, it is not taken and a whole
 * handshake follows (RFC 6066 3; OpenSSL alone would resume).  Early data is never accepted.
 *
 * Without keys (tls_tickets_use) there are no tickets.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TLS_TICKET_H
#define TRUNKLINE_DATAPLANE_NET_TLS_TICKET_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/limits.h"

struct tls_tickets {
    uint8_t keys[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    size_t count;
};

/* For tls_engine: every visitor's connection begins with this configuration. */
void tls_tickets_attach(SSL_CTX *accepting);

#endif
