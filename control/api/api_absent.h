/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_absent.h - resources of the original that Trunkline does not have, told by name.
 *
 * A client that asks for one gets 404/7000 like any unknown path, and a message that says that it
 * is the product which lacks it and not the path that is wrong.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ABSENT_H
#define TRUNKLINE_CONTROL_API_API_ABSENT_H

#include "common/base/span.h"

/* path is what follows the prefix.  The resource's name, borrowed from path; empty when it is none
 * that we know. */
struct span api_absent_name(struct span path);

#endif
