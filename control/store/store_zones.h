/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_zones.h - zones: rows, lists by page, and who has which name.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_ZONES_H
#define TRUNKLINE_CONTROL_STORE_STORE_ZONES_H

#include "common/model/hostname.h"
#include "common/model/setting.h"
#include "control/store/store.h"

struct store_zone {
    struct id id, account_id;
    struct span account_name; /* not written by insert */
    struct span name;         /* normalised */
    struct span name_servers; /* "a.example,b.example", as they were when it was made */
    struct span status;       /* "active", or "pending": not served */
    struct span type;         /* "full" */
    enum plan plan;
    bool paused;
    struct span verification_key; /* what a TXT record has to say */
    uint64_t created_at_us, modified_at_us;
    uint64_t activated_at_us; /* 0: pending */
    uint64_t revision;        /* of its document; not written by insert */
};

struct store_zone_list {
    struct store_zone *rows;
    size_t count;
    uint64_t total_count; /* on all pages */
};

enum store_zone_order {
    STORE_ZONES_BY_NAME,
    STORE_ZONES_BY_STATUS,
    STORE_ZONES_BY_ACCOUNT_ID,
    STORE_ZONES_BY_ACCOUNT_NAME,
};

struct store_zone_query {
    struct store_scope scope;
    struct id account_id; /* empty: all that the scope sees */
    struct store_filter name, account_name, status, type;
    bool match_any; /* one of the filters is enough; the scope always holds */
    enum store_zone_order order;
    struct store_page page;
};

/* A TXT record there proves who controls the zone. */
#define STORE_ZONE_VERIFY_PREFIX "trunkline-verify."

static inline bool store_zone_is_pending(const struct store_zone *zone)
{
    return zone->activated_at_us == 0;
}

/* At most count_max pending zones whose ids follow after, in the order of ids. */
MUST_USE enum err store_zone_pending(struct store_conn *conn, const struct id *after,
                                     size_t count_max, struct arena *arena,
                                     struct store_zone_list *out);

MUST_USE enum err store_zone_get(struct store_conn *conn, const struct store_scope *scope,
                                 const struct id *id, struct arena *arena, struct store_zone *out);
/* Whose a zone is, whoever asks; ERR_NOT_FOUND. */
MUST_USE enum err store_zone_account(struct store_conn *conn, const struct id *id, struct id *out);
MUST_USE enum err store_zone_list(struct store_conn *conn, const struct store_zone_query *query,
                                  struct arena *arena, struct store_zone_list *out);

/* ERR_EXISTS when the name is taken.  Counts it in its account. */
MUST_USE enum err store_zone_insert(struct store_conn *conn, const struct store_zone *zone);
/* Writes paused, plan, status, activated_at_us and modified_at_us. */
MUST_USE enum err store_zone_update(struct store_conn *conn, const struct store_zone *zone);
/* Takes its settings, records and certificates along. */
MUST_USE enum err store_zone_delete(struct store_conn *conn, const struct store_zone *zone);

/* Another zone that stands in the way of a name, whoever owns it. */
struct store_zone_claim {
    struct id id, account_id;
    struct hostname name;
};
/* The zone with exactly this name; ERR_NOT_FOUND. */
MUST_USE enum err store_zone_claimed(struct store_conn *conn, struct span name,
                                     struct store_zone_claim *out);
/* A zone below `name` of another account than account_id; ERR_NOT_FOUND. */
MUST_USE enum err store_zone_claimed_below(struct store_conn *conn, struct span name,
                                           const struct id *account_id,
                                           struct store_zone_claim *out);

#endif
