/* SPDX-License-Identifier: MIT */
/*
 * A clock that costs next to nothing, to see how long a chunk of a loop took:
 * what there is to read without a call of the system's, one file for each
 * architecture. It tells nobody the time: where it jumps, a chunk is too long
 * or too short.
 */
#ifndef SKI_TICKS_H
#define SKI_TICKS_H

#include <stdint.h>

uint64_t ski_ticks(void);

/* Some 10 µs, at least 32 ticks. */
uint64_t ski_ticks_chunk(void);

#endif
