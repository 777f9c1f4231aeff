/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head_check.c - what a head must look like to be passed on (security.md 3.3): refuse, never
 * repair.
 *
 * Checks first, removals last.  A head that was refused is of no further use.
 */
#include "dataplane/http/head.h"

#include "common/base/text.h"

#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535
#define LABEL_BYTES_MAX 63     /* RFC 1035 2.3.4 */
#define DISGUISED_BYTES_MAX 20 /* no name of field_table.h that is refused is longer */

static enum err check_fields(const struct fields *fields, enum err err, struct problem *problem)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!field_name_valid(fields->items[i].name))
            return problem_set(problem, err, "head", "field %u: not a name", i + 1);
        if (!field_value_valid(fields->items[i].value))
            return problem_set(problem, err, "head", "field %u: not a value", i + 1);
    }
    return ERR_OK;
}

/* Names of ours, and of framing, that many origins (CGI, WSGI) do not tell from those with a dash:
 * RFC 3875 4.1.18. */
static bool disguised(struct span name)
{
    uint8_t dashed[DISGUISED_BYTES_MAX];
    if (name.len > sizeof(dashed) || span_find(name, '_') == name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        dashed[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
    enum field_id id = field_id_of(span_of(dashed, name.len));
    return id == FIELD_X_FORWARDED_FOR || id == FIELD_CONTENT_LENGTH ||
           (id != FIELD_OTHER && field_flags(id) & (FIELD_EDGE | FIELD_HOP));
}

static enum err check_disguises(const struct fields *fields, struct problem *problem)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id == FIELD_OTHER && disguised(fields->items[i].name))
            return problem_set(problem, ERR_REQUEST_FIELD, "head",
                               "field %u: an underscore for a dash", i + 1);
    }
    return ERR_OK;
}

static bool token_valid(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!text_is_tchar(s.ptr[i]))
            return false;
    }
    return s.len > 0;
}

static enum err check_method(struct span method, struct problem *problem)
{
    if (!token_valid(method))
        return problem_set(problem, ERR_REQUEST_SYNTAX, "method", "not a token");
    if (span_equal(method, SPAN("CONNECT")) || span_equal(method, SPAN("TRACE")))
        return problem_set(problem, ERR_REQUEST_METHOD, "method", "not served here");
    return ERR_OK;
}

static enum err check_target(const struct head *head, struct problem *problem)
{
    struct span path = head->path;
    if (path.len > LIMIT_TARGET_BYTES)
        return problem_set(problem, ERR_REQUEST_TARGET_TOO_LONG, "target", "too long");
    if (!span_equal_nocase(head->scheme, SPAN("http")) &&
        !span_equal_nocase(head->scheme, SPAN("https")))
        return problem_set(problem, ERR_REQUEST_TARGET, "scheme", "neither http nor https");
    if (span_equal(path, SPAN("*")) && span_equal(head->method, SPAN("OPTIONS")))
        return ERR_OK;
    if (path.len == 0 || path.ptr[0] != '/')
        return problem_set(problem, ERR_REQUEST_TARGET, "target", "does not begin with a slash");
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f || path.ptr[i] == '#')
            return problem_set(problem, ERR_REQUEST_TARGET, "target", "byte %zu", i + 1);
    }
    return ERR_OK;
}

static bool is_alnum(uint8_t c)
{
    return text_is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool label_valid(struct span label)
{
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.ptr[i];
        if (!is_alnum(c) && c != '-' && c != '_')
            return false;
    }
    return label.len > 0 && label.len <= LABEL_BYTES_MAX;
}

/* What no name can be is refused here, where the connection closes; which names there are is the
 * router's business.  One dot may stand at the end. */
static bool name_valid(struct span name)
{
    if (name.len == 0 || name.len > LIMIT_HOSTNAME_BYTES + 1)
        return false;
    while (name.len > 0) {
        if (!label_valid(span_split(&name, '.')))
            return false;
    }
    return true;
}

