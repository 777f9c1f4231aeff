/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostname_idn.h - hostnames as people write them, in their one written form.
 *
 *      "Bücher.example" --UTS #46, IDNA2008--> "xn--bcher-kva.example" --hostname.h--> the name
 *
 * Inside there are A-labels only: letters are converted where a name comes in by the API, so that
 * both spellings are one claim.  The contents of records are addresses to dial and are not
 * converted: whoever writes them says exactly which.
 *
 * Limits: IDN_BYTES_MAX bytes of UTF-8.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_HOSTNAME_IDN_H
#define TRUNKLINE_CONTROL_CHANGE_HOSTNAME_IDN_H

#include "common/model/hostname.h"

#define IDN_BYTES_MAX 1024

/* As hostname_parse, which decides about ASCII; what is not is converted first. */
MUST_USE enum err hostname_idn_parse(struct span text, enum hostname_form form,
                                     struct hostname *out, struct problem *problem);

#endif
