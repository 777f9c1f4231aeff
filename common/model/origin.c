/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.c - the key of an origin's pool.
 */
#include "common/model/origin.h"

/* A length before each text keeps ("ab", "c") and ("a", "bc") apart. */
static void put_text(struct buf *out, struct span text)
{
    ASSERT(text.len <= UINT16_MAX);
    buf_append_byte(out, (uint8_t)(text.len >> 8));
    buf_append_byte(out, (uint8_t)text.len);
    buf_append(out, text);
}

void origin_encode_key(const struct origin *origin, struct buf *out)
{
    put_text(out, id_span(&origin->zone_id));
    put_text(out, origin->address);
    put_text(out, origin->sni);
    buf_append_byte(out, (uint8_t)(origin->port >> 8));
    buf_append_byte(out, (uint8_t)origin->port);
    buf_append_byte(out, (uint8_t)origin->tls);
    buf_append_byte(out, (uint8_t)origin->policy);
    buf_append(out, span_of(origin->client_certificate.text, ID_TEXT_BYTES));
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_append_byte(out, (uint8_t)(origin->streams_max >> shift));
}
