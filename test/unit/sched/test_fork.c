/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - fork-join programs with known answers, deep, wide and flat;
 * waits between fork and join; failures of children.
 */
#include <string.h>

#include "sched_test.h"

/* --- fib, from everywhere. --- */

enum {
	FIB = 20,
	FIB_VALUE = 6765
};

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void *fib_inside(void *pool)
{
	long value = 0;

	CHECK(fib_run(pool, &value, FIB) == 0);
	return number((uintptr_t)value);
}

static void fib_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(workers);
	struct skua_future *inside[10];
	long value = 0;

	for (int n = 0; n <= FIB; n++)
		CHECK(fib_run(pool, &value, n) == 0);
	cr_assert_eq(value, FIB_VALUE, "%u workers", workers);
	for (size_t i = 0; i < 10; i++)
		inside[i] = submit(i % 2 ? other : pool, fib_inside, pool);
	for (size_t i = 0; i < 10; i++)
		CHECK(take(inside[i]) == number(FIB_VALUE));
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "name_run […] from any thread or task", of this pool and of another */
Test(fork, fib_from_threads_and_tasks, .timeout = LIMIT)
{
	with_pools(fib_body);
}

static void *fib_thread(void *pool)
{
	for (unsigned i = 0; i < 20; i++)
		CHECK(fib_inside(pool) == number(FIB_VALUE));
	return NULL;
}

static void threads_body(struct skua_pool *pool, unsigned workers)
{
	pthread_t threads[4];

	(void)workers;
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, fib_thread, pool) == 0);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

Test(fork, fib_from_four_threads_at_once, .timeout = LIMIT)
{
	with_pools(threads_body);
}

/* A run between fork and join, inside a run, … */
SKUA_TASK(long, nested, int, depth)
{
	long value = 0, sum;

	fib_fork(&here, 10);
	fib_fork(&here, 11);
	if (depth)
		CHECK(nested_run(skua_pool_current(), &value, depth - 1) == 0);
	sum = fib_join(&here);
	return sum + fib_join(&here) + value;
}

static void nested_body(struct skua_pool *pool, unsigned workers)
{
	long value = 0;

	CHECK(nested_run(pool, &value, 50) == 0);
	cr_assert_eq(value, 51 * (55 + 89), "%u workers", workers);
}

Test(fork, runs_nested_between_fork_and_join, .timeout = LIMIT)
{
	with_pools(nested_body);
}

/* --- Deep. --- */

enum {
	DEEP = 20000
};

/* Under a sanitizer a C frame is several times as large. */
#if defined(UNDER_TSAN) || defined(UNDER_ASAN)
enum {
	DEEP_STACK = 64 << 20
};
#else
enum {
	DEEP_STACK = 8 << 20
};
#endif

SKUA_TASK(long, deep, int, n)
{
	if (n == 0)
		return 0;
	deep_fork(&here, n - 1);
	return deep_join(&here) + 1;
}

/* The other way down: the call goes deep, the child is a leaf. */
SKUA_TASK(long, spine, int, n)
{
	long below;

	if (n == 0)
		return 0;
	deep_fork(&here, 1);
	below = spine(here, n - 1);
	return deep_join(&here) + below;
}

