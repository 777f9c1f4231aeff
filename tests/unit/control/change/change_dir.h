/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_dir.h - a bootstrapped store with a door, an operator, and a second person with an
 * account of his own.
 */
#ifndef TRUNKLINE_TESTS_UNIT_CONTROL_CHANGE_CHANGE_DIR_H
#define TRUNKLINE_TESTS_UNIT_CONTROL_CHANGE_CHANGE_DIR_H

#include <sys/stat.h>

#include "control/change/change_account.h"
#include "control/change/change_int.h"
#include "control/change/change_record.h"
#include "control/change/change_setting.h"
#include "control/change/change_zone.h"
#include "tests/unit/control/store/store_dir.h"

struct change_dir {
    struct store_dir *d;
    struct change_door door;
    struct change_actor operating, owner;
    struct change_user_made first, second;
    struct problem problem; /* of the last change */
    uint64_t revision;      /* of the last commit */
    uint64_t told_revision; /* by on_revision */
};

static inline void note_revision(void *owner, uint64_t revision)
{
    struct change_dir *c = owner;
    c->told_revision = revision;
}

static inline struct change *begin(struct change_dir *c, const struct change_actor *actor)
{
    struct change *change = NULL;
    c->problem = (struct problem){.code = ERR_OK};
    assert_int_equal(change_begin(&c->door, actor, &change), ERR_OK);
    return change;
}

/* Ends the change as its caller would. */
static inline enum err end(struct change_dir *c, struct change *change, enum err err)
{
    if (err == ERR_OK)
        err = change_commit(&change, &c->revision, &c->problem);
    change_abandon(&change);
    return err;
}

static inline enum err make_zone(struct change_dir *c, const struct change_actor *actor,
                                 const char *name, struct id *out)
{
    const struct change_zone_spec spec = {.name = span_str(name)};
    struct change *change = begin(c, actor);
    enum err err = change_zone_create(change, &spec, out, &c->problem);
    /* Served from the start, whoever made it. */
    change->actor.scope.platform_wide = true;
    if (err == ERR_OK && !actor->scope.platform_wide)
        err = change_zone_activate(change, out, &c->problem);
    return end(c, change, err);
}

static inline struct change_record_spec record_spec(const char *type, const char *name,
                                                    const char *content)
{
    return (struct change_record_spec){
        .type = span_str(type),
        .type_given = true,
        .name = span_str(name),
        .name_given = true,
        .content = span_str(content),
        .content_given = true,
        .proxied = true,
        .proxied_given = true,
    };
}

static inline enum err make_record(struct change_dir *c, const struct id *zone_id,
                                   const struct change_record_spec *spec, struct id *out)
{
    struct change *change = begin(c, &c->owner);
    return end(c, change, change_record_create(change, zone_id, spec, out, &c->problem));
}

static inline enum err set_word(struct change_dir *c, const struct id *zone_id, const char *id,
                                const char *word)
{
    const struct change_setting item = {
        .id = span_str(id), .path = "", .kind = SETTING_TEXT, .word = span_str(word)};
    struct change *change = begin(c, &c->owner);
    return end(c, change, change_settings_set(change, zone_id, &item, 1, &c->problem));
}

static inline void make_people(struct change_dir *c)
{
    const struct change_actor console = {.scope = {.platform_wide = true}};
    const struct change_user_spec first = {SPAN("Op@Example.net"), SPAN("long enough"), true};
    const struct change_user_spec second = {SPAN("dana@example.net"), SPAN("long enough"), false};
    struct change *change = begin(c, &console);
    assert_int_equal(end(c, change, change_bootstrap(change, &first, &c->first, &c->problem)),
                     ERR_OK);
    change = begin(c, &console);
    assert_int_equal(end(c, change, change_user_create(change, &second, &c->second, &c->problem)),
                     ERR_OK);
}

/* The store of the first test right after make_people, copied for the others: a password takes
 * its time. */
struct saved_store {
    uint8_t db[1 << 20], key[128];
    size_t db_bytes, key_bytes;
    struct change_user_made first, second;
};

static struct saved_store saved;

static inline void save_file(const char *path, uint8_t *out, size_t out_bytes, size_t *len)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *len = fread(out, 1, out_bytes, file);
    assert_true(*len > 0 && *len < out_bytes);
    fclose(file);
}

static inline void restore_file(const char *path, const uint8_t *bytes, size_t len, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void fill_actors(struct change_dir *c)
{
    c->operating.scope = (struct store_scope){.user_id = c->first.user_id, .platform_wide = true};
    c->owner.scope = (struct store_scope){.user_id = c->second.user_id};
    c->owner.token_id = c->second.token_id;
    c->owner.ip = SPAN("192.0.2.7");
    c->owner.request_id = SPAN("r-1");
}

static inline int change_dir_setup(void **state)
{
    struct change_dir *c = calloc(1, sizeof(*c));
    char key[128];
    c->d = store_dir_make();
    text_format(key, sizeof(key), "%s.key", c->d->path);
    if (saved.db_bytes == 0) {
        store_dir_open(c->d);
        c->door.store = c->d->store;
        make_people(c);
        store_close(&c->d->store);
        save_file(c->d->path, saved.db, sizeof(saved.db), &saved.db_bytes);
        save_file(key, saved.key, sizeof(saved.key), &saved.key_bytes);
        saved.first = c->first;
        saved.second = c->second;
    } else {
        restore_file(c->d->path, saved.db, saved.db_bytes, 0600);
        restore_file(key, saved.key, saved.key_bytes, 0400);
        c->first = saved.first;
        c->second = saved.second;
    }
    store_dir_open(c->d);
    c->door = (struct change_door){
        .store = c->d->store,
        .name_servers = SPAN("ns1.example.net,ns2.example.net"),
        .on_revision = note_revision,
        .on_revision_owner = c,
    };
    fill_actors(c);
    *state = c;
    return 0;
}

static inline int change_dir_teardown(void **state)
{
    struct change_dir *c = *state;
    void *inner = c->d;
    free(c);
    return store_dir_teardown(&inner);
}

#define CHANGE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, change_dir_setup, change_dir_teardown)

#endif
