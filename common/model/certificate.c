/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - PEM through OpenSSL: described for people, signed by the local CA.
 *
 * What OpenSSL has to say stays in a queue of the thread.  Every public function starts and ends
 * with an empty one, so that a later TLS call never reads an old complaint.
 */
#include "common/model/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "common/base/hex.h"
#include "common/base/random.h"
#include "common/base/text.h"

#define RSA_BITS_MIN 2048
#define SIGNATURE_STRENGTH_BITS_MIN                              \
    112 /* what OpenSSL's security level 2 loads; SHA-1 is below \
         */
#define SERIAL_BYTES 16
#define COMMON_NAME_BYTES_MAX 64 /* RFC 5280, ub-common-name */
#define DAY_S 86400
#define CA_DAYS 3652
#define LEAF_DAYS 825
#define CLOCK_SKEW_S 3600 /* a visitor's clock may be this late */

/* The first complaint of the queue behind `text`; the queue is empty afterwards. */
static enum err refuse(struct problem *problem, enum err err, const char *path, const char *text)
{
    const char *why = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return problem_set(problem, err, path, "%s%s%s", text, why ? ": " : "", why ? why : "");
}

/* Without it OpenSSL would ask for a pass phrase on the terminal. */
static int no_pass_phrase(char *out, int out_bytes, int writing, void *user)
{
    (void)out, (void)out_bytes, (void)writing, (void)user;
    return -1;
}

static BIO *borrow_bytes(struct span bytes)
{
    ASSERT(bytes.len <= INT32_MAX);
    return BIO_new_mem_buf(bytes.len > 0 ? (const void *)bytes.ptr : "", (int)bytes.len);
}

/* ---- reading */

/* The first certificate; the others of the chain must parse too. */
static X509 *read_chain(struct span pem)
{
    BIO *bio = borrow_bytes(pem);
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

static EVP_PKEY *read_key(struct span pem)
{
    BIO *bio = borrow_bytes(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static enum err check_key(const X509 *leaf, EVP_PKEY *key, struct problem *problem)
{
    char curve[64] = "";
    if (X509_check_private_key(leaf, key) != 1)
        return refuse(problem, ERR_INVALID, "private_key", "does not belong to the certificate");
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
        if (EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
            return ERR_OK;
        return problem_set(problem, ERR_INVALID, "certificate",
                           "has an RSA key of %d bits: at least %d are needed",
                           EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    }
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1) {
        struct span name = span_str(curve);
        if (span_equal(name, SPAN("prime256v1")) || span_equal(name, SPAN("secp384r1")) ||
            span_equal(name, SPAN("secp521r1")))
            return ERR_OK;
        return problem_set(problem, ERR_INVALID, "certificate",
                           "has a key on the curve %s: use P-256, P-384 or P-521", curve);
    }
    return refuse(problem, ERR_INVALID, "certificate", "has a key that is neither RSA nor EC");
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

static bool read_time(const ASN1_TIME *time, uint64_t *out_s)
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
    if (!read_time(X509_get0_notBefore(leaf), &out->not_before_s) ||
        !read_time(X509_get0_notAfter(leaf), &out->not_after_s))
        return refuse(problem, ERR_INVALID, "certificate", "has dates that cannot be read");
    if (now_s <= out->not_after_s)
        return ERR_OK;
    char text[TEXT_TIME_BYTES];
    text_format_time(out->not_after_s * 1000000, text);
    return problem_set(problem, ERR_INVALID, "certificate", "has expired on %.10s", text);
}

/* DNS names only; one that no visitor can ask for ("*.*.example", an address) is passed over. */
static enum err read_names(const X509 *leaf, struct certificate_facts *out, struct problem *problem)
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
    if (err == ERR_OK && out->name_count == 0)
        return refuse(problem, ERR_INVALID, "certificate",
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
        return refuse(problem, ERR_INVALID, "certificate", "cannot be described");
    ASSERT(2 * print_bytes + 1 == sizeof(out->fingerprint_sha256));
    hex_encode(span_of(print, print_bytes), out->fingerprint_sha256);
    return ERR_OK;
}

static enum err inspect_leaf(X509 *leaf, uint64_t now_s, struct certificate_facts *out,
                             struct problem *problem)
{
    TRY(check_signature(leaf, out, problem));
    TRY(check_dates(leaf, now_s, out, problem));
    TRY(read_names(leaf, out, problem));
    return describe(leaf, out, problem);
}

enum err certificate_inspect(struct span chain_pem, struct span key_pem, uint64_t now_s,
                             struct hostname *names, struct certificate_facts *out,
                             struct problem *problem)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    enum err err = ERR_OK;
    *out = (struct certificate_facts){.names = names};
    ERR_clear_error();

    if (chain_pem.len > LIMIT_CERTIFICATE_BYTES)
        return problem_set(problem, ERR_INVALID, "certificate", "must be at most %d bytes long",
                           LIMIT_CERTIFICATE_BYTES);
    if (key_pem.len > LIMIT_PRIVATE_KEY_BYTES)
        return problem_set(problem, ERR_INVALID, "private_key", "must be at most %d bytes long",
                           LIMIT_PRIVATE_KEY_BYTES);
    if ((leaf = read_chain(chain_pem)) == NULL)
        err = refuse(problem, ERR_INVALID, "certificate", "is not a PEM chain");
    else if ((key = read_key(key_pem)) == NULL)
        err = refuse(problem, ERR_INVALID, "private_key", "is not a PEM key without pass phrase");
    else if ((err = check_key(leaf, key, problem)) == ERR_OK)
        err = inspect_leaf(leaf, now_s, out, problem);
    EVP_PKEY_free(key);
    X509_free(leaf);
    ERR_clear_error();
    return err;
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

/* ---- making */

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
        !read_time(X509_get0_notAfter(draft->issuer), &issuer_end_s))
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
                      uint64_t now_s)
{
    return draft->cert != NULL && draft->key != NULL && add_names(draft->cert, names, name_count) &&
           begin_draft(draft, now_s, LEAF_DAYS) &&
           add_extension(draft, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(draft, NID_key_usage, "critical,digitalSignature") &&
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
    draft.issuer = read_chain(ca->chain_pem);
    draft.issuer_key = read_key(ca->key_pem);
    bool usable = draft.issuer != NULL && draft.issuer_key != NULL &&
                  X509_check_private_key(draft.issuer, draft.issuer_key) == 1;
    bool made = usable && make_leaf(&draft, names, name_count, now_s) &&
                write_pem(draft.cert, NULL, chain_out) &&
                write_pem(draft.issuer, NULL, chain_out) && write_pem(NULL, draft.key, key_out);
    EVP_PKEY_free(draft.issuer_key);
    X509_free(draft.issuer);
    EVP_PKEY_free(draft.key);
    X509_free(draft.cert);
    ERR_clear_error();
    return made ? ERR_OK : usable ? ERR_INTERNAL : ERR_INVALID;
}
