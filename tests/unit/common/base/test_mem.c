/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mem.c - allocation, wiping, comparing secrets.
 */
#include "common/base/mem.h"

#include "tests/unit/common/base/dies.h"

static void calloc_zeroes(void **state)
{
    (void)state;
    uint8_t *bytes = mem_calloc(100, 3);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(bytes[i], 0);
    mem_free(&bytes);
}

static void nothing_is_still_a_pointer(void **state)
{
    (void)state;
    void *a = mem_alloc(0), *b = mem_calloc(0, 8);
    assert_non_null(a);
    assert_non_null(b);
    mem_free(&a);
    mem_free(&b);
}

static void free_leaves_null_behind_and_takes_it(void **state)
{
    (void)state;
    int *number = mem_new(int);
    mem_free(&number);
    assert_null(number);
    mem_free(&number);
    assert_null(number);
}

static void wipe_leaves_zeroes(void **state)
{
    (void)state;
    char secret[16] = "correct horse";
    const char zeroes[16] = {0};
    mem_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zeroes, sizeof(zeroes));
    mem_wipe(NULL, 0);
}

static void secrets_are_compared_whole(void **state)
{
    (void)state;
    assert_true(mem_equal_secret("abcd", "abcd", 4));
    assert_false(mem_equal_secret("abcd", "xbcd", 4));
    assert_false(mem_equal_secret("abcd", "abcx", 4));
    assert_true(mem_equal_secret("abcd", "abcx", 3));
    assert_true(mem_equal_secret(NULL, NULL, 0));
}

static void failed_assert(void *arg)
{
    ASSERT(arg != NULL && "a \"quoted\" reason");
}

static void assert_aborts_only_when_it_does_not_hold(void **state)
{
    (void)state;
    int something = 0;
    assert_true(dies(failed_assert, NULL));
    assert_false(dies(failed_assert, &something));
}

static void assert_prints_one_json_line(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        assert_failed("a == \"b\\c\"", "dir/file.c", 17);
    }
    close(ends[1]);
    char line[1024] = "";
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], line + len, sizeof(line) - 1 - len)) > 0;)
        len += (size_t)got;
    close(ends[0]);
    waitpid(child, NULL, 0);

    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    assert_memory_equal(line, "{\"ts\":\"2", 8);
    assert_non_null(strstr(line, "\"level\":\"error\",\"event\":\"assert_failed\","
                                 "\"expr\":\"a == \\\"b\\\\c\\\"\",\"file\":\"dir/file.c\","
                                 "\"line\":17}\n"));
}

struct tagged {
    uint32_t tag;
};

static void check_tag(void *arg)
{
    const struct tagged *tagged = arg;
    TAG_CHECK(tagged, 0x7a65u);
}

static void tag_check_knows_its_own_kind(void **state)
{
    (void)state;
    struct tagged right, wrong = {0x1234};
    TAG_SET(&right, 0x7a65u);
    assert_false(dies(check_tag, &right));
    assert_true(dies(check_tag, &wrong));
    assert_true(dies(check_tag, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calloc_zeroes),
        cmocka_unit_test(nothing_is_still_a_pointer),
        cmocka_unit_test(free_leaves_null_behind_and_takes_it),
        cmocka_unit_test(wipe_leaves_zeroes),
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(assert_aborts_only_when_it_does_not_hold),
        cmocka_unit_test(assert_prints_one_json_line),
        cmocka_unit_test(tag_check_knows_its_own_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
