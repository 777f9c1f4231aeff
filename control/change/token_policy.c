/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_policy.c - the policies and conditions of a token, as JSON and as what is decided with.
 */
#include "control/change/token_policy.h"

#include <stdio.h>

#include "common/base/json.h"
#include "common/model/limits.h"

#define RESOURCE SPAN("com.cloudflare.api.")
#define PATH_BYTES 64

static enum err refuse(struct problem *problem, const char *path, const char *text)
{
    return problem_set(problem, ERR_INVALID, path, "%s", text);
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : SPAN_EMPTY;
}

struct resource_form {
    const char *prefix;
    enum policy_kind all, one;
};

static bool parse_resource(struct span key, struct policy_resource *out)
{
    static const struct resource_form forms[] = {
        {"account.zone.", POLICY_ZONES, POLICY_ZONE},
        {"account.", POLICY_ACCOUNTS, POLICY_ACCOUNT},
        {"user.", POLICY_USERS, POLICY_USER},
    };
    if (!span_starts_with(key, RESOURCE))
        return false;
    key = span_skip(key, RESOURCE.len);
    for (size_t i = 0; i < countof(forms); i++) {
        struct span prefix = span_str(forms[i].prefix);
        if (!span_starts_with(key, prefix))
            continue;
        struct span id = span_skip(key, prefix.len);
        bool all = span_equal(id, SPAN("*"));
        *out = (struct policy_resource){.kind = all ? forms[i].all : forms[i].one};
        return all || id_parse(id, &out->id) == ERR_OK;
    }
    return false;
}

/* {"com.cloudflare.api.account.<id>": {"com.cloudflare.api.account.zone.*": "*"}} */
static bool parse_inner(const json_t *value, struct policy_resource *resource)
{
    struct policy_resource inner;
    void *first = json_object_iter((json_t *)(uintptr_t)value);
    if (json_object_size(value) != 1 || resource->kind != POLICY_ACCOUNT ||
        !parse_resource(span_str(json_object_iter_key(first)), &inner))
        return false;
    if (!span_equal(text_of(json_object_iter_value(first)), SPAN("*")))
        return false;
    if (inner.kind == POLICY_ZONES)
        resource->kind = POLICY_ZONES_OF;
    else
        *resource = inner;
    return inner.kind == POLICY_ZONES || inner.kind == POLICY_ZONE;
}

static enum err read_resources(const json_t *object, const char *path, struct arena *arena,
                               struct policy *out, struct problem *problem)
{
    size_t count = json_object_size(object);
    const char *key;
    json_t *value;
    if (!json_is_object(object) || count == 0)
        return refuse(problem, path, "resources must be an object of at least one resource");
    if (count > LIMIT_POLICY_RESOURCES)
        return problem_set(problem, ERR_LIMIT, path, "at most %d resources",
                           LIMIT_POLICY_RESOURCES);
    struct policy_resource *list = arena_calloc(arena, count, sizeof(*list));
    out->resources = list;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct policy_resource *resource = &list[out->resource_count++];
        if (!parse_resource(span_str(key), resource) ||
            (json_is_object(value) ? !parse_inner(value, resource)
                                   : !span_equal(text_of(value), SPAN("*"))))
            return refuse(problem, path, "resources has one that is not known");
    }
    return ERR_OK;
}

static enum err read_groups(const json_t *list, const char *path, struct policy *out,
                            struct problem *problem)
{
    size_t at;
    json_t *item;
    if (json_array_size(list) == 0)
        return refuse(problem, path, "permission_groups must be a list of at least one");
    if (json_array_size(list) > PERMISSION_COUNT)
        return problem_set(problem, ERR_LIMIT, path, "at most %d permission_groups",
                           PERMISSION_COUNT);
    json_array_foreach(list, at, item)
    {
        uint64_t permissions;
        if (!policy_group(text_of(json_object_get(item, "id")), &permissions))
            return refuse(problem, path, "permission_groups has one that is not known");
        out->permissions |= permissions;
    }
    return ERR_OK;
}

static enum err read_policy(const json_t *item, const char *path, struct arena *arena,
                            struct policy *out, struct problem *problem)
{
    struct span effect = text_of(json_object_get(item, "effect"));
    if (!json_is_object(item))
        return refuse(problem, path, "must be an object");
    out->denying = span_equal(effect, SPAN("deny"));
    if (!out->denying && !span_equal(effect, SPAN("allow")))
        return refuse(problem, path, "effect must be allow or deny");
    TRY(read_groups(json_object_get(item, "permission_groups"), path, out, problem));
    return read_resources(json_object_get(item, "resources"), path, arena, out, problem);
}