static void deep_body(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	long value = 0;

	options.workers = workers;
	options.stack_bytes = DEEP_STACK;
	CHECK(skua_pool_open(&pool, &options) == 0);
	for (unsigned i = 0; i < 10; i++) {
		CHECK(deep_run(pool, &value, DEEP) == 0);
		cr_assert_eq(value, DEEP, "%u workers", workers);
		CHECK(spine_run(pool, &value, DEEP) == 0);
		cr_assert_eq(value, DEEP, "%u workers", workers);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* "fork-join recursion to depth 20,000 inside the 8 MiB stack" */
Test(fork, recursion_to_depth_20000_in_8_mebibytes, .timeout = LIMIT)
{
	with_workers(deep_body);
}

/* --- Flat. --- */

enum {
	FLAT = SCALED(400000)
};

SKUA_TASK(uint64_t, leaf, uint64_t, n)
{
	(void)here;
	return n * n + 1;
}

SKUA_TASK(uint64_t, flat, uint64_t, count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		leaf_fork(&here, i);
	for (uint64_t i = count; i-- > 0;) {
		uint64_t value = leaf_join(&here);

		CHECK(value == i * i + 1);
		sum += value;
	}
	return sum;
}

static uint64_t flat_sum(uint64_t n)
{
	return (n - 1) * n * (2 * n - 1) / 6 + n;
}

static void flat_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t sum = 0;

	CHECK(flat_run(pool, &sum, FLAT) == 0);
	cr_assert_eq(sum, flat_sum(FLAT), "%u workers", workers);
}

/* "forking 10 million children in a flat loop, then joining them all": the
 * fork stack goes on in further segments. The 10 million are stress_flat's. */
Test(fork, flat_loop_over_many_segments, .timeout = LIMIT)
{
	with_pools(flat_body);
}

static void sizes_body(struct skua_pool *pool, unsigned workers)
{
	static const uint64_t powers[] = { 1, 16, 32, 64, 256, 1024, 2048 };
	uint64_t sum = 0;

	for (size_t k = 0; k < sizeof(powers) / sizeof(*powers); k++) {
		for (uint64_t n = powers[k]; n < powers[k] + 10; n++) {
			CHECK(flat_run(pool, &sum, n) == 0);
			cr_assert_eq(sum, flat_sum(n), "%u workers", workers);
		}
	}
}

/* Every number of children around the sizes where something may turn over. */
Test(fork, flat_loops_of_all_sizes_around_a_segment, .timeout = LIMIT)
{
	with_pools(sizes_body);
}

/* Back and forth over wherever a segment may end: @count children are there,
 * then one more and one less again and again. */
SKUA_TASK(uint64_t, seesaw, uint64_t, count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		leaf_fork(&here, i);
		for (uint64_t k = 0; k < 4; k++)
			leaf_fork(&here, k);
		for (uint64_t k = 4; k-- > 0;)
			CHECK(leaf_join(&here) == k * k + 1);
	}
	for (uint64_t i = 0; i < count; i++)
		sum += leaf_join(&here);
	return sum;
}

static void seesaw_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t sum = 0;

	CHECK(seesaw_run(pool, &sum, 5000) == 0);
	cr_assert_eq(sum, flat_sum(5000), "%u workers", workers);
}

Test(fork, forks_and_joins_across_the_end_of_a_segment, .timeout = LIMIT)
{
	with_pools(seesaw_body);
}

/* Children that themselves fork across segments, so that a thief's segment
 * and its own are chained at once. */
SKUA_TASK(uint64_t, wide, int, depth)
{
	uint64_t sum = 0;

	if (depth == 0)
		return flat(here, 1500);
	for (unsigned i = 0; i < 6; i++)
		wide_fork(&here, depth - 1);
	for (unsigned i = 0; i < 6; i++)
		sum += wide_join(&here);
	return sum;
}

static void wide_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t sum = 0;

	CHECK(wide_run(pool, &sum, 3) == 0);
	cr_assert_eq(sum, 216 * flat_sum(1500), "%u workers", workers);
}

Test(fork, trees_of_flat_loops, .timeout = LIMIT)
{
	with_pools(wide_body);
}

/* --- An unbalanced tree, the same for every number of workers. --- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x7fb5d329728ea185);
	x ^= x >> 27;
	x *= UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

/* Below depth 8 a node has 4 children or none, mostly none; some subtrees run
 * on for hundreds of levels. */
static unsigned tree_children(uint64_t node, unsigned depth)
{
	if (depth < 5)
		return 4;
	return mix(node) % 1000 < 248 ? 4 : 0;
}

static uint64_t tree_serial(uint64_t node, unsigned depth)
{
	unsigned children = tree_children(node, depth);
	uint64_t sum = 1;

	for (unsigned i = 0; i < children; i++)
		sum += tree_serial(mix(node + i + 1), depth + 1);
	return sum;
}

SKUA_TASK(uint64_t, tree, uint64_t, node, unsigned, depth)
{
	unsigned children = tree_children(node, depth);
	uint64_t sum = 1;

	for (unsigned i = 0; i < children; i++)
		tree_fork(&here, mix(node + i + 1), depth + 1);
	for (unsigned i = 0; i < children; i++)
		sum += tree_join(&here);
	return sum;
}

static void tree_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t seed = test_seed(), sum = 0, expected;

	for (uint64_t round = 0; round < 5; round++) {
		expected = tree_serial(seed + round, 0);
		CHECK(tree_run(pool, &sum, seed + round, 0) == 0);
		cr_assert_eq(sum, expected, "%u workers, SKUA_TEST_SEED=%#llx",
			     workers, (unsigned long long)seed);
	}
}

Test(fork, unbalanced_trees, .timeout = LIMIT)
{
	with_pools(tree_body);
}

