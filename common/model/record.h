/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - DNS records: the proxied A, AAAA and CNAME among them are where origins come from.
 */
#ifndef TRUNKLINE_COMMON_MODEL_RECORD_H
#define TRUNKLINE_COMMON_MODEL_RECORD_H

#include "common/base/err.h"
#include "common/model/address_policy.h"
#include "common/model/hostname.h"

enum record_type {
    RECORD_A,
    RECORD_AAAA,
    RECORD_CNAME,
    RECORD_TXT,
    RECORD_MX,
    RECORD_NS,
    RECORD_CAA,
    RECORD_SRV,
    RECORD_PTR,
    /* Kept as they are written: nothing here answers DNS. */
    RECORD_HTTPS,
    RECORD_SVCB,
    RECORD_TLSA,
    RECORD_SSHFP,
    RECORD_DS,
    RECORD_DNSKEY,
    RECORD_LOC,
    RECORD_NAPTR,
    RECORD_URI,
    RECORD_CERT,
    RECORD_SMIMEA,
    RECORD_OPENPGPKEY,
};

/* "A", ...; only the types above are stored. */
const char *record_type_name(enum record_type type);
MUST_USE enum err record_type_parse(struct span text, enum record_type *out);
/* A, AAAA and CNAME. */
bool record_type_proxiable(enum record_type type);

#define RECORD_CONTENT_BYTES_MAX 4096

/* Checks `content` for the type and writes its canonical form (an address as inet_ntop writes it, a
 * name normalised) into out, NUL-terminated.  A proxied address must be allowed by policy; a
 * proxied name like "localhost" is refused while policy allows nothing more than the public
 * addresses. */
struct record_content {
    enum record_type type;
    bool proxied;
    struct span text;
};
MUST_USE enum err record_check_content(const struct record_content *content,
                                       const struct address_policy *policy, char *out,
                                       size_t out_bytes, struct problem *problem);

#endif
