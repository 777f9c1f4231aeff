/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_origin_events.c - /zones/{zone}/origin_events: what edges decided by themselves, and why.
 */
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"
#include "control/store/store_origin_events.h"

static json_t *event_json(const struct store_origin_event *event)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "at", api_json_time(event->at_s * 1000000),
                     "edge", api_json_text(event->edge), "origin", api_json_text(event->origin),
                     "sni", api_json_text(event->sni), "reason", api_json_text(event->reason),
                     "until", api_json_time(event->until_s * 1000000));
}

static enum err origin_event_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {LIMIT_ZONE_ORIGIN_EVENTS, 20};
    struct api_page page;
    struct store_zone zone;
    struct store_conn *conn;
    struct store_origin_event_list list;
    TRY(api_zone_read(request, &zone));
    TRY(api_page_read(request, reply, &rule, &page));
    TRY(api_reader(request, &conn));
    TRY(store_origin_event_list(conn, &zone.id, &request->arena, &list));
    json_t *rows = json_array();
    for (uint64_t i = page.offset; i < list.count && i - page.offset < page.per_page; i++)
        json_array_append_new(rows, event_json(&list.rows[i]));
    page.total_count = list.count;
    page.count = json_array_size(rows);
    return api_reply_page(reply, rows, &page);
}

const struct api_route api_origin_events_routes[] = {
    {API_GET, "/zones/{zone}/origin_events", PERMISSION_ANALYTICS_READ, origin_event_list, NULL,
     false},
    API_ROUTES_END,
};
