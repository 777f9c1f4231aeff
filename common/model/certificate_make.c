/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_make.c - certificates that the installation's own CAs sign.
 */
#include "common/model/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/hex.h"
#include "common/base/random.h"
#include "common/model/certificate_int.h"

#define SERIAL_BYTES 16
#define COMMON_NAME_BYTES_MAX 64 /* RFC 5280, ub-common-name */
#define DAY_S 86400
#define CA_DAYS 3652
#define LEAF_DAYS 825
#define CLOCK_SKEW_S 3600 /* a visitor's clock may be this late */

/* A certificate on its way: unsigned, with its issuer (itself, for a CA). */
struct draft {
    X509 *cert;
    EVP_PKEY *key;
    X509 *issuer;
    EVP_PKEY *issuer_key;
};

static bool set_serial(X509 *cert)
{
    uint8_t bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40); /* positive, and never shorter */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return set;
}

static bool set_time(ASN1_TIME *place, uint64_t unix_s)
{
    return ASN1_TIME_set(place, (time_t)unix_s) != NULL;
}

static bool set_dates(const struct draft *draft, uint64_t now_s, uint64_t days)
{
    uint64_t start_s = now_s > CLOCK_SKEW_S ? now_s - CLOCK_SKEW_S : 0;
    uint64_t end_s = now_s + days * DAY_S, issuer_end_s = end_s;
    if (draft->issuer != draft->cert &&
        !certificate_read_time(X509_get0_notAfter(draft->issuer), &issuer_end_s))
        return false;
    if (end_s > issuer_end_s)
        end_s = issuer_end_s;
    return set_time(X509_getm_notBefore(draft->cert), start_s) &&
           set_time(X509_getm_notAfter(draft->cert), end_s);
}

