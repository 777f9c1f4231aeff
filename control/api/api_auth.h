/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth.h - who asks: the token, the global key or the login of a request becomes the actor of
 * its changes and the scope of its reads.
 *
 * A request with a token or a key has its cookies ignored.  One that only has a cookie changes
 * something when it says that it comes from our own pages (Sec-Fetch-Site, else Origin), with
 * X-Requested-By: console and JSON: what a foreign page cannot send.
 */
#ifndef TRUNKLINE_CONTROL_API_API_AUTH_H
#define TRUNKLINE_CONTROL_API_API_AUTH_H

#include "control/api/api.h"
#include "control/store/store_logins.h"

#define API_COOKIE_LOGIN "login"
#define API_COOKIE_DEVICE "device"

/* Fills request->actor.  400/9106 without credentials, 400/6003 for headers that have no form of
 * ours, 403/9103 for a key that is none of ours, 401/10000 for a login that has ended,
 * ERR_UNAUTHENTICATED for a token that is none of ours, or not good now or from there. */
MUST_USE enum err api_auth_require(struct api_request *request, struct api_reply *reply);

/* Fills request->actor with where it came from: the route asks nobody who he is. */
void api_auth_nobody(struct api_request *request);

/* By its name without the prefix. */
bool api_auth_cookie(const struct api_request *request, const char *name, struct span *out);
/* The login of the cookie; ERR_NOT_FOUND when there is none or it has ended. */
MUST_USE enum err api_auth_login(struct api_request *request, struct store_login *out);
/* False when the browser says that a foreign page sent it, or says nothing and must. */
bool api_auth_same_site(const struct api_request *request, bool headers_needed);

#endif
