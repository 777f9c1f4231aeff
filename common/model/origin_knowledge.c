/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_knowledge.c - the tables of facts and reasons, read.
 */
#include "common/model/origin_knowledge.h"

bool origin_fact_known(uint32_t number)
{
    switch (number) {
#define X(name, value, place, longest_ms) case (value):
        ORIGIN_FACT_TABLE(X)
#undef X
        return true;
    default:
        return false;
    }
}

enum origin_fact_place origin_fact_place(enum origin_fact fact)
{
    switch (fact) {
#define X(name, number, place, longest_ms) \
    case ORIGIN_FACT_##name:               \
        return ORIGIN_PLACE_##place;
        ORIGIN_FACT_TABLE(X)
#undef X
    }
    UNREACHABLE();
}

static uint64_t longest_ms_of(enum origin_fact fact)
{
    switch (fact) {
#define X(name, number, place, longest_ms) \
    case ORIGIN_FACT_##name:               \
        return (longest_ms);
        ORIGIN_FACT_TABLE(X)
#undef X
    }
    UNREACHABLE();
}

uint64_t origin_fact_left_ms(enum origin_fact fact, uint64_t until_s, uint64_t now_s)
{
    uint64_t longest_ms = longest_ms_of(fact);
    if (until_s <= now_s)
        return 0;
    uint64_t left_s = until_s - now_s;
    return left_s < longest_ms / 1000 ? left_s * 1000 : longest_ms;
}

bool origin_reason_known(uint32_t number)
{
    switch (number) {
#define X(name, value, slug) case (value):
        ORIGIN_REASON_TABLE(X)
#undef X
        return true;
    default:
        return false;
    }
}

const char *origin_reason_slug(enum origin_reason reason)
{
    switch (reason) {
    case ORIGIN_REASON_NONE:
        break;
#define X(name, number, slug)  \
    case ORIGIN_REASON_##name: \
        return slug;
        ORIGIN_REASON_TABLE(X)
#undef X
    }
    return "none";
}