/* "[2001:db8::1]": characters only; the router knows no such host anyway. */
static bool literal_valid(struct span literal)
{
    if (literal.len < 4 || literal.ptr[literal.len - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < literal.len; i++) {
        uint8_t c = literal.ptr[i];
        bool hex = text_is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
        if (!hex && c != ':' && c != '.')
            return false;
    }
    return true;
}

static bool authority_valid(struct span authority)
{
    struct span host = authority_host(authority);
    struct span port = span_skip(authority, host.len);

    if (host.len == 0 || !(host.ptr[0] == '[' ? literal_valid(host) : name_valid(host)))
        return false;
    if (port.len == 0)
        return true;
    uint64_t number;
    return port.ptr[0] == ':' && port.len <= PORT_DIGITS_MAX + 1 &&
           text_parse_u64(span_skip(port, 1), PORT_MAX, &number) == ERR_OK;
}

/* Host and :authority (or the authority of an absolute target) become one, in lower case. */
static enum err take_authority(struct head *head, struct problem *problem)
{
    size_t host_count = fields_count(&head->fields, FIELD_HOST);
    const struct field *host = fields_find(&head->fields, FIELD_HOST);
    struct span authority = head->authority;

    if (host_count > 1)
        return problem_set(problem, ERR_REQUEST_HOST, "host", "more than one");
    if (host_count == 0 && head->version == HTTP_1_1)
        return problem_set(problem, ERR_REQUEST_HOST, "host", "missing");
    if (authority.len == 0 && host)
        authority = host->value;
    if (host && !span_equal_nocase(host->value, authority))
        return problem_set(problem, ERR_REQUEST_HOST, "host", "is not the authority");
    if (!authority_valid(authority))
        return problem_set(problem, ERR_REQUEST_HOST, "host", "not a host and port");
    head->authority = arena_copy_lower(head->fields.arena, authority);
    return ERR_OK;
}

/* One content-length, digits only, <= 2^63 - 1; HEAD_LENGTH_UNKNOWN when there is none. */
static enum err parse_length(const struct fields *fields, enum err err, int64_t *out,
                             struct problem *problem)
{
    const struct field *field = fields_find(fields, FIELD_CONTENT_LENGTH);
    uint64_t number;

    *out = HEAD_LENGTH_UNKNOWN;
    if (!field)
        return ERR_OK;
    if (fields_count(fields, FIELD_CONTENT_LENGTH) > 1)
        return problem_set(problem, err, "content-length", "more than one");
    if (text_parse_u64(field->value, INT64_MAX, &number) != ERR_OK)
        return problem_set(problem, err, "content-length", "not a number");
    *out = (int64_t)number;
    return ERR_OK;
}

/* Why a transfer-encoding other than exactly "chunked" is refused: a coding that we do not know
 * (501), or framing that two readers may read in two ways (400). */
static enum err coding_err(struct span value)
{
    size_t member_count = 0, chunked_at = 0;

    while (value.len > 0) {
        struct span member = span_trim(span_split(&value, ','));
        member_count++;
        if (!token_valid(member) || chunked_at > 0)
            return ERR_REQUEST_FRAMING;
        if (span_equal_nocase(member, SPAN("chunked")))
            chunked_at = member_count;
    }
    return member_count > 0 ? ERR_REQUEST_CODING : ERR_REQUEST_FRAMING;
}

static enum err check_coding(const struct head *head, struct problem *problem)
{
    const struct field *coding = fields_find(&head->fields, FIELD_TRANSFER_ENCODING);

    if (!coding)
        return ERR_OK;
    if (head->version != HTTP_1_1)
        return problem_set(problem, ERR_REQUEST_FRAMING, "transfer-encoding", "not in HTTP/1.1");
    if (fields_count(&head->fields, FIELD_TRANSFER_ENCODING) > 1)
        return problem_set(problem, ERR_REQUEST_FRAMING, "transfer-encoding", "more than one");
    if (fields_find(&head->fields, FIELD_CONTENT_LENGTH))
        return problem_set(problem, ERR_REQUEST_FRAMING, "transfer-encoding",
                           "beside content-length");
    if (!span_equal_nocase(coding->value, SPAN("chunked")))
        return problem_set(problem, coding_err(coding->value), "transfer-encoding",
                           "only `chunked` is understood");
    return ERR_OK;
}

static enum err take_expect(struct head *head, struct problem *problem)
{
    for (uint32_t i = 0; i < head->fields.count; i++) {
        const struct field *field = &head->fields.items[i];
        if (field->id != FIELD_EXPECT)
            continue;
        if (!span_equal_nocase(field->value, SPAN("100-continue")))
            return problem_set(problem, ERR_REQUEST_EXPECT, "expect", "unknown");
        /* RFC 9110 10.1.1: a 1.0 client cannot read a 100. */
        head->expects_continue = head->version != HTTP_1_0;
    }
    return ERR_OK;
}

/* RFC 9113 8.2.2: these cannot be in an HTTP/2 message at all. */
static enum err check_h2_fields(const struct head *head, enum err err, struct problem *problem)
{
    const struct fields *fields = &head->fields;
    if (head->version != HTTP_2)
        return ERR_OK;
    if (fields_find(fields, FIELD_CONNECTION) || fields_find(fields, FIELD_KEEP_ALIVE) ||
        fields_find(fields, FIELD_PROXY_CONNECTION) || fields_find(fields, FIELD_UPGRADE) ||
        fields_find(fields, FIELD_TRANSFER_ENCODING))
        return problem_set(problem, err, "head", "a connection's field in HTTP/2");
    return ERR_OK;
}

/* Drops the fields marked by a NULL name. */
static void compact(struct fields *fields)
{
    uint32_t kept = 0;
    size_t bytes = 0;
    bool cookie = false;

    fields->crumbs = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct field field = fields->items[i];
        if (!field.name.ptr)
            continue;
        bytes += field.name.len + field.value.len + FIELD_OVERHEAD_BYTES;
        fields->crumbs += field.id == FIELD_COOKIE && cookie;
        cookie = cookie || field.id == FIELD_COOKIE;
        fields->items[kept++] = field;
    }
    fields->count = kept;
    fields->bytes = bytes;
}

