/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.c - names to addresses, over c-ares.
 *
 *     absent --ask--> asking --answered--> known --TTL passed, asked again--> asking
 *                                            '--cache full, nobody waits--> absent (oldest first)
 *
 * Nobody is called from inside c-ares: an answer marks its entry, and the wake queue tells those
 * who wait.
 */
#include "dataplane/net/resolve.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define QUERY_TIMEOUT_MS 2000
#define QUERY_TRIES 3
#define NEGATIVE_MS 5000
/* A TTL of 0, and what /etc/hosts says, is believed this long; no TTL is believed longer than an
 * hour. */
#define TTL_S_MIN 5
#define TTL_S_MAX 3600

struct entry {
    struct resolver *resolver;
    struct list_node order; /* in resolver->order: the least recently asked first */
    struct list_node ready; /* in resolver->ready */
    struct list waiting;    /* of questions */
    struct address addresses[LIMIT_ORIGIN_ADDRESSES];
    size_t address_count; /* 0: the name does not resolve */
    uint64_t expires_at_ms;
    bool asking;
    struct span name; /* points behind the struct */
};

struct socket_watch {
    uv_poll_t poll;
    struct list_node node;
    struct resolver *resolver;
    ares_socket_t fd;
};

struct resolver {
    struct loop *loop;
    ares_channel channel;
    uv_timer_t timer;
    struct list watches;
    struct map entries;
    struct list order;
    struct list ready;
    struct list refused; /* questions without an entry */
    struct wake wake;
    size_t asking_count;
    size_t handle_count; /* uv handles not closed yet; the last one frees the resolver */
    bool closing;
};

/* ---- c-ares on the loop */

static void set_timer(struct resolver *resolver);

static void handle_closed(struct resolver *resolver)
{
    if (--resolver->handle_count == 0)
        free(resolver);
}

static void watch_closed(uv_handle_t *handle)
{
    struct socket_watch *watch = handle->data;
    struct resolver *resolver = watch->resolver;
    free(watch);
    handle_closed(resolver);
}

static void timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    struct resolver *resolver = watch->resolver;
    ares_socket_t fd = watch->fd; /* c-ares may close the watch */
    bool readable = status < 0 || (events & UV_READABLE) != 0;
    bool writable = status < 0 || (events & UV_WRITABLE) != 0;
    ares_process_fd(resolver->channel, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    set_timer(resolver);
}

static struct socket_watch *find_watch(struct resolver *resolver, ares_socket_t fd)
{
    LIST_EACH(&resolver->watches, node)
    {
        struct socket_watch *watch = container_of(node, struct socket_watch, node);
        if (watch->fd == fd)
            return watch;
    }
    return NULL;
}

static struct socket_watch *open_watch(struct resolver *resolver, ares_socket_t fd)
{
    struct socket_watch *watch = mem_new(struct socket_watch);
    watch->resolver = resolver;
    watch->fd = fd;
    ASSERT(uv_poll_init(&resolver->loop->uv, &watch->poll, fd) == 0);
    watch->poll.data = watch;
    list_push_back(&resolver->watches, &watch->node);
    resolver->handle_count++;
    return watch;
}

static void socket_changed(void *owner, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = owner;
    struct socket_watch *watch = find_watch(resolver, fd);
    if (!readable && !writable) {
        if (watch) {
            list_remove(&resolver->watches, &watch->node);
            uv_close((uv_handle_t *)&watch->poll, watch_closed);
        }
        return;
    }
    if (!watch)
        watch = open_watch(resolver, fd);
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    ASSERT(uv_poll_start(&watch->poll, events, socket_ready) == 0);
}

static void timer_fired(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(resolver);
}

static void set_timer(struct resolver *resolver)
{
    struct timeval timeout;
    if (resolver->closing)
        return;
    if (resolver->asking_count == 0 || !ares_timeout(resolver->channel, NULL, &timeout)) {
        uv_timer_stop(&resolver->timer);
        return;
    }
    uint64_t timeout_ms = (uint64_t)timeout.tv_sec * 1000 + (uint64_t)timeout.tv_usec / 1000 + 1;
    uv_timer_start(&resolver->timer, timer_fired, timeout_ms, 0);
}

/* ---- entries */

static void make_ready(struct entry *entry)
{
    struct resolver *resolver = entry->resolver;
    if (!list_linked(&entry->ready))
        list_push_back(&resolver->ready, &entry->ready);
    wake_post(&resolver->loop->wakeq, &resolver->wake);
}

static void add_address(struct entry *entry, const struct address *address)
{
    for (size_t i = 0; i < entry->address_count; i++) {
        if (memcmp(&entry->addresses[i], address, sizeof(*address)) == 0)
            return;
    }
    if (entry->address_count < LIMIT_ORIGIN_ADDRESSES)
        entry->addresses[entry->address_count++] = *address;
}

