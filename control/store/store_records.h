/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_records.h - the DNS records of a zone.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_RECORDS_H
#define TRUNKLINE_CONTROL_STORE_STORE_RECORDS_H

#include "common/model/record.h"
#include "control/store/store.h"

struct store_record {
    struct id id, zone_id;
    enum record_type type;
    struct span name, content; /* normalised, canonical */
    struct span comment;
    struct span origin_host_header, origin_sni; /* empty: the visitor's host */
    uint64_t ttl_s;                             /* 1: automatic */
    uint64_t priority;                          /* of MX and SRV */
    uint64_t origin_port;                       /* 0: by the ssl setting */
    bool priority_given;
    bool proxied;
    uint64_t created_at_us, modified_at_us;
};

struct store_record_list {
    struct store_record *rows;
    size_t count;
    uint64_t total_count; /* on all pages */
};

enum store_record_order {
    STORE_RECORDS_BY_NAME,
    STORE_RECORDS_BY_TYPE,
    STORE_RECORDS_BY_CONTENT,
    STORE_RECORDS_BY_TTL,
    STORE_RECORDS_BY_PROXIED,
};

struct store_record_query {
    struct store_scope scope;
    struct id zone_id;
    struct store_filter type, name, content, comment;
    bool proxied_given, proxied;
    bool match_any; /* one of the filters is enough */
    enum store_record_order order;
    struct store_page page;
};

MUST_USE enum err store_record_get(struct store_conn *conn, const struct store_scope *scope,
                                   const struct id *zone_id, const struct id *id,
                                   struct arena *arena, struct store_record *out);
/* ERR_NOT_FOUND when the scope does not see the zone. */
MUST_USE enum err store_record_list(struct store_conn *conn, const struct store_record_query *query,
                                    struct arena *arena, struct store_record_list *out);
/* The proxied ones in the order of names, at most LIMIT_ZONE_RECORDS. */
MUST_USE enum err store_records_proxied(struct store_conn *conn, const struct id *zone_id,
                                        struct arena *arena, struct store_record_list *out);
MUST_USE enum err store_record_count(struct store_conn *conn, const struct id *zone_id,
                                     uint64_t *out);

/* ERR_EXISTS when the zone has a record with this name, type and content. */
MUST_USE enum err store_record_insert(struct store_conn *conn, const struct store_record *record);
MUST_USE enum err store_record_update(struct store_conn *conn, const struct store_record *record);
MUST_USE enum err store_record_delete(struct store_conn *conn, const struct id *zone_id,
                                      const struct id *id);

/* Another A, AAAA or CNAME record that excludes this one: a name has either addresses or one
 * CNAME.  An identical one does not: the insert tells. */
MUST_USE enum err store_record_excluded(struct store_conn *conn, const struct store_record *record,
                                        bool *out);
/* The zone has a proxied record at or below `name`. */
MUST_USE enum err store_record_proxied_below(struct store_conn *conn, const struct id *zone_id,
                                             struct span name, bool *out);

#endif
