/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_proxy_protocol.c - a verdict about a header is final, however it comes in.
 */
#include "dataplane/net/proxy_protocol.h"

#include "tests/fuzz/fuzz.h"

#define PREFIXES_MAX 600

static bool same(const struct proxy_header *a, const struct proxy_header *b)
{
    return a->len == b->len && a->visitor_told == b->visitor_told &&
           (!a->visitor_told ||
            memcmp(a->visitor.bytes, b->visitor.bytes, sizeof(a->visitor.bytes)) == 0);
}

static void check_header(struct span bytes, const struct proxy_header *header)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address again;
    ASSERT(header->len > 0 && header->len <= bytes.len);
    ASSERT(header->len <= LIMIT_PROXY_HEADER_BYTES);
    if (!header->visitor_told)
        return;
    address_format(&header->visitor, text);
    ASSERT(address_parse(span_str(text), &again) == ERR_OK);
    ASSERT(memcmp(again.bytes, header->visitor.bytes, sizeof(again.bytes)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span whole = span_of(bytes, len);
    struct proxy_header header = {.len = 0}, early = {.len = 0};
    enum err err = proxy_protocol_parse(whole, &header);
    ASSERT(err == ERR_OK || err == ERR_MORE || err == ERR_NOT_FOUND || err == ERR_PROTOCOL);
    ASSERT(err != ERR_MORE || len < LIMIT_PROXY_HEADER_BYTES);
    if (err == ERR_OK)
        check_header(whole, &header);

    size_t prefixes = len < PREFIXES_MAX ? len : PREFIXES_MAX;
    for (size_t i = 0; i < prefixes; i++) {
        enum err told = proxy_protocol_parse(span_first(whole, i), &early);
        if (told == ERR_MORE)
            continue;
        ASSERT(told == err);
        ASSERT(err != ERR_OK || same(&early, &header));
        break;
    }
    return 0;
}
