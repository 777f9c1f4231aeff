/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_apply.c - decode, check, store, tell workers, ack or nack.
 */
#include "dataplane/supervisor/replica_apply.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/zone_document.h"

void replica_apply_init(struct replica_apply *apply, struct replica **replica,
                        const struct replica_apply_events *events, void *owner)
{
    *apply = (struct replica_apply){.replica = replica, .events = events, .owner = owner};
    crash_guard_init(&apply->guard);
}

void replica_apply_release(struct replica_apply *apply)
{
    crash_guard_release(&apply->guard);
}

/* ---- steps */

static void nack_zone(struct replica_apply *apply, const struct id *zone_id, uint64_t revision,
                      const struct problem *why)
{
    struct message nack = {.kind = MESSAGE_NACK};
    nack.nack.zone_id = *zone_id;
    nack.nack.revision = revision;
    nack.nack.path = span_str(why->path);
    nack.nack.text = span_str(why->text);
    log_warn("zone_set_aside", F_SPAN("zone", id_span(zone_id)), F_U64("revision", revision),
             F_STR("path", why->path), F_STR("text", why->text));
    apply->events->answer(apply->owner, &nack);
}

/* The zone's part is refused: it keeps what it had, the others go on. */
static enum err refuse(struct replica_apply *apply, const struct id *zone_id, uint64_t revision,
                       const struct problem *why)
{
    nack_zone(apply, zone_id, revision, why);
    return replica_keep(*apply->replica, zone_id);
}

static bool blames_zone(enum err err)
{
    return err == ERR_INVALID || err == ERR_LIMIT || err == ERR_TOO_LARGE || err == ERR_FORBIDDEN;
}

static enum err begin(struct replica_apply *apply, const struct message *message,
                      struct problem *problem)
{
    struct replica_position have;
    const struct message_begin *begun = &message->begin;
    replica_position(*apply->replica, &have);
    if (apply->state != APPLY_IDLE)
        return problem_set(problem, ERR_PROTOCOL, "BEGIN", "before the last revision was acked");
    if (!begun->full && !id_equal(begun->epoch, have.epoch))
        return problem_set(problem, ERR_PROTOCOL, "BEGIN", "changes of an epoch we do not have");
    if (!begun->full && begun->revision < have.revision)
        return problem_set(problem, ERR_PROTOCOL, "BEGIN", "revision %llu is behind ours, %llu",
                           (unsigned long long)begun->revision, (unsigned long long)have.revision);
    apply->begun = *begun;
    apply->zone_count = 0;
    apply->state = APPLY_RECEIVING;
    TRY(replica_begin(*apply->replica, begun));
    if (begun->full)
        crash_guard_release(&apply->guard);
    return crash_guard_expire(&apply->guard, *apply->replica, clock_mono_ms());
}

static enum err put_document(struct replica_apply *apply, const struct message *message,
                             struct problem *problem)
{
    const struct message_document *part = &message->document;
    struct zone_document *document = NULL;
    apply->zone_count++;
    enum err err = zone_document_decode(part->body, part->revision, &document, problem);
    if (err == ERR_OK && !id_equal(document->zone_id, part->zone_id))
        err = problem_set(problem, ERR_INVALID, "id", "is not the zone that the message names");
    if (err == ERR_OK && !apply->begun.full)
        err = crash_guard_note(&apply->guard, *apply->replica, &part->zone_id, part->revision);
    if (err == ERR_OK)
        err = replica_put_document(*apply->replica, part, document, problem);
    zone_document_unref(&document);
    return blames_zone(err) ? refuse(apply, &part->zone_id, part->revision, problem) : err;
}

static enum err put_tombstone(struct replica_apply *apply, const struct message *message,
                              struct problem *problem)
{
    (void)problem;
    apply->zone_count++;
    crash_guard_forget(&apply->guard, &message->tombstone.zone_id);
    return replica_put_tombstone(*apply->replica, &message->tombstone);
}

/* Belongs to no zone, so that no zone can be blamed: without it strict zones refuse what it signed.
 */
static enum err put_origin_ca(struct replica_apply *apply, const struct message_certificate *part,
                              struct problem *problem)
{
    if (certificate_inspect_ca(part->chain_pem, problem) == ERR_OK)
        return replica_put_origin_ca(*apply->replica, part);
    log_error("origin_ca_refused", F_SPAN("certificate", id_span(&part->certificate_id)),
              F_STR("text", problem->text));
    return ERR_OK;
}

/* Checked as of the beginning of time: one that has expired is served, so that the visitor's
 * browser says what is wrong. */
static enum err put_certificate(struct replica_apply *apply, const struct message *message,
                                struct problem *problem)
{
    const struct message_certificate *part = &message->certificate;
    if (part->zone_id.text[0] == '\0')
        return put_origin_ca(apply, part, problem);
    struct hostname *names = mem_calloc(CERTIFICATE_NAMES_MAX, sizeof(*names));
    struct certificate_facts facts;
    enum err err =
        certificate_inspect_received(part->chain_pem, part->key_pem, names, &facts, problem);
    if (err == ERR_OK)
        err = replica_put_certificate(*apply->replica, part, &facts);
    mem_free(&names);
    return blames_zone(err) ? refuse(apply, &part->zone_id, part->revision, problem) : err;
}

