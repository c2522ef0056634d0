/* SPDX-License-Identifier: MIT */
/*
 * skua_map(): chunks of items are dealt out to runners. A runner is a task that
 * takes one chunk after the other. As long as chunks are left one runner is
 * queued that has not started, so whoever has nothing to do gets some; and where
 * an item waits, its worker starts that one: each chunk is within reach
 * whatever others wait for. A runner that has run for a while ends and submits
 * another in its place, so that its worker looks at what else is due.
 *
 * The call returns when all chunks have ended. Runners that come too late find
 * none left; they touch the map alone, which is freed by the last one. Protocol:
 * docs/design/algorithms.md.
 */
#include <stdlib.h>

#include <skua/map.h>

#include "chunk.h"
#include "deadline.h"
#include "lanes.h"

enum {
	CHUNKS_A_WORKER = 8, /* if the size of a chunk is not given */
	CHUNKS_A_TURN = 128 /* that a runner runs at most */
};

#define TURN_NS INT64_C(100000)

/* In first_error: none yet. */
#define NO_ERROR SIZE_MAX

struct map {
	/* I, but for stop, which is read as often. */
	struct skua_pool *pool;
	skua_fn *fn;
	void *const *items;
	void **results;
	size_t count;
	size_t chunk;
	int64_t deadline_ns;
	unsigned lanes;
	struct skua_future *done; /* a promise: no chunk is left or runs */
	_Atomic(bool) stop; /* A */
	char apart[SKI_LANE_BYTES];
	/* A: at the beginning and the end of each runner. */
	_Atomic(size_t) left; /* chunks that have not ended */
	_Atomic(size_t) completed; /* items that ended without failing */
	_Atomic(unsigned) queued; /* runners that have not started */
	_Atomic(bool) sending; /* somebody submits one */
	_Atomic(unsigned) references; /* the caller and all runners */
	/* A: in case of errors. */
	_Atomic(size_t) first_error; /* of the first chunk that has one */
	_Atomic(int) why; /* it was stopped; 0 */
	char apart_too[SKI_LANE_BYTES];
	struct ski_lane lane[];
};

/* ---- the end of chunks ---- */

/* Behind all that was done with them. */
static void end_chunks(struct map *map, size_t chunks)
{
	/* Acquire and release: the results and counts of all who ended some
	 * are with the last one, and by the promise with the caller. It
	 * pairs with itself. */
	if (atomic_fetch_sub_explicit(&map->left, chunks,
				      memory_order_acq_rel) == chunks)
		skua_promise_set(map->done, NULL);
}

/* A failure comes before what did not run, in the same chunk too. */
static void note_error(struct map *map, size_t number, bool failed)
{
	size_t error = 2 * number + !failed;
	/* Relaxed: comes to the caller with the end of the chunk. */
	size_t first =
		atomic_load_explicit(&map->first_error, memory_order_relaxed);

	while (error < first &&
	       !atomic_compare_exchange_weak_explicit(
		       &map->first_error, &first, error, memory_order_relaxed,
		       memory_order_relaxed))
		;
}

static void clear(void *results[], size_t count)
{
	for (size_t i = 0; results && i < count; i++)
		results[i] = NULL;
}

/* The items from @first on, as many as @most of them. */
static struct ski_chunk items_from(struct map *map, size_t first, size_t most)
{
	size_t left = map->count - first;

	return (struct ski_chunk){
		.fn = map->fn,
		.stop = &map->stop,
		.items = map->items + first,
		.count = left < most ? left : most,
		.results = map->results ? map->results + first : NULL,
	};
}

/* Nothing more is to start, because of @why: takes the chunks that are left. In
 * any thread that has a reference, also one that shuts the pool down. */
