/* SPDX-License-Identifier: MIT */
/* test_invoke.c - skua_invoke(): all run, in order when alone; the first error
 * stops the rest; groups and skua_fail(). */
#include <string.h>

#include "../sched/sched_test.h"

enum {
	CALLS = 1000
};
static struct skua_call calls[CALLS];
static unsigned char called[CALLS];
static atomic_size_t ran;
static size_t order[CALLS];

static int note(skua_here here, void *arg)
{
	size_t i = (size_t)arg;

	(void)here;
	called[i]++;
	order[atomic_fetch_add(&ran, 1)] = i;
	return 0;
}

static int give_back(skua_here here, void *arg)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return (int)(intptr_t)arg;
}

static int say_fail(skua_here here, void *arg)
{
	(void)here;
	skua_fail((int)(intptr_t)arg);
	return 0;
}

static void prepare(void)
{
	for (size_t i = 0; i < CALLS; i++)
		calls[i] = (struct skua_call){ note, number(i) };
	memset(called, 0, sizeof(called));
	atomic_store(&ran, 0);
}

static void each_once(size_t count, unsigned workers)
{
	CHECK(atomic_load(&ran) == count);
	for (size_t i = 0; i < CALLS; i++) {
		CHECK(called[i] == (i < count));
		if (workers == 1 && i < count)
			CHECK(order[i] == i);
	}
}

SKUA_TASK(int, within, size_t, count)
{
	return skua_invoke_many_in(here, calls, count);
}

static void all_counts(struct skua_pool *pool, unsigned workers)
{
	static const size_t counts[] = { 0, 1, 2, 3, 5, 64, 999, CALLS };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int error = 1;

		prepare();
		CHECK(skua_invoke_many(pool, calls, counts[i]) == 0);
		each_once(counts[i], workers);
		prepare();
		CHECK(within_run(pool, &error, counts[i]) == 0 && !error);
		each_once(counts[i], workers);
	}
	prepare();
	CHECK(skua_invoke(pool, note, number(1), note, number(0)) == 0);
	CHECK(atomic_load(&ran) == 2 && called[0] && called[1]);
}

Test(invoke, each_runs_once, .timeout = LIMIT)
{
	with_pools(all_counts);
}

SKUA_TASK(int, nested, int, depth)
{
	int error = 0;

	for (int i = 0; depth && i < 2; i++)
		error |= skua_invoke_in(here, give_back, NULL, give_back, NULL);
	if (depth) {
		nested_fork(&here, depth - 1);
		error |= nested(here, depth - 1);
		error |= nested_join(&here);
	}
	return error;
}

static void in_between(struct skua_pool *pool, unsigned workers)
{
	int error = 1;

	(void)workers;
	atomic_store(&ran, 0);
	CHECK(nested_run(pool, &error, 10) == 0 && !error);
	CHECK(atomic_load(&ran) == 4 * 1023);
}

Test(invoke, between_forks, .timeout = LIMIT)
{
	with_pools(in_between);
}

/* --- Errors. --- */

SKUA_TASK(int, two_within, intptr_t, first, intptr_t, second)
{
	return skua_invoke_in(here, give_back, number((uintptr_t)first),
			      give_back, number((uintptr_t)second));
}

SKUA_TASK(int, fail_within, int, code)
{
	return skua_invoke_in(here, give_back, NULL, say_fail,
			      number((uintptr_t)code));
}

static void errors(struct skua_pool *pool, unsigned workers)
{
	int error = 0;

	CHECK(skua_invoke(pool, give_back, number(7), give_back, NULL) == 7);
	CHECK(skua_invoke(pool, give_back, NULL, give_back, number(7)) == 7);
	CHECK(two_within_run(pool, &error, 0, -70) == 0 && error == -70);
	CHECK(skua_invoke(pool, say_fail, number(1), give_back, NULL) ==
	      SKUA_EFAILED);
	CHECK(skua_invoke(pool, say_fail, number(1), give_back, number(4)) ==
	      4);
	CHECK(fail_within_run(pool, &error, 1) == SKUA_EFAILED);
	prepare();
	calls[100] = (struct skua_call){ give_back, number(9) };
	CHECK(skua_invoke_many(pool, calls, CALLS) == 9);
	CHECK(called[0] && called[99]);
	if (workers == 1)
		CHECK(atomic_load(&ran) == 101);
}

Test(invoke, the_first_error_stops_the_rest, .timeout = LIMIT)
{
	with_pools(errors);
}

static int invoke_cancelled(skua_here here, void *group)
{
	CHECK(skua_group_cancel(group) == 0);
	CHECK(skua_invoke_in(here, give_back, NULL, give_back, NULL) ==
	      SKUA_ECANCELLED);
	CHECK(skua_invoke(skua_pool_current(), give_back, NULL, give_back,
			  NULL) == SKUA_ECANCELLED);
	return 0;
}

static void cancelled(struct skua_pool *pool, unsigned workers)
{
	struct skua_group group;

	(void)workers;
	atomic_store(&ran, 0);
	CHECK(skua_group_init(&group, pool) == 0);
	CHECK(skua_group_run(&group, invoke_cancelled, &group) == 0);
	CHECK(skua_group_wait(&group, SKUA_FOREVER) == SKUA_ECANCELLED);
	CHECK(skua_group_destroy(&group) == 0);
	CHECK(atomic_load(&ran) == 0);
}

Test(invoke, is_cancelled_with_its_group, .timeout = LIMIT)
{
	with_pools(cancelled);
}

SKUA_TASK_VOID(wrong_within, int, unused)
{
	(void)unused;
	CHECK(skua_invoke_in(NULL, note, NULL, note, NULL) == SKUA_EINVAL);
	CHECK(skua_invoke_in(here, NULL, NULL, note, NULL) == SKUA_EINVAL);
	CHECK(skua_invoke_in(here, note, NULL, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_invoke_many_in(here, NULL, 1) == SKUA_EINVAL);
	CHECK(skua_invoke_many_in(here, NULL, 0) == 0);
}

Test(invoke, wrong_arguments, .timeout = LIMIT)
{
	struct skua_pool *pool = skua_pool_retain(open_pool(1));

	prepare();
	cr_assert_eq(skua_invoke(NULL, note, NULL, note, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_invoke(pool, NULL, NULL, note, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_invoke(pool, note, NULL, NULL, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_invoke_many(pool, NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_invoke_many(pool, NULL, 0), 0);
	cr_assert_eq(wrong_within_run(pool, 0), 0);
	cr_assert_eq(atomic_load(&ran), 0);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	cr_assert_eq(skua_invoke(pool, note, NULL, note, NULL), SKUA_ECLOSED);
	skua_pool_release(pool);
	settle(1);
}
