/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c - the field lines of one message.
 */
#include "dataplane/http/fields.h"

#include "common/base/text.h"

#define FIELDS_CAP_FIRST 24

struct field_row {
    const char *text;
    size_t text_len;
    unsigned flags;
};

static const struct field_row field_rows[FIELD_ID_COUNT] = {
#define X(id, text, flags) [FIELD_##id] = {text, sizeof(text) - 1, flags},
    FIELD_TABLE(X)
#undef X
};

/* RFC 9110 5.6.2 tchar, without the capitals. */
static const bool name_chars[256] = {
    ['!'] = true,         ['#' ... '\''] = true, ['*'] = true, ['+'] = true, ['-'] = true,
    ['.'] = true,         ['0' ... '9'] = true,  ['^'] = true, ['_'] = true, ['`'] = true,
    ['a' ... 'z'] = true, ['|'] = true,          ['~'] = true,
};

void fields_init(struct fields *fields, struct arena *arena)
{
    *fields = (struct fields){.arena = arena};
}

static void grow_items(struct fields *fields)
{
    uint32_t cap = fields->cap == 0 ? FIELDS_CAP_FIRST : fields->cap * 2;
    struct field *items = arena_alloc(fields->arena, cap * sizeof(*items));
    if (fields->count > 0)
        memcpy(items, fields->items, fields->count * sizeof(*items));
    fields->items = items;
    fields->cap = cap;
}

enum err fields_add(struct fields *fields, struct span name, struct span value)
{
    enum field_id id = field_id_of(name);
    size_t bytes = name.len + value.len + FIELD_OVERHEAD_BYTES;
    bool crumb = id == FIELD_COOKIE && fields_find(fields, FIELD_COOKIE) != NULL;

    if (bytes > LIMIT_HEAD_BYTES - fields->bytes)
        return ERR_REQUEST_HEAD_TOO_LARGE;
    if (!crumb && fields->count - fields->crumbs >= LIMIT_FIELDS)
        return ERR_REQUEST_HEAD_TOO_LARGE;
    if (fields->count == fields->cap)
        grow_items(fields);
    fields->items[fields->count++] = (struct field){.name = name, .value = value, .id = id};
    fields->bytes += bytes;
    if (crumb)
        fields->crumbs++;
    return ERR_OK;
}

#define NAMED(text, id)                                \
    if (memcmp(name.ptr, text, sizeof(text) - 1) == 0) \
    return FIELD_##id

static enum field_id id_of_short(struct span name)
{
    switch (name.len) {
    case 2:
        NAMED("te", TE);
        break;
    case 4:
        NAMED("host", HOST);
        NAMED("date", DATE);
        break;
    case 6:
        NAMED("accept", ACCEPT);
        NAMED("cookie", COOKIE);
        NAMED("server", SERVER);
        NAMED("expect", EXPECT);
        NAMED("cf-ray", CF_RAY);
        break;
    case 7:
        NAMED("upgrade", UPGRADE);
        NAMED("trailer", TRAILER);
        break;
    case 8:
        NAMED("cdn-loop", CDN_LOOP);
        break;
    case 10:
        NAMED("connection", CONNECTION);
        NAMED("set-cookie", SET_COOKIE);
        NAMED("keep-alive", KEEP_ALIVE);
        NAMED("cf-visitor", CF_VISITOR);
        break;
    default:
        break;
    }
    return FIELD_OTHER;
}

static enum field_id id_of_long(struct span name)
{
    switch (name.len) {
    case 12:
        NAMED("content-type", CONTENT_TYPE);
        break;
    case 13:
        NAMED("authorization", AUTHORIZATION);
        NAMED("content-range", CONTENT_RANGE);
        break;
    case 14:
        NAMED("content-length", CONTENT_LENGTH);
        NAMED("http2-settings", HTTP2_SETTINGS);
        break;
    case 15:
        NAMED("x-forwarded-for", X_FORWARDED_FOR);
        break;
    case 16:
        NAMED("content-encoding", CONTENT_ENCODING);
        NAMED("cf-connecting-ip", CF_CONNECTING_IP);
        NAMED("proxy-connection", PROXY_CONNECTION);
        break;
    case 17:
        NAMED("transfer-encoding", TRANSFER_ENCODING);
        NAMED("x-forwarded-proto", X_FORWARDED_PROTO);
        NAMED("sec-websocket-key", SEC_WEBSOCKET_KEY);
        break;
    case 18:
        NAMED("proxy-authenticate", PROXY_AUTHENTICATE);
        break;
    case 19:
        NAMED("proxy-authorization", PROXY_AUTHORIZATION);
        break;
    case 20:
        NAMED("sec-websocket-accept", SEC_WEBSOCKET_ACCEPT);
        break;
    default:
        break;
    }
    return FIELD_OTHER;
}

/* A unit test walks the table, so that a row without a case here does not stay unnoticed. */
enum field_id field_id_of(struct span name)
{
    return name.len <= 10 ? id_of_short(name) : id_of_long(name);
}

unsigned field_flags(enum field_id id)
{
    return field_rows[id].flags;
}

struct span field_text(enum field_id id)
{
    return span_of(field_rows[id].text, field_rows[id].text_len);
}

const struct field *fields_find(const struct fields *fields, enum field_id id)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id == id)
            return &fields->items[i];
    }
    return NULL;
}

size_t fields_count(const struct fields *fields, enum field_id id)
{
    size_t count = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        count += fields->items[i].id == id;
    return count;
}

bool fields_list_has(const struct fields *fields, enum field_id id, struct span member)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        struct span rest = fields->items[i].value;
        while (fields->items[i].id == id && rest.len > 0) {
            if (span_equal_nocase(span_trim(span_split(&rest, ',')), member))
                return true;
        }
    }
    return false;
}

bool field_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!name_chars[name.ptr[i]])
            return false;
    }
    return name.len > 0;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight bytes at once: nonzero when one of them is below 0x20 or is 0x7f. */
static uint64_t word_suspects(uint64_t word)
{
    uint64_t below = (word - EACH_BYTE(0x20)) & ~word;
    uint64_t flipped = word ^ EACH_BYTE(0x7f);
    uint64_t deleted = (flipped - EACH_BYTE(1)) & ~flipped;
    return (below | deleted) & EACH_BYTE(0x80);
}

static bool bytes_valid(const uint8_t *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((ptr[i] < 0x20 && ptr[i] != '\t') || ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

bool field_value_valid(struct span value)
{
    if (value.len == 0)
        return true;
    if (is_blank(value.ptr[0]) || is_blank(value.ptr[value.len - 1]))
        return false;
    size_t at = 0;
    for (; value.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, value.ptr + at, sizeof(word));
        if (word_suspects(word) != 0 && !bytes_valid(value.ptr + at, sizeof(word)))
            return false;
    }
    return bytes_valid(value.ptr + at, value.len - at);
}
