/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_table.h - the field names that mean something to a proxy, and what becomes of them.
 *
 * Columns: name, text, flags.  HOP: never forwarded (RFC 9110 7.6.1).  EDGE: the edge sets it
 * itself towards the origin, a visitor's is dropped (the proxy room writes it anew).  NOTRAIL: not
 * allowed in trailers (framing, routing, credentials: RFC 9110 6.5.1).
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_FIELD_TABLE_H
#define TRUNKLINE_DATAPLANE_HTTP_FIELD_TABLE_H

/* clang-format off */
#define FIELD_TABLE(X)                                                      \
    X(HOST,                "host",                FIELD_NOTRAIL)            \
    X(CONTENT_LENGTH,      "content-length",      FIELD_NOTRAIL)            \
    X(TRANSFER_ENCODING,   "transfer-encoding",   FIELD_HOP | FIELD_NOTRAIL)\
    X(CONNECTION,          "connection",          FIELD_HOP | FIELD_NOTRAIL)\
    X(KEEP_ALIVE,          "keep-alive",          FIELD_HOP | FIELD_NOTRAIL)\
    X(PROXY_CONNECTION,    "proxy-connection",    FIELD_HOP | FIELD_NOTRAIL)\
    X(UPGRADE,             "upgrade",             FIELD_HOP | FIELD_NOTRAIL)\
    X(HTTP2_SETTINGS,      "http2-settings",      FIELD_HOP | FIELD_NOTRAIL)\
    X(SEC_WEBSOCKET_KEY,   "sec-websocket-key",   FIELD_NOTRAIL)            \
    X(SEC_WEBSOCKET_ACCEPT,"sec-websocket-accept",FIELD_NOTRAIL)            \
    X(TE,                  "te",                  FIELD_NOTRAIL)            \
    X(TRAILER,             "trailer",             FIELD_NOTRAIL)            \
    X(EXPECT,              "expect",              FIELD_NOTRAIL)            \
    X(COOKIE,              "cookie",              FIELD_NOTRAIL)            \
    X(SET_COOKIE,          "set-cookie",          FIELD_NOTRAIL)            \
    X(AUTHORIZATION,       "authorization",       FIELD_NOTRAIL)            \
    X(PROXY_AUTHORIZATION, "proxy-authorization", FIELD_NOTRAIL)            \
    X(PROXY_AUTHENTICATE,  "proxy-authenticate",  FIELD_NOTRAIL)            \
    X(CONTENT_TYPE,        "content-type",        FIELD_NOTRAIL)            \
    X(CONTENT_ENCODING,    "content-encoding",    FIELD_NOTRAIL)            \
    X(CONTENT_RANGE,       "content-range",       FIELD_NOTRAIL)            \
    X(DATE,                "date",                0)                        \
    X(SERVER,              "server",              0)                        \
    X(ACCEPT,              "accept",              0)                        \
    X(CF_CONNECTING_IP,    "cf-connecting-ip",    FIELD_EDGE | FIELD_NOTRAIL)\
    X(CF_RAY,              "cf-ray",              FIELD_EDGE | FIELD_NOTRAIL)\
    X(CF_VISITOR,          "cf-visitor",          FIELD_EDGE | FIELD_NOTRAIL)\
    X(X_FORWARDED_FOR,     "x-forwarded-for",     FIELD_NOTRAIL)            \
    X(X_FORWARDED_PROTO,   "x-forwarded-proto",   FIELD_EDGE | FIELD_NOTRAIL)\
    X(CDN_LOOP,            "cdn-loop",            FIELD_NOTRAIL)
/* clang-format on */

#endif
