/* SPDX-License-Identifier: MIT */
/*
 * test_wait_many.c - skua_wait(): all, the first done, the first failed; of
 * several pools; duplicates; timeouts; and that a wait that is over leaves
 * nothing behind.
 */
#include "promises.h"

static void *fail_it(void *arg)
{
	(void)arg;
	return skua_fail(3);
}

/* --- What is known at the call. --- */

Test(wait_many, done_at_the_call, .timeout = LIMIT)
{
	struct skua_future *futures[4];
	size_t index = 77;

	for (unsigned i = 0; i < 4; i++)
		futures[i] = open_promise();
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_DONE, 0, &index),
		     SKUA_ETIMEDOUT);
	cr_assert_eq(index, 77);
	skua_promise_set(futures[2], NULL);
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_DONE, SKUA_FOREVER,
			       &index),
		     0);
	cr_assert_eq(index, 2);
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_FAILED, 0, &index),
		     SKUA_ETIMEDOUT);
	/* A cancelled one is done and has not failed. */
	skua_future_cancel(futures[1]);
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_DONE, 0, &index), 0);
	cr_assert_eq(index, 1);
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_FAILED, 0, &index),
		     SKUA_ETIMEDOUT);
	skua_promise_fail(futures[3], 9);
	cr_assert_eq(skua_wait(futures, 4, SKUA_FIRST_FAILED, SKUA_FOREVER,
			       &index),
		     0);
	cr_assert_eq(index, 3);
	cr_assert_eq(skua_wait(futures, 4, SKUA_ALL_DONE, 0, NULL),
		     SKUA_ETIMEDOUT);
	skua_promise_set(futures[0], NULL);
	cr_assert_eq(skua_wait(futures, 4, SKUA_ALL_DONE, 0, &index), 0);
	cr_assert_eq(index, 3);
	cr_assert_eq(skua_wait(futures, 3, SKUA_FIRST_FAILED, 0, &index), 0);
	cr_assert_eq(index, 2);
	release_all(futures, 4);
	settle(0);
}

