/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replica_apply.c - the steps of a revision, with workers and control played by the test.
 */
#include "dataplane/supervisor/replica_apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dataplane/route/replica_reader.h"
#include "tests/unit/support/zone_feed.h"

struct rig {
    struct zone_feed feed;
    struct replica_apply apply;
    struct problem problem;
    struct buf body;
    unsigned tells, acks, nacks;
    uint64_t told_revision;
    size_t told_zones;
    bool told_all;
    struct message_ack ack;
    struct id nacked;
    char nack_path[96];
};

static void rig_tell(void *owner, uint64_t revision, const struct replica_changes *changes)
{
    struct rig *rig = owner;
    rig->tells++;
    rig->told_revision = revision;
    rig->told_zones = changes->zone_count;
    rig->told_all = changes->all;
}

static void rig_answer(void *owner, const struct message *message)
{
    struct rig *rig = owner;
    if (message->kind == MESSAGE_ACK) {
        rig->acks++;
        rig->ack = message->ack;
        return;
    }
    assert_int_equal(message->kind, MESSAGE_NACK);
    rig->nacks++;
    rig->nacked = message->nack.zone_id;
    snprintf(rig->nack_path, sizeof(rig->nack_path), "%.*s", SPAN_ARG(message->nack.path));
}

static const struct replica_apply_events rig_events = {.tell = rig_tell, .answer = rig_answer};

static int open_rig(void **state)
{
    static struct rig rig;
    rig = (struct rig){0};
    zone_feed_open(&rig.feed);
    buf_init(&rig.body, LIMIT_DOCUMENT_BYTES);
    replica_apply_init(&rig.apply, &rig.feed.replica, &rig_events, &rig);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    buf_release(&rig->body);
    replica_apply_release(&rig->apply);
    zone_feed_close(&rig->feed);
    return 0;
}

static enum err give(struct rig *rig, const struct message *message)
{
    return replica_apply_message(&rig->apply, message, &rig->problem);
}

static enum err give_begin(struct rig *rig, uint64_t revision, bool full)
{
    struct message begin = {.kind = MESSAGE_BEGIN};
    begin.begin =
        (struct message_begin){.epoch = zone_feed_id(7), .revision = revision, .full = full};
    return give(rig, &begin);
}

static enum err give_zone(struct rig *rig, unsigned zone, const char *name, uint64_t revision)
{
    const struct zone_recipe recipe = {
        .zone = zone, .name = name, .hostnames = {name}, .revision = revision};
    buf_clear(&rig->body);
    struct message message = zone_recipe_message(&recipe, &rig->body);
    return give(rig, &message);
}

static enum err give_commit(struct rig *rig, uint64_t revision)
{
    struct message commit = {.kind = MESSAGE_COMMIT};
    commit.commit = (struct message_commit){.revision = revision, .chain = digest_of(SPAN("x"))};
    return give(rig, &commit);
}

static void apply_first(struct rig *rig)
{
    assert_int_equal(give_begin(rig, 1, true), ERR_OK);
    assert_int_equal(give_zone(rig, 1, "a.test", 1), ERR_OK);
    assert_int_equal(give_commit(rig, 1), ERR_OK);
    replica_apply_told(&rig->apply, 2, 2);
}

static unsigned zone_of(struct rig *rig, const char *host)
{
    struct replica_reader *reader;
    struct id id;
    unsigned number = 0;
    assert_int_equal(replica_reader_open(rig->feed.replica_path, &reader, &rig->problem), ERR_OK);
    if (replica_reader_zone(reader, span_str(host), &id) == ERR_OK)
        assert_int_equal(sscanf(id.text, "%32x", &number), 1);
    replica_reader_close(&reader);
    return number;
}

static uint64_t revision_of(const struct rig *rig)
{
    struct replica_position position;
    replica_position(rig->feed.replica, &position);
    return position.revision;
}

