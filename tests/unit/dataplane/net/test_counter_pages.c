/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_counter_pages.c - processes count on pages of their own in memory that they share.
 */
#include "dataplane/net/counter_pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_test.h"

static int copy_of(const struct counter_pages *pages)
{
    int fd = fcntl(pages->fd, F_DUPFD_CLOEXEC, 3);
    assert_true(fd >= 0);
    return fd;
}

static void what_a_dead_process_counted_stays(void **state)
{
    struct counter_pages ours;
    (void)state;
    assert_int_equal(counter_pages_make(&ours, NULL), ERR_OK);
    counters_add(counter_pages_of(&ours, 0), COUNTER_EXCHANGES, 1);
    int fd = copy_of(&ours);
    pid_t child = fork();
    if (child == 0) {
        struct counter_pages theirs;
        if (counter_pages_map(fd, &theirs) != ERR_OK)
            _exit(1);
        counters_add(counter_pages_of(&theirs, 7), COUNTER_EXCHANGES, 41);
        abort();
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(fd);

    assert_int_equal(counters_read(counter_pages_of(&ours, 0), COUNTER_EXCHANGES), 1);
    assert_int_equal(counters_read(counter_pages_of(&ours, 7), COUNTER_EXCHANGES), 41);
    assert_int_equal(counter_pages_sum(&ours, COUNTER_EXCHANGES), 42);
    assert_int_equal(counter_pages_sum(&ours, COUNTER_CLIENT_CONNS), 0);
    counter_pages_release(&ours);
}

static void memory_that_is_not_ours_is_refused_and_closed(void **state)
{
    struct counter_pages pages;
    (void)state;
    int small = memfd_create("small", MFD_CLOEXEC);
    assert_true(small >= 0);
    assert_int_equal(counter_pages_map(small, &pages), ERR_INVALID);
    assert_int_equal(fcntl(small, F_GETFD), -1);
    assert_null(pages.memory);

    struct counter_pages other_version;
    assert_int_equal(counter_pages_make(&other_version, NULL), ERR_OK);
    other_version.memory[0] ^= 1;
    int fd = copy_of(&other_version);
    assert_int_equal(counter_pages_map(fd, &pages), ERR_INVALID);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    counter_pages_release(&other_version);
    counter_pages_release(&pages);
}

static void shared_memory_cannot_be_cut_short(void **state)
{
    struct counter_pages pages;
    (void)state;
    assert_int_equal(counter_pages_make(&pages, NULL), ERR_OK);
    assert_int_equal(ftruncate(pages.fd, 0), -1);
    counter_pages_release(&pages);
    counter_pages_release(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_dead_process_counted_stays),
        cmocka_unit_test(memory_that_is_not_ours_is_refused_and_closed),
        cmocka_unit_test(shared_memory_cannot_be_cut_short),
    };
    return cmocka_run_group_tests_name("counter_pages", tests, NULL, NULL);
}
