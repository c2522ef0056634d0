/* SPDX-License-Identifier: MIT */
/*
 * test_idle.c - a pool with nothing to do uses no CPU, and a worker with
 * nothing to do leaves its core to others.
 *
 * What is measured is CPU time, not how long something takes. The bound is
 * generous: one worker that polls for a second uses a second.
 */
#include "sched_test.h"

enum {
	BOUND_MS = 50,
	SETTLED_MS = 5
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

static int64_t process_ms(void)
{
	return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

/* CPU time that this process uses while its main thread sleeps for @ms. */
static int64_t used_in(int64_t ms)
{
	int64_t before_ms = process_ms();

	CHECK(skua_sleep(SKUA_MILLISECONDS(ms)) == 0);
	return process_ms() - before_ms;
}

/* Workers may look about for a while after the last job: until a tenth of a
 * second goes by without. One that never parks never lets this return. */
static void let_them_park(void)
{
	while (used_in(100) > SETTLED_MS)
		continue;
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void work(struct skua_pool *pool)
{
	long value = 0;

	for (uintptr_t i = 0; i < 1000; i++)
		CHECK(take(submit(pool, do_nothing, number(i))) == number(i));
	CHECK(fib_run(pool, &value, 20) == 0);
}

/* --- Idle. --- */

static void idle_body(struct skua_pool *pool, unsigned workers)
{
	int64_t used_ms;

	let_them_park();
	used_ms = used_in(500);
	cr_assert(used_ms < BOUND_MS, "%d ms unused, %u workers", (int)used_ms,
		  workers);
	work(pool);
	let_them_park();
	used_ms = used_in(1000);
	cr_assert(used_ms < BOUND_MS, "%d ms, %u workers", (int)used_ms,
		  workers);
}

/* "An idle pool uses no CPU", before its first job and after its last. */
Test(idle, an_idle_pool_uses_no_cpu, .timeout = LIMIT)
{
	with_pools(idle_body);
}

static atomic_uint about_to_sleep;

static void *sleep_long(void *future)
{
	atomic_fetch_add(&about_to_sleep, 1);
	CHECK(skua_future_result(future, SKUA_SECONDS(100), NULL) == 0);
	return future;
}

static void suspended_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *tasks[100], *slow;
	int64_t used_ms;

	gate_close(&finish);
	atomic_store(&about_to_sleep, 0);
	slow = submit(other, hold, &finish);
	for (size_t i = 0; i < 100; i++)
		tasks[i] = submit(pool, sleep_long, slow);
	/* On a busy machine a tenth of a second may go by with none begun. */
	while (atomic_load(&about_to_sleep) < 100)
		CHECK(skua_sleep(SKUA_MILLISECONDS(1)) == 0);
	let_them_park();
	used_ms = used_in(1000);
	gate_open(&finish);
	for (size_t i = 0; i < 100; i++)
		CHECK(take(tasks[i]) == slow);
	CHECK(take(slow) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
	cr_assert(used_ms < BOUND_MS, "%d ms, %u workers", (int)used_ms,
		  workers);
}

/* Tasks that wait, with a timeout, are nothing to do either. */
Test(idle, suspended_tasks_use_no_cpu, .timeout = LIMIT)
{
	with_pools(suspended_body);
}

/* --- Beside one that is busy. --- */

struct busy {
	atomic_bool stop;
	atomic_int_least64_t started_ms;
	int64_t used_ms; /* by its thread, at the end */
};

static void *spin(void *arg)
{
	struct busy *busy = arg;

	atomic_store(&busy->started_ms, clock_ms(CLOCK_THREAD_CPUTIME_ID) + 1);
	while (!atomic_load(&busy->stop))
		continue;
	busy->used_ms = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

/* CPU time of the whole process less that of the busy task's thread. */
static int64_t used_beside(struct skua_pool *pool, int64_t ms)
{
	static struct busy busy;
	struct skua_future *future;
	int64_t before_ms, all_ms, spinner_ms;

	atomic_store(&busy.stop, false);
	atomic_store(&busy.started_ms, 0);
	before_ms = process_ms();
	future = submit(pool, spin, &busy);
	CHECK(skua_sleep(SKUA_MILLISECONDS(ms)) == 0);
	atomic_store(&busy.stop, true);
	CHECK(take(future) == &busy);
	all_ms = process_ms() - before_ms;
	spinner_ms = busy.used_ms - (atomic_load(&busy.started_ms) - 1);
	CHECK(spinner_ms > 0);
	return all_ms - spinner_ms;
}

static void beside_body(unsigned workers)
{
	struct skua_pool *pool;
	int64_t used_ms;

	if (workers == 1)
		workers = 2;
	pool = open_pool(workers);
	work(pool);
	let_them_park();
	used_ms = used_beside(pool, 1000);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert(used_ms < BOUND_MS, "%d ms, %u workers", (int)used_ms,
		  workers);
}

/* "A pool with one busy task and one idle worker leaves the other core
 * alone." */
Test(idle, beside_a_busy_task_the_other_core_is_left_alone, .timeout = LIMIT)
{
	with_workers(beside_body);
}

/* The busy task has children that nobody needs: all joined, none left. */
static void *spin_after_fork(void *arg)
{
	long value = 0;

	CHECK(fib_run(skua_pool_current(), &value, 15) == 0);
	return spin(arg);
}

static void after_fork_body(unsigned workers)
{
	static struct busy busy;
	struct skua_pool *pool;
	struct skua_future *future;
	int64_t before_ms, used_ms;

	if (workers == 1)
		workers = 2;
	pool = open_pool(workers);
	atomic_store(&busy.stop, false);
	atomic_store(&busy.started_ms, 0);
	future = submit(pool, spin_after_fork, &busy);
	while (!atomic_load(&busy.started_ms))
		CHECK(skua_sleep(SKUA_MILLISECONDS(1)) == 0);
	/* Those who helped it may look about for a while. */
	CHECK(skua_sleep(SKUA_MILLISECONDS(300)) == 0);
	before_ms = process_ms();
	CHECK(skua_sleep(SKUA_MILLISECONDS(1000)) == 0);
	used_ms = process_ms() - before_ms;
	atomic_store(&busy.stop, true);
	CHECK(take(future) == &busy);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	/* The busy one cannot use more than the second itself. */
	cr_assert(used_ms < 1000 + BOUND_MS + BOUND_MS, "%d ms, %u workers",
		  (int)used_ms, workers);
}

Test(idle, beside_a_task_that_had_children, .timeout = LIMIT)
{
	with_workers(after_fork_body);
}
