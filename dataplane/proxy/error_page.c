/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_page.c - error pages in both forms.
 */
#include "dataplane/proxy/error_page.h"

#include "common/base/text.h"

struct error_text {
    enum err err;
    const char *title, *sentence;
};

static const struct error_text texts[] = {
    {ERR_HOST_UNKNOWN, "Unknown host", "This hostname is not served here."},
    {ERR_REQUEST_SYNTAX, "Bad request", "The request is not valid HTTP."},
    {ERR_REQUEST_FRAMING, "Bad request", "Where the request's body ends is not clear."},
    {ERR_REQUEST_FIELD, "Bad request", "A header field of the request is not valid."},
    {ERR_REQUEST_HOST, "Bad request", "The request names no valid host."},
    {ERR_REQUEST_TARGET, "Bad request", "The request's target is not valid."},
    {ERR_REQUEST_GRPC, "gRPC is off", "gRPC is switched off for this site."},
    {ERR_REQUEST_METHOD, "Method not allowed", "The request's method is not served here."},
    {ERR_REQUEST_TARGET_TOO_LONG, "Target too long",
     "The request's target is longer than is accepted here."},
    {ERR_REQUEST_EXPECT, "Expectation failed", "The request expects what is not known here."},
    {ERR_REQUEST_HEAD_TOO_LARGE, "Header too large",
     "The request's header fields are more, or larger, than is accepted here."},
    {ERR_REQUEST_CODING, "Not implemented",
     "The request's body has a transfer coding that is not known here."},
    {ERR_REQUEST_VERSION, "Version not supported",
     "The request is of a version of HTTP that is not spoken here."},
    {ERR_REQUEST_LOOP, "Loop detected", "The request came back to the edge that had sent it."},
    {ERR_REQUEST_MISDIRECTED, "Misdirected request",
     "This connection was made for another host; the request needs one of its own."},
    {ERR_REQUEST_BODY_TOO_LARGE, "Upload too large",
     "The request's body is larger than is accepted here."},
    {ERR_REQUEST_TIMEOUT, "Request timeout", "The request did not arrive in time."},
    {ERR_ORIGIN_ANSWER, "Invalid answer from the origin",
     "The origin sent an answer that is not valid HTTP."},
    {ERR_ORIGIN_RESET, "Connection to the origin lost",
     "The origin closed the connection before it had answered."},
    {ERR_ORIGIN_STREAM_RESET, "Stream reset by the origin",
     "The origin broke off its answer before it had begun."},
    {ERR_ORIGIN_STALE, "Connection to the origin lost",
     "The origin closed the connection before it had answered."},
    {ERR_ORIGIN_NOT_PROCESSED, "Refused by the origin",
     "The origin declined to process the request."},
    {ERR_ORIGIN_REFUSED_STREAM, "Refused by the origin",
     "The origin takes no more requests right now."},
    {ERR_ORIGIN_MISDIRECTED, "Misdirected request", "The origin does not serve this host."},
    {ERR_ORIGIN_H1_REQUIRED, "Protocol refused by the origin",
     "The origin asked for HTTP/1.1, which this request cannot use."},
    {ERR_ORIGIN_H2_BROKEN, "Protocol error at the origin", "The origin broke the rules of HTTP/2."},
    {ERR_ORIGIN_H2_MISSING, "Protocol not spoken by the origin",
     "The origin does not speak HTTP/2, which this request needs."},
    {ERR_ORIGIN_REFUSED, "Origin is down", "The origin refused the connection."},
    {ERR_ORIGIN_CONNECT_TIMEOUT, "Connection timed out",
     "The origin did not accept a connection in time."},
    {ERR_ORIGIN_UNREACHABLE, "Origin is unreachable", "There is no route to the origin."},
    {ERR_ORIGIN_ADDRESS, "Origin is unreachable",
     "The origin's address is not one that may be connected to."},
    {ERR_ORIGIN_READ_TIMEOUT, "A timeout occurred", "The origin did not answer in time."},
    {ERR_ORIGIN_TLS, "TLS handshake failed", "A secure connection to the origin was not possible."},
    {ERR_ORIGIN_CLIENT_CERTIFICATE, "TLS handshake failed",
     "The origin wants a client certificate, or did not accept the one that it was shown."},
    {ERR_ORIGIN_CERTIFICATE, "Invalid certificate at the origin",
     "The origin's certificate is not valid for this host."},
    {ERR_ORIGIN_RESOLVE, "Origin name not resolved", "The origin's name has no address."},
    {ERR_ORIGIN_QUEUE_FULL, "Service unavailable",
     "Too many requests are waiting for this origin."},
    {ERR_ORIGIN_QUEUE_TIMEOUT, "Service unavailable",
     "The request waited too long for a connection to the origin."},
    {ERR_ZONE_BUSY, "Too many requests at once",
     "This website has more requests under way than it may have; try again in a moment."},
    {ERR_BUSY, "Service unavailable", "The edge cannot serve this host right now."},
};

