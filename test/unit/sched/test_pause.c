/* SPDX-License-Identifier: MIT */
/*
 * test_pause.c - pools that start nothing for a while, and waiting until a pool
 * has nothing to do.
 */
#include "sched_test.h"

enum {
	JOBS = SCALED(2000),
	ROUNDS = SCALED(4000),
	SUBMITTERS = 4
};

static atomic_size_t ran;

static void *count(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void count_post(void *arg)
{
	(void)count(arg);
}

/* Time passes that is long enough for many jobs, on a pool of its own. */
static void let_time_pass(void)
{
	struct skua_pool *other = open_pool(2);

	for (unsigned i = 0; i < 200; i++)
		CHECK(take(submit(other, do_nothing, other)) == other);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

static void starts_nothing_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[JOBS];

	start_workers(pool, workers);
	atomic_store(&ran, 0);
	cr_assert_eq(skua_pool_pause(pool), 0);
	cr_assert_eq(skua_pool_pause(pool), 0);
	for (size_t i = 0; i < JOBS; i++)
		futures[i] = submit(pool, count, number(i));
	let_time_pass();
	cr_assert_eq(atomic_load(&ran), 0);
	cr_assert_eq(skua_pool_pending(pool), JOBS);
	cr_assert_eq(skua_pool_running(pool), 0);
	cr_assert_eq(skua_pool_resume(pool), 0);
	cr_assert_eq(skua_pool_resume(pool), 0);
	for (size_t i = 0; i < JOBS; i++)
		CHECK(take(futures[i]) == number(i));
	cr_assert_eq(atomic_load(&ran), JOBS);
}

/* "Start nothing new, until skua_pool_resume()" */
Test(pause, nothing_starts_until_resume, .timeout = LIMIT)
{
	with_pools(starts_nothing_body);
}

/* --- Running tasks go on. --- */

static atomic_bool child_ran;
static struct skua_pool *outside;

SKUA_TASK(uintptr_t, child, uintptr_t, n)
{
	(void)here;
	atomic_store(&child_ran, true);
	return n;
}

static void *until_child_ran(void *arg)
{
	while (!atomic_load(&child_ran))
		CHECK(skua_sleep(10000) == 0);
	return arg;
}

/* Waits, before it joins them, for something that needs one of its children. */
SKUA_TASK(uintptr_t, go_on, struct gate *, gate)
{
	struct skua_future *future = NULL;
	uintptr_t sum = 0;

	gate_arrive(gate);
	gate_pass(gate);
	skua_yield();
	CHECK(skua_sleep(1000) == 0);
	for (uintptr_t i = 0; i < 4; i++)
		child_fork(&here, i);
	CHECK(skua_submit(outside, until_child_ran, NULL, &future) == 0);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	for (uintptr_t i = 0; i < 4; i++)
		sum += child_join(&here);
	CHECK(skua_submit(skua_pool_current(), count, NULL, NULL) == 0);
	return sum;
}

static void go_on_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;
	struct skua_future *future = NULL;
	uintptr_t sum = 0;

	(void)workers;
	gate_close(&gate);
	atomic_store(&child_ran, false);
	atomic_store(&ran, 0);
	outside = open_pool(1);
	CHECK(go_on_submit(pool, &future, &gate) == 0);
	gate_await(&gate, 1);
	cr_assert_eq(skua_pool_pause(pool), 0);
	gate_open(&gate);
	CHECK(go_on_result(future, SKUA_FOREVER, &sum) == 0);
	CHECK(sum == 6);
	/* What it submitted last has not begun. */
	let_time_pass();
	cr_assert_eq(atomic_load(&ran), 0);
	cr_assert_eq(skua_pool_pending(pool), 1);
	skua_future_release(future);
	CHECK(skua_pool_close(outside, SKUA_CLOSE_WAIT) == 0);
	/* with_pools() closes it: "until […] shutdown" */
}

/* "Running tasks go on, with their children and after their waits." */
Test(pause, running_tasks_go_on, .timeout = LIMIT)
{
	with_pools(go_on_body);
}

static void shutdown_body(unsigned workers)
{
	for (unsigned flags = 0; flags < 4; flags++) {
		struct skua_pool *pool = open_pool(workers);
		struct skua_future *future;
		bool cancel = flags & SKUA_CLOSE_CANCEL;

		CHECK(skua_pool_pause(pool) == 0);
		future = submit(pool, do_nothing, pool);
		CHECK(skua_pool_close(pool, flags) == 0);
		CHECK(skua_future_result(future, SKUA_FOREVER, NULL) ==
		      (cancel ? SKUA_ECANCELLED : 0));
		skua_future_release(future);
	}
}

Test(pause, shutdown_resumes, .timeout = LIMIT)
{
	with_workers(shutdown_body);
}