static void mark(struct field *field)
{
    field->name = SPAN_EMPTY;
}

/* What says how a message is framed, or where it has been (RFC 8586 2), is not a visitor's to take
 * away. */
static bool removable(enum field_id id)
{
    return id != FIELD_HOST && id != FIELD_CONTENT_LENGTH && id != FIELD_TE &&
           id != FIELD_X_FORWARDED_FOR && id != FIELD_CDN_LOOP;
}

static void mark_named(struct fields *fields, struct span name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        struct field *field = &fields->items[i];
        if (field->name.len != name.len || !span_equal_nocase(field->name, name))
            continue;
        if (removable(field->id))
            mark(field);
    }
}

/* What a Connection field names lives for one hop (RFC 9110 7.6.1). */
static enum err mark_connection_named(struct fields *fields, enum err err, struct problem *problem)
{
    size_t name_count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id != FIELD_CONNECTION)
            continue;
        struct span rest = fields->items[i].value;
        mark(&fields->items[i]);
        while (rest.len > 0) {
            if (++name_count > LIMIT_CONNECTION_NAMES)
                return problem_set(problem, err, "connection", "names too many fields");
            mark_named(fields, span_trim(span_split(&rest, ',')));
        }
    }
    return ERR_OK;
}

/* Of `te` only "trailers" is end to end: gRPC asks for it. */
static void take_te(struct fields *fields)
{
    bool trailers = fields_list_has(fields, FIELD_TE, SPAN("trailers"));
    for (uint32_t i = 0; i < fields->count; i++) {
        struct field *field = &fields->items[i];
        if (field->id != FIELD_TE)
            continue;
        if (trailers)
            field->value = SPAN("trailers");
        else
            mark(field);
        trailers = false;
    }
}

static void mark_hops(struct fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id != FIELD_OTHER && field_flags(fields->items[i].id) & FIELD_HOP)
            mark(&fields->items[i]);
    }
}

/* Both say it (RFC 9110 7.8); any other protocol is not spoken here (h2c). */
static bool says_websocket(const struct head *head)
{
    return head->version == HTTP_1_1 &&
           fields_list_has(&head->fields, FIELD_CONNECTION, SPAN("upgrade")) &&
           fields_list_has(&head->fields, FIELD_UPGRADE, SPAN("websocket"));
}

/* RFC 8441 4: from here on it is the GET that it means. */
static enum err take_connect(struct head *head, struct problem *problem)
{
    if (head->protocol.len == 0)
        return ERR_OK;
    if (!span_equal(head->method, SPAN("CONNECT")) ||
        !span_equal_nocase(head->protocol, SPAN("websocket")))
        return problem_set(problem, ERR_REQUEST_METHOD, "protocol", "not served here");
    head->method = SPAN("GET");
    head->tunnelled = !head->bodyless;
    return ERR_OK;
}

