/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol_memory.h - what the workers of this host have learned about origins, kept in a file.
 *
 *      worker --PROTOCOL--> put --> STATE/protocols.db --> append --> a new worker
 *
 * The file is a convenience: what is in it is learned again within one dial.  A file that does not
 * open, or breaks, is thrown away, and without one the memory is empty and everything goes on.
 *
 * A row holds until its time has come; a suspension is remembered for
 * LIMIT_ORIGIN_SUSPENDED_MAX_MS longer, so that the next one is longer than it was.
 *
 * Limits: LIMIT_ORIGIN_POOLS rows, the longest unheard go first.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_PROTOCOL_MEMORY_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_PROTOCOL_MEMORY_H

#include "common/base/buf.h"
#include "common/model/origin_knowledge.h"

struct protocol_memory;

struct protocol_memory *protocol_memory_open(const char *path);
/* Leaves NULL behind; NULL is fine. */
void protocol_memory_close(struct protocol_memory **memory);

void protocol_memory_put(struct protocol_memory *memory, const struct origin_knowledge *what);
/* A PROTOCOL frame for each thing that is known, until out is full; returns how many. */
size_t protocol_memory_append(struct protocol_memory *memory, struct buf *out);

#endif
