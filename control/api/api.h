/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the REST interface without a socket: a request, a route, a reply.
 *
 *      request -> api_router (which route) -> api_auth (who, may they) -> api_body (JSON, fields)
 *              -> the route's answer: decode, permission, one call of change or store, reply
 *              -> reply {status, body in the envelope}
 *
 * An answer returns ERR_OK after it replied, or an err: the route's table says which of
 * Cloudflare's errors that is for this resource (ERR_CONFLICT is 1061 for a zone and 81057 for a
 * record).
 *
 * Ownership: spans of a request are borrowed from the server until api_dispatch returns; what an
 *            answer makes lives in the request's arena.  The reply's body is the server's.
 * Threads:   api_dispatch from any number of threads; `struct api` is read-only.
 */
#ifndef TRUNKLINE_CONTROL_API_API_H
#define TRUNKLINE_CONTROL_API_API_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/id.h"
#include "control/auth/hasher.h"
#include "control/auth/permission.h"
#include "control/auth/token.h"
#include "control/api/api_error_table.h"
#include "control/api/api_propagation.h"
#include "control/api/api_rates.h"
#include "control/change/change.h"

#define API_PREFIX "/client/v4"
#define API_PARAMS_MAX 4
/* Two quotes, 32 hex digits, a NUL. */
#define API_ETAG_BYTES 35
#define API_COOKIE_PREFIX "__Host-" /* of secure ones: RFC 6265bis 4.1.3 */
#define API_METHOD_TABLE(X) X(GET) X(POST) X(PUT) X(PATCH) X(DELETE)

enum api_method {
#define X(name) API_##name,
    API_METHOD_TABLE(X)
#undef X
        API_METHOD_COUNT
};

enum api_error {
#define X(name, status, code, chain_code, text) API_ERROR_##name,
    API_ERROR_TABLE(X)
#undef X
        API_ERROR_COUNT
};

struct api_request;
struct api_reply;
struct api_uses;

/* Looks at the proof of a pending zone soon; ask is NULL where nobody looks. */
struct api_verify {
    void (*ask)(void *owner, const struct id *zone_id);
    void *owner;
};

/* What the routes work on; composed once. */
struct api {
    struct store *store;
    const struct change_door *door;
    struct api_propagation propagation;
    struct api_rates *rates; /* NULL: no limits */
    struct hasher *hasher;
    struct api_uses *uses;
    struct span public_origin; /* "https://console.example": what Origin must say */
    bool secure;               /* TLS: cookies are for it alone */
    struct api_verify verify;
    struct span edge_addresses; /* "192.0.2.1,2001:db8::/48": where domains are pointed at */
};

typedef enum err api_answer_fn(struct api_request *request, struct api_reply *reply);

/* What an err means for one resource; {ERR_OK, API_ERROR_NONE} ends a table. */
struct api_error_map {
    enum err err;
    enum api_error error;
};

struct api_route {
    enum api_method method;
    const char *pattern;        /* below the prefix: "/zones/{zone}/settings/{setting}" */
    enum permission permission; /* on the zone or account that the path names */
    api_answer_fn *answer;
    const struct api_error_map *errors; /* may be NULL */
    bool takes_json;                    /* the body must be there and be a JSON object */
};

struct api_request {
    const struct api *api;
    struct id request_id;
    struct span method; /* as it came */
    struct span target; /* "/client/v4/zones?page=2", still encoded */
    struct span remote; /* address of who asks, as text */
    struct span accept;
    struct span authorization, auth_email, auth_key, content_type; /* ptr NULL: absent */
    struct span if_match, if_none_match, idempotency_key;          /* the same */
    struct span body;
    bool waited; /* dispatched again after a wait */
    bool inner;  /* asked inside another request, which was counted */
    struct span cookie, origin, fetch_site, requested_by; /* of a browser */
    const struct password_job *job; /* dispatched again after the hasher was done with it */
    /* From here on filled by api_dispatch, and given back by it. */
    struct span path, query;
    struct span params[API_PARAMS_MAX];
    const struct api_route *route;
    struct change_actor actor;
    bool by_login; /* a cookie said who asks */
    struct arena arena;
    json_t *json; /* NULL without takes_json */
    struct store_conn *reader;
    struct change *change;
    bool key_claimed; /* the change has taken the Idempotency-Key */
};

struct api_wait {
    uint64_t revision;
    uint64_t wait_ms; /* 0: do not wait, answer */
};

/* Set-Cookie; an empty value takes it away. */
struct api_cookie {
    const char *name; /* "login", without the prefix of a secure one; NULL: none */
    char value[TOKEN_TEXT_BYTES + 1];
    uint64_t age_s;
};

struct api_reply {
    int status;
    struct buf body;           /* JSON, unless content_type says another */
    const char *content_type;  /* NULL: JSON */
    uint64_t revision;         /* X-Config-Revision; 0: nothing was changed */
    uint32_t allowed;          /* Allow of a 405: 1 << method */
    char etag[API_ETAG_BYTES]; /* of a GET; "" without */
    struct api_rate rate;      /* what the caller has left */
    bool replayed;             /* what an earlier request with this key was answered */
    struct api_wait wait;      /* then there is no answer yet: dispatch again, with `waited` */
    enum api_error error;      /* set by api_fail */
    struct problem problem;    /* what is wrong, for a person */
    struct api_cookie cookies[2];
    uint64_t retry_after_s;
    bool secret; /* shows a secret: it is kept nowhere */
    struct password_job
        *job; /* no answer yet either: again after the hasher; the server takes it */
};

/* Answers one request.  The caller filled the request's first part and zeroed the rest; the reply
 * is zeroed with a body that was buf_init-ed. */
void api_dispatch(struct api_request *request, struct api_reply *reply);

/* The envelope for what the server refuses by itself (API_ERROR_BODY_TOO_LARGE, ...). */
void api_refuse(struct api_reply *reply, enum api_error error, const char *text);

/* For an answer: `return api_fail(reply, API_ERROR_FIELD, "per_page", "at most %d", 50);` */
enum err api_fail(struct api_reply *reply, enum api_error error, const char *path,
                  const char *format, ...) PRINTF_LIKE(4, 5);

const char *api_method_name(enum api_method method);

/* The tables of all resources; each ends with a NULL pattern, the list with NULL. */
extern const struct api_route *const api_tables[];

/* A parameter of the path as an id; ERR_NOT_FOUND when it is none. */
MUST_USE enum err api_param_id(const struct api_request *request, size_t index, struct id *out);

/* One moment of the store, the same one until the answer or a change ends. */
MUST_USE enum err api_reader(struct api_request *request, struct store_conn **out);

/* request->change, when If-Match holds; what is not committed when the answer returns is abandoned.
 */
MUST_USE enum err api_change_begin(struct api_request *request, struct api_reply *reply);
/* Also puts the revision on the reply. */
MUST_USE enum err api_change_commit(struct api_request *request, struct api_reply *reply);

#endif
