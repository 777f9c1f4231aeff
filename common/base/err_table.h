/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err_table.h - every error of the product, once.
 *
 * Columns: name, slug (logs, API, error pages), HTTP status at the REST API, HTTP status at the
 * edge, retry class, whose fault.  Codes 520 to 530 are those that users of the product this one
 * replaces already know how to read (design.md, "Errors the visitor sees").
 *
 * Retry classes: NEVER; IDEMPOTENT (the origin may have seen it: idempotent methods only, once);
 * ALWAYS (the origin certainly did not act on it: every method, RFC 9113 8.7).
 */
#ifndef TRUNKLINE_COMMON_BASE_ERR_TABLE_H
#define TRUNKLINE_COMMON_BASE_ERR_TABLE_H

/* clang-format off */
#define ERR_TABLE(X)                                                                            \
    /* anywhere */                                                                              \
    X(OK,                     "ok",                     200, 200, NEVER,      NOBODY)           \
    X(INVALID,                "invalid",                400, 400, NEVER,      CLIENT)           \
    X(UNAUTHENTICATED,        "unauthenticated",        401, 401, NEVER,      CLIENT)           \
    X(FORBIDDEN,              "forbidden",              403, 403, NEVER,      CLIENT)           \
    X(NOT_FOUND,              "not_found",              404, 404, NEVER,      CLIENT)           \
    X(CONFLICT,               "conflict",               409, 409, NEVER,      CLIENT)           \
    X(EXISTS,                 "already_exists",         400, 409, NEVER,      CLIENT)           \
    X(PRECONDITION,           "precondition_failed",    412, 412, NEVER,      CLIENT)           \
    X(TOO_LARGE,              "too_large",              413, 413, NEVER,      CLIENT)           \
    X(LIMIT,                  "limit_reached",          429, 503, NEVER,      CLIENT)           \
    X(INTERNAL,               "internal",               500, 500, NEVER,      OURS)             \
    X(IO,                     "io",                     500, 500, NEVER,      OURS)             \
    X(BUSY,                   "busy",                   503, 503, NEVER,      OURS)             \
    X(DISK_FULL,              "disk_full",              507, 500, NEVER,      OURS)             \
    X(CORRUPT,                "corrupt",                500, 500, NEVER,      OURS)             \
    X(OUTCOME_UNKNOWN,        "outcome_unknown",        503, 500, NEVER,      OURS)             \
    X(MORE,                   "more_bytes_needed",      500, 500, NEVER,      OURS)             \
    X(CLOSED,                 "closed",                 500, 500, NEVER,      NOBODY)           \
    X(TIMEOUT,                "timeout",                504, 504, NEVER,      NOBODY)           \
    X(PROTOCOL,               "protocol",               400, 400, NEVER,      NOBODY)           \
    /* the visitor's fault */                                                                   \
    X(REQUEST_SYNTAX,         "request_syntax",         400, 400, NEVER,      CLIENT)           \
    X(REQUEST_FRAMING,        "request_framing",        400, 400, NEVER,      CLIENT)           \
    X(REQUEST_FIELD,          "request_field",          400, 400, NEVER,      CLIENT)           \
    X(REQUEST_HOST,           "request_host",           400, 400, NEVER,      CLIENT)           \
    X(REQUEST_TARGET,         "request_target",         400, 400, NEVER,      CLIENT)           \
    X(REQUEST_GRPC,           "request_grpc",           403, 403, NEVER,      CLIENT)           \
    X(REQUEST_METHOD,         "request_method",         405, 405, NEVER,      CLIENT)           \
    X(REQUEST_TIMEOUT,        "request_timeout",        408, 408, NEVER,      CLIENT)           \
    X(REQUEST_BODY_TOO_LARGE, "request_body_too_large", 413, 413, NEVER,      CLIENT)           \
    X(REQUEST_TARGET_TOO_LONG,"request_target_too_long",414, 414, NEVER,      CLIENT)           \
    X(REQUEST_EXPECT,         "request_expect",         417, 417, NEVER,      CLIENT)           \
    X(REQUEST_MISDIRECTED,    "request_misdirected",    421, 421, NEVER,      CLIENT)           \
    X(REQUEST_HEAD_TOO_LARGE, "request_head_too_large", 431, 431, NEVER,      CLIENT)           \
    X(REQUEST_CODING,         "request_coding",         501, 501, NEVER,      CLIENT)           \
    X(REQUEST_VERSION,        "request_version",        505, 505, NEVER,      CLIENT)           \
    X(REQUEST_LOOP,           "request_loop",           508, 508, NEVER,      CLIENT)           \
    X(HOST_UNKNOWN,           "host_unknown",           404, 404, NEVER,      CLIENT)           \
    X(ZONE_BUSY,              "zone_busy",              503, 503, NEVER,      NOBODY)           \
    X(CLIENT_GONE,            "client_gone",            499, 499, NEVER,      CLIENT)           \
    /* the origin's fault */                                                                    \
    X(ORIGIN_ANSWER,          "origin_answer",          502, 520, NEVER,      ORIGIN)           \
    X(ORIGIN_RESET,           "origin_reset",           502, 520, IDEMPOTENT, ORIGIN)           \
    X(ORIGIN_STREAM_RESET,    "origin_stream_reset",    502, 520, IDEMPOTENT, ORIGIN)           \
    X(ORIGIN_STALE,           "origin_stale",           502, 520, IDEMPOTENT, ORIGIN)           \
    X(ORIGIN_NOT_PROCESSED,   "origin_not_processed",   502, 520, ALWAYS,     ORIGIN)           \
    X(ORIGIN_REFUSED_STREAM,  "origin_refused_stream",  502, 503, ALWAYS,     ORIGIN)           \
    X(ORIGIN_MISDIRECTED,     "origin_misdirected",     502, 421, ALWAYS,     ORIGIN)           \
    X(ORIGIN_H1_REQUIRED,     "origin_h1_required",     502, 520, ALWAYS,     ORIGIN)           \
    X(ORIGIN_H2_BROKEN,       "origin_h2_broken",       502, 520, IDEMPOTENT, ORIGIN)           \
    X(ORIGIN_H2_MISSING,      "origin_h2_missing",      502, 520, NEVER,      ORIGIN)           \
    X(ORIGIN_REFUSED,         "origin_refused",         502, 521, ALWAYS,     ORIGIN)           \
    X(ORIGIN_CONNECT_TIMEOUT, "origin_connect_timeout", 504, 522, ALWAYS,     ORIGIN)           \
    X(ORIGIN_UNREACHABLE,     "origin_unreachable",     502, 523, ALWAYS,     ORIGIN)           \
    X(ORIGIN_READ_TIMEOUT,    "origin_read_timeout",    504, 524, NEVER,      ORIGIN)           \
    X(ORIGIN_TLS,             "origin_tls",             502, 525, ALWAYS,     ORIGIN)           \
    X(ORIGIN_CERTIFICATE,     "origin_certificate",     502, 526, ALWAYS,     ORIGIN)           \
    X(ORIGIN_CLIENT_CERTIFICATE,"origin_client_certificate",502,525,NEVER,    ORIGIN)           \
    X(ORIGIN_RESOLVE,         "origin_resolve",         502, 530, ALWAYS,     ORIGIN)           \
    X(ORIGIN_ADDRESS,         "origin_address",         502, 523, NEVER,      ORIGIN)           \
    X(ORIGIN_QUEUE_FULL,      "origin_queue_full",      503, 503, NEVER,      ORIGIN)           \
    X(ORIGIN_QUEUE_TIMEOUT,   "origin_queue_timeout",   503, 503, NEVER,      ORIGIN)
/* clang-format on */

#endif
