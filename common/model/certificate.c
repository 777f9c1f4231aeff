/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - PEM through OpenSSL: checked, and described for people.
 *
 * What OpenSSL has to say stays in a queue of the thread.  Every public function starts and ends
 * with an empty one, so that a later TLS call never reads an old complaint.
 */
#include "common/model/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "common/base/hex.h"
#include "common/base/text.h"
#include "common/model/certificate_int.h"

#define RSA_BITS_MIN 2048
#define SIGNATURE_STRENGTH_BITS_MIN                              \
    112 /* what OpenSSL's security level 2 loads; SHA-1 is below \
         */

enum err certificate_refuse(struct problem *problem, enum err err, const char *path,
                            const char *text)
{
    const char *why = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return problem_set(problem, err, path, "%s%s%s", text, why ? ": " : "", why ? why : "");
}

/* Whom a certificate is shown to. */
enum use { USE_VISITORS, USE_ORIGINS, USE_EITHER };

struct inspection {
    struct span chain_pem, key_pem;
    uint64_t now_s;
    enum use use;
};

/* Without it OpenSSL would ask for a pass phrase on the terminal. */
static int no_pass_phrase(char *out, int out_bytes, int writing, void *user)
{
    (void)out, (void)out_bytes, (void)writing, (void)user;
    return -1;
}

BIO *certificate_borrow(struct span bytes)
{
    ASSERT(bytes.len <= INT32_MAX);
    return BIO_new_mem_buf(bytes.len > 0 ? (const void *)bytes.ptr : "", (int)bytes.len);
}

/* ---- reading */

X509 *certificate_read_chain(struct span pem)
{
    BIO *bio = certificate_borrow(pem);
    X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL) : NULL;
    for (bool more = leaf != NULL; more;) {
        X509 *next = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
        more = next != NULL;
        X509_free(next);
    }
    unsigned long end = ERR_peek_last_error();
    bool whole = ERR_GET_LIB(end) == ERR_LIB_PEM && ERR_GET_REASON(end) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    if (leaf != NULL && whole) {
        ERR_clear_error();
        return leaf;
    }
    X509_free(leaf);
    return NULL;
}

