/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned.h - calls that hide a length, a locale or a failure become compile errors.
 *
 * The build includes this file in front of every translation unit (-include).  Use span.h and
 * text.h for strings and numbers, buf.h for building them, mem.h for memory.
 */
#ifndef TRUNKLINE_COMMON_BASE_BANNED_H
#define TRUNKLINE_COMMON_BASE_BANNED_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison strtol strtoul strtoll strtoull gmtime localtime ctime asctime srand

/* OpenSSL names parameters `rand`, so that one word cannot be poisoned: only its call is. */
#define rand() rand_is_banned_use_random_below()

#endif
