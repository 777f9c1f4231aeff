/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_table.h - every zone setting once.
 *
 * Columns: id (REST, document, dashboard), member of struct zone_settings, kind, allowed words
 * (TEXT) or "", min, max (NUMBER), the most that Free, Pro and Business may choose, their default,
 * the default for Enterprise.  Defaults are text in both kinds.  REST validation, the document and
 * the documents for people read this row and nothing else.
 *
 * Kept as they were sent, so that whoever reads back what he wrote sees no difference, and served
 * as the edge can: min_tls_version "1.0" and "1.1" as 1.2, the oldest it speaks; tls_1_3 "zrt" as
 * "on", without early data; min_tls_version "1.3" as TLS 1.3 whatever tls_1_3 says.
 *
 * proxy_read_timeout at its default says nothing: the edge's own --origin-read-timeout holds, which
 * is as long unless its operator wants another; any other value is the zone's own and wins.
 */
#ifndef TRUNKLINE_COMMON_MODEL_SETTING_TABLE_H
#define TRUNKLINE_COMMON_MODEL_SETTING_TABLE_H

/* clang-format off */
#define SETTING_TABLE(X)                                                                                                                  \
    X("origin_max_http_version", origin_max_http_version, TEXT,   "1|2",                                  0, 0,    0,    "2",    "1")     \
    X("origin_h2_max_streams",   origin_h2_max_streams,   NUMBER, "",                                     1, 1000, 100,  "100",  "1")     \
    X("ssl",                     ssl,                     TEXT,   "off|flexible|full|strict|origin_pull", 0, 0,    0,    "full", "full")  \
    X("tls_client_auth",         tls_client_auth,         TEXT,   "off|on",                               0, 0,    0,    "off",  "off")   \
    X("websockets",              websockets,              TEXT,   "off|on",                               0, 0,    0,    "on",   "on")    \
    X("min_tls_version",         min_tls_version,         TEXT,   "1.0|1.1|1.2|1.3",                      0, 0,    0,    "1.0",  "1.0")   \
    X("tls_1_3",                 tls_1_3,                 TEXT,   "off|on|zrt",                           0, 0,    0,    "on",   "on")    \
    X("http2",                   http2,                   TEXT,   "off|on",                               0, 0,    0,    "on",   "on")    \
    X("always_use_https",        always_use_https,        TEXT,   "off|on",                               0, 0,    0,    "off",  "off")   \
    X("grpc",                    grpc,                    TEXT,   "off|on",                               0, 0,    0,    "on",   "on")    \
    X("proxy_read_timeout",      proxy_read_timeout,      NUMBER, "",                                     1, 6000, 120,  "120",  "120")   \
    X("origin_h2_ping",          origin_h2_ping,          NUMBER, "",                                     0, 3600, 3600, "0",    "0")
/* clang-format on */

#endif
