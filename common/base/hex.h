/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.h - lowercase hexadecimal, both ways.
 */
#ifndef TRUNKLINE_COMMON_BASE_HEX_H
#define TRUNKLINE_COMMON_BASE_HEX_H

#include "common/base/err.h"
#include "common/base/span.h"

/* Writes 2 * bytes.len characters and a NUL. */
void hex_encode(struct span bytes, char *out);
/* Exactly out_len bytes from 2 * out_len lowercase digits; ERR_INVALID otherwise. */
MUST_USE enum err hex_decode(struct span text, uint8_t *out, size_t out_len);

#endif
