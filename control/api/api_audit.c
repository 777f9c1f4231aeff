/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_audit.c - who changed what: by page (audit_logs), by cursor (logs/audit), as CSV.
 *
 * An action is "noun.verb", like "zone.create": the noun is the type of the resource, and the verb
 * is what the second form of the original calls the type of the action.
 */
#include "common/base/text.h"
#include "control/api/api_page.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/store/store_audit.h"

#define ROWS_MAX 1000
#define ROWS_NORMAL 100
#define CSV_ROWS_MAX 10000

static json_t *id_or_null(const struct id *id)
{
    return id->text[0] ? api_json_id(id) : json_null();
}

static json_t *json_or_null(struct span text)
{
    json_t *value = text.len ? json_loadb((const char *)text.ptr, text.len, 0, NULL) : NULL;
    return value ? value : json_null();
}

static struct span noun_of(struct span action)
{
    return span_first(action, span_find(action, '.'));
}

/* "create", "update" or "delete". */
static const char *kind_of(struct span action)
{
    struct span verb = span_skip(action, noun_of(action).len);
    if (span_equal(verb, SPAN(".create")) || span_equal(verb, SPAN(".bootstrap")))
        return "create";
    return span_equal(verb, SPAN(".delete")) ? "delete" : "update";
}

/* What was refused is written down as well (request.refuse, login.refuse). */
static bool succeeded(const struct store_audit_entry *entry)
{
    return !span_ends_with(entry->action, SPAN(".refuse"));
}

/* The id of what was changed, where the entry says it, else of its zone or account. */
static json_t *resource_id(const struct store_audit_entry *entry)
{
    json_t *said = json_or_null(entry->new_json.len ? entry->new_json : entry->old_json);
    json_t *id = json_incref(json_object_get(said, "id"));
    json_decref(said);
    if (json_is_string(id))
        return id;
    json_decref(id);
    return id_or_null(entry->zone_id.text[0] ? &entry->zone_id : &entry->account_id);
}

static json_t *row_id(const struct store_audit_row *row)
{
    char text[TEXT_U64_BYTES_MAX + 1] = {0};
    text_format_u64(row->id, text);
    return json_string(text);
}

static json_t *first_form(const struct store_audit_row *row)
{
    const struct store_audit_entry *entry = &row->entry;
    json_t *actor = json_pack("{s:o, s:o, s:o, s:s}", "id", id_or_null(&entry->user_id), "email",
                              api_json_text(row->user_email), "ip", api_json_text(entry->ip),
                              "type", entry->user_id.text[0] ? "user" : "admin");
    json_t *metadata =
        json_pack("{s:o, s:o, s:o, s:o}", "token_id", id_or_null(&entry->token_id), "zone_id",
                  id_or_null(&entry->zone_id), "zone_name", api_json_text(row->zone_name),
                  "request_id", api_json_text(entry->request_id));
    return json_pack(
        "{s:o, s:{s:o, s:b}, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:{s:o}, s:{s:o, s:o}, "
        "s:o}",
        "id", row_id(row), "action", "type", api_json_text(entry->action), "result",
        succeeded(entry), "actor", actor, "interface", "API", "metadata", metadata, "newValue",
        api_json_text(entry->new_json), "oldValue", api_json_text(entry->old_json), "newValueJson",
        json_or_null(entry->new_json), "oldValueJson", json_or_null(entry->old_json), "owner", "id",
        id_or_null(&entry->account_id), "resource", "id", resource_id(entry), "type",
        api_json_text(noun_of(entry->action)), "when", api_json_time(entry->at_us));
}