static void stop(struct map *map, int why)
{
	size_t ended = 0;
	int none = 0;

	/* Relaxed: comes to the caller with the end of what did not run.
	 * Failure: another reason was first. */
	atomic_compare_exchange_strong_explicit(&map->why, &none, why,
						memory_order_relaxed,
						memory_order_relaxed);
	/* Release: the reason. Pairs with the load in cut_short(). */
	atomic_store_explicit(&map->stop, true, memory_order_release);
	for (unsigned i = 0; i < map->lanes; i++) {
		size_t number;
		size_t chunks = ski_lane_take_rest(&map->lane[i], &number);
		struct ski_chunk rest;

		if (!chunks)
			continue;
		rest = items_from(map, number * map->chunk,
				  chunks * map->chunk);
		clear(rest.results, rest.count);
		note_error(map, number, false);
		ended += chunks;
	}
	if (ended)
		end_chunks(map, ended);
}

/* ---- runners ---- */

static void leave(struct map *map)
{
	/* Acquire and release: the last one comes after all others.
	 * It pairs with itself. */
	if (atomic_fetch_sub_explicit(&map->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	skua_future_release(map->done);
	free(map);
}

/* The pool was shut down before it started. */
static void drop_runner(void *argument)
{
	struct map *map = argument;

	stop(map, SKUA_ECANCELLED);
	leave(map);
}

static void *run(void *argument);

static int submit_runner(struct map *map)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	int error = SKUA_ETIMEDOUT;

	options.drop_arg = drop_runner;
	options.timeout_ns = ski_time_left(map->deadline_ns);
	/* Relaxed, both: we hold a reference, and the submit publishes. */
	atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&map->queued, 1, memory_order_relaxed);
	if (options.timeout_ns)
		error = skua_submit_with(map->pool, run, map, &options, NULL);
	if (error)
		leave(map);
	return error;
}

/* Not if somebody else does: who submits looks at the end whether one more is
 * needed. That may take a while in a full pool, where a submit waits for room;
 * or, if it cannot wait, runs the runner at once: which then comes here, and
 * must not go down another level.
 *
 * Seq_cst, all: the start of a runner and its look at sending, in one order
 * with the end of sending and the look at queued. One sees the other. */
static void send_runner(struct map *map)
{
	int error;

	do {
		/* Seq_cst, here and below: pairs with run(). */
		if (atomic_exchange_explicit(&map->sending, true,
					     memory_order_seq_cst))
			return;
		error = submit_runner(map);
		atomic_store_explicit(&map->sending, false,
				      memory_order_seq_cst);
		if (error)
			stop(map, error);
		/* Pairs with the look at sending, as said. */
	} while (!atomic_load_explicit(&map->queued, memory_order_seq_cst) &&
		 ski_lanes_left(map->lane, map->lanes));
}

/* A chunk that failed or was stopped. */
static void cut_short(struct map *map, size_t number,
		      const struct ski_chunk *chunk)
{
	/* Acquire: why it was stopped. Pairs with stop(). */
	(void)atomic_load_explicit(&map->stop, memory_order_acquire);
	if (chunk->results)
		clear(chunk->results + chunk->ran, chunk->count - chunk->ran);
	note_error(map, number, chunk->failed);
}

/* Returns how many of its items completed. */
static size_t run_chunk(struct map *map, size_t number)
{
	struct ski_chunk chunk =
		items_from(map, number * map->chunk, map->chunk);

	ski_chunk_run(&chunk);
	if (__builtin_expect(chunk.failed || chunk.ran < chunk.count, 0))
		cut_short(map, number, &chunk);
	return chunk.ran - chunk.failed;
}

/* The clock is looked at after 1, 2, 4, … chunks: they may be short. */
static bool is_over(size_t ran, int64_t begin_ns)
{
	if (ran & (ran - 1))
		return false;
	return ran == CHUNKS_A_TURN || ski_now_ns() - begin_ns >= TURN_NS;
}

