/* SPDX-License-Identifier: MIT */
/*
 * The peer without threads: plain C, compiled like everything else. What it
 * takes is what the others are compared with.
 */
#include "peers.h"
#include "queens.h"
#include "sorts.h"

static int with(const struct crew *crew, peer_body *body, void *context)
{
	(void)crew;
	body(NULL, context);
	return 0;
}

static long fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static long run_fib(void *pool, int n)
{
	(void)pool;
	return fib(n);
}

static long place(const struct queen *previous, int row, int n)
{
	struct queen queen = queen_after(previous, row);
	long solutions = 0;

	if (!queen_is_safe(&queen))
		return 0;
	if (queen.column == n - 1)
		return 1;
	for (int next = 0; next < n; next++)
		solutions += place(&queen, next, n);
	return solutions;
}

static long run_nqueens(void *pool, int n)
{
	long solutions = 0;

	(void)pool;
	for (int row = 0; row < n; row++)
		solutions += place(NULL, row, n);
	return solutions;
}

static struct uts_count run_uts(void *pool, const struct uts_tree *tree)
{
	(void)pool;
	return uts_serial(tree);
}

static long skynet(long first, long leaves)
{
	long sum = 0;

	if (leaves == 1)
		return first;
	for (int i = 0; i < 10; i++)
		sum += skynet(first + i * (leaves / 10), leaves / 10);
	return sum;
}

static long run_skynet(void *pool, long leaves)
{
	(void)pool;
	return skynet(0, leaves);
}

static void run_pipeline(void *pool, struct pipeline *pipeline)
{
	(void)pool;
	for (size_t block = 0; block < pipeline->blocks; block++) {
		pipeline->read(pipeline, block);
		pipeline->compress(pipeline, block);
		pipeline->write(pipeline, block);
	}
}

static int run_map(void *pool, peer_fn *fn, void *const items[], size_t count,
		   size_t chunk, void *results[])
{
	(void)pool;
	(void)chunk;
	for (size_t i = 0; i < count; i++)
		results[i] = fn(items[i]);
	return 0;
}

const struct peer peer_serial = {
	.name = "serial",
	.sorts = &sorts_serial,
	.with = with,
	.fib = run_fib,
	.nqueens = run_nqueens,
	.uts = run_uts,
	.skynet = run_skynet,
	.loop = serial_loop,
	.pipeline = run_pipeline,
	.map = run_map,
};

/* The recursion as it is called when the compiler may not inline it into
 * itself: what a task's fork and join, both calls included, compares with. */
__attribute__((noinline)) static long fib_noinline(int n)
{
	return n < 2 ? n : fib_noinline(n - 1) + fib_noinline(n - 2);
}

static long run_fib_noinline(void *pool, int n)
{
	(void)pool;
	return fib_noinline(n);
}

const struct peer peer_noinline = {
	.name = "noinline",
	.with = with,
	.fib = run_fib_noinline,
};
