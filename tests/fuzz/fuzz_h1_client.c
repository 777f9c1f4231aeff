/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h1_client.c - a visitor who sends anything over HTTP/1.1: where his bytes are split changes
 * no request, and nothing that stands behind a refused one is a request.
 *
 * Input: the size of the pieces, then the visitor's bytes.
 */
#include "dataplane/h1/h1_client.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_client.h"

static struct client_rig run(struct span bytes, size_t step)
{
    static const struct h1_client_events events = {.on_closed = client_on_closed};
    static const struct client_facts facts = {.address = {(const uint8_t *)"192.0.2.1", 9}};
    struct client_rig rig;

    client_open(&rig, true);
    struct h1_client *conn =
        h1_client_open(&rig.transport.base, &rig.intake, &facts, &events, &rig);
    client_give(&rig, bytes, step);
    if (!fake_transport_gone(&rig.transport))
        fake_transport_end(&rig.transport);
    client_settle(&rig);
    if (rig.closed_count == 0)
        h1_client_close(conn);
    client_close(&rig);
    ASSERT(rig.refused_count <= 1);
    return rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct span text = span_skip(span_of(bytes, len), 1);

    struct client_rig whole = run(text, SIZE_MAX);
    struct client_rig pieces = run(text, (size_t)bytes[0] + 1);
    ASSERT(whole.begun_count == pieces.begun_count && whole.whole_count == pieces.whole_count);
    ASSERT(whole.refused_count == pieces.refused_count && whole.trace == pieces.trace);
    return 0;
}
