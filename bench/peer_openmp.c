/* SPDX-License-Identifier: MIT */
/*
 * OpenMP tasks. Compiled twice, with PEER_NAME for its runtime: by gcc for
 * libgomp, by clang for libomp.
 *
 * The team is opened once, outside the timing; what is timed runs in its one
 * `single` region, whose thread makes the tasks and takes part in them while it
 * waits. So with W workers the team has W threads, and one more for each
 * submitter that others have beside their pool.
 *
 * A thread outside the team cannot submit, and a wait runs the task in the
 * waiting thread itself: no submit4, roundtrip and pending jobs here.
 */
#include <omp.h>
#include <stdlib.h>

#include "peer.h"
#include "peer_openmp_loops.h"
#include "queens.h"

static int with(const struct crew *crew, peer_body *body, void *context)
{
	int threads = (int)(crew->workers + crew->submitters);

#pragma omp parallel num_threads(threads)
#pragma omp single
	body(NULL, context);
	return 0;
}

/* Loops open their team themselves. */
static int with_loops(const struct crew *crew, peer_body *body, void *context)
{
	omp_set_num_threads((int)crew->workers);
	body(NULL, context);
	return 0;
}

static long fib(int n)
{
	long left, right;

	if (n < 2)
		return n;
#pragma omp task shared(left)
	left = fib(n - 1);
	right = fib(n - 2);
#pragma omp taskwait
	return left + right;
}

static long run_fib(void *pool, int n)
{
	(void)pool;
	return fib(n);
}

/* The most rows of a board, so that a task's results need no allocation. */
enum {
	ROWS_MAX = 32
};

static long place(const struct queen *queen, int n);

static long place_row(const struct queen *previous, int row, int n)
{
	struct queen queen = queen_after(previous, row);

	if (!queen_is_safe(&queen))
		return 0;
	return queen.column == n - 1 ? 1 : place(&queen, n);
}

/* Try all rows of the column after @queen. */
static long place(const struct queen *queen, int n)
{
	long solutions[ROWS_MAX];
	long sum;

	for (int row = 0; row < n - 1; row++) {
#pragma omp task shared(solutions)
		solutions[row] = place_row(queen, row, n);
	}
	sum = place_row(queen, n - 1, n);
#pragma omp taskwait
	for (int row = 0; row < n - 1; row++)
		sum += solutions[row];
	return sum;
}

static long run_nqueens(void *pool, int n)
{
	(void)pool;
	return place(NULL, n);
}

static struct uts_count below(const struct uts_tree *tree,
			      const struct uts_node *node);

static struct uts_count visit(const struct uts_tree *tree,
			      const struct uts_node *parent, unsigned index)
{
	struct uts_node node = uts_child(parent, index);

	return below(tree, &node);
}

/* Search the @children of @node; their results lie on the stack here. */
static void visit_all(const struct uts_tree *tree, const struct uts_node *node,
		      unsigned children, struct uts_count *sum)
{
	struct uts_count *part = __builtin_alloca(children * sizeof(*part));

	for (unsigned i = 0; i < children - 1; i++) {
#pragma omp task
		part[i] = visit(tree, node, i);
	}
	part[children - 1] = visit(tree, node, children - 1);
#pragma omp taskwait
	for (unsigned i = 0; i < children; i++)
		uts_count_add(sum, part[i]);
}

static struct uts_count below(const struct uts_tree *tree,
			      const struct uts_node *node)
{
	unsigned children = uts_children(tree, node);
	struct uts_count sum = uts_count_one(node, children);

	if (children)
		visit_all(tree, node, children, &sum);
	return sum;
}

static struct uts_count run_uts(void *pool, const struct uts_tree *tree)
{
	struct uts_node root = uts_root(tree);

	(void)pool;
	return below(tree, &root);
}

static long skynet(long first, long leaves)
{
	long part[10], sum = 0;

	if (leaves == 1)
		return first;
	for (int i = 0; i < 9; i++) {
#pragma omp task shared(part)
		part[i] = skynet(first + i * (leaves / 10), leaves / 10);
	}
	part[9] = skynet(first + 9 * (leaves / 10), leaves / 10);
#pragma omp taskwait
	for (int i = 0; i < 10; i++)
		sum += part[i];
	return sum;
}

static long run_skynet(void *pool, long leaves)
{
	(void)pool;
	return skynet(0, leaves);
}

static void run_herd(void *pool, struct herd *herd)
{
	(void)pool;
	for (unsigned i = 1; i < herd->workers; i++) {
#pragma omp task
		herd->occupy(herd);
	}
	herd->await_busy(herd);
	for (unsigned i = 0; i < herd->tasks; i++) {
#pragma omp task
		herd->work(herd);
	}
#pragma omp taskwait
}

/*
 * The dependences say it all: a slot is read, compressed and written in turn,
 * and the reads and the writes each go in order.
 */
static void run_pipeline(void *pool, struct pipeline *job)
{
	char *slot = calloc(job->slots, 1);
	char reads = 0, writes = 0;

	(void)pool;
	if (!slot)
		return; /* nothing written: found by the check of the output */
	for (size_t block = 0; block < job->blocks; block++) {
		size_t at = block % job->slots;

		(void)at;
#pragma omp task depend(out : slot[at]) depend(inout : reads)
		job->read(job, block);
#pragma omp task depend(inout : slot[at])
		job->compress(job, block);
#pragma omp task depend(in : slot[at]) depend(inout : writes)
		job->write(job, block);
	}
#pragma omp taskwait
	(void)reads;
	(void)writes;
	free(slot);
}

static void run_group(void *pool, unsigned char *mark, size_t count)
{
	(void)pool;
#pragma omp taskgroup
	for (size_t i = 0; i < count; i++) {
#pragma omp task
		mark[i]++;
	}
}

struct job {
	peer_fn *fn;
	void *value; /* the argument, and then the result */
};

static int submit(void *pool, void *future, peer_fn *fn, void *arg)
{
	struct job *job = future;

	(void)pool;
	*job = (struct job){ fn, arg };
#pragma omp task
	job->value = job->fn(job->value);
	return 0;
}

/* Waits for all tasks of the submitter: there is no wait for one. */
static void *wait(void *pool, void *future)
{
	struct job *job = future;

	(void)pool;
#pragma omp taskwait
	return job->value;
}

const struct peer bench_peer = {
	.name = PEER_NAME,
	.threads = true,
	.with = with,
	.fib = run_fib,
	.nqueens = run_nqueens,
	.uts = run_uts,
	.skynet = run_skynet,
	.with_loops = with_loops,
	.loop = run_loop,
	.herd = run_herd,
	.pipeline = run_pipeline,
	.group = run_group,
	.future_bytes = sizeof(struct job),
	.submit = submit,
	.wait = wait,
};
