/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.h - a few threads that check and make password hashes, so that nobody else waits for it.
 *
 *      hasher_submit -> [reserved] --.
 *                    -> [waiting]  ---+-> one of LIMIT_HASHERS threads -> job->done
 *
 * Jobs of devices that are known stand in a queue of their own, which is served first.
 *
 * Ownership: a job is its owner's and stays where it is until done was called, from a thread of the
 *            hasher.
 * Threads:   hasher_submit from any; open and close from one.
 * Limits:    LIMIT_HASHERS, LIMIT_HASHES_WAITING in each queue.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_HASHER_H
#define TRUNKLINE_CONTROL_AUTH_HASHER_H

#include "common/base/list.h"
#include "common/model/limits.h"
#include "control/auth/password.h"

struct hasher;
struct password_job;

typedef void password_done_fn(struct password_job *job);

struct password_job {
    struct list_node node;
    char known_hash[PASSWORD_HASH_BYTES]; /* is checked, unless it is "" */
    char made_hash[PASSWORD_HASH_BYTES]; /* of new_password, when there is one and the other held */
    char password[LIMIT_PASSWORD_BYTES], new_password[LIMIT_PASSWORD_BYTES];
    size_t password_bytes, new_password_bytes;
    bool reserved;
    enum err result; /* ERR_OK, ERR_UNAUTHENTICATED, ERR_BUSY, ERR_INTERNAL */
    password_done_fn *done;
    void *owner;
};

struct hasher *hasher_open(void);
/* ERR_BUSY when too many wait: done is not called. */
MUST_USE enum err hasher_submit(struct hasher *hasher, struct password_job *job);
/* Ends what waits with ERR_BUSY, takes no more, and returns when all are done; hasher_submit may
 * still be called. */
void hasher_stop(struct hasher *hasher);
/* NULL is fine. */
void hasher_close(struct hasher **hasher);

/* A new job with copies of both (new_password may be empty); they fit. */
struct password_job *password_job_new(struct span password, struct span new_password);
/* Wipes it; NULL is fine. */
void password_job_free(struct password_job **job);

#endif
