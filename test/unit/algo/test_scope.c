/* SPDX-License-Identifier: MIT */
/* test_scope.c - skua_scope(): nothing that it started outlives it. */
#include "../sched/sched_test.h"

static atomic_size_t ran;

static int count_run(skua_here here, void *arg)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return (int)(intptr_t)arg;
}

static int until_cancelled(skua_here here, void *arg)
{
	while (!skua_cancelled(here))
		skua_yield();
	return count_run(here, arg);
}

static int add_many(struct skua_group *group, void *arg)
{
	for (size_t i = 0; i < (size_t)arg; i++)
		CHECK(skua_group_run(group, count_run, NULL) == 0);
	return 0;
}

static int add_failing(struct skua_group *group, void *arg)
{
	CHECK(skua_group_run(group, count_run, arg) == 0);
	return 0;
}

/* Its children would run for ever if it did not cancel them. */
static int fail_itself(struct skua_group *group, void *arg)
{
	for (int i = 0; i < 5; i++)
		CHECK(skua_group_run(group, until_cancelled, NULL) == 0);
	return (int)(intptr_t)arg;
}

static void *all_ways(void *pool)
{
	atomic_store(&ran, 0);
	CHECK(skua_scope(pool, add_many, number(0)) == 0);
	CHECK(skua_scope(pool, add_many, number(1000)) == 0);
	CHECK(atomic_load(&ran) == 1000);
	CHECK(skua_scope(pool, add_failing, number(6)) == 6);
	CHECK(atomic_load(&ran) == 1001);
	CHECK(skua_scope(pool, fail_itself, number(3)) == 3);
	CHECK(skua_scope(pool, fail_itself, number(SKUA_ECANCELLED)) ==
	      SKUA_ECANCELLED);
	CHECK(skua_scope(NULL, add_many, number(0)) == SKUA_EINVAL);
	CHECK(skua_scope(pool, NULL, NULL) == SKUA_EINVAL);
	return NULL;
}

static void from_both(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	all_ways(pool);
	take(submit(pool, all_ways, pool));
}

Test(scope, all_has_ended, .timeout = LIMIT)
{
	with_pools(from_both);
}

/* The pool is closed: what is refused is not waited for. */
static int add_refused(struct skua_group *group, void *arg)
{
	CHECK(skua_group_run(group, count_run, arg) == SKUA_ECLOSED);
	return 0;
}

Test(scope, of_a_closed_pool, .timeout = LIMIT)
{
	struct skua_pool *pool = skua_pool_retain(open_pool(1));

	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_scope(pool, add_refused, NULL) == 0);
	skua_pool_release(pool);
	settle(1);
}
