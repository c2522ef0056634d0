/* SPDX-License-Identifier: MIT */
/*
 * oneTBB: task_group for fork-join, in an arena that the caller enters as one
 * of the workers; task_arena::enqueue for jobs from outside, with the futures
 * of futex_future.h, since enqueue has none.
 */
#include <cstring>
#include <memory>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/parallel_sort.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "futex_future.h"
#include "peer.h"
#include "peer_sorts.h"
#include "peer_tbb_loops.h"
#include "queens.h"

namespace tbb = oneapi::tbb;

namespace
{

struct session {
	tbb::task_arena arena;
	peer_body *body;
	void *context;
};

/* Fork-join: the caller's place is inside the arena, as one of its workers.
 * Executor: the caller stays outside and all the arena's slots are workers'. */
int with(const crew *crew, peer_body *body, void *context)
{
	int workers = static_cast<int>(crew->workers);
	bool outside = crew->submitters > 0;
	tbb::global_control threads(
		tbb::global_control::max_allowed_parallelism,
		crew->workers + (outside ? 1 : 0));
	tbb::task_arena arena(workers, outside ? 0 : 1);

	arena.initialize();
	if (outside)
		body(&arena, context);
	else
		arena.execute([&] { body(&arena, context); });
	return 0;
}

long fib(int n)
{
	if (n < 2)
		return n;

	tbb::task_group group;
	long left;

	group.run([&left, n] { left = fib(n - 1); });
	long right = fib(n - 2);
	group.wait();
	return left + right;
}

long run_fib(void *, int n)
{
	return fib(n);
}

/* The most rows of a board, so that a task's results need no allocation. */
constexpr int ROWS_MAX = 32;

long place(const queen *queen, int n);

long place_row(const queen *previous, int row, int n)
{
	queen queen = queen_after(previous, row);

	if (!queen_is_safe(&queen))
		return 0;
	return queen.column == n - 1 ? 1 : place(&queen, n);
}

/* Try all rows of the column after @queen. */
long place(const queen *queen, int n)
{
	tbb::task_group group;
	long solutions[ROWS_MAX];

	for (int row = 0; row < n - 1; row++)
		group.run([&solutions, queen, row, n] {
			solutions[row] = place_row(queen, row, n);
		});
	long sum = place_row(queen, n - 1, n);
	group.wait();
	for (int row = 0; row < n - 1; row++)
		sum += solutions[row];
	return sum;
}

long run_nqueens(void *, int n)
{
	return place(nullptr, n);
}

uts_count below(const uts_tree *tree, const uts_node *node);

uts_count visit(const uts_tree *tree, const uts_node *parent, unsigned index)
{
	uts_node node = uts_child(parent, index);

	return below(tree, &node);
}

uts_count below(const uts_tree *tree, const uts_node *node)
{
	unsigned children = uts_children(tree, node);
	uts_count sum = uts_count_one(node, children);

	if (!children)
		return sum;

	tbb::task_group group;
	auto part = static_cast<uts_count *>(
		__builtin_alloca(children * sizeof(uts_count)));

	for (unsigned i = 0; i < children - 1; i++)
		group.run([=] { part[i] = visit(tree, node, i); });
	part[children - 1] = visit(tree, node, children - 1);
	group.wait();
	for (unsigned i = 0; i < children; i++)
		uts_count_add(&sum, part[i]);
	return sum;
}

uts_count run_uts(void *, const uts_tree *tree)
{
	uts_node root = uts_root(tree);

	return below(tree, &root);
}

long skynet(long first, long leaves)
{
	if (leaves == 1)
		return first;

	tbb::task_group group;
	long part[10], each = leaves / 10, sum = 0;

	for (int i = 0; i < 9; i++)
		group.run([&part, i, first, each] {
			part[i] = skynet(first + i * each, each);
		});
	part[9] = skynet(first + 9 * each, each);
	group.wait();
	for (long value : part)
		sum += value;
	return sum;
}

long run_skynet(void *, long leaves)
{
	return skynet(0, leaves);
}

void run_herd(void *, herd *herd)
{
	tbb::task_group group;

	for (unsigned i = 1; i < herd->workers; i++)
		group.run([herd] { herd->occupy(herd); });
	herd->await_busy(herd);
	for (unsigned i = 0; i < herd->tasks; i++)
		group.run([herd] { herd->work(herd); });
	group.wait();
}

void run_group(void *, unsigned char *mark, std::size_t count)
{
	tbb::task_group group;

	for (std::size_t i = 0; i < count; i++)
		group.run([mark, i] { mark[i]++; });
	group.wait();
}

std::size_t ask(void *, std::size_t times)
{
	tbb::task_group group;
	std::size_t no = 0;

	group.run([&no, times] {
		for (std::size_t i = 0; i < times; i++)
			no += !tbb::is_current_task_group_canceling();
	});
	group.wait();
	return no;
}

void run_pipeline(void *, pipeline *job)
{
	std::size_t next = 0;

	tbb::parallel_pipeline(
		job->slots, tbb::make_filter<void, std::size_t>(
				    tbb::filter_mode::serial_in_order,
				    [job, &next](tbb::flow_control &control) {
					    if (next == job->blocks)
						    control.stop();
					    else
						    job->read(job, next++);
					    return next - 1;
				    }) &
				    tbb::make_filter<std::size_t, std::size_t>(
					    tbb::filter_mode::parallel,
					    [job](std::size_t block) {
						    job->compress(job, block);
						    return block;
					    }) &
				    tbb::make_filter<std::size_t, void>(
					    tbb::filter_mode::serial_in_order,
					    [job](std::size_t block) {
						    job->write(job, block);
					    }));
}

int submit(void *pool, void *future, peer_fn *fn, void *arg)
{
	auto arena = static_cast<tbb::task_arena *>(pool);
	auto job = static_cast<futex_future *>(future);

	futex_future_fill(job, fn, arg);
	arena->enqueue([job] { futex_future_run(job); });
	return 0;
}

/* TBB's workers spin for a while before they sleep. */
constexpr unsigned SPINS = 1000;

void *wait(void *, void *future)
{
	return futex_future_wait(static_cast<futex_future *>(future), SPINS);
}

int sort_ints(void *, int *base, size_t count)
{
	tbb::parallel_sort(base, base + count);
	return 0;
}

int sort_words(void *, const char **base, size_t count)
{
	tbb::parallel_sort(base, base + count,
			   [](const char *a, const char *b) {
				   return std::strcmp(a, b) < 0;
			   });
	return 0;
}

const peer_sorts sorts = { sort_ints, nullptr, sort_words, nullptr };

peer describe()
{
	peer peer = {};

	peer.name = "tbb";
	peer.sorts = &sorts;
	peer.threads = true;
	peer.executor = true;
	peer.with = with;
	peer.fib = run_fib;
	peer.nqueens = run_nqueens;
	peer.uts = run_uts;
	peer.skynet = run_skynet;
	peer.loop = tbb_loops::run_loop;
	peer.herd = run_herd;
	peer.pipeline = run_pipeline;
	peer.group = run_group;
	peer.ask = ask;
	peer.future_bytes = sizeof(futex_future);
	peer.submit = submit;
	peer.wait = wait;
	return peer;
}

} // namespace

const struct peer bench_peer = describe();