static void run_chunks(struct map *map, unsigned home, size_t number)
{
	int64_t begin_ns = ski_now_ns();
	size_t ran = 0, completed = 0;
	bool over, more;

	do {
		completed += run_chunk(map, number);
		over = is_over(++ran, begin_ns);
		more = over ? ski_lanes_left(map->lane, map->lanes) :
			      ski_lanes_take(map->lane, map->lanes, home,
					     &number);
	} while (more && !over);
	if (more)
		send_runner(map);
	/* Relaxed: comes to the caller with the end of the chunks. */
	atomic_fetch_add_explicit(&map->completed, completed,
				  memory_order_relaxed);
	end_chunks(map, ran);
}

/* The task. */
static void *run(void *argument)
{
	struct map *map = argument;
	unsigned home = (unsigned)skua_worker();
	/* Seq_cst: pairs with send_runner(). */
	unsigned queued = atomic_fetch_sub_explicit(&map->queued, 1,
						    memory_order_seq_cst);
	size_t number;

	if (ski_lanes_take(map->lane, map->lanes, home, &number)) {
		if (queued == 1 && ski_lanes_left(map->lane, map->lanes))
			send_runner(map);
		run_chunks(map, home, number);
	}
	leave(map);
	return NULL;
}

/* ---- the call ---- */

static size_t choose_chunk(const struct skua_pool *pool, size_t count)
{
	size_t chunks = (size_t)skua_pool_workers(pool) * CHUNKS_A_WORKER;

	return chunks && count > chunks ? count / chunks : 1;
}

/* With what does not depend on the call. NULL: no memory. */
static struct map *new_map(const struct skua_pool *pool, size_t chunks)
{
	unsigned lanes = skua_pool_workers(pool);
	struct map *map;

	if (!lanes)
		lanes = 1;
	if (lanes > chunks)
		lanes = (unsigned)chunks;
	map = calloc(1, sizeof(*map) + lanes * sizeof(map->lane[0]));
	if (!map)
		return NULL;
	if (skua_promise_open(&map->done)) {
		free(map);
		return NULL;
	}
	map->lanes = lanes;
	ski_lanes_fill(map->lane, lanes, chunks);
	atomic_init(&map->left, chunks);
	atomic_init(&map->references, 1);
	atomic_init(&map->first_error, NO_ERROR);
	return map;
}

static void run_all(struct map *map)
{
	int error;

	send_runner(map);
	error = skua_future_result(map->done, ski_time_left(map->deadline_ns),
				   NULL);
	if (error) { /* ETIMEDOUT, ENOMEM */
		stop(map, error);
		ski_chunk_wait(map->done);
	}
}

/* The first error in the order of the items. */
static int settle(struct map *map, size_t *completed)
{
	/* Relaxed, all: the promise brought them. */
	size_t first =
		atomic_load_explicit(&map->first_error, memory_order_relaxed);

	*completed =
		atomic_load_explicit(&map->completed, memory_order_relaxed);
	if (first == NO_ERROR)
		return 0;
	return first % 2 ?
		       atomic_load_explicit(&map->why, memory_order_relaxed) :
		       SKUA_EFAILED;
}

int skua_map(struct skua_pool *pool, skua_fn *fn, void *const items[],
	     size_t count, size_t chunk, int64_t timeout_ns, void *results[],
	     size_t *completed)
{
	int64_t deadline_ns = ski_deadline_after(timeout_ns);
	size_t done = 0;
	int error = 0;

	if (!pool || !fn || (count && !items) ||
	    count > PTRDIFF_MAX / sizeof(*items))
		return SKUA_EINVAL;
	if (!chunk)
		chunk = choose_chunk(pool, count);
	if (count) {
		struct map *map = new_map(pool, (count - 1) / chunk + 1);

		if (map) {
			map->pool = pool;
			map->fn = fn;
			map->items = items;
			map->results = results;
			map->count = count;
			map->chunk = chunk;
			map->deadline_ns = deadline_ns;
			run_all(map);
			error = settle(map, &done);
			leave(map);
		} else {
			clear(results, count);
			error = SKUA_ENOMEM;
		}
	}
	if (completed)
		*completed = done;
	return error;
}
