/* SPDX-License-Identifier: MIT */
/*
 * test_guest.c - outside threads that submit: many, short-lived, leaving with
 * work pending, on the way out of their destructors, to several pools.
 */
#include <limits.h>
#include <string.h>

#include "sched_test.h"

static atomic_size_t runs;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	CHECK(pthread_create(thread, NULL, fn, arg) == 0);
}

/* --- Four at once. --- */

enum {
	EACH = SCALED(50000)
};

static void *submit_and_collect(void *pool)
{
	struct skua_future **futures = calloc(EACH, sizeof(*futures));

	for (size_t i = 0; i < EACH; i++)
		futures[i] = submit(pool, count_run, number(i));
	for (size_t i = 0; i < EACH; i++)
		CHECK(take(futures[i]) == number(i));
	free(futures);
	return NULL;
}

static void four_body(struct skua_pool *pool, unsigned workers)
{
	pthread_t threads[4];

	atomic_store(&runs, 0);
	for (size_t i = 0; i < 4; i++)
		start_thread(&threads[i], submit_and_collect, pool);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	cr_assert_eq(atomic_load(&runs), 4 * EACH, "%u workers", workers);
}

/* "any thread, no registration", several at once */
Test(guest, four_submit_and_collect, .timeout = LIMIT)
{
	with_pools(four_body);
}

/* --- Coming and going. --- */

enum {
	VISITORS = SCALED(1000),
	PACKAGES = 20
};

static void *leave_packages(void *pool)
{
	for (size_t i = 0; i < PACKAGES; i++)
		CHECK(skua_submit(pool, count_run, NULL, NULL) == 0);
	return NULL;
}

static void visitors_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);

	atomic_store(&runs, 0);
	for (size_t i = 0; i < VISITORS; i += 10) {
		pthread_t threads[10];

		for (size_t k = 0; k < 10; k++)
			start_thread(&threads[k], leave_packages, pool);
		for (size_t k = 0; k < 10; k++)
			CHECK(pthread_join(threads[k], NULL) == 0);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), VISITORS * PACKAGES, "%u workers",
		     workers);
}

/* "A leaving thread's deque is orphaned and drained by thieves." */
Test(guest, many_come_and_leave_work_behind, .timeout = LIMIT)
{
	with_workers(visitors_body);
}

static void orphans_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	pthread_t thread;

	gate_close(&keep);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers);
	for (size_t i = 0; i < 100; i++) {
		start_thread(&thread, leave_packages, pool);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	cr_assert_eq(atomic_load(&runs), 0);
	gate_open(&keep);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), 100 * PACKAGES, "%u workers", workers);
}

/* All have gone before the first of their jobs starts. */
Test(guest, all_have_gone_before_a_worker_is_free, .timeout = LIMIT)
{
	with_workers(orphans_body);
}

/* --- On the way out. --- */

/* All the rounds there are; TSan has let go of the thread before the last. */
#ifdef UNDER_TSAN
enum {
	LATE_ROUNDS = 2
};
#else
enum {
	LATE_ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS
};
#endif

static pthread_key_t late_key;
static struct skua_pool *late_pool;
static atomic_size_t late_submits;

/* Sets itself again: pthreads calls destructors in several rounds, so some of
 * these come after the library's own. */
static void submit_late(void *round)
{
	CHECK(skua_submit(late_pool, count_run, NULL, NULL) == 0);
	atomic_fetch_add(&late_submits, 1);
	if ((uintptr_t)round > 1)
		CHECK(pthread_setspecific(late_key,
					  number((uintptr_t)round - 1)) == 0);
}

static void *submit_before_the_end(void *first)
{
	if (first)
		CHECK(skua_submit(late_pool, count_run, NULL, NULL) == 0);
	CHECK(pthread_setspecific(late_key, number(LATE_ROUNDS)) == 0);
	return NULL;
}

static void late_body(unsigned workers)
{
	late_pool = open_pool(workers);
	atomic_store(&runs, 0);
	atomic_store(&late_submits, 0);
	CHECK(pthread_key_create(&late_key, submit_late) == 0);
	for (size_t i = 0; i < 50; i++) {
		pthread_t threads[2];

		/* One that is a guest already, and one that never was. */
		start_thread(&threads[0], submit_before_the_end, &late_key);
		start_thread(&threads[1], submit_before_the_end, NULL);
		CHECK(pthread_join(threads[0], NULL) == 0);
		CHECK(pthread_join(threads[1], NULL) == 0);
	}
	CHECK(pthread_key_delete(late_key) == 0);
	CHECK(skua_pool_close(late_pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&late_submits), 100 * LATE_ROUNDS);
	cr_assert_eq(atomic_load(&runs), 50 + atomic_load(&late_submits),
		     "%u workers", workers);
}

