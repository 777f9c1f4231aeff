/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_members.h - who is a member of which account, as what, and who has been invited.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_MEMBERS_H
#define TRUNKLINE_CONTROL_STORE_STORE_MEMBERS_H

#include "common/model/digest.h"
#include "control/store/store.h"

#define STORE_ROLE_BYTES 24

struct store_member {
    struct id id, account_id, user_id; /* user_id empty: invited */
    char role[STORE_ROLE_BYTES];       /* "owner" */
    bool zones_limited;
    uint64_t created_at_us;
    uint64_t ends_at_us; /* of an invitation */
    struct span zones;   /* ids with commas, of a limited one */
    struct span email;   /* not written by member_insert */
    struct span first_name, last_name;
    struct span account_name;
    bool second_factor;
};

struct store_member_list {
    struct store_member *rows;
    size_t count;
    uint64_t total_count; /* on all pages */
};

struct store_member_query {
    struct id account_id, user_id; /* one of them, or both: whose members, whose memberships */
    struct span email;             /* with user_id: invitations of this address too */
    bool members, invitations;
    struct store_page page;
};

/* With its zones.  ERR_EXISTS when the user is a member already, ERR_NOT_FOUND when a zone is not
 * one of the account. */
MUST_USE enum err store_member_insert(struct store_conn *conn, const struct store_member *member);
/* Writes role, zones_limited and zones. */
MUST_USE enum err store_member_update(struct store_conn *conn, const struct store_member *member);
MUST_USE enum err store_member_delete(struct store_conn *conn, const struct id *id);

/* Role and limit only; ERR_NOT_FOUND when the user is no member of the account. */
MUST_USE enum err store_member_get(struct store_conn *conn, const struct id *account_id,
                                   const struct id *user_id, struct store_member *out);
MUST_USE enum err store_member_has_zone(struct store_conn *conn, const struct id *member_id,
                                        const struct id *zone_id, bool *out);
MUST_USE enum err store_owner_count(struct store_conn *conn, const struct id *account_id,
                                    uint64_t *out);

/* Members by email, then those who were invited. */
MUST_USE enum err store_member_list(struct store_conn *conn, const struct store_member_query *query,
                                    struct arena *arena, struct store_member_list *out);
/* A member or an invitation. */
MUST_USE enum err store_member_find(struct store_conn *conn, const struct id *id,
                                    struct arena *arena, struct store_member *out);

/* ERR_EXISTS when the email is invited already. */
MUST_USE enum err store_invitation_insert(struct store_conn *conn,
                                          const struct store_member *member,
                                          const struct digest *secret_digest);
MUST_USE enum err store_invitation_delete(struct store_conn *conn, const struct id *id);
/* ERR_NOT_FOUND also after its end. */
MUST_USE enum err store_invitation_find(struct store_conn *conn, const struct digest *secret_digest,
                                        uint64_t now_us, struct id *out);

#endif
