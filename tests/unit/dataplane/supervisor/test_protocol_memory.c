/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_protocol_memory.c - facts survive their file's closing, end, and are bounded.
 */
#include "dataplane/supervisor/protocol_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/wire/message.h"
#include "tests/unit/common/model/cmocka_all.h"

#define WALL_S 1700000000ull

static char dir[64], path[96];
static struct protocol_memory *memory;
static struct origin_knowledge facts[LIMIT_ORIGIN_POOLS + 1];

static int open_memory(void **state)
{
    (void)state;
    clock_test_set(5000, WALL_S * 1000000);
    snprintf(dir, sizeof(dir), "/tmp/protocols-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/protocols.db", dir);
    memory = protocol_memory_open(path);
    return 0;
}

static int close_memory(void **state)
{
    (void)state;
    char command[96];
    protocol_memory_close(&memory);
    clock_test_release();
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static void reopen(void)
{
    protocol_memory_close(&memory);
    memory = protocol_memory_open(path);
}

static void put(unsigned origin, enum origin_fact fact, uint64_t until_s)
{
    const struct origin_knowledge what = {
        .origin = {.bytes = {(uint8_t)origin, (uint8_t)(origin >> 8)}},
        .fact = fact,
        .count = 3,
        .until_s = until_s};
    protocol_memory_put(memory, &what);
}

/* Fills facts with what a new worker would hear. */
static size_t all_facts(void)
{
    struct buf out;
    struct frame_reader reader;
    struct frame frame;
    struct message message;
    size_t count = 0;
    buf_init(&out, LIMIT_LINK_OUT_BYTES / 2);
    size_t told = protocol_memory_append(memory, &out);
    assert_false(out.overflowed);
    frame_reader_init(&reader);
    frame_reader_feed(&reader, buf_span(&out));
    while (frame_reader_next(&reader, &frame) == ERR_OK) {
        assert_int_equal(message_decode(&frame, &message, NULL), ERR_OK);
        facts[count++] = message.protocol.learned;
    }
    assert_int_equal(count, told);
    frame_reader_release(&reader);
    buf_release(&out);
    return count;
}

static void facts_are_there_after_a_restart(void **state)
{
    (void)state;
    put(1, ORIGIN_FACT_H1, WALL_S + 100);
    put(2, ORIGIN_FACT_H2_SUSPENDED, WALL_S + 200);
    reopen();
    assert_int_equal(all_facts(), 2);
    assert_int_equal(facts[0].fact, ORIGIN_FACT_H2_SUSPENDED);
    assert_int_equal(facts[0].count, 3);
    assert_int_equal(facts[1].origin.bytes[0], 1);
    assert_int_equal(facts[1].until_s, WALL_S + 100);
}

static void the_newer_answer_replaces_the_older(void **state)
{
    (void)state;
    put(1, ORIGIN_FACT_H2, WALL_S + 100);
    put(1, ORIGIN_FACT_H1, WALL_S + 90);
    put(1, ORIGIN_FACT_H1_REQUIRED, WALL_S + 50);
    assert_int_equal(all_facts(), 2);
    assert_int_equal(facts[0].fact, ORIGIN_FACT_H1_REQUIRED);
    assert_int_equal(facts[1].fact, ORIGIN_FACT_H1);
}

static void what_is_over_is_not_told_but_a_suspension_is_for_a_while(void **state)
{
    (void)state;
    put(1, ORIGIN_FACT_H1, WALL_S + 100);
    put(2, ORIGIN_FACT_H2_SUSPENDED, WALL_S + 100);
    clock_test_set(5000, (WALL_S + 100) * 1000000);
    assert_int_equal(all_facts(), 1);
    assert_int_equal(facts[0].fact, ORIGIN_FACT_H2_SUSPENDED);
    clock_test_set(5000, (WALL_S + 101) * 1000000 + LIMIT_ORIGIN_SUSPENDED_MAX_MS * 1000ull);
    assert_int_equal(all_facts(), 0);
}

static void what_was_resumed_is_forgotten(void **state)
{
    (void)state;
    put(1, ORIGIN_FACT_H2_SUSPENDED, WALL_S + 100);
    put(1, ORIGIN_FACT_H2, WALL_S + 100);
    put(1, ORIGIN_FACT_H2_SUSPENDED, 0);
    assert_int_equal(all_facts(), 1);
    assert_int_equal(facts[0].fact, ORIGIN_FACT_H2);
}

static void a_clock_that_was_ahead_makes_nothing_last(void **state)
{
    (void)state;
    put(1, ORIGIN_FACT_H2, WALL_S + 100000000);
    reopen();
    assert_int_equal(all_facts(), 1);
    assert_int_equal(facts[0].until_s, WALL_S + LIMIT_ORIGIN_PROTOCOL_MS / 1000);
}

static void there_are_only_so_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_ORIGIN_POOLS + 20; i++)
        put(i, ORIGIN_FACT_H2, WALL_S + 100);
    assert_int_equal(all_facts(), LIMIT_ORIGIN_POOLS);
    reopen();
    put(60000, ORIGIN_FACT_H1, WALL_S + 100);
    assert_int_equal(all_facts(), LIMIT_ORIGIN_POOLS);
    assert_int_equal(facts[0].fact, ORIGIN_FACT_H1);
}

static void a_file_of_another_kind_is_thrown_away(void **state)
{
    (void)state;
    protocol_memory_close(&memory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database, it only looks like a file\n", file);
    fclose(file);
    memory = protocol_memory_open(path);
    assert_int_equal(all_facts(), 0);
    put(1, ORIGIN_FACT_H2, WALL_S + 100);
    reopen();
    assert_int_equal(all_facts(), 1);
}

static void without_a_file_it_is_empty_and_goes_on(void **state)
{
    (void)state;
    protocol_memory_close(&memory);
    memory = protocol_memory_open("/nowhere/at/all/protocols.db");
    put(1, ORIGIN_FACT_H2, WALL_S + 100);
    assert_int_equal(all_facts(), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_memory, close_memory)
    const struct CMUnitTest tests[] = {
        CASE(facts_are_there_after_a_restart),
        CASE(the_newer_answer_replaces_the_older),
        CASE(what_is_over_is_not_told_but_a_suspension_is_for_a_while),
        CASE(what_was_resumed_is_forgotten),
        CASE(a_clock_that_was_ahead_makes_nothing_last),
        CASE(there_are_only_so_many),
        CASE(a_file_of_another_kind_is_thrown_away),
        CASE(without_a_file_it_is_empty_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
