/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zone_check.c - a document that control filled by hand is held to the edge's rules.
 */
#include "common/model/zone_document.h"

#include "common/base/mem.h"
#include "common/model/limits.h"

#include "tests/unit/common/model/cmocka_all.h"

struct filled {
    struct zone_document document;
    struct zone_hostname hostnames[2];
    struct zone_origin origins[LIMIT_HOSTNAME_ORIGINS + 1];
    struct id certificates[LIMIT_ZONE_CERTIFICATES + 1];
};

static int fill(void **state)
{
    struct filled *f = mem_new(struct filled);
    struct zone_document *d = &f->document;
    d->zone_id = id_new();
    d->account_id = id_new();
    d->name = SPAN("example.com");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        d->settings[i] = setting_default((enum setting_id)i, PLAN_FREE);
    for (size_t i = 0; i < countof(f->origins); i++)
        f->origins[i].address = SPAN("10.0.0.1");
    for (size_t i = 0; i < countof(f->certificates); i++)
        f->certificates[i] = id_new();
    f->hostnames[0] = (struct zone_hostname){SPAN("www.example.com"), f->origins, 2};
    f->hostnames[1] = (struct zone_hostname){SPAN("*.example.com"), f->origins, 1};
    d->hostnames = f->hostnames;
    d->hostname_count = 2;
    d->certificates = f->certificates;
    d->certificate_count = 2;
    *state = f;
    return 0;
}

static int drop(void **state)
{
    struct filled *f = *state;
    mem_free(&f);
    return 0;
}

static void assert_refused(const struct filled *f, enum err err, const char *path)
{
    struct problem problem = {.text = ""};
    assert_int_equal(zone_check(&f->document, &problem), err);
    assert_string_equal(problem.path, path);
    assert_int_equal(zone_check(&f->document, NULL), err);
}

/* Whether an address may be connected to is asked by the edge when it connects. */
static void a_good_document_passes_with_any_address(void **state)
{
    struct filled *f = *state;
    struct problem problem;
    assert_int_equal(zone_check(&f->document, &problem), ERR_OK);
    f->origins[0].address = SPAN("::1");
    f->origins[0].host_header = SPAN("10.0.0.1:8080");
    f->origins[0].sni = SPAN("origin.example");
    f->origins[1].address = SPAN("origin");
    assert_int_equal(zone_check(&f->document, &problem), ERR_OK);
}

static void ids_are_needed(void **state)
{
    struct filled *f = *state;
    struct id saved = f->document.zone_id;
    f->document.zone_id = (struct id){.text = ""};
    assert_refused(f, ERR_INVALID, "zone_id");
    f->document.zone_id = saved;
    f->document.account_id.text[3] = 'G';
    assert_refused(f, ERR_INVALID, "account_id");
}

static void names_are_normalised_and_within_the_zone(void **state)
{
    struct filled *f = *state;
    f->hostnames[0].name = SPAN("www.example.com.");
    assert_refused(f, ERR_INVALID, "hostnames[0].name");
    f->hostnames[0].name = SPAN("wwwexample.com");
    assert_refused(f, ERR_INVALID, "hostnames[0].name");
    f->hostnames[0].name = SPAN("com");
    assert_refused(f, ERR_INVALID, "hostnames[0].name");
    f->document.name = SPAN("*.example.com");
    assert_refused(f, ERR_INVALID, "name");
}

static void no_hostname_is_there_twice(void **state)
{
    struct filled *f = *state;
    f->hostnames[1].name = SPAN("www.example.com");
    assert_refused(f, ERR_INVALID, "hostnames[1].name");
}

static void origins_exist_and_are_bounded(void **state)
{
    struct filled *f = *state;
    f->hostnames[1].origin_count = 0;
    assert_refused(f, ERR_INVALID, "hostnames[1].origins");
    f->hostnames[1].origin_count = LIMIT_HOSTNAME_ORIGINS;
    assert_int_equal(zone_check(&f->document, NULL), ERR_OK);
    f->hostnames[1].origin_count = LIMIT_HOSTNAME_ORIGINS + 1;
    assert_refused(f, ERR_LIMIT, "hostnames[1].origins");
}

static void certificates_are_bounded_and_differ(void **state)
{
    struct filled *f = *state;
    f->document.certificate_count = LIMIT_ZONE_CERTIFICATES;
    assert_int_equal(zone_check(&f->document, NULL), ERR_OK);
    f->document.certificate_count = LIMIT_ZONE_CERTIFICATES + 1;
    assert_refused(f, ERR_LIMIT, "certificates");
    f->document.certificate_count = 2;
    f->certificates[1] = f->certificates[0];
    assert_refused(f, ERR_INVALID, "certificates[1]");
}

static void settings_are_values_of_their_row(void **state)
{
    struct filled *f = *state;
    f->document.settings[SETTING_ssl].number = SSL_ORIGIN_PULL + 1;
    assert_refused(f, ERR_INVALID, "settings.ssl");
    f->document.settings[SETTING_ssl].number = SSL_OFF;
    f->document.settings[SETTING_origin_h2_max_streams].number = 0;
    assert_refused(f, ERR_INVALID, "settings.origin_h2_max_streams");
    f->document.settings[SETTING_origin_h2_max_streams].number = 1000;
    assert_int_equal(zone_check(&f->document, NULL), ERR_OK);
    f->document.settings[SETTING_origin_h2_max_streams].kind = SETTING_TEXT;
    assert_refused(f, ERR_INVALID, "settings.origin_h2_max_streams");
}

static void hostnames_are_bounded(void **state)
{
    struct filled *f = *state;
    f->document.hostname_count = LIMIT_ZONE_HOSTNAMES + 1;
    assert_refused(f, ERR_LIMIT, "hostnames");
}

#define FILLED(test) cmocka_unit_test_setup_teardown(test, fill, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILLED(a_good_document_passes_with_any_address),
        FILLED(ids_are_needed),
        FILLED(names_are_normalised_and_within_the_zone),
        FILLED(no_hostname_is_there_twice),
        FILLED(origins_exist_and_are_bounded),
        FILLED(certificates_are_bounded_and_differ),
        FILLED(settings_are_values_of_their_row),
        FILLED(hostnames_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
