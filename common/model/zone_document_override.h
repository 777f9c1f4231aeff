/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_document_override.h - settings that one hostname of a zone has for itself.
 *
 * The first SETTING_OVERRIDES rows of setting_table.h, those about HTTP/2 to the origin, may have
 * another value for a hostname, or for "*.x" and what is one label below x.  The exact name wins
 * over the wildcard, setting by setting, and both over the zone.
 *
 * Used by zone_document.c alone; who has a document asks zone_document_setting_of.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ZONE_DOCUMENT_OVERRIDE_H
#define TRUNKLINE_COMMON_MODEL_ZONE_DOCUMENT_OVERRIDE_H

#include <jansson.h>

#include "common/model/zone_document.h"

/* Appends ,"overrides":[...] in the order of names, or nothing where there are none. */
void zone_override_encode(const struct zone_document *document, struct buf *out);

/* array may be NULL: none.  Text lives in the document's arena; sorted, not yet checked. */
MUST_USE enum err zone_override_decode(const json_t *array, struct zone_document *out,
                                       struct problem *problem);

/* Names within the zone, each once, with values that their settings have. */
MUST_USE enum err zone_override_check(const struct zone_document *document,
                                      struct problem *problem);

#endif
