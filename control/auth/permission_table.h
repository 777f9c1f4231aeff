/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission_table.h - who may what, once.
 *
 * Columns: name, slug (as API clients read it), may an owner of the account, may an operator.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_PERMISSION_TABLE_H
#define TRUNKLINE_CONTROL_AUTH_PERMISSION_TABLE_H

/* clang-format off */
#define PERMISSION_TABLE(X)                                              \
    /*                                          owner  operator */       \
    X(ACCOUNT_READ,     "#organization:read",   true,  true)             \
    X(ACCOUNT_CREATE,   "#organization:edit",   false, true)             \
    X(ZONE_READ,        "#zone:read",           true,  true)             \
    X(ZONE_EDIT,        "#zone:edit",           true,  true)             \
    X(ZONE_PLAN,        "#billing:edit",        false, true)             \
    X(SETTING_READ,     "#zone_settings:read",  true,  true)             \
    X(SETTING_EDIT,     "#zone_settings:edit",  true,  true)             \
    X(RECORD_READ,      "#dns_records:read",    true,  true)             \
    X(RECORD_EDIT,      "#dns_records:edit",    true,  true)             \
    X(CERTIFICATE_READ, "#ssl:read",            true,  true)             \
    X(CERTIFICATE_EDIT, "#ssl:edit",            true,  true)
/* clang-format on */

#endif
