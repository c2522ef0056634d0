/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - a wait in a task suspends the task, never the worker, and
 * never runs unrelated work on the waiter's stack (promises 2, 3 and 7).
 */
#include <string.h>

#include "sched_test.h"

/* --- A chain of tasks, each submitting the next and waiting for it. --- */

enum {
	CHAIN = FIBERS(10000)
};

static void *chain_link(void *arg)
{
	uintptr_t left = (uintptr_t)arg;

	if (left == 0)
		return number(0);
	return number((uintptr_t)take(submit(skua_pool_current(), chain_link,
					     number(left - 1))) +
		      1);
}

static void chain_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	cr_assert_eq((uintptr_t)take(submit(pool, chain_link, number(CHAIN))),
		     CHAIN);
}

/* "a chain of 10,000 tasks, each submitting the next and waiting for its
 * result" */
Test(wait, chain_of_10000_tasks_each_waiting_for_the_next, .timeout = LIMIT)
{
	with_pools(chain_body);
}

/* --- 20,000 tasks suspended at once. --- */

enum {
	CROWD = FIBERS(20000)
};

static struct gate crowd_gate;
static struct skua_future *crowd_waits_for;
static atomic_size_t crowd_waiting;

static void *wait_for_the_gate_keeper(void *arg)
{
	void *result = NULL;

	atomic_fetch_add(&crowd_waiting, 1);
	CHECK(skua_future_result(crowd_waits_for, SKUA_FOREVER, &result) == 0);
	CHECK(result == &crowd_gate);
	return arg;
}

/* With one worker, that this task runs at all shows that everything which
 * started before it has been suspended. */
static void *count_the_crowd(void *arg)
{
	(void)arg;
	return number(atomic_load(&crowd_waiting));
}

static void crowd_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(1);
	struct skua_future **crowd = calloc(CROWD, sizeof(*crowd));
	size_t arrived = 0;

	gate_close(&crowd_gate);
	atomic_store(&crowd_waiting, 0);
	crowd_waits_for = submit(other, hold, &crowd_gate);
	for (size_t i = 0; i < CROWD; i++)
		crowd[i] = submit(pool, wait_for_the_gate_keeper, number(i));
	while (arrived < CROWD)
		arrived = (size_t)take(submit(pool, count_the_crowd, NULL));
	for (size_t i = 0; i < CROWD; i++)
		cr_assert(!skua_future_done(crowd[i]));
	gate_open(&crowd_gate);
	for (size_t i = 0; i < CROWD; i++)
		cr_assert_eq((size_t)take(crowd[i]), i, "%u workers", workers);
	CHECK(take(crowd_waits_for) == &crowd_gate);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
	free(crowd);
}

/* "20,000 tasks suspended at once" */
Test(wait, suspended_20000_tasks_at_once, .timeout = LIMIT)
{
	with_pools(crowd_body);
}

/* --- The buried continuation. --- */

/* A waits for F; B, started on the same worker while A waits, waits for A; and
 * F ends only after B waits. A scheduler that helps while it waits has B on
 * top of A's stack now, and A can never go on. */
struct buried {
	struct skua_future *a, *b, *f;
	struct gate a_started, b_started, finish_f;
};

static struct buried buried;

static void *buried_a(void *arg)
{
	void *result = NULL;

	gate_arrive(&buried.a_started);
	CHECK(skua_future_result(buried.f, SKUA_FOREVER, &result) == 0);
	CHECK(result == &buried.finish_f);
	return arg;
}

static void *buried_b(void *arg)
{
	void *result = NULL;

	(void)arg;
	gate_arrive(&buried.b_started);
	CHECK(skua_future_result(buried.a, SKUA_FOREVER, &result) == 0);
	return result;
}

static void *nothing(void *arg)
{
	return arg;
}

static void buried_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_pool *third = open_pool(1);

	gate_close(&keep);
	gate_close(&buried.a_started);
	gate_close(&buried.b_started);
	gate_close(&buried.finish_f);
	/* All workers but one are taken, so A and B share the one left. */
	hold_workers(pool, &keep, workers - 1);
	buried.f = submit(third, hold, &buried.finish_f);
	buried.a = submit(pool, buried_a, number(42));
	gate_await(&buried.a_started, 1);
	buried.b = submit(pool, buried_b, NULL);
	gate_await(&buried.b_started, 1);
	/* The one worker runs this only once B has been suspended, too. */
	CHECK(take(submit(pool, nothing, &keep)) == &keep);
	gate_open(&buried.finish_f);
	cr_assert_eq((uintptr_t)take(buried.b), 42, "%u workers", workers);
	cr_assert_eq((uintptr_t)take(buried.a), 42, "%u workers", workers);
	CHECK(take(buried.f) == &buried.finish_f);
	gate_open(&keep);
	CHECK(skua_pool_close(third, SKUA_CLOSE_WAIT) == 0);
}

/* "A waits for F while B, started on the same worker, waits for A's future,
 * and F is finished by a third: no deadlock" */