/* What is no whole handshake of RFC 6455 4.1 is an ordinary request: its upgrade is not passed. */
static enum err take_upgrade(struct head *head, struct problem *problem)
{
    const struct fields *fields = &head->fields;
    bool sized = head->content_length != HEAD_LENGTH_UNKNOWN;

    if (head->version == HTTP_2) {
        if (head->tunnelled && sized)
            return problem_set(problem, ERR_REQUEST_FRAMING, "content-length", "in a tunnel");
        return ERR_OK;
    }
    head->tunnelled = span_equal(head->method, SPAN("GET")) && says_websocket(head) &&
                      head->content_length <= 0 && !fields_find(fields, FIELD_TRANSFER_ENCODING) &&
                      fields_count(fields, FIELD_SEC_WEBSOCKET_KEY) == 1;
    if (head->tunnelled)
        head->content_length = HEAD_LENGTH_UNKNOWN;
    return ERR_OK;
}

static void mark_id(struct fields *fields, enum field_id id)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id == id)
            mark(&fields->items[i]);
    }
}

enum err head_check_request(struct head *head, struct problem *problem)
{
    struct fields *fields = &head->fields;

    TRY(take_connect(head, problem));
    TRY(check_method(head->method, problem));
    TRY(check_fields(fields, ERR_REQUEST_FIELD, problem));
    TRY(check_disguises(fields, problem));
    TRY(check_target(head, problem));
    TRY(check_h2_fields(head, ERR_REQUEST_FIELD, problem));
    TRY(take_authority(head, problem));
    TRY(check_coding(head, problem));
    TRY(parse_length(fields, ERR_REQUEST_FRAMING, &head->content_length, problem));
    if (head->bodyless && head->content_length > 0)
        return problem_set(problem, ERR_REQUEST_FRAMING, "content-length", "but no body");
    TRY(take_expect(head, problem));
    TRY(take_upgrade(head, problem));

    take_te(fields);
    TRY(mark_connection_named(fields, ERR_REQUEST_FIELD, problem));
    mark_hops(fields);
    mark_id(fields, FIELD_HOST);
    mark_id(fields, FIELD_CONTENT_LENGTH);
    mark_id(fields, FIELD_EXPECT);
    compact(fields);
    return ERR_OK;
}

enum err head_check_response(struct head *head, struct span request_method, struct problem *problem)
{
    struct fields *fields = &head->fields;
    bool lengthless = head->status < 200 || head->status == 204;

    if (head->status < 100 || head->status > 599)
        return problem_set(problem, ERR_ORIGIN_ANSWER, "status", "not 100 to 599");
    TRY(check_fields(fields, ERR_ORIGIN_ANSWER, problem));
    TRY(check_h2_fields(head, ERR_ORIGIN_ANSWER, problem));
    if (check_coding(head, problem) != ERR_OK)
        return ERR_ORIGIN_ANSWER;
    TRY(parse_length(fields, ERR_ORIGIN_ANSWER, &head->content_length, problem));
    head->tunnelled = head->status == 101 && says_websocket(head);
    TRY(mark_connection_named(fields, ERR_ORIGIN_ANSWER, problem));

    if (lengthless)
        head->content_length = HEAD_LENGTH_UNKNOWN;
    if (lengthless || head->status == 304 || span_equal(request_method, SPAN("HEAD")))
        head->bodyless = true;
    mark_hops(fields);
    mark_id(fields, FIELD_CONTENT_LENGTH);
    if (head->version == HTTP_2) /* RFC 8441 5.1: it has none */
        mark_id(fields, FIELD_SEC_WEBSOCKET_ACCEPT);
    compact(fields);
    return ERR_OK;
}

enum err head_check_trailers(const struct fields *trailers, struct problem *problem)
{
    TRY(check_fields(trailers, ERR_REQUEST_FIELD, problem));
    for (uint32_t i = 0; i < trailers->count; i++) {
        if (field_flags(trailers->items[i].id) & (FIELD_NOTRAIL | FIELD_HOP | FIELD_EDGE))
            return problem_set(problem, ERR_REQUEST_FIELD, "trailers", "field %u: not a trailer",
                               i + 1);
    }
    return ERR_OK;
}