/* "A thread past its exit destructor submits through a lock-free late box of
 * the pool." */
Test(guest, destructors_of_a_leaving_thread_submit, .timeout = LIMIT)
{
	with_workers(late_body);
}

/* --- Small and many. --- */

static void *small_guest(void *pool)
{
	for (size_t i = 0; i < 100; i++)
		CHECK(take(submit(pool, count_run, number(i))) == number(i));
	return NULL;
}

static void small_body(struct skua_pool *pool, unsigned workers)
{
	pthread_attr_t small;
	pthread_t threads[8];

	atomic_store(&runs, 0);
	CHECK(pthread_attr_init(&small) == 0);
	CHECK(pthread_attr_setstacksize(&small, 128 << 10) == 0);
	for (size_t i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], &small, small_guest, pool) ==
		      0);
	for (size_t i = 0; i < 8; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(pthread_attr_destroy(&small) == 0);
	cr_assert_eq(atomic_load(&runs), 800, "%u workers", workers);
}

/* Submitting and waiting takes little of a thread's stack. */
Test(guest, threads_with_stacks_of_128_kibibytes, .timeout = LIMIT)
{
	with_pools(small_body);
}

enum {
	PARTIES = 10
};

static void parties_body(unsigned workers)
{
	struct skua_pool *pools[PARTIES];
	struct skua_future *futures[PARTIES];

	if (workers > 8)
		workers = 8;
	atomic_store(&runs, 0);
	for (size_t i = 0; i < PARTIES; i++)
		pools[i] = open_pool(workers);
	for (size_t round = 0; round < SCALED(1000); round++) {
		for (size_t i = 0; i < PARTIES; i++)
			futures[i] = submit(pools[i], count_run, number(i));
		for (size_t i = 0; i < PARTIES; i++)
			CHECK(take(futures[i]) == number(i));
	}
	for (size_t i = 0; i < PARTIES; i++)
		CHECK(skua_pool_close(pools[i], SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), SCALED(1000) * PARTIES);
}

/* One thread, a guest of ten pools in turn. */
Test(guest, of_ten_pools_at_once, .timeout = LIMIT)
{
	with_workers(parties_body);
}

/* --- The pool goes first, the guest stays. --- */

static struct gate pool_gone;

static void *stay(void *pool)
{
	struct skua_future *future = submit(pool, count_run, number(6));

	gate_arrive(&pool_gone);
	gate_pass(&pool_gone);
	CHECK(take(future) == number(6));
	return NULL;
}

static void stay_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers), *next;
	pthread_t threads[4];

	gate_close(&pool_gone);
	for (size_t i = 0; i < 4; i++)
		start_thread(&threads[i], stay, pool);
	gate_await(&pool_gone, 4);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	next = open_pool(workers);
	CHECK(take(submit(next, do_nothing, next)) == next);
	gate_open(&pool_gone);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(skua_pool_close(next, SKUA_CLOSE_WAIT) == 0);
}

/* "Guest records live outside the pool […] and have two references" */
Test(guest, outlives_its_pool, .timeout = LIMIT)
{
	with_workers(stay_body);
}

/* --- Threads of tasks' own making. --- */

static void *spawn_guest(void *pool)
{
	pthread_t thread;

	start_thread(&thread, leave_packages, pool);
	CHECK(pthread_join(thread, NULL) == 0);
	return NULL;
}

static void spawned_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *spawners[50];

	atomic_store(&runs, 0);
	for (size_t i = 0; i < 50; i++)
		spawners[i] = submit(pool, spawn_guest, pool);
	for (size_t i = 0; i < 50; i++)
		CHECK(take(spawners[i]) == NULL);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), 50 * PACKAGES, "%u workers", workers);
}

/* A task's thread is a guest like any other. */
Test(guest, threads_that_a_task_started, .timeout = LIMIT)
{
	with_workers(spawned_body);
}
