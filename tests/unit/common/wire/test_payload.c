/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_payload.c - values come back; the first failure is the one that is told.
 */
#include "common/wire/payload.h"

#include "tests/unit/common/model/cmocka_all.h"

static void values_come_back_in_order(void **state)
{
    (void)state;
    static const struct id empty = {.text = ""};
    struct buf out;
    struct id id = id_new();
    struct digest digest = digest_of(SPAN("x"));
    buf_init(&out, 1000);
    payload_put_u32(&out, 0xfffefdfc);
    payload_put_u64(&out, 0x0102030405060708);
    payload_put_bool(&out, true);
    payload_put_bool(&out, false);
    payload_put_id(&out, &id);
    payload_put_id(&out, &empty);
    payload_put_digest(&out, &digest);
    payload_put_bytes(&out, SPAN("bytes"));

    struct payload_reader reader = {.left = buf_span(&out)};
    assert_int_equal(out.ptr[4], 1);
    assert_int_equal(payload_take_u32(&reader, "a"), 0xfffefdfc);
    assert_int_equal(payload_take_u64(&reader, "b"), 0x0102030405060708);
    assert_true(payload_take_bool(&reader, "c"));
    assert_false(payload_take_bool(&reader, "d"));
    assert_true(id_equal(payload_take_id(&reader, PAYLOAD_ID_NEEDED, "e"), id));
    assert_true(id_equal(payload_take_id(&reader, PAYLOAD_ID_MAY_BE_EMPTY, "f"), empty));
    struct digest taken = payload_take_digest(&reader, "g");
    assert_true(digest_equal(&taken, &digest));
    assert_true(span_equal(payload_take_bytes(&reader, 5, "h"), SPAN("bytes")));
    assert_int_equal(payload_finish(&reader), ERR_OK);
    buf_release(&out);
}

static void the_first_failure_is_told_and_the_rest_is_zero(void **state)
{
    (void)state;
    struct problem problem;
    struct payload_reader reader = {.left = SPAN("\0\0\0\1\2\3\4"), .problem = &problem};

    assert_int_equal(payload_take_u32(&reader, "first"), 1);
    assert_int_equal(payload_take_u32(&reader, "second"), 0);
    assert_int_equal(payload_take_u64(&reader, "third"), 0);
    assert_false(payload_take_bool(&reader, "fourth"));
    assert_int_equal(payload_take_bytes(&reader, 9, "fifth").len, 0);
    assert_int_equal(payload_finish(&reader), ERR_PROTOCOL);
    assert_string_equal(problem.path, "second");
}

static void what_is_left_over_is_refused(void **state)
{
    (void)state;
    struct payload_reader reader = {.left = SPAN("\0\0\0\1x")};
    assert_int_equal(payload_take_u32(&reader, "n"), 1);
    assert_int_equal(payload_finish(&reader), ERR_PROTOCOL);
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    struct payload_reader two = {.left = SPAN("\2")};
    (void)payload_take_bool(&two, "bool");
    assert_int_equal(payload_finish(&two), ERR_PROTOCOL);

    struct payload_reader capital = {.left = SPAN("0123456789abcdef0123456789abcdeF")};
    (void)payload_take_id(&capital, PAYLOAD_ID_MAY_BE_EMPTY, "id");
    assert_int_equal(payload_finish(&capital), ERR_PROTOCOL);

    const uint8_t zeros[ID_TEXT_BYTES] = {0};
    struct payload_reader needed = {.left = span_of(zeros, sizeof(zeros))};
    (void)payload_take_id(&needed, PAYLOAD_ID_NEEDED, "id");
    assert_int_equal(payload_finish(&needed), ERR_PROTOCOL);

    struct payload_reader longer = {.left = SPAN("\0\0\0\3abc")};
    (void)payload_take_bytes(&longer, 2, "bytes");
    assert_int_equal(payload_finish(&longer), ERR_PROTOCOL);

    struct payload_reader huge = {.left = SPAN("\377\377\377\377abc")};
    (void)payload_take_bytes(&huge, SIZE_MAX, "bytes");
    assert_int_equal(payload_finish(&huge), ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_in_order),
        cmocka_unit_test(the_first_failure_is_told_and_the_rest_is_zero),
        cmocka_unit_test(what_is_left_over_is_refused),
        cmocka_unit_test(bad_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
