/* SPDX-License-Identifier: MIT */
/*
 * Deadlines from timeouts, as platform/clock.h has them: a time of
 * CLOCK_MONOTONIC, or negative for "never".
 */
#ifndef SKI_DEADLINE_H
#define SKI_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline int64_t ski_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t ski_deadline_after(int64_t timeout_ns)
{
	int64_t now_ns;

	if (timeout_ns < 0)
		return -1;
	now_ns = ski_now_ns();
	return timeout_ns > INT64_MAX - now_ns ? INT64_MAX :
						 now_ns + timeout_ns;
}

/* The timeout that is left, 0 if it has run out. */
static inline int64_t ski_time_left(int64_t deadline_ns)
{
	int64_t now_ns;

	if (deadline_ns < 0)
		return -1;
	now_ns = ski_now_ns();
	return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

#endif
