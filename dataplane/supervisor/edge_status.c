/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_status.c - three ways to write down the same facts.
 */
#include "dataplane/supervisor/edge_status.h"

#include <ctype.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/base/mem.h"

#define NAME_BYTES 64
/* A slot may have one that drains and one that starts beside the one that accepts. */
#define FACTS_MAX (3 * LIMIT_WORKERS)

/* What the parts say at this moment. */
struct picture {
    uint64_t uptime_s, revision;
    unsigned slots;
    size_t worker_count;
    struct worker_facts workers[FACTS_MAX];
};

static const char *state_word(enum worker_state state)
{
    switch (state) {
    case WORKER_STARTING:
        return "starting";
    case WORKER_READY:
        return "ready";
    case WORKER_DRAINING:
        return "draining";
    }
    UNREACHABLE();
}

static const char *bool_word(bool yes)
{
    return yes ? "true" : "false";
}

static struct picture *take_picture(const struct edge_status *status)
{
    struct picture *picture = mem_new(struct picture);
    struct replica_position have;
    replica_position(*status->replica, &have);
    picture->uptime_s = (loop_now_ms(status->loop) - status->started_at_ms) / 1000;
    picture->revision = have.revision;
    picture->slots = worker_slots_count(status->slots);
    picture->worker_count = worker_slots_facts(status->slots, picture->workers, FACTS_MAX);
    return picture;
}

static bool is_ready(const struct picture *picture)
{
    unsigned accepting = 0;
    for (size_t i = 0; i < picture->worker_count; i++)
        accepting += picture->workers[i].accepting;
    return picture->slots > 0 && accepting >= picture->slots;
}

bool edge_status_ready(const struct edge_status *status)
{
    struct picture *picture = take_picture(status);
    bool ready = is_ready(picture);
    mem_free(&picture);
    return ready;
}

static void lower_name(enum counter which, char out[NAME_BYTES])
{
    const char *name = counter_name(which);
    size_t len = 0;
    for (; len < NAME_BYTES - 1 && name[len] != '\0'; len++)
        out[len] = (char)tolower((unsigned char)name[len]);
    out[len] = '\0';
}

/* ---- JSON */

static void worker_json(const struct worker_facts *worker, struct buf *out)
{
    buf_appendf(out,
                "{\"slot\":%u,\"pid\":%d,\"state\":\"%s\",\"accepting\":%s,\"adopted\":%s,"
                "\"uptime_s\":%" PRIu64 "}",
                worker->slot, worker->pid, state_word(worker->state), bool_word(worker->accepting),
                bool_word(worker->adopted), worker->lived_ms / 1000);
}

static void counters_json(const struct counter_pages *counters, struct buf *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        char name[NAME_BYTES];
        lower_name((enum counter)i, name);
        buf_appendf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", name,
                    counter_pages_sum(counters, (enum counter)i));
    }
}

void edge_status_json(const struct edge_status *status, struct buf *out)
{
    struct picture *picture = take_picture(status);
    buf_append_str(out, "{\"edge_id\":\"");
    buf_append_json(out, span_str(status->edge_id));
    buf_appendf(out,
                "\",\"pid\":%d,\"uptime_s\":%" PRIu64 ",\"revision\":%" PRIu64
                ",\"control_linked\":%s,\"ready\":%s,\"workers\":[",
                (int)getpid(), picture->uptime_s, picture->revision,
                bool_word(status->news->linked), bool_word(is_ready(picture)));
    for (size_t i = 0; i < picture->worker_count; i++) {
        buf_append_str(out, i > 0 ? "," : "");
        worker_json(&picture->workers[i], out);
    }
    buf_append_str(out, "],\"counters\":{");
    counters_json(status->counters, out);
    buf_append_str(out, "}}\n");
    mem_free(&picture);
}

/* ---- people */

static void workers_text(const struct picture *picture, struct buf *out)
{
    for (size_t i = 0; i < picture->worker_count; i++) {
        const struct worker_facts *worker = &picture->workers[i];
        buf_appendf(out, "  slot %-3u pid %-8d %-9s up %" PRIu64 " s%s\n", worker->slot,
                    worker->pid, state_word(worker->state), worker->lived_ms / 1000,
                    worker->adopted ? ", adopted" : "");
    }
}

static void counters_text(const struct counter_pages *counters, struct buf *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        uint64_t value = counter_pages_sum(counters, (enum counter)i);
        char name[NAME_BYTES];
        lower_name((enum counter)i, name);
        if (value > 0)
            buf_appendf(out, "  %-32s %" PRIu64 "\n", name, value);
    }
}

void edge_status_text(const struct edge_status *status, struct buf *out)
{
    struct picture *picture = take_picture(status);
    buf_appendf(out, "edge      %s (pid %d, up %" PRIu64 " s)\n", status->edge_id, (int)getpid(),
                picture->uptime_s);
    buf_appendf(out, "revision  %" PRIu64 "\n", picture->revision);
    buf_appendf(out, "control   %s\n",
                status->news->linked ? "linked" : "away: serving from the replica");
    buf_appendf(out, "workers   %s\n",
                is_ready(picture) ? "every slot accepts" : "A SLOT HAS NO WORKER");
    workers_text(picture, out);
    buf_append_str(out, "counted   (what is 0 is not shown)\n");
    counters_text(status->counters, out);
    mem_free(&picture);
}

/* ---- Prometheus */

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    buf_appendf(out,
                "# HELP trunkline_edge_%s %s\n# TYPE trunkline_edge_%s gauge\n"
                "trunkline_edge_%s %" PRIu64 "\n",
                name, help, name, name, value);
}

static void counters_metrics(const struct counter_pages *counters, struct buf *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        char name[NAME_BYTES];
        lower_name((enum counter)i, name);
        buf_appendf(out,
                    "# HELP trunkline_edge_%s_total %s\n# TYPE trunkline_edge_%s_total counter\n"
                    "trunkline_edge_%s_total %" PRIu64 "\n",
                    name, counter_help((enum counter)i), name, name,
                    counter_pages_sum(counters, (enum counter)i));
    }
}

void edge_status_metrics(const struct edge_status *status, struct buf *out)
{
    struct picture *picture = take_picture(status);
    gauge(out, "uptime_seconds", "since the supervisor started", picture->uptime_s);
    gauge(out, "revision", "the newest one that is stored", picture->revision);
    gauge(out, "control_linked", "1 while control is there", status->news->linked);
    gauge(out, "ready", "1 while every slot has a worker that accepts", is_ready(picture));
    gauge(out, "slots", "worker slots", picture->slots);
    gauge(out, "workers", "worker processes, those that drain too", picture->worker_count);
    counters_metrics(status->counters, out);
    mem_free(&picture);
}
