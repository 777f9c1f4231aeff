/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_table.h - everything that an edge worker counts, once: name, unit, what it means.
 *
 * COUNTER_<name> only grows.  The table feeds the worker's page of counters, the metrics of the
 * admin endpoint (trunkline_edge_<name in lower case>_total) and the documents.  What is refused,
 * cut, limited or shed has a row here.
 */
#ifndef TRUNKLINE_COMMON_MODEL_COUNTER_TABLE_H
#define TRUNKLINE_COMMON_MODEL_COUNTER_TABLE_H

/* clang-format off */
#define COUNTER_TABLE(X)                                                                            \
    /* visitors */                                                                                  \
    X(CLIENT_CONNS,                "count", "visitors' connections accepted")                       \
    X(CLIENT_CONNS_REFUSED,        "count", "closed at once: the worker holds LIMIT_CLIENT_CONNS")  \
    X(CLIENT_CONNS_EVICTED,        "count", "without a request for longest, closed for a newcomer") \
    X(CLIENT_ADDRESS_CONNS,        "count", "closed before TLS: --max-connections-per-address")     \
    X(CLIENT_ADDRESS_HANDSHAKES,   "count", "closed before TLS: --max-handshakes-per-second")       \
    X(LISTENER_STARVED,            "count", "pauses of accepting: no descriptor for who comes next") \
    X(CLIENT_HANDSHAKES,           "count", "TLS handshakes with visitors that were finished")      \
    X(CLIENT_HANDSHAKES_RESUMED,   "count", "of these, by a session ticket")                        \
    X(CLIENT_HANDSHAKES_FAILED,    "count", "TLS handshakes that visitors broke off or could not make") \
    X(CLIENT_HANDSHAKES_LATE,      "count", "TLS handshakes cut after --client-head-timeout")   \
    X(PROXY_HEADERS_BROKEN,        "count", "PROXY headers of trusted proxies that could not be read") \
    X(CLIENT_HEADS_LATE,           "count", "request heads that were not whole after --client-head-timeout") \
    X(CLIENT_BODIES_LATE,          "count", "request bodies slower than --client-rate")             \
    X(CLIENT_READERS_LATE,         "count", "visitors who took answers slower than --client-rate")  \
    X(CLIENT_NAMES_UNKNOWN,        "count", "TLS handshakes refused: no zone has the name, or none was sent") \
    X(CLIENT_TICKETS_FOREIGN,      "count", "session tickets of another zone, name or version, not taken")  \
    /* visitors' HTTP/2: connections ended with GOAWAY, or cut (dataplane/h2/h2_abuse.h) */        \
    X(H2_RESET_FLOODS,             "count", "ended: RST_STREAM, theirs and ours for their errors (LIMIT_H2_RESET_*)") \
    X(H2_SETTINGS_FLOODS,          "count", "ended: SETTINGS (LIMIT_H2_SETTINGS_*)")                \
    X(H2_PING_FLOODS,              "count", "ended: PING (LIMIT_H2_PING_*)")                        \
    X(H2_WINDOW_FLOODS,            "count", "ended: WINDOW_UPDATE (LIMIT_H2_WINDOW_*)")             \
    X(H2_GLITCH_FLOODS,            "count", "ended: frames without effect (LIMIT_H2_GLITCH_*)")     \
    X(H2_BLOCK_FLOODS,             "count", "ended: header blocks too large on the wire, decoded, or in sum") \
    X(H2_OUT_FLOODS,               "count", "ended: more than LIMIT_H2_OUT_FRAMES or LIMIT_H2_OUT_ACKS wait to be read") \
    X(H2_PROTOCOL_ERRORS,          "count", "ended: another connection error of RFC 9113")          \
    X(H2_REQUESTS_MALFORMED,       "count", "requests answered by RST_STREAM(PROTOCOL_ERROR)")      \
    X(ORIGIN_H2_FLOODS,            "count", "origins' HTTP/2 connections ended for a flood of frames") \
    /* exchanges */                                                                                 \
    X(EXCHANGES,                   "count", "requests that became an exchange")                     \
    X(REQUESTS_MISDIRECTED,        "count", "answered 421: for a name that the connection was not made for") \
    X(REQUESTS_REDIRECTED,         "count", "answered 301: plain HTTP, and the zone always uses HTTPS") \
    X(ZONES_BUSY,                  "count", "requests refused: --max-requests-per-zone in flight")  \
    /* refused, by reason: `err` of the access line */                                              \
    X(REFUSED_SYNTAX,              "count", "requests refused: no HTTP")                            \
    X(REFUSED_FRAMING,             "count", "requests refused: where the body ends is in doubt")    \
    X(REFUSED_FIELD,               "count", "requests refused: a field that may not be there")      \
    X(REFUSED_HOST,                "count", "requests refused: no valid host, or two")              \
    X(REFUSED_TARGET,              "count", "requests refused: no valid target")                    \
    X(REFUSED_GRPC,                "count", "gRPC calls refused: the zone has switched gRPC off") \
    X(REFUSED_METHOD,              "count", "requests refused: CONNECT, TRACE, a tunnel that the zone does not take") \
    X(REFUSED_TIMEOUT,             "count", "requests refused: not whole in time")                  \
    X(REFUSED_BODY_TOO_LARGE,      "count", "requests refused: past --max-upload")                  \
    X(REFUSED_TARGET_TOO_LONG,     "count", "requests refused: past LIMIT_TARGET_BYTES")            \
    X(REFUSED_EXPECT,              "count", "requests refused: an unknown expectation")             \
    X(REFUSED_HEAD_TOO_LARGE,      "count", "requests refused: past LIMIT_HEAD_BYTES or LIMIT_FIELDS") \
    X(REFUSED_CODING,              "count", "requests refused: an unknown transfer coding")         \
    X(REFUSED_VERSION,             "count", "requests refused: neither HTTP/1.0, 1.1 nor 2")        \
    X(REFUSED_LOOP,                "count", "requests refused: came back to the edge that had sent it") \
    X(HOSTS_UNKNOWN,               "count", "requests for a host that no zone has")                 \
    X(CLIENTS_GONE,                "count", "visitors that left before their answer was whole")     \
    /* origins */                                                                                   \
    X(ORIGIN_ADDRESSES_REFUSED,    "count", "connections that the address policy forbade")
/* clang-format on */

enum counter {
#define X(name, unit, help) COUNTER_##name,
    COUNTER_TABLE(X)
#undef X
        COUNTER_COUNT
};

#endif