Test(wait_many, nonsense, .timeout = LIMIT)
{
	struct skua_future *futures[2] = { open_promise(), NULL };
	size_t index = 77;

	cr_assert_eq(skua_wait(NULL, 1, SKUA_ALL_DONE, 0, &index), SKUA_EINVAL);
	cr_assert_eq(skua_wait(futures, 2, SKUA_ALL_DONE, SKUA_FOREVER, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_wait(futures, 1, (enum skua_when)7, 0, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_wait(NULL, 0, (enum skua_when)7, 0, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_wait(NULL, 0, SKUA_ALL_DONE, SKUA_FOREVER, &index),
		     0);
	cr_assert_eq(skua_wait(NULL, 0, SKUA_FIRST_DONE, SKUA_FOREVER, &index),
		     SKUA_ENONE);
	cr_assert_eq(skua_wait(NULL, 0, SKUA_FIRST_FAILED, SKUA_FOREVER,
			       &index),
		     SKUA_ENONE);
	cr_assert_eq(index, 77);
	skua_future_release(futures[0]);
}

/* --- Waiting, in a thread and in a task. --- */

enum {
	FEW = 9
};

struct wait {
	struct skua_future *futures[FEW];
	enum skua_when when;
	struct gate started;
	size_t index;
};
static struct wait the_wait;

static void *wait_for_it(void *arg)
{
	struct wait *wait = arg;

	gate_arrive(&wait->started);
	wait->index = 77;
	CHECK(skua_wait(wait->futures, FEW, wait->when, SKUA_FOREVER,
			&wait->index) == 0);
	return wait;
}

static void begin(enum skua_when when)
{
	the_wait.when = when;
	gate_close(&the_wait.started);
	for (unsigned i = 0; i < FEW; i++)
		the_wait.futures[i] = open_promise();
}

/* Ends all in turn, the last one being @last; which ended the wait? */
static void end_all(unsigned last)
{
	for (unsigned i = 0; i < FEW; i++)
		if (i != last && i % 3 == 2)
			CHECK(skua_future_cancel(the_wait.futures[i]) == 0);
		else if (i != last)
			CHECK(skua_promise_set(the_wait.futures[i], NULL) == 0);
}

static void all_of(struct skua_future *waiter, pthread_t *thread,
		   enum skua_when when)
{
	end_all(4);
	if (waiter)
		CHECK(!skua_future_done(waiter));
	CHECK(skua_promise_set(the_wait.futures[4], NULL) == 0);
	if (waiter)
		CHECK(take(waiter) == &the_wait);
	else
		CHECK(pthread_join(*thread, NULL) == 0);
	/* Whether it began to wait before or after, it was the last. */
	CHECK(the_wait.index == 4 || the_wait.index == FEW - 1);
	CHECK(the_wait.when == when);
	release_all(the_wait.futures, FEW);
}

static void all_body(struct skua_pool *pool, unsigned workers)
{
	static const enum skua_when whens[] = { SKUA_ALL_DONE,
						SKUA_FIRST_FAILED };
	pthread_t thread;

	(void)workers;
	for (unsigned i = 0; i < 2; i++) {
		begin(whens[i]);
		all_of(submit(pool, wait_for_it, &the_wait), NULL, whens[i]);
		begin(whens[i]);
		CHECK(pthread_create(&thread, NULL, wait_for_it, &the_wait) ==
		      0);
		gate_await(&the_wait.started, 1);
		all_of(NULL, &thread, whens[i]);
	}
}

/* ALL_DONE, and FIRST_FAILED where none fails */
Test(wait_many, all_done, .timeout = LIMIT)
{
	with_pools(all_body);
}

/* The waiter has gone to sleep when its worker, the only one that is free,
 * has run something after it. */
static void first_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	gate_close(&keep);
	hold_workers(pool, &keep, workers - 1);
	for (unsigned i = 0; i < FEW; i++) {
		struct skua_future *waiter;

		begin(SKUA_FIRST_DONE);
		waiter = submit(pool, wait_for_it, &the_wait);
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		CHECK(!skua_future_done(waiter));
		CHECK((i % 2 ? skua_promise_set(the_wait.futures[i], NULL) :
			       skua_future_cancel(the_wait.futures[i])) == 0);
		CHECK(take(waiter) == &the_wait);
		CHECK(the_wait.index == i);
		release_all(the_wait.futures, FEW);

		begin(SKUA_FIRST_FAILED);
		waiter = submit(pool, wait_for_it, &the_wait);
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		end_all(i);
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		CHECK(!skua_future_done(waiter));
		CHECK(skua_promise_fail(the_wait.futures[i], 3) == 0);
		CHECK(take(waiter) == &the_wait);
		CHECK(the_wait.index == i);
		release_all(the_wait.futures, FEW);
	}
	gate_open(&keep);
}

/* FIRST_DONE and FIRST_FAILED: "(index)" */
Test(wait_many, first_done_and_first_failed, .timeout = LIMIT)
{
	with_pools(first_body);
}

/* --- Several pools, real tasks, many waiters. --- */

enum {
	MANY = SCALED(20000)
};

static void *wait_for_all(void *arg)
{
	struct skua_future **futures = arg;
	size_t index = MANY;

	CHECK(skua_wait(futures, MANY, SKUA_ALL_DONE, SKUA_FOREVER, &index) ==
	      0);
	CHECK(index < MANY && skua_future_done(futures[index]));
	for (size_t i = 0; i < MANY; i++)
		CHECK(skua_future_done(futures[i]));
	return arg;
}

static void pools_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);
	struct skua_future **futures = calloc(MANY, sizeof(*futures));
	struct skua_future *waiters[3];
	static struct gate keep;

	(void)workers;
	gate_close(&keep);
	hold_workers(other, &keep, 2);
	for (size_t i = 0; i < MANY; i++)
		futures[i] = submit(i % 2 ? pool : other,
				    i % 5 == 4 ? fail_it : do_nothing,
				    number(i));
	waiters[0] = submit(pool, wait_for_all, futures);
	waiters[1] = submit(other, wait_for_all, futures);
	waiters[2] = submit(pool, wait_for_all, futures);
	gate_open(&keep);
	CHECK(wait_for_all(futures) == futures);
	for (unsigned i = 0; i < 3; i++)
		CHECK(take(waiters[i]) == futures);
	release_all(futures, MANY);
	free(futures);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "futures of different pools", "several waiters" */
Test(wait_many, of_two_pools_by_several, .timeout = LIMIT)
{
	with_pools(pools_body);
}

/* --- Duplicates. --- */

static struct gate timed_out;

static void *duplicates(void *arg)
{
	struct skua_future *promise = arg;
	struct skua_future *futures[64];
	size_t index = 77;

	for (unsigned i = 0; i < 64; i++)
		futures[i] = promise;
	for (unsigned i = 0; i < 3; i++)
		CHECK(skua_wait(futures, 64, (enum skua_when)i,
				SKUA_MILLISECONDS(1),
				&index) == SKUA_ETIMEDOUT);
	CHECK(index == 77);
	gate_arrive(&timed_out);
	CHECK(skua_wait(futures, 64, SKUA_ALL_DONE, SKUA_FOREVER, &index) == 0);
	CHECK(index < 64);
	return promise;
}

static void duplicates_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *promise = open_promise();
	struct skua_future *waiter;

	(void)workers;
	gate_close(&timed_out);
	waiter = submit(pool, duplicates, promise);
	gate_await(&timed_out, 1);
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
	CHECK(skua_promise_set(promise, NULL) == 0);
	CHECK(take(waiter) == promise);
	skua_future_release(promise);
}

