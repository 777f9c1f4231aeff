/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_apply.h - what a client said of a record, checked and put over what there is.
 *
 * Included in this directory only.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_RECORD_APPLY_H
#define TRUNKLINE_CONTROL_CHANGE_RECORD_APPLY_H

#include "control/change/change_int.h"
#include "control/change/change_record.h"

/* Overlays spec on *record and checks the result: names within `zone`, content canonical, text in
 * the change's arena.  The problem's path is the member. */
MUST_USE enum err record_apply(struct change *change, struct span zone,
                               const struct change_record_spec *spec, struct store_record *record,
                               struct problem *problem);

#endif
