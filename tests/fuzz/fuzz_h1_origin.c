/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h1_origin.c - an HTTP/1.1 origin that sends anything: where its bytes are split changes
 * nothing for the first visitor, and no later visitor gets what came before his request.
 *
 * Input: options (fuzz_origin.h), the size of the pieces, then the origin's bytes.
 */
#include "dataplane/h1/h1_origin.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_origin.h"

struct result {
    int status;
    uint64_t got_bytes;
    bool end_got;
};

static struct result run(unsigned options, struct span answers, size_t step)
{
    static const struct h1_origin_options origin_options = {.read_timeout_ms = FUZZ_TIMEOUT_MS};
    struct fuzz_rig rig;

    fuzz_open(&rig, options);
    rig.conn = h1_origin_open(&rig.transport.base, &origin_options, &fuzz_conn_events, &rig);
    ASSERT(fuzz_request(&rig));
    fuzz_turns(&rig, 2);
    fuzz_give(&rig, answers, step);
    /* Everything was the first one's: a connection that is still good has nothing left. */
    if (rig.exchanges[0].client.done && fuzz_request(&rig))
        fuzz_turns(&rig, 2);
    fuzz_end(&rig);
    for (size_t i = 1; i < rig.exchange_count; i++)
        ASSERT(!rig.exchanges[i].client.head_got && rig.exchanges[i].client.got_bytes == 0);

    const struct script_side *first = &rig.exchanges[0].client;
    struct result result = {first->status, first->got_bytes, first->end_got};
    fuzz_close(&rig);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct span answers = span_skip(span_of(bytes, len), 2);

    struct result whole = run(bytes[0], answers, SIZE_MAX);
    struct result pieces = run(bytes[0], answers, (size_t)bytes[1] + 1);
    if (bytes[0] & (FUZZ_DEAF | FUZZ_LEAVES | FUZZ_POST))
        return 0;
    ASSERT(whole.end_got == pieces.end_got);
    ASSERT(!whole.end_got ||
           (whole.status == pieces.status && whole.got_bytes == pieces.got_bytes));
    return 0;
}
