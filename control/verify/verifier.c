/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.c - asks DNS whether pending zones are controlled by who made them.
 *
 *      asleep --[verifier_ask, or the pause is over]--> a batch of queries --> activations -->
 * asleep
 */
#include "control/verify/verifier.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "control/change/change_zone.h"
#include "control/store/store_zones.h"

#define QUERY_TIMEOUT_MS 2000
#define QUERY_TRIES 2
#define TURN_MS 100 /* how soon a query notices that the verifier closes */

struct verifier {
    struct verifier_options options;
    ares_channel channel;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t woken;
    bool closing;
    struct id asked[LIMIT_VERIFY_BATCH];
    size_t asked_count;
};

/* One zone of a batch. */
struct proof {
    struct id zone_id;
    struct span key;
    bool pending, found;
};

static void query_answered(void *owner, int status, int timeouts, unsigned char *bytes, int len)
{
    struct proof *proof = owner;
    struct ares_txt_ext *texts = NULL;
    (void)timeouts;
    proof->pending = false;
    if (status != ARES_SUCCESS || ares_parse_txt_reply_ext(bytes, len, &texts) != ARES_SUCCESS)
        return;
    for (const struct ares_txt_ext *text = texts; text; text = text->next)
        if (span_equal(span_of(text->txt, text->length), proof->key))
            proof->found = true;
    ares_free_data(texts);
}

static bool is_closing(struct verifier *verifier)
{
    ASSERT(pthread_mutex_lock(&verifier->lock) == 0);
    bool closing = verifier->closing;
    ASSERT(pthread_mutex_unlock(&verifier->lock) == 0);
    return closing;
}

/* Until every query has ended; c-ares has their deadlines. */
static void await_answers(struct verifier *verifier)
{
    for (;;) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        struct pollfd polled[ARES_GETSOCK_MAXNUM];
        unsigned bits = (unsigned)ares_getsock(verifier->channel, sockets, ARES_GETSOCK_MAXNUM);
        nfds_t count = 0;
        for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            /* ARES_GETSOCK_WRITABLE of the last socket shifts a signed 1 by 31. */
            bool reads = (bits >> i & 1u) != 0;
            bool writes = (bits >> (i + ARES_GETSOCK_MAXNUM) & 1u) != 0;
            if (reads || writes)
                polled[count++] = (struct pollfd){
                    .fd = sockets[i],
                    .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
                };
        }
        if (count == 0 || is_closing(verifier)) {
            ares_cancel(verifier->channel);
            return;
        }
        if (poll(polled, count, TURN_MS) <= 0)
            ares_process_fd(verifier->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        for (nfds_t i = 0; i < count; i++)
            if (polled[i].revents != 0)
                ares_process_fd(verifier->channel,
                                polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd
                                                                                 : ARES_SOCKET_BAD,
                                polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
    }
}

static enum err activate(struct verifier *verifier, const struct id *zone_id)
{
    const struct change_actor console = {.scope = {.platform_wide = true}};
    struct change *change = NULL;
    struct problem problem;
    uint64_t revision = 0;
    TRY(change_begin(verifier->options.door, &console, &change));
    enum err err = change_zone_activate(change, zone_id, &problem);
    if (err == ERR_OK)
        err = change_commit(&change, &revision, &problem);
    change_abandon(&change);
    return err;
}

static void look_at(struct verifier *verifier, const struct store_zone_list *zones)
{
    struct proof proofs[LIMIT_VERIFY_BATCH];
    ASSERT(zones->count <= LIMIT_VERIFY_BATCH);
    for (size_t i = 0; i < zones->count; i++) {
        char name[LIMIT_HOSTNAME_BYTES + sizeof(STORE_ZONE_VERIFY_PREFIX)];
        proofs[i] = (struct proof){zones->rows[i].id, zones->rows[i].verification_key, true, false};
        text_format(name, sizeof(name), STORE_ZONE_VERIFY_PREFIX "%.*s",
                    SPAN_ARG(zones->rows[i].name));
        ares_query(verifier->channel, name, ns_c_in, ns_t_txt, query_answered, &proofs[i]);
    }
    await_answers(verifier);
    for (size_t i = 0; i < zones->count; i++) {
        ASSERT(!proofs[i].pending);
        enum err err = proofs[i].found ? activate(verifier, &proofs[i].zone_id) : ERR_OK;
        if (err != ERR_OK)
            log_warn("zone_not_activated", F_SPAN("zone", id_span(&proofs[i].zone_id)), F_ERR(err));
    }
}

/* The next batch behind *after, which becomes the last of it; empty at the end of a round. */
static enum err look_at_next(struct verifier *verifier, struct id *after)
{
    struct store_conn *conn = NULL;
    struct store_zone_list zones;
    struct arena arena;
    arena_init(&arena, NULL);
    enum err err = store_read_begin(verifier->options.store, &conn);
    if (err == ERR_OK)
        err = store_zone_pending(conn, after, LIMIT_VERIFY_BATCH, &arena, &zones);
    store_read_end(&conn);
    if (err == ERR_OK) {
        *after = zones.count > 0 ? zones.rows[zones.count - 1].id : (struct id){{0}};
        look_at(verifier, &zones);
    }
    arena_release(&arena);
    return err;
}

