/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.h - asks DNS whether pending zones are controlled by who made them.
 *
 * The proof is a TXT record at trunkline-verify.<zone> that has the zone's verification key.
 *
 * Ownership: borrows store and door until close.
 * Threads:   open and close from one thread; verifier_ask from any; one thread of its own.
 * Limits:    LIMIT_VERIFY_BATCH zones at a time, LIMIT_VERIFY_PAUSE_MS between two rounds.
 */
#ifndef TRUNKLINE_CONTROL_VERIFY_VERIFIER_H
#define TRUNKLINE_CONTROL_VERIFY_VERIFIER_H

#include "control/change/change.h"

struct verifier;

struct verifier_options {
    struct store *store;
    const struct change_door *door;
    const char *resolver; /* "192.0.2.53:53"; NULL: the system's */
};

MUST_USE enum err verifier_open(const struct verifier_options *options, struct verifier **out,
                                struct problem *problem);
/* Ends what is asked, joins the thread; leaves NULL behind. */
void verifier_close(struct verifier **verifier);

/* Looks at this zone next; returns at once.  `owner` is the verifier. */
void verifier_ask(void *owner, const struct id *zone_id);

#endif
