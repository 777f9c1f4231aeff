/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_zone_document.c - what decodes is encoded canonically, and finds each of its hostnames.
 */
#include "common/model/zone_document.h"

#include "common/base/mem.h"
#include "common/model/limits.h"

#include "tests/fuzz/fuzz.h"

static void check_document(const struct zone_document *document)
{
    struct zone_document *second;
    struct problem problem;
    struct buf first_bytes, second_bytes;
    buf_init(&first_bytes, 8 * (size_t)LIMIT_DOCUMENT_BYTES);
    buf_init(&second_bytes, 8 * (size_t)LIMIT_DOCUMENT_BYTES);

    zone_document_encode(document, &first_bytes);
    ASSERT(zone_document_decode(buf_span(&first_bytes), 2, &second, &problem) == ERR_OK);
    zone_document_encode(second, &second_bytes);
    ASSERT(span_equal(buf_span(&first_bytes), buf_span(&second_bytes)));
    for (size_t i = 0; i < document->hostname_count; i++) {
        struct span name = document->hostnames[i].name;
        ASSERT(zone_document_match(document, name) == &document->hostnames[i]);
    }
    zone_document_unref(&second);
    buf_release(&first_bytes);
    buf_release(&second_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct zone_document *document;
    struct problem problem = {.text = ""};
    if (zone_document_decode(span_of(bytes, len), 1, &document, &problem) != ERR_OK) {
        ASSERT(document == NULL && problem.text[0] != '\0');
        return 0;
    }
    check_document(document);
    zone_document_unref(&document);
    return 0;
}
