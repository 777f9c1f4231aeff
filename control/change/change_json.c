/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_json.c - what the audit says of things, as JSON text; secrets are left out.
 */
#include "control/change/change_int.h"

static void name_member(struct buf *out, const char *name)
{
    uint8_t last = out->len > 0 ? out->ptr[out->len - 1] : '{';
    buf_appendf(out, "%s\"%s\":", last == '{' ? "" : ",", name);
}

void change_json_text(struct buf *out, const char *name, struct span text)
{
    name_member(out, name);
    buf_append_byte(out, '"');
    buf_append_json(out, text);
    buf_append_byte(out, '"');
}

void change_json_number(struct buf *out, const char *name, uint64_t number)
{
    name_member(out, name);
    buf_append_u64(out, number);
}

void change_json_bool(struct buf *out, const char *name, bool value)
{
    name_member(out, name);
    buf_append_str(out, value ? "true" : "false");
}

void change_json_zone(struct buf *out, const struct store_zone *zone)
{
    buf_append_byte(out, '{');
    change_json_text(out, "id", id_span(&zone->id));
    change_json_text(out, "name", zone->name);
    change_json_text(out, "plan", span_str(plan_slug(zone->plan)));
    change_json_text(out, "status", zone->status);
    change_json_bool(out, "paused", zone->paused);
    buf_append_byte(out, '}');
}

void change_json_record(struct buf *out, const struct store_record *record)
{
    buf_append_byte(out, '{');
    change_json_text(out, "id", id_span(&record->id));
    change_json_text(out, "type", span_str(record_type_name(record->type)));
    change_json_text(out, "name", record->name);
    change_json_text(out, "content", record->content);
    change_json_number(out, "ttl", record->ttl_s);
    change_json_bool(out, "proxied", record->proxied);
    if (record->priority_given)
        change_json_number(out, "priority", record->priority);
    if (record->origin_port != 0)
        change_json_number(out, "origin_port", record->origin_port);
    if (record->origin_host_header.len > 0)
        change_json_text(out, "origin_host_header", record->origin_host_header);
    if (record->origin_sni.len > 0)
        change_json_text(out, "origin_sni", record->origin_sni);
    if (record->comment.len > 0)
        change_json_text(out, "comment", record->comment);
    buf_append_byte(out, '}');
}

void change_json_certificate(struct buf *out, const struct store_certificate *certificate)
{
    buf_append_byte(out, '{');
    change_json_text(out, "id", id_span(&certificate->id));
    change_json_text(out, "source",
                     certificate->local    ? SPAN("local")
                     : certificate->client ? SPAN("client")
                                           : SPAN("custom"));
    change_json_text(out, "names", certificate->names);
    change_json_text(out, "issuer", certificate->issuer);
    change_json_text(out, "fingerprint_sha256", certificate->fingerprint);
    change_json_number(out, "not_after_s", certificate->not_after_s);
    buf_append_byte(out, '}');
}
