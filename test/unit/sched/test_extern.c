/* SPDX-License-Identifier: MIT */
/*
 * test_extern.c - tasks that another file defines (extern/powers.c): called,
 * forked, run and submitted from here.
 */
#include "extern/powers.h"
#include "sched_test.h"

SKUA_TASK(long, use_powers, int, count)
{
	long added = 0, sum = powers_sum(here, 2, count);

	powers_add_fork(&here, &added, 5);
	powers_sum_fork(&here, 3, count);
	powers_zero_fork(&here);
	sum += powers_zero_join(&here);
	sum += powers_sum_join(&here);
	powers_add_join(&here);
	return sum + added;
}

static void across_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future = NULL;
	long value = 0;

	CHECK(use_powers_run(pool, &value, 10) == 0);
	cr_assert_eq(value, 1023 + 29524 + 5, "%u workers", workers);
	CHECK(powers_sum_run(pool, &value, 2, 20) == 0);
	cr_assert_eq(value, 1048575, "%u workers", workers);
	CHECK(powers_add_run(pool, &value, 1) == 0);
	cr_assert_eq(value, 1048576, "%u workers", workers);
	CHECK(powers_sum_submit(pool, &future, 3, 10) == 0);
	CHECK(powers_sum_result(future, SKUA_FOREVER, &value) == 0);
	cr_assert_eq(value, 29524, "%u workers", workers);
	skua_future_release(future);
}

/* "SKUA_TASK_EXTERN/SKUA_DECLARE_TASK_EXTERN across files" */
Test(extern_task, defined_in_another_file, .timeout = LIMIT)
{
	with_pools(across_body);
}
