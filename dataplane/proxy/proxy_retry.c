/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_retry.c - the decision to send a request again.
 */
#include "dataplane/proxy/proxy_retry.h"

#define PAUSE_FIRST_MS 20
#define PAUSE_DOUBLINGS_MAX 3
/* A pause is this many of twice as many steps, or all of them: each length is a class of
 * deadlines. */
#define PAUSE_STEPS 2

static enum err_retry class_of(const struct proxy_retry_question *question)
{
    /* A kept connection that turned out dead before anything was written. */
    if (question->err == ERR_ORIGIN_STALE && !question->seen)
        return RETRY_ALWAYS;
    return err_retry(question->err);
}

/* No connection came to be: nothing was sent, and another address may do better. */
static bool dial_failed(enum err err)
{
    return err == ERR_ORIGIN_REFUSED || err == ERR_ORIGIN_UNREACHABLE ||
           err == ERR_ORIGIN_CONNECT_TIMEOUT || err == ERR_ORIGIN_TLS ||
           err == ERR_ORIGIN_CERTIFICATE || err == ERR_ORIGIN_RESOLVE;
}

static bool allowed(const struct proxy_retry_question *question)
{
    const struct proxy_retry_counts *counts = &question->counts;
    if (!question->replayable)
        return false;
    if (dial_failed(question->err))
        return true; /* each address once */
    if (question->err == ERR_ORIGIN_NOT_PROCESSED)
        return counts->returns < LIMIT_RETURNS;
    if (counts->tries >= LIMIT_RETRIES)
        return false;
    switch (class_of(question)) {
    case RETRY_NEVER:
        return false;
    case RETRY_IDEMPOTENT:
        return question->idempotent && counts->repeats == 0;
    case RETRY_ALWAYS:
        return true;
    }
    UNREACHABLE();
}

/* The one repeat goes where the same thing cannot happen again. */
static bool blames_h2(enum err err)
{
    return err == ERR_ORIGIN_H1_REQUIRED || err == ERR_ORIGIN_H2_BROKEN ||
           err == ERR_ORIGIN_STREAM_RESET;
}

enum proxy_retry proxy_retry_decide(const struct proxy_retry_question *question)
{
    if (!allowed(question))
        return PROXY_GIVE_UP;
    if (dial_failed(question->err))
        return PROXY_OTHER_ORIGIN;
    if (!blames_h2(question->err))
        return PROXY_FRESH;
    return question->grpc || question->h1_only ? PROXY_GIVE_UP : PROXY_FRESH_H1;
}

void proxy_retry_count(const struct proxy_retry_question *question,
                       struct proxy_retry_counts *counts)
{
    if (dial_failed(question->err))
        return;
    if (question->err == ERR_ORIGIN_NOT_PROCESSED) {
        counts->returns++;
        return;
    }
    counts->tries++;
    counts->repeats += class_of(question) == RETRY_IDEMPOTENT;
}

bool proxy_retry_charged(const struct proxy_retry_question *question)
{
    return !dial_failed(question->err) && question->err != ERR_ORIGIN_NOT_PROCESSED;
}

uint64_t proxy_retry_pause_ms(const struct proxy_retry_counts *counts, uint64_t roll)
{
    unsigned count = counts->tries + counts->returns;
    if (count < 2)
        return 0;
    unsigned doublings = count - 2 < PAUSE_DOUBLINGS_MAX ? count - 2 : PAUSE_DOUBLINGS_MAX;
    uint64_t pause_ms = (uint64_t)PAUSE_FIRST_MS << doublings;
    return pause_ms * (PAUSE_STEPS + roll % (PAUSE_STEPS + 1)) / (2 * PAUSE_STEPS);
}
