/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_check.c - the rules that span the objects of a zone: control asks before it commits, the
 * edge before it applies.
 */
#include "common/model/zone_document.h"

#include "common/base/map.h"
#include "common/base/text.h"
#include "common/model/address_policy.h"
#include "common/model/hostname.h"
#include "common/model/limits.h"
#include "common/model/zone_document_override.h"

#define PATH_BYTES sizeof(((struct problem *)NULL)->path)

struct checker {
    const struct zone_document *document;
    struct map names; /* hostnames seen so far */
    struct problem *problem;
};

static void set_path(struct problem *problem, const char *path)
{
    if (problem != NULL)
        text_format(problem->path, sizeof(problem->path), "%s", path);
}

/* Valid, and written as hostname_parse writes it. */
static enum err check_name(struct span name, enum hostname_form form, const char *path,
                           struct problem *problem)
{
    struct hostname parsed;
    enum err err = hostname_parse(name, form, &parsed, problem);
    if (err != ERR_OK) {
        set_path(problem, path);
        return err;
    }
    if (!span_equal(name, hostname_span(&parsed)))
        return problem_set(problem, ERR_INVALID, path, "must be written as %.128s", parsed.text);
    return ERR_OK;
}

/* An IP literal in its canonical text, or a name: one origin has one key in the pool. */
static enum err check_address(struct span text, const char *path, struct problem *problem)
{
    struct address address;
    char canonical[ADDRESS_TEXT_BYTES];
    if (address_parse(text, &address) != ERR_OK)
        return check_name(text, HOSTNAME_EXACT, path, problem);
    address_format(&address, canonical);
    if (!span_equal(text, span_str(canonical)))
        return problem_set(problem, ERR_INVALID, path, "must be written as %s", canonical);
    return ERR_OK;
}

/* A name or an IPv4 address, with or without a port; empty means the visitor's. */
static enum err check_host_header(struct span text, const char *path, struct problem *problem)
{
    struct span port_text = text;
    struct span host = span_split(&port_text, ':');
    uint64_t port = 0;
    if (text.len == 0)
        return ERR_OK;
    if (host.len < text.len &&
        (text_parse_u64(port_text, UINT16_MAX, &port) != ERR_OK || port == 0))
        return problem_set(problem, ERR_INVALID, path, "has a port that is not 1 to 65535");
    return check_address(host, path, problem);
}

static enum err check_origin(const struct zone_origin *origin, const char *place,
                             struct problem *problem)
{
    char path[PATH_BYTES];
    text_format(path, sizeof(path), "%s.address", place);
    TRY(check_address(origin->address, path, problem));
    text_format(path, sizeof(path), "%s.host_header", place);
    TRY(check_host_header(origin->host_header, path, problem));
    text_format(path, sizeof(path), "%s.sni", place);
    return origin->sni.len == 0 ? ERR_OK : check_name(origin->sni, HOSTNAME_EXACT, path, problem);
}

static enum err check_origins(const struct zone_hostname *hostname, size_t at,
                              struct problem *problem)
{
    char path[PATH_BYTES];
    text_format(path, sizeof(path), "hostnames[%zu].origins", at);
    if (hostname->origin_count == 0)
        return problem_set(problem, ERR_INVALID, path, "must name at least one origin");
    if (hostname->origin_count > LIMIT_HOSTNAME_ORIGINS)
        return problem_set(problem, ERR_LIMIT, path, "must name at most %d origins",
                           LIMIT_HOSTNAME_ORIGINS);
    for (size_t i = 0; i < hostname->origin_count; i++) {
        text_format(path, sizeof(path), "hostnames[%zu].origins[%zu]", at, i);
        TRY(check_origin(&hostname->origins[i], path, problem));
    }
    return ERR_OK;
}

