/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_flags.c - the table of flags, and its four readers.
 */
#include "dataplane/supervisor/edge_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/json.h"
#include "common/base/text.h"

#define CONFIG_BYTES_MAX 65536
#define DURATION_MS_MAX 86400000
#define ARGUMENTS_MAX (2 * (3 * ADDRESS_POLICY_RANGES_MAX + 64))

enum flag_kind {
    FLAG_TEXT,
    FLAG_NUMBER,
    FLAG_DURATION,
    FLAG_BYTES,
    FLAG_RANGES, /* a list of CIDR ranges */
};

enum flag_origin {
    FLAG_FOR_PEOPLE, /* command line and file */
    FLAG_NO_MEMBER,  /* command line only */
    FLAG_INTERNAL,   /* not in --help either */
};

struct flag {
    const char *name;
    enum flag_kind kind;
    enum flag_origin origin;
    size_t offset;
    uint64_t min, max; /* of a number; of a text's length in bytes */
    const char *value; /* the default, as text */
    const char *word, *help;
};

#define AT(member) offsetof(struct edge_flags, member)
#define PATH_MAX_BYTES 4000

/* clang-format off */
static const struct flag flags_table[] = {
    {"socket", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(socket), 1, 107, "/run/trunkline/control.sock",
     "PATH", "the Unix socket of trunkline-control"},
    {"state", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(state), 1, 90, "/var/lib/trunkline/edge",
     "DIR", "the replica, its key and locks; made when missing"},
    {"https", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(https), 1, 64, "0.0.0.0:8443",
     "ADDR:PORT", "visitors over TLS; port 0 picks a free one"},
    {"http", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(http), 1, 64, "0.0.0.0:8081",
     "ADDR:PORT", "visitors over plain HTTP"},
    {"workers", FLAG_NUMBER, FLAG_FOR_PEOPLE, AT(workers), 1, LIMIT_WORKERS, "",
     "N", "worker processes; one per processor without"},
    {"origin-ca", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(origin_ca), 0, PATH_MAX_BYTES, "",
     "FILE", "PEM that verified origins must chain to, instead of the system's"},
    {"allow-origin", FLAG_RANGES, FLAG_FOR_PEOPLE, AT(allow_origin), 1, 64, "",
     "CIDR", "origins in this private range are allowed; may be repeated"},
    {"own-address", FLAG_RANGES, FLAG_FOR_PEOPLE, AT(own_address), 1, 64, "",
     "CIDR", "an address of this edge that its host does not have, behind a NAT; may be repeated"},
    {"origin-ports", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(origin_ports), 0, 255, "",
     "LIST", "ports of origins, like 80,443,8000-8999, instead of all that are no database's"},
    {"resolver", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(resolver), 0, 255, "",
     "ADDR:PORT", "asks this DNS resolver, instead of the system's"},
    {"access-log", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(access_log), 0, PATH_MAX_BYTES, "",
     "FILE", "a JSON line per request; - is stdout; none without"},
    {"origin-connect-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(origin_connect_timeout_ms),
     1, DURATION_MS_MAX, "19s", "TIME", "resolve, connect and TLS to an origin"},
    {"origin-read-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(origin_read_timeout_ms),
     1, DURATION_MS_MAX, "120s", "TIME", "no byte from an origin, if its zone says nothing else"},
    {"origin-connection-requests", FLAG_NUMBER, FLAG_FOR_PEOPLE, AT(origin_conn_requests),
     1, LIMIT_ORIGIN_CONN_REQUESTS, "100000", "N", "then an origin connection is drained"},
    {"origin-connection-age", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(origin_conn_age_ms),
     1, DURATION_MS_MAX, "1h", "TIME", "then an origin connection is drained"},
    {"origin-suspension", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(origin_suspension_ms),
     1, LIMIT_ORIGIN_SUSPENDED_MAX_MS, "60s", "TIME", "HTTP/2 that broke rests; then it doubles"},
    {"max-upload", FLAG_BYTES, FLAG_FOR_PEOPLE, AT(upload_bytes_max), 1, INT64_MAX, "",
     "BYTES", "a request body, like 100m; then 413; no limit without"},
    {"tunnel-idle-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(tunnel_idle_timeout_ms),
     1, DURATION_MS_MAX, "300s", "TIME", "a WebSocket that is silent in both directions"},
    {"ticket-rotation", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(ticket_rotation_ms),
     1000, LIMIT_TICKET_ROTATION_MS, "8h",
     "TIME", "a key seals session tickets, and a ticket is good; 12h at most"},
    {"drain-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(drain_timeout_ms),
     0, DURATION_MS_MAX, "150s", "TIME", "running requests when a worker stops"},
    {"max-connections-per-address", FLAG_NUMBER, FLAG_FOR_PEOPLE, AT(address_conns_max),
     0, UINT32_MAX, "4096",
     "N", "connections of one visitor's address (IPv6: its /64); 0: any number"},
    {"max-handshakes-per-second", FLAG_NUMBER, FLAG_FOR_PEOPLE, AT(address_handshakes_per_s),
     0, UINT32_MAX, "500", "N", "TLS handshakes of such an address; 0: any number"},
    {"client-head-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(client.head_ms),
     1, DURATION_MS_MAX, "10s", "TIME", "a visitor's TLS handshake; a whole request head"},
    {"client-idle-timeout", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(client.idle_ms),
     1, DURATION_MS_MAX, "180s", "TIME", "a visitor's connection between requests"},
    {"client-grace", FLAG_DURATION, FLAG_FOR_PEOPLE, AT(client.pace.grace_ms),
     1, DURATION_MS_MAX, "10s", "TIME", "a visitor may be slower than --client-rate"},
    {"client-rate", FLAG_BYTES, FLAG_FOR_PEOPLE, AT(client.pace.rate_bytes_s), 0, UINT32_MAX, "100",
     "BYTES", "per second that a visitor must send, or take, when it is its turn; 0: any"},
    {"max-requests-per-zone", FLAG_NUMBER, FLAG_FOR_PEOPLE, AT(zone_exchanges_max),
     1, UINT32_MAX, "8192", "N", "requests of one zone in flight at one worker; then 503"},
    {"trusted-proxy", FLAG_RANGES, FLAG_FOR_PEOPLE, AT(trusted_proxy.texts), 1, 64, "",
     "CIDR", "PROXY headers and X-Forwarded-* of this range are believed; may be repeated"},
    {"edge-id", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(edge_id), 0, EDGE_ID_BYTES_MAX, "",
     "NAME", "this edge's name; the host's without"},
    {"admin", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(admin), 0, 64, "",
     "ADDR:PORT", "health, metrics and status over HTTP; not for visitors"},
    {"user", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(user), 0, 63, "",
     "NAME", "workers of a root supervisor become this user; trunkline-edge, if it exists"},
    {"sandbox", FLAG_TEXT, FLAG_FOR_PEOPLE, AT(sandbox), 1, 4, "auto",
     "MODE", "seccomp and Landlock for the workers: on, off; auto: what the kernel has"},
    {"config", FLAG_TEXT, FLAG_NO_MEMBER, AT(config), 1, PATH_MAX_BYTES, "",
     "FILE", "JSON with these names; flags win over it"},
    {"worker-slot", FLAG_NUMBER, FLAG_INTERNAL, AT(worker_slot), 0, LIMIT_WORKERS - 1, "",
     "N", ""},
};
/* clang-format on */

