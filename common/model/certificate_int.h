/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_int.h - what reading and making of certificates share, with OpenSSL's types.
 *
 * Included by common/model/certificate*.c only.
 */
#ifndef TRUNKLINE_COMMON_MODEL_CERTIFICATE_INT_H
#define TRUNKLINE_COMMON_MODEL_CERTIFICATE_INT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/model/certificate.h"

/* The first complaint of OpenSSL's queue behind `text`; the queue is empty afterwards. */
enum err certificate_refuse(struct problem *problem, enum err err, const char *path,
                            const char *text);

/* Reads from bytes that are lent until it is freed; NULL without memory. */
BIO *certificate_borrow(struct span bytes);

/* The first certificate, or NULL; the others of the chain must parse too. */
X509 *certificate_read_chain(struct span pem);
/* NULL for what is no key, or one with a pass phrase. */
EVP_PKEY *certificate_read_key(struct span pem);
bool certificate_read_time(const ASN1_TIME *time, uint64_t *out_s);

/* RSA with 2048 bits, or a curve from P-256 on. */
enum err certificate_check_key(EVP_PKEY *key, const char *path, struct problem *problem);

#endif
