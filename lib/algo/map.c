/* SPDX-License-Identifier: MIT */
/*
 * skua_map(): all chunks are submitted at once, and waited for. Each is a task
 * of its own, so that items that wait hold up no others but those of their
 * chunk.
 */
#include <stdlib.h>

#include <skua/map.h>

#include "chunk.h"
#include "deadline.h"

/* Tasks for each worker, if the size of a chunk is not given. */
enum {
	TASKS_A_WORKER = 8
};

struct part {
	struct ski_chunk chunk;
	struct skua_future *future; /* until it has been waited for */
};

struct map {
	struct skua_pool *pool;
	int64_t deadline_ns;
	_Atomic(bool) stop;
	int why; /* it was stopped; 0 */
	size_t parts; /* all */
	size_t submitted; /* the first ones */
	struct part *part;
};

static size_t choose_chunk(const struct skua_pool *pool, size_t count)
{
	size_t tasks = (size_t)skua_pool_workers(pool) * TASKS_A_WORKER;

	return tasks && count > tasks ? count / tasks : 1;
}

static int make_parts(struct map *map, skua_fn *fn, void *const items[],
		      size_t count, size_t chunk, void *results[])
{
	map->parts = (count - 1) / chunk + 1;
	map->part = calloc(map->parts, sizeof(*map->part));
	if (!map->part)
		return SKUA_ENOMEM;
	for (size_t i = 0; i < map->parts; i++) {
		size_t first = i * chunk;
		size_t left = count - first;

		map->part[i].chunk = (struct ski_chunk){
			.fn = fn,
			.stop = &map->stop,
			.items = items + first,
			.count = left < chunk ? left : chunk,
			.results = results ? results + first : NULL,
		};
	}
	return 0;
}

/* Nothing more is to start, because of @why. */
static void stop(struct map *map, int why)
{
	if (map->why)
		return;
	map->why = why;
	/* Relaxed: a request. */
	atomic_store_explicit(&map->stop, true, memory_order_relaxed);
	for (size_t i = 0; i < map->submitted; i++)
		skua_future_cancel(map->part[i].future);
}

static void submit_all(struct map *map)
{
	while (map->submitted < map->parts && !map->why) {
		struct part *part = &map->part[map->submitted];
		int error = ski_chunk_submit(&part->chunk, map->pool,
					     map->deadline_ns, &part->future);

		if (error)
			stop(map, error);
		else
			map->submitted++;
	}
}

static void wait_for(struct map *map, struct part *part)
{
	int error = 0;

	if (!map->why)
		error = skua_future_result(
			part->future, ski_time_left(map->deadline_ns), NULL);
	if (error == SKUA_ETIMEDOUT || error == SKUA_ENOMEM)
		stop(map, error);
	if (map->why)
		ski_chunk_wait(part->future);
	skua_future_release(part->future);
	part->future = NULL;
}

/* Best from the one that will be done last, so that one wait is enough: others
 * take the oldest first, and a worker its own newest. */
static void wait_for_all(struct map *map)
{
	bool inside = skua_pool_current() == map->pool;

	for (size_t i = 0; i < map->submitted; i++) {
		size_t at = inside ? i : map->submitted - 1 - i;

		wait_for(map, &map->part[at]);
	}
}

/* Of one part that has ended: what was done, and its first error. */
static int settle(const struct map *map, struct part *part, size_t *completed)
{
	struct ski_chunk *chunk = &part->chunk;

	*completed += chunk->ran - chunk->failed;
	if (chunk->results)
		for (size_t i = chunk->ran; i < chunk->count; i++)
			chunk->results[i] = NULL;
	if (chunk->failed)
		return SKUA_EFAILED;
	if (chunk->ran == chunk->count)
		return 0;
	return map->why ? map->why : SKUA_ECANCELLED;
}

static int settle_all(struct map *map, size_t *completed)
{
	int first = 0;

	for (size_t i = 0; i < map->parts; i++) {
		int error = settle(map, &map->part[i], completed);

		if (!first)
			first = error;
	}
	return first;
}

static void clear(void *results[], size_t count)
{
	for (size_t i = 0; results && i < count; i++)
		results[i] = NULL;
}

int skua_map(struct skua_pool *pool, skua_fn *fn, void *const items[],
	     size_t count, size_t chunk, int64_t timeout_ns, void *results[],
	     size_t *completed)
{
	struct map map = { .pool = pool };
	size_t done = 0;
	int error;

	if (!pool || !fn || (count && !items))
		return SKUA_EINVAL;
	map.deadline_ns = ski_deadline_after(timeout_ns);
	if (!chunk)
		chunk = choose_chunk(pool, count);
	error = count ? make_parts(&map, fn, items, count, chunk, results) : 0;
	if (!error) {
		submit_all(&map);
		wait_for_all(&map);
		error = settle_all(&map, &done);
	} else {
		clear(results, count);
	}
	free(map.part);
	if (completed)
		*completed = done;
	return error;
}
