/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seal.c - what was sealed opens again, for its key and its row only; the key's file.
 */
#include "common/model/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/common/model/cmocka_all.h"

static const struct seal_key key_a = {.bytes = {1, 2, 3}}, key_b = {.bytes = {1, 2, 4}};

static void sealed_bytes_open_again(void **state)
{
    (void)state;
    const struct span secrets[] = {SPAN("a private key"), SPAN_EMPTY, SPAN("\0\1\2")};
    for (size_t i = 0; i < countof(secrets); i++) {
        struct buf sealed, opened;
        buf_init(&sealed, 4096);
        buf_init(&opened, 4096);

        seal_close(&key_a, SPAN("zone,certificate"), secrets[i], &sealed);
        assert_int_equal(sealed.len, secrets[i].len + SEAL_OVERHEAD_BYTES);
        assert_int_equal(seal_open(&key_a, SPAN("zone,certificate"), buf_span(&sealed), &opened),
                         ERR_OK);
        assert_true(span_equal(buf_span(&opened), secrets[i]));

        buf_release(&sealed);
        buf_release(&opened);
    }
}

static void one_secret_is_never_sealed_the_same_twice(void **state)
{
    (void)state;
    struct buf first, second;
    buf_init(&first, 4096);
    buf_init(&second, 4096);
    seal_close(&key_a, SPAN("row"), SPAN("secret"), &first);
    seal_close(&key_a, SPAN("row"), SPAN("secret"), &second);
    assert_false(span_equal(buf_span(&first), buf_span(&second)));
    buf_release(&first);
    buf_release(&second);
}

static void another_row_or_key_does_not_open(void **state)
{
    (void)state;
    struct buf sealed, opened;
    buf_init(&sealed, 4096);
    buf_init(&opened, 4096);
    seal_close(&key_a, SPAN("row 1"), SPAN("secret"), &sealed);

    assert_int_equal(seal_open(&key_a, SPAN("row 2"), buf_span(&sealed), &opened), ERR_CORRUPT);
    assert_int_equal(seal_open(&key_a, SPAN_EMPTY, buf_span(&sealed), &opened), ERR_CORRUPT);
    assert_int_equal(seal_open(&key_b, SPAN("row 1"), buf_span(&sealed), &opened), ERR_CORRUPT);
    assert_int_equal(opened.len, 0);
    buf_release(&sealed);
    buf_release(&opened);
}

static void every_changed_or_missing_byte_is_found(void **state)
{
    (void)state;
    struct buf sealed, opened;
    buf_init(&sealed, 4096);
    buf_init(&opened, 4096);
    seal_close(&key_a, SPAN("row"), SPAN("secret"), &sealed);

    for (size_t i = 0; i < sealed.len; i++) {
        struct span cut = span_first(buf_span(&sealed), i);
        assert_int_equal(seal_open(&key_a, SPAN("row"), cut, &opened), ERR_CORRUPT);
        sealed.ptr[i] ^= 1;
        assert_int_equal(seal_open(&key_a, SPAN("row"), buf_span(&sealed), &opened), ERR_CORRUPT);
        sealed.ptr[i] ^= 1;
    }
    assert_int_equal(seal_open(&key_a, SPAN("row"), buf_span(&sealed), &opened), ERR_OK);
    buf_release(&sealed);
    buf_release(&opened);
}

static void a_full_buffer_gets_nothing(void **state)
{
    (void)state;
    struct buf sealed, small;
    buf_init(&sealed, 4096);
    buf_init(&small, 5);

    seal_close(&key_a, SPAN("row"), SPAN("secret"), &small);
    assert_true(small.overflowed);
    assert_int_equal(small.len, 0);
    seal_close(&key_a, SPAN("row"), SPAN("secret"), &sealed);
    assert_int_equal(seal_open(&key_a, SPAN("row"), buf_span(&sealed), &small), ERR_TOO_LARGE);
    buf_release(&sealed);
    buf_release(&small);
}

struct place {
    char folder[64], path[96];
};

static int make_place(void **state)
{
    static struct place place;
    snprintf(place.folder, sizeof(place.folder), "/tmp/test_seal.XXXXXX");
    if (mkdtemp(place.folder) == NULL)
        return -1;
    snprintf(place.path, sizeof(place.path), "%s/master.key", place.folder);
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    return rmdir(place->folder); /* fails when a file of the key's making was left behind */
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_key_is_made_once_and_read_again(void **state)
{
    struct place *place = *state;
    struct seal_key made, read_again;
    struct stat status;

    assert_int_equal(seal_key_load(place->path, false, &made, NULL), ERR_NOT_FOUND);
    assert_int_equal(seal_key_load(place->path, true, &made, NULL), ERR_OK);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0400);
    assert_int_equal(status.st_size, 65);
    assert_int_equal(seal_key_load(place->path, true, &read_again, NULL), ERR_OK);
    assert_memory_equal(made.bytes, read_again.bytes, SEAL_KEY_BYTES);

    seal_key_wipe(&made);
    const uint8_t zeros[SEAL_KEY_BYTES] = {0};
    assert_memory_equal(made.bytes, zeros, SEAL_KEY_BYTES);
}

#define GOOD "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_key_file_is_read_strictly(void **state)
{
    struct place *place = *state;
    static const char *const bad[] = {
        "",
        "\n",
        GOOD,
        GOOD "\n\n",
        GOOD "0\n",
        GOOD "\r\n",
        "0011223344556677\n",
        "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n"};
    struct seal_key key;
    struct problem problem;

    write_file(place->path, GOOD "\n", 0400);
    assert_int_equal(seal_key_load(place->path, false, &key, NULL), ERR_OK);
    assert_int_equal(key.bytes[1], 0x11);
    for (size_t i = 0; i < countof(bad); i++) {
        write_file(place->path, bad[i], 0400);
        assert_int_equal(seal_key_load(place->path, true, &key, &problem), ERR_INVALID);
        assert_null(strstr(problem.text, "0011"));
    }
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    struct place *place = *state;
    static const mode_t modes[] = {0404, 0440, 0644, 0420, 0402};
    struct seal_key key;
    for (size_t i = 0; i < countof(modes); i++) {
        write_file(place->path, GOOD "\n", modes[i]);
        assert_int_equal(seal_key_load(place->path, false, &key, NULL), ERR_FORBIDDEN);
    }
    write_file(place->path, GOOD "\n", 0600);
    assert_int_equal(seal_key_load(place->path, false, &key, NULL), ERR_OK);
}

static void a_folder_is_no_key(void **state)
{
    struct place *place = *state;
    struct seal_key key;
    char long_path[5000];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';

    assert_int_equal(seal_key_load(place->folder, true, &key, NULL), ERR_INVALID);
    assert_int_equal(seal_key_load("/nonexistent/folder/key", true, &key, NULL), ERR_IO);
    assert_int_equal(seal_key_load(long_path, true, &key, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_bytes_open_again),
        cmocka_unit_test(one_secret_is_never_sealed_the_same_twice),
        cmocka_unit_test(another_row_or_key_does_not_open),
        cmocka_unit_test(every_changed_or_missing_byte_is_found),
        cmocka_unit_test(a_full_buffer_gets_nothing),
        cmocka_unit_test_setup_teardown(a_key_is_made_once_and_read_again, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_key_file_is_read_strictly, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_folder_is_no_key, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
