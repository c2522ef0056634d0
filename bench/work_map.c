/* SPDX-License-Identifier: MIT */
/*
 * map: a million trivial items, 100 or 1,000 of them a task, results in the
 * place of their items. The value is the time of one item, over several passes
 * after one that touches all memory.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	ITEMS = 1000000,
	PASSES = 10
};

struct map {
	const struct trial *trial;
	struct sample *sample;
	size_t chunk;
	void **items;
	void **results;
};

/* A chunk, for those who have no map of their own. */
struct piece {
	peer_fn *fn;
	void *const *items;
	void **results;
	size_t count;
};

static void *triple(void *item)
{
	return (void *)((uintptr_t)item * 3);
}

static void *run_piece(void *arg)
{
	struct piece *piece = arg;

	for (size_t i = 0; i < piece->count; i++)
		piece->results[i] = piece->fn(piece->items[i]);
	return arg;
}

/* What a program would write around submit and wait. */
static void map_by_jobs(struct map *map, void *pool)
{
	size_t count = ITEMS / map->chunk;
	struct piece *pieces = malloc(count * sizeof(*pieces));
	struct batch batch;

	if (!pieces || batch_open(&batch, map->trial->peer, pool, count)) {
		sample_fail(map->sample, "no memory for the jobs");
		free(pieces);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		pieces[i] = (struct piece){
			.fn = triple,
			.items = map->items + i * map->chunk,
			.results = map->results + i * map->chunk,
			.count = map->chunk,
		};
		batch_submit(&batch, i, run_piece, &pieces[i], map->sample);
	}
	for (size_t i = 0; i < count && !map->sample->error[0]; i++)
		batch_wait(&batch, i);
	batch_close(&batch);
	free(pieces);
}

static void pass(struct map *map, void *pool)
{
	const struct peer *peer = map->trial->peer;

	if (!peer->map)
		map_by_jobs(map, pool);
	else if (peer->map(pool, triple, map->items, ITEMS, map->chunk,
			   map->results))
		sample_fail(map->sample, "the map failed");
}

static void check(struct map *map)
{
	uint64_t sum = 0;
	uint64_t answer = (uint64_t)ITEMS * (ITEMS - 1) / 2 * 3;

	for (size_t i = 0; i < ITEMS; i++)
		sum += (uintptr_t)map->results[i];
	if (sum != answer)
		sample_fail(map->sample,
			    "the results sum up to %" PRIu64 ", not %" PRIu64,
			    sum, answer);
}

static void run(void *pool, void *context)
{
	struct map *map = context;
	double start;

	pass(map, pool);
	start = wall_seconds();
	for (int i = 0; i < PASSES && !map->sample->error[0]; i++)
		pass(map, pool);
	map->sample->value = (wall_seconds() - start) / PASSES / ITEMS;
	check(map);
}

static void measure(const struct trial *trial, struct sample *sample,
		    size_t chunk)
{
	struct map map = {
		.trial = trial,
		.sample = sample,
		.chunk = chunk,
		.items = malloc(ITEMS * sizeof(void *)),
		.results = calloc(ITEMS, sizeof(void *)),
	};
	struct crew crew = {
		.workers = trial->workers,
		.submitters = trial->peer->threads ? 1 : 0,
		.jobs = ITEMS / chunk,
	};

	for (size_t i = 0; map.items && i < ITEMS; i++)
		map.items[i] = (void *)i;
	if (!map.items || !map.results)
		sample_fail(sample, "no memory for the items");
	else if (trial->peer->with(&crew, run, &map))
		sample_fail(sample, "cannot open a pool");
	free(map.items);
	free(map.results);
}

static void measure_100(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, 100);
}

static void measure_1000(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, 1000);
}

static bool fits(const struct peer *peer)
{
	return peer->map || peer->executor;
}

const struct workload work_map_100 = {
	.name = "map",
	.variant = "100",
	.title = "a million trivial items, 100 a task; time of one",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_100,
};

const struct workload work_map_1000 = {
	.name = "map",
	.variant = "1000",
	.title = "the same, 1,000 a task",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_1000,
};
