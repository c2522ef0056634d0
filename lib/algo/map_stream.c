/* SPDX-License-Identifier: MIT */
/*
 * The streaming map: a ring of slots, one chunk each. The reader fills slots at
 * the tail with items, and takes results from the head. Only it touches the
 * ring; a slot's chunk is its task's until the future is done.
 *
 *	head <= tail <= head + slots
 */
#include <stdlib.h>

#include <skua/map.h>

#include "chunk.h"
#include "deadline.h"

/* Slots for each worker, and for the reader, if not given. */
enum {
	SLOTS_A_WORKER = 4
};

struct slot {
	struct ski_chunk chunk;
	struct skua_future *future; /* until its results have been read */
	int error; /* of the submit */
	size_t read; /* items that have been answered */
	void **cell; /* items, and their results in the same place */
	int *code;
};

struct skua_map {
	struct skua_pool *pool;
	skua_fn *fn;
	int (*next)(void *context, void **item);
	void *context;
	size_t chunk;
	size_t slots;
	int64_t deadline_ns;
	_Atomic(bool) stop;
	bool timed_out;
	bool ended; /* no more items are taken */
	int error; /* what @next ended with, not yet told */
	uint64_t head;
	uint64_t tail;
	void **cells;
	int *codes;
	struct slot slot[];
};

static struct slot *slot_at(struct skua_map *map, uint64_t n)
{
	return &map->slot[n % map->slots];
}

/* ---- stopping ---- */

/* Nothing more is taken or started. */
static void stop(struct skua_map *map)
{
	map->ended = true;
	/* Relaxed: a request. */
	atomic_store_explicit(&map->stop, true, memory_order_relaxed);
	for (uint64_t n = map->head; n < map->tail; n++)
		skua_future_cancel(slot_at(map, n)->future);
}

static void time_out(struct skua_map *map)
{
	if (map->timed_out)
		return;
	map->timed_out = true;
	stop(map);
}

/* ---- items ---- */

/* Up to a chunk of items. Returns how many. */
static size_t take_items(struct skua_map *map, void **cell)
{
	size_t n = 0;

	while (n < map->chunk && !map->ended) {
		int got = map->next(map->context, &cell[n]);

		if (got > 0) {
			n++;
		} else {
			map->ended = true;
			map->error = got;
		}
	}
	return n;
}

static void submit(struct skua_map *map, struct slot *slot, size_t count)
{
	slot->chunk = (struct ski_chunk){
		.fn = map->fn,
		.stop = &map->stop,
		.items = slot->cell,
		.count = count,
		.results = slot->cell,
		.codes = slot->code,
	};
	slot->read = 0;
	slot->error = ski_chunk_submit(&slot->chunk, map->pool,
				       map->deadline_ns, &slot->future);
	map->tail++;
	if (slot->error == SKUA_ETIMEDOUT)
		time_out(map);
	else if (slot->error)
		map->ended = true;
}

static void fill(struct skua_map *map)
{
	while (!map->ended && map->tail - map->head < map->slots) {
		struct slot *slot = slot_at(map, map->tail);
		size_t count;

		if (!ski_time_left(map->deadline_ns)) {
			time_out(map);
			return;
		}
		for (size_t i = 0; i < map->chunk; i++)
			slot->code[i] = 0;
		count = take_items(map, slot->cell);
		if (count)
			submit(map, slot, count);
	}
}

/* ---- results ---- */

/* Until the slot has ended or the time is over. Errors: SKUA_ETIMEDOUT, it
 * runs still and is not to be looked at; SKUA_ENOMEM. */
static int wait_for(struct skua_map *map, struct slot *slot)
{
	int error;

	if (slot->error || skua_future_done(slot->future))
		return 0;
	error = skua_future_result(slot->future,
				   ski_time_left(map->deadline_ns), NULL);
	if (error != SKUA_ETIMEDOUT)
		return error == SKUA_ENOMEM ? error : 0;
	time_out(map);
	return skua_future_done(slot->future) ? 0 : error;
}

