/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_page.h - which part of a list is asked for, and what result_info says about it.
 *
 * A page past the end is an empty list, not an error: the official SDKs page until they see it.
 * Clients ask for one row to find a zone by its name, for page 0, and for more rows than a page has
 * (scripts, "all of them"): the first is answered exactly, the others as the first page and as the
 * most that a page has.  result_info says what was answered.
 */
#ifndef TRUNKLINE_CONTROL_API_API_PAGE_H
#define TRUNKLINE_CONTROL_API_API_PAGE_H

#include "control/api/api.h"

struct api_page_rule {
    uint64_t per_page_max, per_page_normal;
};

struct api_page {
    uint64_t page, per_page; /* page counts from 1 */
    uint64_t offset;         /* rows before the page */
    uint64_t total_count;    /* set by the answer */
    uint64_t count;          /* rows on this page; set by the answer */
};

MUST_USE enum err api_page_read(struct api_request *request, struct api_reply *reply,
                                const struct api_page_rule *rule, struct api_page *out);

uint64_t api_page_total(const struct api_page *page);

#endif
