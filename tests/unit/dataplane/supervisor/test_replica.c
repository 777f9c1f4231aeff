/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replica.c - one revision is there as a whole or not at all, whatever happens in between.
 */
#include "dataplane/supervisor/replica.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/route/replica_reader.h"
#include "tests/unit/support/zone_feed.h"

static const struct zone_recipe shop = {
    .zone = 1, .name = "shop.test", .hostnames = {"shop.test", "www.shop.test"}, .revision = 1};
static const struct zone_recipe blog = {
    .zone = 2, .name = "blog.test", .hostnames = {"blog.test"}, .revision = 2};

static int open_feed(void **state)
{
    static struct zone_feed feed;
    zone_feed_open(&feed);
    *state = &feed;
    return 0;
}

static int close_feed(void **state)
{
    zone_feed_close(*state);
    return 0;
}

/* The zone's number that a worker finds behind a host; 0: none. */
static unsigned zone_of(const struct zone_feed *feed, const char *host)
{
    struct replica_reader *reader;
    struct problem problem;
    struct id id;
    unsigned number = 0;
    assert_int_equal(replica_reader_open(feed->replica_path, &reader, &problem), ERR_OK);
    enum err err = replica_reader_zone(reader, span_str(host), &id);
    if (err == ERR_OK)
        assert_int_equal(sscanf(id.text, "%32x", &number), 1);
    else
        assert_int_equal(err, ERR_HOST_UNKNOWN);
    replica_reader_close(&reader);
    return number;
}

static uint64_t revision_of(const struct zone_feed *feed)
{
    struct replica_position position;
    replica_position(feed->replica, &position);
    return position.revision;
}

static void a_new_replica_has_nothing(void **state)
{
    struct zone_feed *feed = *state;
    struct replica_position position;

    replica_position(feed->replica, &position);

    assert_int_equal(position.revision, 0);
    assert_int_equal(id_span(&position.epoch).len, 0);
    assert_int_equal(zone_of(feed, "shop.test"), 0);
}

static void a_revision_stays_over_a_reopen(void **state)
{
    struct zone_feed *feed = *state;
    struct replica_position position;

    zone_feed_apply(feed, &shop);
    zone_feed_apply(feed, &blog);
    assert_false(zone_feed_reopen(feed));

    replica_position(feed->replica, &position);
    struct id epoch = zone_feed_id(7);
    struct digest chain = digest_of(SPAN("chain"));
    assert_int_equal(position.revision, 2);
    assert_true(id_equal(position.epoch, epoch));
    assert_true(digest_equal(&position.chain, &chain));
    assert_int_equal(zone_of(feed, "www.shop.test"), 1);
    assert_int_equal(zone_of(feed, "blog.test"), 2);
}

static void a_rollback_leaves_what_was(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 2, false);
    assert_int_equal(zone_feed_put(feed, &blog), ERR_OK);
    zone_feed_put_tombstone(feed, 1, 2);
    replica_rollback(feed->replica);
    replica_rollback(feed->replica);

    assert_int_equal(revision_of(feed), 1);
    assert_int_equal(zone_of(feed, "shop.test"), 1);
    assert_int_equal(zone_of(feed, "blog.test"), 0);
}

static void a_hostname_that_the_document_lost_is_gone(void **state)
{
    struct zone_feed *feed = *state;
    struct zone_recipe smaller = shop;
    zone_feed_apply(feed, &shop);

    smaller.hostnames[1] = NULL;
    smaller.revision = 2;
    zone_feed_apply(feed, &smaller);

    assert_int_equal(zone_of(feed, "shop.test"), 1);
    assert_int_equal(zone_of(feed, "www.shop.test"), 0);
}

static void a_tombstone_takes_the_zone_away(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 2, false);
    zone_feed_put_tombstone(feed, 1, 2);
    zone_feed_commit(feed, 2);

    assert_int_equal(zone_of(feed, "shop.test"), 0);
}

