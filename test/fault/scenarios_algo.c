/* SPDX-License-Identifier: MIT */
/* Many items at once: map in both forms, and queues that keep the order. */
#include "scenarios.h"

enum {
	ITEMS = 300,
	AHEAD = 8,
};

static _Atomic(unsigned char) ran[ITEMS];

/* An item is a place in this, and so is its result. Some wait. */
static void *run_item(void *item)
{
	_Atomic(unsigned char) *place = item;
	int error = (place - ran) % 16 ? 0 : skua_sleep(1000);

	EXPECT(error == 0 || fault_shortage(error));
	EXPECT(atomic_fetch_add(place, 1) == 0);
	return item;
}

static void clear_items(void)
{
	for (int i = 0; i < ITEMS; i++)
		atomic_store(&ran[i], 0);
}

static bool shortage_of_items(int error)
{
	return error && fault_shortage(error);
}

/* ---- the whole at once ---- */

/* Those whose result is there have run, and nobody else is counted. */
static void map_all(struct skua_pool *pool, size_t chunk)
{
	static void *items[ITEMS];
	void *results[ITEMS];
	size_t completed = 0, there = 0;
	int error;

	clear_items();
	for (int i = 0; i < ITEMS; i++)
		items[i] = &ran[i];
	error = skua_map(pool, run_item, items, ITEMS, chunk, SKUA_FOREVER,
			 results, &completed);
	EXPECT(error == 0 || shortage_of_items(error));
	for (int i = 0; i < ITEMS; i++) {
		EXPECT(results[i] == (atomic_load(&ran[i]) ? items[i] : NULL));
		there += results[i] != NULL;
	}
	EXPECT(completed == there);
	EXPECT(error || completed == ITEMS);
}

static void *map_inside(void *arg)
{
	map_all(skua_pool_current(), 7);
	map_all(skua_pool_current(), 0);
	return fault_job(arg);
}

/* Inside too, where a worker has to go on with what it has begun. */
static void map_in_task(struct skua_pool *pool)
{
	struct skua_future *task = NULL;

	if (fault_noted(skua_submit(pool, map_inside, &ledger, &task), 1))
		fault_take(task);
}

void scenario_map(void)
{
	struct skua_pool *pool = fault_open(2), *alone = fault_open(1);

	fault_begin();
	map_all(pool, 1);
	map_all(pool, 0);
	map_all(pool, 50);
	map_in_task(pool);
	map_in_task(alone);
	fault_close(alone);
	fault_close(pool);
}

/* ---- streams ---- */

static int next_item(void *context, void **item)
{
	size_t *next = context;

	if (*next == ITEMS)
		return 0;
	*item = &ran[(*next)++];
	return 1;
}

/* An answer for each item that was taken, in their order. */
static void read_stream(struct skua_map *map, const size_t *next)
{
	size_t answers = 0;

	for (;;) {
		void *result = NULL;
		size_t taken = *next;
		int error = skua_map_next(map, &result, NULL);

		if (error == SKUA_ENONE)
			break;
		EXPECT(error == 0 || shortage_of_items(error));
		/* None was to be had to wait with: that may go on. */
		if (error && taken == *next && answers == taken)
			break;
		if (!error)
			EXPECT(result == &ran[answers]);
		answers += 1;
		if (error)
			break;
	}
	EXPECT(answers <= *next);
}

static void stream_all(struct skua_pool *pool, size_t chunk)
{
	struct skua_map *map = NULL;
	size_t next = 0;
	int error;

	clear_items();
	error = skua_map_open(&map, pool, run_item, next_item, &next, chunk,
			      AHEAD, SKUA_FOREVER);
	EXPECT((error == 0) == (map != NULL));
	EXPECT(error == 0 || fault_shortage(error));
	if (!error)
		read_stream(map, &next);
	skua_map_close(map);
}

static void *stream_inside(void *arg)
{
	stream_all(skua_pool_current(), 3);
	return fault_job(arg);
}

void scenario_map_stream(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *task = NULL;

	fault_begin();
	stream_all(pool, 1);
	stream_all(pool, 3);
	if (fault_noted(skua_submit(pool, stream_inside, &ledger, &task), 1))
		fault_take(task);
	fault_close(pool);
}

/* ---- queues ---- */

/* Of each job that was put the result, in order. */
static void fill_and_empty(struct skua_ordered *queue)
{
	size_t put[AHEAD], count = 0;

	for (size_t i = 0; i < AHEAD; i++) {
		int error = skua_ordered_put(queue, run_item, &ran[i],
					     SKUA_FOREVER);

		EXPECT(error == 0 || fault_shortage(error));
		if (!error)
			put[count++] = i;
	}
	for (size_t i = 0; i < count; i++) {
		void *result = NULL;
		int error =
			skua_ordered_next(queue, SKUA_FOREVER, &result, NULL);

		/* No memory to wait: the job is still to be read, once more
		 * without a wait or by closing. */
		if (error) {
			EXPECT(fault_shortage(error));
			return;
		}
		EXPECT(result == &ran[put[i]]);
	}
	EXPECT(skua_ordered_next(queue, 1000, NULL, NULL) == SKUA_ENONE);
}

static void use_queue(struct skua_pool *pool)
{
	struct skua_ordered *queue = NULL;
	int error = skua_ordered_open(&queue, pool, AHEAD);

	EXPECT((error == 0) == (queue != NULL));
	EXPECT(error == 0 || fault_shortage(error));
	if (error)
		return;
	for (int i = 0; i < 5; i++) {
		clear_items();
		fill_and_empty(queue);
		if (skua_ordered_await(queue, 0) == 0)
			break;
	}
	EXPECT(skua_ordered_close(queue) == 0);
}

static void *use_inside(void *arg)
{
	use_queue(skua_pool_current());
	return fault_job(arg);
}

void scenario_ordered(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *task = NULL;

	fault_begin();
	use_queue(pool);
	if (fault_noted(skua_submit(pool, use_inside, &ledger, &task), 1))
		fault_take(task);
	fault_close(pool);
}
