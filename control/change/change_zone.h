/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_zone.h - zones come, change and go.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_ZONE_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_ZONE_H

#include "control/change/change.h"

struct change_zone_spec {
    struct id account_id; /* empty: the actor's only account */
    struct span name;     /* as the client wrote it */
    struct span type;     /* "full" or empty */
};

/* ERR_EXISTS: the name is taken, or lies above or below a zone of another account (1061).
 * ERR_INVALID with path "name": not a name that can be a zone (1002).  ERR_NOT_FOUND: no such
 * account. */
MUST_USE enum err change_zone_create(struct change *change, const struct change_zone_spec *spec,
                                     struct id *out, struct problem *problem);

struct change_zone_edit {
    bool paused_given, paused;
    bool plan_given;
    struct span plan; /* its slug; operators only */
};

MUST_USE enum err change_zone_edit(struct change *change, const struct id *zone_id,
                                   const struct change_zone_edit *edit, struct problem *problem);

/* Its control is proven: from now on it is served.  Operators only; an active zone stays as it is,
 * and then nothing was changed. */
MUST_USE enum err change_zone_activate(struct change *change, const struct id *zone_id,
                                       struct problem *problem);

/* Leaves a tombstone for the edges. */
MUST_USE enum err change_zone_delete(struct change *change, const struct id *zone_id,
                                     struct problem *problem);

#endif
