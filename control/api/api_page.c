/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_page.c - which part of a list is asked for.
 */
#include "control/api/api_page.h"

#include "control/api/api_query.h"

#define NUMBER_MAX 1000000000

enum err api_page_read(struct api_request *request, struct api_reply *reply,
                       const struct api_page_rule *rule, struct api_page *out)
{
    *out = (struct api_page){0};
    const struct api_query_range pages = {0, NUMBER_MAX, 1};
    const struct api_query_range rows = {1, NUMBER_MAX, rule->per_page_normal};
    TRY(api_query_u64(request, reply, "page", &pages, &out->page));
    TRY(api_query_u64(request, reply, "per_page", &rows, &out->per_page));
    if (out->page == 0)
        out->page = 1;
    if (out->per_page > rule->per_page_max)
        out->per_page = rule->per_page_max;
    out->offset = (out->page - 1) * out->per_page;
    return ERR_OK;
}

uint64_t api_page_total(const struct api_page *page)
{
    ASSERT(page->per_page > 0);
    return (page->total_count + page->per_page - 1) / page->per_page;
}