Test(wait, buried_continuation_finished_by_a_third_pool, .timeout = LIMIT)
{
	with_pools(buried_body);
}

/* The same with F finished by a third task of the same pool, which B
 * submits: F looks for it between yields. */
static atomic_bool third_ran;

static void *third_task(void *arg)
{
	atomic_store(&third_ran, true);
	return arg;
}

static void *inner_f(void *arg)
{
	while (!atomic_load(&third_ran))
		skua_yield();
	return arg;
}

static void *inner_b(void *a)
{
	CHECK(skua_submit(skua_pool_current(), third_task, NULL, NULL) == 0);
	return take(a);
}

/* Passes its own future on to B, which is why it is told of it by a gate. */
static void *inner_a(void *arg)
{
	struct skua_pool *pool = skua_pool_current();
	struct skua_future *b;

	(void)arg;
	gate_pass(&buried.a_started);
	b = submit(pool, inner_b, skua_future_retain(buried.a));
	CHECK(take(submit(pool, inner_f, number(7))) == number(7));
	buried.b = b;
	return number(43);
}

static void inner_body(struct skua_pool *pool, unsigned workers)
{
	gate_close(&buried.a_started);
	atomic_store(&third_ran, false);
	buried.a = submit(pool, inner_a, NULL);
	gate_open(&buried.a_started);
	cr_assert_eq((uintptr_t)take(buried.a), 43, "%u workers", workers);
	cr_assert_eq((uintptr_t)take(buried.b), 43, "%u workers", workers);
}

Test(wait, buried_continuation_finished_by_a_third_task, .timeout = LIMIT)
{
	with_pools(inner_body);
}

/* --- Any graph without a cycle ends. --- */

enum {
	GRAPH = FIBERS(3000),
	GRAPH_EDGES = 3
};

struct graph_node {
	struct skua_future *future;
	size_t edges[GRAPH_EDGES];
};

static struct graph_node graph[GRAPH];
static struct gate graph_built;

static void *graph_visit(void *arg)
{
	struct graph_node *node = arg;
	uintptr_t sum = 1;

	for (size_t i = 0; i < GRAPH_EDGES; i++) {
		void *part = NULL;

		if (node->edges[i] == GRAPH)
			continue;
		CHECK(skua_future_result(graph[node->edges[i]].future,
					 SKUA_FOREVER, &part) == 0);
		sum += (uintptr_t)part;
	}
	return number(sum);
}

/* Edges lead to tasks that were submitted later, so whoever starts first has
 * to be suspended; the last nodes have none. */
static void graph_draw(uint64_t *random)
{
	for (size_t i = 0; i < GRAPH; i++) {
		for (size_t k = 0; k < GRAPH_EDGES; k++) {
			size_t to = i + 1 + next_random(random) % 50;

			graph[i].edges[k] = to < GRAPH ? to : GRAPH;
		}
	}
}

static uintptr_t graph_expected(size_t i, uintptr_t *sums)
{
	uintptr_t sum = 1;

	for (size_t k = 0; k < GRAPH_EDGES; k++)
		if (graph[i].edges[k] != GRAPH)
			sum += sums[graph[i].edges[k]];
	return sums[i] = sum;
}

static void graph_body(struct skua_pool *pool, unsigned workers)
{
	static uintptr_t sums[GRAPH];
	uint64_t seed = test_seed(), random = seed;

	gate_close(&graph_built);
	graph_draw(&random);
	hold_workers(pool, &graph_built, workers);
	for (size_t i = 0; i < GRAPH; i++)
		graph[i].future = submit(pool, graph_visit, &graph[i]);
	gate_open(&graph_built);
	for (size_t i = GRAPH; i-- > 0;) {
		void *sum = NULL;

		CHECK(skua_future_result(graph[i].future, SKUA_FOREVER, &sum) ==
		      0);
		cr_assert_eq((uintptr_t)sum, graph_expected(i, sums),
			     "node %zu, %u workers, SKUA_TEST_SEED=%#llx", i,
			     workers, (unsigned long long)seed);
	}
	for (size_t i = 0; i < GRAPH; i++)
		skua_future_release(graph[i].future);
}

/* "A program that waits only through Skua deadlocks only if its own
 * dependency graph has a cycle." */
Test(wait, any_graph_without_a_cycle_ends, .timeout = LIMIT)
{
	with_pools(graph_body);
}

/* --- Tasks of two pools that wait for each other's. --- */

struct ping_pong {
	struct skua_pool *here, *there;
	unsigned left;
};

static void *ping_pong(void *arg)
{
	struct ping_pong *game = arg;
	struct ping_pong back = { game->there, game->here, game->left - 1 };

	CHECK(skua_pool_current() == game->here);
	if (game->left == 0)
		return number(0);
	return number((uintptr_t)take(submit(game->there, ping_pong, &back)) +
		      1);
}

static void ping_pong_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(workers);
	struct ping_pong game = { pool, other, 200 };

	cr_assert_eq((uintptr_t)take(submit(pool, ping_pong, &game)), 200);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "A wait in a task suspends the task, never the worker", across pools. */
