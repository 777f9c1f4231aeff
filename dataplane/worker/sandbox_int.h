/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_int.h - the two walls of sandbox.c.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_SANDBOX_INT_H
#define TRUNKLINE_DATAPLANE_WORKER_SANDBOX_INT_H

#include "dataplane/worker/sandbox.h"

/* Landlock; returns the version that the kernel speaks, 0 when it has none.  ERR_IO: it has one and
 * did not take the rules. */
MUST_USE enum err sandbox_close_files(const struct sandbox_options *options, unsigned *version_out,
                                      struct problem *problem);
/* seccomp; ERR_NOT_FOUND: the kernel has none. */
MUST_USE enum err sandbox_close_calls(struct problem *problem);

#endif