static void an_ack_waits_for_the_workers(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(give_begin(rig, 1, true), ERR_OK);
    assert_int_equal(give_zone(rig, 1, "a.test", 1), ERR_OK);
    assert_int_equal(rig->tells, 0);
    assert_int_equal(give_commit(rig, 1), ERR_OK);
    assert_int_equal(rig->tells, 1);
    assert_true(rig->told_all);
    assert_int_equal(rig->acks, 0);
    replica_apply_told(&rig->apply, 3, 4);

    assert_int_equal(rig->acks, 1);
    assert_int_equal(rig->ack.revision, 1);
    assert_int_equal(rig->ack.workers_applied, 3);
    assert_int_equal(rig->ack.workers, 4);
    assert_int_equal(revision_of(rig), 1);
}

static void workers_hear_which_zones_changed(void **state)
{
    struct rig *rig = *state;
    apply_first(rig);

    assert_int_equal(give_begin(rig, 3, false), ERR_OK);
    assert_int_equal(give_zone(rig, 2, "b.test", 2), ERR_OK);
    assert_int_equal(give_zone(rig, 3, "c.test", 3), ERR_OK);
    assert_int_equal(give_commit(rig, 3), ERR_OK);

    assert_false(rig->told_all);
    assert_int_equal(rig->told_zones, 2);
    assert_int_equal(rig->told_revision, 3);
}

static void a_bad_zone_is_set_aside_and_the_others_go_on(void **state)
{
    struct rig *rig = *state;
    apply_first(rig);

    assert_int_equal(give_begin(rig, 3, false), ERR_OK);
    buf_clear(&rig->body);
    struct message bad = {.kind = MESSAGE_DOCUMENT};
    bad.document = (struct message_document){
        .zone_id = zone_feed_id(1), .revision = 2, .body = SPAN("{\"zone_id\":7}")};
    assert_int_equal(give(rig, &bad), ERR_OK);
    assert_int_equal(give_zone(rig, 2, "b.test", 3), ERR_OK);
    assert_int_equal(give_commit(rig, 3), ERR_OK);
    replica_apply_told(&rig->apply, 1, 1);

    assert_int_equal(rig->nacks, 1);
    assert_true(id_equal(rig->nacked, zone_feed_id(1)));
    assert_true(rig->nack_path[0] != '\0');
    assert_int_equal(rig->acks, 2);
    assert_int_equal(zone_of(rig, "a.test"), 1);
    assert_int_equal(zone_of(rig, "b.test"), 2);
}

static void a_bad_zone_of_a_full_copy_keeps_its_old_document(void **state)
{
    struct rig *rig = *state;
    apply_first(rig);

    assert_int_equal(give_begin(rig, 9, true), ERR_OK);
    struct message bad = {.kind = MESSAGE_DOCUMENT};
    bad.document = (struct message_document){
        .zone_id = zone_feed_id(1), .revision = 9, .body = SPAN("nothing of the kind")};
    assert_int_equal(give(rig, &bad), ERR_OK);
    assert_int_equal(give_commit(rig, 9), ERR_OK);

    assert_int_equal(rig->nacks, 1);
    assert_int_equal(zone_of(rig, "a.test"), 1);
}

static void a_document_of_another_zone_is_refused(void **state)
{
    struct rig *rig = *state;
    const struct zone_recipe recipe = {
        .zone = 5, .name = "e.test", .hostnames = {"e.test"}, .revision = 1};
    struct message message = zone_recipe_message(&recipe, &rig->body);
    message.document.zone_id = zone_feed_id(6);

    assert_int_equal(give_begin(rig, 1, true), ERR_OK);
    assert_int_equal(give(rig, &message), ERR_OK);

    assert_int_equal(rig->nacks, 1);
    assert_true(id_equal(rig->nacked, zone_feed_id(6)));
}