static bool add_extension(const struct draft *draft, int nid, const char *value)
{
    X509V3_CTX scope;
    X509V3_set_ctx_nodb(&scope);
    X509V3_set_ctx(&scope, draft->issuer, draft->cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &scope, nid, value);
    bool added = extension != NULL && X509_add_ext(draft->cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_common_name(X509_NAME *name, struct span text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text.ptr, (int)text.len, -1, 0) ==
           1;
}

/* Everything that a CA and a leaf have in common. */
static bool begin_draft(const struct draft *draft, uint64_t now_s, uint64_t days)
{
    return X509_set_version(draft->cert, X509_VERSION_3) == 1 && set_serial(draft->cert) &&
           set_dates(draft, now_s, days) && X509_set_pubkey(draft->cert, draft->key) == 1 &&
           X509_set_issuer_name(draft->cert, X509_get_subject_name(draft->issuer)) == 1 &&
           add_extension(draft, NID_subject_key_identifier, "hash") &&
           add_extension(draft, NID_authority_key_identifier, "keyid:always");
}

static bool sign_draft(const struct draft *draft)
{
    return X509_sign(draft->cert, draft->issuer_key, EVP_sha256()) > 0;
}

/* OpenSSL clears the memory of a BIO when it frees it. */
static bool write_pem(const X509 *cert, const EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool written = bio != NULL;
    if (written && cert != NULL)
        written = PEM_write_bio_X509(bio, cert) == 1;
    if (written && key != NULL)
        written = PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (written) {
        long len = BIO_get_mem_data(bio, &text);
        buf_append(out, span_of(text, (size_t)len));
    }
    BIO_free(bio);
    return written && !out->overflowed;
}

enum err certificate_make_ca(const char *common_name, uint64_t now_s, struct buf *chain_out,
                             struct buf *key_out)
{
    struct span name = span_str(common_name);
    if (name.len == 0 || name.len > COMMON_NAME_BYTES_MAX)
        return ERR_INVALID;
    ERR_clear_error();
    struct draft draft = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    draft.issuer = draft.cert;
    draft.issuer_key = draft.key;
    bool made = draft.cert != NULL && draft.key != NULL &&
                add_common_name(X509_get_subject_name(draft.cert), name) &&
                begin_draft(&draft, now_s, CA_DAYS) &&
                add_extension(&draft, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                add_extension(&draft, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                sign_draft(&draft) && write_pem(draft.cert, NULL, chain_out) &&
                write_pem(NULL, draft.key, key_out);
    EVP_PKEY_free(draft.key);
    X509_free(draft.cert);
    ERR_clear_error();
    return made ? ERR_OK : ERR_INTERNAL;
}

static bool push_name(GENERAL_NAMES *all, const struct hostname *name)
{
    GENERAL_NAME *one = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (one == NULL || text == NULL || ASN1_STRING_set(text, name->text, (int)name->len) != 1) {
        GENERAL_NAME_free(one);
        ASN1_IA5STRING_free(text);
        return false;
    }
    GENERAL_NAME_set0_value(one, GEN_DNS, text);
    if (sk_GENERAL_NAME_push(all, one) > 0)
        return true;
    GENERAL_NAME_free(one);
    return false;
}

/* The first name is the subject too, where it fits; without a subject the names are critical
 * (RFC 5280 4.2.1.6). */
static bool add_names(X509 *cert, const struct hostname *names, size_t name_count)
{
    bool fits = names[0].len <= COMMON_NAME_BYTES_MAX;
    int critical = fits ? 0 : 1;
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool added = all != NULL;
    for (size_t i = 0; added && i < name_count; i++)
        added = push_name(all, &names[i]);
    if (added)
        added =
            X509_add1_ext_i2d(cert, NID_subject_alt_name, all, critical, X509V3_ADD_DEFAULT) == 1;
    if (added && fits)
        added = add_common_name(X509_get_subject_name(cert), hostname_span(&names[0]));
    GENERAL_NAMES_free(all);
    return added;
}

static bool make_leaf(const struct draft *draft, const struct hostname *names, size_t name_count,
                      struct certificate_time time)
{
    /* RSA key exchange of TLS 1.2 encrypts with the key. */
    const char *usage = draft->key != NULL && EVP_PKEY_is_a(draft->key, "RSA")
                            ? "critical,digitalSignature,keyEncipherment"
                            : "critical,digitalSignature";
    return draft->cert != NULL && draft->key != NULL && add_names(draft->cert, names, name_count) &&
           begin_draft(draft, time.now_s, time.days) &&
           add_extension(draft, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(draft, NID_key_usage, usage) &&
           add_extension(draft, NID_ext_key_usage, "serverAuth") && sign_draft(draft);
}

enum err certificate_sign(const struct certificate_authority *ca, const struct hostname *names,
                          size_t name_count, uint64_t now_s, struct buf *chain_out,
                          struct buf *key_out)
{
    if (name_count == 0 || name_count > CERTIFICATE_NAMES_MAX)
        return ERR_INVALID;
    ERR_clear_error();
    struct draft draft = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    draft.issuer = certificate_read_chain(ca->chain_pem);
    draft.issuer_key = certificate_read_key(ca->key_pem);
    bool usable = draft.issuer != NULL && draft.issuer_key != NULL &&
                  X509_check_private_key(draft.issuer, draft.issuer_key) == 1;
    bool made = usable &&
                make_leaf(&draft, names, name_count, (struct certificate_time){now_s, LEAF_DAYS}) &&
                write_pem(draft.cert, NULL, chain_out) &&
                write_pem(draft.issuer, NULL, chain_out) && write_pem(NULL, draft.key, key_out);
    EVP_PKEY_free(draft.issuer_key);
    X509_free(draft.issuer);
    EVP_PKEY_free(draft.key);
    X509_free(draft.cert);
    ERR_clear_error();
    return made ? ERR_OK : usable ? ERR_INTERNAL : ERR_INVALID;
}

/* ---- for a key that stays with its owner */

/* The request with a public key that we sign for, and the proof that its sender has the private
 * one. */
static enum err open_request(struct span csr_pem, X509_REQ **out, EVP_PKEY **key_out,
                             struct problem *problem)
{
    BIO *bio = certificate_borrow(csr_pem);
    *out = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (*out == NULL)
        return certificate_refuse(problem, ERR_INVALID, "csr", "is not a PEM certificate request");
    *key_out = X509_REQ_get_pubkey(*out);
    if (*key_out == NULL || X509_REQ_verify(*out, *key_out) != 1)
        return certificate_refuse(problem, ERR_INVALID, "csr", "is not signed with its own key");
    return certificate_check_key(*key_out, "csr", problem);
}

static enum err sign_order(const struct certificate_authority *ca,
                           const struct certificate_order *order, struct draft *draft,
                           struct buf *out)
{
    draft->cert = X509_new();
    draft->issuer = certificate_read_chain(ca->chain_pem);
    draft->issuer_key = certificate_read_key(ca->key_pem);
    bool made = draft->issuer != NULL && draft->issuer_key != NULL &&
                make_leaf(draft, order->names, order->name_count, order->time) &&
                write_pem(draft->cert, NULL, out);
    EVP_PKEY_free(draft->issuer_key);
    X509_free(draft->issuer);
    X509_free(draft->cert);
    return made ? ERR_OK : ERR_INTERNAL;
}

enum err certificate_sign_request(const struct certificate_authority *ca,
                                  const struct certificate_order *order, struct buf *out,
                                  struct problem *problem)
{
    X509_REQ *request = NULL;
    struct draft draft = {.cert = NULL};
    ASSERT(order->name_count > 0 && order->name_count <= CERTIFICATE_NAMES_MAX);
    ERR_clear_error();
    enum err err = open_request(order->csr_pem, &request, &draft.key, problem);
    if (err == ERR_OK)
        err = sign_order(ca, order, &draft, out);
    EVP_PKEY_free(draft.key);
    X509_REQ_free(request);
    ERR_clear_error();
    return err;
}

/* ---- what is no longer valid */

static bool add_revoked(X509_CRL *list, struct span serial, ASN1_TIME *now)
{
    char text[2 * SERIAL_BYTES + 1];
    BIGNUM *number = NULL;
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *value = NULL;
    bool set = entry != NULL && span_to_cstr(serial, text, sizeof(text)) &&
               BN_hex2bn(&number, text) != 0 && (value = BN_to_ASN1_INTEGER(number, NULL)) != NULL;
    bool added = set && X509_REVOKED_set_serialNumber(entry, value) == 1 &&
                 X509_REVOKED_set_revocationDate(entry, now) == 1 &&
                 X509_CRL_add0_revoked(list, entry) == 1;
    if (!added)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(value);
    BN_free(number);
    return added;
}

/* Good until the CA itself ends: a new one is made whenever there is something to add. */
static bool fill_list(X509_CRL *list, const X509 *issuer,
                      const struct certificate_revocations *what)
{
    /* An edge whose clock is late must not find it from the future. */
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(what->now_s - CLOCK_SKEW_S));
    bool filled = now != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)) == 1 &&
                  X509_CRL_set1_lastUpdate(list, now) == 1 &&
                  X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(issuer)) == 1;
    for (size_t i = 0; filled && i < what->serial_count; i++)
        filled = add_revoked(list, what->serials[i], now);
    ASN1_TIME_free(now);
    return filled && X509_CRL_sort(list) == 1;
}

