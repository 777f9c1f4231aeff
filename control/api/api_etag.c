/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_etag.c - the digest of an answer, and whether a client's condition holds.
 */
#include "control/api/api_etag.h"

#include "common/base/hex.h"
#include "common/model/digest.h"

/* A GET inside a change answers one object or one page. */
#define CURRENT_BYTES_MAX (4 * 1024 * 1024)
#define TAG_DIGEST_BYTES ((API_ETAG_BYTES - 3) / 2)

/* "" around the first half of a SHA-256: collisions are nobody's gain here. */
static void format_tag(struct span body, char out[API_ETAG_BYTES])
{
    struct digest digest = digest_of(body);
    out[0] = '"';
    hex_encode(span_of(digest.bytes, TAG_DIGEST_BYTES), out + 1);
    out[API_ETAG_BYTES - 2] = '"';
    out[API_ETAG_BYTES - 1] = '\0';
}

/* A list of tags, or `*`.  Weak ones count only where the comparison may be weak. */
static bool names_tag(struct span list, struct span tag, bool weak_counts)
{
    if (span_equal(span_trim(list), SPAN("*")))
        return true;
    while (list.len > 0) {
        struct span one = span_trim(span_split(&list, ','));
        if (weak_counts && span_starts_with(one, SPAN("W/")))
            one = span_skip(one, 2);
        if (span_equal(one, tag))
            return true;
    }
    return false;
}

void api_etag_answer(const struct api_request *request, struct api_reply *reply)
{
    if (!request->route || request->route->method != API_GET || reply->status != 200 ||
        reply->wait.wait_ms > 0)
        return;
    format_tag(buf_span(&reply->body), reply->etag);
    if (!request->if_none_match.ptr ||
        !names_tag(request->if_none_match, span_str(reply->etag), true))
        return;
    buf_clear(&reply->body);
    reply->status = 304;
}

/* What a GET of the same path by the same caller answers at this moment. */
static void get_current(const struct api_request *request, struct api_reply *current)
{
    struct api_request get = *request;
    get.method = SPAN("GET");
    get.target = request->path;
    get.body = get.if_match = get.if_none_match = get.idempotency_key = SPAN_EMPTY;
    get.inner = true;
    get.route = NULL;
    get.json = NULL;
    get.reader = NULL;
    get.change = NULL;
    api_dispatch(&get, current);
}

enum err api_etag_require(const struct api_request *request, struct api_reply *reply)
{
    if (!request->if_match.ptr)
        return ERR_OK;
    struct api_reply current = {0};
    buf_init(&current.body, CURRENT_BYTES_MAX);
    get_current(request, &current);
    /* What cannot be seen has its own answer, which comes next. */
    bool holds =
        current.status == 404 ||
        (current.status == 200 && names_tag(request->if_match, span_str(current.etag), false));
    buf_release(&current.body);
    if (holds)
        return ERR_OK;
    return api_fail(reply, API_ERROR_PRECONDITION, "",
                    "The object is not what If-Match names: read it again%s%s",
                    current.etag[0] ? ", its ETag is now " : "", current.etag);
}
