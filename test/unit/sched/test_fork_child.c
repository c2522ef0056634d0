/* SPDX-License-Identifier: MIT */
/*
 * test_fork_child.c - after fork() the child's copy of a pool is dead: every
 * call on it says so and none hangs; the child can open pools of its own, and
 * the parent notices nothing.
 *
 * A child tells what it found by its exit status; one that hangs is killed by
 * its own alarm, which is a failure.
 *
 * A sanitizer's allocator may be locked at the fork by a thread that the child
 * does not have; libc's is made ready. So where a child is to open a pool, no
 * worker is in the middle of anything when the parent forks, or there is no
 * sanitizer.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

/* TSan knows no threads in the child of a process that has some. */
#ifdef UNDER_TSAN
enum {
	CHILD_MAY_OPEN = 0
};
#else
enum {
	CHILD_MAY_OPEN = 1
};
#endif

enum {
	CHILD_SECONDS = 100
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

static void post_nothing(void *arg)
{
	(void)arg;
}

static _Noreturn void end_child(void)
{
	const char *what = atomic_load(&failed_check);

	if (what)
		(void)!write(STDERR_FILENO, what, strlen(what));
	_exit(what ? 1 : 0);
}

/* In the parent: the child found nothing wrong. */
static void child_succeeds(pid_t pid)
{
	int status = -1;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0);
}

/* --- What is refused. --- */

static void all_refused(struct skua_pool *pool)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *none[2] = { NULL, NULL };
	void *args[2] = { NULL, NULL };
	long value = 77;

	CHECK(skua_submit(pool, do_nothing, NULL, none) == SKUA_ECLOSED);
	CHECK(skua_submit(pool, do_nothing, NULL, NULL) == SKUA_ECLOSED);
	CHECK(skua_post(pool, post_nothing, NULL) == SKUA_ECLOSED);
	CHECK(skua_submit_many(pool, do_nothing, args, 2, none) ==
	      SKUA_ECLOSED);
	CHECK(skua_submit_with(pool, do_nothing, NULL, &options, none) ==
	      SKUA_ECLOSED);
	CHECK(fib_run(pool, &value, 5) == SKUA_ECLOSED);
	CHECK(fib_submit(pool, none, 5) == SKUA_ECLOSED);
	CHECK(none[0] == NULL && none[1] == NULL && value == 77);
	CHECK(skua_pool_trim(pool) == SKUA_ECLOSED);
	for (unsigned flags = 0; flags < 4; flags++)
		CHECK(skua_pool_shutdown(pool, flags) == SKUA_ECLOSED);
	CHECK(skua_pool_workers(pool) == 0);
	(void)skua_pool_pending(pool);
	(void)skua_pool_running(pool);
}

/* What the parent has when it forks. */
struct estate {
	struct skua_pool *pool;
	struct skua_future *done, *running, *pending;
};

static void futures_answer(struct estate *estate)
{
	void *result = NULL;

	CHECK(skua_future_result(estate->done, SKUA_FOREVER, &result) == 0);
	CHECK(result == number(12));
	CHECK(skua_future_value(estate->done) == number(12));
	CHECK(skua_future_done(estate->done));
	CHECK(skua_future_result(estate->pending, SKUA_FOREVER, &result) ==
	      SKUA_ECLOSED);
	CHECK(skua_future_result(estate->pending, SKUA_SECONDS(5000), NULL) ==
	      SKUA_ECLOSED);
	CHECK(skua_future_result(estate->running, SKUA_FOREVER, NULL) ==
	      SKUA_ECLOSED);
	CHECK(skua_future_result(estate->pending, 0, NULL) != 0);
	CHECK(result == number(12));
	(void)skua_future_cancel(estate->pending);
	CHECK(skua_future_cancel(estate->running) != 0);
	skua_future_release(skua_future_retain(estate->done));
	skua_future_release(estate->done);
	skua_future_release(estate->running);
	skua_future_release(estate->pending);
}

