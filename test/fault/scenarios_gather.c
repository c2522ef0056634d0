/* SPDX-License-Identifier: MIT */
/* Promises, callbacks, and waits for many futures. */
#include <sched.h>

#include "scenarios.h"

enum {
	PROMISES = 200,
	MANY = 60,
	CALLED = 100,
};

static atomic_uint calls, added;

static void count_call(struct skua_future *future, void *context)
{
	EXPECT(skua_future_done(future));
	EXPECT(context == &calls);
	atomic_fetch_add(&calls, 1);
}

/* Is called once if this succeeds, and else never. */
static void add_callback(struct skua_future *future)
{
	int error = skua_future_on_done(future, count_call, &calls);

	EXPECT(error == 0 || fault_shortage(error));
	atomic_fetch_add(&added, !error);
}

static struct skua_future *try_promise(void)
{
	static struct skua_future *const untouched = (void *)&ledger;
	struct skua_future *promise = untouched;
	int error = skua_promise_open(&promise);

	EXPECT(error == 0 || fault_shortage(error));
	EXPECT((error == 0) == (promise != untouched));
	return error ? NULL : promise;
}

/* Set, failed, cancelled or given up. */
static void end_promise(struct skua_future *promise, int way)
{
	void *value = NULL;

	if (!promise)
		return;
	add_callback(promise);
	switch (way % 4) {
	case 0:
		EXPECT(skua_promise_set(promise, &ledger) == 0);
		EXPECT(skua_future_result(promise, 0, &value) == 0);
		EXPECT(value == &ledger);
		break;
	case 1:
		EXPECT(skua_promise_fail(promise, 5) == 0);
		EXPECT(skua_future_result(promise, 0, NULL) == SKUA_EFAILED);
		break;
	case 2:
		EXPECT(skua_future_cancel(promise) == 0);
		EXPECT(skua_promise_set(promise, NULL) == SKUA_ECANCELLED);
		break;
	default:
		break;
	}
	add_callback(promise);
	skua_future_release(promise);
}

static void *end_promises(void *arg)
{
	struct skua_future *promises[PROMISES];

	for (int i = 0; i < PROMISES; i++)
		promises[i] = try_promise();
	for (int i = 0; i < PROMISES; i++)
		end_promise(promises[i], i);
	return arg ? fault_job(arg) : NULL;
}

/* By threads that are no guests, and by a task. */
void scenario_promises(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *task = NULL;

	fault_begin();
	EXPECT(pthread_join(fault_thread(end_promises, NULL), NULL) == 0);
	(void)end_promises(NULL);
	if (fault_noted(skua_submit(pool, end_promises, &ledger, &task), 1))
		fault_take(task);
	EXPECT(pthread_join(fault_thread(end_promises, NULL), NULL) == 0);
	fault_close(pool);
	EXPECT(atomic_load(&calls) == atomic_load(&added));
}

/* To jobs that run meanwhile, and to jobs that are cancelled. */
void scenario_callbacks(void)
{
	struct skua_pool *pool = fault_open(2);
	static struct skua_future *futures[CALLED];
	struct hold hold;

	fault_hold(&hold, pool);
	fault_begin();
	for (int i = 0; i < CALLED; i++) {
		futures[i] = fault_submit_optioned(pool);
		for (int k = 0; futures[i] && k < 3; k++)
			add_callback(futures[i]);
	}
	for (int i = 0; i < CALLED; i += 3)
		if (futures[i])
			EXPECT(skua_future_cancel(futures[i]) == 0);
	fault_let_go(&hold);
	for (int i = 0; i < CALLED; i++) {
		if (futures[i])
			add_callback(futures[i]);
		skua_future_release(futures[i]);
	}
	fault_close(pool);
	EXPECT(atomic_load(&calls) == atomic_load(&added));
}

/* ---- waits for many ---- */

static size_t submit_all(struct skua_pool *pool, struct skua_future *futures[])
{
	size_t count = 0;

	for (int i = 0; i < MANY; i++) {
		futures[count] = fault_submit(pool);
		count += futures[count] != NULL;
	}
	return count;
}

/* In a task without a stack they are left to themselves. */
static void release_all(struct skua_future *futures[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int error = skua_future_result(futures[i], SKUA_FOREVER, NULL);

		EXPECT(error == 0 || fault_shortage(error));
		skua_future_release(futures[i]);
	}
}

/* The same jobs in one wait after the other: one that fails leaves nothing
 * behind with any of them. */
static void wait_in_all_ways(struct skua_pool *pool)
{
	static const enum skua_when when[] = { SKUA_FIRST_FAILED,
					       SKUA_FIRST_DONE, SKUA_ALL_DONE };
	struct skua_future *futures[MANY];
	size_t count = submit_all(pool, futures), index = 0;

	for (size_t i = 0; count && i < 3; i++) {
		int error = skua_wait(futures, count, when[i], 1000, &index);

		EXPECT(error == 0 || error == SKUA_ETIMEDOUT ||
		       fault_shortage(error));
		error = skua_wait(futures, count, when[i], SKUA_FOREVER,
				  &index);
		EXPECT(error == 0 || fault_shortage(error));
		EXPECT(error || skua_future_done(futures[index]));
	}
	release_all(futures, count);
}

static void *wait_inside(void *arg)
{
	wait_in_all_ways(arg);
	return fault_job(&ledger);
}

void scenario_wait_many(void)
{
	struct skua_pool *pool = fault_open(2), *other = fault_open(1);
	struct skua_future *task = NULL;

	fault_begin();
	wait_in_all_ways(pool);
	if (fault_noted(skua_submit(other, wait_inside, pool, &task), 1))
		fault_take(task);
	fault_close(other);
	fault_close(pool);
}

/* Each comes out once, whatever fails in between; or none, and they are taken
 * one by one. */
static void take_as_completed(struct skua_pool *pool)
{
	struct skua_completed *completed = NULL;
	struct skua_future *futures[MANY];
	size_t count = submit_all(pool, futures), out = 0, place;
	bool seen[MANY] = { false };
	int error = skua_as_completed(&completed, futures, count);

	EXPECT((error == 0) == (completed != NULL));
	EXPECT(error == 0 || fault_shortage(error));
	while (!error && out < count) {
		int now = skua_completed_next(completed, out % 2 ? 1000 : -1,
					      NULL, &place);

		EXPECT(now == 0 || now == SKUA_ETIMEDOUT ||
		       fault_shortage(now));
		/* For good: whatever this is run with. */
		if (now && now != SKUA_ETIMEDOUT)
			break;
		if (now)
			continue;
		EXPECT(place < count && !seen[place]);
		seen[place] = true;
		out++;
	}
	skua_completed_free(completed);
	release_all(futures, count);
}

static void *take_inside(void *arg)
{
	take_as_completed(arg);
	return fault_job(&ledger);
}

void scenario_completed(void)
{
	struct skua_pool *pool = fault_open(2), *other = fault_open(1);
	struct skua_future *task = NULL;

	fault_begin();
	take_as_completed(pool);
	if (fault_noted(skua_submit(other, take_inside, pool, &task), 1))
		fault_take(task);
	fault_close(other);
	fault_close(pool);
}
