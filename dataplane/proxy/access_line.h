/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_line.h - one exchange as one line of JSON (the fields are listed in access_log.h).
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_ACCESS_LINE_H
#define TRUNKLINE_DATAPLANE_PROXY_ACCESS_LINE_H

#include "common/base/buf.h"
#include "common/base/text.h"
#include "dataplane/http/head.h"

/* The text of the second that was written last; zeroed before the first use. */
struct access_clock {
    uint64_t second;
    char text[TEXT_TIME_BYTES];
};

struct access_line {
    struct access_clock *clock;
    uint64_t ended_at_us; /* wall time */
    struct span ray, zone_id, client, host, method, path;
    int status; /* 0: none was sent */
    enum http_version client_version;
    bool connected; /* the next five are known */
    enum http_version origin_version;
    const char *origin_address;
    uint64_t origin_connection_id;
    bool origin_connection_reused;
    int origin_status; /* 0: no answer */
    unsigned attempt_count;
    uint64_t request_bytes, response_bytes;
    uint64_t took_us, origin_head_us; /* the latter 0: no head came */
    enum err err;
    struct span reason; /* what lies behind err; empty: nothing more is known */
    unsigned worker;
};

/* Room for any line that has a head within the limits. */
#define ACCESS_LINE_BYTES_MAX 1048576

/* Appends the line with its newline. */
void access_line_write(const struct access_line *line, struct buf *out);

#endif
