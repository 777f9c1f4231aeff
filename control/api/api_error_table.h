/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_error_table.h - every error that a client of the REST API can see, once.
 *
 * Columns: name, HTTP status, code, chain code (0: none), text.  The numbers are those that the
 * clients people already have know how to read (api.md, "Errors").  With a chain code the text of
 * the problem travels in the chain; without one it replaces the text here.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ERROR_TABLE_H
#define TRUNKLINE_CONTROL_API_API_ERROR_TABLE_H

/* clang-format off */
#define API_ERROR_TABLE(X)                                                                              \
    X(NONE,                200, 0,     0,    "")                                                        \
    /* who asks */                                                                                      \
    X(HEADER_MALFORMED,    400, 6003,  6111, "Invalid request headers")                                 \
    X(KEY_MALFORMED,       400, 6003,  6103, "Invalid request headers")                                 \
    X(EMAIL_MALFORMED,     400, 6003,  6102, "Invalid request headers")                                 \
    X(CREDENTIALS_MISSING, 400, 9106,  0,    "Missing X-Auth-Key, X-Auth-Email or Authorization headers") \
    X(KEY_UNKNOWN,         403, 9103,  0,    "Unknown X-Auth-Key or X-Auth-Email")                      \
    X(TOKEN_INVALID,       403, 9109,  0,    "Invalid access token")                                    \
    X(VERIFY_INVALID,      401, 1000,  0,    "Invalid API Token")                                       \
    X(NOT_ALLOWED,         403, 9109,  0,    "Unauthorized to access requested resource")               \
    X(LOGIN_ENDED,         401, 10000, 0,    "You are signed out: sign in again")                       \
    X(LOGIN_WRONG,         401, 10000, 0,    "E-mail or password is not right.")                        \
    X(LOGIN_FACTOR,        401, 10014, 0,    "A code of the second factor is needed")                   \
    X(LOGIN_WAIT,          429, 10100, 0,    "Too many tries")                                          \
    X(LOGIN_FOREIGN,       403, 10015, 0,    "A change that comes with a cookie must come from the dashboard") \
    X(LOGIN_STALE,         403, 10016, 0,    "Sign in again: the password was last given more than 15 minutes ago") \
    X(RATE,                429, 10100, 0,    "More requests than the limit allows")                     \
    /* what is asked for */                                                                             \
    X(NO_OBJECT,           404, 7003,  0,    "Could not route to the URI")                              \
    X(NO_ROUTE,            404, 7000,  0,    "No route for that URI")                                   \
    X(METHOD,              405, 7001,  0,    "Method not available for that URI.")                      \
    /* the body */                                                                                      \
    X(BODY_TOO_LARGE,      413, 6007,  0,    "The request body is too large")                           \
    X(BODY_NOT_JSON,       415, 6006,  0,    "The Content-Type must be application/json")               \
    X(BODY_SYNTAX,         400, 6005,  0,    "The request body is not valid JSON")                      \
    X(REQUEST_AMBIGUOUS,   400, 6003,  0,    "Invalid request headers")                                 \
    X(FIELD,               400, 1001,  0,    "Invalid or missing field")                                \
    /* the tenant's nouns */                                                                            \
    X(SETTING_UNKNOWN,     400, 1006,  0,    "Unrecognized zone setting name")                          \
    X(SETTING_VALUE,       400, 1007,  0,    "Invalid value for zone setting")                          \
    X(SETTING_PLAN,        403, 1135,  0,    "Not allowed to edit this setting on the zone's plan")     \
    X(ZONE_EXISTS,         400, 1061,  0,    "The zone already exists")                                 \
    X(ZONE_NAME,           400, 1002,  0,    "Not a registrable domain name")                           \
    X(RECORD_EXISTS,       400, 81057, 0,    "An identical record already exists.")                     \
    X(RECORD_CLASH,        400, 81058, 0,    "A record with that host already exists.")                 \
    X(RECORD_INVALID,      400, 1004,  9000, "DNS Validation Error")                                    \
    X(CONFLICT,            409, 10009, 0,    "The change conflicts with what is there")                 \
    X(PRECONDITION,        412, 10012, 0,    "The object was changed by someone else")                  \
    X(KEY_REUSED,          422, 10014, 0,    "The Idempotency-Key was used for another request")        \
    X(QUOTA,               400, 10011, 0,    "A limit is reached")                                      \
    /* our own */                                                                                       \
    X(BUSY,                503, 10013, 0,    "Try again")                                               \
    X(DISK_FULL,           507, 10013, 0,    "There is no space left to store the change")              \
    X(INTERNAL,            500, 10013, 0,    "Internal error")
/* clang-format on */

#endif
