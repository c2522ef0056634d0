/* SPDX-License-Identifier: MIT */
/*
 * test_bounded_pool.c - maps and ordered queues over pools that have less room
 * than they submit jobs: from outside, and in tasks of those pools.
 */
#include "../sched/bounded_test.h"

enum {
	ITEMS = 300
};

static void *twice(void *item)
{
	return number(2 * (uintptr_t)item);
}

/* ---- skua_map() ---- */

static void *map_once(void *pool)
{
	void *items[ITEMS], *results[ITEMS];
	size_t completed = 0;

	for (uintptr_t i = 0; i < ITEMS; i++)
		items[i] = number(i);
	CHECK(skua_map(pool, twice, items, ITEMS, 1, SKUA_FOREVER, results,
		       &completed) == 0);
	CHECK(completed == ITEMS);
	for (uintptr_t i = 0; i < ITEMS; i++)
		CHECK(results[i] == number(2 * i));
	return NULL;
}

/* ---- the streaming map ---- */

static int count_items(void *context, void **item)
{
	uintptr_t *next = context;

	if (*next == ITEMS)
		return 0;
	*item = number((*next)++);
	return 1;
}

static void *map_stream(void *pool)
{
	struct skua_map *map = NULL;
	uintptr_t next = 0;
	void *result;
	int code;

	CHECK(skua_map_open(&map, pool, twice, count_items, &next, 2, 40,
			    SKUA_FOREVER) == 0);
	for (uintptr_t i = 0; i < ITEMS; i++) {
		CHECK(skua_map_next(map, &result, &code) == 0);
		CHECK(result == number(2 * i));
	}
	CHECK(skua_map_next(map, &result, &code) == SKUA_ENONE);
	skua_map_close(map);
	return NULL;
}

/* ---- the ordered queue ---- */

static void *put_all(void *queue)
{
	for (uintptr_t i = 0; i < ITEMS; i++)
		CHECK(skua_ordered_put(queue, twice, number(i),
				       i % 2 ? SKUA_FOREVER :
					       SKUA_SECONDS(1000)) == 0);
	return NULL;
}

static void *put_and_read(void *pool)
{
	struct skua_ordered *queue = NULL;
	struct skua_future *putter;

	CHECK(skua_ordered_open(&queue, pool, 10) == 0);
	putter = submit(pool, put_all, queue);
	for (uintptr_t i = 0; i < ITEMS; i++) {
		void *result = NULL;

		CHECK(skua_ordered_await(queue, SKUA_FOREVER) == 0);
		CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result, NULL) ==
		      0);
		CHECK(result == number(2 * i));
	}
	take(putter);
	CHECK(skua_ordered_close(queue) == 0);
	return NULL;
}

/* ---- all of them ---- */

static skua_fn *const users[] = { map_once, map_stream, put_and_read };

static void users_body(unsigned workers)
{
	static const size_t bounds[] = { 1, 3, SKUA_NO_QUEUE };

	for (int b = 0; b < 3; b++) {
		struct skua_pool *pool = open_bounded(workers, bounds[b]);
		struct skua_future *tasks[6];

		for (int i = 0; i < 3; i++)
			users[i](pool);
		for (int i = 0; i < 6; i++)
			tasks[i] = submit(pool, users[i % 3], pool);
		for (int i = 0; i < 6; i++)
			take(tasks[i]);
		close_pool(pool);
	}
}

Test(bounded_pool, is_used_from_outside_and_inside, .timeout = LIMIT)
{
	with_workers(users_body);
}

/* ---- deadlines ---- */

static struct gate gate;

static struct skua_pool *open_full(void)
{
	struct skua_pool *pool = open_bounded(1, 1);

	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == 1);
	return pool;
}

Test(bounded_pool, deadlines_run_out_while_there_is_no_room, .timeout = LIMIT)
{
	struct skua_pool *pool = open_full();
	struct skua_ordered *queue = NULL;
	void *items[2] = { number(1), number(2) };
	void *results[2] = { items, items };
	struct skua_map *map = NULL;
	uintptr_t next = 0;
	size_t completed = 7;

	CHECK(skua_map(pool, twice, items, 2, 1, SKUA_MILLISECONDS(1), results,
		       &completed) == SKUA_ETIMEDOUT);
	CHECK(completed == 0 && !results[0] && !results[1]);
	CHECK(skua_map_open(&map, pool, twice, count_items, &next, 1, 4,
			    SKUA_MILLISECONDS(1)) == 0);
	CHECK(skua_map_next(map, NULL, NULL) == SKUA_ETIMEDOUT);
	skua_map_close(map);
	CHECK(skua_ordered_open(&queue, pool, 4) == 0);
	CHECK(skua_ordered_put(queue, twice, NULL, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_ordered_put(queue, twice, NULL, SKUA_MILLISECONDS(1)) ==
	      SKUA_ETIMEDOUT);
	/* Neither is in the queue. */
	CHECK(skua_ordered_next(queue, 0, NULL, NULL) == SKUA_ENONE);
	gate_open(&gate);
	CHECK(skua_ordered_put(queue, twice, number(4), SKUA_FOREVER) == 0);
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, &results[0], NULL) == 0);
	CHECK(results[0] == number(8));
	CHECK(skua_ordered_close(queue) == 0);
	close_pool(pool);
}
