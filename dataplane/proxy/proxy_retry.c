/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_retry.c - the decision to send a request again.
 */
#include "dataplane/proxy/proxy_retry.h"

static enum err_retry class_of(const struct proxy_retry_question *question)
{
    /* A kept connection that turned out dead before anything was written. */
    if (question->err == ERR_ORIGIN_STALE && !question->seen)
        return RETRY_ALWAYS;
    return err_retry(question->err);
}

bool proxy_retry_repeats(const struct proxy_retry_question *question)
{
    return class_of(question) == RETRY_IDEMPOTENT;
}

static bool allowed(const struct proxy_retry_question *question)
{
    if (!question->replayable || question->retry_count >= LIMIT_RETRIES)
        return false;
    switch (class_of(question)) {
    case RETRY_NEVER:
        return false;
    case RETRY_IDEMPOTENT:
        return question->idempotent && question->repeat_count == 0;
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
    if (question->err == ERR_ORIGIN_REFUSED || question->err == ERR_ORIGIN_UNREACHABLE)
        return PROXY_OTHER_ORIGIN;
    if (!blames_h2(question->err))
        return PROXY_FRESH;
    return question->grpc || question->h1_only ? PROXY_GIVE_UP : PROXY_FRESH_H1;
}
