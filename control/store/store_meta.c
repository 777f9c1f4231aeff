/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_meta.c - rows of the meta table, and the proof that a master key is this store's.
 */
#include "common/base/mem.h"
#include "common/base/text.h"
#include "control/store/statement.h"

#define MASTER_BOUND SPAN("trunkline store")
#define MASTER_PROOF SPAN("master key")
#define PATH_BYTES_MAX 4096

enum err meta_get(struct store_conn *conn, const char *key, struct buf *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT value FROM meta WHERE key = ?");
    statement_bind_text(&s, span_str(key));
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        buf_append(out, statement_lend(&s));
    statement_close(&s);
    return err;
}

enum err meta_put(struct store_conn *conn, const char *key, struct span value)
{
    struct statement s;
    statement_open(&s, conn, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
    statement_bind_text(&s, span_str(key));
    statement_bind_blob(&s, value);
    return statement_run(&s);
}

static enum err master_prove(struct store_conn *conn, struct span proof, const char *path,
                             struct problem *problem)
{
    struct buf opened;
    buf_init(&opened, 64);
    enum err err = seal_open(&conn->store->master, MASTER_BOUND, proof, &opened);
    buf_release(&opened);
    if (err == ERR_OK)
        return ERR_OK;
    return problem_set(problem, ERR_CORRUPT, "master-key",
                       "%.100s is not the master key of this store", path);
}

static enum err master_remember(struct store_conn *conn)
{
    struct buf sealed;
    buf_init(&sealed, 256);
    seal_close(&conn->store->master, MASTER_BOUND, MASTER_PROOF, &sealed);
    enum err err = meta_put(conn, "master_proof", buf_span(&sealed));
    buf_release(&sealed);
    return err;
}

enum err master_load(struct store_conn *conn, const char *key_path, struct problem *problem)
{
    char beside[PATH_BYTES_MAX];
    if (!key_path) {
        text_format(beside, sizeof(beside), "%s.key", conn->store->path);
        key_path = beside;
    }
    struct buf proof;
    buf_init(&proof, 256);
    enum err found = meta_get(conn, "master_proof", &proof);
    enum err err = found;
    if (found == ERR_OK || found == ERR_NOT_FOUND)
        err = seal_key_load(key_path, found == ERR_NOT_FOUND, &conn->store->master, problem);
    else
        (void)problem_set(problem, err, "store", "the meta table cannot be read");
    if (err == ERR_OK && found == ERR_OK)
        err = master_prove(conn, buf_span(&proof), key_path, problem);
    else if (err == ERR_OK)
        err = master_remember(conn);
    buf_release(&proof);
    return err;
}
