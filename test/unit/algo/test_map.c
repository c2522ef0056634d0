/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - skua_map(): results in the order of the items, chunks of every
 * size, failures at their place, the deadline, and what is left when it has
 * run out.
 */
#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

enum {
	ITEMS = 1000
};
static void *items[ITEMS], *results[ITEMS];

static void fill(void)
{
	for (uintptr_t i = 0; i < ITEMS; i++) {
		items[i] = number(i);
		results[i] = &results;
	}
}

static void *times_three(void *item)
{
	return number((uintptr_t)item * 3 + 1);
}

/* --- Order and chunks. --- */

static void *map_in_all_sizes(void *pool)
{
	static const size_t chunks[] = { 0,   1,   2,	 3,    7,
					 100, 999, 1000, 1001, SIZE_MAX };

	for (unsigned k = 0; k < 10; k++) {
		size_t completed = 77;

		fill();
		CHECK(skua_map(pool, times_three, items, ITEMS, chunks[k],
			       k % 2 ? SKUA_FOREVER : SKUA_SECONDS(1000),
			       results, &completed) == 0);
		CHECK(completed == ITEMS);
		for (uintptr_t i = 0; i < ITEMS; i++)
			CHECK(results[i] == number(i * 3 + 1));
	}
	return pool;
}

static void order_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(1);

	(void)workers;
	map_in_all_sizes(pool);
	CHECK(take(submit(pool, map_in_all_sizes, pool)) == pool);
	CHECK(take(submit(other, map_in_all_sizes, pool)) == pool);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* A7 "results in input order; chunk size", from a thread, from a task of the
 * pool and from one of another */
Test(map, in_the_order_of_items, .timeout = LIMIT)
{
	with_pools(order_body);
}

static atomic_size_t sum;

static void *add_up(void *item)
{
	atomic_fetch_add(&sum, (uintptr_t)item);
	return item;
}

static void odd_body(struct skua_pool *pool, unsigned workers)
{
	size_t completed = 77;

	(void)workers;
	fill();
	atomic_store(&sum, 0);
	/* No results wanted; then results in the place of the items. */
	CHECK(skua_map(pool, add_up, items, ITEMS, 10, SKUA_FOREVER, NULL,
		       NULL) == 0);
	CHECK(atomic_load(&sum) == ITEMS * (ITEMS - 1) / 2);
	CHECK(skua_map(pool, times_three, items, ITEMS, 10, SKUA_FOREVER, items,
		       NULL) == 0);
	CHECK(items[9] == number(28));
	/* Nothing, even in no time. */
	CHECK(skua_map(pool, times_three, NULL, 0, 0, 0, NULL, &completed) ==
	      0);
	CHECK(completed == 0);
	completed = 77;
	CHECK(skua_map(NULL, times_three, items, 1, 0, SKUA_FOREVER, results,
		       &completed) == SKUA_EINVAL);
	CHECK(skua_map(pool, NULL, items, 1, 0, SKUA_FOREVER, results,
		       &completed) == SKUA_EINVAL);
	CHECK(skua_map(pool, times_three, NULL, 1, 0, SKUA_FOREVER, results,
		       &completed) == SKUA_EINVAL);
	CHECK(skua_map(pool, times_three, items,
		       PTRDIFF_MAX / sizeof(*items) + 1, 0, SKUA_FOREVER, NULL,
		       &completed) == SKUA_EINVAL);
	CHECK(completed == 77 && results[0] == &results);
}

Test(map, without_results_in_place_and_nonsense, .timeout = LIMIT)
{
	with_pools(odd_body);
}

/* --- Failures. --- */

static void *fail_some(void *item)
{
	uintptr_t n = (uintptr_t)item;

	if (n % 10 == 3)
		return skua_fail(7);
	if (n % 10 == 6)
		(void)skua_fail(8);
	return item;
}

static void failures_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (size_t chunk = 1; chunk < 200; chunk += 33) {
		size_t completed = 77;

		fill();
		CHECK(skua_map(pool, fail_some, items, ITEMS, chunk,
			       SKUA_FOREVER, results,
			       &completed) == SKUA_EFAILED);
		CHECK(completed == ITEMS * 8 / 10);
		for (uintptr_t i = 0; i < ITEMS; i++)
			CHECK(results[i] ==
			      (i % 10 == 3 || i % 10 == 6 ? NULL : number(i)));
	}
}

/* A failed item has no result; the others, in its chunk too, have theirs. */
Test(map, failed_items, .timeout = LIMIT)
{
	with_pools(failures_body);
}

