/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record_text.c - /zones/{zone}/dns_records/export and import: records as a zone file.
 *
 * What is imported comes as multipart/form-data with the parts `file` and `proxied`, as clients of
 * the original send it, or as the text itself.  A record that is there already is passed over; any
 * other problem refuses the whole file.
 */
#include "common/base/text.h"
#include "common/model/record_text.h"
#include "control/api/api_record.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"

#define BOUNDARY_BYTES_MAX 70 /* RFC 2046 5.1.1 */

/* ---- export */

static void write_record(const struct store_record *record, struct buf *out)
{
    const struct record_line line = {
        .name = record->name,
        .content = record->content,
        .type = record->type,
        .ttl_s = record->ttl_s,
        .priority = record->priority,
        .priority_given = record->priority_given,
    };
    record_text_write(&line, out);
    if (record->proxied)
        buf_append_str(out, " ; cf_tags=cf-proxied:true");
    buf_append_byte(out, '\n');
}

static enum err record_export(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    struct store_conn *conn;
    struct store_record_list list;
    struct store_record_query query = {.scope = request->actor.scope};
    TRY(api_zone_read(request, &zone));
    TRY(api_reader(request, &conn));
    query.zone_id = zone.id;
    query.page = (struct store_page){.page = 1, .per_page = LIMIT_ZONE_RECORDS};
    TRY(store_record_list(conn, &query, &request->arena, &list));
    buf_clear(&reply->body);
    buf_appendf(&reply->body, ";; Domain: %.*s.\n$ORIGIN %.*s.\n", SPAN_ARG(zone.name),
                SPAN_ARG(zone.name));
    for (size_t i = 0; i < list.count; i++)
        write_record(&list.rows[i], &reply->body);
    if (reply->body.overflowed)
        return ERR_LIMIT;
    reply->status = 200;
    reply->content_type = "text/plain; charset=utf-8";
    return ERR_OK;
}

/* ---- import */

struct import {
    struct span text;
    bool proxied;
};

static size_t find_text(struct span in, struct span what)
{
    for (size_t i = 0; i + what.len <= in.len; i++)
        if (span_starts_with(span_skip(in, i), what))
            return i;
    return in.len;
}

/* boundary=x or boundary="x" of the Content-Type. */
static struct span find_boundary(struct span type)
{
    struct span rest = span_skip(type, find_text(type, SPAN("boundary=")));
    if (rest.len == 0)
        return SPAN_EMPTY;
    rest = span_skip(rest, sizeof("boundary=") - 1);
    bool quoted = rest.len > 0 && rest.ptr[0] == '"';
    if (quoted)
        rest = span_skip(rest, 1);
    return span_split(&rest, quoted ? '"' : ';');
}

static void take_part(struct span part, struct import *out)
{
    size_t head_len = find_text(part, SPAN("\r\n\r\n"));
    struct span head = span_first(part, head_len);
    if (head_len == part.len)
        return;
    struct span body = span_skip(part, head_len + 4);
    if (find_text(head, SPAN("name=\"file\"")) < head.len)
        out->text = body;
    else if (find_text(head, SPAN("name=\"proxied\"")) < head.len)
        out->proxied = span_equal(span_trim(body), SPAN("true"));
}

/* Parts stand between lines of "--boundary" (RFC 2046 5.1); ptr stays NULL where no file is. */
static void split_parts(struct span body, struct span boundary, struct import *out)
{
    char line[BOUNDARY_BYTES_MAX + sizeof("\r\n--")];
    size_t len = text_format(line, sizeof(line), "\r\n--%.*s", SPAN_ARG(boundary));
    struct span mark = span_of(line, len);
    size_t at = span_starts_with(body, span_skip(mark, 2)) ? 0 : find_text(body, mark);
    body = span_skip(body, at);
    while (body.len > mark.len) {
        body = span_skip(body, mark.len);
        size_t part_len = find_text(body, mark);
        take_part(span_first(body, part_len), out);
        body = span_skip(body, part_len);
    }
}

static enum err read_import(struct api_request *request, struct api_reply *reply,
                            struct import *out)
{
    *out = (struct import){.text = request->body};
    if (!span_starts_with(request->content_type, SPAN("multipart/form-data")))
        return ERR_OK;
    struct span boundary = find_boundary(request->content_type);
    out->text = SPAN_EMPTY;
    if (boundary.len > 0 && boundary.len <= BOUNDARY_BYTES_MAX)
        split_parts(request->body, boundary, out);
    if (out->text.ptr == NULL)
        return api_fail(reply, API_ERROR_FIELD, "file", "%s", "is required");
    return ERR_OK;
}

static enum err create_line(struct api_request *request, const struct id *zone_id,
                            const struct record_line *line, bool proxied, struct problem *problem)
{
    struct id id;
    const struct change_record_spec spec = {
        .type = span_str(record_type_name(line->type)),
        .type_given = true,
        .name = line->name,
        .name_given = true,
        .content = line->content,
        .content_given = true,
        .ttl_s = line->ttl_s,
        .ttl_given = true,
        .priority = line->priority,
        .priority_given = line->priority_given,
        .proxied = proxied && record_type_proxiable(line->type),
        .proxied_given = true,
    };
    return change_record_create(request->change, zone_id, &spec, &id, problem);
}

/* A TTL that the API would refuse is one that it takes; the file is another server's. */
static uint64_t bound_ttl(uint64_t ttl_s)
{
    if (ttl_s == 1)
        return 1;
    if (ttl_s < CHANGE_TTL_S_MIN)
        return CHANGE_TTL_S_MIN;
    return ttl_s > CHANGE_TTL_S_MAX ? CHANGE_TTL_S_MAX : ttl_s;
}

static enum err record_import(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    struct import import;
    struct record_text reader;
    uint64_t added = 0, parsed = 0;
    TRY(read_import(request, reply, &import));
    TRY(api_zone_read(request, &zone));
    TRY(api_change_begin(request, reply));
    record_text_begin(&reader, import.text, zone.name, &request->arena);
    for (;; parsed++) {
        struct record_line line;
        enum err err = record_text_next(&reader, &line, &reply->problem);
        if (err == ERR_NOT_FOUND)
            break;
        TRY(err);
        if (parsed == LIMIT_ZONE_RECORDS)
            return api_fail(reply, API_ERROR_QUOTA, "file", "has more than %d records",
                            LIMIT_ZONE_RECORDS);
        line.ttl_s = bound_ttl(line.ttl_s);
        err = create_line(request, &zone.id, &line, import.proxied, &reply->problem);
        if (err != ERR_OK && err != ERR_EXISTS)
            text_format(reply->problem.path, sizeof(reply->problem.path), "line %zu", reader.line);
        if (err != ERR_EXISTS)
            TRY(err);
        added += err == ERR_OK;
    }
    if (added == 0)
        change_abandon(&request->change);
    else
        TRY(api_change_commit(request, reply));
    reply->problem = (struct problem){0};
    return api_reply_result(reply, json_pack("{s:o, s:o}", "recs_added", api_json_u64(added),
                                             "total_records_parsed", api_json_u64(parsed)));
}

const struct api_route api_record_text_routes[] = {
    {API_GET, "/zones/{zone}/dns_records/export", PERMISSION_RECORD_READ, record_export, NULL,
     false},
    {API_POST, "/zones/{zone}/dns_records/import", PERMISSION_RECORD_EDIT, record_import,
     api_record_errors, false},
    API_ROUTES_END,
};
