/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_grpc.c - gRPC requests and the errors that they are answered with.
 */
#include "dataplane/proxy/proxy_grpc.h"

#include "common/base/text.h"

/* https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
enum grpc_status { GRPC_UNIMPLEMENTED = 12, GRPC_INTERNAL = 13, GRPC_UNAVAILABLE = 14 };

static int status_of(enum err err)
{
    if (err_fault(err) != FAULT_CLIENT)
        return GRPC_UNAVAILABLE;
    bool absent = err == ERR_HOST_UNKNOWN || err == ERR_REQUEST_GRPC;
    return absent ? GRPC_UNIMPLEMENTED : GRPC_INTERNAL;
}

static void put(struct head *head, struct span name, struct span value)
{
    ASSERT(fields_add(&head->fields, name, value) == ERR_OK);
}

void proxy_grpc_answer(struct head *head, enum err err, const char *text)
{
    char digits[TEXT_U64_BYTES_MAX];
    size_t len = text_format_u64((uint64_t)status_of(err), digits);

    head->status = 200;
    put(head, field_text(FIELD_CONTENT_TYPE), SPAN("application/grpc"));
    put(head, SPAN("grpc-status"), arena_copy(head->fields.arena, span_of(digits, len)));
    put(head, SPAN("grpc-message"), span_str(text));
}
