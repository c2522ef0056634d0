/* SPDX-License-Identifier: MIT */
/*
 * Time. CLOCK_MONOTONIC is a vDSO call on Linux and cannot fail.
 */
#include "clock.h"

#include <time.h>

int64_t ski_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ski_deadline_ns(int64_t timeout_ns)
{
	if (timeout_ns < 0)
		return -1;

	int64_t now = ski_clock_ns();
	return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}
