/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy_protocol.c - both versions of the header, the specification's examples among them. */
#include "dataplane/net/proxy_protocol.h"

#include "tests/unit/common/base/dies.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LITERAL(text) span_of(text, sizeof(text) - 1)

static void assert_visitor(struct span bytes, const char *visitor)
{
    struct proxy_header header;
    char text[ADDRESS_TEXT_BYTES];
    assert_int_equal(proxy_protocol_parse(bytes, &header), ERR_OK);
    assert_int_equal(header.visitor_told, visitor != NULL);
    if (!visitor)
        return;
    address_format(&header.visitor, text);
    assert_string_equal(text, visitor);
}

static void examples_of_version_1_are_read(void **state)
{
    (void)state;
    assert_visitor(SPAN("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
                   "255.255.255.255");
    assert_visitor(SPAN("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
                   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_visitor(SPAN("PROXY UNKNOWN\r\n"), NULL);
    assert_visitor(SPAN("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
                   NULL);
    assert_visitor(SPAN("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
                        "GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n"),
                   "192.168.0.1");
}

static void what_follows_the_header_is_not_taken(void **state)
{
    struct proxy_header header;
    (void)state;
    struct span line = SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /\n");
    assert_int_equal(proxy_protocol_parse(line, &header), ERR_OK);
    assert_int_equal(header.len, line.len - SPAN("GET /\n").len);
}

static void version_2_is_read(void **state)
{
    (void)state;
    assert_visitor(LITERAL(SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"
                                     "\x16\x03"),
                   "203.0.113.7");
    assert_visitor(LITERAL(SIGNATURE "\x21\x21\0\x24"
                                     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                                     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xc7\x38\x01\xbb"),
                   "2001:db8::7");
    /* With a TLV (PP2_TYPE_NOOP) behind the addresses. */
    assert_visitor(LITERAL(SIGNATURE "\x21\x11\0\x10\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"
                                     "\x04\0\x01\0"),
                   "203.0.113.7");
    /* LOCAL (a health check), whatever stands behind it; and families without an address for us. */
    assert_visitor(LITERAL(SIGNATURE "\x20\0\0\0"), NULL);
    assert_visitor(LITERAL(SIGNATURE "\x20\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
                   NULL);
    assert_visitor(LITERAL(SIGNATURE "\x21\0\0\0"), NULL);
    assert_visitor(LITERAL(SIGNATURE "\x21\x12\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
                   NULL);
}

static void every_beginning_asks_for_more(void **state)
{
    struct proxy_header header;
    (void)state;
    struct span v1 = SPAN("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
    for (size_t i = 0; i < v1.len; i++)
        assert_int_equal(proxy_protocol_parse(span_first(v1, i), &header), ERR_MORE);
    struct span v2 =
        LITERAL(SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb");
    for (size_t i = 0; i < v2.len; i++)
        assert_int_equal(proxy_protocol_parse(span_first(v2, i), &header), ERR_MORE);
}

static void other_bytes_are_no_header(void **state)
{
    struct proxy_header header;
    (void)state;
    assert_int_equal(proxy_protocol_parse(SPAN("GET / HTTP/1.1\r\n"), &header), ERR_NOT_FOUND);
    assert_int_equal(proxy_protocol_parse(SPAN("PRI * HTTP/2.0\r\n"), &header), ERR_NOT_FOUND);
    assert_int_equal(proxy_protocol_parse(SPAN("PUT / HTTP/1.1\r\n"), &header), ERR_NOT_FOUND);
    assert_int_equal(proxy_protocol_parse(LITERAL("\x16\x03\x01\x02\0\x01"), &header),
                     ERR_NOT_FOUND);
    assert_int_equal(proxy_protocol_parse(LITERAL("\r\n\r\n\0\r\nQUIX"), &header), ERR_NOT_FOUND);
}

static void broken_headers_are_refused(void **state)
{
    static const char *const lines[] = {
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 nobody 192.0.2.2 1 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY \r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaa\r\n",
    };
    struct proxy_header header;
    (void)state;
    for (size_t i = 0; i < countof(lines); i++)
        assert_int_equal(proxy_protocol_parse(span_str(lines[i]), &header), ERR_PROTOCOL);
    const struct span binary[] = {
        LITERAL(SIGNATURE "\x11\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
        LITERAL(SIGNATURE "\x22\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
        LITERAL(SIGNATURE "\x21\x11\0\x0b\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
        LITERAL(SIGNATURE "\x21\x21\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc7\x38\x01\xbb"),
        LITERAL(SIGNATURE "\x21\x11\xff\xff\xcb\0\x71\x07"), /* past LIMIT_PROXY_HEADER_BYTES */
    };
    for (size_t i = 0; i < countof(binary); i++)
        assert_int_equal(proxy_protocol_parse(binary[i], &header), ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_version_1_are_read),
        cmocka_unit_test(what_follows_the_header_is_not_taken),
        cmocka_unit_test(version_2_is_read),
        cmocka_unit_test(every_beginning_asks_for_more),
        cmocka_unit_test(other_bytes_are_no_header),
        cmocka_unit_test(broken_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
