/* SPDX-License-Identifier: MIT */
/*
 * test_default_pool.c - the process's own pool: opened at first use, by one
 * of those who race for it, never closed.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

enum {
	RACERS = 8
};

static struct gate start;

static void *first_use(void *arg)
{
	(void)arg;
	gate_arrive(&start);
	gate_pass(&start);
	return skua_pool_default();
}

/* "opened at first use", once, whoever comes first */
Test(default_pool, first_uses_race_for_one_pool, .timeout = LIMIT)
{
	pthread_t threads[RACERS];
	void *found[RACERS];

	gate_close(&start);
	for (size_t i = 0; i < RACERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, first_use, NULL),
			     0);
	gate_await(&start, RACERS);
	gate_open(&start);
	for (size_t i = 0; i < RACERS; i++)
		cr_assert_eq(pthread_join(threads[i], &found[i]), 0);
	cr_assert_not_null(found[0]);
	for (size_t i = 1; i < RACERS; i++)
		cr_assert(found[i] == found[0]);
	cr_assert(skua_pool_default() == found[0]);
	cr_assert(skua_pool_workers(found[0]) >= 1);
	cr_assert(take(submit(found[0], do_nothing, &start)) == &start);
	settle(0);
}

static void *ask_inside(void *arg)
{
	(void)arg;
	CHECK(skua_pool_current() == skua_pool_default());
	return skua_pool_default();
}

Test(default_pool, is_the_current_pool_of_its_tasks, .timeout = LIMIT)
{
	struct skua_pool *pool = skua_pool_default();

	cr_assert_not_null(pool);
	cr_assert(take(submit(pool, ask_inside, NULL)) == pool);
	settle(0);
}

/* "It is never closed": shutdown and close of "the default pool" are
 * SKUA_EINVAL, and a release that nobody owed does not end it. */
Test(default_pool, is_never_closed, .timeout = LIMIT)
{
	struct skua_pool *pool = skua_pool_default();

	cr_assert_not_null(pool);
	for (unsigned flags = 0; flags < 4; flags++) {
		cr_assert_eq(skua_pool_shutdown(pool, flags), SKUA_EINVAL);
		cr_assert_eq(skua_pool_close(pool, flags), SKUA_EINVAL);
	}
	skua_pool_release(skua_pool_retain(pool));
	cr_assert(skua_pool_default() == pool);
	cr_assert(take(submit(pool, do_nothing, pool)) == pool);
	settle(0);
}

/* Its workers are not skua_pool_open()'s: a process that has used it ends
 * normally from main, whatever its workers do. */
Test(default_pool, a_process_that_used_it_exits, .timeout = LIMIT)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct skua_pool *pool = skua_pool_default();

		if (!pool || skua_submit(pool, do_nothing, NULL, NULL))
			_exit(1);
		exit(42);
	}
	cr_assert(pid > 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 42);
}

/* "NULL if it cannot be opened; the next call tries again" */
Test(default_pool, null_if_it_cannot_be_opened, .timeout = LIMIT)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct skua_pool *pool;

		setenv("SKUA_WORKERS", "not a number", 1);
		if (skua_pool_default())
			_exit(1);
		setenv("SKUA_WORKERS", "2", 1);
		pool = skua_pool_default();
		if (!pool || skua_pool_workers(pool) != 2)
			_exit(2);
		_exit(take(submit(pool, do_nothing, pool)) == pool ? 43 : 3);
	}
	cr_assert(pid > 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 43);
}