/* "duplicates once" */
Test(wait_many, duplicates, .timeout = LIMIT)
{
	with_pools(duplicates_body);
}

/* --- Timeouts. --- */

static void *time_out(void *arg)
{
	struct skua_future **futures = arg;
	size_t index = 77;

	for (unsigned i = 0; i < 50; i++) {
		CHECK(skua_wait(futures, FEW, (enum skua_when)(i % 3), 20000,
				&index) == SKUA_ETIMEDOUT);
		CHECK(skua_wait(futures, FEW, (enum skua_when)(i % 3), 0,
				&index) == SKUA_ETIMEDOUT);
	}
	CHECK(index == 77);
	return arg;
}

static void timeout_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[FEW], *waiters[4];

	(void)workers;
	for (unsigned i = 0; i < FEW; i++)
		futures[i] = open_promise();
	for (unsigned i = 0; i < 4; i++)
		waiters[i] = submit(pool, time_out, futures);
	time_out(futures);
	for (unsigned i = 0; i < 4; i++)
		CHECK(take(waiters[i]) == futures);
	/* They are as they were. */
	for (unsigned i = 0; i < FEW; i++) {
		CHECK(!skua_future_done(futures[i]));
		CHECK(skua_promise_set(futures[i], number(i)) == 0);
		CHECK(take(futures[i]) == number(i));
	}
}

/* "timeouts leave nothing behind and disturb nothing" */
Test(wait_many, timeouts, .timeout = LIMIT)
{
	with_pools(timeout_body);
}

static void *poll_often(void *arg)
{
	struct skua_future **futures = arg;

	for (unsigned i = 0; i < SCALED(10000); i++)
		CHECK(skua_wait(futures, 2, SKUA_FIRST_DONE, 1, NULL) ==
		      SKUA_ETIMEDOUT);
	return NULL;
}

