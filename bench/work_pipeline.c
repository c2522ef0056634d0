/* SPDX-License-Identifier: MIT */
/*
 * pipeline: a hundred thousand items through three stages, the first and the
 * last in order, the middle one parallel and about a microsecond long; 64 items
 * under way at most. The value is the time of one item.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "stopwatch.h"
#include "works.h"

enum {
	ITEMS = 100000,
	SLOTS = 64,
	STEPS = 1000 /* of the middle stage: about a microsecond */
};

/* One line each, so that neighbours do not share one. */
struct slot {
	_Alignas(64) uint64_t value;
};

struct flow {
	struct pipeline pipeline; /* first: the one is the other */
	struct slot slot[SLOTS];
	size_t read, written;
	uint64_t sum;
	bool wrong; /* out of order */
};

static uint64_t churn(uint64_t x)
{
	for (int i = 0; i < STEPS; i++)
		x = x * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return x;
}

static void read_item(struct pipeline *pipeline, size_t block)
{
	struct flow *flow = (struct flow *)pipeline;

	flow->wrong |= block != flow->read++;
	flow->slot[block % SLOTS].value = block;
}

static void churn_item(struct pipeline *pipeline, size_t block)
{
	struct flow *flow = (struct flow *)pipeline;
	struct slot *slot = &flow->slot[block % SLOTS];

	slot->value = churn(slot->value);
}

static void write_item(struct pipeline *pipeline, size_t block)
{
	struct flow *flow = (struct flow *)pipeline;

	flow->wrong |= block != flow->written++;
	flow->sum += flow->slot[block % SLOTS].value;
}

struct job {
	const struct trial *trial;
	struct sample *sample;
};

static void run_flow(const struct trial *trial, void *pool, size_t items,
		     struct flow *flow)
{
	*flow = (struct flow){
		.pipeline = { items, SLOTS, read_item, churn_item, write_item },
	};
	trial->peer->pipeline(pool, &flow->pipeline);
}

static void run(void *pool, void *context)
{
	struct job *job = context;
	struct flow flow;
	uint64_t answer = 0;
	double start;

	run_flow(job->trial, pool, ITEMS / 100, &flow);
	start = wall_seconds();
	run_flow(job->trial, pool, ITEMS, &flow);
	job->sample->value = (wall_seconds() - start) / ITEMS;
	for (size_t i = 0; i < ITEMS; i++)
		answer += churn(i);
	if (flow.sum != answer || flow.written != ITEMS || flow.wrong)
		sample_fail(job->sample,
			    "the sum is %" PRIu64 ", not %" PRIu64 "%s",
			    flow.sum, answer,
			    flow.wrong ? ", not in order" : "");
}

static void measure(const struct trial *trial, struct sample *sample)
{
	struct job job = { trial, sample };
	struct crew crew = { .workers = trial->workers, .jobs = SLOTS };

	if (trial->peer->with(&crew, run, &job))
		sample_fail(sample, "cannot open a pool");
}

static bool fits(const struct peer *peer)
{
	return peer->pipeline;
}

const struct workload work_pipeline = {
	.name = "pipeline",
	.variant = "",
	.title = "items through three stages, 1 us each; time of one",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};
