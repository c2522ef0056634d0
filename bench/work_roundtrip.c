/* SPDX-License-Identifier: MIT */
/*
 * roundtrip: submit one job and wait for its result, over and over. Awake: the
 * next follows at once, and the value is the mean. Asleep: only when all
 * threads of the pool are blocked in the kernel, and the value is the median.
 */
#include "batch.h"
#include "sleepers.h"
#include "spread.h"
#include "stopwatch.h"
#include "works.h"

enum {
	AWAKE = 100000,
	ASLEEP = 2000,
	WARM = 1000
};

struct session {
	const struct trial *trial;
	struct sample *sample;
};

static void *increment(void *arg)
{
	++*(long *)arg;
	return arg;
}

/* The jobs count in one variable: each saw what the one before wrote. */
static void go_and_return(struct batch *one, long *count, struct sample *sample)
{
	batch_submit(one, 0, increment, count, sample);
	if (!sample->error[0] && batch_wait(one, 0) != count)
		sample_fail(sample, "a job returned something else");
}

static void check(long count, long answer, struct sample *sample)
{
	if (count != answer)
		sample_fail(sample, "%ld jobs have run, not %ld", count,
			    answer);
}

static void run_awake(struct batch *one, struct sample *sample)
{
	long count = 0;
	double start;

	for (int i = 0; i < WARM && !sample->error[0]; i++)
		go_and_return(one, &count, sample);
	start = wall_seconds();
	for (int i = 0; i < AWAKE && !sample->error[0]; i++)
		go_and_return(one, &count, sample);
	sample->value = (wall_seconds() - start) / AWAKE;
	check(count, WARM + AWAKE, sample);
}

static void run_asleep(struct batch *one, struct sample *sample)
{
	static double taken[ASLEEP];
	long count = 0;

	for (int i = 0; i < ASLEEP && !sample->error[0]; i++) {
		if (sleepers_await())
			sample_fail(sample, "cannot read /proc/self/task");
		taken[i] = wall_seconds();
		go_and_return(one, &count, sample);
		taken[i] = wall_seconds() - taken[i];
	}
	sample->value = spread_of(taken, ASLEEP).median;
	check(count, ASLEEP, sample);
}

static void with_one(void *pool, struct session *session,
		     void (*run)(struct batch *, struct sample *))
{
	struct batch one;

	if (batch_open(&one, session->trial->peer, pool, 1)) {
		sample_fail(session->sample, "no memory for the future");
		return;
	}
	run(&one, session->sample);
	batch_close(&one);
}

static void awake(void *pool, void *context)
{
	with_one(pool, context, run_awake);
}

static void asleep(void *pool, void *context)
{
	with_one(pool, context, run_asleep);
}

static void measure(const struct trial *trial, struct sample *sample,
		    peer_body *body)
{
	struct session session = { trial, sample };
	struct crew crew = { trial->workers, 1, 1 };

	if (trial->peer->with(&crew, body, &session))
		sample_fail(sample, "cannot open a pool");
}

static void measure_awake(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, awake);
}

static void measure_asleep(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, asleep);
}

static bool fits(const struct peer *peer)
{
	return peer->executor;
}

const struct workload work_roundtrip_awake = {
	.name = "roundtrip",
	.variant = "awake",
	.title = "submit one job and wait for it, 100,000 times",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_awake,
};

const struct workload work_roundtrip_asleep = {
	.name = "roundtrip",
	.variant = "asleep",
	.title = "the same, the pool having gone to sleep before each",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_asleep,
};
