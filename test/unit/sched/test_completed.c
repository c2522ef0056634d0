/* SPDX-License-Identifier: MIT */
/*
 * test_completed.c - skua_as_completed(): each future once, those done first,
 * the others in the order of their ends; of several pools; timeouts; stopping
 * early.
 */
#include <string.h>

#include "promises.h"

/* The next one must be that of place @index. */
static void expect(struct skua_completed *completed,
		   struct skua_future *futures[], size_t index)
{
	struct skua_future *future = NULL;
	size_t which = 77;

	CHECK(skua_completed_next(completed, SKUA_FOREVER, &future, &which) ==
	      0);
	CHECK(which == index && future == futures[index]);
}

/* --- Order. --- */

Test(completed, done_ones_first_then_by_end, .timeout = LIMIT)
{
	static const unsigned ends[] = { 6, 0, 3, 5, 2 };
	struct skua_completed *completed = NULL;
	struct skua_future *futures[8], *future = NULL;
	size_t index = 77;

	for (unsigned i = 0; i < 8; i++)
		futures[i] = open_promise();
	skua_promise_set(futures[7], NULL);
	skua_promise_fail(futures[4], 1);
	skua_future_cancel(futures[1]);
	cr_assert_eq(skua_as_completed(&completed, futures, 8), 0);
	/* Before the done ones are asked for: they are first nevertheless. */
	for (unsigned i = 0; i < 3; i++)
		skua_promise_set(futures[ends[i]], NULL);
	expect(completed, futures, 1);
	expect(completed, futures, 4);
	expect(completed, futures, 7);
	for (unsigned i = 0; i < 3; i++)
		expect(completed, futures, ends[i]);
	cr_assert_eq(skua_completed_next(completed, 0, &future, &index),
		     SKUA_ETIMEDOUT);
	cr_assert_eq(skua_completed_next(completed, 100000, &future, &index),
		     SKUA_ETIMEDOUT);
	cr_assert(future == NULL && index == 77);
	skua_promise_fail(futures[ends[3]], 5);
	skua_future_cancel(futures[ends[4]]);
	cr_assert_eq(skua_completed_next(completed, 0, NULL, &index), 0);
	cr_assert_eq(index, ends[3]);
	cr_assert_eq(skua_completed_next(completed, 0, &future, NULL), 0);
	cr_assert_eq(future, futures[ends[4]]);
	cr_assert_eq(skua_completed_next(completed, SKUA_FOREVER, NULL, NULL),
		     SKUA_ENONE);
	cr_assert_eq(skua_completed_next(completed, 0, NULL, NULL), SKUA_ENONE);
	skua_completed_free(completed);
	release_all(futures, 8);
	settle(0);
}