static json_t *second_form(const struct store_audit_row *row)
{
    const struct store_audit_entry *entry = &row->entry;
    bool token = entry->token_id.text[0] != '\0';
    json_t *actor =
        json_pack("{s:o, s:o, s:o, s:s, s:s}", "id", id_or_null(&entry->user_id), "email",
                  api_json_text(row->user_email), "ip_address", api_json_text(entry->ip), "context",
                  token ? "api_token" : "api", "type", entry->user_id.text[0] ? "user" : "system");
    if (token)
        json_object_set_new(actor, "token_id", api_json_id(&entry->token_id));
    json_t *resource = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o}", "id", resource_id(entry), "type",
        api_json_text(noun_of(entry->action)), "product", api_json_text(noun_of(entry->action)),
        "scope", entry->zone_id.text[0] ? "zones" : "accounts", "request",
        json_or_null(entry->new_json), "response", json_or_null(entry->old_json));
    json_t *json = json_pack(
        "{s:o, s:{s:o, s:o}, s:{s:o, s:s, s:o, s:s}, s:o, s:{s:o}, s:o}", "id", row_id(row),
        "account", "id", id_or_null(&entry->account_id), "name", api_json_text(row->account_name),
        "action", "description", api_json_text(entry->action), "result",
        succeeded(entry) ? "success" : "failure", "time", api_json_time(entry->at_us), "type",
        kind_of(entry->action), "actor", actor, "raw", "cf_ray_id",
        api_json_text(entry->request_id), "resource", resource);
    if (entry->zone_id.text[0])
        json_object_set_new(json, "zone",
                            json_pack("{s:o, s:o}", "id", api_json_id(&entry->zone_id), "name",
                                      api_json_text(row->zone_name)));
    return json;
}

/* ---- CSV */

/* What a spreadsheet would take for a formula begins with an apostrophe. */
static void put_cell(struct buf *out, struct span text, char end)
{
    buf_append_byte(out, '"');
    if (text.len > 0 && memchr("=+-@\t\r", text.ptr[0], 6))
        buf_append_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_append_byte(out, '"');
        buf_append_byte(out, text.ptr[i]);
    }
    buf_append_byte(out, '"');
    buf_append_byte(out, (uint8_t)end);
}

static void put_row(struct buf *out, const struct store_audit_row *row)
{
    const struct store_audit_entry *entry = &row->entry;
    char when[TEXT_TIME_BYTES];
    text_format_time(entry->at_us, when);
    buf_appendf(out, "%llu,", (unsigned long long)row->id);
    put_cell(out, span_str(when), ',');
    put_cell(out, row->user_email, ',');
    put_cell(out, id_span(&entry->user_id), ',');
    put_cell(out, id_span(&entry->token_id), ',');
    put_cell(out, entry->ip, ',');
    put_cell(out, entry->action, ',');
    put_cell(out, row->account_name, ',');
    put_cell(out, row->zone_name, ',');
    put_cell(out, entry->old_json, ',');
    put_cell(out, entry->new_json, ',');
    put_cell(out, entry->request_id, '\n');
}

static enum err reply_csv(struct api_reply *reply, const struct store_audit_list *list)
{
    buf_clear(&reply->body);
    buf_append_str(&reply->body, "id,when,actor_email,actor_id,token_id,ip,action,account,zone,"
                                 "old_value,new_value,request_id\n");
    for (size_t i = 0; i < list->count; i++)
        put_row(&reply->body, &list->rows[i]);
    if (reply->body.overflowed)
        return api_fail(reply, API_ERROR_QUOTA, "", "%s",
                        "The file is too large: ask for less with since and before");
    reply->status = 200;
    reply->content_type = "text/csv; charset=utf-8";
    return ERR_OK;
}

static bool wants_csv(struct api_request *request)
{
    struct span format;
    if (api_query_get(request, "export", &format))
        return span_equal(format, SPAN("csv")) || span_equal(format, SPAN("true"));
    return span_starts_with(request->accept, SPAN("text/csv"));
}

/* ---- what is asked for */

static enum err read_time(struct api_request *request, struct api_reply *reply, const char *name,
                          uint64_t *out)
{
    struct span text;
    if (!api_query_get(request, name, &text) || text.len == 0)
        return ERR_OK;
    if (text_parse_time(text, out) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, name, "%s",
                        "must be a time like 2026-11-22T10:00:00Z or a date");
    return ERR_OK;
}

static void read_text(struct api_request *request, const char *first, const char *second,
                      struct span *out)
{
    if (!api_query_get(request, first, out))
        (void)api_query_get(request, second, out);
}