/* ---- drain ---- */

static void *sleep_and_submit(void *arg)
{
	uintptr_t n = (uintptr_t)arg;

	CHECK(skua_sleep((int64_t)(n % 7) * 10000) == 0);
	if (n % 3)
		CHECK(skua_submit(skua_pool_current(), count, arg, NULL) == 0);
	else
		CHECK(skua_post(skua_pool_current(), count_post, arg) == 0);
	return count(arg);
}

static void drain_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	cr_assert_eq(skua_pool_drain(pool, 0), 0);
	for (unsigned round = 0; round < 5; round++) {
		atomic_store(&ran, 0);
		for (size_t i = 0; i < JOBS; i++)
			CHECK(skua_submit(pool, sleep_and_submit, number(i),
					  NULL) == 0);
		cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
		cr_assert_eq(atomic_load(&ran), 2 * JOBS);
		cr_assert_eq(skua_pool_pending(pool), 0);
		cr_assert_eq(skua_pool_running(pool), 0);
	}
}

/* "Wait until nothing is pending or running", tasks of tasks included. */
Test(drain, waits_for_all, .timeout = LIMIT)
{
	with_pools(drain_body);
}

static void timeout_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;

	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	cr_assert_eq(skua_pool_drain(pool, 0), SKUA_ETIMEDOUT);
	/* More of them than are told: nothing may pile up, or leak. */
	for (unsigned i = 0; i < 50; i++)
		cr_assert_eq(skua_pool_drain(pool, 1000), SKUA_ETIMEDOUT);
	gate_open(&gate);
	cr_assert_eq(skua_pool_drain(pool, SKUA_SECONDS(1000)), 0);
}

Test(drain, runs_out_of_time, .timeout = LIMIT)
{
	with_pools(timeout_body);
}

static void *drain_own(void *arg)
{
	CHECK(skua_pool_drain(skua_pool_current(), SKUA_FOREVER) ==
	      SKUA_EDEADLK);
	CHECK(skua_pool_drain(skua_pool_current(), 0) == SKUA_EDEADLK);
	return arg;
}

static void *drain_other(void *pool)
{
	int worker = skua_worker();

	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	CHECK(skua_worker() == worker);
	return pool;
}

static void from_tasks_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;
	struct skua_pool *other = open_pool(1);
	struct skua_future *drains[20];

	CHECK(take(submit(pool, drain_own, pool)) == pool);
	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	for (unsigned i = 0; i < 20; i++)
		drains[i] = submit(other, drain_other, pool);
	/* They are suspended: their worker runs on. */
	CHECK(take(submit(other, do_nothing, other)) == other);
	gate_open(&gate);
	for (unsigned i = 0; i < 20; i++)
		CHECK(take(drains[i]) == pool);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(drain, from_tasks, .timeout = LIMIT)
{
	with_pools(from_tasks_body);
}

/* ---- all at once ---- */

static atomic_uint submitting;

static void *submit_and_drain(void *pool)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct skua_future *future = submit(pool, count, pool);
		int error;

		do
			error = skua_pool_drain(pool,
						i % 2 ? SKUA_FOREVER : 20000);
		while (error == SKUA_ETIMEDOUT);
		CHECK(error == 0);
		CHECK(skua_future_done(future));
		skua_future_release(future);
	}
	atomic_fetch_sub(&submitting, 1);
	return NULL;
}

static void race_body(struct skua_pool *pool, unsigned workers)
{
	pthread_t threads[SUBMITTERS];

	(void)workers;
	atomic_store(&ran, 0);
	atomic_store(&submitting, SUBMITTERS);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		CHECK(pthread_create(&threads[i], NULL, submit_and_drain,
				     pool) == 0);
	while (atomic_load(&submitting)) {
		CHECK(skua_pool_pause(pool) == 0);
		sched_yield();
		CHECK(skua_pool_resume(pool) == 0);
		sched_yield();
	}
	for (unsigned i = 0; i < SUBMITTERS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	cr_assert_eq(atomic_load(&ran), SUBMITTERS * ROUNDS);
}

/* A submit that sees the pool paused wakes nobody, and a drain is told by a
 * worker that goes to sleep: nothing may get lost between them. */
Test(pause, races_submits_and_drains, .timeout = LIMIT)
{
	with_pools(race_body);
}

Test(pause, nonsense, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	cr_assert_eq(skua_pool_pause(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_pool_resume(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_pool_drain(NULL, 0), SKUA_EINVAL);
	cr_assert_eq(skua_pool_resume(pool), 0);
	cr_assert_eq(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT), 0);
	cr_assert_eq(skua_pool_pause(pool), SKUA_ECLOSED);
	cr_assert_eq(skua_pool_resume(pool), SKUA_ECLOSED);
	cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	skua_pool_release(pool);
}
