/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_response.c - rewriting a response head for visitors.
 */
#include "dataplane/proxy/proxy_response.h"

#include <time.h>

#include "common/base/text.h"

/* Two fields of ours must always find a place: the origin's own count was checked before. */
static void put_field(struct fields *fields, enum field_id id, struct span value)
{
    struct span name = field_text(id);
    if (fields->count == fields->cap) {
        uint32_t cap = fields->cap + 4;
        struct field *items = arena_alloc(fields->arena, cap * sizeof(*items));
        if (fields->count > 0)
            memcpy(items, fields->items, fields->count * sizeof(*items));
        fields->items = items;
        fields->cap = cap;
    }
    fields->items[fields->count++] = (struct field){.name = name, .value = value, .id = id};
    fields->bytes += name.len + value.len + FIELD_OVERHEAD_BYTES;
}

static void drop_fields(struct fields *fields, enum field_id id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (field->id == id)
            fields->bytes -= field->name.len + field->value.len + FIELD_OVERHEAD_BYTES;
        else
            fields->items[kept++] = *field;
    }
    fields->count = kept;
}

bool proxy_response_dated(const struct head *head)
{
    return fields_find(&head->fields, FIELD_DATE) != NULL;
}

void proxy_response_rewrite(struct head *head, struct span ray, struct span date)
{
    if (fields_find(&head->fields, FIELD_CF_RAY))
        drop_fields(&head->fields, FIELD_CF_RAY);
    put_field(&head->fields, FIELD_CF_RAY, ray);
    if (date.len > 0)
        put_field(&head->fields, FIELD_DATE, date);
}

void proxy_format_date(uint64_t unix_s, char out[PROXY_DATE_BYTES])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    };
    time_t seconds = (time_t)unix_s;
    struct tm tm;
    ASSERT(gmtime_r(&seconds, &tm) != NULL);
    (void)text_format(out, PROXY_DATE_BYTES, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
                      tm.tm_hour, tm.tm_min, tm.tm_sec);
}
