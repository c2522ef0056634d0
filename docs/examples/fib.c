/* SPDX-License-Identifier: MIT */
/*
 * fib [N]: the N-th Fibonacci number (32 unless given), with a task for each
 * call. A poor way to compute it and a good way to see what a task costs:
 * fib 32 forks 3.5 million of them.
 */
#include <skua/skua.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	MAX_N = 90 /* its number still fits 64 bits */
};

/* Defines fib(), fib_fork(), fib_join() and fib_run(). */
SKUA_TASK(long long, fib, int, n)
{
	if (n < 2)
		return n;
	fib_fork(&here, n - 1); /* another worker may steal this */
	long long right = fib(here, n - 2); /* a plain call */
	return fib_join(&here) + right;
}

static int usage(void)
{
	fprintf(stderr, "usage: fib [N], N from 0 to %d\n", MAX_N);
	return 1;
}

int main(int argc, char **argv)
{
	struct skua_pool *pool;
	long n = 32;
	long long value;

	if (argc == 2) {
		char *end;

		n = strtol(argv[1], &end, 10);
		if (end == argv[1] || *end != '\0')
			return usage();
	}
	if (argc > 2 || n < 0 || n > MAX_N)
		return usage();

	int error = skua_pool_open(&pool, NULL);
	if (!error) {
		error = fib_run(pool, &value, (int)n);
		skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	if (error) {
		fprintf(stderr, "fib: %s\n", skua_strerror(error));
		return 1;
	}
	return printf("%lld\n", value) < 0 || fflush(stdout) != 0;
}
