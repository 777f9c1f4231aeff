/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_filter.c - filters and orders of lists.
 */
#include "control/api/api_filter.h"

#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/change/hostname_idn.h"

#define WORDS_MAX 32

struct match_prefix {
    const char *text;
    enum store_match match;
};

static const struct match_prefix prefixes[] = {
    {"contains:", STORE_MATCH_CONTAINS},   {"starts_with:", STORE_MATCH_STARTS_WITH},
    {"ends_with:", STORE_MATCH_ENDS_WITH}, {"equal:", STORE_MATCH_EQUAL},
    {"not_equal:", STORE_MATCH_NOT_EQUAL},
};

void api_filter_text(struct api_request *request, const char *name, struct store_filter *out)
{
    *out = (struct store_filter){STORE_MATCH_ALL, SPAN_EMPTY};
    struct span text;
    if (!api_query_get(request, name, &text) || text.len == 0)
        return;
    *out = (struct store_filter){STORE_MATCH_EQUAL, text};
    for (size_t i = 0; i < countof(prefixes); i++) {
        struct span prefix = span_str(prefixes[i].text);
        if (span_starts_with(text, prefix))
            *out = (struct store_filter){prefixes[i].match, span_skip(text, prefix.len)};
    }
}

void api_filter_hostname(struct api_request *request, struct store_filter *filter)
{
    struct hostname name;
    bool whole = filter->match == STORE_MATCH_EQUAL || filter->match == STORE_MATCH_NOT_EQUAL;
    if (whole && hostname_idn_parse(filter->text, HOSTNAME_WILDCARD, &name, NULL) == ERR_OK)
        filter->text = arena_copy(&request->arena, hostname_span(&name));
    else
        filter->text = arena_copy_lower(&request->arena, filter->text);
}

void api_filter_words(struct api_request *request, const char *name, struct store_filter *out)
{
    struct span words[WORDS_MAX];
    size_t count = api_query_list(request, name, words, WORDS_MAX);
    *out = (struct store_filter){STORE_MATCH_ALL, SPAN_EMPTY};
    if (count == 0)
        return;
    *out = (struct store_filter){STORE_MATCH_EQUAL, words[0]};
    if (count == 1)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, api_json_text(words[i]));
    size_t len = json_dumpb(list, NULL, 0, JSON_COMPACT);
    char *text = arena_alloc(&request->arena, len);
    ASSERT(json_dumpb(list, text, len, JSON_COMPACT) == len);
    json_decref(list);
    *out = (struct store_filter){STORE_MATCH_ANY_OF, span_of(text, len)};
}

enum err api_filter_word(struct api_request *request, struct api_reply *reply, const char *name,
                         const char *const *words, size_t *out)
{
    *out = 0;
    struct span given;
    if (!api_query_get(request, name, &given) || given.len == 0)
        return ERR_OK;
    for (size_t i = 0; words[i]; i++)
        if (span_equal(given, span_str(words[i]))) {
            *out = i;
            return ERR_OK;
        }
    struct buf text;
    buf_init(&text, 128);
    for (size_t i = 0; words[i]; i++)
        buf_appendf(&text, "%s`%s`", i ? ", " : "", words[i]);
    enum err err =
        api_fail(reply, API_ERROR_FIELD, name, "must be one of %.*s", SPAN_ARG(buf_span(&text)));
    buf_release(&text);
    return err;
}

enum err api_filter_page(struct api_request *request, struct api_reply *reply,
                         const struct api_page_rule *rule, struct api_page *page,
                         struct store_page *out)
{
    static const char *const directions[] = {"asc", "desc", NULL};
    size_t direction;
    TRY(api_page_read(request, reply, rule, page));
    TRY(api_filter_word(request, reply, "direction", directions, &direction));
    *out = (struct store_page){page->page, page->per_page, direction == 1};
    return ERR_OK;
}

enum err api_filter_match(struct api_request *request, struct api_reply *reply, bool *out)
{
    static const char *const words[] = {"all", "any", NULL};
    size_t word;
    TRY(api_filter_word(request, reply, "match", words, &word));
    *out = word == 1;
    return ERR_OK;
}
