/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - sleeping tasks and timed waits: the worker runs on, nobody
 * wakes early, everybody wakes.
 */
#include "sched_test.h"

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- The worker runs on. --- */

static atomic_bool flag;

static void raise_flag(void *arg)
{
	(void)arg;
	atomic_store(&flag, true);
}

static void *sleep_until_flag(void *arg)
{
	CHECK(skua_post(skua_pool_current(), raise_flag, NULL) == 0);
	while (!atomic_load(&flag))
		CHECK(skua_sleep(SKUA_MILLISECONDS(1)) == 0);
	return arg;
}

static void runs_on_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	gate_close(&keep);
	hold_workers(pool, &keep, workers - 1);
	for (unsigned i = 0; i < 10; i++) {
		atomic_store(&flag, false);
		CHECK(take(submit(pool, sleep_until_flag, &keep)) == &keep);
	}
	gate_open(&keep);
}

/* skua_sleep: "In a task the worker runs on meanwhile." */
Test(timer, a_sleeping_task_leaves_its_worker_to_others, .timeout = LIMIT)
{
	with_pools(runs_on_body);
}

/* --- Never early, and all of them. --- */

enum {
	SLEEPERS = FIBERS(2000)
};

static void *sleep_some(void *ns)
{
	int64_t start_ns = now_ns();

	CHECK(skua_sleep((int64_t)(uintptr_t)ns) == 0);
	CHECK(now_ns() - start_ns >= (int64_t)(uintptr_t)ns);
	return ns;
}

static void sleepers_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future **sleepers = calloc(SLEEPERS, sizeof(*sleepers));
	uint64_t seed = test_seed(), random = seed;
	uintptr_t asked = 0, slept = 0;

	for (size_t i = 0; i < SLEEPERS; i++) {
		uintptr_t ns = next_random(&random) % 20000000;

		asked += ns;
		sleepers[i] = submit(pool, sleep_some, number(ns));
	}
	for (size_t i = 0; i < SLEEPERS; i++)
		slept += (uintptr_t)take(sleepers[i]);
	cr_assert_eq(slept, asked, "%u workers, SKUA_TEST_SEED=%#llx", workers,
		     (unsigned long long)seed);
	free(sleepers);
}

/* "Sleep for at least @ns": 2,000 tasks at a time, of all durations. */
Test(timer, thousands_sleep_and_none_wakes_early, .timeout = LIMIT)
{
	with_pools(sleepers_body);
}

static void *sleep_twice(void *ns)
{
	CHECK(sleep_some(ns) == ns);
	CHECK(sleep_some(number(0)) == NULL);
	return sleep_some(ns);
}

static void mixed_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *long_sleeper =
		submit(pool, sleep_some, number(50000000));
	struct skua_future *short_sleepers[50];

	(void)workers;
	for (size_t i = 0; i < 50; i++)
		short_sleepers[i] =
			submit(pool, sleep_twice, number(1000000 + i * 1000));
	for (size_t i = 0; i < 50; i++)
		CHECK(take(short_sleepers[i]) == number(1000000 + i * 1000));
	CHECK(take(long_sleeper) == number(50000000));
}

/* A later timer that is due earlier shortens the worker's own sleep. */
Test(timer, shorter_sleeps_after_a_longer_one, .timeout = LIMIT)
{
	with_pools(mixed_body);
}

/* --- In a thread. --- */

Test(timer, in_a_plain_thread, .timeout = LIMIT)
{
	CHECK(sleep_some(number(2000000)) == number(2000000));
	CHECK(skua_sleep(0) == 0);
	settle(0);
}

static void *nonsense(void *arg)
{
	CHECK(skua_sleep(-1) == SKUA_EINVAL);
	CHECK(skua_sleep(INT64_MIN) == SKUA_EINVAL);
	CHECK(skua_sleep(0) == 0);
	return arg;
}

static void nonsense_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	CHECK(nonsense(pool) == pool);
	CHECK(take(submit(pool, nonsense, pool)) == pool);
}

/* "Zero returns at once. […] SKUA_EINVAL (negative)" */
Test(timer, negative_is_an_error_code, .timeout = LIMIT)
{
	with_pools(nonsense_body);
}

/* --- Timed waits. --- */

static struct skua_future *never;

static void *give_up(void *ns)
{
	int64_t start_ns = now_ns();

	CHECK(skua_future_result(never, (int64_t)(uintptr_t)ns, NULL) ==
	      SKUA_ETIMEDOUT);
	CHECK(now_ns() - start_ns >= (int64_t)(uintptr_t)ns);
	return ns;
}

static void timed_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *waiters[200];

	(void)workers;
	gate_close(&finish);
	never = submit(other, hold, &finish);
	for (size_t i = 0; i < 200; i++)
		waiters[i] = submit(pool, give_up, number(i * 50000));
	CHECK(give_up(number(1000000)) == number(1000000));
	for (size_t i = 0; i < 200; i++)
		CHECK(take(waiters[i]) == number(i * 50000));
	gate_open(&finish);
	CHECK(take(never) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* Waits that run out do so at their time, not before, 200 on one future. */
Test(timer, timed_waits_run_out_and_never_early, .timeout = LIMIT)
{
	with_pools(timed_body);
}

static void *sleep_in_turns(void *arg)
{
	for (unsigned i = 0; i < 20; i++) {
		CHECK(skua_sleep(100000) == 0);
		CHECK(take(submit(skua_pool_current(), do_nothing, arg)) ==
		      arg);
		skua_yield();
	}
	return arg;
}

static void turns_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[50];

	(void)workers;
	for (size_t i = 0; i < 50; i++)
		tasks[i] = submit(pool, sleep_in_turns, number(i));
	for (size_t i = 0; i < 50; i++)
		CHECK(take(tasks[i]) == number(i));
}

/* Sleeps, waits and yields in one task, fifty tasks at once. */
Test(timer, sleeps_waits_and_yields_in_turns, .timeout = LIMIT)
{
	with_pools(turns_body);
}