_Static_assert(countof(flags_table) <= 64, "struct edge_flags has one bit a row");

static void *member_of(struct edge_flags *flags, const struct flag *flag)
{
    return (char *)flags + flag->offset;
}

static size_t range_count(const char *const *texts)
{
    size_t count = 0;
    while (count < ADDRESS_POLICY_RANGES_MAX && texts[count] != NULL)
        count++;
    return count;
}

/* ---- one value */

static enum err add_range(struct edge_flags *flags, const struct flag *flag, struct span value,
                          struct problem *problem)
{
    struct address_ranges alone = {.count = 0};
    const char **texts = member_of(flags, flag);
    size_t count = range_count(texts);
    if (count == ADDRESS_POLICY_RANGES_MAX)
        return problem_set(problem, ERR_INVALID, flag->name, "at most %d ranges",
                           ADDRESS_POLICY_RANGES_MAX);
    if (address_ranges_add(&alone, value) != ERR_OK)
        return problem_set(problem, ERR_INVALID, flag->name, "not a range like 10.0.0.0/8: %.*s",
                           SPAN_ARG(value));
    texts[count] = arena_cstr(&flags->arena, value);
    return ERR_OK;
}

static enum err set_text(struct edge_flags *flags, const struct flag *flag, struct span value,
                         struct problem *problem)
{
    const char **member = member_of(flags, flag);
    if (value.len < flag->min)
        return problem_set(problem, ERR_INVALID, flag->name, "must not be empty");
    if (value.len > flag->max)
        return problem_set(problem, ERR_INVALID, flag->name, "has %zu bytes, at most %llu",
                           value.len, (unsigned long long)flag->max);
    if (memchr(value.ptr, 0, value.len) != NULL)
        return problem_set(problem, ERR_INVALID, flag->name, "has a NUL in it");
    *member = arena_cstr(&flags->arena, value);
    return ERR_OK;
}

