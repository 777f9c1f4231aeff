/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_head.c - heads that two readers may read differently are refused.
 *
 * libmicrohttpd is laxer than the data plane's own parser, so what is visible is checked again
 * here: one Host, one Content-Length that is a number, Transfer-Encoding "chunked" alone and never
 * beside a length.
 */
#include "control/server/server_int.h"

#include "common/base/text.h"

struct head_seen {
    unsigned hosts, lengths, codings;
    bool length_bad, coding_bad;
};

static enum MHD_Result count_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    struct head_seen *seen = cls;
    struct span text = span_str(value);
    if (span_equal_nocase(span_str(name), SPAN("host")))
        seen->hosts++;
    if (span_equal_nocase(span_str(name), SPAN("content-length"))) {
        uint64_t length;
        seen->lengths++;
        seen->length_bad = text_parse_u64(text, UINT64_MAX, &length) != ERR_OK;
    }
    if (span_equal_nocase(span_str(name), SPAN("transfer-encoding"))) {
        seen->codings++;
        seen->coding_bad = !span_equal_nocase(text, SPAN("chunked"));
    }
    return MHD_YES;
}

enum err server_head_check(struct MHD_Connection *connection, const char *version)
{
    struct head_seen seen = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_field, &seen);
    bool host_missing = seen.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0;
    bool framing_bad = seen.lengths + seen.codings > 1 || seen.length_bad || seen.coding_bad;
    return seen.hosts > 1 || host_missing || framing_bad ? ERR_PROTOCOL : ERR_OK;
}
