/* SPDX-License-Identifier: MIT */
/*
 * test_callback.c - callbacks of a future: in the order of adding, each once,
 * at once when it is done, else where it ended; what they may do; and no
 * memory.
 */
#include "sched_test.h"

#include "../core/failing_memory.h"

/* What ran, in which order and where. */
enum {
	NOTES = 64
};
static struct {
	atomic_uint count;
	uintptr_t context[NOTES];
	int worker[NOTES];
	struct skua_future *future[NOTES];
	pthread_t thread[NOTES];
} notes;

/* Those of one future never run at once. */
static void note(struct skua_future *future, void *context)
{
	unsigned i = atomic_load(&notes.count);

	CHECK(skua_future_done(future));
	notes.context[i] = (uintptr_t)context;
	notes.worker[i] = skua_worker();
	notes.future[i] = future;
	notes.thread[i] = pthread_self();
	atomic_store(&notes.count, i + 1);
}

/* Callbacks come after waiters were told. */
static void await_notes(unsigned count)
{
	while (atomic_load(&notes.count) < count)
		sched_yield();
	CHECK(atomic_load(&notes.count) == count);
}

static void forget_notes(void)
{
	atomic_store(&notes.count, 0);
}

static void *return_worker(void *gate)
{
	gate_pass(gate);
	return number((uintptr_t)skua_worker());
}

/* --- Order and place. --- */

static void order_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;
	int worker;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	future = submit(pool, return_worker, &finish);
	for (uintptr_t i = 0; i < 50; i++)
		CHECK(skua_future_on_done(future, note, number(i)) == 0);
	CHECK(atomic_load(&notes.count) == 0);
	gate_open(&finish);
	worker = (int)(uintptr_t)take(skua_future_retain(future));
	await_notes(50);
	for (uintptr_t i = 0; i < 50; i++) {
		CHECK(notes.context[i] == i);
		CHECK(notes.worker[i] == worker);
		CHECK(notes.future[i] == future);
	}
	skua_future_release(future);
}

/* A6 "in the order added"; "in the finishing worker" */
Test(callback, in_order_in_the_finishing_worker, .timeout = LIMIT)
{
	with_pools(order_body);
}

static void at_once_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future = submit(pool, do_nothing, pool);

	(void)workers;
	forget_notes();
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(skua_future_on_done(future, note, number(i)) == 0);
		CHECK(atomic_load(&notes.count) == i + 1);
		CHECK(notes.context[i] == i && notes.worker[i] == -1);
		CHECK(pthread_equal(notes.thread[i], pthread_self()));
	}
	skua_future_release(future);
}

/* "at once if already done", in the caller */
Test(callback, at_once_when_done, .timeout = LIMIT)
{
	with_pools(at_once_body);
}

static void cancel_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_future *future;

	gate_close(&keep);
	forget_notes();
	hold_workers(pool, &keep, workers);
	future = submit(pool, do_nothing, NULL);
	CHECK(skua_future_on_done(future, note, number(1)) == 0);
	CHECK(skua_future_on_done(future, note, number(2)) == 0);
	CHECK(skua_future_cancel(future) == 0);
	CHECK(atomic_load(&notes.count) == 2);
	CHECK(notes.context[0] == 1 && notes.context[1] == 2);
	CHECK(pthread_equal(notes.thread[0], pthread_self()));
	/* Cancelled again: nothing is called again. */
	CHECK(skua_future_cancel(future) == 0);
	CHECK(skua_future_on_done(future, note, number(3)) == 0);
	CHECK(atomic_load(&notes.count) == 3 && notes.context[2] == 3);
	skua_future_release(future);
	gate_open(&keep);
}

/* "(or the canceller for a cancelled one)" */
Test(callback, of_a_cancelled_one_in_the_canceller, .timeout = LIMIT)
{
	with_pools(cancel_body);
}

static void shutdown_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *future;

	gate_close(&keep);
	forget_notes();
	hold_workers(pool, &keep, workers);
	future = submit(pool, do_nothing, NULL);
	CHECK(skua_future_on_done(future, note, NULL) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) ==
	      0);
	await_notes(1);
	CHECK(skua_future_cancelled(future));
	skua_future_release(future);
	gate_open(&keep);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* A shutdown that cancels calls back, too. */
