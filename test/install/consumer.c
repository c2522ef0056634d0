/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else's, built against the installed library: it takes
 * one thing from each public header. The C++ one beside it does the same.
 */
#include <skua/skua.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

SKUA_TASK(long, fib, int, n)
{
	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	long right = fib(here, n - 2);
	return fib_join(&here) + right;
}

#define LESS(a, b) (*(a) < *(b))
SKUA_DEFINE_SORT(sort_letters, char, LESS);

static void *increment(void *arg)
{
	return (char *)arg + 1;
}

static int use(struct skua_pool *pool)
{
	struct skua_future *future;
	char text[2], letters[] = "skua";
	void *result;
	long value;
	int error;

	error = fib_run(pool, &value, 20);
	if (error)
		return error;
	if (value != 6765)
		return SKUA_EFAILED;
	error = sort_letters(pool, letters, 4);
	if (error)
		return error;
	if (memcmp(letters, "aksu", 4) != 0)
		return SKUA_EFAILED;

	error = skua_submit(pool, increment, text, &future);
	if (error)
		return error;
	error = skua_future_result(future, SKUA_SECONDS(60), &result);
	skua_future_release(future);
	if (error)
		return error;
	return result == text + 1 ? 0 : SKUA_EFAILED;
}

int main(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;
	int error;

	options.workers = 2;
	error = skua_pool_open(&pool, &options);
	if (!error) {
		error = use(pool);
		if (!error)
			error = skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	printf("skua %s: %s\n", skua_version(), skua_strerror(error));
	return error != 0;
}
