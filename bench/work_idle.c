/* SPDX-License-Identifier: MIT */
/*
 * idle: the processor time that an open pool burns without work, in 2 seconds;
 * and beside one busy task of 1 second, that task's own time taken off. Both
 * after the pool has had something to do.
 */
#include <time.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	WARM = 1000
};
static const double BUSY_SECONDS = 1.0;

struct session {
	const struct trial *trial;
	struct sample *sample;
	double task_cpu; /* written by the task before its result */
};

static void sleep_2_seconds(void *pool, void *context)
{
	struct session *session = context;
	struct timespec rest = { .tv_sec = 2 };
	double before = process_cpu_seconds();

	(void)pool;
	while (nanosleep(&rest, &rest))
		;
	session->sample->value = process_cpu_seconds() - before;
}

static void *burn(void *arg)
{
	struct session *session = arg;
	double cpu = thread_cpu_seconds(), end = wall_seconds() + BUSY_SECONDS;

	while (wall_seconds() < end)
		;
	session->task_cpu = thread_cpu_seconds() - cpu;
	return NULL;
}

static void stay_beside(void *pool, void *context)
{
	struct session *session = context;
	double before = process_cpu_seconds();
	struct batch one;

	if (batch_open(&one, session->trial->peer, pool, 1)) {
		sample_fail(session->sample, "no memory for the future");
		return;
	}
	batch_submit(&one, 0, burn, session, session->sample);
	if (!session->sample->error[0])
		batch_wait(&one, 0);
	session->sample->value =
		process_cpu_seconds() - before - session->task_cpu;
	batch_close(&one);
}

static void warm_up(void *pool, struct session *session)
{
	struct batch batch;

	if (batch_open(&batch, session->trial->peer, pool, WARM)) {
		sample_fail(session->sample, "no memory for the futures");
		return;
	}
	batch_run(&batch, session->sample);
	batch_close(&batch);
}

static void empty(void *pool, void *context)
{
	warm_up(pool, context);
	sleep_2_seconds(pool, context);
}

static void beside(void *pool, void *context)
{
	warm_up(pool, context);
	stay_beside(pool, context);
}

static void measure(const struct trial *trial, struct sample *sample,
		    peer_body *body)
{
	struct session session = { .trial = trial, .sample = sample };
	struct crew crew = {
		.workers = trial->workers,
		.submitters = trial->peer->executor ? 1 : 0,
		.jobs = WARM,
	};

	if (trial->peer->with(&crew, body, &session))
		sample_fail(sample, "cannot open a pool");
}

static void measure_empty(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, empty);
}

static void measure_beside(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, beside);
}

static bool fits(const struct peer *peer)
{
	return peer->submit;
}

const struct workload work_idle_empty = {
	.name = "idle",
	.variant = "empty",
	.title = "processor time burnt in 2 s without work",
	.unit = UNIT_SECONDS,
	.workers_min = 2,
	.fits = fits,
	.measure = measure_empty,
};

const struct workload work_idle_beside = {
	.name = "idle",
	.variant = "beside",
	.title = "processor time burnt beside one task of 1 s",
	.unit = UNIT_SECONDS,
	.workers_min = 2,
	.fits = fits,
	.measure = measure_beside,
};
