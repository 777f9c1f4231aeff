/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_record.h - DNS records: the proxied A, AAAA and CNAME among them are the origins.
 *
 * Names are written in full, or "@" for the zone itself; "*.x" is allowed.  A record that gives a
 * hostname its first origin also gets it covered by the zone's local certificate.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_RECORD_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_RECORD_H

#include "control/change/change.h"

#define CHANGE_COMMENT_BYTES_MAX 500
#define CHANGE_TTL_S_MIN 30
#define CHANGE_TTL_S_MAX 86400

/* What a client sent; what it did not give is the default (create, put) or stays (patch).  JSON
 * members can be decoded right into it (common/base/json.h). */
struct change_record_spec {
    struct span type, name, content, comment, origin_host_header, origin_sni;
    uint64_t ttl_s, priority, origin_port;
    bool proxied;
    bool type_given, name_given, content_given, comment_given;
    bool origin_host_header_given, origin_sni_given;
    bool ttl_given, priority_given, origin_port_given, proxied_given;
};

/* ERR_EXISTS: an identical record (81057).  ERR_CONFLICT: a CNAME beside addresses (81058), or a
 * name that belongs to a zone further down.  ERR_INVALID and ERR_ORIGIN_ADDRESS: problem.path is
 * the member (1004).  ERR_LIMIT: LIMIT_ZONE_RECORDS. */
MUST_USE enum err change_record_create(struct change *change, const struct id *zone_id,
                                       const struct change_record_spec *spec, struct id *out,
                                       struct problem *problem);
MUST_USE enum err change_record_put(struct change *change, const struct id *zone_id,
                                    const struct id *record_id,
                                    const struct change_record_spec *spec, struct problem *problem);
MUST_USE enum err change_record_patch(struct change *change, const struct id *zone_id,
                                      const struct id *record_id,
                                      const struct change_record_spec *spec,
                                      struct problem *problem);
MUST_USE enum err change_record_delete(struct change *change, const struct id *zone_id,
                                       const struct id *record_id, struct problem *problem);

#endif
