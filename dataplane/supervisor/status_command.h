/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_command.h - `trunkline-edge status --admin ADDR:PORT [--json]`: one question, printed.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_STATUS_COMMAND_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_STATUS_COMMAND_H

/* argv begins behind the word `status`.  Returns the exit status: 0 every slot accepts; 1 the edge
 * does not answer, or a slot has no worker; 2 the command line is wrong. */
int status_command(int argc, const char *const *argv);

#endif
