/* SPDX-License-Identifier: MIT */
/*
 * stress_fork_join.c - random trees of tasks that fork, call, join, and in
 * between yield, sleep, submit, and run other trees. The seed decides the
 * tree, not the schedule, so a plain recursion knows the answer.
 */
#include "stress.h"

enum {
	MOST_CHILDREN = 5,
	DEEPEST = 12
};

struct node {
	uint64_t random;
	unsigned children, depth;
	unsigned called; /* bit i: child i is called, not forked */
	unsigned pause; /* what happens between forks and joins */
};

/* All that a node is follows from its number. */
static struct node describe(uint64_t id, unsigned depth)
{
	struct node node = { id | 1, 0, depth, 0, 0 };

	(void)stress_random(&node.random);
	if (depth < DEEPEST)
		node.children = stress_below(&node.random, MOST_CHILDREN + 1);
	if (depth > 3 && stress_below(&node.random, 4) == 0)
		node.children = 0;
	node.called = stress_below(&node.random, 64);
	node.pause = stress_below(&node.random, 200);
	return node;
}

static uint64_t child_id(const struct node *node, unsigned i)
{
	uint64_t state = node->random + i + 1;

	return stress_random(&state);
}

static uint64_t serial(uint64_t id, unsigned depth)
{
	struct node node = describe(id, depth);
	uint64_t sum = id;

	for (unsigned i = 0; i < node.children; i++)
		sum = sum * 31 + serial(child_id(&node, i), depth + 1);
	return sum;
}

static void *echo(void *arg)
{
	return arg;
}

SKUA_DECLARE_TASK(uint64_t, tree, uint64_t, id, unsigned, depth);

static void pause_for(const struct node *node)
{
	struct skua_pool *pool = skua_pool_current();
	uint64_t value = 0;

	switch (node->pause) {
	case 0:
		EXPECT(skua_sleep(20000) == 0);
		break;
	case 1:
	case 2:
		EXPECT(stress_take(stress_submit(pool, echo, pool)) == pool);
		break;
	case 3:
		EXPECT(tree_run(pool, &value, node->random, DEEPEST) == 0);
		EXPECT(value == node->random);
		break;
	case 4:
	case 5:
	case 6:
		skua_yield();
		break;
	default:
		break;
	}
}

SKUA_TASK(uint64_t, tree, uint64_t, id, unsigned, depth)
{
	struct node node = describe(id, depth);
	uint64_t values[MOST_CHILDREN] = { 0 }, sum = id;
	int worker = skua_worker();

	for (unsigned i = 0; i < node.children; i++) {
		if (node.called >> i & 1)
			values[i] = tree(here, child_id(&node, i), depth + 1);
		else
			tree_fork(&here, child_id(&node, i), depth + 1);
	}
	pause_for(&node);
	for (unsigned i = node.children; i-- > 0;)
		if (!(node.called >> i & 1))
			values[i] = tree_join(&here);
	EXPECT(skua_worker() == worker);
	for (unsigned i = 0; i < node.children; i++)
		sum = sum * 31 + values[i];
	return sum;
}

struct runner {
	struct skua_pool *pool;
	uint64_t stream;
	size_t rounds;
};

static void *run_trees(void *arg)
{
	struct runner *runner = arg;
	uint64_t random = stress_stream(runner->stream);

	for (size_t i = 0; i < runner->rounds; i++) {
		uint64_t id = stress_random(&random), value = 0;

		EXPECT(tree_run(runner->pool, &value, id, 0) == 0);
		EXPECT(value == serial(id, 0));
	}
	return NULL;
}

static void body(void)
{
	struct skua_pool *pool = stress_open(stress.workers);
	struct runner runners[3];
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++) {
		runners[i].pool = pool;
		runners[i].stream = i;
		runners[i].rounds = stress_rounds(SCALED(100), SCALED(20000));
		stress_thread(&threads[i], run_trees, &runners[i]);
	}
	for (size_t i = 0; i < 3; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
