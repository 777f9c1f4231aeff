/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_request.c - one request: collected, asked, answered.
 */
#include "control/server/server_int.h"

#include <netinet/in.h>
#include <arpa/inet.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/address_policy.h"
#include "common/model/limits.h"

/* The largest answer: a page of 5,000 records, each at most RECORD_CONTENT_BYTES_MAX of content. */
#define REPLY_BYTES_MAX (64 * 1024 * 1024)

void *server_request_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct server *server = cls;
    TAG_CHECK(server, SERVER_TAG);
    struct server_request *request = mem_new(struct server_request);
    TAG_SET(request, SERVER_REQUEST_TAG);
    request->server = server;
    request->connection = connection;
    request->id = id_new();
    request->begun_at_us = clock_mono_us();
    struct span text = span_str(target);
    request->target = mem_alloc(text.len + 1);
    ASSERT(span_to_cstr(text, request->target, text.len + 1));
    buf_init(&request->body, LIMIT_API_BODY_BYTES);
    ASSERT(pthread_mutex_lock(&server->lock) == 0);
    server->running++;
    ASSERT(pthread_mutex_unlock(&server->lock) == 0);
    return request;
}

void server_request_on_end(void *cls, struct MHD_Connection *connection, void **slot,
                           enum MHD_RequestTerminationCode reason)
{
    (void)cls;
    (void)connection;
    struct server_request *request = *slot;
    if (!request)
        return;
    TAG_CHECK(request, SERVER_REQUEST_TAG);
    ASSERT(!list_linked(&request->wait.node));
    /* Never the query, never a field: they may carry secrets. */
    struct span query = span_str(request->target), path = span_split(&query, '?');
    log_debug("request_answered", F_SPAN("id", id_span(&request->id)),
              F_STR("method", request->method), F_SPAN("path", path),
              F_I64("status", request->status),
              F_U64("took_ms", (clock_mono_us() - request->begun_at_us) / 1000),
              F_BOOL("completed", reason == MHD_REQUEST_TERMINATED_COMPLETED_OK));
    struct server *server = request->server;
    password_job_free(&request->job);
    if (request->body.len > 0)
        mem_wipe(request->body.ptr, request->body.len);
    buf_release(&request->body);
    mem_free(&request->target);
    mem_free(slot);
    ASSERT(pthread_mutex_lock(&server->lock) == 0);
    server->running--;
    ASSERT(pthread_cond_signal(&server->ended) == 0);
    ASSERT(pthread_mutex_unlock(&server->lock) == 0);
}