SKUA_TASK_VOID(fail_below, int, depth)
{
	if (depth == 0) {
		skua_fail(4);
		return;
	}
	fail_below_fork(&here, depth - 1);
	fail_below_join(&here);
}

static void *fail_in_children(void *item)
{
	if ((uintptr_t)item == 5)
		CHECK(fail_below_run(skua_pool_current(), 3) == SKUA_EFAILED);
	return item;
}

static void own_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	fill();
	/* Another task's failure is not the item's. */
	CHECK(skua_map(pool, fail_in_children, items, 20, 4, SKUA_FOREVER,
		       results, NULL) == 0);
	CHECK(results[5] == number(5));
}

Test(map, failure_of_another_task_is_not_the_items, .timeout = LIMIT)
{
	with_pools(own_body);
}

/* --- Items that wait. --- */

/* More than one runner runs in a turn. */
enum {
	CHAIN = 100
};
static struct skua_future *hand[CHAIN];

/* Each waits for the next one, and the last for nothing. */
static void *wait_for_next(void *item)
{
	uintptr_t n = (uintptr_t)item;
	void *from = number(1000);

	if (n < CHAIN - 1)
		CHECK(skua_future_result(hand[n + 1], SKUA_FOREVER, &from) ==
		      0);
	CHECK(skua_promise_set(hand[n], number((uintptr_t)from - 1)) == 0);
	return from;
}

static void waiting_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	fill();
	for (unsigned i = 0; i < CHAIN; i++)
		CHECK(skua_promise_open(&hand[i]) == 0);
	CHECK(skua_map(pool, wait_for_next, items, CHAIN, 1, SKUA_FOREVER,
		       results, NULL) == 0);
	for (uintptr_t i = 0; i < CHAIN; i++) {
		CHECK(results[i] == number(1001 - CHAIN + i));
		skua_future_release(hand[i]);
	}
}

/* A chunk that waits holds up no other. */
Test(map, items_that_wait_for_later_ones, .timeout = LIMIT)
{
	with_pools(waiting_body);
}

/* --- The deadline. --- */

static atomic_uint started;

static void *count_start(void *item)
{
	atomic_fetch_add(&started, 1);
	return item;
}

static void deadline_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	size_t completed = 77;

	fill();
	gate_close(&keep);
	atomic_store(&started, 0);
	hold_workers(pool, &keep, workers);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(skua_map(pool, count_start, items, ITEMS, 10,
			       i ? SKUA_MILLISECONDS(2) : 0, results,
			       &completed) == SKUA_ETIMEDOUT);
		CHECK(completed == 0);
		CHECK(results[0] == NULL && results[ITEMS - 1] == NULL);
	}
	gate_open(&keep);
	while (skua_pool_pending(pool))
		sched_yield();
	CHECK(atomic_load(&started) == 0);
}

/* "deadline from the call"; "running out cancels what has not started" */
Test(map, deadline, .timeout = LIMIT)
{
	with_pools(deadline_body);
}

static void paused_body(struct skua_pool *pool, unsigned workers)
{
	size_t completed = 77;

	(void)workers;
	fill();
	atomic_store(&started, 0);
	CHECK(skua_pool_pause(pool) == 0);
	CHECK(skua_map(pool, count_start, items, ITEMS, 10,
		       SKUA_MILLISECONDS(2), results,
		       &completed) == SKUA_ETIMEDOUT);
	CHECK(completed == 0 && !results[0] && !results[ITEMS - 1]);
	/* What was left behind comes too late, and touches nothing of ours. */
	fill();
	CHECK(skua_pool_resume(pool) == 0);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	CHECK(atomic_load(&started) == 0);
	for (unsigned i = 0; i < ITEMS; i++)
		CHECK(results[i] == &results);
}

/* The call does not wait for a pool that starts nothing. */
Test(map, deadline_of_a_paused_pool, .timeout = LIMIT)
{
	with_pools(paused_body);
}

static void *sleep_a_little(void *item)
{
	CHECK(skua_sleep(SKUA_MILLISECONDS(2)) == 0);
	return item ? item : &sum;
}

static void *run_out(void *pool)
{
	size_t completed = 77, written = 0;

	fill();
	CHECK(skua_map(pool, sleep_a_little, items, ITEMS, ITEMS,
		       SKUA_MILLISECONDS(20), results,
		       &completed) == SKUA_ETIMEDOUT);
	/* One chunk: it stopped between two items. */
	CHECK(completed < ITEMS);
	for (size_t i = 0; i < ITEMS; i++) {
		CHECK((results[i] != NULL) == (i < completed));
		written += results[i] != NULL;
	}
	CHECK(written == completed);
	return pool;
}

