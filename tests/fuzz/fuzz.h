/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - the one function of every fuzz target: bytes in, an abort for a broken promise.
 */
#ifndef TRUNKLINE_TESTS_FUZZ_FUZZ_H
#define TRUNKLINE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