EVP_PKEY *certificate_read_key(struct span pem)
{
    BIO *bio = certificate_borrow(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

enum err certificate_check_key(EVP_PKEY *key, const char *path, struct problem *problem)
{
    char curve[64] = "";
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
        if (EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
            return ERR_OK;
        return problem_set(problem, ERR_INVALID, path,
                           "has an RSA key of %d bits: at least %d are needed",
                           EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    }
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1) {
        struct span name = span_str(curve);
        if (span_equal(name, SPAN("prime256v1")) || span_equal(name, SPAN("secp384r1")) ||
            span_equal(name, SPAN("secp521r1")))
            return ERR_OK;
        return problem_set(problem, ERR_INVALID, path,
                           "has a key on the curve %s: use P-256, P-384 or P-521", curve);
    }
    return certificate_refuse(problem, ERR_INVALID, path, "has a key that is neither RSA nor EC");
}

static enum err check_key(const X509 *leaf, EVP_PKEY *key, struct problem *problem)
{
    if (X509_check_private_key(leaf, key) != 1)
        return certificate_refuse(problem, ERR_INVALID, "private_key",
                                  "does not belong to the certificate");
    return certificate_check_key(key, "certificate", problem);
}

static enum err check_signature(X509 *leaf, struct certificate_facts *out, struct problem *problem)
{
    int strength_bits = 0;
    const char *name = OBJ_nid2ln(X509_get_signature_nid(leaf));
    snprintf(out->signature, sizeof(out->signature), "%s", name ? name : "unknown");
    bool known = X509_get_signature_info(leaf, NULL, NULL, &strength_bits, NULL) == 1;
    bool self_signed = (X509_get_extension_flags(leaf) & EXFLAG_SS) != 0;
    if (!self_signed && (!known || strength_bits < SIGNATURE_STRENGTH_BITS_MIN))
        return problem_set(problem, ERR_INVALID, "certificate",
                           "is signed with %s, which browsers refuse", out->signature);
    return ERR_OK;
}

bool certificate_read_time(const ASN1_TIME *time, uint64_t *out_s)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    time_t seconds = timegm(&parts);
    *out_s = seconds > 0 ? (uint64_t)seconds : 0;
    return true;
}

static enum err check_dates(const X509 *leaf, uint64_t now_s, struct certificate_facts *out,
                            struct problem *problem)
{
    if (!certificate_read_time(X509_get0_notBefore(leaf), &out->not_before_s) ||
        !certificate_read_time(X509_get0_notAfter(leaf), &out->not_after_s))
        return certificate_refuse(problem, ERR_INVALID, "certificate",
                                  "has dates that cannot be read");
    if (now_s <= out->not_after_s)
        return ERR_OK;
    char text[TEXT_TIME_BYTES];
    text_format_time(out->not_after_s * 1000000, text);
    return problem_set(problem, ERR_INVALID, "certificate", "has expired on %.10s", text);
}

/* DNS names only; one that no visitor can ask for ("*.*.example", an address) is passed over. */
static enum err read_names(const X509 *leaf, enum use use, struct certificate_facts *out,
                           struct problem *problem)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    enum err err = ERR_OK;
    for (int i = 0; err == ERR_OK && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        struct hostname name;
        if (one->type != GEN_DNS)
            continue;
        struct span text = span_of(ASN1_STRING_get0_data(one->d.dNSName),
                                   (size_t)ASN1_STRING_length(one->d.dNSName));
        if (hostname_parse(text, HOSTNAME_WILDCARD, &name, NULL) != ERR_OK)
            continue;
        if (out->name_count == CERTIFICATE_NAMES_MAX)
            err = problem_set(problem, ERR_INVALID, "certificate", "has more than %d names",
                              CERTIFICATE_NAMES_MAX);
        else
            out->names[out->name_count++] = name;
    }
    GENERAL_NAMES_free(all);
    if (err == ERR_OK && out->name_count == 0 && use == USE_VISITORS)
        return certificate_refuse(problem, ERR_INVALID, "certificate",
                                  "names no hostname (subjectAltName, DNS)");
    return err;
}

/* RFC 2253 text with everything that is not ASCII escaped, so that it may be cut anywhere. */
static bool read_issuer(const X509 *leaf, struct certificate_facts *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool printed =
        bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(leaf), 0, XN_FLAG_RFC2253) >= 0;
    if (printed) {
        long len = BIO_get_mem_data(bio, &text);
        snprintf(out->issuer, sizeof(out->issuer), "%.*s", len > 0 ? (int)len : 0,
                 len > 0 ? text : "");
    }
    BIO_free(bio);
    return printed;
}

static enum err describe(X509 *leaf, struct certificate_facts *out, struct problem *problem)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    struct span bytes = span_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    if (bytes.len == 0 || 2 * bytes.len >= sizeof(out->serial))
        return problem_set(problem, ERR_INVALID, "certificate", "has a bad serial number");
    hex_encode(bytes, out->serial);

    uint8_t print[EVP_MAX_MD_SIZE];
    unsigned print_bytes = 0;
    if (X509_digest(leaf, EVP_sha256(), print, &print_bytes) != 1 || !read_issuer(leaf, out))
        return certificate_refuse(problem, ERR_INVALID, "certificate", "cannot be described");
    ASSERT(2 * print_bytes + 1 == sizeof(out->fingerprint_sha256));
    hex_encode(span_of(print, print_bytes), out->fingerprint_sha256);
    return ERR_OK;
}

