/* SPDX-License-Identifier: MIT */
/*
 * completed: jobs submitted from one thread, their results taken in the order
 * in which they are done. The value is the time of one job, with 10,000 and
 * with 100,000 of them: it is to be about the same.
 */
#include <inttypes.h>

#include "stopwatch.h"
#include "works.h"

enum {
	FEW = 10000,
	MANY = 100000,
	JOBS = 500000 /* in all passes of a sample */
};

struct collection {
	const struct trial *trial;
	struct sample *sample;
	size_t count;
};

static void *identity(void *arg)
{
	return arg;
}

static void pass(struct collection *collection, void *pool)
{
	size_t count = collection->count;
	uint64_t answer = (uint64_t)count * (count - 1) / 2;
	uint64_t sum = collection->trial->peer->collect(pool, identity, count);

	if (sum != answer)
		sample_fail(collection->sample,
			    "the results sum up to %" PRIu64 ", not %" PRIu64,
			    sum, answer);
}

static void run(void *pool, void *context)
{
	struct collection *collection = context;
	size_t passes = JOBS / collection->count;
	double start;

	pass(collection, pool);
	start = wall_seconds();
	for (size_t i = 0; i < passes && !collection->sample->error[0]; i++)
		pass(collection, pool);
	collection->sample->value =
		(wall_seconds() - start) / (double)(passes * collection->count);
}

static void measure(const struct trial *trial, struct sample *sample,
		    size_t count)
{
	struct collection collection = { trial, sample, count };
	struct crew crew = { trial->workers, 1, count };

	if (trial->peer->with(&crew, run, &collection))
		sample_fail(sample, "cannot open a pool");
}

static void measure_few(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, FEW);
}

static void measure_many(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, MANY);
}

static bool fits(const struct peer *peer)
{
	return peer->collect;
}

const struct workload work_completed_10k = {
	.name = "completed",
	.variant = "10k",
	.title = "10,000 jobs taken as they are done; time of one",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_few,
};

const struct workload work_completed_100k = {
	.name = "completed",
	.variant = "100k",
	.title = "the same with 100,000",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_many,
};
