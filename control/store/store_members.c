/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_members.c - who is a member of which account, as what, and who has been invited.
 */
#include "control/store/store_members.h"

#include "control/store/statement.h"

/* One form for both: what is listed, and what each row is read from. */
#define MEMBER_ROWS                                                                               \
    "SELECT m.id, m.account_id, m.user_id, m.role, m.zones_limited, m.created_at_us, 0, "         \
    "(SELECT coalesce(group_concat(zone_id, ','), '') FROM member_zones WHERE member_id = m.id)," \
    " u.email AS email, u.first_name, u.last_name, a.name, EXISTS (SELECT 1 FROM "                \
    "second_factors f WHERE f.user_id = m.user_id AND f.confirmed) FROM members m JOIN users u "  \
    "ON u.id = m.user_id AND u.kind = 'person' JOIN accounts a ON a.id = m.account_id "
#define INVITATION_ROWS                                                                        \
    "SELECT i.id, i.account_id, '', i.role, i.zones <> '', i.created_at_us, i.ends_at_us, "    \
    "i.zones, i.email AS email, '', '', a.name, 0 FROM invitations i JOIN accounts a ON a.id " \
    "= i.account_id "
#define OF_ACCOUNT "WHERE ?3 AND m.account_id = ?1 AND (?2 = '' OR m.user_id = ?2) "
#define OF_USER "WHERE ?3 AND m.user_id = ?2 "
#define INVITED_TO "WHERE ?4 AND i.account_id = ?1 AND (?5 = '' OR i.email = ?5) "
#define INVITED "WHERE ?4 AND i.email = ?5 "
#define COUNT(members, invitations)                                                         \
    "SELECT (SELECT count(*) FROM members m JOIN users u ON u.id = m.user_id AND u.kind = " \
    "'person' " members ") + (SELECT count(*) FROM invitations i " invitations ")"
#define PAGE(members, invitations)                                                                 \
    MEMBER_ROWS members "UNION ALL " INVITATION_ROWS invitations "ORDER BY email LIMIT ?6 OFFSET " \
                        "?7"

static enum err read_member(struct statement *s, struct arena *arena, struct store_member *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->account_id);
    struct span user = statement_lend(s);
    out->user_id = (struct id){{0}};
    bool sound = user.len == 0 || id_parse(user, &out->user_id) == ERR_OK;
    sound = span_to_cstr(statement_lend(s), out->role, sizeof(out->role)) && sound;
    out->zones_limited = statement_bool(s);
    out->created_at_us = statement_u64(s);
    out->ends_at_us = statement_u64(s);
    out->zones = statement_text(s, arena);
    out->email = statement_text(s, arena);
    out->first_name = statement_text(s, arena);
    out->last_name = statement_text(s, arena);
    out->account_name = statement_text(s, arena);
    out->second_factor = statement_bool(s);
    return sound ? ERR_OK : ERR_CORRUPT;
}

static enum err put_zones(struct store_conn *conn, const struct store_member *member)
{
    struct span rest = member->zones;
    struct statement s;
    statement_open(&s, conn, "DELETE FROM member_zones WHERE member_id = ?");
    statement_bind_id(&s, &member->id);
    TRY(statement_run(&s));
    while (member->zones_limited && rest.len > 0) {
        struct span zone = span_split(&rest, ',');
        statement_open(&s, conn,
                       "INSERT INTO member_zones (member_id, zone_id) SELECT ?1, id FROM zones "
                       "WHERE id = ?2 AND account_id = ?3 ON CONFLICT DO NOTHING");
        statement_bind_id(&s, &member->id);
        statement_bind_text(&s, zone);
        statement_bind_id(&s, &member->account_id);
        TRY(statement_run(&s));
    }
    return ERR_OK;
}

enum err store_member_insert(struct store_conn *conn, const struct store_member *member)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO members (id, user_id, account_id, role, zones_limited, "
                   "created_at_us) VALUES (?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &member->id);
    statement_bind_id(&s, &member->user_id);
    statement_bind_id(&s, &member->account_id);
    statement_bind_text(&s, span_str(member->role));
    statement_bind_bool(&s, member->zones_limited);
    statement_bind_u64(&s, member->created_at_us);
    TRY(statement_run(&s));
    return put_zones(conn, member);
}

enum err store_member_update(struct store_conn *conn, const struct store_member *member)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE members SET role = ?, zones_limited = ? WHERE id = ?");
    statement_bind_text(&s, span_str(member->role));
    statement_bind_bool(&s, member->zones_limited);
    statement_bind_id(&s, &member->id);
    TRY(statement_run_one(&s));
    return put_zones(conn, member);
}

