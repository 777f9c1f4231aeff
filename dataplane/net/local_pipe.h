/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local_pipe.h - bytes to another process of this machine, over a Unix socket, on the loop.
 *
 *      dial(path) --on_opened--> open --on_closed(err)--> the owner calls local_pipe_close
 *      open_fd(fd) ------------>
 *
 * It serves the link to control and the channels between supervisor and workers: few, small and
 * trusted frames.  A peer that reads nothing is given up once out_bytes_max are unwritten.
 *
 * No event comes from inside a verb.  on_closed is the last event and comes at most once; none
 * comes after local_pipe_close.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_LOCAL_PIPE_H
#define TRUNKLINE_DATAPLANE_NET_LOCAL_PIPE_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "dataplane/net/loop.h"

struct local_pipe;

struct local_pipe_events {
    void (*on_opened)(void *owner); /* after a dial; may be NULL for open_fd */
    void (*on_bytes)(void *owner, struct span bytes);
    void (*on_closed)(void *owner, enum err err); /* ERR_CLOSED, ERR_IO, ERR_LIMIT */
};

struct local_pipe_options {
    struct loop *loop;
    const struct local_pipe_events *events;
    void *owner;
    size_t out_bytes_max;
};

/* The longest path that a Unix socket can have. */
#define LOCAL_PIPE_PATH_BYTES_MAX 107

/* Takes a connected socket. */
struct local_pipe *local_pipe_open_fd(const struct local_pipe_options *options, int fd);
/* path is at most LOCAL_PIPE_PATH_BYTES_MAX long. */
struct local_pipe *local_pipe_dial(const struct local_pipe_options *options, const char *path);

/* Copies.  Before on_opened and after a failure it does nothing. */
void local_pipe_write(struct local_pipe *pipe, struct span bytes);
/* Leaves NULL behind; NULL is fine.  What is unwritten is lost. */
void local_pipe_close(struct local_pipe **pipe);

#endif
