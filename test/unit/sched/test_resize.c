/* SPDX-License-Identifier: MIT */
/*
 * test_resize.c - workers that come and go while the pool runs.
 */
#include <dirent.h>
#include <string.h>

#include "../../support/threads.h"
#include "sched_test.h"

enum {
	MOST = 8,
	JOBS = SCALED(2000),
	SUBMITTERS = 4,
	ROUNDS = SCALED(2000)
};

static bool is_worker(const char *thread)
{
	char path[300], name[32] = "";
	FILE *file;

	/* Nameless: see before_pools(). */
	if (ONLY_POSIX)
		return thread[0] != '.';
	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return !strncmp(name, "skua-", 5);
}

/* Criterion has threads of its own, which names tell apart from workers. */
static size_t others;

/* False: a thread ended meanwhile, and the list may lack others. */
static bool list_workers(size_t *workers)
{
	unsigned all = threads_of_process(), listed = 0;
	DIR *tasks = opendir("/proc/self/task");

	cr_assert(tasks != NULL);
	*workers = 0;
	for (struct dirent *entry; (entry = readdir(tasks));) {
		listed += entry->d_name[0] != '.';
		*workers += is_worker(entry->d_name);
	}
	closedir(tasks);
	return listed == all && threads_of_process() == all;
}

/* Workers, by their names: a sanitizer may have threads of its own. */
static size_t threads_now(void)
{
	size_t workers;

	while (!list_workers(&workers))
		sched_yield();
	return workers - others;
}

static void before_pools(void)
{
	others = threads_now();
}

TestSuite(resize, .init = before_pools);

/* Those who were dismissed end by themselves. */
static void await_threads(size_t count)
{
	while (threads_now() != count)
		sched_yield();
}

/* Until none is left that might take one more job. Started before, so that they
 * have their names. */
static void dismiss_all(struct skua_pool *pool, unsigned workers)
{
	start_workers(pool, workers);
	CHECK(skua_pool_resize(pool, 0) == 0);
	await_threads(0);
}

static atomic_size_t ran;

static void *count(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

/* As many jobs run at once as there are workers, and not one more. */
static void check_width(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;

	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	CHECK(skua_submit(pool, hold, &gate, NULL) == 0);
	cr_assert_eq(skua_pool_pending(pool), 1);
	cr_assert_eq(skua_pool_running(pool), workers);
	gate_open(&gate);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
}

Test(resize, grows_and_shrinks, .timeout = LIMIT)
{
	static const unsigned sizes[] = { 1, 8, 3, 64, 1, 2, 64, 5 };
	struct skua_pool *pool = open_pool(2);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		cr_assert_eq(skua_pool_resize(pool, sizes[i]), 0);
		cr_assert_eq(skua_pool_workers(pool), sizes[i]);
		await_threads(sizes[i]);
		check_width(pool, sizes[i]);
	}
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(0);
	await_threads(0);
}

/* "With 0 workers nothing else runs and submits wait" */
static void none_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[JOBS];

	atomic_store(&ran, 0);
	dismiss_all(pool, workers);
	cr_assert_eq(skua_pool_workers(pool), 0);
	for (size_t i = 0; i < JOBS; i++)
		futures[i] = submit(pool, count, number(i));
	cr_assert_eq(skua_pool_drain(pool, 0), SKUA_ETIMEDOUT);
	cr_assert_eq(skua_pool_pending(pool), JOBS);
	cr_assert_eq(atomic_load(&ran), 0);
	cr_assert_eq(skua_pool_resize(pool, workers), 0);
	for (size_t i = 0; i < JOBS; i++)
		CHECK(take(futures[i]) == number(i));
}

Test(resize, to_none_and_back, .timeout = LIMIT)
{
	with_pools(none_body);
}

/* --- Tasks that wait on a worker that is dismissed. --- */

static struct skua_future *event;
static atomic_uint arrived;

