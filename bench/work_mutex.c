/* SPDX-License-Identifier: MIT */
/*
 * mutex: increments of a counter under the peer's lock, by one task alone and
 * by one for each worker at the same time; the value is the time of one.
 */
#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	ALONE = 10000000,
	EACH = 1000000
};

/* Apart from everything else that is written. */
struct counter {
	_Alignas(128) struct peer_lock lock;
	_Alignas(128) long count;
};

struct session {
	const struct trial *trial;
	struct sample *sample;
	struct counter counter;
	unsigned tasks;
	long times; /* each */
};

static void *increment(void *arg)
{
	struct session *session = arg;

	session->trial->peer->count(&session->counter.lock,
				    &session->counter.count, session->times);
	return NULL;
}

static void drive(void *pool, void *context)
{
	struct session *session = context;
	long all = (long)session->tasks * session->times;
	struct batch batch;
	double start;

	if (batch_open(&batch, session->trial->peer, pool, session->tasks)) {
		sample_fail(session->sample, "no memory for the futures");
		return;
	}
	start = wall_seconds();
	for (unsigned i = 0; i < session->tasks; i++)
		batch_submit(&batch, i, increment, session, session->sample);
	for (unsigned i = 0; i < session->tasks; i++)
		batch_wait(&batch, i);
	session->sample->value = (wall_seconds() - start) / (double)all;
	if (session->counter.count != all)
		sample_fail(session->sample, "%ld increments, not %ld",
			    session->counter.count, all);
	batch_close(&batch);
}

static void measure(const struct trial *trial, struct sample *sample,
		    unsigned tasks, long times)
{
	struct session session = {
		.trial = trial,
		.sample = sample,
		.tasks = tasks,
		.times = times,
	};
	struct crew crew = { trial->workers, 1, tasks };

	if (trial->peer->with(&crew, drive, &session))
		sample_fail(sample, "cannot open a pool");
}

static void measure_alone(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, 1, ALONE);
}

static void measure_contended(const struct trial *trial, struct sample *sample)
{
	measure(trial, sample, trial->workers, EACH);
}

static bool fits(const struct peer *peer)
{
	return peer->executor && peer->count;
}

const struct workload work_mutex_alone = {
	.name = "mutex",
	.variant = "alone",
	.title = "an increment under a lock that nobody else wants",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_alone,
};

const struct workload work_mutex_contended = {
	.name = "mutex",
	.variant = "contended",
	.title = "an increment under a lock, by a task on each worker at once",
	.unit = UNIT_SECONDS,
	.workers_min = 2,
	.fits = fits,
	.measure = measure_contended,
};
