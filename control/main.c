/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - trunkline-control: arguments, signals, and the one place where its rooms are wired.
 *
 *      store -> publisher -> server        opened in this order, closed in the other
 *        ^         ^ on_revision  |
 *        '--- change_door <-------'
 *
 * Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 bootstrap found a user.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/privilege.h"
#include "common/base/service.h"
#include "common/base/text.h"
#include "common/model/hostname.h"
#include "common/model/own_address.h"
#include "control/api/api.h"
#include "control/api/api_uses.h"
#include "control/change/change_account.h"
#include "control/change/change_certificate.h"
#include "control/main_arguments.h"
#include "control/main_user.h"
#include "control/main_store.h"
#include "control/publish/publisher.h"
#include "control/server/server.h"
#include "control/store/store_audit.h"
#include "control/store/store_certificates.h"
#include "control/store/store_origin_ca.h"
#include "control/verify/verifier.h"

#define NAME_SERVERS_BYTES_MAX 1024
#define RENEW_EVERY_MS 3600000
#define PUBLIC_ORIGIN_BYTES_MAX 256

/* ---- commands on the store */

/* "GET /zones/{zone} ZONE_READ", one a line. */
static int run_routes(void)
{
    for (const struct api_route *const *table = api_tables; *table; table++)
        for (const struct api_route *route = *table; route->pattern; route++)
            printf("%s %s %s\n", api_method_name(route->method), route->pattern,
                   permission_row(route->permission)->name);
    return EXIT_SUCCESS;
}

static int run_ca(const struct arguments *args)
{
    struct store *store = NULL;
    struct store_conn *conn = NULL;
    struct buf chain;
    int code = open_store(args, false, &store);
    if (code != 0)
        return code;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    enum err err = store_read_begin(store, &conn);
    bool origin = args->flags[FLAG_origin].count > 0;
    if (err == ERR_OK)
        err = origin ? store_origin_ca_get(conn, &chain, NULL) : store_ca_get(conn, &chain, NULL);
    store_read_end(&conn);
    store_close(&store);
    if (err == ERR_OK)
        printf("%s", buf_cstr(&chain));
    else
        code = complain(EXIT_FAILURE, "the store has no %s CA yet: %s", origin ? "origin" : "local",
                        origin ? "it comes with the first certificate" : "run bootstrap first");
    buf_release(&chain);
    return code;
}

static int run_check(const struct arguments *args)
{
    struct store *store = NULL;
    struct store_conn *conn = NULL;
    struct problem problem = {.code = ERR_OK};
    int code = open_store(args, false, &store);
    if (code != 0)
        return code;
    enum err err = store_check(store, &problem);
    if (err == ERR_OK)
        err = store_read_begin(store, &conn);
    if (err == ERR_OK)
        err = store_audit_verify(conn, &problem);
    store_read_end(&conn);
    store_close(&store);
    if (err != ERR_OK)
        return complain_problem(EXIT_FAILURE, &problem, err);
    printf("ok\n");
    return EXIT_SUCCESS;
}

/* ---- serve */

struct service {
    struct store *store;
    struct publisher *publisher;
    struct server *server;
    struct verifier *verifier;
    struct change_door door;
    struct api api;
    struct buf name_servers;
    struct api_rates *rates;
    char public_origin[PUBLIC_ORIGIN_BYTES_MAX];
};

static void publisher_wake(void *owner, uint64_t revision)
{
    publisher_on_revision(owner, revision);
}

static int fill_policy(const struct arguments *args, struct address_policy *policy)
{
    const char *ports = flag_text(args, FLAG_origin_ports);
    const struct flag_values *ranges = &args->flags[FLAG_allow_origin];
    for (size_t i = 0; i < ranges->count; i++)
        if (address_ranges_add(&policy->allowed, span_str(ranges->texts[i])) != ERR_OK)
            return complain(EXIT_WRONG_USAGE, "--allow-origin %s is not a range like 10.0.0.0/8",
                            ranges->texts[i]);
    if (ports && address_policy_set_ports(policy, span_str(ports)) != ERR_OK)
        return complain(EXIT_WRONG_USAGE,
                        "--origin-ports %s is not a list of at most %d ports like 80,443,8000-8999",
                        ports, ADDRESS_POLICY_PORTS_MAX);
    policy->is_own = own_address_is;
    return 0;
}

