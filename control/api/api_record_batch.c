/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record_batch.c - /zones/{zone}/dns_records/batch: many records in one transaction.
 *
 * In the order of the original: deletes, patches, puts, posts.  All or nothing.
 */
#include "common/base/json.h"
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_record.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"

#define ITEM_PATH_BYTES 32

enum batch_part { DELETES, PATCHES, PUTS, POSTS, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"deletes", "patches", "puts", "posts"};

struct batch_item {
    enum batch_part part;
    char path[ITEM_PATH_BYTES]; /* "posts[2]" */
    struct id id;
    struct change_record_spec spec;
    struct store_record before; /* of deletes */
};

struct batch {
    struct store_zone zone;
    struct batch_item *items;
    size_t count;
};

struct batch_spec {
    json_t *parts[PART_COUNT];
};

struct item_spec {
    struct span id;
};

static enum err decode_item(struct api_request *request, struct api_reply *reply,
                            const json_t *json, struct batch_item *item)
{
    static const struct json_field fields[] = {
        JSON_TEXT("id", struct item_spec, id, JSON_REQUIRED, ID_TEXT_BYTES),
        JSON_FIELDS_END,
    };
    struct item_spec spec = {SPAN_EMPTY};
    if (item->part != POSTS) {
        TRY(json_decode(json, fields, item->path, &spec, &reply->problem));
        if (id_parse(spec.id, &item->id) != ERR_OK)
            return problem_set(&reply->problem, ERR_INVALID, item->path,
                               "id must be 32 hex digits");
    }
    if (item->part == DELETES)
        return ERR_OK;
    return api_record_decode(request, reply, json, item->path, &item->spec);
}

static enum err decode_batch(struct api_request *request, struct api_reply *reply,
                             struct batch *batch)
{
    static const struct json_field fields[] = {
        JSON_VALUE("deletes", struct batch_spec, parts[DELETES], JSON_OPTIONAL),
        JSON_VALUE("patches", struct batch_spec, parts[PATCHES], JSON_OPTIONAL),
        JSON_VALUE("puts", struct batch_spec, parts[PUTS], JSON_OPTIONAL),
        JSON_VALUE("posts", struct batch_spec, parts[POSTS], JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct batch_spec spec = {{NULL}};
    size_t count = 0;
    TRY(api_body_decode(request, reply, fields, &spec));
    for (size_t p = 0; p < PART_COUNT; p++) {
        if (spec.parts[p] && !json_is_null(spec.parts[p]) && !json_is_array(spec.parts[p]))
            return problem_set(&reply->problem, ERR_INVALID, part_names[p], "must be an array");
        count += json_array_size(spec.parts[p]);
    }
    if (count < 1 || count > LIMIT_RECORD_BATCH)
        return api_fail(reply, API_ERROR_FIELD, "", "a batch must name 1 to %d records",
                        LIMIT_RECORD_BATCH);
    batch->items = arena_calloc(&request->arena, count, sizeof(*batch->items));
    for (size_t p = 0; p < PART_COUNT; p++)
        for (size_t i = 0; i < json_array_size(spec.parts[p]); i++) {
            struct batch_item *item = &batch->items[batch->count++];
            item->part = (enum batch_part)p;
            text_format(item->path, sizeof(item->path), "%s[%zu]", part_names[p], i);
            TRY(decode_item(request, reply, json_array_get(spec.parts[p], i), item));
        }
    return ERR_OK;
}

static enum err read_record(struct api_request *request, const struct batch *batch,
                            const struct id *id, struct store_record *out)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_record_get(conn, &request->actor.scope, &batch->zone.id, id, &request->arena, out);
}

/* What is deleted is answered as it was. */
static enum err read_deletes(struct api_request *request, struct batch *batch)
{
    TRY(api_zone_read(request, &batch->zone));
    for (size_t i = 0; i < batch->count && batch->items[i].part == DELETES; i++)
        TRY(read_record(request, batch, &batch->items[i].id, &batch->items[i].before));
    return ERR_OK;
}

static enum err apply(struct api_request *request, const struct batch *batch,
                      struct batch_item *item, struct problem *problem)
{
    struct change *change = request->change;
    const struct id *zone_id = &batch->zone.id;
    switch (item->part) {
    case DELETES:
        return change_record_delete(change, zone_id, &item->id, problem);
    case PATCHES:
        return change_record_patch(change, zone_id, &item->id, &item->spec, problem);
    case PUTS:
        return change_record_put(change, zone_id, &item->id, &item->spec, problem);
    case POSTS:
        return change_record_create(change, zone_id, &item->spec, &item->id, problem);
    case PART_COUNT:
        break;
    }
    UNREACHABLE();
}

/* "content" of the third post is "posts[2].content". */
static void place_problem(struct problem *problem, const struct batch_item *item)
{
    char path[sizeof(problem->path)];
    text_format(path, sizeof(path), "%s%s%.48s", item->path, problem->path[0] ? "." : "",
                problem->path);
    text_format(problem->path, sizeof(problem->path), "%s", path);
}

static enum err reply_batch(struct api_request *request, struct api_reply *reply,
                            const struct batch *batch)
{
    json_t *parts[PART_COUNT];
    for (size_t p = 0; p < PART_COUNT; p++)
        parts[p] = json_array();
    json_t *result = json_pack("{s:o, s:o, s:o, s:o}", part_names[0], parts[0], part_names[1],
                               parts[1], part_names[2], parts[2], part_names[3], parts[3]);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        struct store_record record = item->before;
        if (item->part != DELETES)
            err = read_record(request, batch, &item->id, &record);
        if (err == ERR_OK)
            json_array_append_new(parts[item->part], api_record_json(&batch->zone, &record));
    }
    if (err != ERR_OK) {
        json_decref(result);
        return err;
    }
    return api_reply_result(reply, result);
}

static enum err record_batch(struct api_request *request, struct api_reply *reply)
{
    struct batch batch = {.count = 0};
    TRY(decode_batch(request, reply, &batch));
    TRY(read_deletes(request, &batch));
    TRY(api_change_begin(request, reply));
    for (size_t i = 0; i < batch.count; i++) {
        enum err err = apply(request, &batch, &batch.items[i], &reply->problem);
        if (err != ERR_OK)
            place_problem(&reply->problem, &batch.items[i]);
        TRY(err);
    }
    TRY(api_change_commit(request, reply));
    return reply_batch(request, reply, &batch);
}

const struct api_route api_record_batch_routes[] = {
    {API_POST, "/zones/{zone}/dns_records/batch", PERMISSION_RECORD_EDIT, record_batch,
     api_record_errors, true},
    API_ROUTES_END,
};