/* --- Waiting between fork and join. --- */

static atomic_uint children_ran;

SKUA_TASK(int, child, int, n)
{
	(void)here;
	atomic_fetch_add(&children_ran, 1);
	return n;
}

static void *needs_children(void *count)
{
	while (atomic_load(&children_ran) < (unsigned)(uintptr_t)count)
		skua_yield();
	return count;
}

/* The future is done once all of the parent's children have run, and the
 * parent waits for it before it joins one. */
SKUA_TASK(int, parent, int, count)
{
	int sum = 0;

	for (int i = 1; i <= count; i++)
		child_fork(&here, i);
	CHECK(take(submit(skua_pool_current(), needs_children,
			  number((uintptr_t)count))) ==
	      number((uintptr_t)count));
	for (int i = count; i >= 1; i--) {
		int n = child_join(&here);

		CHECK(n == i);
		sum += n;
	}
	return sum;
}

static void unrelated_body(struct skua_pool *pool, unsigned workers)
{
	static const int counts[] = { 1, 2, 3, 16, 17, 100, 3000 };

	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		int sum = 0;

		atomic_store(&children_ran, 0);
		CHECK(parent_run(pool, &sum, counts[k]) == 0);
		cr_assert_eq(sum, counts[k] * (counts[k] + 1) / 2, "%u workers",
			     workers);
	}
}

/* "a task forks children, waits for an unrelated future before joining them,
 * and the future needs a child to run" */
Test(fork, waits_for_a_future_that_needs_its_children, .timeout = LIMIT)
{
	with_pools(unrelated_body);
}

/* --- A long time without forks and joins. --- */

static struct gate busy;

/* One worker, which runs this, and one that has other things to do until all
 * children are forked. The task neither joins nor suspends until they ran. */
SKUA_TASK(int, shower, int, count)
{
	int sum = 0;

	gate_await(&busy, 1);
	for (int i = 1; i <= count; i++)
		child_fork(&here, i);
	skua_show(here);
	/* Again, with nothing to show. */
	skua_show(here);
	gate_open(&busy);
	while (atomic_load(&children_ran) < (unsigned)count)
		sched_yield();
	for (int i = 1; i <= count; i++)
		sum += child_join(&here);
	skua_show(here);
	return sum;
}

/* "Let others have the children that were forked": around a segment's end */
Test(fork, shown_children_are_run, .timeout = LIMIT)
{
	static const int counts[] = { 0, 1, 2, 3, 17, 1019, 1020, 1021, 2100 };
	struct skua_pool *pool = open_pool(2);

	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		int sum = 0;

		gate_close(&busy);
		atomic_store(&children_ran, 0);
		CHECK(skua_submit(pool, hold, &busy, NULL) == 0);
		CHECK(shower_run(pool, &sum, counts[k]) == 0);
		CHECK(sum == counts[k] * (counts[k] + 1) / 2);
		/* Nobody is at the gate any more. */
		CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(2);
}

SKUA_TASK(int, listener, int, n)
{
	gate_await(&busy, 1);
	/* The first fork looks for the idle, and finds none. */
	child_fork(&here, n);
	child_fork(&here, n);
	CHECK(!skua_is_wanted(here));
	gate_open(&busy);
	while (!skua_is_wanted(here))
		sched_yield();
	return child_join(&here) + child_join(&here);
}

/* "Whether somebody may want work": said without a fork or a join */
Test(fork, hears_of_the_hungry, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	int sum = 0;

	gate_close(&busy);
	CHECK(skua_submit(pool, hold, &busy, NULL) == 0);
	CHECK(listener_run(pool, &sum, 4) == 0);
	CHECK(sum == 8);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(2);
}

/* Without a poll: the child itself submits what the parent waits for. */
static _Atomic(struct skua_future *) from_child;

SKUA_TASK_VOID(submitting_child)
{
	(void)here;
	atomic_store(&from_child,
		     submit(skua_pool_current(), do_nothing, number(9)));
}

SKUA_TASK(int, parent_of_submitter, int, sleeps)
{
	struct skua_future *future = NULL;

	submitting_child_fork(&here);
	while (!(future = atomic_load(&from_child))) {
		if (sleeps)
			CHECK(skua_sleep(SKUA_MILLISECONDS(1)) == 0);
		else
			skua_yield();
	}
	CHECK(take(future) == number(9));
	submitting_child_join(&here);
	return 1;
}