Test(completed, nonsense, .timeout = LIMIT)
{
	struct skua_completed *completed = NULL;
	struct skua_future *futures[3] = { open_promise(), open_promise(),
					   NULL };

	cr_assert_eq(skua_as_completed(NULL, futures, 1), SKUA_EINVAL);
	cr_assert_eq(skua_as_completed(&completed, NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_as_completed(&completed, futures, 3), SKUA_EINVAL);
	cr_assert_eq(skua_as_completed(&completed, futures, SIZE_MAX),
		     SKUA_ENOMEM);
	cr_assert_null(completed);
	cr_assert_eq(skua_completed_next(NULL, 0, NULL, NULL), SKUA_EINVAL);
	skua_completed_free(NULL);
	cr_assert_eq(skua_as_completed(&completed, NULL, 0), 0);
	cr_assert_eq(skua_completed_next(completed, SKUA_FOREVER, NULL, NULL),
		     SKUA_ENONE);
	skua_completed_free(completed);
	release_all(futures, 2);
}

/* --- Duplicates. --- */

Test(completed, duplicates_once, .timeout = LIMIT)
{
	struct skua_completed *completed = NULL;
	struct skua_future *promises[3], *futures[300];

	for (unsigned i = 0; i < 3; i++)
		promises[i] = open_promise();
	skua_promise_set(promises[1], NULL);
	for (unsigned i = 0; i < 300; i++)
		futures[i] = promises[i / 7 % 3];
	cr_assert_eq(skua_as_completed(&completed, futures, 300), 0);
	expect(completed, futures, 7);
	skua_promise_set(promises[2], NULL);
	expect(completed, futures, 14);
	cr_assert_eq(skua_completed_next(completed, 0, NULL, NULL),
		     SKUA_ETIMEDOUT);
	skua_promise_set(promises[0], NULL);
	expect(completed, futures, 0);
	cr_assert_eq(skua_completed_next(completed, 0, NULL, NULL), SKUA_ENONE);
	skua_completed_free(completed);
	release_all(promises, 3);
	settle(0);
}

/* --- Real tasks, released as they come. --- */

enum {
	MANY = SCALED(20000)
};

static void *fail_or_return(void *arg)
{
	return (uintptr_t)arg % 5 == 4 ? skua_fail(1) : arg;
}

/* Two pools; every 7th is cancelled if it has not started. */
static void *collect(void *pools)
{
	struct skua_pool **pool = pools;
	struct skua_completed *completed = NULL;
	struct skua_future **futures = calloc(MANY, sizeof(*futures));
	struct skua_future *future;
	char *seen = calloc(MANY, 1);
	size_t index;

	for (size_t i = 0; i < MANY; i++) {
		futures[i] = submit(pool[i % 2], fail_or_return, number(i));
		if (i % 7 == 6)
			(void)skua_future_cancel(futures[i]);
	}
	CHECK(skua_as_completed(&completed, futures, MANY) == 0);
	for (size_t n = 0; n < MANY; n++) {
		CHECK(skua_completed_next(completed, SKUA_FOREVER, &future,
					  &index) == 0);
		CHECK(index < MANY && !seen[index]++);
		CHECK(future == futures[index] && skua_future_done(future));
		CHECK(skua_future_arg(future) == number(index));
		skua_future_release(future);
	}
	CHECK(skua_completed_next(completed, SKUA_FOREVER, NULL, NULL) ==
	      SKUA_ENONE);
	skua_completed_free(completed);
	free(seen);
	free(futures);
	return pools;
}

static void collect_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);
	struct skua_pool *pools[2] = { pool, other };
	struct skua_future *tasks[3];

	(void)workers;
	for (unsigned i = 0; i < 3; i++)
		tasks[i] = submit(i % 2 ? other : pool, collect, pools);
	CHECK(collect(pools) == pools);
	for (unsigned i = 0; i < 3; i++)
		CHECK(take(tasks[i]) == pools);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* A8 "futures of different pools", from threads and tasks; each may be
 * released as soon as it has come out. */
Test(completed, of_two_pools_released_at_once, .timeout = LIMIT)
{
	with_pools(collect_body);
}

/* --- Suspends the task. --- */

static struct skua_future *slow[2];
static struct gate started;

static void *wait_for_slow(void *arg)
{
	struct skua_completed *completed = NULL;

	CHECK(skua_as_completed(&completed, slow, 2) == 0);
	gate_arrive(&started);
	expect(completed, slow, 1);
	expect(completed, slow, 0);
	skua_completed_free(completed);
	return arg;
}

static void suspends_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_future *waiter;

	gate_close(&keep);
	gate_close(&started);
	hold_workers(pool, &keep, workers - 1);
	for (unsigned i = 0; i < 2; i++)
		slow[i] = open_promise();
	waiter = submit(pool, wait_for_slow, pool);
	gate_await(&started, 1);
	for (unsigned i = 2; i-- > 0;) {
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		CHECK(!skua_future_done(waiter));
		CHECK(skua_promise_set(slow[i], NULL) == 0);
	}
	CHECK(take(waiter) == pool);
	release_all(slow, 2);
	gate_open(&keep);
}

Test(completed, suspends_the_task, .timeout = LIMIT)
{
	with_pools(suspends_body);
}

/* --- Timeouts and stopping early. --- */