static void a_bad_certificate_is_its_zones_affair(void **state)
{
    struct rig *rig = *state;
    struct message message = {.kind = MESSAGE_CERTIFICATE};
    message.certificate = (struct message_certificate){
        .certificate_id = zone_feed_id(50),
        .zone_id = zone_feed_id(1),
        .revision = 2,
        .chain_pem = SPAN("not PEM"),
        .key_pem = SPAN("not PEM either"),
    };
    apply_first(rig);

    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
    assert_int_equal(give(rig, &message), ERR_OK);
    assert_int_equal(give_commit(rig, 2), ERR_OK);

    assert_int_equal(rig->nacks, 1);
    assert_int_equal(revision_of(rig), 2);
}

static void a_lost_link_rolls_back(void **state)
{
    struct rig *rig = *state;
    apply_first(rig);

    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
    assert_int_equal(give_zone(rig, 2, "b.test", 2), ERR_OK);
    replica_apply_reset(&rig->apply);

    assert_int_equal(revision_of(rig), 1);
    assert_int_equal(zone_of(rig, "b.test"), 0);
    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
}

static void an_ack_is_for_the_link_that_sent_the_commit(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(give_begin(rig, 1, true), ERR_OK);
    assert_int_equal(give_commit(rig, 1), ERR_OK);

    replica_apply_reset(&rig->apply);
    replica_apply_told(&rig->apply, 2, 2);

    assert_int_equal(rig->acks, 0);
    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
}

static void what_is_out_of_order_loses_the_feed(void **state)
{
    struct rig *rig = *state;
    struct message hello = {.kind = MESSAGE_HELLO}, heartbeat = {.kind = MESSAGE_HEARTBEAT};

    assert_int_equal(give(rig, &heartbeat), ERR_OK);
    assert_int_equal(give(rig, &hello), ERR_PROTOCOL);
    assert_int_equal(give_commit(rig, 1), ERR_PROTOCOL);
    assert_int_equal(give_zone(rig, 1, "a.test", 1), ERR_PROTOCOL);
    assert_int_equal(give_begin(rig, 1, false), ERR_PROTOCOL); /* an epoch we do not have */
    apply_first(rig);
    assert_int_equal(give_begin(rig, 5, false), ERR_OK);
    assert_int_equal(give_commit(rig, 6), ERR_PROTOCOL);
    assert_int_equal(give_begin(rig, 5, false), ERR_OK);
    assert_int_equal(give_begin(rig, 5, false), ERR_PROTOCOL);
    assert_int_equal(give_begin(rig, 0, false), ERR_PROTOCOL); /* behind ours */
    assert_int_equal(revision_of(rig), 1);
    assert_int_equal(zone_of(rig, "a.test"), 1);
}

/* Zone 1 is renamed in revision 2, zone 2 is new. */
static void apply_second(struct rig *rig)
{
    apply_first(rig);
    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
    assert_int_equal(give_zone(rig, 1, "b.test", 2), ERR_OK);
    assert_int_equal(give_zone(rig, 2, "c.test", 2), ERR_OK);
    assert_int_equal(give_commit(rig, 2), ERR_OK);
    replica_apply_told(&rig->apply, 2, 2);
    assert_int_equal(zone_of(rig, "b.test"), 1);
    rig->tells = 0;
}

static void two_crashes_after_a_change_bring_the_former_documents_back(void **state)
{
    struct rig *rig = *state;
    apply_second(rig);

    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(zone_of(rig, "b.test"), 1);
    assert_int_equal(rig->nacks, 0);
    replica_apply_worker_crashed(&rig->apply);

    assert_int_equal(zone_of(rig, "a.test"), 1);
    assert_int_equal(zone_of(rig, "b.test"), 0);
    assert_int_equal(zone_of(rig, "c.test"), 0);
    assert_int_equal(rig->nacks, 2);
    assert_int_equal(rig->tells, 1);
    assert_int_equal(rig->told_zones, 2);
    assert_int_equal(revision_of(rig), 2);
    replica_apply_worker_crashed(&rig->apply);
    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(rig->nacks, 2);
}