static bool address_of(const struct sockaddr *sockaddr, struct address *out)
{
    *out = (struct address){0};
    if (sockaddr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sockaddr;
        memcpy(out->bytes, &in6->sin6_addr, 16);
        return true;
    }
    if (sockaddr->sa_family != AF_INET)
        return false;
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sockaddr;
    out->bytes[10] = out->bytes[11] = 0xff;
    memcpy(out->bytes + 12, &in->sin_addr, 4);
    return true;
}

/* Returns how long the answer is good for: its smallest TTL, within bounds. */
static uint64_t take_addresses(struct entry *entry, const struct ares_addrinfo *answer)
{
    int ttl_s = TTL_S_MAX;
    struct address address;
    for (const struct ares_addrinfo_node *node = answer->nodes; node; node = node->ai_next) {
        if (!address_of(node->ai_addr, &address))
            continue;
        add_address(entry, &address);
        if (node->ai_ttl < ttl_s)
            ttl_s = node->ai_ttl;
    }
    return (uint64_t)(ttl_s < TTL_S_MIN ? TTL_S_MIN : ttl_s) * 1000;
}

static void answered(void *owner, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct entry *entry = owner;
    struct resolver *resolver = entry->resolver;
    uint64_t good_ms = NEGATIVE_MS;
    (void)timeouts;
    entry->asking = false;
    entry->address_count = 0;
    resolver->asking_count--;
    if (status == ARES_SUCCESS && answer)
        good_ms = take_addresses(entry, answer);
    if (entry->address_count == 0)
        good_ms = NEGATIVE_MS;
    if (answer)
        ares_freeaddrinfo(answer);
    if (resolver->closing)
        return;
    if (entry->address_count == 0)
        log_debug("name_unresolved", F_SPAN("name", entry->name),
                  F_STR("reason", ares_strerror(status)));
    entry->expires_at_ms = loop_now_ms(resolver->loop) + good_ms;
    make_ready(entry);
}

static void ask_servers(struct entry *entry)
{
    struct resolver *resolver = entry->resolver;
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    entry->asking = true;
    resolver->asking_count++;
    ares_getaddrinfo(resolver->channel, (const char *)entry->name.ptr, NULL, &hints, answered,
                     entry);
    set_timer(resolver);
}

static void free_entry(struct entry *entry)
{
    struct resolver *resolver = entry->resolver;
    list_remove(&resolver->order, &entry->order);
    list_remove(&resolver->ready, &entry->ready);
    map_remove(&resolver->entries, entry->name);
    free(entry);
}

/* The entry that nobody has asked for the longest and nobody waits for. */
static bool evict_one(struct resolver *resolver)
{
    LIST_EACH(&resolver->order, node)
    {
        struct entry *entry = container_of(node, struct entry, order);
        if (!entry->asking && list_empty(&entry->waiting)) {
            free_entry(entry);
            return true;
        }
    }
    return false;
}

static struct entry *entry_new(struct resolver *resolver, struct span name)
{
    if (resolver->entries.count >= LIMIT_RESOLVE_CACHE && !evict_one(resolver))
        return NULL;
    struct entry *entry = mem_calloc(1, sizeof(*entry) + name.len + 1);
    char *copy = (char *)(entry + 1);
    for (size_t i = 0; i < name.len; i++)
        copy[i] = (char)text_lower(name.ptr[i]);
    entry->resolver = resolver;
    entry->name = span_of(copy, name.len);
    list_init(&entry->waiting);
    list_push_back(&resolver->order, &entry->order);
    map_put(&resolver->entries, entry->name, entry);
    if (address_parse(name, &entry->addresses[0]) == ERR_OK) {
        entry->address_count = 1;
        entry->expires_at_ms = UINT64_MAX;
    }
    return entry;
}

static struct entry *entry_of(struct resolver *resolver, struct span name)
{
    uint8_t lowered[LIMIT_HOSTNAME_BYTES];
    if (name.len == 0 || name.len > sizeof(lowered) || span_find(name, '\0') < name.len)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lowered[i] = text_lower(name.ptr[i]);
    struct entry *entry = map_get(&resolver->entries, span_of(lowered, name.len));
    if (!entry)
        return entry_new(resolver, name);
    list_remove(&resolver->order, &entry->order);
    list_push_back(&resolver->order, &entry->order);
    return entry;
}

/* ---- questions */

static struct list_node *next_waiting(struct resolver *resolver, struct entry **entry)
{
    struct list_node *node = list_pop_front(&resolver->refused);
    *entry = NULL;
    while (!node && (node = list_first(&resolver->ready)) != NULL) {
        *entry = container_of(node, struct entry, ready);
        node = list_pop_front(&(*entry)->waiting);
        if (!node)
            list_remove(&resolver->ready, &(*entry)->ready);
    }
    return node;
}