/* Without a pool, so that all that is mapped is for the waits: one slab. */
Test(wait_many, polling_does_not_pile_up, .timeout = LIMIT)
{
	size_t before = atomic_load(&memory_mapped);
	struct skua_future *futures[2];
	pthread_t thread;

	futures[0] = open_promise();
	futures[1] = open_promise();
	poll_often(futures);
	cr_assert_eq(pthread_create(&thread, NULL, poll_often, futures), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_leq(memory_mapped_since(before), 2 << 16);
	release_all(futures, 2);
	settle(0);
}

/* --- Races. --- */

static struct skua_future *raced[FEW];

static void *wait_first(void *when)
{
	size_t index = 77;
	int error = skua_wait(raced, FEW, (enum skua_when)(uintptr_t)when,
			      50000, &index);

	CHECK(error == 0 || error == SKUA_ETIMEDOUT);
	CHECK(error || (index < FEW && skua_future_done(raced[index])));
	return when;
}

static void race_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);

	(void)workers;
	for (unsigned i = 0; i < SCALED(4000); i++) {
		struct skua_future *waiters[3];

		for (unsigned k = 0; k < FEW; k++)
			raced[k] = submit(other, k % 4 ? do_nothing : fail_it,
					  number(k));
		for (uintptr_t k = 0; k < 3; k++)
			waiters[k] = submit(pool, wait_first, number(k));
		wait_first(number(i % 3));
		for (uintptr_t k = 0; k < 3; k++)
			CHECK(take(waiters[k]) == number(k));
		release_all(raced, FEW);
	}
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* Ends, timeouts and the beginning of the wait race each other; the futures
 * are freed at once. */
Test(wait_many, races, .timeout = LIMIT)
{
	with_pools(race_body);
}

/* --- What could never end. --- */

static struct skua_future *own[2];
static struct gate known;

static void *wait_for_itself(void *arg)
{
	gate_pass(&known);
	CHECK(skua_wait(own, 2, SKUA_ALL_DONE, SKUA_FOREVER, NULL) ==
	      SKUA_EDEADLK);
	CHECK(skua_wait(own, 2, SKUA_ALL_DONE, 0, NULL) == SKUA_ETIMEDOUT);
	CHECK(skua_wait(own, 1, SKUA_FIRST_DONE, SKUA_FOREVER, NULL) ==
	      SKUA_EDEADLK);
	CHECK(skua_wait(own, 2, SKUA_FIRST_DONE, SKUA_MILLISECONDS(1), NULL) ==
	      SKUA_ETIMEDOUT);
	CHECK(skua_promise_set(own[1], NULL) == 0);
	CHECK(skua_wait(own, 2, SKUA_FIRST_DONE, SKUA_FOREVER, NULL) == 0);
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

Test(wait_many, for_itself_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(itself_body);
}

/* --- No memory. --- */

static void *wait_without_memory(void *arg)
{
	struct skua_future *futures[3];
	unsigned failed = 1;

	for (unsigned i = 0; i < 3; i++)
		futures[i] = open_promise();
	skua_promise_set(futures[1], NULL);
	for (unsigned first = 0; failed; first++) {
		int error;

		memory_allow(first);
		error = skua_wait(futures, 3, SKUA_ALL_DONE, 1, NULL);
		failed = memory_relent();
		CHECK(error == (failed ? SKUA_ENOMEM : SKUA_ETIMEDOUT));
	}
	/* Looking needs none. */
	memory_allow(0);
	CHECK(skua_wait(futures, 3, SKUA_FIRST_DONE, SKUA_FOREVER, NULL) == 0);
	CHECK(skua_wait(futures, 3, SKUA_ALL_DONE, 0, NULL) == SKUA_ETIMEDOUT);
	memory_relent();
	for (unsigned i = 0; i < 3; i++)
		skua_future_release(futures[i]);
	return arg;
}

Test(wait_many, no_memory, .timeout = LIMIT)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, wait_without_memory, NULL),
		     0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	settle(0);
}
