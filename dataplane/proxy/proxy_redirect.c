/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_redirect.c - from plain HTTP to HTTPS.
 */
#include "dataplane/proxy/proxy_redirect.h"

#include "common/base/buf.h"
#include "common/base/text.h"

#define URL_BYTES_MAX (LIMIT_TARGET_BYTES + LIMIT_HOSTNAME_BYTES + 64)

bool proxy_redirect_wanted(const struct zone_document *document, struct span path)
{
    return zone_document_setting(document, SETTING_always_use_https) == SWITCH_ON &&
           !document->paused && !span_starts_with(path, SPAN("/.well-known/acme-challenge/"));
}

struct span proxy_redirect_url(const struct head *asked, struct span host, uint16_t https_port,
                               struct arena *arena)
{
    char port[TEXT_U64_BYTES_MAX + 2];
    struct buf url;
    struct span asked_port = span_skip(asked->authority, authority_host(asked->authority).len);
    bool usual = asked_port.len == 0 || span_equal(asked_port, SPAN(":80"));
    text_format(port, sizeof(port), ":%u", https_port);
    buf_init(&url, URL_BYTES_MAX);
    buf_append(&url, SPAN("https://"));
    buf_append(&url, host);
    if (!usual && https_port != 443)
        buf_append_str(&url, port);
    buf_append(&url, span_equal(asked->path, SPAN("*")) ? SPAN("/") : asked->path);
    ASSERT(!url.overflowed);
    struct span copy = arena_copy(arena, buf_span(&url));
    buf_release(&url);
    return copy;
}
