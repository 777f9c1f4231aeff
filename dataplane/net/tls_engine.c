/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_engine.c - OpenSSL over memory.
 */
#include "dataplane/net/tls_engine.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/address_policy.h"
#include "dataplane/net/tls_profile_int.h"

/* ---- the BIO: reads from the lent span, writes behind the records */

static int bio_read(BIO *bio, char *out, size_t out_bytes, size_t *len)
{
    struct tls_engine *engine = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (engine->input.len == 0) {
        BIO_set_retry_read(bio);
        engine->refused = TLS_STEP_MORE;
        return 0;
    }
    *len = out_bytes < engine->input.len ? out_bytes : engine->input.len;
    memcpy(out, engine->input.ptr, *len);
    engine->input = span_skip(engine->input, *len);
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t bytes_len, size_t *len)
{
    struct tls_engine *engine = BIO_get_data(bio);
    struct span *records = &engine->shared->records;
    size_t room = LOOP_RECORD_BYTES - records->len;
    BIO_clear_retry_flags(bio);
    if (room == 0) {
        BIO_set_retry_write(bio);
        engine->refused = TLS_STEP_FULL;
        return 0;
    }
    *len = bytes_len < room ? bytes_len : room;
    memcpy(engine->loop->record_buffer + records->len, bytes, *len);
    records->len += *len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* ---- what the connections of a loop share */

static int take_client_hello(SSL *ssl, int *alert, void *arg);

struct tls_shared *tls_shared_of(struct loop *loop)
{
    if (loop->tls)
        return loop->tls;
    struct tls_shared *shared = mem_new(struct tls_shared);
    shared->bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "span");
    ASSERT(shared->bio_method != NULL);
    BIO_meth_set_read_ex(shared->bio_method, bio_read);
    BIO_meth_set_write_ex(shared->bio_method, bio_write);
    BIO_meth_set_ctrl(shared->bio_method, bio_ctrl);
    BIO_meth_set_create(shared->bio_method, bio_create);

    shared->accepting = tls_config_new(TLS_server_method());
    ASSERT(shared->accepting != NULL);
    SSL_CTX_set_client_hello_cb(shared->accepting, take_client_hello, NULL);
    tls_tickets_attach(shared->accepting);
    shared->plain = mem_alloc(TLS_PLAIN_BYTES);
    shared->records = span_of(loop->record_buffer, 0);
    loop->tls = shared;
    return shared;
}

void tls_shared_free(struct tls_shared **slot)
{
    struct tls_shared *shared = *slot;
    *slot = NULL;
    if (!shared)
        return;
    SSL_CTX_free(shared->accepting);
    mem_wipe(&shared->tickets, sizeof(shared->tickets));
    BIO_meth_free(shared->bio_method);
    mem_wipe(shared->plain, TLS_PLAIN_BYTES);
    free(shared->plain);
    free(shared);
}

/* ---- making and ending */

static void open_ssl(struct tls_engine *engine, struct loop *loop, SSL_CTX *config)
{
    BIO *bio = BIO_new(engine->shared->bio_method);
    engine->loop = loop;
    engine->ssl = SSL_new(config);
    ASSERT(bio != NULL && engine->ssl != NULL);
    BIO_set_data(bio, engine);
    SSL_set_bio(engine->ssl, bio, bio);
    SSL_set_app_data(engine->ssl, engine);
}

static char *copy_name(struct span name)
{
    char *copy = mem_calloc(1, name.len + 1);
    if (name.len > 0)
        memcpy(copy, name.ptr, name.len);
    return copy;
}

void tls_engine_init_accept(struct tls_engine *engine, struct loop *loop,
                            const struct tls_accept *accept)
{
    *engine = (struct tls_engine){.shared = tls_shared_of(loop), .accept = *accept};
    open_ssl(engine, loop, engine->shared->accepting);
    SSL_set_accept_state(engine->ssl);
}

