/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting.h - what a zone can be told, validated by plan.
 *
 * A setting is a row of setting_table.h.  A value is either one of its words or a whole number.
 * What a zone has not set has the default of its plan.
 */
#ifndef TRUNKLINE_COMMON_MODEL_SETTING_H
#define TRUNKLINE_COMMON_MODEL_SETTING_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/model/setting_table.h"

enum plan { PLAN_FREE, PLAN_PRO, PLAN_BUSINESS, PLAN_ENTERPRISE };
#define PLAN_COUNT 4
enum setting_kind { SETTING_TEXT, SETTING_NUMBER };

enum setting_id {
#define X(id, member, kind, words, min, max, most, normal, enterprise) SETTING_##member,
    SETTING_TABLE(X)
#undef X
        SETTING_COUNT
};

struct setting {
    const char *id;
    enum setting_kind kind;
    const char *words; /* "1|2", in the order in which an index counts them */
    uint64_t min, max;
    uint64_t most;           /* of a number, for every plan but Enterprise */
    const char *defaults[2]; /* every plan but Enterprise; Enterprise */
};

/* A number, or the index of a word in the row's `words`. */
struct setting_value {
    enum setting_kind kind;
    uint64_t number;
};

/* The indexes of the words above, by name. */
enum origin_http_version { ORIGIN_HTTP_1, ORIGIN_HTTP_2 };
enum ssl_mode { SSL_OFF, SSL_FLEXIBLE, SSL_FULL, SSL_STRICT, SSL_ORIGIN_PULL };
enum switch_word { SWITCH_OFF, SWITCH_ON }; /* tls_1_3 too: all but off is on */
enum min_tls_version { MIN_TLS_1_0, MIN_TLS_1_1, MIN_TLS_1_2, MIN_TLS_1_3 };

/* "free", "pro", "business", "enterprise". */
const char *plan_slug(enum plan plan);
MUST_USE enum err plan_parse(struct span slug, enum plan *out);

/* Of all SETTING_COUNT rows. */
const struct setting *setting_row(enum setting_id id);
/* ERR_NOT_FOUND for an unknown id. */
MUST_USE enum err setting_find(struct span id, enum setting_id *out);

struct setting_value setting_default(enum setting_id id, enum plan plan);

/* From what a client sent: `word` for JSON text, `number` for a JSON integer.  ERR_INVALID when it
 * is not a value of this setting (the problem lists what is); ERR_FORBIDDEN when the plan does not
 * allow it. */
MUST_USE enum err setting_parse_word(enum setting_id id, enum plan plan, struct span word,
                                     struct setting_value *out, struct problem *problem);
MUST_USE enum err setting_parse_number(enum setting_id id, enum plan plan, uint64_t number,
                                       struct setting_value *out, struct problem *problem);

/* The word of a TEXT value. */
struct span setting_word(enum setting_id id, struct setting_value value);

#endif