static enum err look_at_asked(struct verifier *verifier, const struct id *asked, size_t count)
{
    const struct store_scope all = {.platform_wide = true};
    struct store_conn *conn = NULL;
    struct store_zone rows[LIMIT_VERIFY_BATCH];
    struct store_zone_list zones = {.rows = rows};
    struct arena arena;
    arena_init(&arena, NULL);
    enum err err = store_read_begin(verifier->options.store, &conn);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        if (store_zone_get(conn, &all, &asked[i], &arena, &rows[zones.count]) == ERR_OK &&
            store_zone_is_pending(&rows[zones.count]))
            zones.count++;
    store_read_end(&conn);
    if (err == ERR_OK)
        look_at(verifier, &zones);
    arena_release(&arena);
    return err;
}

/* Takes what is asked for, at once or when the pause is over.  False: it closes. */
static bool await_work(struct verifier *verifier, bool pause, struct id *out, size_t *count_out)
{
    struct timespec until;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += LIMIT_VERIFY_PAUSE_MS / 1000;
    ASSERT(pthread_mutex_lock(&verifier->lock) == 0);
    while (pause && !verifier->closing && verifier->asked_count == 0)
        if (pthread_cond_timedwait(&verifier->woken, &verifier->lock, &until) != 0)
            break;
    bool going_on = !verifier->closing;
    *count_out = verifier->asked_count;
    memcpy(out, verifier->asked, sizeof(verifier->asked));
    verifier->asked_count = 0;
    ASSERT(pthread_mutex_unlock(&verifier->lock) == 0);
    return going_on;
}

static void *run(void *owner)
{
    struct verifier *verifier = owner;
    struct id asked[LIMIT_VERIFY_BATCH], after = {{0}};
    size_t count = 0;
    bool round_over = false;
    while (await_work(verifier, round_over, asked, &count)) {
        enum err err =
            count > 0 ? look_at_asked(verifier, asked, count) : look_at_next(verifier, &after);
        if (err != ERR_OK)
            log_warn("zones_not_verified", F_ERR(err));
        round_over = err != ERR_OK || after.text[0] == '\0';
    }
    return NULL;
}

static enum err open_channel(struct verifier *verifier, struct problem *problem)
{
    struct ares_options options = {.timeout = QUERY_TIMEOUT_MS, .tries = QUERY_TRIES};
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return problem_set(problem, ERR_INTERNAL, "resolver", "c-ares cannot be used");
    if (ares_init_options(&verifier->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
        ARES_SUCCESS) {
        ares_library_cleanup();
        return problem_set(problem, ERR_INTERNAL, "resolver", "c-ares cannot be used");
    }
    const char *servers = verifier->options.resolver;
    if (!servers || ares_set_servers_ports_csv(verifier->channel, servers) == ARES_SUCCESS)
        return ERR_OK;
    ares_destroy(verifier->channel);
    ares_library_cleanup();
    return problem_set(problem, ERR_INVALID, "resolver", "%s is not an address with a port",
                       servers);
}

enum err verifier_open(const struct verifier_options *options, struct verifier **out,
                       struct problem *problem)
{
    struct verifier *verifier = mem_new(struct verifier);
    pthread_condattr_t monotonic;
    verifier->options = *options;
    enum err err = open_channel(verifier, problem);
    if (err != ERR_OK) {
        mem_free(&verifier);
        return err;
    }
    ASSERT(pthread_mutex_init(&verifier->lock, NULL) == 0);
    ASSERT(pthread_condattr_init(&monotonic) == 0);
    ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&verifier->woken, &monotonic) == 0);
    ASSERT(pthread_condattr_destroy(&monotonic) == 0);
    ASSERT(pthread_create(&verifier->thread, NULL, run, verifier) == 0);
    *out = verifier;
    return ERR_OK;
}

void verifier_close(struct verifier **slot)
{
    struct verifier *verifier = *slot;
    ASSERT(pthread_mutex_lock(&verifier->lock) == 0);
    verifier->closing = true;
    ASSERT(pthread_cond_signal(&verifier->woken) == 0);
    ASSERT(pthread_mutex_unlock(&verifier->lock) == 0);
    ASSERT(pthread_join(verifier->thread, NULL) == 0);
    ASSERT(pthread_cond_destroy(&verifier->woken) == 0);
    ASSERT(pthread_mutex_destroy(&verifier->lock) == 0);
    ares_destroy(verifier->channel);
    ares_library_cleanup();
    mem_free(slot);
}

void verifier_ask(void *owner, const struct id *zone_id)
{
    struct verifier *verifier = owner;
    ASSERT(pthread_mutex_lock(&verifier->lock) == 0);
    if (verifier->asked_count < LIMIT_VERIFY_BATCH)
        verifier->asked[verifier->asked_count++] = *zone_id;
    ASSERT(pthread_cond_signal(&verifier->woken) == 0);
    ASSERT(pthread_mutex_unlock(&verifier->lock) == 0);
}
