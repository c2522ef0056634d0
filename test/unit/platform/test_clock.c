/* SPDX-License-Identifier: MIT */
/* The clock and deadlines. */
#include <criterion/criterion.h>
#include <time.h>

#include "clock.h"

TestSuite(clock, .timeout = 30);

static int64_t system_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

Test(clock, is_clock_monotonic)
{
	for (int i = 0; i < 100000; i++) {
		int64_t before = system_ns();
		int64_t now = ski_clock_ns();
		int64_t after = system_ns();
		cr_assert(before <= now && now <= after);
	}
}

Test(clock, never_is_negative_one)
{
	cr_expect_eq(ski_deadline_ns(-1), -1);
	cr_expect_eq(ski_deadline_ns(-2), -1);
	cr_expect_eq(ski_deadline_ns(INT64_MIN), -1);
}

Test(clock, deadline_is_from_now)
{
	static const int64_t timeouts[] = { 0, 1, 999999999, 1000000000,
					    INT64_MAX / 2 };

	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(*timeouts); i++) {
		int64_t before = ski_clock_ns();
		int64_t deadline = ski_deadline_ns(timeouts[i]);
		int64_t after = ski_clock_ns();
		cr_expect_geq(deadline - timeouts[i], before);
		cr_expect_leq(deadline - timeouts[i], after);
	}
}

Test(clock, deadline_saturates)
{
	cr_expect_eq(ski_deadline_ns(INT64_MAX), INT64_MAX);
	cr_expect_eq(ski_deadline_ns(INT64_MAX - 1), INT64_MAX);
	/* Sums that just do not fit, and just do for another hour. */
	cr_expect_eq(ski_deadline_ns(INT64_MAX - ski_clock_ns() + 1),
		     INT64_MAX);
	int64_t hour = (int64_t)3600 * 1000000000;
	cr_expect_lt(ski_deadline_ns(INT64_MAX - ski_clock_ns() - hour),
		     INT64_MAX);
}