enum err store_member_delete(struct store_conn *conn, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM members WHERE id = ?");
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_member_get(struct store_conn *conn, const struct id *account_id,
                          const struct id *user_id, struct store_member *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT id, role, zones_limited FROM members WHERE user_id = ? AND "
                   "account_id = ?");
    statement_bind_id(&s, user_id);
    statement_bind_id(&s, account_id);
    enum err err = statement_row(&s);
    *out = (struct store_member){.account_id = *account_id, .user_id = *user_id};
    if (err == ERR_OK) {
        statement_id(&s, &out->id);
        if (!span_to_cstr(statement_lend(&s), out->role, sizeof(out->role)))
            err = ERR_CORRUPT;
        out->zones_limited = statement_bool(&s);
    }
    statement_close(&s);
    return err;
}

enum err store_member_has_zone(struct store_conn *conn, const struct id *member_id,
                               const struct id *zone_id, bool *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT 1 FROM member_zones WHERE member_id = ? AND zone_id = ?");
    statement_bind_id(&s, member_id);
    statement_bind_id(&s, zone_id);
    enum err err = statement_row(&s);
    *out = err == ERR_OK;
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_owner_count(struct store_conn *conn, const struct id *account_id, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT count(*) FROM members WHERE account_id = ? AND role = 'owner'");
    statement_bind_id(&s, account_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

static void bind_query(struct statement *s, const struct store_member_query *query)
{
    statement_bind_id(s, &query->account_id);
    statement_bind_id(s, &query->user_id);
    statement_bind_bool(s, query->members);
    statement_bind_bool(s, query->invitations);
    statement_bind_text(s, query->email);
}

static enum err count_members(struct store_conn *conn, const struct store_member_query *query,
                              uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn,
                   query->account_id.text[0] != '\0' ? COUNT(OF_ACCOUNT, INVITED_TO)
                                                     : COUNT(OF_USER, INVITED));
    bind_query(&s, query);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

enum err store_member_list(struct store_conn *conn, const struct store_member_query *query,
                           struct arena *arena, struct store_member_list *out)
{
    struct statement s;
    *out = (struct store_member_list){0};
    TRY(count_members(conn, query, &out->total_count));
    out->rows = arena_calloc(arena, query->page.per_page, sizeof(*out->rows));
    statement_open(&s, conn,
                   query->account_id.text[0] != '\0' ? PAGE(OF_ACCOUNT, INVITED_TO)
                                                     : PAGE(OF_USER, INVITED));
    bind_query(&s, query);
    statement_bind_u64(&s, query->page.per_page);
    statement_bind_u64(&s, (query->page.page - 1) * query->page.per_page);
    enum err err;
    while ((err = statement_row(&s)) == ERR_OK) {
        err = read_member(&s, arena, &out->rows[out->count++]);
        if (err != ERR_OK)
            break;
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_member_find(struct store_conn *conn, const struct id *id, struct arena *arena,
                           struct store_member *out)
{
    struct statement s;
    statement_open(&s, conn,
                   MEMBER_ROWS "WHERE m.id = ?1 UNION ALL " INVITATION_ROWS "WHERE i.id = ?1");
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        err = read_member(&s, arena, out);
    statement_close(&s);
    return err;
}

enum err store_invitation_insert(struct store_conn *conn, const struct store_member *member,
                                 const struct digest *secret_digest)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO invitations (id, account_id, email, role, zones, secret_digest, "
                   "created_at_us, ends_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &member->id);
    statement_bind_id(&s, &member->account_id);
    statement_bind_text(&s, member->email);
    statement_bind_text(&s, span_str(member->role));
    statement_bind_text(&s, member->zones);
    statement_bind_digest(&s, secret_digest);
    statement_bind_u64(&s, member->created_at_us);
    statement_bind_u64(&s, member->ends_at_us);
    return statement_run(&s);
}

enum err store_invitation_delete(struct store_conn *conn, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM invitations WHERE id = ?");
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_invitation_find(struct store_conn *conn, const struct digest *secret_digest,
                               uint64_t now_us, struct id *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT id FROM invitations WHERE secret_digest = ? AND ends_at_us > ?");
    statement_bind_digest(&s, secret_digest);
    statement_bind_u64(&s, now_us);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        statement_id(&s, out);
    statement_close(&s);
    return err;
}
