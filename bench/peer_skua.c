/* SPDX-License-Identifier: MIT */
/* Skua as a peer, through its public interface. */
#include <skua/skua.h>
#include <stdlib.h>

#include "peers.h"
#include "queens.h"
#include "sorts.h"

static int with(const struct crew *crew, peer_body *body, void *context)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;

	options.workers = crew->workers;
	if (skua_pool_open(&pool, &options))
		return -1;
	body(pool, context);
	return skua_pool_close(pool, SKUA_CLOSE_WAIT) ? -1 : 0;
}

SKUA_TASK_VOID(inside, peer_body *, body, void *, context)
{
	body(here, context);
}

/* Loops are called where those of OpenMP and oneTBB are: by one of the workers.
 * The pool that the body gets is the `here` of its task. */
static int with_loops(const struct crew *crew, peer_body *body, void *context)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;
	int error;

	options.workers = crew->workers;
	if (skua_pool_open(&pool, &options))
		return -1;
	error = inside_run(pool, body, context);
	return skua_pool_close(pool, SKUA_CLOSE_WAIT) || error ? -1 : 0;
}

/* A kernel that could not run answers what no kernel answers. */
enum {
	WRONG = -1
};

SKUA_TASK(long, fib, int, n)
{
	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	long right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static long run_fib(void *pool, int n)
{
	long value;

	return fib_run(pool, &value, n) ? WRONG : value;
}

SKUA_TASK(long, place, const struct queen *, previous, int, row, int, n)
{
	struct queen queen = queen_after(previous, row);
	long solutions;

	if (!queen_is_safe(&queen))
		return 0;
	if (queen.column == n - 1)
		return 1;
	for (int next = 0; next < n - 1; next++)
		place_fork(&here, &queen, next, n);
	solutions = place(here, &queen, n - 1, n);
	for (int next = 0; next < n - 1; next++)
		solutions += place_join(&here);
	return solutions;
}

SKUA_TASK(long, nqueens, int, n)
{
	long solutions = 0;

	for (int row = 0; row < n; row++)
		place_fork(&here, NULL, row, n);
	for (int row = 0; row < n; row++)
		solutions += place_join(&here);
	return solutions;
}

static long run_nqueens(void *pool, int n)
{
	long solutions;

	return nqueens_run(pool, &solutions, n) ? WRONG : solutions;
}

SKUA_DECLARE_TASK(struct uts_count, visit, const struct uts_tree *, tree,
		  const struct uts_node *, parent, unsigned, index);

static struct uts_count below(skua_here here, const struct uts_tree *tree,
			      const struct uts_node *node)
{
	unsigned children = uts_children(tree, node);
	struct uts_count sum = uts_count_one(node, children);

	if (!children)
		return sum;
	for (unsigned i = 0; i < children - 1; i++)
		visit_fork(&here, tree, node, i);
	uts_count_add(&sum, visit(here, tree, node, children - 1));
	for (unsigned i = 0; i < children - 1; i++)
		uts_count_add(&sum, visit_join(&here));
	return sum;
}

SKUA_TASK(struct uts_count, visit, const struct uts_tree *, tree,
	  const struct uts_node *, parent, unsigned, index)
{
	struct uts_node node = uts_child(parent, index);

	return below(here, tree, &node);
}

SKUA_TASK(struct uts_count, uts, const struct uts_tree *, tree)
{
	struct uts_node root = uts_root(tree);

	return below(here, tree, &root);
}

static struct uts_count run_uts(void *pool, const struct uts_tree *tree)
{
	struct uts_count count = { 0, 0, 0 };

	/* On error there are no nodes, which is wrong for any tree. */
	(void)uts_run(pool, &count, tree);
	return count;
}

SKUA_TASK(long, skynet, long, first, long, leaves)
{
	long each = leaves / 10, sum;

	if (leaves == 1)
		return first;
	for (int i = 0; i < 9; i++)
		skynet_fork(&here, first + i * each, each);
	sum = skynet(here, first + 9 * each, each);
	for (int i = 0; i < 9; i++)
		sum += skynet_join(&here);
	return sum;
}

static long run_skynet(void *pool, long leaves)
{
	long sum;

	return skynet_run(pool, &sum, 0, leaves) ? WRONG : sum;
}

SKUA_TASK_VOID(work, struct herd *, herd)
{
	(void)here;
	herd->work(herd);
}

SKUA_TASK_VOID(fork_herd, struct herd *, herd)
{
	for (unsigned i = 0; i < herd->tasks; i++)
		work_fork(&here, herd);
	for (unsigned i = 0; i < herd->tasks; i++)
		work_join(&here);
}

static void run_herd(void *pool, struct herd *herd)
{
	for (unsigned i = 1; i < herd->workers; i++) {
		if (skua_submit(pool, herd->occupy, herd, NULL))
			return;
	}
	herd->await_busy(herd);
	(void)fork_herd_run(pool, herd);
}

/* Items are blocks, by their numbers. */
struct flow {
	struct pipeline *pipeline;
	size_t next;
};

static int read_block(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	if (flow->next == flow->pipeline->blocks)
		return SKUA_ENONE;
	*item = (void *)flow->next++;
	flow->pipeline->read(flow->pipeline, (size_t)*item);
	return 0;
}

static int compress_block(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	flow->pipeline->compress(flow->pipeline, (size_t)*item);
	return 0;
}

static int write_block(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	flow->pipeline->write(flow->pipeline, (size_t)*item);
	return 0;
}

/* What failed leaves marks unset. */
static int mark_one(skua_here here, void *mark)
{
	(void)here;
	++*(unsigned char *)mark;
	return 0;
}

SKUA_TASK_VOID(add_children, unsigned char *, mark, size_t, count)
{
	struct skua_group group;

	(void)here;
	if (skua_group_init(&group, skua_pool_current()))
		return;
	for (size_t i = 0; i < count; i++)
		(void)skua_group_run(&group, mark_one, &mark[i]);
	(void)skua_group_wait(&group, SKUA_FOREVER);
	skua_group_destroy(&group);
}

static void run_group(void *pool, unsigned char *mark, size_t count)
{
	(void)add_children_run(pool, mark, count);
}

static int ask_often(skua_here here, void *arg)
{
	size_t *times = arg;
	size_t n = *times;

	*times = 0;
	while (n-- > 0)
		*times += !skua_cancelled(here);
	return 0;
}

static size_t ask(void *pool, size_t times)
{
	struct skua_group group;

	if (skua_group_init(&group, pool) ||
	    skua_group_run(&group, ask_often, &times) ||
	    skua_group_wait(&group, SKUA_FOREVER))
		return 0;
	skua_group_destroy(&group);
	return times;
}

static void run_pipeline(void *pool, struct pipeline *pipeline)
{
	struct flow flow = { pipeline, 0 };
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, read_block, &flow, NULL },
		{ SKUA_STAGE_PARALLEL, compress_block, &flow, NULL },
		{ SKUA_STAGE_IN_ORDER, write_block, &flow, NULL },
	};

	/* What could not run has not written all its blocks. */
	(void)skua_pipeline(pool, stages, 3, pipeline->slots);
}

