/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - every ceiling of the product, once: name, value, unit, why.
 *
 * LIMIT_<name> is the constant; the table itself feeds the documents and the tests.  What a
 * stranger can drive (a visitor, an origin, a tenant, a file) is bounded by a row of this table
 * and by nothing else.
 */
#ifndef TRUNKLINE_COMMON_MODEL_LIMITS_H
#define TRUNKLINE_COMMON_MODEL_LIMITS_H

/* clang-format off */
#define LIMIT_TABLE(X)                                                                                        \
    /* one exchange */                                                                                        \
    X(FLOW_BYTES,               65536,    "bytes",  "body bytes held of one message: the HTTP/2 stream window")   \
    X(FLOW_BYTES_MAX,           1048576,  "bytes",  "the same of a message on a long path, once it was doubled as often as it may") \
    X(FLOW_GROW_MS,             1000,     "ms",     "a flow that passes all it may hold in this time may hold twice as much") \
    X(WORKER_FLOW_BYTES,        268435456,"bytes",  "of one worker, held and promised by doubling: past it no flow grows")   \
    X(REPLAY_BYTES,             65536,    "bytes",  "request body kept so that the request can be sent again")    \
    X(HEAD_BYTES,               65536,    "bytes",  "one message head, names and values and 32 a field; then 431") \
    X(TARGET_BYTES,             32768,    "bytes",  "request target; then 414")                                   \
    X(FIELDS,                   100,      "fields", "fields of one head; cookie crumbs count as one")             \
    X(LOGGED_BYTES,             2048,     "bytes",  "a target, a host or a method in the access log; the rest is cut off") \
    X(CONNECTION_NAMES,         64,       "count",  "fields that the Connection fields of one head name")          \
    X(TRAILER_BYTES,            16384,    "bytes",  "one trailer section")                                        \
    X(INTERIM_ANSWERS,          10,       "count",  "1xx answers before the final one")                           \
    X(CHUNK_LINE_BYTES,         256,      "bytes",  "a chunk-size line with its extensions")                      \
    X(RETRIES,                  3,        "count",  "origin attempts after the first one, for one exchange")      \
    X(RETURNS,                  32,       "count",  "times that GOAWAY may hand one exchange back unprocessed")   \
    /* visitors */                                                                                            \
    X(CLIENT_CONNS,             65536,    "count",  "client connections of one worker")                           \
    X(CLIENT_CROWDED,           90,       "%",      "of them; past it each newcomer takes the place of who waited longest") \
    X(CLIENT_DESCRIPTORS,       75,       "%",      "of the descriptors of a worker; the others are for origins") \
    X(OWN_DESCRIPTORS,          24,       "count",  "descriptors of a worker for itself")                         \
    X(CLIENT_ADDRESSES,         131072,   "count",  "addresses of visitors that one worker remembers")            \
    X(ADDRESS_HANDSHAKES,       500,      "1/s",    "default for TLS handshakes of one visitor's address")        \
    X(ADDRESS_HANDSHAKE_BURST,  1024,     "count",  "handshakes at once, at that rate; more or less at others")   \
    X(CLIENT_STREAMS,           128,      "count",  "MAX_CONCURRENT_STREAMS that a client is told")               \
    X(CLIENT_CONN_WINDOW_BYTES, 1048576,  "bytes",  "HTTP/2 connection window towards a client")                  \
    X(CLIENT_CONN_BYTES,        16777216, "bytes",  "request bodies that one HTTP/2 client connection may have held") \
    X(TICKET_KEYS,              3,        "count",  "keys of session tickets: next, current, previous")           \
    X(TICKET_KEY_BYTES,         80,       "bytes",  "one of them: name, AES-256, HMAC-SHA256")                    \
    X(TICKET_ROTATION_MS,       43200000, "ms",     "the longest that tickets are made with one key")             \
    X(CLIENT_HEAD_MS,           10000,    "ms",     "a whole request head; the first one counts from the connection's beginning") \
    X(CLIENT_IDLE_MS,           180000,   "ms",     "a client connection with nothing in flight")                 \
    X(CLIENT_DRAIN_IDLE_MS,     1000,     "ms",     "the same, of HTTP/1.1 while the worker drains: a request may be on its way") \
    X(CLIENT_GRACE_MS,          10000,    "ms",     "before a visitor must send, or take, as fast as CLIENT_RATE") \
    X(CLIENT_RATE,              100,      "B/s",    "of a request's body, and of what a visitor was written")     \
    X(CLIENT_GRPC_SILENCE_MS,   60000,    "ms",     "no byte of a gRPC request that has no answer yet")           \
    X(PROXY_HEADER_BYTES,       4096,     "bytes",  "a PROXY header of a load balancer, with its TLVs")           \
    X(CLIENT_PIPELINE_BYTES,    16384,    "bytes",  "read ahead of the next request while one is answered (HTTP/1.1)") \
    X(CLIENT_DROPPED_BYTES,     262144,   "bytes",  "request body that nobody wants, read to keep an HTTP/1.1 connection")  \
    /* origins */                                                                                             \
    X(ORIGIN_CONNS,             256,      "count",  "connections of one worker to one origin")                    \
    X(ORIGIN_WAITING,           4096,     "count",  "exchanges that wait for one origin")                         \
    X(ORIGIN_WAITING_MS,        30000,    "ms",     "the longest wait for a slot")                                \
    X(ORIGIN_POOLS,             16384,    "count",  "origins that one worker remembers")                          \
    X(ORIGIN_STREAMS,           1000,     "count",  "streams on one origin connection, whatever the setting says") \
    X(ORIGIN_STREAMS_UNTOLD,    100,      "count",  "streams before the origin's SETTINGS have arrived")          \
    X(ORIGIN_CONN_WINDOW_BYTES, 8388608,  "bytes",  "HTTP/2 connection window towards an origin")                 \
    X(ORIGIN_CONN_BYTES,        134217728,"bytes",  "answer bodies that one HTTP/2 origin connection may have held") \
    X(ORIGIN_CONNECT_MS,        19000,    "ms",     "resolve, connect, TLS and SETTINGS together, all attempts")  \
    X(ORIGIN_SETTINGS_MS,       3000,     "ms",     "the origin's first SETTINGS after the handshake")            \
    X(ORIGIN_IDLE_MS,           900000,   "ms",     "an origin connection with nothing in flight")                \
    X(TUNNEL_IDLE_MS,           300000,   "ms",     "default for a tunnel that is silent in both directions")      \
    X(ORIGIN_TUNNELS,           16384,    "count",  "tunnels of one worker to one origin, beside its connections")  \
    X(ORIGIN_PROTOCOL_MS,       600000,   "ms",     "how long the negotiated protocol of an origin is believed")  \
    X(ORIGIN_CONN_REQUESTS,     100000,   "count",  "requests on one origin connection, then it is drained")     \
    X(ORIGIN_CONN_AGE_MS,       3600000,  "ms",     "age of an origin connection, then it is drained")           \
    X(ORIGIN_CONN_JITTER,       10,       "%",      "of both, by which connections differ so that they end apart") \
    X(ORIGIN_ENDED_MS,          5000,     "ms",     "no window for a request from an origin whose answer is whole (HTTP/2)") \
    X(ORIGIN_QUIET_MS,          3000,     "ms",     "nothing heard on HTTP/2: the next request has a PING before it") \
    X(ORIGIN_PING_MS,           2000,     "ms",     "for the answer to a PING; then the connection is dead")     \
    X(ORIGIN_PING_AGAIN_MS,     300000,   "ms",     "between PINGs while only their answers are heard")          \
    X(ORIGIN_STAGGER_MS,        250,      "ms",     "before the next address of a name is tried beside (RFC 8305)") \
    X(ORIGIN_PATIENCE_MS,       3000,     "ms",     "for a dial, while another address of the hostname is untried") \
    X(ORIGIN_RETRY_WINDOW_MS,   10000,    "ms",     "over which an origin's requests and retries are counted")   \
    X(ORIGIN_RETRY_PERCENT,     20,       "%",      "retries of that window's requests that may have been acted on") \
    X(ORIGIN_RETRY_FREE,        128,      "count",  "retries of a window that are always allowed")               \
    X(ORIGIN_H2_BREAKS,         3,        "count",  "breaks of HTTP/2 within ORIGIN_H2_BREAKS_MS that suspend it")   \
    X(ORIGIN_H2_BREAKS_MS,      600000,   "ms",     "after so long without one, breaks are counted anew")         \
    X(ORIGIN_H2_RESETS,         20,       "count",  "streams in a row that an origin resets as broken; then it rests") \
    X(ORIGIN_SUSPENDED_MS,      60000,    "ms",     "HTTP/2 to an origin rests for so long at first; then it doubles") \
    X(ORIGIN_SUSPENDED_MAX_MS,  3600000,  "ms",     "and no longer than this")                                    \
    X(ORIGIN_EVENTS_WAITING,    256,      "count",  "events of an edge that wait for the link to control")        \
    X(ZONE_ORIGIN_EVENTS,       100,      "count",  "events about origins that control keeps of one zone")        \
    X(ORIGIN_ADDRESSES,         16,       "count",  "addresses of one origin name that are tried")                \
    /* HTTP/2, each connection (dataplane/h2/h2_abuse.h) */                                                   \
    X(HEAD_ANNOUNCED_BYTES,     32768,    "bytes",  "MAX_HEADER_LIST_SIZE that a peer is told; past it 431")      \
    X(H2_HEADER_TABLE_BYTES,    4096,     "bytes",  "HPACK table, both directions")                               \
    X(H2_CONTINUATIONS,         8,        "frames", "CONTINUATION frames of one header block")                    \
    X(H2_OUT_FRAMES,            4096,     "frames", "frames that wait for a peer that does not read")             \
    X(H2_OUT_ACKS,              64,       "frames", "acknowledgements that wait for a peer that does not read")   \
    X(H2_RESET_BURST,           200,      "count",  "streams reset by a peer, or by us for a peer's errors")      \
    X(H2_RESET_PER_S,           20,       "1/s",    "the same, regained")                                         \
    X(H2_CANCEL_BURST,          500,      "count",  "RST_STREAM that we send to an origin: nghttp2 bears 1,000")  \
    X(H2_CANCEL_PER_S,          30,       "1/s",    "the same, regained: nghttp2 bears 33")                       \
    X(H2_SETTINGS_BURST,        10,       "count",  "SETTINGS frames of a peer")                                  \
    X(H2_SETTINGS_PER_S,        1,        "1/s",    "the same, regained")                                         \
    X(H2_PING_BURST,            20,       "count",  "PING frames of a peer between two DATA frames of ours")      \
    X(H2_PING_PER_S,            1,        "1/s",    "the same, regained")                                         \
    X(H2_CONTINUED_MS,          2000,     "ms",     "a header block in more than one frame, from its first byte") \
    X(H2_IDS_KEPT,              1024,     "count",  "stream ids of which is known whether the peer has begun and ended them") \
    X(H2_WINDOW_BURST,          1000,     "count",  "WINDOW_UPDATE frames of a peer between two messages of ours")  \
    X(H2_WINDOW_PER_S,          100,      "1/s",    "the same, regained")                                         \
    X(H2_HEAD_FREE_BYTES,       4096,     "bytes",  "of a decoded header block, that are not counted as decoded")  \
    X(H2_DECODED_BURST,         2097152,  "bytes",  "decoded header bytes beyond those")                          \
    X(H2_DECODED_PER_S,         1048576,  "1/s",    "the same, regained")                                         \
    X(H2_GLITCH_BURST,          1000,     "count",  "PRIORITY, unknown frames, empty DATA, HEADERS for no stream") \
    X(H2_GLITCH_PER_S,          100,      "1/s",    "the same, regained")                                         \
    X(H2_GOODBYE_MS,            2000,     "ms",     "for a last GOAWAY to leave")                                 \
    X(H2_EARLY_ANSWER_MS,       1000,     "ms",     "between an early answer and the RST_STREAM(NO_ERROR) that ends its request") \
    /* transports */                                                                                          \
    X(TRANSPORT_OUT_BYTES,      262144,   "bytes",  "unwritten output of one connection")                         \
    X(WAKE_BUDGET,              4096,     "count",  "wakes in one loop turn")                                     \
    X(ACCEPT_BUDGET,            64,       "count",  "accepted connections in one loop turn")                      \
    X(RESOLVE_CACHE,            4096,     "count",  "remembered names of one worker")                             \
    /* zones */                                                                                               \
    X(ZONE_EXCHANGES,           8192,     "count",  "default for requests of one zone in flight at one worker")   \
    X(ZONE_CACHE,               65536,    "count",  "hostnames that one worker remembers, absent ones too")       \
    X(TLS_SESSIONS,             1024,     "count",  "origins of one TLS profile whose sessions are kept")         \
    X(ZONE_CACHE_BYTES,         134217728,"bytes",  "decoded documents that one worker remembers")                \
    X(ORIGIN_TLS_PROFILES,      512,      "count",  "ways of one worker to do TLS to origins, by client certificate") \
    X(TLS_PROFILES,             4096,     "count",  "certificates that one worker holds ready")                   \
    X(DOCUMENT_BYTES,           2097152,  "bytes",  "one zone's document")                                        \
    X(ZONE_HOSTNAMES,           4096,     "count",  "hostnames of one zone that have an origin")                  \
    X(ZONE_OVERRIDES,           1024,     "count",  "hostnames of one zone with a setting of their own")         \
    X(HOSTNAME_ORIGINS,         64,       "count",  "origin addresses of one hostname")                           \
    X(ZONE_CERTIFICATES,        16,       "count",  "certificates of one zone")                                   \
    X(HOSTNAME_BYTES,           253,      "bytes",  "a hostname in text form (RFC 1035 2.3.4)")                   \
    X(ZONE_CLIENT_CERTIFICATES, 8,    "count",  "client certificates of one zone, shown to its origins")       \
    X(ORIGIN_REVOCATIONS,       1024,     "count",  "revoked, unexpired certificates of the origin CA")           \
    X(CERTIFICATE_BYTES,        65536,    "bytes",  "a certificate chain as PEM")                                 \
    X(PRIVATE_KEY_BYTES,        16384,    "bytes",  "a private key as PEM")                                       \
    /* link */                                                                                                \
    X(FRAME_BYTES,              4194304,  "bytes",  "payload of one frame between control, supervisor and worker") \
    X(LINK_OUT_BYTES,           8388608,  "bytes",  "unwritten frames to one edge")                               \
    X(LINK_HEARTBEAT_MS,        1000,     "ms",     "a heartbeat each way")                                       \
    X(LINK_SILENCE_MS,          10000,    "ms",     "a link without a frame is dead")                             \
    X(LINK_BACKOFF_MS,          2000,     "ms",     "longest pause before the edge dials control again")          \
    X(REPLICA_CHECK_BYTES,      67108864, "bytes",  "a replica that is checked as a whole when it is opened")     \
    X(CRASH_WINDOW_MS,          10000,    "ms",     "a worker that crashes so soon after a change may have crashed of it") \
    X(CRASH_SUSPECTS,           256,      "count",  "zones changed in that time whose former documents are kept") \
    X(CRASH_SUSPECT_BYTES,      16777216, "bytes",  "of these documents")                                         \
    X(WORKER_ANSWER_MS,         10000,    "ms",     "a worker that does not answer its supervisor is killed")     \
    X(ADOPT_MS,                 2000,     "ms",     "a new supervisor waits for workers that were left behind")   \
    X(ADMIN_CONNS,              64,       "count",  "connections to the admin endpoint of an edge")               \
    X(EDGES,                    256,      "count",  "edges of one control")                                       \
    X(EDGE_REFUSALS,            256,      "count",  "documents set aside by one edge that control remembers")     \
    X(WORKERS,                  256,      "count",  "workers of one edge")                                        \
    /* REST API */                                                                                            \
    X(API_BODY_BYTES,           1048576,  "bytes",  "a request body")                                             \
    X(API_DISCARD_BYTES,        8388608,  "bytes",  "a body too large that is still read, so that its 413 arrives") \
    X(API_CONNS,                4096,     "count",  "connections to the REST service")                            \
    X(API_CONNS_PER_ADDRESS,    1024,     "count",  "of one address")                                             \
    X(API_IDLE_S,               60,       "s",      "an idle connection to the REST service")                     \
    X(API_WAITING,              1024,     "count",  "requests that wait for a propagation")                       \
    X(API_WAIT_MS,              20000,    "ms",     "the longest wait for a propagation")                         \
    X(API_RATE_WINDOW_S,        300,      "s",      "the window")                                                 \
    X(API_RATE_CALLERS,         65536,    "count",  "callers whose requests are counted")                         \
    X(API_IDEMPOTENCY_KEY_BYTES, 255,     "bytes",  "an Idempotency-Key")                                         \
    X(API_IDEMPOTENT_BYTES,     1048576,  "bytes",  "an answer that is kept for its Idempotency-Key")             \
    X(API_IDEMPOTENCY_MS,       86400000, "ms",     "how long such a key is known")                               \
    X(ACCOUNT_ZONES,            100000,   "count",  "zones of one account, unless the operator raises it")        \
    X(VERIFY_BATCH,             16,       "count",  "pending zones whose proof is asked for at once")            \
    X(VERIFY_PAUSE_MS,          30000,    "ms",     "between two rounds over all pending zones")                 \
    X(RECORD_BATCH,             3500,     "count",  "DNS records of one batch")                                  \
    X(ZONE_RECORDS,             10000,    "count",  "DNS records of one zone")                                    \
    X(ACCOUNT_MEMBERS,          1000,     "count",  "members and invitations of one account, unless the operator raises it") \
    X(USER_TOKENS,              200,      "count",  "tokens of one user or account, unless the operator raises it") \
    X(TOKEN_POLICIES,           32,       "count",  "policies of one token")                                      \
    X(POLICY_RESOURCES,         50,       "count",  "resources of one policy")                                    \
    X(MEMBER_ZONES,             100,      "count",  "zones that one member can be limited to")                    \
    X(INVITATION_S,             604800,   "s",      "an invitation can be accepted")                              \
    X(LOGIN_IDLE_S,             1800,     "s",      "a login without a request ends")                             \
    X(LOGIN_S,                  43200,    "s",      "a login ends")                                               \
    X(LOGIN_FRESH_S,            900,      "s",      "after the password was given: tokens, roles, removals")      \
    X(LOGIN_FREE_TRIES,         5,        "count",  "failed logins of an account before each must wait")          \
    X(LOGIN_WAIT_S,             60,       "s",      "the longest wait between two tries for one account")         \
    X(LOGIN_TRIES_PER_ADDRESS,  20,       "1/min",  "logins that one address has evaluated")                      \
    X(LOGIN_TRIES,              100,      "1/min",  "logins that are evaluated, those of known devices aside")    \
    X(LOGINS_PER_USER,          100,      "count",  "logins of one user; the oldest ends")                        \
    X(HASHERS,                  2,        "count",  "passwords that are hashed at once, 64 MiB each")             \
    X(HASHES_WAITING,           16,       "count",  "passwords that wait for a hasher; as many of known devices") \
    X(PASSWORD_BYTES,           1024,     "bytes",  "a password")                                                 \
    X(AUDIT_LIST_BYTES,         33554432, "bytes",  "old and new values in one page of the audit")                \
    X(STORE_WAIT_MS,            5000,     "ms",     "the longest wait for the store's one writer")                \
    X(STORE_READERS,            64,       "count",  "read connections to the store at once")

enum limit {
#define X(name, value, unit, why) LIMIT_##name = (value),
    LIMIT_TABLE(X)
#undef X
};
/* clang-format on */

#endif
