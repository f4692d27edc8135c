// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// Counts the program's allocations. Linking it puts its malloc before glibc's, for the Swift runtime too.
#ifndef BELFRY_CALLOCATIONS_H
#define BELFRY_CALLOCATIONS_H
#include <stdint.h>

/// Allocations of all threads so far (malloc, calloc, realloc, aligned_alloc, posix_memalign).
uint64_t callocations_count(void);
#endif