static void a_newer_document_is_another_try(void **state)
{
    struct rig *rig = *state;
    apply_second(rig);
    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(give_begin(rig, 3, false), ERR_OK);
    assert_int_equal(give_zone(rig, 1, "d.test", 3), ERR_OK);
    assert_int_equal(give_commit(rig, 3), ERR_OK);
    replica_apply_told(&rig->apply, 2, 2);

    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(zone_of(rig, "c.test"), 0); /* crashed of twice */
    assert_int_equal(zone_of(rig, "d.test"), 1);
    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(zone_of(rig, "a.test"), 1); /* what nobody crashed of */
}

static void crashes_while_a_revision_comes_in_wait_for_its_end(void **state)
{
    struct rig *rig = *state;
    apply_second(rig);
    assert_int_equal(give_begin(rig, 3, false), ERR_OK);
    assert_int_equal(give_zone(rig, 3, "e.test", 3), ERR_OK);

    replica_apply_worker_crashed(&rig->apply);
    replica_apply_worker_crashed(&rig->apply);
    assert_int_equal(rig->nacks, 0);
    assert_int_equal(give_commit(rig, 3), ERR_OK);

    assert_int_equal(rig->nacks, 2);
    assert_int_equal(zone_of(rig, "a.test"), 1);
    assert_int_equal(zone_of(rig, "e.test"), 3);
    assert_int_equal(rig->tells, 2);
    replica_apply_told(&rig->apply, 2, 2);
    assert_int_equal(rig->ack.revision, 3);
}

static void a_deleted_zone_does_not_come_back(void **state)
{
    struct rig *rig = *state;
    struct message gone = {.kind = MESSAGE_TOMBSTONE};
    gone.tombstone = (struct message_tombstone){.zone_id = zone_feed_id(1), .revision = 3};
    apply_second(rig);
    assert_int_equal(give_begin(rig, 3, false), ERR_OK);
    assert_int_equal(give(rig, &gone), ERR_OK);
    assert_int_equal(give_commit(rig, 3), ERR_OK);

    replica_apply_worker_crashed(&rig->apply);
    replica_apply_worker_crashed(&rig->apply);

    assert_int_equal(zone_of(rig, "a.test"), 0);
    assert_int_equal(zone_of(rig, "b.test"), 0);
    assert_int_equal(rig->nacks, 1);
}

static void a_revision_that_was_rolled_back_is_not_suspected(void **state)
{
    struct rig *rig = *state;
    apply_first(rig);
    assert_int_equal(give_begin(rig, 2, false), ERR_OK);
    assert_int_equal(give_zone(rig, 1, "b.test", 2), ERR_OK);
    replica_apply_reset(&rig->apply);

    replica_apply_worker_crashed(&rig->apply);
    replica_apply_worker_crashed(&rig->apply);

    assert_int_equal(rig->nacks, 0);
    assert_int_equal(zone_of(rig, "a.test"), 1);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_RIG(an_ack_waits_for_the_workers),
        IN_A_RIG(workers_hear_which_zones_changed),
        IN_A_RIG(a_bad_zone_is_set_aside_and_the_others_go_on),
        IN_A_RIG(a_bad_zone_of_a_full_copy_keeps_its_old_document),
        IN_A_RIG(a_document_of_another_zone_is_refused),
        IN_A_RIG(a_bad_certificate_is_its_zones_affair),
        IN_A_RIG(a_lost_link_rolls_back),
        IN_A_RIG(an_ack_is_for_the_link_that_sent_the_commit),
        IN_A_RIG(what_is_out_of_order_loses_the_feed),
        IN_A_RIG(two_crashes_after_a_change_bring_the_former_documents_back),
        IN_A_RIG(a_newer_document_is_another_try),
        IN_A_RIG(crashes_while_a_revision_comes_in_wait_for_its_end),
        IN_A_RIG(a_deleted_zone_does_not_come_back),
        IN_A_RIG(a_revision_that_was_rolled_back_is_not_suspected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
