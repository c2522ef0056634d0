/* SPDX-License-Identifier: MIT */
/*
 * test_env.c - how many workers a pool has if nobody says: SKUA_WORKERS, else
 * the CPUs that this process may use.
 */
#include <sched.h>

#include "sched_test.h"

static int open_count(unsigned asked, unsigned *workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	int error;

	options.workers = asked;
	error = skua_pool_open(&pool, &options);
	if (error) {
		cr_assert_null(pool);
		return error;
	}
	*workers = skua_pool_workers(pool);
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(*workers);
	return 0;
}

/* "workers = 0: […] SKUA_WORKERS" */
Test(env, skua_workers_counts, .timeout = LIMIT)
{
	unsigned workers = 0;

	cr_assert_eq(setenv("SKUA_WORKERS", "3", 1), 0);
	cr_assert_eq(open_count(0, &workers), 0);
	cr_assert_eq(workers, 3);
	cr_assert_eq(setenv("SKUA_WORKERS", "1", 1), 0);
	cr_assert_eq(open_count(0, &workers), 0);
	cr_assert_eq(workers, 1);
	cr_assert_eq(unsetenv("SKUA_WORKERS"), 0);
}

/* Who asks for a number gets it. */
Test(env, an_explicit_number_goes_before_the_environment, .timeout = LIMIT)
{
	unsigned workers = 0;

	cr_assert_eq(setenv("SKUA_WORKERS", "3", 1), 0);
	cr_assert_eq(open_count(2, &workers), 0);
	cr_assert_eq(workers, 2);
	cr_assert_eq(unsetenv("SKUA_WORKERS"), 0);
}

/* "SKUA_WORKERS parsed strictly": "a malformed SKUA_WORKERS" is SKUA_EINVAL */
Test(env, malformed_is_an_error_code, .timeout = LIMIT)
{
	static const char *const malformed[] = {
		"",	      "abc",  "3x",	"x3",
		" 3",	      "3 ",   "+3",	"-1",
		"0",	      "1025", "0x3",	"3.0",
		"3\n",	      "1e1",  "999999", "18446744073709551617",
		"4294967297",
	};
	unsigned workers = 77;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		cr_assert_eq(setenv("SKUA_WORKERS", malformed[i], 1), 0);
		cr_assert_eq(open_count(0, &workers), SKUA_EINVAL, "\"%s\"",
			     malformed[i]);
	}
	cr_assert_eq(workers, 77);
	cr_assert_eq(unsetenv("SKUA_WORKERS"), 0);
}

/* A3 "workers = 0: affinity mask and […] quota decide". The quota may only
 * make it less, so with one CPU there is nothing left to guess. */
Test(env, the_affinity_mask_counts, .timeout = LIMIT, .disabled = ONLY_POSIX)
{
	cpu_set_t before, one;
	unsigned workers = 0, all = 0;
	int cpu = 0;

	cr_assert_eq(unsetenv("SKUA_WORKERS"), 0);
	cr_assert_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	cr_assert_eq(open_count(0, &all), 0);
	cr_assert(all >= 1 && all <= (unsigned)CPU_COUNT(&before));
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_assert_eq(open_count(0, &workers), 0);
	cr_assert_eq(sched_setaffinity(0, sizeof(before), &before), 0);
	cr_assert_eq(workers, 1);
}