static void submitter_body(struct skua_pool *pool, unsigned workers)
{
	for (int i = 0; i < 20; i++) {
		int done = 0;

		atomic_store(&from_child, NULL);
		CHECK(parent_of_submitter_run(pool, &done, i % 2) == 0);
		cr_assert_eq(done, 1, "%u workers", workers);
	}
}

/* The same with the future submitted by the child, while the parent sleeps or
 * yields with the child unjoined. */
Test(fork, waits_for_a_future_that_a_child_submits, .timeout = LIMIT)
{
	with_pools(submitter_body);
}

/* Every level waits for its own children in this way before it joins them, so
 * frames below a wait, and below that, stay within reach. */
struct level {
	atomic_uint arrived;
};

static void *level_full(void *arg)
{
	struct level *level = arg;

	while (atomic_load(&level->arrived) < 3)
		skua_yield();
	return NULL;
}

SKUA_TASK(long, levels, int, depth, struct level *, above)
{
	struct level mine = { 0 };
	long sum = 1;

	if (above)
		atomic_fetch_add(&above->arrived, 1);
	if (depth == 0)
		return sum;
	for (unsigned i = 0; i < 3; i++)
		levels_fork(&here, depth - 1, &mine);
	CHECK(take(submit(skua_pool_current(), level_full, &mine)) == NULL);
	for (unsigned i = 0; i < 3; i++)
		sum += levels_join(&here);
	return sum;
}

static void levels_body(struct skua_pool *pool, unsigned workers)
{
	long sum = 0;

	CHECK(levels_run(pool, &sum, 5, NULL) == 0);
	cr_assert_eq(sum, (729 - 1) / 2, "%u workers", workers);
}

Test(fork, every_level_waits_before_it_joins, .timeout = LIMIT)
{
	with_pools(levels_body);
}

/* --- Where it runs. --- */

SKUA_TASK(int, same_worker, int, depth)
{
	int worker = skua_worker();
	pthread_t thread = pthread_self();

	CHECK(worker >= 0);
	if (depth == 0)
		return 1;
	for (unsigned i = 0; i < 3; i++)
		same_worker_fork(&here, depth - 1);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(same_worker_join(&here) == 1);
		CHECK(skua_worker() == worker);
		CHECK(pthread_equal(pthread_self(), thread));
	}
	return 1;
}

static void same_worker_body(struct skua_pool *pool, unsigned workers)
{
	int one = 0;

	CHECK(same_worker_run(pool, &one, 8) == 0);
	cr_assert_eq(one, 1, "%u workers", workers);
}

/* "A task stays on its thread from start to end", through joins of stolen
 * children, too. */
Test(fork, a_task_stays_on_its_thread_over_joins, .timeout = LIMIT)
{
	with_pools(same_worker_body);
}

/* --- Failing children. --- */

static atomic_bool failed_child_ran;

SKUA_TASK(int, failing_child, int, code)
{
	(void)here;
	if (code)
		CHECK(skua_fail(code) == NULL);
	atomic_store(&failed_child_ran, true);
	return code;
}

/* With @stolen the child has run before the join, in another task. */
SKUA_TASK(int, parent_of_failing, int, stolen, int, code)
{
	failing_child_fork(&here, code);
	while (stolen && !atomic_load(&failed_child_ran))
		skua_yield();
	CHECK(failing_child_join(&here) == code);
	return 5;
}

SKUA_TASK(int, grandparent_of_failing, int, stolen, int, code)
{
	parent_of_failing_fork(&here, stolen, code);
	return parent_of_failing_join(&here);
}

static void failing(struct skua_pool *pool, int stolen, int code)
{
	struct skua_future *future = NULL;
	int expected = code ? SKUA_EFAILED : 0;
	int value = 77;

	atomic_store(&failed_child_ran, false);
	CHECK(grandparent_of_failing_run(pool, &value, stolen, code) ==
	      expected);
	CHECK(value == (code ? 77 : 5));
	atomic_store(&failed_child_ran, false);
	value = 77;
	CHECK(grandparent_of_failing_submit(pool, &future, stolen, code) == 0);
	CHECK(grandparent_of_failing_result(future, SKUA_FOREVER, &value) ==
	      expected);
	CHECK(value == (code ? 77 : 5));
	CHECK(skua_future_code(future) == code);
	skua_future_release(future);
}

static void *failing_inside(void *pool)
{
	/* What it runs fails, not the task that runs it. */
	failing(pool, 1, 31);
	failing(pool, 0, 32);
	return pool;
}