/* One whose extended key usage leaves clients out would be refused by the origin. */
static enum err check_use(X509 *leaf, enum use use, struct problem *problem)
{
    bool limited = (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0;
    if (use == USE_ORIGINS && limited && !(X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT))
        return problem_set(problem, ERR_INVALID, "certificate",
                           "is not for clients (extendedKeyUsage lacks clientAuth)");
    return ERR_OK;
}

static enum err inspect_leaf(X509 *leaf, const struct inspection *inspection,
                             struct certificate_facts *out, struct problem *problem)
{
    TRY(check_signature(leaf, out, problem));
    TRY(check_dates(leaf, inspection->now_s, out, problem));
    TRY(check_use(leaf, inspection->use, problem));
    TRY(read_names(leaf, inspection->use, out, problem));
    return describe(leaf, out, problem);
}

static enum err inspect(const struct inspection *inspection, struct certificate_facts *out,
                        struct problem *problem)
{
    struct span chain_pem = inspection->chain_pem, key_pem = inspection->key_pem;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    enum err err = ERR_OK;
    ERR_clear_error();

    if (chain_pem.len > LIMIT_CERTIFICATE_BYTES)
        return problem_set(problem, ERR_INVALID, "certificate", "must be at most %d bytes long",
                           LIMIT_CERTIFICATE_BYTES);
    if (key_pem.len > LIMIT_PRIVATE_KEY_BYTES)
        return problem_set(problem, ERR_INVALID, "private_key", "must be at most %d bytes long",
                           LIMIT_PRIVATE_KEY_BYTES);
    if ((leaf = certificate_read_chain(chain_pem)) == NULL)
        err = certificate_refuse(problem, ERR_INVALID, "certificate", "is not a PEM chain");
    else if ((key = certificate_read_key(key_pem)) == NULL)
        err = certificate_refuse(problem, ERR_INVALID, "private_key",
                                 "is not a PEM key without pass phrase");
    else if ((err = check_key(leaf, key, problem)) == ERR_OK)
        err = inspect_leaf(leaf, inspection, out, problem);
    EVP_PKEY_free(key);
    X509_free(leaf);
    ERR_clear_error();
    return err;
}

enum err certificate_inspect(struct span chain_pem, struct span key_pem, uint64_t now_s,
                             struct hostname *names, struct certificate_facts *out,
                             struct problem *problem)
{
    const struct inspection inspection = {chain_pem, key_pem, now_s, USE_VISITORS};
    *out = (struct certificate_facts){.names = names};
    return inspect(&inspection, out, problem);
}

enum err certificate_inspect_client(struct span chain_pem, struct span key_pem, uint64_t now_s,
                                    struct hostname *names, struct certificate_facts *out,
                                    struct problem *problem)
{
    const struct inspection inspection = {chain_pem, key_pem, now_s, USE_ORIGINS};
    *out = (struct certificate_facts){.names = names};
    return inspect(&inspection, out, problem);
}

enum err certificate_inspect_received(struct span chain_pem, struct span key_pem,
                                      struct hostname *names, struct certificate_facts *out,
                                      struct problem *problem)
{
    const struct inspection inspection = {chain_pem, key_pem, 0, USE_EITHER};
    *out = (struct certificate_facts){.names = names};
    return inspect(&inspection, out, problem);
}

enum err certificate_inspect_ca(struct span chain_pem, struct problem *problem)
{
    ERR_clear_error();
    X509 *ca = chain_pem.len <= LIMIT_CERTIFICATE_BYTES ? certificate_read_chain(chain_pem) : NULL;
    bool usable = ca != NULL && X509_check_ca(ca) > 0;
    X509_free(ca);
    if (usable) {
        ERR_clear_error();
        return ERR_OK;
    }
    return certificate_refuse(problem, ERR_INVALID, "certificate", "is not that of a CA");
}

bool certificate_covers(const struct certificate_facts *facts, struct span host)
{
    struct hostname wildcard;
    bool has_wildcard = hostname_wildcard_of(host, &wildcard);
    for (size_t i = 0; i < facts->name_count; i++) {
        struct span name = hostname_span(&facts->names[i]);
        if (span_equal(name, host) || (has_wildcard && span_equal(name, hostname_span(&wildcard))))
            return true;
    }
    return false;
}
