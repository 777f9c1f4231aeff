/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_limits.c - seats, and a bounded table of the addresses that have some or had some lately.
 *
 *      use: held (has connections) <-> resting (its bucket is not full yet) -> forgotten
 */
#include "dataplane/client/client_limits.h"

#include <sys/resource.h>

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/model/limits.h"

#define TOKEN 1000u /* a thousandth of a token comes back each ms at 1/s */
#define V6_PREFIX_BYTES 8
#define FORGET_STEPS 2
#define EVICTED_AT_ONCE 64

_Static_assert(LIMIT_CLIENT_ADDRESSES >= 2 * LIMIT_CLIENT_CONNS, "some of them rest");

struct address_use {
    struct address key;
    struct list_node node; /* in limits->resting */
    size_t conn_count;
    uint64_t credit, credit_at_ms; /* handshakes, in thousandths */
};

struct client_limits {
    struct loop *loop;
    size_t address_conns_max;   /* SIZE_MAX: any number */
    uint64_t rate_per_s, burst; /* 0: any rate */
    struct map uses;            /* by key */
    struct list resting;        /* who rests longest first */
    struct list waiting;        /* seats, who waits longest first */
    size_t conn_count, conn_count_max;
    size_t leaving_count; /* of these, evicted and not gone yet */
};

/* ---- addresses */

static struct address key_of(const struct address *address)
{
    struct address key = *address;
    if (!address_is_v4(address))
        memset(key.bytes + V6_PREFIX_BYTES, 0, sizeof(key.bytes) - V6_PREFIX_BYTES);
    return key;
}

static struct span key_span(const struct address *key)
{
    return span_of(key->bytes, sizeof(key->bytes));
}

static void fill(const struct client_limits *limits, struct address_use *use)
{
    uint64_t now_ms = loop_now_ms(limits->loop), most = limits->burst * TOKEN;
    uint64_t missing = most - use->credit;
    uint64_t passed_ms = now_ms - use->credit_at_ms;
    bool full = limits->rate_per_s == 0 || passed_ms > missing / limits->rate_per_s;
    use->credit = full ? most : use->credit + passed_ms * limits->rate_per_s;
    use->credit_at_ms = now_ms;
}

static void forget(struct client_limits *limits, struct address_use *use)
{
    list_remove(&limits->resting, &use->node);
    (void)map_remove(&limits->uses, key_span(&use->key));
    free(use);
}

/* Each newcomer clears away more than itself, so the table follows the last seconds. */
static void forget_some(struct client_limits *limits)
{
    for (size_t i = 0; i < FORGET_STEPS && !list_empty(&limits->resting); i++) {
        struct address_use *use =
            container_of(list_first(&limits->resting), struct address_use, node);
        fill(limits, use);
        if (use->credit < limits->burst * TOKEN && limits->uses.count < LIMIT_CLIENT_ADDRESSES)
            return;
        forget(limits, use);
    }
}

static struct address_use *use_of(struct client_limits *limits, const struct address *address)
{
    struct address key = key_of(address);
    struct address_use *use = map_get(&limits->uses, key_span(&key));
    if (use) {
        fill(limits, use);
        return use;
    }
    forget_some(limits);
    use = mem_new(struct address_use);
    use->key = key;
    use->credit = limits->burst * TOKEN;
    use->credit_at_ms = loop_now_ms(limits->loop);
    (void)map_put(&limits->uses, key_span(&use->key), use);
    return use;
}

static void rest(struct client_limits *limits, struct address_use *use)
{
    if (use->conn_count > 0)
        return;
    list_remove(&limits->resting, &use->node);
    list_push_back(&limits->resting, &use->node);
}

bool client_limits_charge(struct client_limits *limits, struct client_seat *seat,
                          const struct address *address, bool handshake)
{
    struct address_use *use = use_of(limits, address);
    bool limited = handshake && limits->rate_per_s > 0;
    if (use->conn_count >= limits->address_conns_max || (limited && use->credit < TOKEN)) {
        counters_add(limits->loop->counters,
                     use->conn_count >= limits->address_conns_max
                         ? COUNTER_CLIENT_ADDRESS_CONNS
                         : COUNTER_CLIENT_ADDRESS_HANDSHAKES,
                     1);
        rest(limits, use);
        return false;
    }
    if (limited)
        use->credit -= TOKEN;
    use->conn_count++;
    list_remove(&limits->resting, &use->node);
    seat->use = use;
    return true;
}

