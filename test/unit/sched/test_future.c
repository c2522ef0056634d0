/* SPDX-License-Identifier: MIT */
/*
 * test_future.c - the states of a future, what each call says in each state,
 * failures, timeouts, and futures that outlive their pool.
 */
#include <errno.h>

#include "future.h"
#include "sched_test.h"

static void *same(void *arg)
{
	return arg;
}

static void *fail_with(void *code)
{
	return skua_fail((int)(intptr_t)code);
}

/* --- PENDING, RUNNING, DONE. --- */

static void is_pending(struct skua_future *future)
{
	void *result = &result;

	CHECK(!skua_future_done(future));
	CHECK(!skua_future_running(future));
	CHECK(!skua_future_cancelled(future));
	CHECK(skua_future_code(future) == 0);
	CHECK(skua_future_result(future, 0, &result) == SKUA_ETIMEDOUT);
	CHECK(result == &result);
}

static void is_running(struct skua_future *future)
{
	void *result = &result;

	CHECK(!skua_future_done(future));
	CHECK(skua_future_running(future));
	CHECK(!skua_future_cancelled(future));
	CHECK(skua_future_code(future) == 0);
	CHECK(skua_future_result(future, 0, &result) == SKUA_ETIMEDOUT);
	CHECK(result == &result);
}

static void is_done(struct skua_future *future, void *value)
{
	void *result = NULL;

	CHECK(skua_future_done(future));
	CHECK(!skua_future_running(future));
	CHECK(!skua_future_cancelled(future));
	CHECK(skua_future_code(future) == 0);
	CHECK(skua_future_result(future, 0, &result) == 0);
	CHECK(result == value);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	CHECK(skua_future_value(future) == value);
}

static void states_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate running, keep;
	struct skua_future *first, *second;

	gate_close(&running);
	gate_close(&keep);
	hold_workers(pool, &keep, workers - 1);
	first = submit(pool, hold, &running);
	gate_await(&running, 1);
	second = submit(pool, same, number(5));
	is_running(first);
	is_pending(second);
	gate_open(&running);
	CHECK(skua_future_result(first, SKUA_FOREVER, NULL) == 0);
	is_done(first, &running);
	CHECK(skua_future_arg(first) == &running);
	CHECK(skua_future_result(second, SKUA_FOREVER, NULL) == 0);
	is_done(second, number(5));
	CHECK(skua_future_arg(second) == number(5));
	skua_future_release(first);
	skua_future_release(second);
	gate_open(&keep);
}

/* A5 "done, running, cancelled, …, result(timeout)" in every state */
Test(future, states_from_pending_to_done, .timeout = LIMIT)
{
	with_pools(states_body);
}

static void *take_it(void *future)
{
	return take(future);
}

/* A suspended task is running still. */
static void suspended_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *inner, *outer;

	(void)workers;
	gate_close(&finish);
	inner = submit(other, hold, &finish);
	gate_await(&finish, 1);
	outer = submit(pool, take_it, inner);
	while (!skua_future_running(outer))
		CHECK(take(submit(pool, same, pool)) == pool);
	is_running(outer);
	gate_open(&finish);
	CHECK(take(outer) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(future, a_suspended_task_is_running, .timeout = LIMIT)
{
	with_pools(suspended_body);
}

/* --- Failure. --- */

static void failure_body(struct skua_pool *pool, unsigned workers)
{
	void *result = &result;
	struct skua_future *future = submit(pool, fail_with, number(ENOSPC));

	CHECK(skua_future_result(future, SKUA_FOREVER, &result) ==
	      SKUA_EFAILED);
	CHECK(skua_future_result(future, 0, NULL) == SKUA_EFAILED);
	CHECK(skua_future_done(future));
	CHECK(!skua_future_running(future));
	CHECK(!skua_future_cancelled(future));
	cr_assert_eq(skua_future_code(future), ENOSPC, "%u workers", workers);
	cr_assert_null(skua_future_value(future));
	CHECK(skua_future_arg(future) == number(ENOSPC));
	CHECK(skua_future_cancel(future) == SKUA_EBUSY);
	skua_future_release(future);
}

/* "return skua_fail(errno);" makes the result SKUA_EFAILED and keeps the code */
Test(future, failed_task_says_so_and_keeps_its_code, .timeout = LIMIT)
{
	with_pools(failure_body);
}

static void *fail_and_return_a_value(void *arg)
{
	CHECK(skua_fail(-17) == NULL);
	CHECK(skua_fail(23) == NULL);
	return arg;
}

static void first_wins_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future =
		submit(pool, fail_and_return_a_value, &workers);

	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == SKUA_EFAILED);
	cr_assert_eq(skua_future_code(future), -17);
	cr_assert(skua_future_value(future) == &workers);
	skua_future_release(future);
}

/* "any code but 0, first wins"; future_value is there "also if it failed" */
Test(future, first_code_wins_and_the_value_is_kept, .timeout = LIMIT)
{
	with_pools(first_wins_body);
}

