/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_permit.h - may the caller do what the route is for?
 *
 * A path that begins with /zones/{zone} or /accounts/{account} is decided here, before its body is
 * read: what the caller does not see is ERR_NOT_FOUND, the same answer as for what never was.  A
 * route without such an object (a list, a new zone) shows or changes only what its scope has, and
 * asks again for the object that it finds.
 */
#ifndef TRUNKLINE_CONTROL_API_API_PERMIT_H
#define TRUNKLINE_CONTROL_API_API_PERMIT_H

#include "control/api/api.h"
#include "control/change/access.h"

MUST_USE enum err api_permit(struct api_request *request, struct api_reply *reply);

/* The same for an object that the path does not name. */
MUST_USE enum err api_permit_object(struct api_request *request, struct api_reply *reply,
                                    const struct access_object *object);

#endif
