/* SPDX-License-Identifier: MIT */
/*
 * pending: how much memory a million jobs take that have been submitted and not
 * started, with the futures that the submitter holds. open: how long it takes
 * to open and close a pool, and how much memory it takes in between.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	JOBS = 1000000,
	REPEATS = 200
};

struct session {
	const struct trial *trial;
	struct sample *sample;
	double before;
};

/* Memory of the process's own, exact (the counters in statm are not). */
static double own_bytes(struct sample *sample)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	double kib = -1;

	while (file && fgets(line, sizeof(line), file) &&
	       sscanf(line, "Anonymous: %lf kB", &kib) != 1)
		;
	if (file)
		fclose(file);
	if (kib < 0)
		sample_fail(sample, "cannot read /proc/self/smaps_rollup");
	return kib * 1024;
}

/* What keeps the workers from starting anything. */
struct gate {
	sem_t entered;
	sem_t open;
};

static void *enter(void *arg)
{
	struct gate *gate = arg;

	sem_post(&gate->entered);
	while (sem_wait(&gate->open))
		;
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

/* One job in each worker, and wait until all of them hang there. */
static void close_gate(struct gate *gate, struct batch *keepers,
		       struct sample *sample)
{
	for (size_t i = 0; i < keepers->count; i++)
		batch_submit(keepers, i, enter, gate, sample);
	for (size_t i = 0; i < keepers->count; i++) {
		while (sem_wait(&gate->entered))
			;
	}
}

static void open_gate(struct gate *gate, struct batch *keepers)
{
	for (size_t i = 0; i < keepers->count; i++)
		sem_post(&gate->open);
	for (size_t i = 0; i < keepers->count; i++)
		batch_wait(keepers, i);
}

static void pile_up(struct batch *batch, struct sample *sample)
{
	for (size_t i = 0; i < batch->count; i++)
		batch_submit(batch, i, nothing, NULL, sample);
}

static void wait_for_all(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		batch_wait(batch, i);
	batch_close(batch);
}

static void pend_behind(struct gate *gate, struct batch *keepers,
			struct sample *sample)
{
	struct batch batch;
	double before;

	close_gate(gate, keepers, sample);
	before = own_bytes(sample);
	if (batch_open(&batch, keepers->peer, keepers->pool, JOBS)) {
		sample_fail(sample, "no memory for the futures");
		return;
	}
	pile_up(&batch, sample);
	sample->value = own_bytes(sample) - before;
	open_gate(gate, keepers);
	wait_for_all(&batch);
}

static void pend(void *pool, void *context)
{
	struct session *session = context;
	struct batch keepers;
	struct gate gate;

	if (batch_open(&keepers, session->trial->peer, pool,
		       session->trial->workers)) {
		sample_fail(session->sample, "no memory for the futures");
		return;
	}
	sem_init(&gate.entered, 0, 0);
	sem_init(&gate.open, 0, 0);
	pend_behind(&gate, &keepers, session->sample);
	sem_destroy(&gate.open);
	sem_destroy(&gate.entered);
	batch_close(&keepers);
}

static void measure_pending(const struct trial *trial, struct sample *sample)
{
	struct session session = { .trial = trial, .sample = sample };
	struct crew crew = { trial->workers, 1, JOBS + trial->workers };

	if (trial->peer->with(&crew, pend, &session))
		sample_fail(sample, "cannot open a pool");
}

static void do_nothing(void *pool, void *context)
{
	(void)pool;
	(void)context;
}

static void measure_time(const struct trial *trial, struct sample *sample)
{
	struct crew crew = { trial->workers, 1, 1 };
	double start;

	if (trial->peer->with(&crew, do_nothing, NULL))
		sample_fail(sample, "cannot open a pool");
	start = wall_seconds();
	for (int i = 0; i < REPEATS && !sample->error[0]; i++) {
		if (trial->peer->with(&crew, do_nothing, NULL))
			sample_fail(sample, "cannot open a pool");
	}
	sample->value = (wall_seconds() - start) / REPEATS;
}

static void weigh(void *pool, void *context)
{
	struct session *session = context;

	(void)pool;
	session->sample->value = own_bytes(session->sample) - session->before;
}

static void measure_memory(const struct trial *trial, struct sample *sample)
{
	struct session session = { trial, sample, own_bytes(sample) };
	struct crew crew = { trial->workers, 1, 1 };

	if (trial->peer->with(&crew, weigh, &session))
		sample_fail(sample, "cannot open a pool");
}

static bool fits_pending(const struct peer *peer)
{
	return peer->executor;
}

static bool fits_open(const struct peer *peer)
{
	return peer->owns_threads;
}

const struct workload work_pending = {
	.name = "pending",
	.variant = "",
	.title = "memory of 1,000,000 jobs submitted and not started",
	.unit = UNIT_BYTES,
	.workers_min = 2,
	.fits = fits_pending,
	.measure = measure_pending,
};

const struct workload work_open_time = {
	.name = "open",
	.variant = "time",
	.title = "open a pool and close it again",
	.unit = UNIT_SECONDS,
	.workers_min = 2,
	.fits = fits_open,
	.measure = measure_time,
};

const struct workload work_open_memory = {
	.name = "open",
	.variant = "memory",
	.title = "memory of an open pool",
	.unit = UNIT_BYTES,
	.workers_min = 2,
	.fits = fits_open,
	.measure = measure_memory,
};
