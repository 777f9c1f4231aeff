/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log.c - lines gathered and written in large pieces.
 *
 * A full disk costs lines, never requests: what cannot be written is dropped, counted, and told
 * once a second at most.
 */
#include "dataplane/proxy/access_log.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dataplane/net/deadline.h"

#define BUFFER_BYTES 65536
/* Written as soon as this much waits, else when the oldest line is this old. */
#define WRITE_BYTES (BUFFER_BYTES / 2)
#define WRITE_AFTER_MS 100
#define TELL_AFTER_MS 1000

struct access_log {
    struct loop *loop;
    int fd;
    unsigned worker;
    size_t len, line_count; /* buffered */
    uint64_t dropped_count; /* lines lost and not told of yet */
    uint64_t told_at_ms;
    struct deadline write;
    uint8_t *bytes; /* BUFFER_BYTES */
};

struct access_log *access_log_open(struct loop *loop, int fd, unsigned worker)
{
    struct access_log *log = mem_new(struct access_log);
    log->loop = loop;
    log->fd = fd;
    log->worker = worker;
    log->bytes = mem_alloc(BUFFER_BYTES);
    return log;
}

unsigned access_log_worker(const struct access_log *log)
{
    return log->worker;
}

static void tell_dropped(struct access_log *log, int error)
{
    uint64_t now_ms = loop_now_ms(log->loop);
    if (log->told_at_ms != 0 && now_ms - log->told_at_ms < TELL_AFTER_MS)
        return;
    log->told_at_ms = now_ms;
    log_warn("access_log_lines_dropped", F_U64("lines", log->dropped_count),
             F_STR("reason", strerror(error)));
    log->dropped_count = 0;
}

static void write_through(struct access_log *log, struct span bytes, size_t line_count)
{
    while (bytes.len > 0) {
        ssize_t written = write(log->fd, bytes.ptr, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            log->dropped_count += line_count;
            tell_dropped(log, written < 0 ? errno : ENOSPC);
            return;
        }
        bytes = span_skip(bytes, (size_t)written);
    }
}

static void write_buffered(struct access_log *log)
{
    deadline_disarm(log->loop, &log->write);
    write_through(log, span_of(log->bytes, log->len), log->line_count);
    log->len = log->line_count = 0;
}

static void write_expired(struct deadline *deadline)
{
    write_buffered(container_of(deadline, struct access_log, write));
}

void access_log_write(struct access_log *log, struct span line)
{
    if (line.len > BUFFER_BYTES - log->len)
        write_buffered(log);
    if (line.len > BUFFER_BYTES) {
        write_through(log, line, 1);
        return;
    }
    memcpy(log->bytes + log->len, line.ptr, line.len);
    log->len += line.len;
    log->line_count++;
    if (log->len >= WRITE_BYTES)
        write_buffered(log);
    else if (!deadline_armed(&log->write))
        deadline_arm(log->loop, &log->write, WRITE_AFTER_MS, write_expired);
}

void access_log_close(struct access_log **slot)
{
    struct access_log *log = *slot;
    *slot = NULL;
    write_buffered(log);
    free(log->bytes);
    free(log);
}
