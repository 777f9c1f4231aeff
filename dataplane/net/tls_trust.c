/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_trust.c - an X509_STORE, filled once.
 */
#include "dataplane/net/tls_trust.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "common/base/mem.h"
#include "dataplane/net/tls_profile_int.h"

/* Only the origin CA publishes a list here; for the others there is none to ask. */
static int accept_unlisted(int ok, X509_STORE_CTX *chain)
{
    if (ok || X509_STORE_CTX_get_error(chain) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return ok;
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
}

static bool add_entry(X509_STORE *store, const X509_INFO *entry)
{
    if (entry->x509 && X509_STORE_add_cert(store, entry->x509) != 1)
        return false;
    if (!entry->crl)
        return true;
    X509_STORE_set_verify_cb(store, accept_unlisted);
    return X509_STORE_add_crl(store, entry->crl) == 1 &&
           X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
}

static bool add_origin_ca(X509_STORE *store, struct span pem)
{
    ASSERT(pem.len <= INT32_MAX);
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    STACK_OF(X509_INFO) *all = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    bool added = all != NULL && sk_X509_INFO_num(all) > 0;
    for (int i = 0; added && i < sk_X509_INFO_num(all); i++)
        added = add_entry(store, sk_X509_INFO_value(all, i));
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    BIO_free(bio);
    return added;
}

static enum err fill(X509_STORE *store, const char *ca_file, struct span origin_ca_pem,
                     struct problem *problem)
{
    bool loaded = ca_file ? X509_STORE_load_file(store, ca_file) == 1
                          : X509_STORE_set_default_paths(store) == 1;
    if (!loaded)
        return problem_set(problem, ERR_INVALID, "ca_file", "cannot read certificates from %s: %s",
                           ca_file ? ca_file : "the system's store", tls_reason());
    if (origin_ca_pem.len > 0 && !add_origin_ca(store, origin_ca_pem))
        return problem_set(problem, ERR_INVALID, "origin_ca", "cannot be read: %s", tls_reason());
    return ERR_OK;
}

enum err tls_trust_new(const char *ca_file, struct span origin_ca_pem, struct tls_trust **out,
                       struct problem *problem)
{
    struct tls_trust *trust = mem_new(struct tls_trust);
    *out = NULL;
    trust->store = X509_STORE_new();
    ASSERT(trust->store != NULL);
    enum err err = fill(trust->store, ca_file, origin_ca_pem, problem);
    if (err != ERR_OK)
        tls_trust_free(&trust);
    *out = trust;
    return err;
}

void tls_trust_free(struct tls_trust **trust)
{
    if (!*trust)
        return;
    X509_STORE_free((*trust)->store);
    mem_free(trust);
}