static struct span field(struct MHD_Connection *connection, const char *name)
{
    return span_str(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static struct span remote_text(struct MHD_Connection *connection, char out[ADDRESS_TEXT_BYTES])
{
    const union MHD_ConnectionInfo *known =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!known || !known->client_addr)
        return SPAN("");
    const struct sockaddr *from = known->client_addr;
    const void *address =
        from->sa_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)from)->sin_addr;
    if (!inet_ntop(from->sa_family, address, out, ADDRESS_TEXT_BYTES))
        return SPAN("");
    return span_str(out);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    ASSERT(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void add_allow(struct MHD_Response *response, uint32_t allowed)
{
    struct buf list;
    buf_init(&list, 128);
    for (unsigned i = 0; i < API_METHOD_COUNT; i++)
        if (allowed & 1u << i)
            buf_appendf(&list, "%s%s", list.len ? ", " : "", api_method_name((enum api_method)i));
    add_header(response, "Allow", buf_cstr(&list));
    buf_release(&list);
}

/* draft-ietf-httpapi-ratelimit-headers: what is left, and the policy. */
static void add_rate(struct MHD_Response *response, const struct api_reply *reply)
{
    const struct api_rate *rate = &reply->rate;
    char text[96];
    text_format(text, sizeof(text), "\"default\";r=%llu;t=%llu", (unsigned long long)rate->left,
                (unsigned long long)rate->reset_s);
    add_header(response, "Ratelimit", text);
    text_format(text, sizeof(text), "\"default\";q=%llu;w=%d", (unsigned long long)rate->quota,
                LIMIT_API_RATE_WINDOW_S);
    add_header(response, "Ratelimit-Policy", text);
    if (reply->error != API_ERROR_RATE)
        return;
    text_format(text, sizeof(text), "%llu", (unsigned long long)rate->reset_s);
    add_header(response, "Retry-After", text);
}

/* HttpOnly and SameSite=Strict always; the prefix and Secure when there is TLS. */
static void add_cookie(struct MHD_Response *response, bool secure, const struct api_cookie *cookie)
{
    char text[256];
    if (!cookie->name)
        return;
    size_t len = text_format(text, sizeof(text), "%s%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
                             secure ? API_COOKIE_PREFIX : "", cookie->name, cookie->value,
                             secure ? "; Secure" : "");
    if (cookie->age_s > 0 || cookie->value[0] == '\0')
        (void)text_format(text + len, sizeof(text) - len, "; Max-Age=%llu",
                          (unsigned long long)cookie->age_s);
    add_header(response, "Set-Cookie", text);
    mem_wipe(text, sizeof(text));
}

static void add_headers(const struct server_request *request, const struct api_reply *reply,
                        struct MHD_Response *response)
{
    add_header(response, "Content-Type",
               reply->content_type ? reply->content_type : "application/json");
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "X-Request-Id", request->id.text);
    if (reply->revision) {
        char revision[TEXT_U64_BYTES_MAX + 1] = {0};
        text_format_u64(reply->revision, revision);
        add_header(response, "X-Config-Revision", revision);
    }
    if (reply->rate.limited)
        add_rate(response, reply);
    if (reply->etag[0] != '\0')
        add_header(response, "ETag", reply->etag);
    if (reply->replayed)
        add_header(response, "Idempotency-Replayed", "true");
    if (reply->allowed)
        add_allow(response, reply->allowed);
    if (reply->retry_after_s) {
        char seconds[TEXT_U64_BYTES_MAX + 1] = {0};
        text_format_u64(reply->retry_after_s, seconds);
        add_header(response, "Retry-After", seconds);
    }
    for (size_t i = 0; i < countof(reply->cookies); i++)
        add_cookie(response, request->server->tls, &reply->cookies[i]);
    /* After an error the two ends may disagree about where the next request begins. */
    if (reply->status >= 400)
        add_header(response, "Connection", "close");
}

/* Takes the reply's body. */
static enum MHD_Result queue_reply(struct server_request *request, struct api_reply *reply)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.len, reply->body.ptr, MHD_RESPMEM_MUST_FREE);
    ASSERT(response != NULL);
    reply->body = (struct buf){0};
    add_headers(request, reply, response);
    request->status = reply->status;
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct server_request *request, enum api_error error,
                              const char *text)
{
    struct api_reply reply = {0};
    buf_init(&reply.body, REPLY_BYTES_MAX);
    api_refuse(&reply, error, text);
    return queue_reply(request, &reply);
}

static enum MHD_Result queue_refusal(struct server_request *request)
{
    if (request->refused == API_ERROR_BODY_TOO_LARGE)
        return refuse(request, request->refused,
                      "The request body is larger than the limit of 1048576 bytes");
    return refuse(request, request->refused,
                  "The request's Host, Content-Length or Transfer-Encoding is ambiguous");
}

static void wake_request(struct propagation_wait *wait)
{
    struct server_request *request = container_of(wait, struct server_request, wait);
    MHD_resume_connection(request->connection);
}

/* No thread waits: the connection is taken off the loop until wake_request. */
static enum MHD_Result suspend(struct server_request *request, const struct api_wait *wait)
{
    request->waited = true;
    request->wait = (struct propagation_wait){
        .revision = wait->revision,
        .deadline_ms = clock_mono_ms() + wait->wait_ms,
        .wake = wake_request,
    };
    MHD_suspend_connection(request->connection);
    if (!propagation_wait_start(request->server->propagation, &request->wait))
        MHD_resume_connection(request->connection);
    return MHD_YES;
}

static void job_done(struct password_job *job)
{
    struct server_request *request = job->owner;
    MHD_resume_connection(request->connection);
}