static void run_out_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	run_out(pool);
	CHECK(take(submit(pool, run_out, pool)) == pool);
}

/* "finished results written, NULL elsewhere", from a thread and from a task */
Test(map, runs_out_within_a_chunk, .timeout = LIMIT)
{
	with_pools(run_out_body);
}

static void *fail_first(void *item)
{
	atomic_fetch_add(&started, 1);
	if (!item)
		return skua_fail(1);
	return sleep_a_little(item);
}

static void first_error_body(struct skua_pool *pool, unsigned workers)
{
	int error;

	(void)workers;
	fill();
	atomic_store(&started, 0);
	error = skua_map(pool, fail_first, items, ITEMS, ITEMS,
			 SKUA_MILLISECONDS(20), results, NULL);
	/* On a slow machine it may not have begun by then. */
	CHECK(error == (atomic_load(&started) ? SKUA_EFAILED : SKUA_ETIMEDOUT));
}

/* "the first error in item order": the failure was before the deadline's. */
Test(map, first_error_is_that_of_the_first_item, .timeout = LIMIT)
{
	with_pools(first_error_body);
}

/* --- Pools that end. --- */

static void closed_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	size_t completed = 77;

	fill();
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_map(pool, times_three, items, ITEMS, 10, SKUA_FOREVER,
		       results, &completed) == SKUA_ECLOSED);
	CHECK(completed == 0 && results[0] == NULL && !results[ITEMS - 1]);
	skua_pool_release(pool);
}

Test(map, on_a_closed_pool, .timeout = LIMIT)
{
	with_workers(closed_body);
}

/* The pool is paused, and then cancelled, with a map that has not begun. */
static void *map_on_paused(void *pool)
{
	size_t completed = 77;
	int error = skua_map(pool, times_three, items, ITEMS, 10, SKUA_FOREVER,
			     results, &completed);

	/* The shutdown may come while it submits. */
	CHECK(error == SKUA_ECANCELLED || error == SKUA_ECLOSED);
	CHECK(completed == 0 && !results[0] && !results[ITEMS - 1]);
	return pool;
}

static void never_begun_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	pthread_t thread;

	fill();
	CHECK(skua_pool_pause(pool) == 0);
	CHECK(pthread_create(&thread, NULL, map_on_paused, pool) == 0);
	while (!skua_pool_pending(pool))
		sched_yield();
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	skua_pool_release(pool);
}

Test(map, on_a_pool_that_is_cancelled_before_it_begins, .timeout = LIMIT)
{
	with_workers(never_begun_body);
}

static void *cancel_pool(void *item)
{
	if (!item)
		CHECK(skua_pool_shutdown(skua_pool_current(),
					 SKUA_CLOSE_CANCEL |
						 SKUA_CLOSE_DETACH) == 0);
	return number((uintptr_t)item + 1);
}

static void cancelled_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	size_t completed = 77, written = 0;
	int error;

	fill();
	error = skua_map(pool, cancel_pool, items, ITEMS, 1, SKUA_FOREVER,
			 results, &completed);
	/* All may have started by then. */
	CHECK(completed == ITEMS ?
		      error == 0 :
		      error == SKUA_ECANCELLED || error == SKUA_ECLOSED);
	for (uintptr_t i = 0; i < ITEMS; i++) {
		CHECK(!results[i] || results[i] == number(i + 1));
		written += results[i] != NULL;
	}
	CHECK(written == completed);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

Test(map, on_a_pool_that_is_cancelled_meanwhile, .timeout = LIMIT)
{
	with_workers(cancelled_body);
}

/* --- No memory. --- */

static void no_memory_body(struct skua_pool *pool, unsigned workers)
{
	size_t completed = 77;

	(void)workers;
	fill();
	start_workers(pool, workers);
	memory_allow(0);
	CHECK(skua_map(pool, times_three, items, ITEMS, 1, SKUA_FOREVER,
		       results, &completed) == SKUA_ENOMEM);
	memory_relent();
	CHECK(completed == 0 && results[0] == NULL);
	CHECK(skua_map(pool, times_three, items, ITEMS, 1, SKUA_FOREVER,
		       results, &completed) == 0);
	CHECK(completed == ITEMS);
}

Test(map, no_memory, .timeout = LIMIT)
{
	with_pools(no_memory_body);
}
