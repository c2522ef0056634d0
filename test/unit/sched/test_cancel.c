/* SPDX-License-Identifier: MIT */
/*
 * test_cancel.c - what has not started can be cancelled, once; what runs or is
 * done cannot; and nothing is both cancelled and run.
 */
#include "sched_test.h"

static atomic_size_t runs;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void is_cancelled(struct skua_future *future, void *arg)
{
	void *result = &result;

	CHECK(skua_future_done(future));
	CHECK(!skua_future_running(future));
	CHECK(skua_future_cancelled(future));
	CHECK(skua_future_code(future) == 0);
	CHECK(skua_future_value(future) == NULL);
	CHECK(skua_future_arg(future) == arg);
	CHECK(skua_future_result(future, 0, &result) == SKUA_ECANCELLED);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) ==
	      SKUA_ECANCELLED);
	CHECK(result == &result);
	CHECK(skua_future_cancel(future) == 0);
}

/* --- Before it starts. --- */

static void before_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_future *first, *second, *third;

	gate_close(&keep);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers);
	first = submit(pool, count_run, number(1));
	second = submit(pool, count_run, number(2));
	third = submit(pool, count_run, number(3));
	cr_assert_eq(skua_future_cancel(second), 0);
	is_cancelled(second, number(2));
	skua_future_release(second);
	cr_assert_eq(skua_future_cancel(third), 0);
	gate_open(&keep);
	CHECK(take(first) == number(1));
	is_cancelled(third, number(3));
	skua_future_release(third);
	cr_assert_eq(atomic_load(&runs), 1, "%u workers", workers);
}

/* A5 "cancel (only before it runs)"; "Cancelling again succeeds again." */
Test(cancel, before_it_starts_it_never_runs, .timeout = LIMIT)
{
	with_pools(before_body);
}

/* --- Too late. --- */

static void late_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate running;
	struct skua_future *future;

	gate_close(&running);
	future = submit(pool, hold, &running);
	gate_await(&running, 1);
	cr_assert_eq(skua_future_cancel(future), SKUA_EBUSY);
	CHECK(!skua_future_cancelled(future));
	gate_open(&running);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	cr_assert_eq(skua_future_cancel(future), SKUA_EBUSY);
	CHECK(!skua_future_cancelled(future));
	CHECK(take(future) == &running);
	(void)workers;
}

/* "SKUA_EBUSY once it runs or is done" */
Test(cancel, running_or_done_is_busy, .timeout = LIMIT)
{
	with_pools(late_body);
}

/* A suspended task has started. */
static struct skua_future *awaited;
static struct gate waiting;

static void *wait_for_awaited(void *arg)
{
	void *result = NULL;

	(void)arg;
	gate_arrive(&waiting);
	CHECK(skua_future_result(awaited, SKUA_FOREVER, &result) == 0);
	return result;
}

static void suspended_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *future;

	(void)workers;
	gate_close(&finish);
	gate_close(&waiting);
	awaited = submit(other, hold, &finish);
	future = submit(pool, wait_for_awaited, NULL);
	gate_await(&waiting, 1);
	cr_assert_eq(skua_future_cancel(future), SKUA_EBUSY);
	gate_open(&finish);
	CHECK(take(future) == &finish);
	CHECK(take(awaited) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(cancel, suspended_is_busy, .timeout = LIMIT)
{
	with_pools(suspended_body);
}

/* --- Waiters are told. --- */

static void *expect_cancelled(void *future)
{
	gate_arrive(&waiting);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) ==
	      SKUA_ECANCELLED);
	return future;
}

static void told_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_pool *other = open_pool(1);
	struct skua_future *pending, *waiters[10];
	pthread_t threads[4];

	gate_close(&keep);
	gate_close(&waiting);
	hold_workers(pool, &keep, workers);
	pending = submit(pool, count_run, NULL);
	for (size_t i = 0; i < 10; i++)
		waiters[i] = submit(other, expect_cancelled, pending);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, expect_cancelled,
				     pending) == 0);
	gate_await(&waiting, 14);
	cr_assert_eq(skua_future_cancel(pending), 0);
	for (size_t i = 0; i < 10; i++)
		CHECK(take(waiters[i]) == pending);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	skua_future_release(pending);
	gate_open(&keep);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* Tasks and threads that wait for it hear at once, not when its turn comes:
 * the pool's workers are all taken until they have. */
