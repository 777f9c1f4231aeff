/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_response.h - the head that visitors get: what the origin sent, with the exchange's id.
 *
 * CF-Ray is set, Date is added where there is none (RFC 9110 6.6.1), Server stays the origin's.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_RESPONSE_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_RESPONSE_H

#include "dataplane/http/head.h"

/* ray and date live as long as the head. */
void proxy_response_rewrite(struct head *head, struct span ray, struct span date);

bool proxy_response_dated(const struct head *head);

/* "Sun, 22 Nov 2026 13:29:25 GMT" (RFC 9110 5.6.7). */
#define PROXY_DATE_BYTES 30
void proxy_format_date(uint64_t unix_s, char out[PROXY_DATE_BYTES]);

#endif
