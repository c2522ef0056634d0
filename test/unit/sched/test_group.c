/* SPDX-License-Identifier: MIT */
/*
 * test_group.c - groups: children from everywhere are counted, the first error
 * is kept and cancels, cancelling reaches all that descends, rounds do not
 * disturb each other, and whoever has waited may destroy the group at once.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

static struct skua_group group;
static atomic_size_t ran;

static int count_run(skua_here here, void *arg)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return (int)(intptr_t)arg;
}

static void open_group(struct skua_pool *pool)
{
	atomic_store(&ran, 0);
	CHECK(skua_group_init(&group, pool) == 0);
}

static void add(skua_child_fn *fn, intptr_t arg)
{
	CHECK(skua_group_run(&group, fn, number((uintptr_t)arg)) == 0);
}

static int wait_all(void)
{
	return skua_group_wait(&group, SKUA_FOREVER);
}

/* As a child that keeps the round going: until the group is cancelled. */
static int until_cancelled(skua_here here, void *arg)
{
	atomic_fetch_add(&ran, 1);
	while (!skua_cancelled(here))
		skua_yield();
	return (int)(intptr_t)arg;
}

/* --- Arguments. --- */

Test(group, wrong_arguments, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_group closed;

	memset(&closed, 0, sizeof(closed));
	cr_assert_eq(skua_group_init(NULL, pool), SKUA_EINVAL);
	cr_assert_eq(skua_group_init(&group, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_destroy(&closed), SKUA_EINVAL);
	cr_assert_eq(skua_group_run(NULL, count_run, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_run(&closed, count_run, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_wait(NULL, 0), SKUA_EINVAL);
	cr_assert_eq(skua_group_wait(&closed, SKUA_FOREVER), SKUA_EINVAL);
	cr_assert_eq(skua_group_cancel(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_cancel(&closed), SKUA_EINVAL);
	cr_assert(!skua_group_cancelled(NULL));
	cr_assert(!skua_group_cancelled(&closed));
	open_group(pool);
	cr_assert_eq(skua_group_run(&group, NULL, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_group_wait(&group, 0), 0, "empty");
	cr_assert_eq(wait_all(), 0);
	cr_assert_eq(skua_group_destroy(&group), 0);
	cr_assert_eq(skua_group_destroy(&group), SKUA_EINVAL);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}

/* --- Counting. --- */

static void from_outside(struct skua_pool *pool, unsigned workers)
{
	open_group(pool);
	for (size_t i = 0; i < SCALED(100000); i++)
		add(count_run, 0);
	CHECK(wait_all() == 0);
	CHECK(atomic_load(&ran) == SCALED(100000));
	CHECK(skua_group_destroy(&group) == 0);
	(void)workers;
}

Test(group, children_from_outside, .timeout = LIMIT)
{
	with_pools(from_outside);
}

static int grow(skua_here here, void *arg)
{
	intptr_t depth = (intptr_t)arg;

	(void)here;
	atomic_fetch_add(&ran, 1);
	for (int i = 0; depth && i < 2; i++)
		add(grow, depth - 1);
	return 0;
}

static void from_children(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	for (intptr_t depth = 0; depth < 14; depth++) {
		atomic_store(&ran, 0);
		add(grow, depth);
		CHECK(wait_all() == 0);
		CHECK(atomic_load(&ran) == ((size_t)2 << depth) - 1);
	}
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, children_add_children, .timeout = LIMIT)
{
	with_pools(from_children);
}

static void *in_task(void *pool)
{
	from_outside(pool, 0);
	return NULL;
}

static void from_task(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	take(submit(pool, in_task, pool));
}

Test(group, children_from_a_task, .timeout = LIMIT)
{
	with_pools(from_task);
}

/* Each with a group of its own on its stack, which goes at once. */
static int nest(skua_here here, void *arg)
{
	struct skua_group own;
	intptr_t depth = (intptr_t)arg;

	(void)here;
	atomic_fetch_add(&ran, 1);
	if (!depth)
		return 0;
	CHECK(skua_group_init(&own, skua_pool_current()) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(skua_group_run(&own, nest,
				     number((uintptr_t)depth - 1)) == 0);
	CHECK(skua_group_wait(&own, SKUA_FOREVER) == 0);
	CHECK(skua_group_destroy(&own) == 0);
	memset(&own, 0x5a, sizeof(own));
	return 0;
}

static void nested(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	add(nest, 7);
	CHECK(wait_all() == 0);
	CHECK(atomic_load(&ran) == (6561 - 1) / 2);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, nested_on_stacks, .timeout = LIMIT)
{
	with_pools(nested);
}

/* --- Errors. --- */

/* Adds one that fails, and once that is known one that must not run. */
static int fail_then_add(skua_here here, void *arg)
{
	add(count_run, (intptr_t)arg);
	CHECK(until_cancelled(here, NULL) == 0);
	add(count_run, 9);
	return 8; /* too late */
}

/* A group is empty for a moment after each of these, and forgets nothing. */
static void errors_before(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	for (int i = 0; i < 50; i++) {
		add(count_run, 4);
		while (atomic_load(&ran) == (size_t)i)
			sched_yield();
		while (skua_pool_running(pool))
			sched_yield();
		CHECK(skua_group_cancelled(&group));
		add(count_run, 5); /* left out */
		CHECK(wait_all() == 4);
		CHECK(atomic_load(&ran) == (size_t)i + 1);
	}
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, an_error_outlasts_its_child, .timeout = LIMIT)
{
	with_pools(errors_before);
}

static void first_error(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	add(fail_then_add, 7);
	CHECK(wait_all() == 7);
	CHECK(atomic_load(&ran) == 2);
	CHECK(skua_group_wait(&group, 0) == 7);
	/* The next round knows nothing of it. */
	add(count_run, 0);
	CHECK(wait_all() == 0);
	CHECK(!skua_group_cancelled(&group));
	add(count_run, -77);
	CHECK(wait_all() == -77);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, the_first_error_is_kept_and_cancels, .timeout = LIMIT)
{
	with_pools(first_error);
}

SKUA_TASK_VOID(fail_below, int, depth)
{
	if (!depth) {
		skua_fail(5);
		return;
	}
	fail_below_fork(&here, depth - 1);
	fail_below(here, depth - 1);
	fail_below_join(&here);
}

static int say_fail(skua_here here, void *arg)
{
	fail_below(here, (int)(intptr_t)arg);
	return 0;
}

static void said_fail(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	for (intptr_t depth = 0; depth < 8; depth++) {
		add(say_fail, depth);
		CHECK(wait_all() == SKUA_EFAILED);
	}
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, skua_fail_is_an_error, .timeout = LIMIT)
{
	with_pools(said_fail);
}

/* --- Cancelling. --- */

static void cancelled_before(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(skua_group_cancelled(&group));
	for (int i = 0; i < 100; i++)
		add(count_run, 1);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(atomic_load(&ran) == 0);
	CHECK(!skua_group_cancelled(&group));
	/* Without a child the wait ends it. */
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(!skua_group_cancelled(&group));
	add(count_run, 0);
	CHECK(wait_all() == 0);
	CHECK(atomic_load(&ran) == 1);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, cancelled_before_its_children, .timeout = LIMIT)
{
	with_pools(cancelled_before);
}

static void cancelled_while(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	for (int i = 0; i < 20; i++)
		add(until_cancelled, 0);
	while (!atomic_load(&ran))
		sched_yield();
	CHECK(skua_group_wait(&group, 1000000) == SKUA_ETIMEDOUT);
	CHECK(skua_group_wait(&group, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_group_destroy(&group) == SKUA_EBUSY);
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, cancelled_while_they_run, .timeout = LIMIT)
{
	with_pools(cancelled_while);
}

/* Frames, stolen or not, leaf or not, belong to the group too. */
SKUA_TASK(long, leaves, int, depth)
{
	long n;

	if (!depth) {
		until_cancelled(here, NULL);
		return 1;
	}
	leaves_fork(&here, depth - 1);
	n = leaves(here, depth - 1);
	return n + leaves_join(&here) + skua_cancelled(here) - 1;
}

/* A flat loop through several segments: each copies the group. */
SKUA_TASK(long, flat, int, count)
{
	long n = 0;

	for (int i = 0; i < count; i++)
		leaves_fork(&here, 0);
	for (int i = 0; i < count; i++)
		n += leaves_join(&here);
	return n;
}

/* Opens another group below, whose children wait in all ways. */
static int descend(skua_here here, void *arg)
{
	intptr_t depth = (intptr_t)arg;
	struct skua_group below;
	long n = 0;
	int error;

	if (!depth) {
		CHECK(flat_run(skua_pool_current(), &n, 2500) == 0);
		CHECK(n == 2500);
		return leaves(here, 4) == 16 ? 0 : 99;
	}
	CHECK(skua_group_init(&below, skua_pool_current()) == 0);
	CHECK(skua_group_run(&below, descend, number((uintptr_t)depth - 1)) ==
	      0);
	CHECK(skua_group_run(&below, until_cancelled, NULL) == 0);
	error = skua_group_wait(&below, SKUA_FOREVER);
	CHECK(error == 0 || error == SKUA_ECANCELLED);
	CHECK(skua_group_cancelled(&below));
	CHECK(skua_group_destroy(&below) == 0);
	return 0;
}

static void cancelled_above(struct skua_pool *pool, unsigned workers)
{
	struct skua_group other;

	open_group(pool);
	CHECK(skua_group_init(&other, pool) == 0);
	for (intptr_t depth = 0; depth < 4; depth++) {
		size_t before = atomic_load(&ran);

		add(descend, depth);
		CHECK(skua_group_run(&other, count_run, NULL) == 0);
		while (atomic_load(&ran) < before + 2)
			sched_yield();
		CHECK(skua_group_cancel(&group) == 0);
		CHECK(wait_all() == SKUA_ECANCELLED);
		/* One beside it is not affected. */
		CHECK(skua_group_wait(&other, SKUA_FOREVER) == 0);
		CHECK(!skua_group_cancelled(&other));
	}
	CHECK(skua_group_destroy(&other) == 0);
	CHECK(skua_group_destroy(&group) == 0);
	(void)workers;
}

Test(group, cancelling_reaches_all_that_descends, .timeout = LIMIT)
{
	with_pools(cancelled_above);
}

static atomic_int submitted_saw;

static void *look_around(void *pool)
{
	struct skua_group inner;

	/* No group here, so one that is opened descends from none. */
	CHECK(skua_group_init(&inner, pool) == 0);
	atomic_store(&submitted_saw, skua_group_cancelled(&inner) ? 2 : 1);
	CHECK(skua_group_destroy(&inner) == 0);
	return NULL;
}

static int submit_within(skua_here here, void *arg)
{
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(skua_cancelled(here));
	take(submit(arg, look_around, arg));
	return 0;
}

static void submitted(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	atomic_store(&submitted_saw, 0);
	CHECK(skua_group_run(&group, submit_within, pool) == 0);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(atomic_load(&submitted_saw) == 1);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, what_is_submitted_belongs_to_none, .timeout = LIMIT)
{
	with_pools(submitted);
}

/* --- Waiting. --- */

static void *wait_seven(void *arg)
{
	CHECK(skua_group_wait(arg, SKUA_FOREVER) == 7);
	atomic_fetch_add(&ran, 1);
	return arg;
}

/* The group ends when all are about to wait, or have just come. */
static void told(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;
	struct skua_future *task[8];
	pthread_t thread[4];

	(void)workers;
	open_group(pool);
	gate_close(&gate);
	CHECK(skua_group_run(&group, until_cancelled, NULL) == 0);
	while (!atomic_load(&ran))
		sched_yield();
	for (int i = 0; i < 8; i++)
		task[i] = submit(pool, wait_seven, &group);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&thread[i], NULL, wait_seven, &group) ==
		      0);
	add(count_run, 7);
	for (int i = 0; i < 8; i++)
		take(task[i]);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	CHECK(atomic_load(&ran) == 14);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, all_who_wait_are_told_the_same, .timeout = LIMIT)
{
	with_pools(told);
}

static void wait_within(void)
{
	CHECK(wait_all() == SKUA_EDEADLK);
	CHECK(skua_group_wait(&group, 0) == SKUA_EDEADLK);
}

/* Whoever runs it, it has not ended before it was looked for. */
static int wait_in_descendant(skua_here here, void *looked)
{
	(void)here;
	wait_within();
	while (!atomic_load((atomic_bool *)looked))
		sched_yield();
	return 0;
}

static int wait_in_child(skua_here here, void *unused)
{
	struct skua_group own;
	atomic_bool looked = false;

	(void)here;
	(void)unused;
	wait_within();
	CHECK(skua_group_init(&own, skua_pool_current()) == 0);
	CHECK(skua_group_run(&own, wait_in_descendant, &looked) == 0);
	CHECK(skua_group_destroy(&own) == SKUA_EBUSY);
	atomic_store(&looked, true);
	CHECK(skua_group_wait(&own, SKUA_FOREVER) == 0);
	CHECK(skua_group_destroy(&own) == 0);
	return 0;
}

SKUA_TASK(int, wait_in_frame, int, depth)
{
	int error;

	if (!depth)
		return wait_all();
	wait_in_frame_fork(&here, depth - 1);
	error = wait_in_frame(here, depth - 1);
	return wait_in_frame_join(&here) == error ? error : 0;
}

static int wait_in_frames(skua_here here, void *arg)
{
	int error = 0;

	(void)arg;
	CHECK(wait_in_frame(here, 5) == SKUA_EDEADLK);
	CHECK(wait_in_frame_run(skua_pool_current(), &error, 3) == 0);
	CHECK(error == SKUA_EDEADLK);
	return 0;
}

static void from_within(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	add(wait_in_child, 1);
	add(wait_in_frames, 1);
	CHECK(wait_all() == 0);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, a_child_cannot_wait_for_it, .timeout = LIMIT)
{
	with_pools(from_within);
}

static int keep_open(skua_here here, void *arg)
{
	(void)here;
	hold(arg);
	return 0;
}

static void parent_first(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;
	static struct skua_group below;

	(void)workers;
	gate_close(&gate);
	open_group(pool);
	CHECK(skua_group_init(&below, pool) == 0);
	CHECK(skua_group_run(&below, keep_open, &gate) == 0);
	gate_await(&gate, 1);
	CHECK(skua_group_destroy(&below) == SKUA_EBUSY);
	gate_open(&gate);
	CHECK(skua_group_wait(&below, SKUA_FOREVER) == 0);
	CHECK(skua_group_destroy(&below) == 0);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, not_destroyed_with_children, .timeout = LIMIT)
{
	with_pools(parent_first);
}

static struct skua_group left;

static int leave_group(skua_here here, void *pool)
{
	(void)here;
	CHECK(skua_group_init(&left, pool) == 0);
	return 0;
}

static void descendant_left(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	open_group(pool);
	CHECK(skua_group_run(&group, leave_group, pool) == 0);
	CHECK(wait_all() == 0);
	CHECK(skua_group_destroy(&group) == SKUA_EBUSY);
	CHECK(skua_group_cancel(&group) == 0);
	CHECK(skua_group_cancelled(&left));
	CHECK(skua_group_destroy(&left) == 0);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, not_destroyed_with_descendants, .timeout = LIMIT)
{
	with_pools(descendant_left);
}

/* --- Pools that end. --- */

static void closing(unsigned workers)
{
	struct skua_pool *pool = skua_pool_retain(open_pool(workers));

	open_group(pool);
	for (int i = 0; i < 1000; i++)
		add(count_run, 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(wait_all() == 0);
	CHECK(atomic_load(&ran) == 1000);
	CHECK(skua_group_run(&group, count_run, NULL) == SKUA_ECLOSED);
	CHECK(wait_all() == 0);
	CHECK(skua_group_destroy(&group) == 0);
	skua_pool_release(pool);
}

Test(group, of_a_pool_that_is_closed, .timeout = LIMIT)
{
	with_workers(closing);
}

static void *shut(void *pool)
{
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) == 0);
	return NULL;
}

static void cancelling(unsigned workers)
{
	static struct gate gate;
	struct skua_pool *pool = skua_pool_retain(open_pool(workers));
	pthread_t thread;

	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	open_group(pool);
	for (int i = 0; i < 1000; i++)
		add(count_run, 0);
	CHECK(pthread_create(&thread, NULL, shut, pool) == 0);
	CHECK(wait_all() == SKUA_ECANCELLED);
	CHECK(atomic_load(&ran) == 0);
	gate_open(&gate);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(skua_group_destroy(&group) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	skua_pool_release(pool);
}

Test(group, of_a_pool_that_cancels, .timeout = LIMIT)
{
	with_workers(cancelling);
}

Test(group, inherited_over_fork, .timeout = LIMIT)
{
	static struct gate gate;
	struct skua_pool *pool = open_pool(1);
	int status = 0;
	pid_t child;

	gate_close(&gate);
	open_group(pool);
	CHECK(skua_group_run(&group, keep_open, &gate) == 0);
	gate_await(&gate, 1);
	child = fork();
	if (!child) {
		int ok = wait_all() == SKUA_ECLOSED &&
			 skua_group_run(&group, count_run, NULL) ==
				 SKUA_ECLOSED &&
			 skua_group_destroy(&group) == SKUA_EBUSY;

		_exit(ok ? 0 : 1);
	}
	gate_open(&gate);
	CHECK(wait_all() == 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(skua_group_destroy(&group) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* In a pool that is full the adder waits, or runs it at once. */
static int add_beyond(skua_here here, void *arg)
{
	intptr_t depth = (intptr_t)arg;

	atomic_fetch_add(&ran, 1);
	for (int i = 0; depth && i < 10; i++) {
		add(add_beyond, depth - 1);
		CHECK(!skua_cancelled(here));
	}
	return 0;
}

static void bounded(unsigned workers)
{
	static const size_t bounds[] = { 1, 3, SKUA_NO_QUEUE };

	for (int i = 0; i < 3; i++) {
		struct skua_pool_options options = SKUA_POOL_OPTIONS;
		struct skua_pool *pool = NULL;

		options.workers = workers;
		options.max_pending = bounds[i];
		CHECK(skua_pool_open(&pool, &options) == 0);
		open_group(pool);
		for (int k = 0; k < 20; k++)
			add(add_beyond, 2);
		CHECK(wait_all() == 0);
		CHECK(atomic_load(&ran) == 20 * 111);
		/* Those that are left out give their places back. */
		CHECK(skua_group_cancel(&group) == 0);
		for (int k = 0; k < 20; k++)
			add(add_beyond, 2);
		CHECK(wait_all() == SKUA_ECANCELLED);
		CHECK(atomic_load(&ran) == 20 * 111);
		CHECK(skua_group_destroy(&group) == 0);
		CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	}
}

Test(group, in_bounded_pools, .timeout = LIMIT)
{
	with_workers(bounded);
}

/* --- Against a reference: random trees of groups and children. --- */

struct tree {
	uint64_t seed;
	struct skua_group *in;
	unsigned depth;
	bool fails; /* some child below may say so */
};

/* Counts what it would run if nothing failed. Both walk alike. */
static size_t expect(uint64_t seed, unsigned depth)
{
	unsigned children = depth ? (unsigned)(next_random(&seed) % 4) : 0;
	size_t sum = 1;

	next_random(&seed);
	for (unsigned i = 0; i < children; i++)
		sum += expect(next_random(&seed) | 1, depth - 1);
	return sum;
}

static int walk(skua_here here, void *arg);

static void add_tree(struct skua_group *in, uint64_t seed, unsigned depth)
{
	struct tree *tree = malloc(sizeof(*tree));

	CHECK(tree);
	*tree = (struct tree){ .seed = seed, .in = in, .depth = depth };
	CHECK(skua_group_run(in, walk, tree) == 0);
}

static int walk(skua_here here, void *arg)
{
	struct tree tree = *(struct tree *)arg;
	uint64_t seed = tree.seed;
	unsigned children = tree.depth ? (unsigned)(next_random(&seed) % 4) : 0;
	bool own = next_random(&seed) % 2;
	struct skua_group below;

	free(arg);
	CHECK(!skua_cancelled(here));
	atomic_fetch_add(&ran, 1);
	if (own)
		CHECK(skua_group_init(&below, skua_pool_current()) == 0);
	for (unsigned i = 0; i < children; i++)
		add_tree(own ? &below : tree.in, next_random(&seed) | 1,
			 tree.depth - 1);
	if (own) {
		CHECK(skua_group_wait(&below, SKUA_FOREVER) == 0);
		CHECK(skua_group_destroy(&below) == 0);
	}
	return 0;
}

static void random_trees(struct skua_pool *pool, unsigned workers)
{
	uint64_t seed = test_seed();
	uint64_t given = seed;

	open_group(pool);
	for (int i = 0; i < (int)SCALED(400); i++) {
		uint64_t root = next_random(&seed) | 1;
		size_t want = expect(root, 7);

		atomic_store(&ran, 0);
		add_tree(&group, root, 7);
		CHECK(wait_all() == 0);
		cr_assert_eq(atomic_load(&ran), want,
			     "%zu of %zu, seed %llu, %u workers",
			     atomic_load(&ran), want, (unsigned long long)given,
			     workers);
	}
	CHECK(skua_group_destroy(&group) == 0);
}

Test(group, random_trees, .timeout = LIMIT)
{
	with_pools(random_trees);
}