static void a_full_copy_replaces_everything_at_its_commit(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 5, true);
    assert_int_equal(zone_feed_put(feed, &blog), ERR_OK);
    assert_int_equal(zone_of(feed, "shop.test"), 1);
    assert_int_equal(zone_of(feed, "blog.test"), 0);
    zone_feed_commit(feed, 5);

    assert_int_equal(zone_of(feed, "shop.test"), 0);
    assert_int_equal(zone_of(feed, "blog.test"), 2);
    zone_feed_apply(feed, &(struct zone_recipe){
                              .zone = 3, .name = "c.test", .hostnames = {"c.test"}, .revision = 6});
    assert_int_equal(zone_of(feed, "c.test"), 3);
    assert_false(zone_feed_reopen(feed));
    assert_int_equal(zone_of(feed, "blog.test"), 2);
}

static void a_full_copy_that_is_given_up_changes_nothing(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 5, true);
    assert_int_equal(zone_feed_put(feed, &blog), ERR_OK);
    replica_rollback(feed->replica);
    zone_feed_begin(feed, 6, true);
    zone_feed_commit(feed, 6);

    assert_int_equal(zone_of(feed, "blog.test"), 0);
    assert_int_equal(zone_of(feed, "shop.test"), 0);
    assert_int_equal(revision_of(feed), 6);
}

static void a_zone_that_is_kept_survives_a_full_copy(void **state)
{
    struct zone_feed *feed = *state;
    struct id zone_id = zone_feed_id(1);
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 5, true);
    assert_int_equal(replica_keep(feed->replica, &zone_id), ERR_OK);
    zone_feed_commit(feed, 5);

    assert_int_equal(zone_of(feed, "www.shop.test"), 1);
}

static void a_large_full_copy_goes_in_batches(void **state)
{
    struct zone_feed *feed = *state;
    char name[32];
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 9, true);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "z%u.test", i);
        const struct zone_recipe one = {
            .zone = 100 + i, .name = name, .hostnames = {name}, .revision = 9};
        assert_int_equal(zone_feed_put(feed, &one), ERR_OK);
    }
    assert_int_equal(zone_of(feed, "shop.test"), 1);
    assert_int_equal(zone_of(feed, "z1.test"), 0);
    zone_feed_commit(feed, 9);

    assert_int_equal(zone_of(feed, "z4999.test"), 5099);
    assert_int_equal(zone_of(feed, "shop.test"), 0);
}

static void the_newer_document_has_a_contested_name(void **state)
{
    struct zone_feed *feed = *state;
    const struct zone_recipe sub = {
        .zone = 3, .name = "www.shop.test", .hostnames = {"www.shop.test"}, .revision = 2};
    struct replica_changes changes;
    zone_feed_apply(feed, &shop);

    zone_feed_apply(feed, &sub);

    replica_changes(feed->replica, &changes);
    assert_int_equal(zone_of(feed, "www.shop.test"), 3);
    assert_int_equal(zone_of(feed, "shop.test"), 1);
    assert_int_equal(changes.zone_count, 2);
    zone_feed_begin(feed, 3, false);
    zone_feed_put_tombstone(feed, 3, 3);
    zone_feed_commit(feed, 3);
    assert_int_equal(zone_of(feed, "www.shop.test"), 1);
}

static void a_name_under_a_wildcard_concerns_the_wildcards_zone(void **state)
{
    struct zone_feed *feed = *state;
    const struct zone_recipe wild = {
        .zone = 1, .name = "shop.test", .hostnames = {"*.shop.test"}, .revision = 1};
    const struct zone_recipe sub = {
        .zone = 3, .name = "a.shop.test", .hostnames = {"a.shop.test"}, .revision = 2};
    struct replica_changes changes;
    zone_feed_apply(feed, &wild);
    assert_int_equal(zone_of(feed, "a.shop.test"), 1);
    assert_int_equal(zone_of(feed, "a.b.shop.test"), 0);

    zone_feed_apply(feed, &sub);

    replica_changes(feed->replica, &changes);
    assert_int_equal(zone_of(feed, "a.shop.test"), 3);
    assert_int_equal(zone_of(feed, "b.shop.test"), 1);
    assert_false(changes.all);
    assert_int_equal(changes.zone_count, 2);
}

