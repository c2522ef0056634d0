/* SPDX-License-Identifier: MIT */
/* Nanoseconds, where there is no counter that we know how to read. */
#include "ticks.h"

#include "deadline.h"

uint64_t ski_ticks(void)
{
	return (uint64_t)ski_now_ns();
}

uint64_t ski_ticks_chunk(void)
{
	return 10000;
}
