/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_uses.h - tokens and logins that were used, until somebody writes it down.
 *
 * A use is worth a write once a minute, and many of them together: the service asks every second.
 *
 * Threads: any.
 */
#ifndef TRUNKLINE_CONTROL_API_API_USES_H
#define TRUNKLINE_CONTROL_API_API_USES_H

#include "control/change/change_login.h"

struct api_uses *api_uses_new(void);
void api_uses_free(struct api_uses **uses);

/* `known_us` is what the store says; NULL uses are fine. */
void api_uses_note(struct api_uses *uses, const struct id *id, uint64_t known_us);
/* Nothing to write is ERR_OK; what could not be written is noted again by its next use. */
MUST_USE enum err api_uses_write(struct api_uses *uses, const struct change_door *door);

#endif