static void *fail_with_zero(void *arg)
{
	CHECK(skua_fail(0) == NULL);
	return arg;
}

static void zero_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future = submit(pool, fail_with_zero, pool);

	(void)workers;
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	is_done(future, pool);
	skua_future_release(future);
}

/* "any code but 0": 0 is no failure. */
Test(future, failing_with_zero_is_no_failure, .timeout = LIMIT)
{
	with_pools(zero_body);
}

static void *fail_after_wait(void *code)
{
	struct skua_future *inner =
		submit(skua_pool_current(), fail_with, number(1));

	CHECK(skua_future_result(inner, SKUA_FOREVER, NULL) == SKUA_EFAILED);
	skua_future_release(inner);
	return code ? skua_fail((int)(intptr_t)code) : skua_pool_current();
}

static void own_failure_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *fine = submit(pool, fail_after_wait, NULL);
	struct skua_future *failed = submit(pool, fail_after_wait, number(99));

	(void)workers;
	CHECK(take(fine) == pool);
	CHECK(skua_future_result(failed, SKUA_FOREVER, NULL) == SKUA_EFAILED);
	cr_assert_eq(skua_future_code(failed), 99);
	skua_future_release(failed);
}

/* The failure is the task's own, although others ran on its worker and failed
 * while it waited. */
Test(future, failure_of_one_task_is_not_anothers, .timeout = LIMIT)
{
	with_pools(own_failure_body);
}

/* skua_fail() outside a task has nobody to tell. */
Test(future, failing_outside_a_task_does_nothing, .timeout = LIMIT)
{
	cr_assert_null(skua_fail(5));
	with_pools(zero_body);
}

/* --- Timeouts. --- */

static void *time_out(void *future)
{
	void *result = &result;

	CHECK(skua_future_result(future, 0, &result) == SKUA_ETIMEDOUT);
	CHECK(skua_future_result(future, SKUA_MILLISECONDS(2), &result) ==
	      SKUA_ETIMEDOUT);
	CHECK(result == &result);
	return NULL;
}

static void *wait_absurdly_long(void *future)
{
	void *result = NULL;

	CHECK(skua_future_result(future, INT64_MAX, &result) == 0);
	return result;
}

static void *wait_for_ever(void *future)
{
	void *result = NULL;

	CHECK(skua_future_result(future, INT64_MIN, &result) == 0);
	return result;
}

static void timeout_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *slow, *longest, *endless;

	(void)workers;
	gate_close(&finish);
	slow = submit(other, hold, &finish);
	time_out(slow);
	CHECK(take(submit(pool, time_out, slow)) == NULL);
	longest = submit(pool, wait_absurdly_long, slow);
	endless = submit(pool, wait_for_ever, slow);
	/* While those two wait, others run out of time and go away. */
	for (unsigned i = 0; i < 20; i++)
		CHECK(take(submit(pool, time_out, slow)) == NULL);
	gate_open(&finish);
	CHECK(take(longest) == &finish);
	CHECK(take(endless) == &finish);
	CHECK(wait_absurdly_long(slow) == &finish);
	CHECK(take(slow) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "SKUA_FOREVER (any negative) waits, 0 only looks, running out is
 * SKUA_ETIMEDOUT", in tasks and in threads; "a result timeout does not
 * disturb the task". */
Test(future, timeouts_in_tasks_and_threads, .timeout = LIMIT)
{
	with_pools(timeout_body);
}

static void *wait_a_little(void *future)
{
	void *result = NULL;
	int error = skua_future_result(future, 20000, &result);

	CHECK(error == 0 ? result == future : error == SKUA_ETIMEDOUT);
	return number(error == 0);
}

static struct gate published;
static struct skua_future *itself;

static void *return_own_future(void *arg)
{
	(void)arg;
	gate_pass(&published);
	return itself;
}

static void timeout_race_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(1);

	(void)workers;
	for (size_t i = 0; i < SCALED(2000); i++) {
		struct skua_future *waiters[3];

		gate_close(&published);
		itself = submit(other, return_own_future, NULL);
		for (size_t k = 0; k < 3; k++)
			waiters[k] = submit(pool, wait_a_little, itself);
		gate_open(&published);
		(void)wait_a_little(itself);
		for (size_t k = 0; k < 3; k++)
			(void)take(waiters[k]);
		CHECK(take(itself) == itself);
	}
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* The timeout races the result: either is reported, whole. */
Test(future, timeout_racing_the_result, .timeout = LIMIT)
{
	with_pools(timeout_race_body);
}

/* --- A wait that could never end. --- */

static void *wait_for_itself(void *arg)
{
	void *result = &result;

	(void)arg;
	gate_pass(&published);
	CHECK(skua_future_result(itself, SKUA_FOREVER, &result) ==
	      SKUA_EDEADLK);
	CHECK(skua_future_result(itself, SKUA_MILLISECONDS(1), &result) ==
	      SKUA_EDEADLK);
	CHECK(result == &result);
	return &published;
}

static void itself_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	gate_close(&published);
	itself = submit(pool, wait_for_itself, NULL);
	gate_open(&published);
	CHECK(take(itself) == &published);
}

