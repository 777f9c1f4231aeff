/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_tls.c - profiles towards origins, found by what they do.
 */
#include "dataplane/origin/origin_tls.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/limits.h"

#define KEY_BYTES (2 + ID_TEXT_BYTES)

struct origin_tls_entry {
    struct list_node node; /* in tls->used */
    struct tls_profile *profile;
    bool verified;
    char key[KEY_BYTES];
};

static struct origin_tls_entry *entry_of(struct list_node *node)
{
    return container_of(node, struct origin_tls_entry, node);
}

static struct span encode_want(const struct origin_tls_want *want, char out[KEY_BYTES])
{
    out[0] = want->verified ? 'v' : '-';
    out[1] = want->h2_offered ? '2' : '1';
    memcpy(out + 2, want->client_certificate.text, ID_TEXT_BYTES);
    return span_of(out, KEY_BYTES);
}

void origin_tls_init(struct origin_profiles *tls, const char *ca_file,
                     const struct origin_tls_source *source)
{
    *tls = (struct origin_profiles){.ca_file = ca_file, .source = *source};
    map_init(&tls->by_key);
    list_init(&tls->used);
}

static void drop_entry(struct origin_profiles *tls, struct origin_tls_entry *entry)
{
    (void)map_remove(&tls->by_key, span_of(entry->key, KEY_BYTES));
    list_remove(&tls->used, &entry->node);
    tls_profile_unref(&entry->profile);
    mem_free(&entry);
}

void origin_tls_release(struct origin_profiles *tls)
{
    LIST_EACH(&tls->used, node)
    drop_entry(tls, entry_of(node));
    tls_trust_free(&tls->trust);
    map_release(&tls->by_key);
}

void origin_tls_forget_trust(struct origin_profiles *tls)
{
    tls_trust_free(&tls->trust);
    LIST_EACH(&tls->used, node)
    {
        struct origin_tls_entry *entry = entry_of(node);
        if (entry->verified)
            drop_entry(tls, entry);
    }
}

/* An origin CA that cannot be read costs what it signed, not every verified origin. */
static enum err load_trust(struct origin_profiles *tls, struct problem *problem)
{
    struct buf pem;
    if (tls->trust)
        return ERR_OK;
    buf_init(&pem, LIMIT_CERTIFICATE_BYTES);
    enum err err =
        tls->source.origin_ca ? tls->source.origin_ca(tls->source.owner, &pem) : ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = tls_trust_new(tls->ca_file, buf_span(&pem), &tls->trust, problem);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        log_error("origin_ca_unread", F_ERR(err), F_STR("text", problem->text));
    buf_release(&pem);
    return tls->trust ? ERR_OK : tls_trust_new(tls->ca_file, SPAN_EMPTY, &tls->trust, problem);
}

static enum err load_certificate(struct origin_profiles *tls, const struct id *id,
                                 struct buf *chain, struct buf *key, struct problem *problem)
{
    if (id->text[0] == '\0')
        return ERR_OK;
    enum err err = tls->source.certificate
                       ? tls->source.certificate(tls->source.owner, id, chain, key)
                       : ERR_NOT_FOUND;
    if (err == ERR_OK)
        return ERR_OK;
    return problem_set(problem, err, "client_certificate",
                       "the zone's client certificate cannot be read");
}

static enum err make_profile(struct origin_profiles *tls, const struct origin_tls_want *want,
                             struct tls_profile **out, struct problem *problem)
{
    struct tls_origin_options options = {.h2_offered = want->h2_offered};
    struct buf chain, key;
    if (want->verified) {
        TRY(load_trust(tls, problem));
        options.trust = tls->trust;
    }
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES);
    enum err err = load_certificate(tls, &want->client_certificate, &chain, &key, problem);
    options.chain_pem = buf_span(&chain);
    options.key_pem = buf_span(&key);
    if (err == ERR_OK)
        err = tls_profile_new_origin_facing(&options, out, problem);
    if (key.cap > 0)
        mem_wipe(key.ptr, key.cap);
    buf_release(&key);
    buf_release(&chain);
    return err;
}

struct tls_profile *origin_tls_profile(struct origin_profiles *tls,
                                       const struct origin_tls_want *want, struct problem *problem)
{
    char key[KEY_BYTES];
    struct tls_profile *made = NULL;
    struct origin_tls_entry *entry = map_get(&tls->by_key, encode_want(want, key));
    if (entry) {
        list_remove(&tls->used, &entry->node);
        list_push_front(&tls->used, &entry->node);
        return entry->profile;
    }
    if (make_profile(tls, want, &made, problem) != ERR_OK)
        return NULL;
    if (tls->used.count >= LIMIT_ORIGIN_TLS_PROFILES)
        drop_entry(tls, entry_of(tls->used.head.prev));
    entry = mem_new(struct origin_tls_entry);
    entry->profile = made;
    entry->verified = want->verified;
    (void)map_put(&tls->by_key, encode_want(want, entry->key), entry);
    list_push_front(&tls->used, &entry->node);
    return made;
}
