/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replica_damage.c - files that rotted: what is served is what was written, or nothing.
 *
 * TRUNKLINE_DAMAGES is how many of them; 100 without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/model/zone_document.h"
#include "dataplane/route/replica_reader.h"
#include "tests/unit/support/zone_feed.h"

#define ZONES 12
#define FILE_BYTES_MAX ((size_t)1 << 20)
#define PAGE_BYTES 4096

struct file {
    uint8_t bytes[FILE_BYTES_MAX];
    size_t len;
};

static uint64_t dice_state = 39;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(dice_state >> 33) % sides;
}

static void fill(struct zone_feed *feed)
{
    char name[32];
    zone_feed_begin(feed, 1, true);
    for (unsigned zone = 1; zone <= ZONES; zone++) {
        struct zone_recipe recipe = {
            .zone = zone, .name = name, .hostnames = {name}, .revision = 1};
        snprintf(name, sizeof(name), "zone%u.test", zone);
        recipe.certificate = zone == 1 ? 50 : 0;
        if (zone == 1)
            zone_feed_put_certificate(feed, 50, &recipe);
        assert_int_equal(zone_feed_put(feed, &recipe), ERR_OK);
    }
    zone_feed_commit(feed, 1);
}

static void remove_beside(const struct zone_feed *feed)
{
    char path[128];
    snprintf(path, sizeof(path), "%s-wal", feed->replica_path);
    (void)unlink(path);
    snprintf(path, sizeof(path), "%s-shm", feed->replica_path);
    (void)unlink(path);
}

static void read_file(const struct zone_feed *feed, struct file *out)
{
    FILE *in = fopen(feed->replica_path, "rb");
    assert_non_null(in);
    out->len = fread(out->bytes, 1, sizeof(out->bytes), in);
    assert_true(out->len > PAGE_BYTES && out->len < sizeof(out->bytes));
    fclose(in);
}

static void write_file(const struct zone_feed *feed, const struct file *what)
{
    FILE *out = fopen(feed->replica_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(what->bytes, 1, what->len, out), what->len);
    fclose(out);
    remove_beside(feed);
}

static void damage(struct file *file)
{
    size_t page = dice(file->len / PAGE_BYTES) * PAGE_BYTES;
    switch (dice(5)) {
    case 0: /* a bit */
        file->bytes[dice(file->len)] ^= (uint8_t)(1u << dice(8));
        break;
    case 1: /* bits of the header and of the page that lists the tables */
        for (size_t i = 0; i < 8; i++)
            file->bytes[dice(PAGE_BYTES)] ^= (uint8_t)(1u << dice(8));
        break;
    case 2: /* cut off */
        file->len = dice(file->len);
        break;
    case 3: /* a page of zeros */
        memset(file->bytes + page, 0, PAGE_BYTES);
        break;
    default: /* huge counts where a page says how much it holds */
        memset(file->bytes + page + 3, 0xff, 1 + dice(16));
        break;
    }
}

/* How many zones still answer; those that do are as they were. */
static size_t check_zones(const struct zone_feed *feed)
{
    struct replica_reader *reader;
    struct problem problem;
    size_t served = 0;
    if (replica_reader_open(feed->replica_path, &reader, &problem) != ERR_OK)
        return 0;
    for (unsigned zone = 1; zone <= ZONES; zone++) {
        struct zone_document *document = NULL;
        struct id id = zone_feed_id(zone);
        char name[32];
        snprintf(name, sizeof(name), "zone%u.test", zone);
        if (replica_reader_document(reader, &id, &document) != ERR_OK)
            continue;
        assert_true(span_equal(document->name, span_str(name)));
        zone_document_unref(&document);
        served++;
    }
    replica_reader_close(&reader);
    return served;
}

static void what_rotted_is_set_aside_or_served_as_it_was(void **state)
{
    static struct file whole, damaged;
    struct zone_feed feed;
    struct problem problem;
    bool replaced;
    size_t replaced_count = 0, served_count = 0;
    const char *wanted = getenv("TRUNKLINE_DAMAGES");
    size_t count = wanted ? (size_t)atoi(wanted) : 100;
    (void)state;
    zone_feed_open(&feed);
    fill(&feed);
    replica_close(&feed.replica);
    read_file(&feed, &whole);

    for (size_t i = 0; i < count; i++) {
        damaged = whole;
        damage(&damaged);
        write_file(&feed, &damaged);
        enum err err =
            replica_open(feed.replica_path, &feed.key, &feed.replica, &replaced, &problem);
        assert_true(err == ERR_OK || feed.replica == NULL);
        replaced_count += err == ERR_OK && replaced;
        served_count += check_zones(&feed) == ZONES;
        replica_close(&feed.replica);
    }

    printf("%zu damaged files: %zu set aside, %zu served whole\n", count, replaced_count,
           served_count);
    assert_true(replaced_count > count / 4);
    write_file(&feed, &whole);
    assert_false(zone_feed_reopen(&feed));
    assert_int_equal(check_zones(&feed), ZONES);
    zone_feed_close(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rotted_is_set_aside_or_served_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