/* "SKUA_EDEADLK (a task waits for its own future)" */
Test(future, waiting_for_itself_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(itself_body);
}

/* --- References. --- */

static void retain_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future = submit(pool, same, number(8));
	struct skua_future *again = skua_future_retain(future);

	(void)workers;
	cr_assert(again == future);
	CHECK(take(future) == number(8));
	is_done(again, number(8));
	skua_future_release(again);
}

Test(future, retained_survives_the_first_release, .timeout = LIMIT)
{
	with_pools(retain_body);
}

static void *count_run(void *counter)
{
	atomic_fetch_add((atomic_size_t *)counter, 1);
	return counter;
}

static void release_early_body(unsigned workers)
{
	static atomic_size_t runs;
	struct skua_pool *pool = open_pool(workers);

	atomic_store(&runs, 0);
	for (size_t i = 0; i < SCALED(20000); i++)
		skua_future_release(submit(pool, count_run, &runs));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), SCALED(20000));
}

/* Releasing a future is no cancelling: the task runs nevertheless. */
Test(future, released_before_it_ran_runs_nevertheless, .timeout = LIMIT)
{
	with_workers(release_early_body);
}

enum {
	HEIRS = SCALED(5000)
};

static void *release_all(void *futures)
{
	struct skua_future **all = futures;

	for (size_t i = 0; i < HEIRS; i++) {
		CHECK(skua_future_value(all[i]) == number(i));
		skua_future_release(all[i]);
	}
	return NULL;
}

static void outlive_body(unsigned workers)
{
	struct skua_future **futures = calloc(HEIRS, sizeof(*futures));
	struct skua_pool *pool = open_pool(workers);
	struct skua_pool *next;
	pthread_t thread;

	for (size_t i = 0; i < HEIRS; i++)
		futures[i] = submit(pool, same, number(i));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	next = open_pool(workers);
	for (size_t i = 0; i < HEIRS; i++)
		is_done(futures[i], number(i));
	CHECK(take(submit(next, same, next)) == next);
	CHECK(pthread_create(&thread, NULL, release_all, futures) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(skua_pool_close(next, SKUA_CLOSE_WAIT) == 0);
	free(futures);
}

/* "Futures outlive their pool": read after it closed, released by another
 * thread, with another pool perhaps at the old one's address. */
Test(future, futures_outlive_their_pool, .timeout = LIMIT)
{
	with_workers(outlive_body);
}

static void *submit_leaving(void *pool)
{
	struct skua_future **futures = calloc(HEIRS, sizeof(*futures));

	for (size_t i = 0; i < HEIRS; i++)
		futures[i] = submit(pool, same, number(i));
	return futures;
}

static void outlive_guest_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	pthread_t thread;
	void *futures;

	CHECK(pthread_create(&thread, NULL, submit_leaving, pool) == 0);
	CHECK(pthread_join(thread, &futures) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	(void)release_all(futures);
	free(futures);
}

/* They outlive the thread that submitted them, too. */
Test(future, futures_outlive_their_submitter, .timeout = LIMIT)
{
	with_workers(outlive_guest_body);
}

/* A node whose wait ran out, in the list of a future that everybody gave up:
 * who ends it lets go of the node. (Two who sift at once can leave one there.) */
Test(future, an_orphan_lets_go_of_who_has_gone, .timeout = LIMIT)
{
	static struct gate gate;
	struct skua_pool *pool = open_pool(1);
	struct skua_future *future;
	struct ski_waiter node = { .next = NULL };

	atomic_init(&node.state, SKI_GONE);
	atomic_init(&node.references, 2);
	gate_close(&gate);
	future = submit(pool, hold, &gate);
	cr_assert(ski_slot_wait(&future->job.state, &node, &node));
	skua_future_release(future);
	gate_open(&gate);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	cr_assert_eq(node.references, 1);
}

/* --- Nonsense. --- */

/* "NULL …: an error code, never undefined" */
Test(future, null_is_an_error_code, .timeout = LIMIT)
{
	void *result = &result;

	cr_assert_eq(skua_future_result(NULL, 0, &result), SKUA_EINVAL);
	cr_assert_eq(skua_future_result(NULL, SKUA_FOREVER, NULL), SKUA_EINVAL);
	cr_assert(result == &result);
	cr_assert_eq(skua_future_cancel(NULL), SKUA_EINVAL);
	cr_assert(!skua_future_done(NULL));
	cr_assert(!skua_future_running(NULL));
	cr_assert(!skua_future_cancelled(NULL));
	cr_assert_null(skua_future_value(NULL));
	cr_assert_null(skua_future_arg(NULL));
	cr_assert_eq(skua_future_code(NULL), 0);
	cr_assert_null(skua_future_retain(NULL));
	skua_future_release(NULL);
}
