/* SPDX-License-Identifier: MIT */
/*
 * group run: a task adds a million children to a group, which mark one byte
 * each, and waits for all; the value is the time of a child. group asked: a
 * child asks ten million times whether its group is cancelled; the value is the
 * time of asking once.
 */
#include <stdlib.h>

#include "stopwatch.h"
#include "works.h"

enum {
	CHILDREN = 1000000,
	ASKED = 10000000
};

struct job {
	const struct trial *trial;
	struct sample *sample;
};

static size_t count_ones(const unsigned char *mark, size_t count)
{
	size_t ones = 0;

	for (size_t i = 0; i < count; i++)
		ones += mark[i] == 1;
	return ones;
}

static void run(void *pool, void *context)
{
	struct job *job = context;
	unsigned char *mark = calloc(CHILDREN, 1);
	double start;

	if (!mark) {
		sample_fail(job->sample, "no memory");
		return;
	}
	/* The first ones bring the memory of tasks. */
	job->trial->peer->group(pool, mark, CHILDREN / 10);
	for (size_t i = 0; i < CHILDREN / 10; i++)
		mark[i] = 0;
	start = wall_seconds();
	job->trial->peer->group(pool, mark, CHILDREN);
	job->sample->value = (wall_seconds() - start) / CHILDREN;
	if (count_ones(mark, CHILDREN) != CHILDREN)
		sample_fail(job->sample, "%zu of %d children ran once",
			    count_ones(mark, CHILDREN), CHILDREN);
	free(mark);
}

static void ask(void *pool, void *context)
{
	struct job *job = context;
	double start = wall_seconds();
	size_t times = job->trial->peer->ask(pool, ASKED);

	job->sample->value = (wall_seconds() - start) / ASKED;
	if (times != ASKED)
		sample_fail(job->sample, "not cancelled %zu times of %d", times,
			    ASKED);
}

static void measure(const struct trial *trial, struct sample *sample,
		    peer_body *body)
{
	struct job job = { trial, sample };
	struct crew crew = { .workers = trial->workers, .jobs = CHILDREN };

	if (trial->peer->with(&crew, body, &job))
		sample_fail(sample, "cannot open a pool");
}

static void measure_run(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, run);
}

static void measure_asked(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, ask);
}

static bool fits_run(const struct peer *peer)
{
	return peer->group;
}

static bool fits_asked(const struct peer *peer)
{
	return peer->ask;
}

const struct workload work_group_run = {
	.name = "group",
	.variant = "run",
	.title = "10^6 children of a group; time of one",
	.unit = UNIT_SECONDS,
	.fits = fits_run,
	.measure = measure_run,
};

const struct workload work_group_asked = {
	.name = "group",
	.variant = "asked",
	.title = "whether a group is cancelled; time of asking once",
	.unit = UNIT_SECONDS,
	.fits = fits_asked,
	.measure = measure_asked,
};
