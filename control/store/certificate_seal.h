/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_seal.h - what a certificate's sealed key is bound to: its zone and its own id.
 *
 * Included in control/store only: the writer and the feed must agree.
 */
#ifndef TRUNKLINE_CONTROL_STORE_CERTIFICATE_SEAL_H
#define TRUNKLINE_CONTROL_STORE_CERTIFICATE_SEAL_H

#include "common/model/id.h"

struct certificate_binding {
    char text[2 * ID_TEXT_BYTES + 1];
};

static inline struct certificate_binding certificate_binding(const struct id *zone_id,
                                                             const struct id *certificate_id)
{
    struct certificate_binding out = {{0}};
    memcpy(out.text, zone_id->text, ID_TEXT_BYTES);
    memcpy(out.text + ID_TEXT_BYTES, certificate_id->text, ID_TEXT_BYTES);
    return out;
}

#endif
