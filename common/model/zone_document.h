/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_document.h - all that an edge needs to know of one zone, as one record.
 *
 * Control encodes it inside the transaction that changed the zone and only reads it afterwards; the
 * edge decodes it once, checks it with the same zone_check, and never changes it: a decoded
 * document is immutable and counted by references, so that a running exchange keeps the zone it was
 * routed by while new ones follow the new document.
 *
 * JSON form: schema/zone_document.schema.json.  Origins of a hostname are its proxied A, AAAA and
 * CNAME records.
 *
 * Ownership: everything inside lives in the document's arena until the last unref.
 * Limits:    LIMIT_DOCUMENT_BYTES, LIMIT_ZONE_HOSTNAMES, LIMIT_HOSTNAME_ORIGINS,
 * LIMIT_ZONE_OVERRIDES, LIMIT_ZONE_CERTIFICATES, LIMIT_ZONE_CLIENT_CERTIFICATES.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ZONE_DOCUMENT_H
#define TRUNKLINE_COMMON_MODEL_ZONE_DOCUMENT_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/model/id.h"
#include "common/model/setting.h"

struct zone_origin {
    struct span address;     /* IP literal or name */
    struct span host_header; /* empty: the visitor's host */
    struct span sni;         /* empty: the visitor's host */
    uint16_t port;           /* 0: 443, or 80 with ssl off and flexible */
};

struct zone_hostname {
    struct span name; /* normalised; "*.example.com" for a wildcard */
    struct zone_origin *origins;
    size_t origin_count;
};

/* The first rows of setting_table.h: a hostname may have a value of its own. */
#define SETTING_OVERRIDES 2

struct zone_override {
    struct span name; /* normalised; "*.example.com" for what is one label below */
    struct setting_value values[SETTING_OVERRIDES];
    bool given[SETTING_OVERRIDES];
};

struct zone_document {
    unsigned ref_count;
    struct arena arena;
    struct id zone_id, account_id;
    uint64_t revision; /* beside the document, not inside its bytes */
    struct span name;
    enum plan plan;
    bool paused;
    struct setting_value settings[SETTING_COUNT];
    struct id *certificates; /* the first that covers a name is used */
    size_t certificate_count;
    struct id *client_certificates; /* shown to origins with tls_client_auth: the first */
    size_t client_certificate_count;
    struct zone_hostname *hostnames;
    size_t hostname_count;
    struct zone_override *overrides;
    size_t override_count;
};

/* Appends the JSON form of what the fields say (revision is left out); equal fields give equal
 * bytes, whatever the order of hostnames.  The caller filled a document of its own; its spans may
 * be borrowed. */
void zone_document_encode(const struct zone_document *document, struct buf *out);

/* Decodes and checks (zone_check) outside bytes; *out has one reference, the caller's.  The problem
 * names the path of what is wrong. */
MUST_USE enum err zone_document_decode(struct span bytes, uint64_t revision,
                                       struct zone_document **out, struct problem *problem);

struct zone_document *zone_document_ref(struct zone_document *document);
/* Leaves NULL behind. */
void zone_document_unref(struct zone_document **document);

/* The rules that span objects: names within the zone, no name twice, limits, origins that exist. */
MUST_USE enum err zone_check(const struct zone_document *document, struct problem *problem);

/* The entry of a decoded document (its hostnames are sorted) for a normalised host: the exact name,
 * else the wildcard one label up; NULL when neither is there. */
const struct zone_hostname *zone_document_match(const struct zone_document *document,
                                                struct span host);

/* How visitors of a zone are spoken to over TLS. */
struct visitor_tls {
    struct id zone_id, certificate_id;
    bool tls_1_2, tls_1_3; /* what is spoken: one or both */
    bool h2_offered;
};
/* What the settings say of it; the certificate is not theirs. */
void zone_document_visitor_tls(const struct zone_document *document, struct visitor_tls *out);

static inline uint64_t zone_document_setting(const struct zone_document *d, enum setting_id id)
{
    return d->settings[id].number;
}

/* The same for a normalised host, which may have a value of its own. */
uint64_t zone_document_setting_of(const struct zone_document *document, struct span host,
                                  enum setting_id id);

#endif