/* "512", "100k", "64m", "2g". */
static enum err parse_bytes(struct span value, uint64_t max, uint64_t *out)
{
    static const char units[] = "kmg";
    unsigned shift = 0;
    const char *unit = value.len > 0 ? strchr(units, text_lower(value.ptr[value.len - 1])) : NULL;
    if (unit && *unit != '\0') {
        shift = 10 * (unsigned)(unit - units + 1);
        value = span_first(value, value.len - 1);
    }
    TRY(text_parse_u64(value, max >> shift, out));
    *out <<= shift;
    return ERR_OK;
}

static enum err set_value(struct edge_flags *flags, const struct flag *flag, struct span value,
                          struct problem *problem)
{
    uint64_t number = 0;
    enum err err = ERR_OK;
    switch (flag->kind) {
    case FLAG_TEXT:
        return set_text(flags, flag, value, problem);
    case FLAG_RANGES:
        return add_range(flags, flag, value, problem);
    case FLAG_NUMBER:
        err = text_parse_u64(value, flag->max, &number);
        if (err != ERR_OK || number < flag->min)
            return problem_set(problem, ERR_INVALID, flag->name,
                               "must be a number from %llu to %llu, not %.*s",
                               (unsigned long long)flag->min, (unsigned long long)flag->max,
                               SPAN_ARG(span_first(value, value.len < 40 ? value.len : 40)));
        break;
    case FLAG_DURATION:
        err = text_parse_duration(value, flag->max, &number);
        if (err != ERR_OK || number < flag->min)
            return problem_set(problem, ERR_INVALID, flag->name,
                               "must be a time like 30s, 500ms or 2m, not %.*s",
                               SPAN_ARG(span_first(value, value.len < 40 ? value.len : 40)));
        break;
    case FLAG_BYTES:
        err = parse_bytes(value, flag->max, &number);
        /* A worker is told 0 for no limit. */
        if (err != ERR_OK)
            return problem_set(problem, ERR_INVALID, flag->name,
                               "must be bytes like 512k, 100m or 2g, not %.*s",
                               SPAN_ARG(span_first(value, value.len < 40 ? value.len : 40)));
        break;
    }
    memcpy(member_of(flags, flag), &number, sizeof(number));
    return ERR_OK;
}

/* ---- the command line */