/* Of an item whose slot has ended. */
static int answer(const struct skua_map *map, const struct slot *slot,
		  size_t item, void **result, int *code)
{
	if (slot->error)
		return slot->error;
	if (item >= slot->chunk.ran)
		return map->timed_out ? SKUA_ETIMEDOUT : SKUA_ECANCELLED;
	if (code)
		*code = slot->code[item];
	if (slot->code[item])
		return SKUA_EFAILED;
	if (result)
		*result = slot->cell[item];
	return 0;
}

/* One more has been answered. A slot that still runs keeps its future, for
 * skua_map_close() to wait for: no slot is used again when the time is
 * over. */
static void advance(struct skua_map *map, struct slot *slot)
{
	if (++slot->read < slot->chunk.count)
		return;
	map->head++;
	if (slot->future && skua_future_done(slot->future)) {
		skua_future_release(slot->future);
		slot->future = NULL;
	}
}

static int at_end(struct skua_map *map)
{
	int error = map->error;

	map->error = 0;
	return error ? error : SKUA_ENONE;
}

int skua_map_next(struct skua_map *map, void **result, int *code)
{
	struct slot *slot;
	int error;

	if (!map)
		return SKUA_EINVAL;
	fill(map);
	if (map->head == map->tail)
		return at_end(map);
	slot = slot_at(map, map->head);
	error = wait_for(map, slot);
	if (error == SKUA_ENOMEM)
		return error;
	if (!error)
		error = answer(map, slot, slot->read, result, code);
	advance(map, slot);
	return error;
}

/* ---- open and close ---- */

static void free_map(struct skua_map *map)
{
	free(map->cells);
	free(map->codes);
	free(map);
}

/* @chunk and @slots are small enough for the sizes to fit. */
static struct skua_map *new_map(size_t chunk, size_t slots)
{
	struct skua_map *map =
		calloc(1, sizeof(*map) + slots * sizeof(map->slot[0]));

	if (!map)
		return NULL;
	map->chunk = chunk;
	map->slots = slots;
	map->cells = calloc(slots * chunk, sizeof(*map->cells));
	map->codes = calloc(slots * chunk, sizeof(*map->codes));
	if (!map->cells || !map->codes) {
		free_map(map);
		return NULL;
	}
	for (size_t i = 0; i < slots; i++) {
		map->slot[i].cell = map->cells + i * chunk;
		map->slot[i].code = map->codes + i * chunk;
	}
	return map;
}

/* @chunk and the number of slots. SKUA_ENOMEM: no memory could hold that. */
static int size_up(const struct skua_pool *pool, size_t *chunk, size_t ahead,
		   size_t *slots)
{
	size_t most = PTRDIFF_MAX / (2 * sizeof(struct slot));

	if (!*chunk)
		*chunk = 1;
	if (ahead && *chunk > ahead)
		*chunk = ahead;
	*slots = ahead ? ahead / *chunk :
			 SLOTS_A_WORKER * ((size_t)skua_pool_workers(pool) + 1);
	return *chunk > most || *slots > most / *chunk ? SKUA_ENOMEM : 0;
}

int skua_map_open(struct skua_map **out, struct skua_pool *pool, skua_fn *fn,
		  int (*next)(void *context, void **item), void *context,
		  size_t chunk, size_t ahead, int64_t timeout_ns)
{
	struct skua_map *map;
	size_t slots;
	int error;

	if (!out || !pool || !fn || !next)
		return SKUA_EINVAL;
	error = size_up(pool, &chunk, ahead, &slots);
	if (error)
		return error;
	map = new_map(chunk, slots);
	if (!map)
		return SKUA_ENOMEM;
	map->pool = skua_pool_retain(pool);
	map->fn = fn;
	map->next = next;
	map->context = context;
	map->deadline_ns = ski_deadline_after(timeout_ns);
	*out = map;
	return 0;
}

void skua_map_close(struct skua_map *map)
{
	if (!map)
		return;
	stop(map);
	for (size_t i = 0; i < map->slots; i++) {
		struct skua_future *future = map->slot[i].future;

		if (!future)
			continue;
		ski_chunk_wait(future);
		skua_future_release(future);
	}
	skua_pool_release(map->pool);
	free_map(map);
}