static void failing_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (int i = 0; i < 20; i++) {
		failing(pool, i % 2, 11);
		failing(pool, i % 2, 0);
	}
	CHECK(take(submit(pool, failing_inside, pool)) == pool);
}

/* "skua_fail() in one makes name_run and name_result return SKUA_EFAILED",
 * also in a child, stolen or not */
Test(fork, a_failing_child_fails_the_run, .timeout = LIMIT)
{
	with_pools(failing_body);
}

/* --- Cancelled and closed. --- */

/* Or refused: it is counted as pending before it looks at closing. */
static void *run_fib_cancelled(void *pool)
{
	long value = 77;
	int error = fib_run(pool, &value, 10);

	CHECK(error == SKUA_ECANCELLED || error == SKUA_ECLOSED);
	CHECK(value == 77);
	return NULL;
}

static void cancelled_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *future = NULL;
	pthread_t runner;
	long value = 77;

	gate_close(&keep);
	hold_workers(pool, &keep, workers);
	CHECK(pthread_create(&runner, NULL, run_fib_cancelled, pool) == 0);
	while (skua_pool_pending(pool) < 1)
		sched_yield();
	CHECK(fib_submit(pool, &future, 10) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) ==
	      0);
	gate_open(&keep);
	CHECK(pthread_join(runner, NULL) == 0);
	CHECK(fib_result(future, SKUA_FOREVER, &value) == SKUA_ECANCELLED);
	CHECK(value == 77);
	skua_future_release(future);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* "SKUA_ECANCELLED (the pool was shut down before it started)" */
Test(fork, a_run_that_never_started_was_cancelled, .timeout = LIMIT)
{
	with_workers(cancelled_body);
}

/* --- Mutual recursion. --- */

SKUA_DECLARE_TASK(bool, is_even, unsigned, n);
SKUA_DECLARE_TASK_VOID(count_down, unsigned, n, atomic_uint *, count);

SKUA_TASK(bool, is_odd, unsigned, n)
{
	if (n == 0)
		return false;
	is_even_fork(&here, n - 1);
	return is_even_join(&here);
}

SKUA_TASK(bool, is_even, unsigned, n)
{
	if (n == 0)
		return true;
	is_odd_fork(&here, n - 1);
	return is_odd_join(&here);
}

SKUA_TASK_VOID(count_on, unsigned, n, atomic_uint *, count)
{
	count_down_fork(&here, n, count);
	count_down(here, n, count);
	count_down_join(&here);
}

SKUA_TASK_VOID(count_down, unsigned, n, atomic_uint *, count)
{
	atomic_fetch_add(count, 1);
	if (n)
		count_on(here, n - 1, count);
}

static void mutual_body(struct skua_pool *pool, unsigned workers)
{
	static atomic_uint count;
	bool yes = false;

	CHECK(is_even_run(pool, &yes, 1000) == 0 && yes);
	CHECK(is_odd_run(pool, &yes, 1000) == 0 && !yes);
	atomic_store(&count, 0);
	CHECK(count_on_run(pool, 9, &count) == 0);
	cr_assert_eq(atomic_load(&count), 2046, "%u workers", workers);
}

/* "SKUA_DECLARE_TASK declares one before its definition" */
Test(fork, tasks_declared_before_their_definition, .timeout = LIMIT)
{
	with_pools(mutual_body);
}

/* --- The plain functions under the macros. --- */

static void twice_plus_one(skua_here here, struct skua_job *job)
{
	struct skua_frame *frame = (struct skua_frame *)(void *)job;

	(void)here;
	frame->data[0] = frame->data[0] * 2 + 1;
}

SKUA_TASK(uint64_t, by_hand, uint64_t, count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		here->data[0] = i;
		here = skua_fork(here, twice_plus_one);
	}
	for (uint64_t i = 0; i < count; i++) {
		uintptr_t taken = skua_take(here, twice_plus_one);

		here = (skua_here)(taken & ~(uintptr_t)1);
		if (taken & 1)
			twice_plus_one(here, &here->job);
		sum += here->data[0];
	}
	return sum;
}

static void by_hand_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t sum = 0;

	CHECK(by_hand_run(pool, &sum, 5000) == 0);
	cr_assert_eq(sum, 5000 * 5000, "%u workers", workers);
}

/* "plain functions […] that anyone may use without them" */
Test(fork, skua_fork_and_skua_take_without_the_macros, .timeout = LIMIT)
{
	with_pools(by_hand_body);
}
