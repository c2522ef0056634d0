/* SPDX-License-Identifier: MIT */
/* The time stamp counter: 1 to 5 ticks a nanosecond. */
#include "ticks.h"

uint64_t ski_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

uint64_t ski_ticks_chunk(void)
{
	return UINT64_C(1) << 15;
}
