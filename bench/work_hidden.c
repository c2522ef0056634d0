/* SPDX-License-Identifier: MIT */
/*
 * hidden: 16 tasks of 10 ms are forked within microseconds while all other
 * workers are still busy for 1 ms, and then only joined. A scheduler that shows
 * its tasks to others only when it forks leaves those workers without work.
 */
#include <stdatomic.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	TASKS = 16
};
static const double TASK_SECONDS = 0.010, BUSY_SECONDS = 0.001;

struct hidden {
	struct herd herd; /* first: what the callbacks get */
	const struct trial *trial;
	struct sample *sample;
	double start; /* when all the others were busy */
	atomic_uint busy;
	atomic_bool go; /* publishes start */
	atomic_uint done;
};

static void burn_until(double end)
{
	while (wall_seconds() < end)
		;
}

/* Busy until BUSY_SECONDS after the last of the others has come. */
static void *occupy(void *arg)
{
	struct hidden *hidden = arg;

	atomic_fetch_add_explicit(&hidden->busy, 1, memory_order_relaxed);
	/* Acquire: pairs with await_busy(). */
	while (!atomic_load_explicit(&hidden->go, memory_order_acquire))
		;
	burn_until(hidden->start + BUSY_SECONDS);
	return NULL;
}

static void await_busy(struct herd *herd)
{
	struct hidden *hidden = (struct hidden *)herd;

	while (atomic_load_explicit(&hidden->busy, memory_order_relaxed) <
	       herd->workers - 1)
		;
	hidden->start = wall_seconds();
	/* Release: publishes start to occupy(). */
	atomic_store_explicit(&hidden->go, true, memory_order_release);
}

static void *work(void *arg)
{
	struct hidden *hidden = arg;

	burn_until(wall_seconds() + TASK_SECONDS);
	atomic_fetch_add_explicit(&hidden->done, 1, memory_order_relaxed);
	return NULL;
}

/* Executors: the herd comes from outside. */
static void submit_herd(void *pool, struct hidden *hidden)
{
	unsigned others = hidden->herd.workers - 1, all = others + TASKS;
	struct batch batch;

	if (batch_open(&batch, hidden->trial->peer, pool, all)) {
		sample_fail(hidden->sample, "no memory for the futures");
		return;
	}
	for (unsigned i = 0; i < others; i++)
		batch_submit(&batch, i, occupy, hidden, hidden->sample);
	await_busy(&hidden->herd);
	for (unsigned i = others; i < all; i++)
		batch_submit(&batch, i, work, hidden, hidden->sample);
	for (unsigned i = 0; i < all; i++)
		batch_wait(&batch, i);
	batch_close(&batch);
}

static void drive(void *pool, void *context)
{
	struct hidden *hidden = context;
	const struct peer *peer = hidden->trial->peer;
	unsigned workers = hidden->herd.workers;
	double ideal =
		(TASKS * TASK_SECONDS + (workers - 1) * BUSY_SECONDS) / workers;

	if (peer->herd)
		peer->herd(pool, &hidden->herd);
	else
		submit_herd(pool, hidden);
	hidden->sample->value = (wall_seconds() - hidden->start) / ideal;
	if (atomic_load_explicit(&hidden->done, memory_order_relaxed) != TASKS)
		sample_fail(hidden->sample, "not all of the tasks have run");
}

static void measure(const struct trial *trial, struct sample *sample)
{
	struct hidden hidden = {
		.herd = { trial->workers, TASKS, occupy, work, await_busy },
		.trial = trial,
		.sample = sample,
	};
	struct crew crew = {
		.workers = trial->workers,
		.submitters = trial->peer->herd ? 0 : 1,
		.jobs = trial->workers + TASKS,
	};

	if (trial->peer->with(&crew, drive, &hidden))
		sample_fail(sample, "cannot open a pool");
}

static bool fits(const struct peer *peer)
{
	return peer->herd || peer->executor;
}

const struct workload work_hidden = {
	.name = "hidden",
	.variant = "",
	.title = "16 tasks of 10 ms forked while others are busy for 1 ms, "
		 "over ideal",
	.unit = UNIT_RATIO,
	.workers_min = 2,
	.fits = fits,
	.measure = measure,
};
