/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission_table.h - every permission and every role, once: what a route asks for, who has it.
 *
 * Permissions: name, slug (as a zone's `permissions` lists it, "" for none), the object it is
 * about, the least role that has it, the permission that comes along with it, and the permission
 * group of token policies that carries it: id and name.  The names, and the ids that are known, are
 * those that automation has written down already.
 *
 * Objects: ANYONE (no credentials), CALLER (any credentials), USER (the caller's own), ACCOUNT,
 * ZONE, PLATFORM (operators, never with a limited token).  UNSAID is what a route would have that
 * names none; a test refuses it.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_PERMISSION_TABLE_H
#define TRUNKLINE_CONTROL_AUTH_PERMISSION_TABLE_H

/* clang-format off */
#define PERMISSION_TABLE(X)                                                                                     \
    X(UNSAID,             "",                     PLATFORM, OPERATOR,      UNSAID,             "", "")          \
    X(PUBLIC,             "",                     ANYONE,   NONE,          PUBLIC,             "", "")          \
    X(CALLER,             "",                     CALLER,   NONE,          CALLER,             "", "")          \
    /* the caller's own */                                                                                      \
    X(USER_READ,          "",                     USER,     NONE,          USER_READ,                           \
      "8acbe5bb0d54464ab867149d7f7cf8ac", "User Details Read")                                                  \
    X(USER_EDIT,          "",                     USER,     NONE,          USER_READ,                           \
      "55a5e17cc99e4a3fa1f3432d262f2e55", "User Details Write")                                                 \
    X(MEMBERSHIP_READ,    "",                     USER,     NONE,          MEMBERSHIP_READ,                     \
      "3518d0f75557482e952c6762d3e64903", "Memberships Read")                                                   \
    X(MEMBERSHIP_EDIT,    "",                     USER,     NONE,          MEMBERSHIP_READ,                     \
      "9201bc6f42d440968aaab0c6f17ebb1d", "Memberships Write")                                                  \
    X(USER_TOKEN_READ,    "",                     USER,     NONE,          USER_TOKEN_READ,                     \
      "0cc3a61731504c89b99ec1be78b77aa0", "API Tokens Read")                                                    \
    X(USER_TOKEN_EDIT,    "",                     USER,     NONE,          USER_TOKEN_READ,                     \
      "686d18d5ac6c441c867cbf6771e58a0a", "API Tokens Write")                                                   \
    /* an account's: closing it and its owners are for owners, members and tokens for administrators */         \
    X(ACCOUNT_READ,       "#organization:read",   ACCOUNT,  VIEWER,        ACCOUNT_READ,                        \
      "c1fde68c7bcc44588cbb6ddbc16d6480", "Account Settings Read")                                              \
    X(ACCOUNT_EDIT,       "#organization:edit",   ACCOUNT,  ADMINISTRATOR, ACCOUNT_READ,                        \
      "1af1fa2adc104452b74a9a3364202f20", "Account Settings Write")                                             \
    X(ACCOUNT_CLOSE,      "",                     ACCOUNT,  OWNER,         ACCOUNT_READ,                        \
      "1af1fa2adc104452b74a9a3364202f20", "Account Settings Write")                                             \
    X(OWNER_EDIT,         "",                     ACCOUNT,  OWNER,         ACCOUNT_READ,                        \
      "1af1fa2adc104452b74a9a3364202f20", "Account Settings Write")                                             \
    X(ACCOUNT_TOKEN_READ, "",                     ACCOUNT,  ADMINISTRATOR, ACCOUNT_TOKEN_READ,                  \
      "eb258a38ea634c86a0c89da6b27cb6b6", "Account API Tokens Read")                                            \
    X(ACCOUNT_TOKEN_EDIT, "",                     ACCOUNT,  ADMINISTRATOR, ACCOUNT_TOKEN_READ,                  \
      "5bc3f8b21c554832afc660159ab75fa4", "Account API Tokens Write")                                           \
    X(AUDIT_READ,         "#auditlogs:read",      ACCOUNT,  ADMINISTRATOR, AUDIT_READ,                          \
      "6fdcd2f6aa2c4a6e8a4ea3a1a9b2b6c1", "Account Audit Logs Read")                                            \
    /* a zone's: editors change what it says, administrators whether it is there */                             \
    X(ZONE_READ,          "#zone:read",           ZONE,     VIEWER,        ZONE_READ,                           \
      "c8fed203ed3043cba015a93ad1616f1f", "Zone Read")                                                          \
    X(ZONE_EDIT,          "#zone:edit",           ZONE,     ADMINISTRATOR, ZONE_READ,                           \
      "e6d2666161e84845a636613608cee8d5", "Zone Write")                                                         \
    X(ZONE_PLAN,          "#billing:edit",        PLATFORM, OPERATOR,      ZONE_READ,          "", "")          \
    X(SETTING_READ,       "#zone_settings:read",  ZONE,     VIEWER,        SETTING_READ,                        \
      "517b21aee92c4d89936c976ba6e4be55", "Zone Settings Read")                                                 \
    X(SETTING_EDIT,       "#zone_settings:edit",  ZONE,     EDITOR,        SETTING_READ,                        \
      "3030687196b94b638145a3953da2b699", "Zone Settings Write")                                                \
    X(RECORD_READ,        "#dns_records:read",    ZONE,     VIEWER,        RECORD_READ,                         \
      "82e64a83756745bbbb1c9c2701bf816b", "DNS Read")                                                           \
    X(RECORD_EDIT,        "#dns_records:edit",    ZONE,     EDITOR,        RECORD_READ,                         \
      "4755a26eedb94da69e1066d98aa820be", "DNS Write")                                                          \
    X(CERTIFICATE_READ,   "#ssl:read",            ZONE,     VIEWER,        CERTIFICATE_READ,                    \
      "7b7216b327b04b8fbc8f524e1f9b7531", "SSL and Certificates Read")                                          \
    X(CERTIFICATE_EDIT,   "#ssl:edit",            ZONE,     EDITOR,        CERTIFICATE_READ,                    \
      "c03055bc037c4ea9afb9a9f104b7b721", "SSL and Certificates Write")                                         \
    X(ANALYTICS_READ,     "#analytics:read",      ZONE,     VIEWER,        ANALYTICS_READ,                      \
      "9c88f9c5bce24ce7af9a958ba9c504db", "Analytics Read")                                                     \
    /* the platform's */                                                                                        \
    X(ACCOUNT_CREATE,     "",                     PLATFORM, OPERATOR,      ACCOUNT_CREATE,     "", "")          \
    X(PLATFORM,           "",                     PLATFORM, OPERATOR,      PLATFORM,           "", "")

/* Roles from the least to the most: name, word in the store, id, name and description for clients. */
#define ROLE_TABLE(X)                                                                                           \
    X(NONE,          "",              "", "", "")                                                               \
    X(VIEWER,        "viewer",        "a35e0bdc4f1b4e0b9d2c6f7a8b1c0d11", "Viewer",                             \
      "Looks at the account's domains, or at some of them")                                                     \
    X(EDITOR,        "editor",        "b46f1ced5a2c4f1cae3d7a8b9c2d1e22", "Editor",                             \
      "Changes settings, records and certificates of the account's domains, or of some of them")                \
    X(ADMINISTRATOR, "administrator", "05784afa30c1afe1440e79d9351c7430", "Administrator",                      \
      "Everything in the account but its owners and its end")                                                   \
    X(OWNER,         "owner",         "33666b9c79b9a5273fc7344ff42f953d", "Super Administrator - All Privileges", \
      "Everything in the account")                                                                              \
    X(OPERATOR,      "operator",      "", "", "")
/* clang-format on */

#endif