static enum err commit(struct replica_apply *apply, const struct message *message,
                       struct problem *problem)
{
    struct replica_changes changes;
    if (message->commit.revision != apply->begun.revision)
        return problem_set(problem, ERR_PROTOCOL, "COMMIT", "of another revision than BEGIN's");
    apply->commit_read_at_us = clock_mono_us();
    TRY(replica_commit(*apply->replica, &message->commit));
    crash_guard_committed(&apply->guard, clock_mono_ms());
    apply->state = APPLY_TELLING;
    apply->link_lost = false;
    replica_changes(*apply->replica, &changes);
    apply->events->tell(apply->owner, message->commit.revision, &changes);
    return ERR_OK;
}

void replica_apply_told(struct replica_apply *apply, uint32_t workers_applied, uint32_t workers)
{
    ASSERT(apply->state == APPLY_TELLING);
    struct message ack = {.kind = MESSAGE_ACK};
    ack.ack.revision = apply->begun.revision;
    ack.ack.workers_applied = workers_applied;
    ack.ack.workers = workers;
    ack.ack.took_us = clock_mono_us() - apply->commit_read_at_us;
    apply->state = APPLY_IDLE;
    log_info("revision_applied", F_U64("revision", ack.ack.revision),
             F_U64("zones", apply->zone_count), F_BOOL("full", apply->begun.full),
             F_U64("workers", workers), F_U64("took_us", ack.ack.took_us));
    if (!apply->link_lost)
        apply->events->answer(apply->owner, &ack);
}

/* ---- after crashes */

static enum err put_former(struct replica_apply *apply, const struct crash_suspect *suspect,
                           struct problem *problem)
{
    struct zone_document *document = NULL;
    struct span body = buf_span(&suspect->former);
    const struct message_document former = {.zone_id = suspect->zone_id,
                                            .revision = suspect->former_revision,
                                            .digest = digest_of(body),
                                            .body = body};
    const struct message_tombstone gone = {.zone_id = suspect->zone_id,
                                           .revision = suspect->revision};
    if (body.len == 0)
        return replica_put_tombstone(*apply->replica, &gone);
    TRY(zone_document_decode(body, suspect->former_revision, &document, problem));
    enum err err = replica_put_document(*apply->replica, &former, document, problem);
    zone_document_unref(&document);
    return err;
}

static enum err set_aside(struct replica_apply *apply, struct replica_position *have)
{
    struct crash_suspect *suspect;
    struct problem why, problem = {.code = ERR_OK};
    const struct message_begin begun = {.epoch = have->epoch, .revision = have->revision};
    const struct message_commit commit = {.revision = have->revision, .chain = have->chain};
    TRY(replica_begin(*apply->replica, &begun));
    while ((suspect = crash_guard_take(&apply->guard)) != NULL) {
        enum err err = put_former(apply, suspect, &problem);
        (void)problem_set(&why, ERR_INVALID, "", "workers crashed right after it was applied");
        if (err == ERR_OK)
            nack_zone(apply, &suspect->zone_id, suspect->revision, &why);
        crash_suspect_free(&suspect);
        TRY(err);
    }
    return replica_commit(*apply->replica, &commit);
}

/* The position stays where it is: control hears of each zone, as of any that was refused. */
static void set_convicts_aside(struct replica_apply *apply)
{
    struct replica_position have;
    struct replica_changes changes;
    if (!apply->convicted || apply->state == APPLY_RECEIVING)
        return;
    apply->convicted = false;
    replica_position(*apply->replica, &have);
    enum err err = set_aside(apply, &have);
    if (err != ERR_OK) {
        replica_rollback(*apply->replica);
        log_error("crash_guard_failed", F_U64("revision", have.revision), F_ERR(err));
        return;
    }
    replica_changes(*apply->replica, &changes);
    log_error("revision_set_aside", F_U64("revision", have.revision),
              F_U64("zones", changes.zone_count));
    apply->events->tell(apply->owner, have.revision, &changes);
}

/* ---- the feed */

typedef enum err apply_step_fn(struct replica_apply *apply, const struct message *message,
                               struct problem *problem);

static apply_step_fn *step_of(enum message_kind kind)
{
    switch ((int)kind) {
    case MESSAGE_BEGIN:
        return begin;
    case MESSAGE_DOCUMENT:
        return put_document;
    case MESSAGE_TOMBSTONE:
        return put_tombstone;
    case MESSAGE_CERTIFICATE:
        return put_certificate;
    case MESSAGE_COMMIT:
        return commit;
    default:
        return NULL;
    }
}

enum err replica_apply_message(struct replica_apply *apply, const struct message *message,
                               struct problem *problem)
{
    apply_step_fn *step = step_of(message->kind);
    enum err err = ERR_OK;
    *problem = (struct problem){.code = ERR_OK};
    if (message->kind == MESSAGE_HEARTBEAT)
        return ERR_OK;
    if (step == NULL)
        err = problem_set(problem, ERR_PROTOCOL, message_name(message->kind), "is not for an edge");
    else if (message->kind != MESSAGE_BEGIN && apply->state != APPLY_RECEIVING)
        err = problem_set(problem, ERR_PROTOCOL, message_name(message->kind), "without a BEGIN");
    else
        err = step(apply, message, problem);
    if (err != ERR_OK)
        replica_apply_reset(apply);
    else
        set_convicts_aside(apply);
    return err;
}

void replica_apply_reset(struct replica_apply *apply)
{
    apply->link_lost = true;
    if (apply->state == APPLY_RECEIVING) {
        replica_rollback(*apply->replica);
        crash_guard_dropped(&apply->guard);
        apply->state = APPLY_IDLE;
        set_convicts_aside(apply);
    }
}

void replica_apply_worker_crashed(struct replica_apply *apply)
{
    apply->convicted |= crash_guard_crashed(&apply->guard, clock_mono_ms());
    set_convicts_aside(apply);
}