static const struct flag *find_flag(struct span name)
{
    for (size_t i = 0; i < countof(flags_table); i++) {
        if (span_equal(span_str(flags_table[i].name), name))
            return &flags_table[i];
    }
    return NULL;
}

static bool mark_given(struct edge_flags *flags, const struct flag *flag)
{
    uint64_t bit = UINT64_C(1) << (flag - flags_table);
    bool again = (flags->given & bit) != 0;
    flags->given |= bit;
    return again;
}

static void name_flag(struct problem *problem)
{
    char name[sizeof(problem->path) - 2];
    text_format(name, sizeof(name), "%s", problem->path);
    text_format(problem->path, sizeof(problem->path), "--%s", name);
}

/* "--name value" and "--name=value"; *at moves behind what was taken. */
static enum err take_argument(struct edge_flags *flags, const char *const *argv, int *at,
                              struct problem *problem)
{
    struct span value = span_str(argv[*at]);
    if (!span_starts_with(value, SPAN("--")))
        return problem_set(problem, ERR_INVALID, argv[*at], "is not a flag; see --help");
    value = span_skip(value, 2);
    bool joined = memchr(value.ptr, '=', value.len) != NULL;
    const struct flag *flag = find_flag(span_split(&value, '='));
    if (flag == NULL)
        return problem_set(problem, ERR_INVALID, argv[*at], "is not known; see --help");
    if (!joined) {
        if (argv[*at + 1] == NULL)
            return problem_set(problem, ERR_INVALID, argv[*at], "needs a value: %s", flag->word);
        value = span_str(argv[++*at]);
    }
    ++*at;
    enum err err;
    if (mark_given(flags, flag) && flag->kind != FLAG_RANGES)
        err = problem_set(problem, ERR_INVALID, flag->name, "is given twice");
    else
        err = set_value(flags, flag, value, problem);
    if (err != ERR_OK)
        name_flag(problem);
    return err;
}

/* ---- the file */

static enum err read_file(const char *path, struct buf *out, struct problem *problem)
{
    uint8_t part[4096];
    ssize_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return problem_set(problem, ERR_INVALID, "--config", "%.120s: %s", path, strerror(errno));
    while (!out->overflowed && (len = read(fd, part, sizeof(part))) > 0)
        buf_append(out, span_of(part, (size_t)len));
    close(fd);
    if (len < 0 || out->overflowed)
        return problem_set(problem, ERR_INVALID, "--config", "%.120s: %s", path,
                           len < 0 ? strerror(errno) : "is too large");
    return ERR_OK;
}

static enum err set_json(struct edge_flags *flags, const struct flag *flag, const json_t *value,
                         struct problem *problem)
{
    char digits[TEXT_U64_BYTES_MAX];
    if (json_is_string(value))
        return set_value(flags, flag, span_of(json_string_value(value), json_string_length(value)),
                         problem);
    if (json_is_integer(value) && json_integer_value(value) >= 0 && flag->kind != FLAG_TEXT &&
        flag->kind != FLAG_RANGES) {
        size_t len = text_format_u64((uint64_t)json_integer_value(value), digits);
        return set_value(flags, flag, span_of(digits, len), problem);
    }
    return problem_set(problem, ERR_INVALID, flag->name, "must be %s",
                       flag->kind == FLAG_NUMBER     ? "a number"
                       : flag->kind == FLAG_DURATION ? "a time like \"30s\", or seconds"
                       : flag->kind == FLAG_BYTES    ? "bytes like \"100m\", or a number"
                       : flag->kind == FLAG_RANGES   ? "a list of texts"
                                                     : "a text");
}

