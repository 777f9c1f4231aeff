/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_int.h - the inside of a change: what operations leave for the commit.
 *
 * Included in this directory only.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_INT_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_INT_H

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "control/auth/permission.h"
#include "control/change/change.h"
#include "control/store/store_accounts.h"
#include "control/store/store_certificates.h"
#include "control/store/store_overrides.h"
#include "control/store/store_members.h"
#include "control/store/store_records.h"
#include "control/store/store_settings.h"
#include "control/store/store_zones.h"

struct change_zone {
    struct id id;
    bool deleted;
};

struct change {
    const struct change_door *door;
    struct change_actor actor;
    struct store_conn *conn;
    struct arena arena;
    uint64_t now_us;
    struct change_zone zones[CHANGE_ZONES_MAX]; /* touched */
    size_t zone_count;
    size_t audit_count;
    bool origin_ca_changed; /* edges are told, even when no zone was touched */
};

/* All that a zone's document and its local certificate follow from. */
struct zone_rows {
    struct store_zone zone;
    struct store_setting settings[SETTING_COUNT];
    struct store_record_list records; /* proxied ones, by name */
    struct store_certificate_list certificates;
    struct store_override_list overrides;
};

/* One audit entry; the JSON bufs may be NULL. */
struct change_entry {
    const char *action; /* "zone.create" */
    struct id account_id, zone_id;
    const struct buf *old_json, *new_json;
};

/* change.c */
/* What the actor is to the account; ERR_FORBIDDEN when that is not enough for the permission. */
MUST_USE enum err change_permit(struct change *change, const struct id *account_id,
                                enum permission permission, struct problem *problem);
/* A zone that the actor sees and may treat so; ERR_NOT_FOUND or ERR_FORBIDDEN. */
MUST_USE enum err change_find_zone(struct change *change, const struct id *zone_id,
                                   enum permission permission, struct store_zone *out,
                                   struct problem *problem);
/* The commit writes a new document, or a tombstone, for this zone. */
MUST_USE enum err change_touch(struct change *change, struct change_zone zone,
                               struct problem *problem);
MUST_USE enum err change_audit(struct change *change, const struct change_entry *entry);

/* change_document.c: writes what the edges are told of a touched zone, adds it to *changed. */
MUST_USE enum err change_document_write(struct change *change, const struct change_zone *zone,
                                        uint64_t revision, struct digest *changed,
                                        struct problem *problem);

/* change_cover.c: signs the local certificate anew when a hostname lacks one. */
MUST_USE enum err change_cover(struct change *change, struct zone_rows *rows,
                               struct problem *problem);

/* change_setting.c: what an item says, for a zone with this plan; the errors of
 * change_settings_set. */
struct change_setting;
MUST_USE enum err change_setting_parse(const struct change_setting *item, enum plan plan,
                                       enum setting_id *id, struct setting_value *value,
                                       struct problem *problem);
/* "origin_max_http_version":"2" */
void change_json_setting(struct buf *out, enum setting_id id, struct setting_value value);

/* change_certificate.c: a row with a new id from facts; text lives in the change's arena. */
struct certificate_facts;
struct store_certificate change_certificate_row(struct change *change,
                                                const struct certificate_facts *facts);

/* change_origin_ca.c: makes the CA that signs for origins. */
MUST_USE enum err change_origin_ca_make(struct change *change);

/* change_json.c: what the audit says of things; secrets are left out. */
#define CHANGE_JSON_BYTES_MAX 65536
void change_json_zone(struct buf *out, const struct store_zone *zone);
void change_json_record(struct buf *out, const struct store_record *record);
void change_json_certificate(struct buf *out, const struct store_certificate *certificate);
/* "name":"text" with a comma where something stands before. */
void change_json_text(struct buf *out, const char *name, struct span text);
void change_json_number(struct buf *out, const char *name, uint64_t number);
void change_json_bool(struct buf *out, const char *name, bool value);

/* The scope of what the change itself may look at once the actor was asked. */
static inline struct store_scope change_all(void)
{
    return (struct store_scope){.platform_wide = true};
}

#endif
