/* SPDX-License-Identifier: MIT */
/*
 * hostile_fork.c - several threads and tasks fork at once while tasks run, wait
 * and sleep. In the child every call on the inherited pool says that it is
 * closed; new pools work, one after another, and in a child of the child.
 */
#include <signal.h>
#include <sys/wait.h>

#include "stress.h"

enum {
	GUESTS = 2,
	SLEEPERS = 50,
	CHILD_SECONDS = 60,
	DEPTH = 2, /* children of children */
};

static struct skua_pool *pool;
static atomic_size_t made, runs;
static atomic_bool busy;
static size_t forks; /* by each that forks */

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
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

/* ---- in the child ---- */

static void all_refused(struct skua_pool *inherited)
{
	struct skua_future *none = NULL;
	void *args[2] = { NULL, NULL };
	long value;

	EXPECT(skua_submit(inherited, count_run, NULL, &none) == SKUA_ECLOSED);
	EXPECT(skua_submit_many(inherited, count_run, args, 2, NULL) ==
	       SKUA_ECLOSED);
	EXPECT(skua_submit_with(inherited, count_run, NULL, NULL, NULL) ==
	       SKUA_ECLOSED);
	EXPECT(fib_run(inherited, &value, 5) == SKUA_ECLOSED);
	EXPECT(fib_submit(inherited, &none, 5) == SKUA_ECLOSED);
	EXPECT(skua_pool_trim(inherited) == SKUA_ECLOSED);
	for (unsigned flags = 0; flags < 4; flags++)
		EXPECT(skua_pool_shutdown(inherited, flags) == SKUA_ECLOSED);
	EXPECT(skua_pool_close(inherited, SKUA_CLOSE_WAIT) == SKUA_ECLOSED);
	EXPECT(skua_pool_workers(inherited) == 0);
	EXPECT(skua_pool_current() == NULL && skua_worker() == -1);
	EXPECT(none == NULL);
}

static void own_pool_works(void)
{
	struct skua_pool *own = stress_open(2);
	long value = 0;

	for (uintptr_t i = 0; i < 20; i++)
		EXPECT(stress_take(stress_submit(own, count_run, number(i))) ==
		       number(i));
	EXPECT(fib_run(own, &value, 15) == 0 && value == 610);
	EXPECT(skua_pool_trim(own) == 0);
	stress_close(own);
}

static void fork_and_await(struct skua_pool *inherited,
			   struct skua_future *pending, unsigned depth);

static _Noreturn void child(struct skua_pool *inherited,
			    struct skua_future *pending, unsigned depth)
{
	alarm(CHILD_SECONDS);
	EXPECT(skua_future_result(pending, SKUA_FOREVER, NULL) == SKUA_ECLOSED);
	all_refused(inherited);
	for (int i = 0; i < 3; i++)
		own_pool_works();
	if (depth)
		fork_and_await(inherited, pending, depth - 1);
	all_refused(inherited);
	_exit(0);
}

/* @pending: of a task that does not end before this returns. */
static void fork_and_await(struct skua_pool *inherited,
			   struct skua_future *pending, unsigned depth)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		child(inherited, pending, depth);
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- in the parent ---- */

static struct skua_future *endless;

static void *be_endless(void *arg)
{
	while (atomic_load(&busy))
		EXPECT(skua_sleep(SKUA_MILLISECONDS(1)) == 0);
	return arg;
}

static void *sleep_and_count(void *arg)
{
	EXPECT(skua_sleep(100000) == 0);
	return count_run(arg);
}

static void *keep_busy(void *unused)
{
	while (atomic_load(&busy)) {
		struct skua_future *futures[SLEEPERS];
		long value = 0;

		for (int i = 0; i < SLEEPERS; i++)
			futures[i] = stress_submit(
				pool, i % 2 ? count_run : sleep_and_count,
				NULL);
		EXPECT(fib_run(pool, &value, 12) == 0 && value == 144);
		for (int i = 0; i < SLEEPERS; i++)
			(void)stress_take(futures[i]);
		atomic_fetch_add(&made, SLEEPERS);
	}
	return unused;
}

static void *fork_often(void *unused)
{
	for (size_t i = 0; i < forks; i++)
		fork_and_await(pool, endless, i % DEPTH);
	return unused;
}

static void *fork_in_task(void *arg)
{
	fork_and_await(pool, endless, 0);
	return count_run(arg);
}

static void body(void)
{
	pthread_t guests[GUESTS], forker;

	forks = stress_rounds(60, 1000);
	atomic_store(&made, 0);
	atomic_store(&runs, 0);
	atomic_store(&busy, true);
	pool = stress_open(stress.workers);
	endless = stress_submit(pool, be_endless, NULL);
	for (int i = 0; i < GUESTS; i++)
		stress_thread(&guests[i], keep_busy, NULL);
	stress_thread(&forker, fork_often, NULL);
	for (size_t i = 0; i < forks; i++) {
		atomic_fetch_add(&made, 1);
		(void)stress_take(stress_submit(pool, fork_in_task, NULL));
	}
	EXPECT(pthread_join(forker, NULL) == 0);
	atomic_store(&busy, false);
	for (int i = 0; i < GUESTS; i++)
		EXPECT(pthread_join(guests[i], NULL) == 0);
	(void)stress_take(endless);
	stress_close(pool);
	EXPECT(atomic_load(&runs) == atomic_load(&made));
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