Test(cancel, waiters_are_told_at_once, .timeout = LIMIT)
{
	with_pools(told_body);
}

/* --- Against the start. --- */

enum {
	RACES = SCALED(20000)
};

struct cancel_race {
	struct skua_future *futures[RACES];
	atomic_size_t submitted;
};

/* Tries all futures as they appear. Success means cancelled, for both. */
static void *cancel_all(void *arg)
{
	struct cancel_race *race = arg;
	uintptr_t cancels = 0;

	for (size_t i = 0; i < RACES; i++) {
		int error;

		while (atomic_load(&race->submitted) <= i)
			sched_yield();
		error = skua_future_cancel(race->futures[i]);
		CHECK(error == 0 || error == SKUA_EBUSY);
		CHECK((error == 0) == skua_future_cancelled(race->futures[i]));
		cancels += error == 0;
	}
	return number(cancels);
}

static size_t count_results(struct cancel_race *race)
{
	size_t cancelled = 0;

	for (size_t i = 0; i < RACES; i++) {
		void *result = NULL;
		int error = skua_future_result(race->futures[i], SKUA_FOREVER,
					       &result);

		CHECK(error == 0 ? result == number(i) :
				   error == SKUA_ECANCELLED);
		CHECK((error != 0) == skua_future_cancelled(race->futures[i]));
		cancelled += error != 0;
		skua_future_release(race->futures[i]);
	}
	return cancelled;
}

static void race_body(struct skua_pool *pool, unsigned workers)
{
	struct cancel_race *race = calloc(1, sizeof(*race));
	pthread_t rivals[2];
	size_t cancelled;
	void *cancels[2];

	atomic_store(&runs, 0);
	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_create(&rivals[i], NULL, cancel_all, race) == 0);
	for (size_t i = 0; i < RACES; i++) {
		race->futures[i] = submit(pool, count_run, number(i));
		atomic_store(&race->submitted, i + 1);
	}
	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_join(rivals[i], &cancels[i]) == 0);
	cancelled = count_results(race);
	cr_assert_eq((size_t)cancels[0], cancelled, "%u workers", workers);
	cr_assert_eq((size_t)cancels[1], cancelled, "%u workers", workers);
	cr_assert_eq(atomic_load(&runs), RACES - cancelled, "%u workers",
		     workers);
	free(race);
}

/* Two threads cancel what is being started: each future is cancelled, and
 * then both agree, or it runs; never both and never neither. */
Test(cancel, races_the_start_and_another_cancel, .timeout = LIMIT)
{
	with_pools(race_body);
}

/* --- From inside. --- */

static void *cancel_next(void *next)
{
	return number((uintptr_t)-skua_future_cancel(next));
}

static struct skua_future *own;
static struct gate own_known;

static void *cancel_itself(void *arg)
{
	(void)arg;
	gate_pass(&own_known);
	return number((uintptr_t)-skua_future_cancel(own));
}

static void inside_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_pool *other = open_pool(1);
	struct skua_future *next;

	gate_close(&keep);
	gate_close(&own_known);
	hold_workers(pool, &keep, workers);
	next = submit(pool, count_run, NULL);
	CHECK(take(submit(other, cancel_next, next)) == NULL);
	is_cancelled(next, NULL);
	skua_future_release(next);
	gate_open(&keep);
	own = submit(pool, cancel_itself, NULL);
	gate_open(&own_known);
	CHECK(take(own) == number((uintptr_t)-SKUA_EBUSY));
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(cancel, from_inside_a_task, .timeout = LIMIT)
{
	with_pools(inside_body);
}
