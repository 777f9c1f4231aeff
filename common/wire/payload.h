/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.h - the few kinds of value that messages are made of, written and read (schema/wire.md).
 *
 * A reader remembers its first failure and from then on hands out zeros, so that a decoder is a
 * list of its fields; payload_finish says in the end whether all of them were there, and nothing
 * else.  No read ever leaves the payload.
 *
 * Ownership: spans that were read are lent by the frame.
 */
#ifndef TRUNKLINE_COMMON_WIRE_PAYLOAD_H
#define TRUNKLINE_COMMON_WIRE_PAYLOAD_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/digest.h"
#include "common/model/id.h"

struct payload_reader {
    struct span left;
    enum err err;
    struct problem *problem; /* may be NULL */
};

enum payload_id { PAYLOAD_ID_NEEDED, PAYLOAD_ID_MAY_BE_EMPTY };

void payload_put_u32(struct buf *out, uint32_t value);
void payload_put_u64(struct buf *out, uint64_t value);
void payload_put_bool(struct buf *out, bool value);
/* 32 digits, or 32 zero bytes for the empty id. */
void payload_put_id(struct buf *out, const struct id *id);
void payload_put_digest(struct buf *out, const struct digest *digest);
/* A length of four bytes before them. */
void payload_put_bytes(struct buf *out, struct span bytes);

/* Notes the first failure: `field` goes into the problem's path, `text` says what is wrong. */
void payload_refuse(struct payload_reader *reader, const char *field, const char *text);

/* Exactly len bytes. */
struct span payload_take(struct payload_reader *reader, size_t len, const char *field);
uint32_t payload_take_u32(struct payload_reader *reader, const char *field);
uint64_t payload_take_u64(struct payload_reader *reader, const char *field);
bool payload_take_bool(struct payload_reader *reader, const char *field);
struct id payload_take_id(struct payload_reader *reader, enum payload_id need, const char *field);
struct digest payload_take_digest(struct payload_reader *reader, const char *field);
struct span payload_take_bytes(struct payload_reader *reader, size_t bytes_max, const char *field);

/* ERR_PROTOCOL after a failure, and when something is left over. */
MUST_USE enum err payload_finish(struct payload_reader *reader);

#endif