static bool write_list(X509_CRL *list, struct buf *out)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL && PEM_write_bio_X509_CRL(bio, list) == 1;
    if (written) {
        long len = BIO_get_mem_data(bio, &text);
        buf_append(out, span_of(text, (size_t)len));
    }
    BIO_free(bio);
    return written && !out->overflowed;
}

enum err certificate_revoke(const struct certificate_authority *ca,
                            const struct certificate_revocations *what, struct buf *out)
{
    ERR_clear_error();
    X509 *issuer = certificate_read_chain(ca->chain_pem);
    EVP_PKEY *key = certificate_read_key(ca->key_pem);
    X509_CRL *list = X509_CRL_new();
    bool made = issuer != NULL && key != NULL && list != NULL && fill_list(list, issuer, what) &&
                X509_CRL_sign(list, key, EVP_sha256()) > 0 && write_pem(issuer, NULL, out) &&
                write_list(list, out);
    X509_CRL_free(list);
    EVP_PKEY_free(key);
    X509_free(issuer);
    ERR_clear_error();
    return made ? ERR_OK : ERR_INTERNAL;
}

bool certificate_describe(struct span chain_pem, struct certificate_made *out)
{
    X509 *leaf = certificate_read_chain(chain_pem);
    const ASN1_INTEGER *serial = leaf ? X509_get0_serialNumber(leaf) : NULL;
    bool described = leaf != NULL &&
                     certificate_read_time(X509_get0_notAfter(leaf), &out->not_after_s) &&
                     ASN1_STRING_length(serial) <= SERIAL_BYTES;
    if (described)
        hex_encode(span_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
                   out->serial);
    X509_free(leaf);
    ERR_clear_error();
    return described;
}
