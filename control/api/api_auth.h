/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth.h - who asks: the token of a request becomes the actor of its changes and the scope of
 * its reads.
 */
#ifndef TRUNKLINE_CONTROL_API_API_AUTH_H
#define TRUNKLINE_CONTROL_API_API_AUTH_H

#include "control/api/api.h"

/* Fills request->actor.  400/9106 without credentials, 400/6003 for a header that is no Bearer
 * token, ERR_UNAUTHENTICATED for a token that is none of ours or disabled. */
MUST_USE enum err api_auth_require(struct api_request *request, struct api_reply *reply);

#endif