Test(callback, of_those_that_a_shutdown_cancels, .timeout = LIMIT)
{
	with_workers(shutdown_body);
}

static void *fail_at(void *gate)
{
	gate_pass(gate);
	return skua_fail(5);
}

static void see_failure(struct skua_future *future, void *context)
{
	CHECK(skua_future_code(future) == 5);
	CHECK(skua_future_result(future, 0, NULL) == SKUA_EFAILED);
	note(future, context);
}

static void failed_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	future = submit(pool, fail_at, &finish);
	CHECK(skua_future_on_done(future, see_failure, NULL) == 0);
	/* Its own reference keeps it. */
	skua_future_release(future);
	gate_open(&finish);
	await_notes(1);
}

Test(callback, of_a_failed_one_that_nobody_else_holds, .timeout = LIMIT)
{
	with_pools(failed_body);
}

/* --- What a callback may do. --- */

static void release_it(struct skua_future *future, void *context)
{
	skua_future_release(future);
	note(future, context);
}

static void release_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	future = submit(pool, return_worker, &finish);
	CHECK(skua_future_on_done(future, release_it, number(1)) == 0);
	CHECK(skua_future_on_done(future, note, number(2)) == 0);
	gate_open(&finish);
	await_notes(2);
	CHECK(notes.context[0] == 1 && notes.context[1] == 2);
}

/* "A callback holds a reference": the last one of a user goes in the first
 * callback, and the second one has its future still. */
Test(callback, may_release_the_future, .timeout = LIMIT)
{
	with_pools(release_body);
}

static void submit_and_wait(struct skua_future *future, void *pool)
{
	struct skua_future *inner = submit(pool, do_nothing, future);

	CHECK(take(inner) == future);
	CHECK(skua_sleep(1000) == 0);
	note(future, number(1));
}

static void *wait_for(void *future)
{
	return take(future);
}

static void may_wait_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future, *waiter;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	future = submit(pool, hold, &finish);
	/* One that waits for it: told before the callback, which waits. */
	waiter = submit(pool, wait_for, skua_future_retain(future));
	CHECK(skua_future_on_done(future, submit_and_wait, pool) == 0);
	CHECK(skua_future_on_done(future, note, number(2)) == 0);
	gate_open(&finish);
	CHECK(take(waiter) == &finish);
	CHECK(take(future) == &finish);
	await_notes(2);
	CHECK(notes.context[0] == 1 && notes.context[1] == 2);
}

/* "allowed to submit, to wait" */
Test(callback, may_submit_and_wait, .timeout = LIMIT)
{
	with_pools(may_wait_body);
}

static void add_another(struct skua_future *future, void *context)
{
	note(future, context);
	CHECK(skua_future_on_done(future, note, number(7)) == 0);
	/* It is done: called at once, before those that are queued. */
	CHECK(notes.context[atomic_load(&notes.count) - 1] == 7);
}

static void nested_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	future = submit(pool, hold, &finish);
	CHECK(skua_future_on_done(future, add_another, number(1)) == 0);
	CHECK(skua_future_on_done(future, note, number(2)) == 0);
	gate_open(&finish);
	CHECK(take(future) == &finish);
	await_notes(3);
	CHECK(notes.context[0] == 1 && notes.context[2] == 2);
}

Test(callback, may_add_a_callback, .timeout = LIMIT)
{
	with_pools(nested_body);
}

static void submit_next(struct skua_future *future, void *left)
{
	struct skua_future *next;

	skua_future_release(future);
	if (!left) {
		note(future, NULL);
		return;
	}
	next = submit(skua_pool_current(), do_nothing, NULL);
	CHECK(skua_future_on_done(next, submit_next,
				  number((uintptr_t)left - 1)) == 0);
}

static void *begin_chain(void *left)
{
	struct skua_future *first =
		submit(skua_pool_current(), do_nothing, NULL);

	CHECK(skua_future_on_done(first, submit_next, left) == 0);
	return NULL;
}

static void chain_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	forget_notes();
	CHECK(take(submit(pool, begin_chain, number(SCALED(20000)))) == NULL);
	await_notes(1);
}