static int fill_door(struct service *service, const struct arguments *args)
{
    struct span list = span_str(flag_text(args, FLAG_name_servers));
    int code = fill_policy(args, &service->door.addresses);
    if (code != 0)
        return code;
    while (list.len > 0) {
        struct hostname name;
        struct problem problem;
        struct span word = span_trim(span_split(&list, ','));
        if (hostname_parse(word, HOSTNAME_EXACT, &name, &problem) != ERR_OK)
            return complain(EXIT_WRONG_USAGE, "--name-servers: %.*s: %s", SPAN_ARG(word),
                            problem.text);
        if (service->name_servers.len > 0)
            buf_append_byte(&service->name_servers, ',');
        buf_append(&service->name_servers, hostname_span(&name));
    }
    if (service->name_servers.overflowed)
        return complain(EXIT_WRONG_USAGE, "--name-servers: more than %d bytes",
                        NAME_SERVERS_BYTES_MAX);
    service->door.name_servers = buf_span(&service->name_servers);
    service->door.store = service->store;
    service->door.on_revision = publisher_wake;
    return 0;
}

/* Borrowed from the arguments.  No origin may have them: the edges would call themselves. */
static int fill_edge_addresses(struct service *service, const struct arguments *args)
{
    const char *text = flag_text(args, FLAG_edge_addresses);
    struct span list = text ? span_str(text) : SPAN_EMPTY;
    service->api.edge_addresses = list;
    while (list.len > 0) {
        struct span word = span_split(&list, ',');
        if (address_ranges_add(&service->door.addresses.own, word) != ERR_OK)
            return complain(EXIT_WRONG_USAGE, "--edge-addresses: %.*s is not an address or a range",
                            SPAN_ARG(word));
    }
    return 0;
}

static int fill_rates(struct service *service, const struct arguments *args)
{
    const char *text = flag_text(args, FLAG_rate_limit);
    uint64_t quota;
    if (text_parse_u64(span_str(text), UINT32_MAX, &quota) != ERR_OK)
        return complain(EXIT_WRONG_USAGE, "--rate-limit %s is not a number", text);
    service->rates = api_rates_new(quota);
    service->api.rates = service->rates;
    return 0;
}

/* "https://console.example": where people find the dashboard, as they see it. */
static int fill_api(struct service *service, const struct arguments *args)
{
    const char *given = flag_text(args, FLAG_public_url), *listen = flag_text(args, FLAG_listen);
    struct span url = span_str(given);
    if (given && !span_starts_with(url, SPAN("http://")) &&
        !span_starts_with(url, SPAN("https://")))
        return complain(EXIT_WRONG_USAGE, "--public-url %s is not like https://console.example",
                        given);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    const char *scheme = flag_text(args, FLAG_tls_cert) ? "https" : "http";
    int len = given ? snprintf(service->public_origin, sizeof(service->public_origin), "%.*s",
                               SPAN_ARG(url))
                    : snprintf(service->public_origin, sizeof(service->public_origin), "%s://%s",
                               scheme, listen);
    if (len < 0 || (size_t)len >= sizeof(service->public_origin))
        return complain(EXIT_WRONG_USAGE, "--public-url is too long");
    service->api.public_origin = span_str(service->public_origin);
    service->api.hasher = hasher_open();
    service->api.uses = api_uses_new();
    return 0;
}

static int open_service(struct service *service, const struct arguments *args)
{
    struct problem problem = {.code = ERR_OK};
    int code = open_store(args, true, &service->store);
    if (code == 0)
        code = fill_door(service, args);
    if (code == 0)
        code = fill_edge_addresses(service, args);
    if (code == 0)
        code = fill_rates(service, args);
    if (code != 0)
        return code;
    const struct publisher_options publisher = {
        .socket_path = flag_text(args, FLAG_socket),
        .edge_users = args->flags[FLAG_edge_user].texts,
        .edge_user_count = args->flags[FLAG_edge_user].count,
        .store = service->store,
    };
    if (publisher.edge_user_count > PUBLISHER_EDGE_USERS_MAX)
        return complain(EXIT_WRONG_USAGE, "at most %d edge users", PUBLISHER_EDGE_USERS_MAX);
    enum err err = publisher_open(&publisher, &service->publisher, &problem);
    if (err != ERR_OK)
        return complain_problem(EXIT_FAILURE, &problem, err);
    service->door.on_revision_owner = service->publisher;
    service->api.store = service->store;
    service->api.door = &service->door;
    code = fill_api(service, args);
    if (code != 0)
        return code;
    const struct verifier_options verifier = {
        .store = service->store,
        .door = &service->door,
        .resolver = flag_text(args, FLAG_resolver),
    };
    err = verifier_open(&verifier, &service->verifier, &problem);
    if (err != ERR_OK)
        return complain_problem(EXIT_FAILURE, &problem, err);
    service->api.verify = (struct api_verify){verifier_ask, service->verifier};
    const struct server_options server = {
        .listen = flag_text(args, FLAG_listen),
        .tls_cert = flag_text(args, FLAG_tls_cert),
        .tls_key = flag_text(args, FLAG_tls_key),
        .api = &service->api,
        .propagation = publisher_propagation(service->publisher),
    };
    err = server_open(&server, &service->server, &problem);
    return err == ERR_OK ? 0 : complain_problem(EXIT_FAILURE, &problem, err);
}

