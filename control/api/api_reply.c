/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_reply.c - the envelope, for what went well and what did not.
 */
#include "control/api/api_reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/text.h"

#define REAL_DIGITS 15 /* 12.748 stays 12.748 */

struct error_row {
    int status;
    int code, chain_code;
    const char *text;
};

static const struct error_row error_rows[API_ERROR_COUNT] = {
#define X(name, status, code, chain_code, text) {status, code, chain_code, text},
    API_ERROR_TABLE(X)
#undef X
};

json_t *api_json_text(struct span text)
{
    json_t *value = json_stringn(text.ptr ? (const char *)text.ptr : "", text.len);
    /* Bytes that are not UTF-8 cannot come in through json_parse; a certificate's names may. */
    return value ? value : json_string("");
}

json_t *api_json_id(const struct id *id)
{
    return api_json_text(id_span(id));
}

json_t *api_json_u64(uint64_t value)
{
    ASSERT(value <= INT64_MAX);
    return json_integer((json_int_t)value);
}

json_t *api_json_time(uint64_t unix_us)
{
    if (unix_us == 0)
        return json_null();
    char text[TEXT_TIME_BYTES];
    text_format_time(unix_us, text);
    return json_string(text);
}

static int append_json(const char *bytes, size_t len, void *cls)
{
    buf_append((struct buf *)cls, span_of(bytes, len));
    return 0;
}

static const char answer_too_large[] =
    "{\"success\":false,\"errors\":[{\"code\":10013,\"message\":\"The answer is too large: "
    "ask for smaller pages\"}],\"messages\":[],\"result\":null}";

static void write_envelope(struct api_reply *reply, json_t *envelope)
{
    ASSERT(envelope != NULL);
    buf_clear(&reply->body);
    ASSERT(json_dump_callback(envelope, append_json, &reply->body,
                              JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)) == 0);
    json_decref(envelope);
    if (!reply->body.overflowed)
        return;
    buf_clear(&reply->body);
    reply->status = error_rows[API_ERROR_INTERNAL].status;
    buf_append_str(&reply->body, answer_too_large);
}

enum err api_reply_result(struct api_reply *reply, json_t *result)
{
    reply->status = 200;
    write_envelope(reply, json_pack("{s:b, s:[], s:[], s:o}", "success", 1, "errors", "messages",
                                    "result", result ? result : json_null()));
    return ERR_OK;
}

enum err api_reply_listed(struct api_reply *reply, json_t *result, json_t *described)
{
    reply->status = 200;
    write_envelope(reply, json_pack("{s:b, s:[], s:[], s:o, s:o}", "success", 1, "errors",
                                    "messages", "result", result, "result_info", described));
    return ERR_OK;
}

enum err api_reply_page(struct api_reply *reply, json_t *result, const struct api_page *page)
{
    json_t *described = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "page", api_json_u64(page->page), "per_page",
        api_json_u64(page->per_page), "count", api_json_u64(page->count), "total_count",
        api_json_u64(page->total_count), "total_pages", api_json_u64(api_page_total(page)));
    return api_reply_listed(reply, result, described);
}

enum err api_reply_changed(struct api_reply *reply, json_t *result, uint64_t revision)
{
    reply->revision = revision;
    return api_reply_result(reply, result);
}

/* "path: text", "text", or what the table says. */
static json_t *describe_problem(const struct api_reply *reply, const char *fallback)
{
    const struct problem *problem = &reply->problem;
    if (problem->text[0] == '\0')
        return json_string(fallback);
    if (problem->path[0] == '\0')
        return api_json_text(span_str(problem->text));
    char text[sizeof(problem->path) + sizeof(problem->text) + 2];
    text_format(text, sizeof(text), "%s: %s", problem->path, problem->text);
    return api_json_text(span_str(text));
}

static json_t *describe_missing(const struct api_reply *reply, struct span path)
{
    char text[512];
    int written = snprintf(
        text, sizeof(text), "Could not route to %.*s, perhaps your object identifier is invalid?",
        path.len > 256 ? 256 : (int)path.len, path.ptr ? (const char *)path.ptr : "");
    ASSERT(written > 0 && (size_t)written < sizeof(text));
    const struct error_row *no_route = &error_rows[API_ERROR_NO_ROUTE];
    (void)reply;
    return json_pack("[{s:i, s:o}, {s:i, s:s}]", "code", error_rows[API_ERROR_NO_OBJECT].code,
                     "message", api_json_text(span_str(text)), "code", no_route->code, "message",
                     no_route->text);
}

static json_t *describe_errors(const struct api_reply *reply, struct span path)
{
    const struct error_row *row = &error_rows[reply->error];
    if (reply->error == API_ERROR_NO_OBJECT)
        return describe_missing(reply, path);
    if (row->chain_code == 0)
        return json_pack("[{s:i, s:o}]", "code", row->code, "message",
                         describe_problem(reply, row->text));
    return json_pack("[{s:i, s:s, s:[{s:i, s:o}]}]", "code", row->code, "message", row->text,
                     "error_chain", "code", row->chain_code, "message",
                     describe_problem(reply, row->text));
}

void api_reply_error(struct api_reply *reply, struct span path)
{
    ASSERT(reply->error > API_ERROR_NONE && reply->error < API_ERROR_COUNT);
    reply->status = error_rows[reply->error].status;
    write_envelope(reply, json_pack("{s:b, s:o, s:[], s:n}", "success", 0, "errors",
                                    describe_errors(reply, path), "messages", "result"));
}

void api_refuse(struct api_reply *reply, enum api_error error, const char *text)
{
    reply->error = error;
    problem_set(&reply->problem, ERR_INVALID, "", "%s", text);
    api_reply_error(reply, SPAN_EMPTY);
}

enum err api_fail(struct api_reply *reply, enum api_error error, const char *path,
                  const char *format, ...)
{
    char text[sizeof(reply->problem.text)];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ASSERT(written >= 0);
    reply->error = error;
    return problem_set(&reply->problem, ERR_INVALID, path, "%s", text);
}