/* Continuations: each callback submits the next task and asks to be called. */
Test(callback, chain_of_continuations, .timeout = LIMIT)
{
	with_pools(chain_body);
}

/* --- Many. --- */

enum {
	MILLION = SCALED(1000000)
};
static uintptr_t expected;

static void count_up(struct skua_future *future, void *context)
{
	(void)future;
	CHECK((uintptr_t)context == expected);
	expected++;
}

static void million_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;

	(void)workers;
	gate_close(&finish);
	forget_notes();
	expected = 0;
	future = submit(pool, hold, &finish);
	for (uintptr_t i = 0; i < MILLION; i++)
		CHECK(skua_future_on_done(future, count_up, number(i)) == 0);
	CHECK(skua_future_on_done(future, note, NULL) == 0);
	gate_open(&finish);
	CHECK(take(future) == &finish);
	await_notes(1);
	CHECK(expected == MILLION);
}

/* No recursion, and in order. */
Test(callback, a_million_on_one_future, .timeout = LIMIT)
{
	with_pools(million_body);
}

/* --- Racing the end. --- */

static struct skua_future *raced;
static atomic_uint added, called;

static void count_call(struct skua_future *future, void *context)
{
	(void)context;
	CHECK(skua_future_done(future));
	atomic_fetch_add(&called, 1);
}

static void *add_some(void *arg)
{
	for (unsigned i = 0; i < 4; i++) {
		CHECK(skua_future_on_done(raced, count_call, NULL) == 0);
		atomic_fetch_add(&added, 1);
	}
	skua_future_release(raced);
	return arg;
}

static void race_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);

	(void)workers;
	atomic_store(&added, 0);
	atomic_store(&called, 0);
	for (unsigned i = 0; i < SCALED(5000); i++) {
		struct skua_future *adders[2];

		raced = submit(pool, do_nothing, NULL);
		for (unsigned k = 0; k < 2; k++) {
			skua_future_retain(raced);
			adders[k] = submit(other, add_some, NULL);
		}
		if (i % 3 == 0)
			(void)skua_future_cancel(raced);
		skua_future_release(raced);
		for (unsigned k = 0; k < 2; k++)
			CHECK(take(adders[k]) == NULL);
	}
	while (skua_pool_running(pool) || skua_pool_pending(pool))
		sched_yield();
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&added) == SCALED(5000) * 8);
	CHECK(atomic_load(&called) == SCALED(5000) * 8);
}

/* "several callbacks […] at once", added while the task ends or is cancelled:
 * each is called once. */
Test(callback, racing_the_end, .timeout = LIMIT)
{
	with_pools(race_body);
}

/* --- Nonsense and no memory. --- */

static void nonsense_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *future = submit(pool, do_nothing, NULL);

	(void)workers;
	forget_notes();
	CHECK(skua_future_on_done(NULL, note, NULL) == SKUA_EINVAL);
	CHECK(skua_future_on_done(future, NULL, NULL) == SKUA_EINVAL);
	CHECK(take(future) == NULL);
	CHECK(atomic_load(&notes.count) == 0);
}

Test(callback, null_is_an_error_code, .timeout = LIMIT)
{
	with_pools(nonsense_body);
}

/* In a thread with a new slab each time, so that each needs memory. */
static void *add_without_memory(void *future)
{
	memory_allow(0);
	CHECK(skua_future_on_done(future, note, number(1)) == SKUA_ENOMEM);
	memory_allow(1);
	CHECK(skua_future_on_done(future, note, number(2)) == SKUA_ENOMEM);
	CHECK(memory_relent() > 0);
	CHECK(skua_future_on_done(future, note, number(3)) == 0);
	return NULL;
}

static void no_memory_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_future *future;
	pthread_t thread;

	/* So that no thread is about to begin without memory. */
	start_workers(pool, workers);
	gate_close(&finish);
	forget_notes();
	future = submit(pool, hold, &finish);
	gate_await(&finish, 1);
	CHECK(pthread_create(&thread, NULL, add_without_memory, future) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	gate_open(&finish);
	CHECK(take(future) == &finish);
	await_notes(1);
	CHECK(notes.context[0] == 3);
}

/* "ENOMEM as code": and then it is never called. */
Test(callback, no_memory, .timeout = LIMIT)
{
	with_pools(no_memory_body);
}
