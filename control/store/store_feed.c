/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_feed.c - what changed since a revision, row by row, for the publisher.
 *
 *      CERTIFICATE --[store_feed_next: no more rows]--> TOMBSTONE --> DOCUMENT --> ERR_CLOSED
 */
#include "control/store/store_feed.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/store/certificate_seal.h"
#include "control/store/statement.h"

struct store_feed {
    struct store_conn *conn;
    uint64_t since_revision;
    enum store_feed_kind kind;
    bool walking; /* rows is open */
    bool ended;
    struct statement rows;
    struct buf key;
};

static enum err read_point(struct store_conn *conn, struct store_feed_point *out)
{
    struct statement s;
    *out = (struct store_feed_point){.revision = 0};
    statement_open(&s, conn,
                   "SELECT (SELECT value FROM meta WHERE key = 'epoch'), revision, chain "
                   "FROM revisions UNION ALL SELECT value, 0, zeroblob(32) FROM meta "
                   "WHERE key = 'epoch' ORDER BY 2 DESC LIMIT 1");
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_id(&s, &out->epoch);
        out->revision = statement_u64(&s);
        statement_digest(&s, &out->chain);
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err store_feed_now(struct store *store, struct store_feed_point *out)
{
    struct store_conn *conn = NULL;
    TRY(reader_take(store, false, &conn));
    enum err err = read_point(conn, out);
    reader_give(&conn);
    return err;
}

static enum err read_chain(struct store_conn *conn, uint64_t revision, struct digest *out)
{
    struct statement s;
    *out = (struct digest){{0}};
    if (revision == 0)
        return ERR_OK;
    if (revision > INT64_MAX)
        return ERR_NOT_FOUND;
    statement_open(&s, conn, "SELECT chain FROM revisions WHERE revision = ?");
    statement_bind_u64(&s, revision);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        statement_digest(&s, out);
    statement_close(&s);
    return err;
}

enum err store_feed_known(struct store *store, const struct store_feed_point *point, bool *out)
{
    struct store_conn *conn = NULL;
    struct store_feed_point now;
    struct digest chain;
    *out = false;
    TRY(reader_take(store, false, &conn));
    enum err err = read_point(conn, &now);
    if (err == ERR_OK)
        err = read_chain(conn, point->revision, &chain);
    if (err == ERR_OK)
        *out = id_equal(now.epoch, point->epoch) && digest_equal(&chain, &point->chain);
    reader_give(&conn);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_feed_open(struct store *store, uint64_t since_revision,
                         struct store_feed_point *now_out, struct store_feed **out)
{
    struct store_conn *conn = NULL;
    *out = NULL;
    TRY(reader_take(store, false, &conn));
    enum err err = read_point(conn, now_out);
    if (err != ERR_OK) {
        reader_give(&conn);
        return err;
    }
    struct store_feed *feed = mem_new(struct store_feed);
    feed->conn = conn;
    feed->since_revision = since_revision;
    feed->kind = STORE_FEED_CERTIFICATE;
    buf_init(&feed->key, LIMIT_PRIVATE_KEY_BYTES);
    *out = feed;
    return ERR_OK;
}

void store_feed_close(struct store_feed **feed)
{
    struct store_feed *closing = *feed;
    if (!closing)
        return;
    if (closing->walking)
        statement_close(&closing->rows);
    reader_give(&closing->conn);
    if (closing->key.cap > 0)
        mem_wipe(closing->key.ptr, closing->key.cap);
    buf_release(&closing->key);
    mem_free(feed);
}

static void open_rows(struct store_feed *feed)
{
    static const char *const sql[] = {
        [STORE_FEED_CERTIFICATE] =
            "SELECT zone_id, revision, id, chain_pem, key_sealed FROM certificates "
            "WHERE revision > ?1 UNION ALL SELECT '', revision, record_id, chain_pem, x'' "
            "FROM origin_ca WHERE revision > ?1 ORDER BY revision",
        [STORE_FEED_TOMBSTONE] = "SELECT zone_id, revision FROM documents "
                                 "WHERE deleted = 1 AND revision > ? ORDER BY revision",
        [STORE_FEED_DOCUMENT] = "SELECT zone_id, revision, digest, body FROM documents "
                                "WHERE deleted = 0 AND revision > ? ORDER BY revision",
    };
    statement_open(&feed->rows, feed->conn, sql[feed->kind]);
    statement_bind_u64(&feed->rows, feed->since_revision);
    feed->walking = true;
}

/* After the last row of one kind the next kind follows; false at the end. */
static bool next_kind(struct store_feed *feed)
{
    statement_close(&feed->rows);
    feed->walking = false;
    feed->ended = feed->kind == STORE_FEED_DOCUMENT;
    /* A full copy has nothing to bury. */
    if (feed->kind == STORE_FEED_CERTIFICATE)
        feed->kind = feed->since_revision > 0 ? STORE_FEED_TOMBSTONE : STORE_FEED_DOCUMENT;
    else
        feed->kind = STORE_FEED_DOCUMENT;
    return !feed->ended;
}

static enum err read_certificate(struct store_feed *feed, struct store_feed_item *out)
{
    statement_id(&feed->rows, &out->certificate_id);
    out->chain_pem = statement_lend(&feed->rows);
    if (out->zone_id.text[0] == '\0')
        return ERR_OK; /* the origin CA: edges get no key of it */
    struct certificate_binding binding = certificate_binding(&out->zone_id, &out->certificate_id);
    buf_clear(&feed->key);
    enum err err = seal_open(&feed->conn->store->master, span_str(binding.text),
                             statement_lend(&feed->rows), &feed->key);
    if (err != ERR_OK) {
        log_error("store_key_unopened", F_SPAN("zone_id", id_span(&out->zone_id)),
                  F_SPAN("certificate_id", id_span(&out->certificate_id)), F_ERR(err));
        return ERR_CORRUPT;
    }
    out->key_pem = buf_span(&feed->key);
    return ERR_OK;
}

enum err store_feed_next(struct store_feed *feed, struct store_feed_item *out)
{
    enum err err = ERR_NOT_FOUND;
    while (!feed->ended) {
        if (!feed->walking)
            open_rows(feed);
        err = statement_row(&feed->rows);
        if (err != ERR_NOT_FOUND || !next_kind(feed))
            break;
    }
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? ERR_CLOSED : err;
    *out = (struct store_feed_item){.kind = feed->kind};
    statement_id(&feed->rows, &out->zone_id);
    out->revision = statement_u64(&feed->rows);
    if (feed->kind == STORE_FEED_CERTIFICATE)
        return read_certificate(feed, out);
    if (feed->kind == STORE_FEED_DOCUMENT) {
        statement_digest(&feed->rows, &out->digest);
        out->body = statement_lend(&feed->rows);
    }
    return ERR_OK;
}
