/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.c - a table of pages, and connections that ask for them.
 */
#include "dataplane/supervisor/admin.h"

#include <unistd.h>

#include "common/base/mem.h"
#include "dataplane/h1/h1_client.h"
#include "dataplane/http/reply.h"
#include "dataplane/net/listen.h"
#include "dataplane/net/transport_tcp.h"

struct admin {
    struct loop *loop;
    const struct edge_status *status;
    struct exchange_pools exchanges;
    struct exchange_intake intake;
    struct listener *listener;
    struct list conns;
    bool closing;
};

struct admin_conn {
    struct list_node node;
    struct admin *admin;
    struct h1_client *h1;
};

/* ---- pages */

struct admin_page {
    const char *path, *type;
    void (*write)(const struct edge_status *status, struct buf *out);
};

static void write_health(const struct edge_status *status, struct buf *out)
{
    (void)status;
    buf_append_str(out, "ok\n");
}

static void write_readiness(const struct edge_status *status, struct buf *out)
{
    buf_append_str(out, edge_status_ready(status) ? "ready\n" : "a worker is missing\n");
}

#define TYPE_TEXT "text/plain; charset=utf-8"

static const struct admin_page pages[] = {
    {"/healthz", TYPE_TEXT, write_health},
    {"/readyz", TYPE_TEXT, write_readiness},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", edge_status_metrics},
    {"/status", "application/json", edge_status_json},
    {"/status.txt", TYPE_TEXT, edge_status_text},
};

static const struct admin_page *find_page(struct span path)
{
    for (size_t i = 0; i < countof(pages); i++) {
        if (span_equal(path, span_str(pages[i].path)))
            return &pages[i];
    }
    return NULL;
}

static void list_pages(struct buf *out)
{
    buf_append_str(out, "no such page; there are");
    for (size_t i = 0; i < countof(pages); i++)
        buf_appendf(out, " %s", pages[i].path);
    buf_append_str(out, "\n");
}

static void answer(struct exchange *exchange, int status, const char *type, struct span body)
{
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = status;
    enum err err = fields_add(&head->fields, SPAN("content-type"), span_str(type));
    if (err == ERR_OK)
        err = fields_add(&head->fields, SPAN("cache-control"), SPAN("no-store"));
    if (err == ERR_OK && status == 405)
        err = fields_add(&head->fields, SPAN("allow"), SPAN("GET, HEAD"));
    ASSERT(err == ERR_OK);
    reply_attach(exchange, head, body);
}

static void admin_begin(void *owner, struct exchange *exchange)
{
    const struct admin *admin = owner;
    const struct head *request = exchange->request.head;
    const struct admin_page *page = find_page(request->path);
    struct buf body;
    int status = 404;
    const char *type = TYPE_TEXT;
    buf_init(&body, LIMIT_FLOW_BYTES);
    if (!span_equal(request->method, SPAN("GET")) && !span_equal(request->method, SPAN("HEAD"))) {
        status = 405;
    } else if (page != NULL) {
        type = page->type;
        status = page->write != write_readiness || edge_status_ready(admin->status) ? 200 : 503;
        page->write(admin->status, &body);
    } else {
        list_pages(&body);
    }
    ASSERT(!body.overflowed);
    answer(exchange, status, type, buf_span(&body));
    buf_release(&body);
}

/* ---- connections */

static void free_when_empty(struct admin *admin)
{
    if (admin->closing && list_empty(&admin->conns))
        mem_free(&admin);
}

static void conn_closed(void *owner, enum err err)
{
    struct admin_conn *conn = owner;
    struct admin *admin = conn->admin;
    (void)err;
    list_remove(&admin->conns, &conn->node);
    mem_free(&conn);
    free_when_empty(admin);
}

static const struct h1_client_events h1_events = {.on_closed = conn_closed};

static void nothing_read(void *owner, struct span bytes)
{
    (void)owner;
    (void)bytes; /* reading is started by h1_client */
}

static const struct transport_events no_events = {.on_bytes = nothing_read};

static bool admin_on_accept(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct admin *admin = owner;
    (void)peer;
    if (admin->conns.count >= LIMIT_ADMIN_CONNS) {
        close(fd);
        return false;
    }
    static const struct client_facts facts = {.version = HTTP_1_1};
    struct admin_conn *conn = mem_new(struct admin_conn);
    conn->admin = admin;
    list_push_back(&admin->conns, &conn->node);
    struct transport *transport = transport_tcp_accept(admin->loop, fd, &no_events, conn);
    conn->h1 = h1_client_open(transport, &admin->intake, &facts, &h1_events, conn);
    return true;
}

static void admin_on_starved(void *owner)
{
    (void)owner; /* it has few connections, and they do not last */
}

static const struct listener_events listener_events = {.on_accept = admin_on_accept,
                                                       .on_starved = admin_on_starved};

/* ---- the whole */

struct admin *admin_open(struct loop *loop, int fd, const struct edge_status *status)
{
    struct admin *admin = mem_new(struct admin);
    admin->loop = loop;
    admin->status = status;
    admin->exchanges = (struct exchange_pools){
        .wakeq = &loop->wakeq, .arenas = &loop->arenas, .chunks = &loop->chunks};
    admin->intake =
        (struct exchange_intake){.begin = admin_begin, .owner = admin, .pools = &admin->exchanges};
    list_init(&admin->conns);
    admin->listener = listener_open(loop, fd, &listener_events, admin);
    return admin;
}

void admin_close(struct admin **slot)
{
    struct admin *admin = *slot;
    if (admin == NULL)
        return;
    *slot = NULL;
    listener_close(&admin->listener);
    admin->closing = true;
    LIST_EACH(&admin->conns, node)
    h1_client_close(container_of(node, struct admin_conn, node)->h1);
    free_when_empty(admin);
}