Test(wait, tasks_of_two_pools_wait_for_each_other, .timeout = LIMIT)
{
	with_pools(ping_pong_body);
}

/* --- A wait takes nobody's stack. --- */

enum {
	DEEP_LINKS = FIBERS(500),
	DEEP_BYTES = 64 * 1024
};

/* Each link keeps 64 KiB of its stack alive across its wait. Together that is
 * four times the stack of one task: a scheduler that ran the next link on top
 * of the waiting one would meet the guard page. */
static void *deep_link(void *arg)
{
	uintptr_t left = (uintptr_t)arg;
	volatile unsigned char room[DEEP_BYTES];
	uintptr_t below = 0;

	for (size_t i = 0; i < sizeof(room); i += 512)
		room[i] = (unsigned char)(left + i / 512);
	if (left)
		below = (uintptr_t)take(submit(skua_pool_current(), deep_link,
					       number(left - 1)));
	for (size_t i = 0; i < sizeof(room); i += 512)
		CHECK(room[i] == (unsigned char)(left + i / 512));
	return number(below + 1);
}

static void deep_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	cr_assert_eq(
		(uintptr_t)take(submit(pool, deep_link, number(DEEP_LINKS))),
		DEEP_LINKS + 1);
}

/* "A wait never runs unrelated work on your stack" */
Test(wait, never_runs_unrelated_work_on_the_waiters_stack, .timeout = LIMIT)
{
	with_pools(deep_body);
}

/* --- Several waiters, tasks and threads, of one future. --- */

enum {
	WAITERS = 20,
	WAITING_THREADS = 10
};

static struct gate wanted_gate;
static struct skua_future *wanted;

static void *wait_for_wanted(void *arg)
{
	void *result = NULL;

	(void)arg;
	CHECK(skua_future_result(wanted, SKUA_FOREVER, &result) == 0);
	return result;
}

static void several_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(1);
	struct skua_future *tasks[WAITERS];
	pthread_t threads[WAITING_THREADS];
	void *result;

	(void)workers;
	gate_close(&wanted_gate);
	wanted = submit(other, hold, &wanted_gate);
	for (size_t i = 0; i < WAITERS; i++)
		tasks[i] = submit(pool, wait_for_wanted, NULL);
	for (size_t i = 0; i < WAITING_THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, wait_for_wanted,
				     NULL) == 0);
	gate_await(&wanted_gate, 1);
	gate_open(&wanted_gate);
	for (size_t i = 0; i < WAITERS; i++)
		CHECK(take(tasks[i]) == &wanted_gate);
	for (size_t i = 0; i < WAITING_THREADS; i++) {
		CHECK(pthread_join(threads[i], &result) == 0);
		CHECK(result == &wanted_gate);
	}
	CHECK(take(wanted) == &wanted_gate);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* A5: "several waiters, from any thread or task" */
Test(wait, several_tasks_and_threads_for_one_future, .timeout = LIMIT)
{
	with_pools(several_body);
}

/* --- After a wait nobody touches the future or job. --- */

enum {
	FREED = SCALED(20000)
};

/* The argument is freed the moment the wait returns, and the future with it:
 * under ASan and TSan a late touch of either is an error, and without them the
 * bytes are overwritten at once by the next round. */
static void *touch(void *arg)
{
	memset(arg, 1, 64);
	return arg;
}

static void free_at_once(struct skua_pool *pool)
{
	for (size_t i = 0; i < FREED; i++) {
		unsigned char *block = calloc(1, 64);
		struct skua_future *future = submit(pool, touch, block);

		CHECK(take(future) == block);
		CHECK(block[0] == 1 && block[63] == 1);
		free(block);
	}
}

static void *free_at_once_task(void *arg)
{
	(void)arg;
	free_at_once(skua_pool_current());
	return NULL;
}

static void free_at_once_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *inside = submit(pool, free_at_once_task, NULL);

	(void)workers;
	free_at_once(pool);
	CHECK(take(inside) == NULL);
}

/* "Whoever asks for the result may free it at once: after a wait returns,
 * nobody touches the future or job." */
Test(wait, whoever_asks_for_the_result_may_free_it_at_once, .timeout = LIMIT)
{
	with_pools(free_at_once_body);
}

/* --- A waiting task leaves its worker to others. --- */

static void *wait_for(void *future)
{
	return take(future);
}

static void worker_runs_on_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep, finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *waiter;

	gate_close(&keep);
	gate_close(&finish);
	hold_workers(pool, &keep, workers - 1);
	waiter = submit(pool, wait_for, submit(other, hold, &finish));
	for (unsigned i = 0; i < 100; i++)
		CHECK(take(submit(pool, nothing, &keep)) == &keep);
	CHECK(!skua_future_done(waiter));
	gate_open(&finish);
	CHECK(take(waiter) == &finish);
	gate_open(&keep);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "A wait in a task suspends the task, never the worker" */
Test(wait, suspends_the_task_never_the_worker, .timeout = LIMIT)
{
	with_pools(worker_runs_on_body);
}
