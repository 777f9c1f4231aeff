/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log.h - one JSON line per exchange, gathered, written 100 ms later at the latest.
 *
 * Fields: ts, ray, zone, client, host, method, path, status, client_protocol, origin_protocol
 * ("h2", "http/1.1", null), origin_address, origin_connection_id, origin_connection_reused,
 * origin_status, attempts, request_bytes, response_bytes, took_us, origin_head_us, err, worker.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_ACCESS_LOG_H
#define TRUNKLINE_DATAPLANE_PROXY_ACCESS_LOG_H

#include "common/base/buf.h"
#include "dataplane/net/loop.h"

struct access_log;

/* Borrows fd, which the supervisor opened (O_APPEND) and which outlives the log. */
struct access_log *access_log_open(struct loop *loop, int fd, unsigned worker);
unsigned access_log_worker(const struct access_log *log);
/* Writes what is buffered. */
void access_log_close(struct access_log **log);

/* Appends one whole line; a line that does not fit in the buffer is written through, a full disk
 * drops lines and counts them. */
void access_log_write(struct access_log *log, struct span line);

#endif