static int submit(void *pool, void *future, peer_fn *fn, void *arg)
{
	return skua_submit(pool, fn, arg, future);
}

static void *wait(void *pool, void *future)
{
	struct skua_future *mine = *(struct skua_future **)future;
	void *result = NULL;

	(void)pool;
	(void)skua_future_result(mine, SKUA_FOREVER, &result);
	skua_future_release(mine);
	return result;
}

static void count(struct peer_lock *lock, long *counter, long times)
{
	struct skua_mutex *mutex = (struct skua_mutex *)lock;

	for (long i = 0; i < times; i++) {
		(void)skua_mutex_lock(mutex);
		++*counter;
		(void)skua_mutex_unlock(mutex);
	}
}

static void event_wait(struct peer_event *event)
{
	(void)skua_event_wait((struct skua_event *)event);
}

static void event_set(struct peer_event *event)
{
	(void)skua_event_set((struct skua_event *)event);
}

static int run_map(void *pool, peer_fn *fn, void *const items[], size_t count,
		   size_t chunk, void *results[])
{
	return skua_map(pool, fn, items, count, chunk, SKUA_FOREVER, results,
			NULL);
}

/* Sums up what comes out. What goes wrong makes the sum wrong. */
static uint64_t take_as_completed(struct skua_future *futures[], size_t count)
{
	struct skua_completed *completed;
	struct skua_future *future;
	uint64_t sum = 0;

	if (skua_as_completed(&completed, futures, count))
		return 0;
	while (!skua_completed_next(completed, SKUA_FOREVER, &future, NULL)) {
		sum += (uintptr_t)skua_future_value(future);
		skua_future_release(future);
	}
	skua_completed_free(completed);
	return sum;
}

static uint64_t collect(void *pool, peer_fn *fn, size_t count)
{
	struct skua_future **futures = malloc(count * sizeof(*futures));
	uint64_t sum = 0;
	size_t n = 0;

	if (!futures)
		return 0;
	while (n < count && !skua_submit(pool, fn, (void *)n, &futures[n]))
		n++;
	sum = take_as_completed(futures, n);
	free(futures);
	return sum;
}

const struct peer peer_skua = {
	.name = "skua",
	.sorts = &sorts_skua,
	.threads = true,
	.executor = true,
	.owns_threads = true,
	.with = with,
	.fib = run_fib,
	.nqueens = run_nqueens,
	.uts = run_uts,
	.skynet = run_skynet,
	.with_loops = with_loops,
	.loop = skua_loop,
	.herd = run_herd,
	.pipeline = run_pipeline,
	.group = run_group,
	.ask = ask,
	.future_bytes = sizeof(struct skua_future *),
	.submit = submit,
	.wait = wait,
	.count = count,
	.event_wait = event_wait,
	.event_set = event_set,
	.map = run_map,
	.collect = collect,
};