static enum err set_member(struct edge_flags *flags, const char *name, const json_t *value,
                           struct problem *problem)
{
    const struct flag *flag = find_flag(span_str(name));
    const json_t *item;
    size_t i;
    if (flag == NULL || flag->origin != FLAG_FOR_PEOPLE)
        return problem_set(problem, ERR_INVALID, "--config", "%.60s is not known; see --help",
                           name);
    if ((flags->given & UINT64_C(1) << (flag - flags_table)) != 0)
        return ERR_OK;
    if (flag->kind != FLAG_RANGES || !json_is_array(value))
        return set_json(flags, flag, value, problem);
    json_array_foreach(value, i, item)
    {
        TRY(set_json(flags, flag, item, problem));
    }
    return ERR_OK;
}

static enum err read_config(struct edge_flags *flags, struct problem *problem)
{
    struct buf text;
    json_t *members = NULL;
    const char *name;
    json_t *value;
    buf_init(&text, CONFIG_BYTES_MAX);
    enum err err = read_file(flags->config, &text, problem);
    if (err == ERR_OK)
        err = json_parse(buf_span(&text), &members, problem);
    if (err == ERR_OK && !json_is_object(members))
        err = problem_set(problem, ERR_INVALID, "--config", "must hold an object");
    if (err == ERR_OK) {
        json_object_foreach(members, name, value)
        {
            err = set_member(flags, name, value, problem);
            if (err != ERR_OK)
                break;
        }
    }
    json_decref(members);
    buf_release(&text);
    return err;
}

/* ---- defaults */

static enum err set_defaults(struct edge_flags *flags, struct problem *problem)
{
    for (size_t i = 0; i < countof(flags_table); i++) {
        const struct flag *flag = &flags_table[i];
        if (flag->kind == FLAG_TEXT)
            *(const char **)member_of(flags, flag) = flag->value;
        else if (flag->value[0] != '\0')
            TRY(set_value(flags, flag, span_str(flag->value), problem));
    }
    flags->worker_slot = EDGE_FLAGS_SUPERVISOR;
    return ERR_OK;
}

static bool is_edge_id(struct span id)
{
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];
        if (!text_is_digit(c) && (text_lower(c) < 'a' || text_lower(c) > 'z') && c != '-' &&
            c != '.' && c != '_')
            return false;
    }
    return id.len > 0;
}

/* Each text was checked when it was read. */
static void add_ranges(const char *const *texts, struct address_ranges *out)
{
    for (size_t i = 0; i < range_count(texts); i++)
        ASSERT(address_ranges_add(out, span_str(texts[i])) == ERR_OK);
}

static enum err complete_policy(struct edge_flags *flags, struct problem *problem)
{
    struct span ports = span_str(flags->origin_ports);
    add_ranges(flags->allow_origin, &flags->policy.allowed);
    add_ranges(flags->own_address, &flags->policy.own);
    add_ranges(flags->trusted_proxy.texts, &flags->trusted_proxy.parsed);
    if (ports.len == 0 || address_policy_set_ports(&flags->policy, ports) == ERR_OK)
        return ERR_OK;
    return problem_set(problem, ERR_INVALID, "--origin-ports",
                       "must be at most %d ports like 80,443,8000-8999", ADDRESS_POLICY_PORTS_MAX);
}

static bool is_sandbox(const char *mode)
{
    return strcmp(mode, "on") == 0 || strcmp(mode, "off") == 0 || strcmp(mode, "auto") == 0;
}

/* What only the machine knows. */
static enum err complete(struct edge_flags *flags, struct problem *problem)
{
    char host[EDGE_ID_BYTES_MAX + 1] = "";
    if (flags->workers == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        flags->workers = processors < 1 ? 1 : (uint64_t)processors;
        if (flags->workers > LIMIT_WORKERS)
            flags->workers = LIMIT_WORKERS;
    }
    if (flags->edge_id[0] == '\0') {
        bool named = gethostname(host, sizeof(host)) == 0 &&
                     memchr(host, 0, sizeof(host)) != NULL && is_edge_id(span_str(host));
        flags->edge_id = arena_cstr(&flags->arena, named ? span_str(host) : SPAN("edge"));
    }
    if (!is_sandbox(flags->sandbox))
        return problem_set(problem, ERR_INVALID, "--sandbox", "on, off or auto");
    if (!is_edge_id(span_str(flags->edge_id)))
        return problem_set(problem, ERR_INVALID, "--edge-id",
                           "letters, digits, '-', '.' and '_' only");
    return complete_policy(flags, problem);
}