static void *wait_for_event(void *arg)
{
	pthread_t thread = pthread_self();
	int worker = skua_worker();

	atomic_fetch_add(&arrived, 1);
	CHECK(skua_future_result(event, SKUA_FOREVER, NULL) == 0);
	CHECK(skua_worker() == worker);
	CHECK(pthread_equal(pthread_self(), thread));
	/* And they may wait again there. */
	CHECK(skua_sleep(1000) == 0);
	skua_yield();
	CHECK(skua_worker() == worker);
	return arg;
}

static void suspended_body(unsigned workers)
{
	static struct gate gate;
	struct skua_pool *pool = open_pool(workers), *other = open_pool(1);
	struct skua_future *futures[2 * MOST];

	gate_close(&gate);
	atomic_store(&arrived, 0);
	event = submit(other, hold, &gate);
	for (unsigned i = 0; i < 2 * MOST; i++)
		futures[i] = submit(pool, wait_for_event, number(i));
	while (atomic_load(&arrived) < 2 * MOST)
		sched_yield();
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	gate_open(&gate);
	/* "tasks that are suspended there keep their thread until they end" */
	for (unsigned i = 0; i < 2 * MOST; i++)
		CHECK(take(futures[i]) == number(i));
	CHECK(take(event) == &gate);
	await_threads(1);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(resize, suspended_tasks_keep_their_thread, .timeout = LIMIT)
{
	with_workers(suspended_body);
}

static void called_back_body(unsigned workers)
{
	static struct gate gate, width;
	struct skua_pool *pool = open_pool(workers), *other = open_pool(1);
	struct skua_future *futures[2 * MOST];

	gate_close(&gate);
	gate_close(&width);
	atomic_store(&arrived, 0);
	event = submit(other, hold, &gate);
	for (unsigned i = 0; i < 2 * MOST; i++)
		futures[i] = submit(pool, wait_for_event, number(i));
	while (atomic_load(&arrived) < 2 * MOST)
		sched_yield();
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(skua_pool_resize(pool, i % 2), 0);
		for (unsigned n = 0; n < i; n++)
			sched_yield();
	}
	cr_assert_eq(skua_pool_resize(pool, workers), 0);
	/* All of them work again, those who only waited too. */
	hold_workers(pool, &width, workers);
	gate_open(&width);
	gate_open(&gate);
	for (unsigned i = 0; i < 2 * MOST; i++)
		CHECK(take(futures[i]) == number(i));
	CHECK(take(event) == &gate);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(resize, the_dismissed_are_called_back, .timeout = LIMIT)
{
	with_workers(called_back_body);
}

static atomic_bool child_ran;
static struct skua_pool *outside;

SKUA_TASK(uintptr_t, child, uintptr_t, n)
{
	(void)here;
	atomic_store(&child_ran, true);
	return n;
}

static void *until_child_ran(void *arg)
{
	while (!atomic_load(&child_ran))
		CHECK(skua_sleep(10000) == 0);
	return arg;
}

/* Is dismissed, then waits for something that needs one of its children. */
SKUA_TASK(uintptr_t, wait_before_join, uintptr_t, n)
{
	struct skua_future *future = NULL;
	uintptr_t sum = 0;

	CHECK(skua_pool_resize(skua_pool_current(), 0) == 0);
	for (uintptr_t i = 0; i < 4; i++)
		child_fork(&here, n + i);
	CHECK(skua_submit(outside, until_child_ran, NULL, &future) == 0);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	for (uintptr_t i = 0; i < 4; i++)
		sum += child_join(&here);
	return sum;
}

static void children_body(struct skua_pool *pool, unsigned workers)
{
	uintptr_t sum = 0;

	outside = open_pool(1);
	atomic_store(&child_ran, false);
	CHECK(wait_before_join_run(pool, &sum, 1) == 0);
	CHECK(sum == 10);
	CHECK(skua_pool_resize(pool, workers) == 0);
	CHECK(skua_pool_close(outside, SKUA_CLOSE_WAIT) == 0);
}

/* "they finish the task that they run", whatever that needs */
Test(resize, a_task_dismisses_its_own_worker, .timeout = LIMIT)
{
	with_pools(children_body);
}

/* --- Closing. --- */

static void close_body(unsigned workers)
{
	for (unsigned flags = 0; flags < 4; flags++) {
		struct skua_pool *pool = open_pool(workers);
		bool cancel = flags & SKUA_CLOSE_CANCEL;
		struct skua_future *future;
		int error;

		dismiss_all(pool, workers);
		future = submit(pool, do_nothing, pool);
		CHECK(skua_pool_close(pool, flags) == 0);
		error = skua_future_result(future, SKUA_FOREVER, NULL);
		CHECK(error == (cancel ? SKUA_ECANCELLED : 0));
		skua_future_release(future);
	}
}

/* "shutdown starts one again, if there is none, for what was submitted" */
Test(resize, close_without_workers, .timeout = LIMIT)
{
	with_workers(close_body);
}

static void release_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *future;

	CHECK(skua_pool_resize(pool, 0) == 0);
	future = submit(pool, do_nothing, pool);
	skua_pool_release(pool);
	CHECK(take(future) == pool);
}