static enum err check_hostname(struct checker *checker, size_t at)
{
    const struct zone_hostname *hostname = &checker->document->hostnames[at];
    char path[PATH_BYTES];
    text_format(path, sizeof(path), "hostnames[%zu].name", at);
    TRY(check_name(hostname->name, HOSTNAME_WILDCARD, path, checker->problem));
    if (!hostname_within(hostname->name, checker->document->name))
        return problem_set(checker->problem, ERR_INVALID, path, "%.*s is not within the zone",
                           SPAN_ARG(hostname->name));
    if (map_put(&checker->names, hostname->name, &checker->document->hostnames[at]) != NULL)
        return problem_set(checker->problem, ERR_INVALID, path, "%.*s is there twice",
                           SPAN_ARG(hostname->name));
    return check_origins(hostname, at, checker->problem);
}

static enum err check_hostnames(const struct zone_document *document, struct problem *problem)
{
    struct checker checker = {.document = document, .problem = problem};
    enum err err = ERR_OK;
    if (document->hostname_count > LIMIT_ZONE_HOSTNAMES)
        return problem_set(problem, ERR_LIMIT, "hostnames", "must be at most %d",
                           LIMIT_ZONE_HOSTNAMES);
    map_init(&checker.names);
    for (size_t i = 0; err == ERR_OK && i < document->hostname_count; i++)
        err = check_hostname(&checker, i);
    map_release(&checker.names);
    return err;
}

static enum err check_id(const struct id *id, const char *path, struct problem *problem)
{
    struct id parsed;
    if (id_parse(id_span(id), &parsed) != ERR_OK)
        return problem_set(problem, ERR_INVALID, path, "must be 32 lowercase hex digits");
    return ERR_OK;
}

static enum err check_ids(const struct id *ids, size_t count, const char *name,
                          struct problem *problem)
{
    char path[PATH_BYTES];
    for (size_t i = 0; i < count; i++) {
        text_format(path, sizeof(path), "%s[%zu]", name, i);
        TRY(check_id(&ids[i], path, problem));
        for (size_t before = 0; before < i; before++) {
            if (id_equal(ids[before], ids[i]))
                return problem_set(problem, ERR_INVALID, path, "is there twice");
        }
    }
    return ERR_OK;
}

static enum err check_certificates(const struct zone_document *document, struct problem *problem)
{
    if (document->certificate_count > LIMIT_ZONE_CERTIFICATES)
        return problem_set(problem, ERR_LIMIT, "certificates", "must be at most %d",
                           LIMIT_ZONE_CERTIFICATES);
    if (document->client_certificate_count > LIMIT_ZONE_CLIENT_CERTIFICATES)
        return problem_set(problem, ERR_LIMIT, "client_certificates", "must be at most %d",
                           LIMIT_ZONE_CLIENT_CERTIFICATES);
    TRY(check_ids(document->certificates, document->certificate_count, "certificates", problem));
    return check_ids(document->client_certificates, document->client_certificate_count,
                     "client_certificates", problem);
}

static bool is_value_of(const struct setting *row, struct setting_value value)
{
    struct span words = span_str(row->words);
    uint64_t word_count = 0;
    for (; words.len > 0; word_count++)
        (void)span_split(&words, '|');
    if (value.kind != row->kind)
        return false;
    if (row->kind == SETTING_TEXT)
        return value.number < word_count;
    return value.number >= row->min && value.number <= row->max;
}

/* What the plan allows was decided when the setting was written; the range holds for all. */
static enum err check_settings(const struct zone_document *document, struct problem *problem)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *row = setting_row((enum setting_id)i);
        char path[PATH_BYTES];
        if (is_value_of(row, document->settings[i]))
            continue;
        text_format(path, sizeof(path), "settings.%s", row->id);
        return problem_set(problem, ERR_INVALID, path, "is out of range");
    }
    return ERR_OK;
}

enum err zone_check(const struct zone_document *document, struct problem *problem)
{
    TRY(check_id(&document->zone_id, "zone_id", problem));
    TRY(check_id(&document->account_id, "account_id", problem));
    TRY(check_name(document->name, HOSTNAME_EXACT, "name", problem));
    TRY(check_settings(document, problem));
    TRY(check_certificates(document, problem));
    TRY(check_hostnames(document, problem));
    return zone_override_check(document, problem);
}