/* One question in a wake: whoever is told may ask again, and others shall have their turn. */
static void tell_one(struct wake *wake)
{
    struct resolver *resolver = container_of(wake, struct resolver, wake);
    struct address addresses[LIMIT_ORIGIN_ADDRESSES];
    struct entry *entry;
    struct list_node *node = next_waiting(resolver, &entry);
    if (!node)
        return;
    wake_post(&resolver->loop->wakeq, wake);

    struct resolve_question *question = container_of(node, struct resolve_question, node);
    size_t count = entry ? entry->address_count : 0;
    question->resolver = NULL;
    question->entry = NULL;
    /* A copy: the entry may be evicted for what the callback asks. */
    if (count > 0)
        memcpy(addresses, entry->addresses, count * sizeof(addresses[0]));
    question->resolved(question, count > 0 ? ERR_OK : ERR_ORIGIN_RESOLVE, addresses, count);
}

void resolve_ask(struct resolver *resolver, struct resolve_question *question, struct span name,
                 resolved_fn *resolved)
{
    ASSERT(!resolver->closing && !list_linked(&question->node));
    struct entry *entry = entry_of(resolver, name);
    question->resolver = resolver;
    question->resolved = resolved;
    question->entry = entry;
    if (!entry) {
        list_push_back(&resolver->refused, &question->node);
        wake_post(&resolver->loop->wakeq, &resolver->wake);
        return;
    }
    /* First in the list, then c-ares, which may answer before it returns. */
    list_push_back(&entry->waiting, &question->node);
    if (entry->asking)
        return;
    if (entry->expires_at_ms > loop_now_ms(resolver->loop))
        make_ready(entry);
    else if (!list_linked(&entry->ready))
        ask_servers(entry);
}

void resolve_cancel(struct resolve_question *question)
{
    struct entry *entry = question->entry;
    if (!question->resolver)
        return;
    list_remove(entry ? &entry->waiting : &question->resolver->refused, &question->node);
    question->resolver = NULL;
    question->entry = NULL;
}

/* ---- opening and closing */

static enum err open_channel(struct resolver *resolver, const char *servers,
                             struct problem *problem)
{
    char lookups[] = "fb"; /* /etc/hosts, then the servers */
    struct ares_options options = {
        /* Origins are named in full: no search list may turn a name into another one. */
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = QUERY_TIMEOUT_MS,
        .tries = QUERY_TRIES,
        .lookups = lookups,
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = resolver,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&resolver->channel, &options, mask);
    if (status != ARES_SUCCESS)
        return problem_set(problem, ERR_IO, "resolver", "%s", ares_strerror(status));
    if (servers && ares_set_servers_ports_csv(resolver->channel, servers) != ARES_SUCCESS) {
        ares_destroy(resolver->channel);
        return problem_set(problem, ERR_INVALID, "resolver",
                           "%s is not a list of addresses like 127.0.0.1:53", servers);
    }
    return ERR_OK;
}

enum err resolver_open(struct loop *loop, const char *servers, struct resolver **out,
                       struct problem *problem)
{
    struct resolver *resolver = mem_new(struct resolver);
    *out = NULL;
    resolver->loop = loop;
    list_init(&resolver->watches);
    enum err err = open_channel(resolver, servers, problem);
    if (err != ERR_OK) {
        free(resolver);
        return err;
    }
    map_init(&resolver->entries);
    list_init(&resolver->order);
    list_init(&resolver->ready);
    list_init(&resolver->refused);
    wake_init(&resolver->wake, tell_one);
    uv_timer_init(&loop->uv, &resolver->timer);
    resolver->timer.data = resolver;
    resolver->handle_count = 1;
    *out = resolver;
    return ERR_OK;
}

static void drop_questions(struct list *questions)
{
    struct list_node *node;
    while ((node = list_pop_front(questions)) != NULL) {
        struct resolve_question *question = container_of(node, struct resolve_question, node);
        question->resolver = NULL;
        question->entry = NULL;
    }
}

void resolver_close(struct resolver **slot)
{
    struct resolver *resolver = *slot;
    *slot = NULL;
    if (!resolver)
        return;
    resolver->closing = true;
    wake_cancel(&resolver->loop->wakeq, &resolver->wake);
    ares_destroy(resolver->channel); /* answers every query, closes every socket */
    drop_questions(&resolver->refused);
    LIST_EACH(&resolver->order, node)
    {
        struct entry *entry = container_of(node, struct entry, order);
        drop_questions(&entry->waiting);
        free_entry(entry);
    }
    map_release(&resolver->entries);
    uv_close((uv_handle_t *)&resolver->timer, timer_closed);
}
