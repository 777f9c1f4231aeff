/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_race.h - the addresses of one name, dialled beside each other (RFC 8305).
 *
 *      sort: set aside ones last, families by turns, IPv6 first; the first place changes hands
 *      run:  dial 1 --LIMIT_ORIGIN_STAGGER_MS--> dial 2 beside it --> ...    first to connect: won
 *                 '--failed: the next one at once                            all failed: lost
 *
 * Addresses that failed, or that another one overtook, are set aside with a growing pause: the
 * others share the load meanwhile.
 *
 * Ownership: embedded in the asker, which may free it in won and lost.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_RACE_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_RACE_H

#include "common/model/address_policy.h"
#include "common/model/limits.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/origin/origin_health.h"

/* What a pool remembers of addresses that failed; the oldest goes first. */
#define ORIGIN_ASIDES 4
struct origin_asides {
    struct {
        struct address address;
        struct origin_health health;
    } items[ORIGIN_ASIDES];
};

enum origin_try_state { TRY_WAITING, TRY_DIALLING, TRY_OVERTAKEN, TRY_FAILED };

struct origin_race;

struct origin_try {
    struct origin_race *race;
    struct address address;
    enum origin_try_state state;
    struct tcp_dial *dial; /* while DIALLING */
};

struct origin_race {
    struct loop *loop;
    struct origin_asides *asides; /* lent by the pool */
    uint16_t port;
    void (*won)(struct origin_race *race, struct transport *transport);
    void (*lost)(struct origin_race *race, enum err err);
    /* the race's */
    struct origin_try tries[LIMIT_ORIGIN_ADDRESSES];
    size_t count;
    size_t winner; /* meaningful in and after won */
    struct deadline stagger;
    enum err last_err;
};

/* The first group is filled; turn says whose turn it is to be first. */
void origin_race_set(struct origin_race *race, const struct address *addresses, size_t count,
                     size_t turn);
/* Dials what is left; one of the callbacks follows, now or from the loop. */
void origin_race_run(struct origin_race *race);
/* No callback follows; what was being dialled may be dialled again. */
void origin_race_stop(struct origin_race *race);
/* The winner was no good after all. */
void origin_race_spoil(struct origin_race *race);
/* Somebody could still win. */
bool origin_race_open(const struct origin_race *race);

#endif