static void changes_are_named_once_and_all_when_too_many(void **state)
{
    struct zone_feed *feed = *state;
    struct replica_changes changes;
    char name[32];
    zone_feed_apply(feed, &shop);

    zone_feed_begin(feed, 2, false);
    for (unsigned i = 0; i < MESSAGE_ZONES_MAX + 1; i++) {
        snprintf(name, sizeof(name), "z%u.test", i);
        const struct zone_recipe one = {
            .zone = 100 + i, .name = name, .hostnames = {name}, .revision = 2};
        assert_int_equal(zone_feed_put(feed, &one), ERR_OK);
        if (i < 3)
            assert_int_equal(zone_feed_put(feed, &one), ERR_OK);
        replica_changes(feed->replica, &changes);
        assert_int_equal(changes.all, i == MESSAGE_ZONES_MAX);
        if (!changes.all)
            assert_int_equal(changes.zone_count, i + 1);
    }
    zone_feed_commit(feed, 2);
}

static void a_document_needs_its_certificate(void **state)
{
    struct zone_feed *feed = *state;
    struct zone_recipe secure = shop;
    secure.certificate = 50;

    zone_feed_begin(feed, 1, true);
    assert_int_equal(zone_feed_put(feed, &secure), ERR_INVALID);
    zone_feed_put_certificate(feed, 50, &secure);
    assert_int_equal(zone_feed_put(feed, &secure), ERR_OK);
    zone_feed_commit(feed, 1);

    assert_int_equal(zone_of(feed, "shop.test"), 1);
}

/* The child writes revisions until it is killed; what it said it committed is there. */
static void write_until_killed(struct zone_feed *feed, int told_fd)
{
    for (unsigned revision = 2;; revision++) {
        zone_feed_begin(feed, revision, revision % 5 == 0);
        for (unsigned zone = 1; zone <= 20; zone++) {
            char name[32];
            snprintf(name, sizeof(name), "r%u.z%u.test", revision, zone);
            char apex[32];
            snprintf(apex, sizeof(apex), "z%u.test", zone);
            const struct zone_recipe one = {
                .zone = zone, .name = apex, .hostnames = {name}, .revision = revision};
            (void)zone_feed_put(feed, &one);
        }
        zone_feed_commit(feed, revision);
        if (write(told_fd, &revision, sizeof(revision)) != sizeof(revision))
            _exit(1);
    }
}

static void kill_9_leaves_whole_revisions(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);
    replica_close(&feed->replica);
    for (unsigned round = 0; round < 5; round++) {
        int told[2];
        unsigned revision = 0, awaited = 3 + round;
        char host[32];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            struct problem problem;
            bool replaced;
            if (replica_open(feed->replica_path, &feed->key, &feed->replica, &replaced, &problem) ==
                ERR_OK)
                write_until_killed(feed, told[1]);
            _exit(1);
        }
        close(told[1]);
        while (revision < awaited)
            assert_int_equal(read(told[0], &revision, sizeof(revision)), sizeof(revision));
        usleep(500 * round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &revision, sizeof(revision)) == sizeof(revision))
            ;
        close(told[0]);

        assert_false(zone_feed_reopen(feed));
        unsigned found = (unsigned)revision_of(feed);
        assert_true(found == revision || found == revision + 1);
        for (unsigned zone = 1; zone <= 20; zone++) {
            snprintf(host, sizeof(host), "r%u.z%u.test", found, zone);
            assert_int_equal(zone_of(feed, host), zone);
            snprintf(host, sizeof(host), "r%u.z%u.test", found - 1, zone);
            assert_int_equal(zone_of(feed, host), 0);
        }
        replica_close(&feed->replica);
    }
    assert_false(zone_feed_reopen(feed));
}