static struct skua_future *raced[8];

static void *poll_and_stop(void *arg)
{
	struct skua_completed *completed = NULL;
	unsigned got = 0;

	CHECK(skua_as_completed(&completed, raced, 8) == 0);
	for (unsigned i = 0; i < 6; i++) {
		size_t index = 77;
		int error = skua_completed_next(completed, 10000, NULL, &index);

		CHECK(error == 0 || error == SKUA_ETIMEDOUT);
		CHECK(error ? index == 77 : index < 8);
		got += error == 0;
	}
	CHECK(got <= 8);
	skua_completed_free(completed);
	return arg;
}

static void stop_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);

	(void)workers;
	for (unsigned i = 0; i < SCALED(3000); i++) {
		struct skua_future *tasks[2];

		for (unsigned k = 0; k < 8; k++)
			raced[k] = k % 4 ? submit(other, do_nothing, NULL) :
					   open_promise();
		for (unsigned k = 0; k < 2; k++)
			tasks[k] = submit(pool, poll_and_stop, NULL);
		poll_and_stop(NULL);
		for (unsigned k = 0; k < 2; k++)
			CHECK(take(tasks[k]) == NULL);
		release_all(raced, 8);
	}
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* Ends race timeouts and the end of the reader; the futures are freed at
 * once. */
Test(completed, timeouts_and_stopping_early, .timeout = LIMIT)
{
	with_pools(stop_body);
}

Test(completed, stopping_does_not_pile_up, .timeout = LIMIT)
{
	size_t before = atomic_load(&memory_mapped);
	struct skua_future *futures[2] = { open_promise(), open_promise() };

	for (unsigned i = 0; i < SCALED(20000); i++) {
		struct skua_completed *completed = NULL;

		cr_assert_eq(skua_as_completed(&completed, futures, 2), 0);
		cr_assert_eq(skua_completed_next(completed, i % 2, NULL, NULL),
			     SKUA_ETIMEDOUT);
		skua_completed_free(completed);
	}
	cr_assert_leq(memory_mapped_since(before), 1 << 16);
	release_all(futures, 2);
}

/* --- What could never end. --- */

static struct skua_future *own[2];
static struct gate known;

static void *wait_for_itself(void *arg)
{
	struct skua_completed *completed = NULL;

	gate_pass(&known);
	CHECK(skua_as_completed(&completed, own, 2) == 0);
	CHECK(skua_completed_next(completed, 1000, NULL, NULL) ==
	      SKUA_ETIMEDOUT);
	CHECK(skua_promise_set(own[1], NULL) == 0);
	expect(completed, own, 1);
	CHECK(skua_completed_next(completed, SKUA_FOREVER, NULL, NULL) ==
	      SKUA_EDEADLK);
	CHECK(skua_completed_next(completed, 0, NULL, NULL) == SKUA_ETIMEDOUT);
	skua_completed_free(completed);
	return arg;
}

static void itself_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	gate_close(&known);
	own[0] = submit(pool, wait_for_itself, pool);
	own[1] = open_promise();
	gate_open(&known);
	CHECK(take(own[0]) == pool);
	skua_future_release(own[1]);
}

Test(completed, for_itself_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(itself_body);
}

/* --- No memory. --- */

static void *without_memory(void *arg)
{
	struct skua_completed *completed = NULL;
	struct skua_future *futures[100];
	unsigned failed = 1;

	for (unsigned i = 0; i < 100; i++)
		futures[i] = open_promise();
	skua_promise_set(futures[50], NULL);
	for (unsigned first = 0; failed; first++) {
		int error;

		memory_allow(first);
		error = skua_as_completed(&completed, futures, 100);
		failed = memory_relent();
		CHECK(error == (failed ? SKUA_ENOMEM : 0));
		CHECK(!failed == (completed != NULL));
	}
	expect(completed, futures, 50);
	skua_completed_free(completed);
	release_all(futures, 100);
	return arg;
}

Test(completed, no_memory, .timeout = LIMIT)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, without_memory, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	settle(0);
}
