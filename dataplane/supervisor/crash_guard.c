/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_guard.c - a short list of recent changes.
 */
#include "dataplane/supervisor/crash_guard.h"

#include "common/base/mem.h"

#define CRASHES_CONVICT 2

static struct crash_suspect *suspect_of(struct list_node *node)
{
    return container_of(node, struct crash_suspect, node);
}

void crash_guard_init(struct crash_guard *guard)
{
    *guard = (struct crash_guard){.held_bytes = 0};
    list_init(&guard->suspects);
}

void crash_suspect_free(struct crash_suspect **suspect)
{
    buf_release(&(*suspect)->former);
    mem_free(suspect);
}

static void unlink_suspect(struct crash_guard *guard, struct crash_suspect *suspect)
{
    list_remove(&guard->suspects, &suspect->node);
    guard->held_bytes -= suspect->former.len;
}

static void forget(struct crash_guard *guard, struct crash_suspect *suspect)
{
    unlink_suspect(guard, suspect);
    crash_suspect_free(&suspect);
}

void crash_guard_release(struct crash_guard *guard)
{
    LIST_EACH(&guard->suspects, node)
    forget(guard, suspect_of(node));
}

static struct crash_suspect *find(const struct crash_guard *guard, const struct id *zone_id)
{
    LIST_EACH(&guard->suspects, node)
    {
        if (id_equal(suspect_of(node)->zone_id, *zone_id))
            return suspect_of(node);
    }
    return NULL;
}

static enum err trust(struct crash_guard *guard, struct replica *replica,
                      struct crash_suspect *suspect)
{
    struct id zone_id = suspect->zone_id;
    forget(guard, suspect);
    return replica_drop_certificates(replica, &zone_id);
}

enum err crash_guard_note(struct crash_guard *guard, struct replica *replica,
                          const struct id *zone_id, uint64_t revision)
{
    struct crash_suspect *suspect = find(guard, zone_id);
    if (suspect != NULL && suspect->committed && suspect->crash_count == 0) {
        forget(guard, suspect);
        suspect = NULL;
    }
    if (suspect == NULL) {
        suspect = mem_new(struct crash_suspect);
        suspect->zone_id = *zone_id;
        buf_init(&suspect->former, LIMIT_DOCUMENT_BYTES);
        enum err err =
            replica_document(replica, zone_id, &suspect->former_revision, &suspect->former);
        if (err != ERR_OK && err != ERR_NOT_FOUND) {
            crash_suspect_free(&suspect);
            return err;
        }
        list_push_back(&guard->suspects, &suspect->node);
        guard->held_bytes += suspect->former.len;
    } else {
        list_remove(&guard->suspects, &suspect->node);
        list_push_back(&guard->suspects, &suspect->node);
    }
    suspect->revision = revision;
    suspect->committed = false;
    suspect->crash_count = 0;
    while (guard->suspects.count > LIMIT_CRASH_SUSPECTS ||
           guard->held_bytes > LIMIT_CRASH_SUSPECT_BYTES)
        TRY(trust(guard, replica, suspect_of(list_first(&guard->suspects))));
    return ERR_OK;
}

static bool is_recent(const struct crash_suspect *suspect, uint64_t now_ms)
{
    return suspect->committed && now_ms - suspect->committed_at_ms < LIMIT_CRASH_WINDOW_MS;
}

enum err crash_guard_expire(struct crash_guard *guard, struct replica *replica, uint64_t now_ms)
{
    LIST_EACH(&guard->suspects, node)
    {
        if (!is_recent(suspect_of(node), now_ms))
            TRY(trust(guard, replica, suspect_of(node)));
    }
    return ERR_OK;
}

void crash_guard_forget(struct crash_guard *guard, const struct id *zone_id)
{
    struct crash_suspect *suspect = find(guard, zone_id);
    if (suspect != NULL)
        forget(guard, suspect);
}

void crash_guard_committed(struct crash_guard *guard, uint64_t now_ms)
{
    LIST_EACH(&guard->suspects, node)
    {
        struct crash_suspect *suspect = suspect_of(node);
        if (!suspect->committed)
            suspect->committed_at_ms = now_ms;
        suspect->committed = true;
    }
}

void crash_guard_dropped(struct crash_guard *guard)
{
    LIST_EACH(&guard->suspects, node)
    {
        if (!suspect_of(node)->committed)
            forget(guard, suspect_of(node));
    }
}

bool crash_guard_crashed(struct crash_guard *guard, uint64_t now_ms)
{
    bool convicted = false;
    LIST_EACH(&guard->suspects, node)
    {
        struct crash_suspect *suspect = suspect_of(node);
        if (is_recent(suspect, now_ms))
            suspect->crash_count++;
        convicted |= suspect->crash_count >= CRASHES_CONVICT;
    }
    return convicted;
}

struct crash_suspect *crash_guard_take(struct crash_guard *guard)
{
    LIST_EACH(&guard->suspects, node)
    {
        struct crash_suspect *suspect = suspect_of(node);
        if (suspect->crash_count < CRASHES_CONVICT)
            continue;
        unlink_suspect(guard, suspect);
        return suspect;
    }
    return NULL;
}
