/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting.c - the rows of setting_table.h, and what a value of each may be.
 */
#include "common/model/setting.h"

#include "common/base/text.h"

static const struct setting rows[SETTING_COUNT] = {
#define X(id, member, kind, words, min, max, most, normal, enterprise) \
    {(id), SETTING_##kind, (words), (min), (max), (most), {(normal), (enterprise)}},
    SETTING_TABLE(X)
#undef X
};

static const char *const plan_slugs[] = {
    [PLAN_FREE] = "free",
    [PLAN_PRO] = "pro",
    [PLAN_BUSINESS] = "business",
    [PLAN_ENTERPRISE] = "enterprise",
};

const char *plan_slug(enum plan plan)
{
    ASSERT((size_t)plan < countof(plan_slugs));
    return plan_slugs[plan];
}

enum err plan_parse(struct span slug, enum plan *out)
{
    for (size_t i = 0; i < countof(plan_slugs); i++) {
        if (span_equal(slug, span_str(plan_slugs[i]))) {
            *out = (enum plan)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

const struct setting *setting_row(enum setting_id id)
{
    ASSERT((size_t)id < SETTING_COUNT);
    return &rows[id];
}

enum err setting_find(struct span id, enum setting_id *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (span_equal(id, span_str(rows[i].id))) {
            *out = (enum setting_id)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static bool find_word(const struct setting *row, struct span word, uint64_t *out)
{
    struct span rest = span_str(row->words);
    for (uint64_t i = 0; rest.len > 0; i++) {
        if (span_equal(span_split(&rest, '|'), word)) {
            *out = i;
            return true;
        }
    }
    return false;
}

struct setting_value setting_default(enum setting_id id, enum plan plan)
{
    const struct setting *row = setting_row(id);
    struct setting_value value = {.kind = row->kind};
    struct span text = span_str(row->defaults[plan == PLAN_ENTERPRISE ? 1 : 0]);
    if (row->kind == SETTING_TEXT)
        ASSERT(find_word(row, text, &value.number));
    else
        ASSERT(text_parse_u64(text, row->max, &value.number) == ERR_OK);
    return value;
}

/* must be `off`, `full` or `strict` */
static enum err refuse_word(const struct setting *row, struct problem *problem)
{
    char text[sizeof(((struct problem *)NULL)->text)];
    size_t len = text_format(text, sizeof(text), "must be ");
    struct span rest = span_str(row->words);
    for (bool first = true; rest.len > 0; first = false) {
        struct span word = span_split(&rest, '|');
        const char *glue = first ? "" : rest.len > 0 ? ", " : " or ";
        len += text_format(text + len, sizeof(text) - len, "%s`%.*s`", glue, SPAN_ARG(word));
    }
    return problem_set(problem, ERR_INVALID, "value", "%s", text);
}

static enum err refuse_number(const struct setting *row, struct problem *problem)
{
    return problem_set(problem, ERR_INVALID, "value", "must be a whole number from %llu to %llu",
                       (unsigned long long)row->min, (unsigned long long)row->max);
}

enum err setting_parse_word(enum setting_id id, enum plan plan, struct span word,
                            struct setting_value *out, struct problem *problem)
{
    const struct setting *row = setting_row(id);
    struct setting_value value = {.kind = SETTING_TEXT};
    ASSERT((size_t)plan < countof(plan_slugs));
    if (row->kind != SETTING_TEXT)
        return refuse_number(row, problem);
    if (!find_word(row, word, &value.number))
        return refuse_word(row, problem);
    *out = value;
    return ERR_OK;
}

/* Each plan may lower a number; raising it past the row's most is an Enterprise right. */
enum err setting_parse_number(enum setting_id id, enum plan plan, uint64_t number,
                              struct setting_value *out, struct problem *problem)
{
    const struct setting *row = setting_row(id);
    if (row->kind != SETTING_NUMBER)
        return refuse_word(row, problem);
    if (number < row->min || number > row->max)
        return refuse_number(row, problem);
    if (plan != PLAN_ENTERPRISE && number > row->most)
        return problem_set(problem, ERR_FORBIDDEN, "value",
                           "more than %llu needs the enterprise plan",
                           (unsigned long long)row->most);
    *out = (struct setting_value){.kind = SETTING_NUMBER, .number = number};
    return ERR_OK;
}

struct span setting_word(enum setting_id id, struct setting_value value)
{
    ASSERT(value.kind == SETTING_TEXT);
    struct span rest = span_str(setting_row(id)->words);
    for (uint64_t i = 0; i < value.number && rest.len > 0; i++)
        (void)span_split(&rest, '|');
    ASSERT(rest.len > 0);
    return span_split(&rest, '|');
}