static void write_uses(const struct service *service)
{
    enum err err = api_uses_write(service->api.uses, &service->door);
    if (err != ERR_OK)
        log_warn("uses_not_written", F_ERR(err));
}

static void close_service(struct service *service)
{
    if (service->server)
        server_close(&service->server);
    hasher_close(&service->api.hasher);
    if (service->verifier)
        verifier_close(&service->verifier);
    if (service->publisher)
        publisher_close(&service->publisher);
    if (service->api.uses)
        write_uses(service);
    api_uses_free(&service->api.uses);
    store_close(&service->store);
    buf_release(&service->name_servers);
    api_rates_free(&service->rates);
}

static void reload(void)
{
    service_tell(SERVICE_RELOADING);
    log_info("control_hangup", F_STR("reloaded", "nothing"));
    service_tell(SERVICE_READY);
}

/* Until SIGTERM, or until the disk left a commit's outcome unknown. */
static int wait_for_end(const struct service *service, const sigset_t *signals)
{
    const struct timespec turn = {.tv_sec = 1};
    uint64_t renew_at_ms = 0;
    for (;;) {
        int signal_number = sigtimedwait(signals, NULL, &turn);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return EXIT_SUCCESS;
        if (signal_number == SIGHUP)
            reload();
        if (service_watchdog_ms() > 0)
            service_tell(SERVICE_ALIVE);
        if (store_failed(service->store))
            return complain(EXIT_FAILURE, "the store failed while it wrote: start again");
        write_uses(service);
        if (clock_mono_ms() < renew_at_ms)
            continue;
        renew_at_ms = clock_mono_ms() + RENEW_EVERY_MS;
        enum err err = change_certificates_renew(&service->door);
        if (err != ERR_OK)
            log_warn("certificates_not_renewed", F_ERR(err));
    }
}

static void raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static int run_serve(const struct arguments *args)
{
    struct service service = {.store = NULL};
    sigset_t signals;
    buf_init(&service.name_servers, NAME_SERVERS_BYTES_MAX);
    /* Blocked before there are threads, so that they inherit it and only this one is told. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    raise_descriptors();
    int code = open_service(&service, args);
    if (code == 0) {
        log_info("control_started", F_STR("store", flag_text(args, FLAG_store)),
                 F_U64("port", server_port(service.server)));
        puts("ready");
        (void)fflush(stdout);
        service_tell(SERVICE_READY);
        code = wait_for_end(&service, &signals);
    }
    service_tell(SERVICE_STOPPING);
    close_service(&service);
    log_info("control_stopped", F_I64("code", code));
    return code;
}

static int run(const struct arguments *args)
{
    switch (args->command) {
    case COMMAND_serve:
        return run_serve(args);
    case COMMAND_bootstrap:
    case COMMAND_user:
        return main_user(args);
    case COMMAND_routes:
        return run_routes();
    case COMMAND_ca:
        return run_ca(args);
    case COMMAND_check:
        return run_check(args);
    case COMMAND_backup:
        return run_backup(args);
    case COMMAND_restore:
        return run_restore(args);
    case COMMAND_migrate:
        return run_migrate(args);
    case COMMAND_COUNT:
        break;
    }
    UNREACHABLE();
}

int main(int argc, char **argv)
{
    struct arguments args = {.command = COMMAND_COUNT};
    log_open("control");
    privilege_harden();
    /* A peer that left is a return code; so is a file that may not grow. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int code = arguments_parse(&args, argc, argv);
    if (code < 0)
        code = run(&args);
    arguments_release(&args);
    return code;
}
