/* SPDX-License-Identifier: MIT */
/* Calls of tasks of fork.h. */
#include "fuzz.h"

/* One that fails if it is told to; a child does it, so that it must be told up
 * to the task it descends from. */
SKUA_TASK_VOID(fail_child, int, code)
{
	(void)here;
	if (code)
		EXPECT(!skua_fail(code));
}

SKUA_TASK(long, boxed, struct job *, job)
{
	long value = fib_of(job->n);

	begin(job);
	fail_child_fork(&here, job->fails);
	fail_child_join(&here);
	end(job);
	return value;
}

SKUA_TASK_VOID(add, long *, sum, long, a, short, b, char, c, int64_t, d,
	       uint8_t, e)
{
	(void)here;
	*sum = a + b + c + (long)d + e;
}

SKUA_TASK(int, constant)
{
	(void)here;
	return 42;
}

/* What a run on @pool answers, if it does not wait for ever. */
static int answer(const struct pool *pool)
{
	return pool->closing ? SKUA_ECLOSED : 0;
}

void call_fork_run(void)
{
	struct pool *pool = some_pool();
	int n = (int)take(16);
	long value = -1;
	long sum = -1;
	int none = -1;

	EXPECT(run_fib(NULL, &value, 3) == SKUA_EINVAL);
	EXPECT(add_run(NULL, &sum, 1, 2, 3, 4, 5) == SKUA_EINVAL);
	EXPECT(value == -1 && sum == -1);
	if (!pool || (is_plugged(pool) && !pool->closing))
		return;
	EXPECT(run_fib(pool->handle, &value, n) == answer(pool));
	EXPECT(value == (pool->closing ? -1 : fib_of(n)));
	EXPECT(run_fib(pool->handle, NULL, n) == answer(pool));
	EXPECT(add_run(pool->handle, &sum, 1, 2, 3, 4, 5) == answer(pool));
	EXPECT(sum == (pool->closing ? -1 : 15));
	EXPECT(constant_run(pool->handle, &none) == answer(pool));
	EXPECT(none == (pool->closing ? -1 : 42));
	EXPECT(fail_child_run(pool->handle, n) ==
	       (n && !pool->closing ? SKUA_EFAILED : answer(pool)));
}

void call_fork_submit(void)
{
	struct pool *pool = some_pool();
	struct job *job = pool ? new_job(pool, NO_GATE) : NULL;
	struct skua_future *future = NULL;
	bool wanted = take(4);
	int error;

	EXPECT(boxed_submit(NULL, &future, NULL) == SKUA_EINVAL);
	EXPECT(!future);
	if (!job)
		return;
	job->box = true;
	job->n = (int)take(20);
	error = boxed_submit(pool->handle, wanted ? &future : NULL, job);
	accepted(job, error, future);
}

/* The result, through the function of its kind and of others. */
void call_fork_result(void)
{
	struct job *job = some_job();
	bool waits;
	int64_t timeout_ns;
	long value = -1;
	int other = -1;
	int error;

	EXPECT(boxed_result(NULL, 0, &value) == SKUA_EINVAL);
	EXPECT(value == -1);
	if (!job)
		return;
	EXPECT(constant_result(job->future, SKUA_FOREVER, &other) ==
	       SKUA_EINVAL);
	EXPECT(add_result(job->future, SKUA_FOREVER) == SKUA_EINVAL);
	EXPECT(other == -1);
	waits = job->state == PENDING || job->state == HELD;
	timeout_ns = waits || coin() ? take(3) * 1000 : SKUA_FOREVER;
	error = boxed_result(job->future, timeout_ns, coin() ? &value : NULL);
	if (!job->box) {
		EXPECT(error == SKUA_EINVAL);
		return;
	}
	EXPECT(error != SKUA_ETIMEDOUT || timeout_ns >= 0);
	told(job, error);
	EXPECT(value == -1 || (!error && value == fib_of(job->n)));
}
