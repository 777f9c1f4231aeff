/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_conn.h - an http_conn without a socket: it counts what runs on it and does as it is told.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_CONN_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_CONN_H

#include "dataplane/http/http_conn.h"

struct fake_conn {
    struct http_conn conn; /* first: a fake_conn is one */
    struct wakeq *wakeq;
    struct wake closing;
    struct list_node node; /* the test's */
    bool drained, closed;
    /* May be NULL.  The exchange is what http_conn_run was given. */
    void (*on_run)(struct fake_conn *fake, struct exchange *exchange);
    void *test;
};

struct fake_conn *fake_conn_new(struct wakeq *wakeq, enum http_version version, uint32_t slots_max,
                                const struct http_conn_events *events, void *owner);
/* One exchange ends. */
void fake_conn_finish(struct fake_conn *fake);
/* SETTINGS_MAX_CONCURRENT_STREAMS changes. */
void fake_conn_set_slots(struct fake_conn *fake, uint32_t slots_max);
void fake_conn_goaway(struct fake_conn *fake);
/* The connection dies now: on_closed, and the fake is freed. */
void fake_conn_die(struct fake_conn *fake, enum err err);

#endif