enum err token_policies_read(const json_t *list, struct arena *arena, struct policies *out,
                             struct problem *problem)
{
    size_t count = json_array_size(list);
    char path[PATH_BYTES];
    if (count == 0)
        return refuse(problem, "policies", "must be a list of at least one policy");
    if (count > LIMIT_TOKEN_POLICIES)
        return problem_set(problem, ERR_LIMIT, "policies", "at most %d policies",
                           LIMIT_TOKEN_POLICIES);
    struct policy *rows = arena_calloc(arena, count, sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "policies[%zu]", i);
        TRY(read_policy(json_array_get(list, i), path, arena, &rows[i], problem));
    }
    *out = (struct policies){rows, count};
    return ERR_OK;
}

static int append_text(const char *bytes, size_t len, void *cls)
{
    buf_append((struct buf *)cls, span_of(bytes, len));
    return 0;
}

static void write_json(json_t *value, struct buf *out)
{
    ASSERT(value && json_dump_callback(value, append_text, out, JSON_COMPACT) == 0);
    json_decref(value);
}

void token_policies_write(const json_t *list, struct buf *out)
{
    size_t at, k;
    json_t *item, *group, *kept = json_array();
    json_array_foreach(list, at, item)
    {
        struct id id;
        json_t *groups = json_array();
        if (id_parse(text_of(json_object_get(item, "id")), &id) != ERR_OK)
            id = id_new();
        json_array_foreach(json_object_get(item, "permission_groups"), k, group)
        {
            json_array_append_new(groups, json_pack("{s:O}", "id", json_object_get(group, "id")));
        }
        json_array_append_new(kept,
                              json_pack("{s:s, s:O, s:o, s:O}", "id", id.text, "effect",
                                        json_object_get(item, "effect"), "permission_groups",
                                        groups, "resources", json_object_get(item, "resources")));
    }
    write_json(kept, out);
}

static const json_t *request_ip(const json_t *condition)
{
    const json_t *networks = json_object_get(condition, "request_ip");
    return networks && !json_is_null(networks) ? networks
                                               : json_object_get(condition, "request.ip");
}

static bool is_object_or_none(const json_t *value)
{
    return !value || json_is_null(value) || json_is_object(value);
}

static enum err read_networks(const json_t *list, const char *path, struct address_ranges *out,
                              struct problem *problem)
{
    size_t at;
    json_t *item;
    if (list && !json_is_null(list) && !json_is_array(list))
        return refuse(problem, path, "must be a list of networks");
    json_array_foreach(
        list, at,
        item) if (address_ranges_add(out, text_of(item)) !=
                  ERR_OK) return problem_set(problem, ERR_INVALID, path,
                                             "must be at most %d networks like 192.0.2.0/24",
                                             ADDRESS_POLICY_RANGES_MAX);
    return ERR_OK;
}

enum err token_condition_read(const json_t *condition, struct token_networks *out,
                              struct problem *problem)
{
    const json_t *networks = request_ip(condition);
    *out = (struct token_networks){.in = {.count = 0}};
    /* What is not understood would be a token that is good from anywhere. */
    if (!is_object_or_none(condition) || !is_object_or_none(networks))
        return refuse(problem, "condition.request_ip", "must be an object with in or not_in");
    TRY(read_networks(json_object_get(networks, "in"), "condition.request_ip.in", &out->in,
                      problem));
    return read_networks(json_object_get(networks, "not_in"), "condition.request_ip.not_in",
                         &out->not_in, problem);
}

void token_condition_write(const json_t *condition, struct buf *out)
{
    const json_t *networks = request_ip(condition);
    json_t *in = json_object_get(networks, "in"), *not_in = json_object_get(networks, "not_in");
    json_t *kept = json_object();
    if (json_array_size(in) > 0)
        (void)json_object_set(kept, "in", in);
    if (json_array_size(not_in) > 0)
        (void)json_object_set(kept, "not_in", not_in);
    if (json_object_size(kept) > 0)
        write_json(json_pack("{s:O}", "request_ip", kept), out);
    json_decref(kept);
}

enum err token_policies_load(struct span text, struct arena *arena, const struct policies **out)
{
    struct problem problem = {.code = ERR_OK};
    json_t *list = NULL;
    *out = NULL;
    if (text.len == 0)
        return ERR_OK;
    struct policies *policies = arena_new(arena, struct policies);
    enum err err = json_parse(text, &list, &problem);
    if (err == ERR_OK)
        err = token_policies_read(list, arena, policies, &problem);
    json_decref(list);
    *out = policies;
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err token_condition_check(struct span text, struct span remote, bool *out)
{
    struct problem problem = {.code = ERR_OK};
    struct token_networks networks;
    struct address from;
    json_t *condition = NULL;
    *out = true;
    if (text.len == 0)
        return ERR_OK;
    enum err err = json_parse(text, &condition, &problem);
    if (err == ERR_OK)
        err = token_condition_read(condition, &networks, &problem);
    json_decref(condition);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    *out = address_parse(remote, &from) == ERR_OK &&
           (networks.in.count == 0 || address_ranges_hold(&networks.in, &from)) &&
           !address_ranges_hold(&networks.not_in, &from);
    return ERR_OK;
}