static enum err read_filters(struct api_request *request, struct api_reply *reply,
                             struct store_audit_query *query)
{
    struct span zone, direction;
    TRY(read_time(request, reply, "since", &query->since_us));
    TRY(read_time(request, reply, "before", &query->before_us));
    read_text(request, "actor.email", "actor_email", &query->actor_email);
    read_text(request, "action.type", "action", &query->action);
    read_text(request, "zone.id", "zone_id", &zone);
    if (zone.len > 0 && id_parse(zone, &query->zone_id) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "zone.id", "%s", "must be 32 hex digits");
    query->page.descending =
        !api_query_get(request, "direction", &direction) || !span_equal(direction, SPAN("asc"));
    return ERR_OK;
}

static enum err load(struct api_request *request, const struct store_audit_query *query,
                     struct store_audit_list *list)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_audit_list(conn, query, &request->arena, list);
}

static enum err reply_first_form(struct api_request *request, struct api_reply *reply,
                                 struct store_audit_query *query)
{
    static const struct api_page_rule rule = {ROWS_MAX, ROWS_NORMAL};
    struct api_page page;
    struct store_audit_list list;
    bool csv = wants_csv(request);
    TRY(api_page_read(request, reply, &rule, &page));
    TRY(read_filters(request, reply, query));
    query->page.page = csv ? 1 : page.page;
    query->page.per_page = csv ? CSV_ROWS_MAX : page.per_page;
    TRY(load(request, query, &list));
    if (csv)
        return reply_csv(reply, &list);
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, first_form(&list.rows[i]));
    json_t *described = json_pack("{s:o, s:o, s:o}", "page", api_json_u64(page.page), "per_page",
                                  api_json_u64(page.per_page), "count", api_json_u64(list.count));
    return api_reply_listed(reply, rows, described);
}

static enum err audit_of_account(struct api_request *request, struct api_reply *reply)
{
    struct store_audit_query query = {.page = {.page = 1}};
    TRY(api_param_id(request, 0, &query.account_id));
    return reply_first_form(request, reply, &query);
}

static enum err audit_of_user(struct api_request *request, struct api_reply *reply)
{
    struct store_audit_query query = {
        .user_id = request->actor.scope.user_id,
        .page = {.page = 1},
    };
    return reply_first_form(request, reply, &query);
}

/* The cursor is the id of the last row. */
static enum err audit_by_cursor(struct api_request *request, struct api_reply *reply)
{
    static const struct api_query_range limits = {1, ROWS_MAX, ROWS_NORMAL};
    static const struct api_query_range cursors = {0, INT64_MAX, 0};
    struct store_audit_query query = {.page = {.page = 1}};
    struct store_audit_list list;
    TRY(api_param_id(request, 0, &query.account_id));
    TRY(api_query_u64(request, reply, "limit", &limits, &query.page.per_page));
    struct span cursor_text;
    if (api_query_get(request, "cursor", &cursor_text) && cursor_text.len > 0)
        TRY(api_query_u64(request, reply, "cursor", &cursors, &query.after_id));
    TRY(read_filters(request, reply, &query));
    TRY(load(request, &query, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, second_form(&list.rows[i]));
    bool more = list.count == query.page.per_page;
    json_t *cursor = more ? row_id(&list.rows[list.count - 1]) : json_string("");
    json_t *described = json_pack("{s:o, s:O, s:{s:o}}", "count", api_json_u64(list.count),
                                  "cursor", cursor, "cursors", "after", cursor);
    return api_reply_listed(reply, rows, described);
}

const struct api_route api_audit_routes[] = {
    {API_GET, "/accounts/{account}/audit_logs", PERMISSION_AUDIT_READ, audit_of_account, NULL,
     false},
    {API_GET, "/accounts/{account}/logs/audit", PERMISSION_AUDIT_READ, audit_by_cursor, NULL,
     false},
    {API_GET, "/user/audit_logs", PERMISSION_USER_READ, audit_of_user, NULL, false},
    API_ROUTES_END,
};