/* Nor does a thread wait for a hash. */
static enum MHD_Result suspend_for_hash(struct server_request *request, struct password_job *job)
{
    request->job = job;
    request->waited = true;
    job->owner = request;
    job->done = job_done;
    MHD_suspend_connection(request->connection);
    job->result = ERR_BUSY;
    if (hasher_submit(request->server->api.hasher, job) != ERR_OK)
        MHD_resume_connection(request->connection);
    return MHD_YES;
}

static void read_browser(const struct server_request *request, struct api_request *out)
{
    out->cookie = field(request->connection, "Cookie");
    out->origin = field(request->connection, "Origin");
    out->fetch_site = field(request->connection, "Sec-Fetch-Site");
    out->requested_by = field(request->connection, "X-Requested-By");
}

static enum MHD_Result dispatch(struct server_request *request)
{
    char remote[ADDRESS_TEXT_BYTES];
    struct api_request asked = {
        .api = &request->server->api,
        .request_id = request->id,
        .method = span_str(request->method),
        .target = span_str(request->target),
        .remote = remote_text(request->connection, remote),
        .authorization = field(request->connection, "Authorization"),
        .auth_email = field(request->connection, "X-Auth-Email"),
        .auth_key = field(request->connection, "X-Auth-Key"),
        .content_type = field(request->connection, "Content-Type"),
        .accept = field(request->connection, "Accept"),
        .if_match = field(request->connection, "If-Match"),
        .if_none_match = field(request->connection, "If-None-Match"),
        .idempotency_key = field(request->connection, "Idempotency-Key"),
        .body = buf_span(&request->body),
        .waited = request->waited,
        .job = request->job,
    };
    read_browser(request, &asked);
    struct api_reply reply = {0};
    buf_init(&reply.body, REPLY_BYTES_MAX);
    api_dispatch(&asked, &reply);
    if (reply.wait.wait_ms > 0) {
        buf_release(&reply.body);
        return suspend(request, &reply.wait);
    }
    if (reply.job) {
        buf_release(&reply.body);
        return suspend_for_hash(request, reply.job);
    }
    return queue_reply(request, &reply);
}

/* A client that asks first, or one whose body would be read for nothing, is answered at once;
 * others are read to the end: an answer in the middle of an upload is lost in the reset that
 * follows. */
static bool answer_early(const struct server_request *request, struct span length)
{
    uint64_t bytes;
    return request->refused != API_ERROR_BODY_TOO_LARGE ||
           field(request->connection, "Expect").len > 0 ||
           text_parse_u64(length, LIMIT_API_DISCARD_BYTES, &bytes) != ERR_OK;
}

static enum MHD_Result take_head(struct server_request *request, const char *method,
                                 const char *version)
{
    request->head_seen = true;
    if (!span_to_cstr(span_str(method), request->method, sizeof(request->method)))
        ASSERT(span_to_cstr(SPAN("(long)"), request->method, sizeof(request->method)));
    uint64_t length = 0;
    struct span length_text = field(request->connection, "Content-Length");
    if (server_head_check(request->connection, version) != ERR_OK)
        request->refused = API_ERROR_REQUEST_AMBIGUOUS;
    else if (length_text.ptr &&
             text_parse_u64(length_text, LIMIT_API_BODY_BYTES, &length) != ERR_OK)
        request->refused = API_ERROR_BODY_TOO_LARGE;
    return request->refused && answer_early(request, length_text) ? queue_refusal(request)
                                                                  : MHD_YES;
}

enum MHD_Result server_request_on_progress(void *cls, struct MHD_Connection *connection,
                                           const char *url, const char *method, const char *version,
                                           const char *bytes, size_t *bytes_len, void **slot)
{
    (void)cls;
    (void)connection;
    (void)url;
    struct server_request *request = *slot;
    TAG_CHECK(request, SERVER_REQUEST_TAG);
    if (!request->head_seen)
        return take_head(request, method, version);
    if (*bytes_len > 0) {
        /* A chunked body past the limit: read on, answer at its end, keep nothing. */
        buf_append(&request->body, span_of(bytes, *bytes_len));
        if (request->body.overflowed)
            request->refused = API_ERROR_BODY_TOO_LARGE;
        *bytes_len = 0;
        return MHD_YES;
    }
    return request->refused ? queue_refusal(request) : dispatch(request);
}
