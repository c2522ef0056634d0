/* SPDX-License-Identifier: MIT */
/*
 * stress_buried.c - random graphs of tasks that wait for each other, drawn so
 * that whoever starts first waits for whoever starts later: the shapes on
 * which a scheduler that helps while it waits buries a continuation. There is
 * no cycle, so all must end, each with the value a plain loop computes.
 */
#include "stress.h"

enum {
	MOST_NODES = FIBERS(2000),
	EDGES = 4
};

struct node {
	struct skua_future *future;
	size_t edges[EDGES];
	unsigned kind;
	uint64_t value; /* as it must be */
};

static struct node nodes[MOST_NODES];
static size_t count;
static struct skua_pool *pools[2];
static atomic_bool drawn;

static uint64_t value_of(size_t i)
{
	void *value = NULL;

	int error = skua_future_result(nodes[i].future, SKUA_FOREVER, &value);

	EXPECT(error != SKUA_ENOMEM);
	EXPECT(error == 0);
	return (uintptr_t)value;
}

static uint64_t sum_of(const struct node *node)
{
	uint64_t sum = 1;

	for (size_t k = 0; k < EDGES; k++)
		if (node->edges[k] < count)
			sum = sum * 3 + value_of(node->edges[k]);
	return sum;
}

SKUA_TASK(uint64_t, value_task, size_t, i)
{
	(void)here;
	return i < count ? value_of(i) : 0;
}

/* The same with a child for each edge, so that the waits are in frames. */
SKUA_TASK(uint64_t, sum_task, const struct node *, node)
{
	uint64_t values[EDGES], sum = 1;

	for (size_t k = 0; k < EDGES; k++)
		value_task_fork(&here, node->edges[k]);
	for (size_t k = EDGES; k-- > 0;)
		values[k] = value_task_join(&here);
	for (size_t k = 0; k < EDGES; k++)
		if (node->edges[k] < count)
			sum = sum * 3 + values[k];
	return sum;
}

static void *visit(void *arg)
{
	struct node *node = arg;
	uint64_t sum = 0;

	while (!atomic_load(&drawn))
		skua_yield();
	switch (node->kind) {
	case 0:
		EXPECT(sum_task_run(skua_pool_current(), &sum, node) == 0);
		break;
	case 1:
		EXPECT(sum_task_run(pools[0], &sum, node) == 0);
		break;
	case 2:
		skua_yield();
		sum = sum_of(node);
		break;
	default:
		sum = sum_of(node);
		break;
	}
	EXPECT(sum == node->value);
	return number((uintptr_t)sum);
}

static void draw(uint64_t *random)
{
	unsigned reach = 1 + stress_below(random, 100);

	count = 2 + stress_below(random, MOST_NODES - 2);
	for (size_t i = count; i-- > 0;) {
		struct node *node = &nodes[i];

		node->kind = stress_below(random, 8);
		node->value = 1;
		for (size_t k = 0; k < EDGES; k++) {
			node->edges[k] = i + 1 + stress_below(random, reach);
			if (node->edges[k] < count)
				node->value = node->value * 3 +
					      nodes[node->edges[k]].value;
		}
		/* Values travel as pointers. */
		node->value = (uintptr_t)node->value;
	}
}

static void one_round(uint64_t *random)
{
	draw(random);
	atomic_store(&drawn, false);
	for (size_t i = 0; i < count; i++)
		nodes[i].future = stress_submit(
			pools[stress_below(random, 4) == 0], visit, &nodes[i]);
	atomic_store(&drawn, true);
	EXPECT(value_of(0) == nodes[0].value);
	for (size_t i = 0; i < count; i++)
		EXPECT(value_of(i) == nodes[i].value);
	for (size_t i = 0; i < count; i++)
		skua_future_release(nodes[i].future);
}

static void body(void)
{
	uint64_t random = stress_stream(0);
	size_t rounds = stress_rounds(SCALED(100), SCALED(10000));

	pools[0] = stress_open(stress.workers);
	pools[1] = stress_open(1);
	for (size_t i = 0; i < rounds; i++)
		one_round(&random);
	stress_close(pools[0]);
	stress_close(pools[1]);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
