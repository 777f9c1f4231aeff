/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_filter.h - filters and orders of lists, from the query.
 *
 * A text filter is `name=example.com`, or with how it matches before the text:
 * `name=contains:shop`, `starts_with:`, `ends_with:`, `equal:`, `not_equal:`.
 */
#ifndef TRUNKLINE_CONTROL_API_API_FILTER_H
#define TRUNKLINE_CONTROL_API_API_FILTER_H

#include "control/api/api_page.h"
#include "control/store/store.h"

/* STORE_MATCH_ALL when the parameter is not there. */
void api_filter_text(struct api_request *request, const char *name, struct store_filter *out);

/* One of several words is enough: `type=A,AAAA`, `type=A&type=AAAA`. */
void api_filter_words(struct api_request *request, const char *name, struct store_filter *out);

/* A filter of hostnames: in lower case, and a whole one as hostname_idn.h writes it. */
void api_filter_hostname(struct api_request *request, struct store_filter *filter);

/* The index of the parameter's word in words (NULL-terminated), 0 when it is not there;
 * API_ERROR_FIELD with the list of words otherwise. */
MUST_USE enum err api_filter_word(struct api_request *request, struct api_reply *reply,
                                  const char *name, const char *const *words, size_t *out);

/* `page`, `per_page` and `direction` for a query of the store. */
MUST_USE enum err api_filter_page(struct api_request *request, struct api_reply *reply,
                                  const struct api_page_rule *rule, struct api_page *page,
                                  struct store_page *out);

/* True for `match=any`. */
MUST_USE enum err api_filter_match(struct api_request *request, struct api_reply *reply, bool *out);

#endif
