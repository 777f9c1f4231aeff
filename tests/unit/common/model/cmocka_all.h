/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka_all.h - cmocka with the headers that it expects before it.
 */
#ifndef TRUNKLINE_TESTS_UNIT_COMMON_MODEL_CMOCKA_ALL_H
#define TRUNKLINE_TESTS_UNIT_COMMON_MODEL_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
