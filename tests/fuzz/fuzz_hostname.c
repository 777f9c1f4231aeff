/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_hostname.c - a name is never an address, and is written in one form only.
 */
#include "common/model/address_policy.h"
#include "common/model/hostname.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/fuzz/fuzz.h"

static void check_name(const struct hostname *name, enum hostname_form form)
{
    struct hostname again, wildcard;
    struct span text = hostname_span(name);
    ASSERT(name->len > 0 && name->len <= LIMIT_HOSTNAME_BYTES && strlen(name->text) == name->len);
    ASSERT(hostname_parse(text, form, &again, NULL) == ERR_OK);
    ASSERT(span_equal(hostname_span(&again), text));
    ASSERT(hostname_within(text, text));
    if (hostname_wildcard_of(text, &wildcard))
        ASSERT(hostname_parse(hostname_span(&wildcard), HOSTNAME_WILDCARD, &again, NULL) == ERR_OK);
}

/* The C library reads more spellings as addresses than we do; none of them may be a name. */
static void check_not_an_address(const struct hostname *name)
{
    struct address address;
    struct in_addr lenient;
    ASSERT(address_parse(hostname_span(name), &address) != ERR_OK);
    ASSERT(inet_aton(name->text, &lenient) == 0);
}

static void check_address(const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address again;
    address_format(address, text);
    ASSERT(address_parse(span_str(text), &again) == ERR_OK);
    ASSERT(memcmp(again.bytes, address->bytes, sizeof(again.bytes)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = span_of(bytes, len);
    struct hostname name;
    struct address address;
    struct problem problem = {.text = ""};
    struct address_policy policy = {.port_count = 0};
    if (hostname_parse(text, HOSTNAME_EXACT, &name, &problem) == ERR_OK) {
        check_name(&name, HOSTNAME_EXACT);
        check_not_an_address(&name);
    } else {
        ASSERT(problem.text[0] != '\0');
    }
    if (hostname_parse(text, HOSTNAME_WILDCARD, &name, NULL) == ERR_OK)
        check_name(&name, HOSTNAME_WILDCARD);
    if (address_parse(text, &address) == ERR_OK)
        check_address(&address);
    (void)!address_ranges_add(&policy.allowed, text);
    return 0;
}