static bool is_set_aside(const struct zone_feed *feed)
{
    bool found = false;
    DIR *dir = opendir(feed->dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        found = found || strncmp(entry->d_name, "replica.db.bad-", 15) == 0;
    closedir(dir);
    return found;
}

static void overwrite(const struct zone_feed *feed, off_t at, const char *bytes)
{
    int fd = open(feed->replica_path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), (ssize_t)strlen(bytes));
    close(fd);
}

static void a_file_that_is_not_sqlite_is_set_aside(void **state)
{
    struct zone_feed *feed = *state;
    zone_feed_apply(feed, &shop);
    replica_close(&feed->replica);
    overwrite(feed, 0, "this is a shopping list, and it was never a data base of any kind");

    assert_true(zone_feed_reopen(feed));

    assert_true(is_set_aside(feed));
    assert_int_equal(revision_of(feed), 0);
    zone_feed_apply(feed, &shop);
    assert_int_equal(zone_of(feed, "shop.test"), 1);
}

static void a_torn_page_is_found(void **state)
{
    struct zone_feed *feed = *state;
    char noise[2049];
    zone_feed_apply(feed, &shop);
    replica_close(&feed->replica);
    memset(noise, 0xa5, sizeof(noise) - 1);
    noise[sizeof(noise) - 1] = '\0';
    for (off_t page = 1; page < 8; page++)
        overwrite(feed, page * 4096, noise);

    assert_true(zone_feed_reopen(feed));

    assert_true(is_set_aside(feed));
}

static void another_programs_file_is_not_migrated(void **state)
{
    struct zone_feed *feed = *state;
    char command[256];
    replica_close(&feed->replica);
    snprintf(command, sizeof(command), "rm -f %s*; sqlite3 %s 'CREATE TABLE cats (name TEXT)'",
             feed->replica_path, feed->replica_path);
    assert_int_equal(system(command), 0);

    assert_true(zone_feed_reopen(feed));

    assert_true(is_set_aside(feed));
}

static void a_replica_can_be_replaced_while_it_is_open(void **state)
{
    struct zone_feed *feed = *state;
    struct problem problem;
    struct replica_reader *reader;
    zone_feed_apply(feed, &shop);
    assert_int_equal(replica_reader_open(feed->replica_path, &reader, &problem), ERR_OK);
    assert_true(replica_reader_current(reader));

    assert_int_equal(replica_replace(&feed->replica, &problem), ERR_OK);

    assert_false(replica_reader_current(reader));
    assert_int_equal(revision_of(feed), 0);
    assert_true(is_set_aside(feed));
    replica_reader_close(&reader);
}

#define IN_A_FEED(test) cmocka_unit_test_setup_teardown(test, open_feed, close_feed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FEED(a_new_replica_has_nothing),
        IN_A_FEED(a_revision_stays_over_a_reopen),
        IN_A_FEED(a_rollback_leaves_what_was),
        IN_A_FEED(a_hostname_that_the_document_lost_is_gone),
        IN_A_FEED(a_tombstone_takes_the_zone_away),
        IN_A_FEED(a_full_copy_replaces_everything_at_its_commit),
        IN_A_FEED(a_full_copy_that_is_given_up_changes_nothing),
        IN_A_FEED(a_zone_that_is_kept_survives_a_full_copy),
        IN_A_FEED(a_large_full_copy_goes_in_batches),
        IN_A_FEED(the_newer_document_has_a_contested_name),
        IN_A_FEED(a_name_under_a_wildcard_concerns_the_wildcards_zone),
        IN_A_FEED(changes_are_named_once_and_all_when_too_many),
        IN_A_FEED(a_document_needs_its_certificate),
        IN_A_FEED(kill_9_leaves_whole_revisions),
        IN_A_FEED(a_file_that_is_not_sqlite_is_set_aside),
        IN_A_FEED(a_torn_page_is_found),
        IN_A_FEED(another_programs_file_is_not_migrated),
        IN_A_FEED(a_replica_can_be_replaced_while_it_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
