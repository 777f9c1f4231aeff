/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_password.h - a password that came with a request, checked without holding a thread.
 *
 *      first time:  api_password_ask -> a place among the tries, reply->job -> the answer returns
 *      then:        api_password_ask -> right, or wrong and said so in the audit
 *
 *      bool known;
 *      TRY(api_password_ask(request, reply, &ask, &found, &known));
 *      if (!known)
 *          return ERR_OK;
 */
#ifndef TRUNKLINE_CONTROL_API_API_PASSWORD_H
#define TRUNKLINE_CONTROL_API_API_PASSWORD_H

#include "control/api/api.h"
#include "control/change/change_login.h"

struct api_password_ask {
    struct login_try try_;
    struct span password;
    struct span new_password; /* is hashed when the other held; empty: none */
    bool newcomer;            /* there is no password to check yet */
};

/* 401/10000 when it is wrong, 429 with Retry-After when it was tried too often, ERR_BUSY when too
 * many are waiting.  *known is false when the request has to come again. */
MUST_USE enum err api_password_ask(struct api_request *request, struct api_reply *reply,
                                   const struct api_password_ask *ask, struct login_found *found,
                                   bool *known);

/* The try of this request: email in lower case, the address, the device's cookie. */
struct login_try api_password_try(struct api_request *request, struct span email);
/* The email of the caller. */
MUST_USE enum err api_password_own_try(struct api_request *request, struct login_try *out);

/* Says in the audit that it was wrong, and so to the client. */
enum err api_password_refuse(struct api_request *request, struct api_reply *reply,
                             const struct login_try *try_, const struct login_found *found);

#endif
