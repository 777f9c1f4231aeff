/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_admit.h - who asks (api_auth.h), and whether they ask too often (api_rates.h).
 *
 * A caller is counted by token, session or user; who is not known, by address.  So a guess costs,
 * and a client that works behind the same address is not in its way.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ADMIT_H
#define TRUNKLINE_CONTROL_API_API_ADMIT_H

#include "control/api/api.h"

/* Fills request->actor and reply->rate; API_ERROR_RATE, or what api_auth_require says. */
MUST_USE enum err api_admit(struct api_request *request, struct api_reply *reply);

#endif
