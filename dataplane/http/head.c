/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c - a message head in no protocol's form.  Its rules stand in head_check.c.
 */
#include "dataplane/http/head.h"

void head_init(struct head *head, struct arena *arena)
{
    *head = (struct head){.content_length = HEAD_LENGTH_UNKNOWN};
    fields_init(&head->fields, arena);
}

bool method_is_idempotent(struct span method)
{
    struct span methods = SPAN("GET HEAD OPTIONS TRACE PUT DELETE");
    while (methods.len > 0) {
        if (span_equal(method, span_split(&methods, ' ')))
            return true;
    }
    return false;
}

struct span authority_host(struct span authority)
{
    if (authority.len > 0 && authority.ptr[0] == '[') {
        size_t bracket = span_find(authority, ']');
        return span_first(authority, bracket < authority.len ? bracket + 1 : authority.len);
    }
    return span_first(authority, span_find(authority, ':'));
}

bool head_is_grpc(const struct head *head)
{
    const struct field *type = fields_find(&head->fields, FIELD_CONTENT_TYPE);
    const struct span name = SPAN("application/grpc");

    if (!type || type->value.len < name.len ||
        !span_equal_nocase(span_first(type->value, name.len), name))
        return false;
    if (type->value.len == name.len)
        return true;
    uint8_t next = type->value.ptr[name.len];
    return next == '+' || next == ';' || next == ' ';
}