Test(resize, release_without_workers, .timeout = LIMIT)
{
	with_workers(release_body);
}

/* --- All at once. --- */

static atomic_uint submitting;

static void *yield_and_count(void *arg)
{
	skua_yield();
	return count(arg);
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void *submit_all(void *arg)
{
	struct skua_pool *pool = arg;
	long value = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct skua_future *first, *second;

		first = submit(pool, count, number(i));
		second = submit(pool, yield_and_count, number(i));
		if (i % 16 == 0) {
			CHECK(fib_run(pool, &value, 12) == 0);
			CHECK(value == 144);
		}
		CHECK(take(first) == number(i));
		CHECK(take(second) == number(i));
	}
	atomic_fetch_sub(&submitting, 1);
	return NULL;
}

Test(resize, races_submits, .timeout = LIMIT)
{
	uint64_t random = test_seed();
	struct skua_pool *pool = open_pool(2);
	pthread_t threads[SUBMITTERS];

	atomic_store(&ran, 0);
	atomic_store(&submitting, SUBMITTERS);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		CHECK(pthread_create(&threads[i], NULL, submit_all, pool) == 0);
	while (atomic_load(&submitting)) {
		unsigned workers = (unsigned)(next_random(&random) >> 32) % 9;

		CHECK(skua_pool_resize(pool, workers) == 0);
		for (unsigned i = 0; i < workers; i++)
			sched_yield();
	}
	for (unsigned i = 0; i < SUBMITTERS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(atomic_load(&ran) == 2 * SUBMITTERS * ROUNDS);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(0);
}

Test(resize, nonsense, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	cr_assert_eq(skua_pool_resize(NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_pool_resize(pool, SKUA_WORKERS_MAX + 1), SKUA_EINVAL);
	cr_assert_eq(skua_pool_workers(pool), 1);
	cr_assert_eq(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT), 0);
	cr_assert_eq(skua_pool_resize(pool, 2), SKUA_ECLOSED);
	skua_pool_release(pool);
}

/* --- The end of a group, on the worker that is dismissed. --- */

static int hold_in_child(skua_here here, void *gate)
{
	(void)here;
	hold(gate);
	return 0;
}

static void *wait_for_child(void *gate)
{
	struct skua_group group;

	CHECK(skua_group_init(&group, skua_pool_current()) == 0);
	CHECK(skua_group_run(&group, hold_in_child, gate) == 0);
	CHECK(skua_group_wait(&group, SKUA_FOREVER) == 0);
	CHECK(skua_group_destroy(&group) == 0);
	return gate;
}

/* Who waits goes on, though nobody else tells its worker. */
Test(resize, a_dismissed_worker_ends_a_group_that_waits_there, .timeout = LIMIT)
{
	static struct gate gate;
	struct skua_pool *pool = open_pool(1);
	struct skua_future *future;

	gate_close(&gate);
	future = submit(pool, wait_for_child, &gate);
	gate_await(&gate, 1);
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	gate_open(&gate);
	cr_assert_eq(take(future), &gate);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}
