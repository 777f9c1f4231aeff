/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_flag_table.h - the commands of trunkline-control and what they can be told, once.
 *
 * Flags: name, member, what its value is called ("" for none), commands that take it, default, what
 * it does.  A config file (JSON) has the same names.
 */
#ifndef TRUNKLINE_CONTROL_MAIN_FLAG_TABLE_H
#define TRUNKLINE_CONTROL_MAIN_FLAG_TABLE_H

/* clang-format off */
#define COMMAND_TABLE(X)                                                                                  \
    X(serve,     "REST API, dashboard and the edges' feed, until SIGTERM")                                \
    X(bootstrap, "make the first user and print {\"user_id\",\"account_id\",\"token\"}")                  \
    X(user,      "add a user with an account of his own and print the same; or `user` list, invite, reset-password, reset-second-factor, operator-on, operator-off") \
    X(routes,    "print each route of the REST API with the permission that it asks for")                 \
    X(ca,        "print the certificate of the installation's local CA")                                \
    X(check,     "check the store's file and its audit chain")                                            \
    X(backup,    "copy the store to a file while it is in use; the master key is kept apart")             \
    X(restore,   "make the store from such a file; edges then take a full copy")                          \
    X(migrate,   "bring the store's schema up to date, as serve does by itself")

#define ALL_COMMANDS                                                                                      \
    (IN_serve | IN_bootstrap | IN_user | IN_ca | IN_check | IN_backup | IN_restore | IN_migrate)

#define FLAG_TABLE(X)                                                                                     \
    X("store",          store,          "PATH", ALL_COMMANDS,          "/var/lib/trunkline/control.db", "the store, one SQLite file") \
    X("master-key",     master_key,     "FILE", ALL_COMMANDS,          NULL, "key that private keys are sealed with (default: <store>.key)") \
    X("config",         config,         "FILE", ALL_COMMANDS,          NULL, "JSON object with the same names; flags win")     \
    X("email",          email,          "E",    IN_bootstrap | IN_user, NULL, "the user's email address")                      \
    X("account",        account,        "ID",   IN_user,               NULL, "the account to invite into")                         \
    X("role",           role,           "ROLE", IN_user,               "viewer", "owner, administrator, editor or viewer")          \
    X("password-stdin", password_stdin, "",     IN_bootstrap | IN_user, NULL, "read the password from standard input")         \
    X("origin",         origin,         "",     IN_ca,                 NULL, "print that of the CA for origins")                   \
    X("to",             to,             "FILE", IN_backup,             NULL, "the backup; must not be there yet")                \
    X("from",           from,           "FILE", IN_restore,            NULL, "a backup")                                          \
    X("replace",        replace,        "",     IN_restore,            NULL, "a store that is there is kept under another name")   \
    X("listen",         listen,         "ADDR:PORT", IN_serve,         "127.0.0.1:8080", "where the REST API listens")         \
    X("socket",         socket,         "PATH", IN_serve,              "/run/trunkline/control.sock", "Unix socket for the edges") \
    X("edge-user",      edge_user,      "NAME", IN_serve,              NULL, "user whose edge may connect; may be repeated")    \
    X("allow-origin",   allow_origin,   "CIDR", IN_serve,              NULL, "origin range to allow; may be repeated")          \
    X("origin-ports",   origin_ports,   "LIST", IN_serve,              NULL, "ports of origins, like 80,443,8000-8999, instead of all that are no database's") \
    X("rate-limit",     rate_limit,     "N",    IN_serve,              "1200", "requests of one token in 5 minutes (operators: 100 times that); 0: no limit")    \
    X("name-servers",   name_servers,   "A,B",  IN_serve,              NULL, "name servers that new zones are told")            \
    X("resolver",       resolver,       "ADDR:PORT", IN_serve,         NULL, "DNS that proves who controls a zone (default: the system's)") \
    X("edge-addresses", edge_addresses, "A,B",  IN_serve,              NULL, "addresses or ranges of the edges, to point domains at") \
    X("public-url",     public_url,     "URL",  IN_serve,              NULL, "where people find the dashboard (default: http(s)://<listen>)") \
    X("tls-cert",       tls_cert,       "FILE", IN_serve,              NULL, "serve the REST API over TLS: certificate chain")  \
    X("tls-key",        tls_key,        "FILE", IN_serve,              NULL, "and its private key")
/* clang-format on */

#endif