static const struct error_text other_text = {ERR_INTERNAL, "Internal error",
                                             "The edge could not handle the request."};
static const struct error_text client_text = {ERR_INVALID, "Bad request",
                                              "The request is not valid."};

static const struct error_text *text_of(enum err err)
{
    for (size_t i = 0; i < countof(texts); i++)
        if (texts[i].err == err)
            return &texts[i];
    return err_fault(err) == FAULT_CLIENT ? &client_text : &other_text;
}

static void write_json(const struct error_page *page, const char *time, struct buf *out)
{
    const struct error_text *text = text_of(page->err);
    buf_appendf(out,
                "{\"status\":%d,\"error\":\"%s\",\"title\":\"%s\",\"detail\":\"%s\",\"ray\":\"",
                err_edge_status(page->err), err_slug(page->err), text->title, text->sentence);
    buf_append_json(out, page->ray);
    if (page->reason.len > 0) {
        buf_append_str(out, "\",\"reason\":\"");
        buf_append_json(out, page->reason);
    }
    buf_appendf(out, "\",\"time\":\"%s\"}\n", time);
}

/* The edge's id is the operator's text. */
static void write_escaped(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            buf_appendf(out, "&#%u;", (unsigned)c);
        else
            buf_append_byte(out, c);
    }
}

static void write_html(const struct error_page *page, const char *time, struct buf *out)
{
    const struct error_text *text = text_of(page->err);
    int status = err_edge_status(page->err);
    buf_appendf(out,
                "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<title>%d %s</title>\n",
                status, text->title);
    buf_append_str(out,
                   "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:15vh auto;"
                   "padding:0 1.5em;color:#222;background:#fff}h1{font-size:1.5em}"
                   "dl{color:#555;font-size:.875em;display:grid;grid-template-columns:auto 1fr;"
                   "gap:0 1em}dd{margin:0;font-family:monospace}"
                   "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}"
                   "dl{color:#999}}</style>\n</head>\n<body>\n");
    buf_appendf(out, "<h1>%d %s</h1>\n<p>%s</p>\n<dl>\n<dt>Error</dt><dd>%s</dd>\n", status,
                text->title, text->sentence, err_slug(page->err));
    if (page->reason.len > 0) {
        buf_append_str(out, "<dt>Reason</dt><dd>");
        write_escaped(page->reason, out);
        buf_append_str(out, "</dd>\n");
    }
    buf_append_str(out, "<dt>Ray</dt><dd>");
    write_escaped(page->ray, out);
    buf_appendf(out, "</dd>\n<dt>Time</dt><dd>%s</dd>\n</dl>\n</body>\n</html>\n", time);
}

const char *error_page_sentence(enum err err)
{
    return text_of(err)->sentence;
}

void error_page_write(const struct error_page *page, struct buf *out)
{
    char time[TEXT_TIME_BYTES];
    text_format_time(page->unix_us, time);
    if (page->json)
        write_json(page, time, out);
    else
        write_html(page, time, out);
}

bool error_page_wants_json(const struct fields *fields)
{
    bool json = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct span list = fields->items[i].value;
        while (fields->items[i].id == FIELD_ACCEPT && list.len > 0) {
            struct span range = span_split(&list, ',');
            struct span type = span_trim(span_split(&range, ';'));
            if (span_equal_nocase(type, SPAN("text/html")))
                return false;
            json = json || span_equal_nocase(type, SPAN("application/json"));
        }
    }
    return json;
}
