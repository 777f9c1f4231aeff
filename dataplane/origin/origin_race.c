/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_race.c - the addresses of one name, dialled beside each other.
 */
#include "dataplane/origin/origin_race.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* ---- memory of failures */

static bool same_address(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static struct origin_health *find_health(struct origin_asides *asides,
                                         const struct address *address)
{
    for (size_t i = 0; i < ORIGIN_ASIDES; i++)
        if (asides->items[i].health.failure_count > 0 &&
            same_address(&asides->items[i].address, address))
            return &asides->items[i].health;
    return NULL;
}

static void note_failed(struct origin_race *race, const struct address *address)
{
    struct origin_asides *asides = race->asides;
    struct origin_health *health = find_health(asides, address);
    if (!health) {
        size_t oldest = 0;
        for (size_t i = 1; i < ORIGIN_ASIDES; i++)
            if (asides->items[i].health.failed_at_ms < asides->items[oldest].health.failed_at_ms)
                oldest = i;
        asides->items[oldest].address = *address;
        health = &asides->items[oldest].health;
        *health = (struct origin_health){0};
    }
    origin_health_failed(health, loop_now_ms(race->loop));
}

static void note_worked(struct origin_race *race, const struct address *address)
{
    struct origin_health *health = find_health(race->asides, address);
    if (health)
        *health = (struct origin_health){0};
}

/* ---- order */

static bool set_aside(const struct origin_race *race, const struct address *address)
{
    const struct origin_health *health = find_health(race->asides, address);
    return health && origin_health_aside(health, loop_now_ms(race->loop));
}

/* The n-th address of a family, counted from where the turn begins; NULL: there are fewer. */
static const struct address *nth_of(const struct address *addresses, size_t count, bool v4,
                                    size_t n, size_t turn)
{
    size_t members[LIMIT_ORIGIN_ADDRESSES], found = 0;
    for (size_t i = 0; i < count; i++)
        if (address_is_v4(&addresses[i]) == v4)
            members[found++] = i;
    return n < found ? &addresses[members[(n + turn) % found]] : NULL;
}

static void add(struct origin_race *race, const struct address *address, bool aside)
{
    if (address && set_aside(race, address) == aside)
        race->tries[race->count++] = (struct origin_try){.race = race, .address = *address};
}

void origin_race_set(struct origin_race *race, const struct address *addresses, size_t count,
                     size_t turn)
{
    ASSERT(count > 0 && count <= LIMIT_ORIGIN_ADDRESSES);
    race->count = 0;
    race->last_err = ERR_ORIGIN_UNREACHABLE;
    for (unsigned aside = 0; aside < 2; aside++) {
        for (size_t n = 0; n < count; n++) {
            add(race, nth_of(addresses, count, false, n, turn), aside != 0);
            add(race, nth_of(addresses, count, true, n, turn), aside != 0);
        }
    }
    ASSERT(race->count == count);
}

/* ---- the race */

static void fill_sockaddr(const struct address *address, uint16_t port,
                          struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (address_is_v4(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
        return;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address->bytes, 16);
}

static struct origin_try *find_try(struct origin_race *race, enum origin_try_state state)
{
    for (size_t i = 0; i < race->count; i++)
        if (race->tries[i].state == state)
            return &race->tries[i];
    return NULL;
}

static struct origin_try *next_try(struct origin_race *race)
{
    struct origin_try *try = find_try(race, TRY_WAITING);
    return try ?
    try : find_try(race, TRY_OVERTAKEN)
        ;
}

bool origin_race_open(const struct origin_race *race)
{
    for (size_t i = 0; i < race->count; i++)
        if (race->tries[i].state != TRY_FAILED)
            return true;
    return false;
}

/* Who was still dialling when another one connected is slower than that by the stagger. */
static void overtake(struct origin_race *race)
{
    for (size_t i = 0; i < race->count; i++)
        if (race->tries[i].state == TRY_DIALLING)
            note_failed(race, &race->tries[i].address);
    origin_race_stop(race);
}

static void race_dialled(void *owner, enum err err, struct transport *transport)
{
    struct origin_try *try = owner;
    struct origin_race *race = try->race;
    try->dial = NULL;
    try->state = TRY_FAILED;
    if (err != ERR_OK) {
        race->last_err = err == ERR_IO ? ERR_ORIGIN_UNREACHABLE : err;
        if (err != ERR_BUSY)
            note_failed(race, &try->address);
        origin_race_run(race);
        return;
    }
    race->winner = (size_t)(try - race->tries);
    note_worked(race, &try->address);
    overtake(race);
    race->won(race, transport);
}

static void race_staggered(struct deadline *deadline)
{
    origin_race_run(container_of(deadline, struct origin_race, stagger));
}

void origin_race_run(struct origin_race *race)
{
    struct origin_try *try = next_try(race);
    if (!try) {
        deadline_disarm(race->loop, &race->stagger);
        if (!origin_race_open(race))
            race->lost(race, race->last_err);
        return;
    }
    struct sockaddr_storage address;
    fill_sockaddr(&try->address, race->port, &address);
    try->state = TRY_DIALLING;
    try->dial = tcp_dial(race->loop, (struct sockaddr *)&address, race_dialled, try);
    if (next_try(race))
        deadline_arm(race->loop, &race->stagger, LIMIT_ORIGIN_STAGGER_MS, race_staggered);
}

void origin_race_stop(struct origin_race *race)
{
    deadline_disarm(race->loop, &race->stagger);
    for (size_t i = 0; i < race->count; i++) {
        if (race->tries[i].state != TRY_DIALLING)
            continue;
        tcp_dial_cancel(&race->tries[i].dial);
        race->tries[i].state = TRY_OVERTAKEN;
    }
}

void origin_race_spoil(struct origin_race *race)
{
    note_failed(race, &race->tries[race->winner].address);
    race->last_err = ERR_ORIGIN_CONNECT_TIMEOUT;
}
