/* SPDX-License-Identifier: MIT */
/*
 * test_fork_check.c - what SKUA_FORK_CHECK detects: a task that returns with
 * unjoined children, and a join that does not match its fork.
 *
 * A program that does this is broken, so it is a child process that does, and
 * the check ends it with a status of its own. The process has no other thread
 * when it forks.
 */
#include <sys/wait.h>
#include <unistd.h>

#define SKUA_FORK_CHECK(ok, text) ((ok) ? (void)0 : _exit(DETECTED))

enum {
	UNDETECTED = 0,
	BROKEN = 1,
	DETECTED = 99
};

#include "sched_test.h"

SKUA_TASK(int, leaf, int, n)
{
	(void)here;
	return n;
}

SKUA_TASK(int, other_leaf, int, n)
{
	(void)here;
	return n;
}

SKUA_TASK(int, joins_all, int, n)
{
	leaf_fork(&here, n);
	other_leaf_fork(&here, n);
	return other_leaf_join(&here) + leaf_join(&here);
}

SKUA_TASK(int, forgets_one, int, n)
{
	leaf_fork(&here, n);
	leaf_fork(&here, n);
	return leaf_join(&here);
}

SKUA_TASK(int, joins_in_the_order_of_forks, int, n)
{
	int first;

	leaf_fork(&here, n);
	other_leaf_fork(&here, n);
	first = leaf_join(&here);
	return first + other_leaf_join(&here);
}

typedef int run_fn(struct skua_pool *pool, int *result, int n);

/* The exit status of a process that only runs @run on a pool of its own. */
static int status_of(run_fn *run, unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	int result = 0, status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		options.workers = workers;
		if (skua_pool_open(&pool, &options) || run(pool, &result, 1))
			_exit(BROKEN);
		_exit(skua_pool_close(pool, SKUA_CLOSE_WAIT) ? BROKEN :
							       UNDETECTED);
	}
	cr_assert(pid > 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void correct_body(unsigned workers)
{
	cr_assert_eq(status_of(joins_all_run, workers), UNDETECTED);
}

Test(fork_check, a_correct_program_is_not_accused, .timeout = LIMIT)
{
	with_workers(correct_body);
}

static void unjoined_body(unsigned workers)
{
	cr_assert_eq(status_of(forgets_one_run, workers), DETECTED);
}

/* "Debug builds detect returning with unjoined children" */
Test(fork_check, returning_with_unjoined_children, .timeout = LIMIT)
{
	with_workers(unjoined_body);
}

static void order_body(unsigned workers)
{
	cr_assert_eq(status_of(joins_in_the_order_of_forks_run, workers),
		     DETECTED);
}

/* "[…] and joins out of order." */
Test(fork_check, joins_out_of_order, .timeout = LIMIT)
{
	with_workers(order_body);
}