/* RFC 6066 3: no literal addresses in SNI; a certificate names them in a field of their own. */
static void set_server_name(struct tls_engine *engine)
{
    struct address address;
    bool literal = address_parse(span_str(engine->name), &address) == ERR_OK;
    if (!literal && engine->name[0] != '\0')
        SSL_set_tlsext_host_name(engine->ssl, engine->name);
    if (!engine->profile->verified)
        return;
    X509_VERIFY_PARAM *param = SSL_get0_param(engine->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = literal ? X509_VERIFY_PARAM_set1_ip_asc(param, engine->name)
                      : X509_VERIFY_PARAM_set1_host(param, engine->name, 0);
    ASSERT(set == 1);
}

void tls_engine_init_connect(struct tls_engine *engine, struct loop *loop,
                             const struct tls_connect *connect)
{
    *engine = (struct tls_engine){.shared = tls_shared_of(loop), .origin_facing = true};
    engine->profile = tls_profile_ref(connect->profile);
    engine->name = copy_name(connect->server_name);
    struct span key = connect->session_key.len > 0 ? connect->session_key : connect->server_name;
    engine->session_key = copy_name(key);
    engine->session_key_len = key.len;
    open_ssl(engine, loop, connect->profile->ssl_config);
    SSL_set_connect_state(engine->ssl);
    set_server_name(engine);
    SSL_SESSION *session = tls_profile_session(connect->profile, key);
    if (session)
        SSL_set_session(engine->ssl, session);
}

void tls_engine_release(struct tls_engine *engine)
{
    if (!engine->ssl)
        return;
    /* Without this OpenSSL would spoil the session of a connection that ended without ceremony. */
    if (SSL_is_init_finished(engine->ssl))
        SSL_set_shutdown(engine->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(engine->ssl);
    engine->ssl = NULL;
    mem_free(&engine->name);
    mem_free(&engine->session_key);
    tls_profile_unref(&engine->profile);
}

int tls_engine_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_engine *engine = SSL_get_app_data(ssl);
    struct span key = span_of(engine->session_key, engine->session_key_len);
    tls_profile_keep_session(engine->profile, key, session);
    return 1; /* taken */
}

/* ---- handshake */

/* RFC 6066 3: a list of names, of which there is one and its type is 0. */
static bool parse_sni(const unsigned char *ext, size_t len, struct span *out)
{
    if (len < 5 || (size_t)(ext[0] << 8 | ext[1]) != len - 2 || ext[2] != 0)
        return false;
    *out = span_of(ext + 5, len - 5);
    return (size_t)(ext[3] << 8 | ext[4]) == out->len && out->len > 0 &&
           out->len <= LIMIT_HOSTNAME_BYTES && span_find(*out, '\0') == out->len;
}

static bool take_sni(struct tls_engine *engine)
{
    const unsigned char *ext;
    size_t ext_len;
    struct span name = SPAN_EMPTY;
    if (SSL_client_hello_get0_ext(engine->ssl, TLSEXT_TYPE_server_name, &ext, &ext_len) == 1 &&
        !parse_sni(ext, ext_len, &name))
        return false;
    mem_free(&engine->name); /* a second ClientHello after a HelloRetryRequest */
    engine->name = copy_name(name);
    for (char *c = engine->name; *c; c++)
        *c = (char)text_lower((uint8_t)*c);
    return true;
}

/* OpenSSL carries certificate, callbacks and session id context over, but not the versions. */
static bool take_terms(struct tls_engine *engine, const struct tls_terms *terms)
{
    ASSERT(terms->tls_1_2 || terms->tls_1_3);
    tls_profile_unref(&engine->profile);
    engine->profile = terms->profile;
    engine->h2_offered = terms->h2_offered;
    memcpy(engine->scope, terms->scope, sizeof(engine->scope));
    if (engine->shared->tickets.count == 0) {
        SSL_set_options(engine->ssl, SSL_OP_NO_TICKET);
        SSL_set_num_tickets(engine->ssl, 0);
    }
    int oldest = terms->tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    int newest = terms->tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_set_SSL_CTX(engine->ssl, engine->profile->ssl_config) &&
           SSL_set_min_proto_version(engine->ssl, oldest) == 1 &&
           SSL_set_max_proto_version(engine->ssl, newest) == 1;
}

/* Runs before OpenSSL has chosen a version, a session or a certificate, so that all three follow
 * the terms. */
static int take_client_hello(SSL *ssl, int *alert, void *arg)
{
    struct tls_engine *engine = SSL_get_app_data(ssl);
    struct tls_terms terms = {0};
    (void)arg;
    if (!take_sni(engine)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    engine->select_err =
        engine->accept.select(engine->accept.select_owner, span_str(engine->name), &terms);
    if (engine->select_err != ERR_OK) {
        *alert = engine->select_err == ERR_HOST_UNKNOWN ? SSL_AD_UNRECOGNIZED_NAME
                                                        : SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (!take_terms(engine, &terms)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* Why a call did not succeed.  SSL_get_error looks into the error queue first, and to keep that
 * clean for it costs 200 instructions a call; but a call in which the BIO had nothing to give, or
 * no room, ended for that reason.  Only a real end needs the queue, which whoever fails leaves
 * empty. */
static enum tls_step step_of(const struct tls_engine *engine)
{
    if (engine->refused != TLS_STEP_DONE)
        return engine->refused;
    return SSL_get_error(engine->ssl, 0) == SSL_ERROR_ZERO_RETURN ? TLS_STEP_ENDED
                                                                  : TLS_STEP_FAILED;
}

enum tls_step tls_engine_handshake(struct tls_engine *engine)
{
    ERR_clear_error();
    engine->refused = TLS_STEP_DONE;
    return SSL_do_handshake(engine->ssl) == 1 ? TLS_STEP_DONE : step_of(engine);
}

bool tls_engine_facts(const struct tls_engine *engine, struct tls_facts *out)
{
    const unsigned char *protocol;
    unsigned int protocol_len;
    SSL_get0_alpn_selected(engine->ssl, &protocol, &protocol_len);
    struct span alpn = span_of(protocol, protocol_len);
    *out = (struct tls_facts){
        .alpn = TLS_ALPN_NONE,
        .version = SSL_get_version(engine->ssl),
        .sni = engine->origin_facing ? SPAN_EMPTY : span_str(engine->name),
        .resumed = SSL_session_reused(engine->ssl) == 1,
        .profile = engine->profile,
    };
    if (alpn.len == 0)
        return true;
    if (span_equal(alpn, SPAN("h2")))
        out->alpn = TLS_ALPN_H2;
    else if (span_equal(alpn, SPAN("http/1.1")) ||
             (!engine->origin_facing && span_equal(alpn, SPAN("http/1.0"))))
        out->alpn = TLS_ALPN_H1;
    else
        return false;
    return out->alpn == TLS_ALPN_H1 || !engine->origin_facing || engine->profile->h2_offered;
}

static enum err certificate_problem(const struct tls_engine *engine, long verdict,
                                    struct problem *problem)
{
    const char *name = engine->name;
    const char *text = NULL;
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        text = "the certificate has expired";
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        text = "the certificate is not valid yet";
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return problem_set(problem, ERR_ORIGIN_CERTIFICATE, "certificate",
                           "the certificate does not cover the name %.120s", name);
    case X509_V_ERR_CERT_REVOKED:
        text = "the certificate was revoked";
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        text = "the certificate is self-signed";
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        text = "the certificate's root is not trusted";
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        text = "the certificate's issuer is unknown";
        break;
    default:
        text = X509_verify_cert_error_string(verdict);
        break;
    }
    return problem_set(problem, ERR_ORIGIN_CERTIFICATE, "certificate", "%s", text);
}

/* Why an origin ended it, where OpenSSL's word for it would not tell a person. */
struct tls_complaint {
    int reason;
    enum err err;
    const char *text;
};

static const struct tls_complaint complaints[] = {
    {SSL_R_WRONG_VERSION_NUMBER, ERR_ORIGIN_TLS, "the origin does not speak TLS on this port"},
    {SSL_R_HTTP_REQUEST, ERR_ORIGIN_TLS, "the origin does not speak TLS on this port"},
    {SSL_R_UNSUPPORTED_PROTOCOL, ERR_ORIGIN_TLS, "the origin speaks no TLS from version 1.2 on"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, ERR_ORIGIN_TLS,
     "the origin speaks no TLS from version 1.2 on"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, ERR_ORIGIN_TLS,
     "the origin accepts none of the ciphers, or wants a client certificate"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, ERR_ORIGIN_TLS,
     "the origin does not know the name (unrecognized name)"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin wants a client certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate: of a kind that it does not take"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate: revoked"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate: expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate: its issuer is unknown there"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, ERR_ORIGIN_CLIENT_CERTIFICATE,
     "the origin refused the client certificate"},
};

/* The oldest error of the queue, if it is one of these. */
static const struct tls_complaint *find_complaint(void)
{
    unsigned long code = ERR_peek_error();
    for (size_t i = 0; ERR_GET_LIB(code) == ERR_LIB_SSL && i < countof(complaints); i++)
        if (complaints[i].reason == ERR_GET_REASON(code))
            return &complaints[i];
    return NULL;
}

enum err tls_engine_problem(struct tls_engine *engine, struct problem *problem)
{
    const struct tls_complaint *complaint = find_complaint();
    const char *reason = tls_reason();
    if (!engine->origin_facing) {
        enum err err = engine->select_err != ERR_OK ? engine->select_err : ERR_PROTOCOL;
        if (err == ERR_HOST_UNKNOWN)
            return problem_set(problem, err, "sni", "unknown host %.160s", engine->name);
        return problem_set(problem, err, "tls", "%s", reason);
    }
    long verdict = SSL_get_verify_result(engine->ssl);
    if (engine->profile->verified && verdict != X509_V_OK)
        return certificate_problem(engine, verdict, problem);
    if (complaint)
        return problem_set(problem, complaint->err, "tls", "%s", complaint->text);
    return problem_set(problem, ERR_ORIGIN_TLS, "tls", "%s", reason);
}

void tls_engine_settle(struct tls_engine *engine)
{
    ERR_clear_error();
    if (!engine->origin_facing)
        mem_free(&engine->name);
}

/* ---- records */

enum tls_step tls_engine_read(struct tls_engine *engine, size_t *len)
{
    uint8_t *plain = engine->shared->plain;
    *len = 0;
    while (TLS_PLAIN_BYTES - *len >= TLS_RECORD_BYTES) {
        size_t read = 0;
        /* OpenSSL holds no whole record back, so without input it has nothing to say. */
        if (engine->input.len == 0)
            return TLS_STEP_MORE;
        engine->refused = TLS_STEP_DONE;
        if (SSL_read_ex(engine->ssl, plain + *len, TLS_PLAIN_BYTES - *len, &read) != 1)
            return step_of(engine);
        *len += read;
    }
    return TLS_STEP_DONE;
}

enum tls_step tls_engine_write(struct tls_engine *engine, struct span bytes)
{
    size_t written = 0;
    ASSERT(bytes.len > 0 && bytes.len <= TLS_RECORD_BYTES);
    if (LOOP_RECORD_BYTES - engine->shared->records.len < bytes.len + TLS_RECORD_EXTRA_BYTES)
        return TLS_STEP_FULL;
    engine->refused = TLS_STEP_DONE;
    if (SSL_write_ex(engine->ssl, bytes.ptr, bytes.len, &written) != 1)
        return step_of(engine);
    ASSERT(written == bytes.len);
    return TLS_STEP_DONE;
}

void tls_engine_forget_failure(void)
{
    ERR_clear_error();
}

enum err tls_engine_read_err(const struct tls_engine *engine)
{
    const struct tls_complaint *complaint = engine->origin_facing ? find_complaint() : NULL;
    ERR_clear_error();
    return complaint && complaint->err == ERR_ORIGIN_CLIENT_CERTIFICATE ? complaint->err
                                                                        : ERR_PROTOCOL;
}

void tls_engine_end(struct tls_engine *engine)
{
    if (SSL_is_init_finished(engine->ssl))
        (void)SSL_shutdown(engine->ssl);
    ERR_clear_error();
}