/* ---- seats */

/* Descriptors are the operator's to give and to take, at any time. */
static void count_descriptors(struct client_limits *limits)
{
    struct rlimit limit;
    size_t most = LIMIT_CLIENT_CONNS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        uint64_t free_count =
            limit.rlim_cur > LIMIT_OWN_DESCRIPTORS ? limit.rlim_cur - LIMIT_OWN_DESCRIPTORS : 0;
        uint64_t share = free_count * LIMIT_CLIENT_DESCRIPTORS / 100;
        most = share < most ? (size_t)share : most;
    }
    limits->conn_count_max = most > 0 ? most : 1;
}

static bool crowded(const struct client_limits *limits)
{
    size_t staying_count = limits->conn_count - limits->leaving_count;
    return staying_count * 100 >= limits->conn_count_max * LIMIT_CLIENT_CROWDED;
}

static bool evict_one(struct client_limits *limits)
{
    struct list_node *node = list_pop_front(&limits->waiting);
    if (!node)
        return false;
    struct client_seat *seat = container_of(node, struct client_seat, node);
    counters_add(limits->loop->counters, COUNTER_CLIENT_CONNS_EVICTED, 1);
    seat->leaving = true;
    limits->leaving_count++;
    seat->evict(seat);
    return true;
}

bool client_limits_make_room(struct client_limits *limits)
{
    if (limits->conn_count < limits->conn_count_max)
        return true;
    count_descriptors(limits);
    if (crowded(limits))
        (void)evict_one(limits);
    return limits->conn_count < limits->conn_count_max;
}

void client_limits_starve(struct client_limits *limits)
{
    count_descriptors(limits);
    for (size_t i = 0; i < EVICTED_AT_ONCE && crowded(limits); i++)
        if (!evict_one(limits))
            return;
}

void client_limits_enter(struct client_limits *limits, struct client_seat *seat)
{
    if (crowded(limits))
        (void)evict_one(limits);
    limits->conn_count++;
    client_limits_wait(limits, seat);
}

void client_limits_leave(struct client_limits *limits, struct client_seat *seat)
{
    struct address_use *use = seat->use;
    limits->conn_count--;
    limits->leaving_count -= seat->leaving;
    list_remove(&limits->waiting, &seat->node);
    seat->leaving = false;
    seat->use = NULL;
    if (!use)
        return;
    use->conn_count--;
    rest(limits, use);
}

void client_limits_wait(struct client_limits *limits, struct client_seat *seat)
{
    if (!list_linked(&seat->node) && !seat->leaving)
        list_push_back(&limits->waiting, &seat->node);
}

void client_limits_run(struct client_limits *limits, struct client_seat *seat)
{
    list_remove(&limits->waiting, &seat->node);
}

/* ---- the table */

static uint64_t share_of(uint64_t whole, unsigned workers)
{
    return (whole + workers - 1) / workers;
}

struct client_limits *client_limits_new(struct loop *loop,
                                        const struct client_limits_options *options)
{
    struct client_limits *limits = mem_new(struct client_limits);
    uint64_t conns = share_of(options->address_conns_max, options->workers);
    limits->loop = loop;
    limits->address_conns_max = conns > 0 ? (size_t)conns : SIZE_MAX;
    limits->rate_per_s = share_of(options->address_handshakes_per_s, options->workers);
    /* Not shared: what a crowd of visitors behind one address opens at once is not spread evenly.
     */
    limits->burst = share_of(options->address_handshakes_per_s * LIMIT_ADDRESS_HANDSHAKE_BURST,
                             LIMIT_ADDRESS_HANDSHAKES);
    map_init(&limits->uses);
    list_init(&limits->resting);
    list_init(&limits->waiting);
    count_descriptors(limits);
    return limits;
}

void client_limits_free(struct client_limits **slot)
{
    struct client_limits *limits = *slot;
    *slot = NULL;
    ASSERT(limits->conn_count == 0);
    LIST_EACH(&limits->resting, node)
    forget(limits, container_of(node, struct address_use, node));
    map_release(&limits->uses);
    free(limits);
}