static void own_pool_works(unsigned workers)
{
	struct skua_pool *pool;
	long value = 0;

	if (!CHILD_MAY_OPEN)
		return;
	pool = open_pool(workers);
	for (uintptr_t i = 0; i < 100; i++)
		CHECK(take(submit(pool, do_nothing, number(i))) == number(i));
	CHECK(fib_run(pool, &value, 15) == 0);
	CHECK(value == 610);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

static void child_of_estate(struct estate *estate, unsigned workers)
{
	alarm(CHILD_SECONDS);
	CHECK(skua_pool_current() == NULL);
	CHECK(skua_worker() == -1);
	all_refused(estate->pool);
	futures_answer(estate);
	own_pool_works(workers);
	all_refused(estate->pool);
	CHECK(skua_pool_retain(estate->pool) == estate->pool);
	skua_pool_release(estate->pool);
	CHECK(skua_pool_close(estate->pool, SKUA_CLOSE_WAIT) == SKUA_ECLOSED);
	own_pool_works(workers);
	end_child();
}

static void refused_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct estate estate = { pool, NULL, NULL, NULL };
	pid_t pid;

	gate_close(&keep);
	estate.done = submit(pool, do_nothing, number(12));
	CHECK(skua_future_result(estate.done, SKUA_FOREVER, NULL) == 0);
	hold_workers(pool, &keep, workers - 1);
	estate.running = submit(pool, hold, &keep);
	gate_await(&keep, workers);
	estate.pending = submit(pool, do_nothing, number(13));
	pid = fork();
	if (pid == 0)
		child_of_estate(&estate, workers);
	child_succeeds(pid);
	gate_open(&keep);
	CHECK(take(estate.done) == number(12));
	CHECK(take(estate.running) == &keep);
	CHECK(take(estate.pending) == number(13));
}

/* "in the child every call on an inherited pool returns SKUA_ECLOSED, none
 * hangs; a new pool can be opened there" */
Test(fork_child, every_call_is_refused_and_a_new_pool_opens, .timeout = LIMIT)
{
	with_pools(refused_body);
}

/* --- The default pool. --- */

Test(fork_child, has_a_default_pool_of_its_own, .timeout = LIMIT)
{
	struct skua_pool *inherited = skua_pool_default();
	pid_t pid;

	cr_assert_not_null(inherited);
	start_workers(inherited, skua_pool_workers(inherited));
	pid = fork();
	if (pid == 0) {
		struct skua_pool *pool;

		alarm(CHILD_SECONDS);
		CHECK(skua_submit(inherited, do_nothing, NULL, NULL) ==
		      SKUA_ECLOSED);
		if (!CHILD_MAY_OPEN)
			end_child();
		pool = skua_pool_default();
		CHECK(pool != NULL);
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		CHECK(skua_pool_default() == pool);
		end_child();
	}
	child_succeeds(pid);
	cr_assert(skua_pool_default() == inherited);
	cr_assert(take(submit(inherited, do_nothing, inherited)) == inherited);
	settle(0);
}

/* --- Forked by a task. --- */

static void *fork_in_task(void *pool)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(CHILD_SECONDS);
		CHECK(skua_submit(pool, do_nothing, NULL, NULL) ==
		      SKUA_ECLOSED);
		CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_DETACH) ==
		      SKUA_ECLOSED);
		CHECK(skua_pool_trim(pool) == SKUA_ECLOSED);
		end_child();
	}
	child_succeeds(pid);
	return pool;
}

static void in_task_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (unsigned i = 0; i < 5; i++)
		CHECK(take(submit(pool, fork_in_task, pool)) == pool);
}

/* The child's one thread is a worker in the middle of a task. */
Test(fork_child, of_a_task, .timeout = LIMIT)
{
	with_pools(in_task_body);
}

/* --- Children of children. --- */

static void generation(struct skua_pool *inherited, unsigned left)
{
	struct skua_pool *pool = open_pool(2);
	pid_t pid;

	start_workers(pool, 2);
	if (left) {
		pid = fork();
		if (pid == 0) {
			alarm(CHILD_SECONDS);
			all_refused(pool);
			if (inherited)
				all_refused(inherited);
			if (CHILD_MAY_OPEN)
				generation(pool, left - 1);
			end_child();
		}
		child_succeeds(pid);
	}
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

Test(fork_child, of_a_child_of_a_child, .timeout = LIMIT)
{
	generation(NULL, 3);
	settle(2);
}

/* --- From a busy process. --- */

static atomic_bool busy;

static void *keep_busy(void *pool)
{
	uintptr_t rounds = 0;

	while (atomic_load(&busy)) {
		long value = 0;

		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		CHECK(fib_run(pool, &value, 10) == 0);
		CHECK(value == 55);
		rounds++;
	}
	return number(rounds);
}

static void child_of_busy(struct skua_pool *pool)
{
	alarm(CHILD_SECONDS);
	all_refused(pool);
#if !defined(UNDER_TSAN) && !defined(UNDER_ASAN)
	own_pool_works(2);
#endif
	end_child();
}

static void busy_body(struct skua_pool *pool, unsigned workers)
{
	pthread_t threads[3];
	pid_t children[10];

	(void)workers;
	atomic_store(&busy, true);
	for (size_t i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, keep_busy, pool) == 0);
	for (size_t i = 0; i < 10; i++) {
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
		children[i] = fork();
		if (children[i] == 0)
			child_of_busy(pool);
	}
	for (size_t i = 0; i < 10; i++)
		child_succeeds(children[i]);
	atomic_store(&busy, false);
	for (size_t i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* Three guests submit and run all the while. */
Test(fork_child, of_a_busy_process, .timeout = LIMIT)
{
	with_pools(busy_body);
}