enum err edge_flags_parse(int argc, const char *const *argv, struct edge_flags *out,
                          struct problem *problem)
{
    *out = (struct edge_flags){0};
    arena_init(&out->arena, NULL);
    enum err err = set_defaults(out, problem);
    for (int at = 1; at < argc && err == ERR_OK;) {
        if (span_equal(span_str(argv[at]), SPAN("--help")))
            err = ERR_CLOSED;
        else
            err = take_argument(out, argv, &at, problem);
    }
    if (err == ERR_OK && out->config[0] != '\0')
        err = read_config(out, problem);
    if (err == ERR_OK)
        err = complete(out, problem);
    if (err != ERR_OK)
        edge_flags_release(out);
    return err;
}

void edge_flags_release(struct edge_flags *flags)
{
    arena_release(&flags->arena);
}

/* ---- back to text */

void edge_flags_help(FILE *out)
{
    fputs("trunkline-edge: answers visitors and speaks HTTP/2 or HTTP/1.1 to their origins\n"
          "trunkline-edge status --admin ADDR:PORT: asks a running one how it is\n\n",
          out);
    for (size_t i = 0; i < countof(flags_table); i++) {
        const struct flag *flag = &flags_table[i];
        char name[48];
        if (flag->origin == FLAG_INTERNAL)
            continue;
        text_format(name, sizeof(name), "--%s %s", flag->name, flag->word);
        fprintf(out, "  %-32s %s%s%s%s\n", name, flag->help, flag->value[0] ? " (" : "",
                flag->value, flag->value[0] ? ")" : "");
    }
    fputs("  --help                           this list\n\n"
          "TIME is like 500ms, 30s, 5m or 8h; BYTES like 4096, 64k or 100m; CIDR like 10.0.0.0/8 "
          "or one "
          "address.\n",
          out);
}

static const char *number_text(struct edge_flags *flags, const struct flag *flag)
{
    char text[TEXT_U64_BYTES_MAX + 3];
    uint64_t number;
    memcpy(&number, member_of(flags, flag), sizeof(number));
    size_t len = text_format(text, sizeof(text), "%llu%s", (unsigned long long)number,
                             flag->kind == FLAG_DURATION ? "ms" : "");
    return arena_cstr(&flags->arena, span_of(text, len));
}

static size_t put_flag(struct edge_flags *flags, const struct flag *flag, const char **out)
{
    char name[48];
    size_t len = text_format(name, sizeof(name), "--%s", flag->name), count = 0;
    const char *shown = arena_cstr(&flags->arena, span_of(name, len));
    if (flag->kind == FLAG_RANGES) {
        const char **texts = member_of(flags, flag);
        for (size_t i = 0; i < range_count(texts); i++) {
            out[count++] = shown;
            out[count++] = texts[i];
        }
        return count;
    }
    out[0] = shown;
    out[1] =
        flag->kind == FLAG_TEXT ? *(const char **)member_of(flags, flag) : number_text(flags, flag);
    return 2;
}

const char *const *edge_flags_arguments(struct edge_flags *flags)
{
    const char **out = arena_calloc(&flags->arena, ARGUMENTS_MAX, sizeof(*out));
    size_t count = 0;
    for (size_t i = 0; i < countof(flags_table); i++) {
        if (flags_table[i].origin == FLAG_FOR_PEOPLE)
            count += put_flag(flags, &flags_table[i], &out[count]);
    }
    ASSERT(count < ARGUMENTS_MAX);
    return out;
}
