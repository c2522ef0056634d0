/* SPDX-License-Identifier: MIT */
/* The virtual counter: 1 to 1,000 ticks a microsecond, mostly 25 or 1,000. */
#include "ticks.h"

uint64_t ski_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}

uint64_t ski_ticks_chunk(void)
{
	uint64_t hertz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hertz));
	return hertz / 100000 | 32;
}
