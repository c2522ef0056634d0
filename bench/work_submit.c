/* SPDX-License-Identifier: MIT */
/*
 * submit, submit4: a million empty jobs from outside, and their results. The
 * value is the time of one job. A pass before the timing touches all memory.
 */
#include <pthread.h>
#include <semaphore.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	JOBS = 1000000,
	SUBMITTERS = 4
};

struct session {
	const struct trial *trial;
	struct sample *sample;
};

static void submit_all(void *pool, void *context)
{
	struct session *session = context;
	struct batch batch;
	double start;

	if (batch_open(&batch, session->trial->peer, pool, JOBS)) {
		sample_fail(session->sample, "no memory for the futures");
		return;
	}
	batch_run(&batch, session->sample);
	start = wall_seconds();
	batch_run(&batch, session->sample);
	session->sample->value = (wall_seconds() - start) / JOBS;
	batch_close(&batch);
}

static void measure(const struct trial *trial, struct sample *sample)
{
	struct session session = { trial, sample };
	struct crew crew = { trial->workers, 1, JOBS };

	if (trial->peer->with(&crew, submit_all, &session))
		sample_fail(sample, "cannot open a pool");
}

/* The submitters start together, when all have made their first pass. */
struct line_up {
	sem_t ready;
	sem_t go;
};

struct submitter {
	pthread_t thread;
	struct line_up *line_up;
	struct batch batch;
	struct sample sample;
	double started, ended;
};

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		; /* EINTR */
}

static void *run_submitter(void *arg)
{
	struct submitter *self = arg;

	batch_run(&self->batch, &self->sample);
	sem_post(&self->line_up->ready);
	await(&self->line_up->go);
	self->started = wall_seconds();
	batch_run(&self->batch, &self->sample);
	self->ended = wall_seconds();
	return NULL;
}

static int start(struct submitter *self, const struct trial *trial, void *pool,
		 struct line_up *line_up)
{
	self->line_up = line_up;
	if (batch_open(&self->batch, trial->peer, pool, JOBS / SUBMITTERS))
		return -1;
	if (pthread_create(&self->thread, NULL, run_submitter, self)) {
		batch_close(&self->batch);
		return -1;
	}
	return 0;
}

static void run_together(struct submitter all[], unsigned count,
			 struct line_up *line_up)
{
	for (unsigned i = 0; i < count; i++)
		await(&line_up->ready);
	for (unsigned i = 0; i < count; i++)
		sem_post(&line_up->go);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(all[i].thread, NULL);
		batch_close(&all[i].batch);
	}
}

/* From when the first started to when the last ended. */
static void collect(const struct submitter all[], struct sample *sample)
{
	double started = all[0].started, ended = all[0].ended;

	for (unsigned i = 0; i < SUBMITTERS; i++) {
		if (all[i].sample.error[0])
			sample_fail(sample, "%s", all[i].sample.error);
		if (all[i].started < started)
			started = all[i].started;
		if (all[i].ended > ended)
			ended = all[i].ended;
	}
	sample->value = (ended - started) / JOBS;
}

static void submit_from_threads(void *pool, void *context)
{
	struct session *session = context;
	struct submitter all[SUBMITTERS] = { 0 };
	struct line_up line_up;
	unsigned count = 0;

	sem_init(&line_up.ready, 0, 0);
	sem_init(&line_up.go, 0, 0);
	while (count < SUBMITTERS &&
	       !start(&all[count], session->trial, pool, &line_up))
		count++;
	if (count < SUBMITTERS)
		sample_fail(session->sample, "cannot start a submitter");
	run_together(all, count, &line_up);
	collect(all, session->sample);
	sem_destroy(&line_up.go);
	sem_destroy(&line_up.ready);
}

static void measure4(const struct trial *trial, struct sample *sample)
{
	struct session session = { trial, sample };
	struct crew crew = { trial->workers, SUBMITTERS, JOBS };

	if (trial->peer->with(&crew, submit_from_threads, &session))
		sample_fail(sample, "cannot open a pool");
}

static bool fits(const struct peer *peer)
{
	return peer->submit;
}

static bool fits4(const struct peer *peer)
{
	return peer->executor;
}

const struct workload work_submit = {
	.name = "submit",
	.variant = "",
	.title = "an empty job of 1,000,000 from 1 outside thread",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};

const struct workload work_submit4 = {
	.name = "submit4",
	.variant = "",
	.title = "an empty job of 4 x 250,000 from 4 outside threads",
	.unit = UNIT_SECONDS,
	.fits = fits4,
	.measure = measure4,
};
