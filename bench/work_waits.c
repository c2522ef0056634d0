/* SPDX-License-Identifier: MIT */
/*
 * waits: 1,000 tasks at a time wait for an event, 100 events one after the
 * other; the last to come sets it. The value is the time of one wait. Some
 * events before the timing touch the stacks.
 */
#include <stdatomic.h>

#include "batch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	TASKS = 1000,
	WARM = 10,
	EVENTS = 100
};

/* Each event in lines of its own. */
struct step {
	_Alignas(128) struct peer_event event;
	_Alignas(128) atomic_uint arrived;
};

struct session {
	const struct trial *trial;
	struct sample *sample;
	struct step *steps;
	double start; /* written by who sets the last of the warm-up */
	atomic_uint passed;
};

static struct step steps[WARM + EVENTS];

static void *walk(void *arg)
{
	struct session *session = arg;
	const struct peer *peer = session->trial->peer;

	for (unsigned i = 0; i < WARM + EVENTS; i++) {
		struct step *step = &session->steps[i];

		/* Relaxed: only counts; the event publishes. */
		if (atomic_fetch_add_explicit(&step->arrived, 1,
					      memory_order_relaxed) <
		    TASKS - 1) {
			peer->event_wait(&step->event);
		} else {
			if (i == WARM - 1)
				session->start = wall_seconds();
			peer->event_set(&step->event);
		}
	}
	atomic_fetch_add_explicit(&session->passed, 1, memory_order_relaxed);
	return NULL;
}

static void drive(void *pool, void *context)
{
	struct session *session = context;
	struct batch batch;

	if (batch_open(&batch, session->trial->peer, pool, TASKS)) {
		sample_fail(session->sample, "no memory for the futures");
		return;
	}
	for (unsigned i = 0; i < TASKS; i++)
		batch_submit(&batch, i, walk, session, session->sample);
	for (unsigned i = 0; i < TASKS; i++)
		batch_wait(&batch, i);
	session->sample->value =
		(wall_seconds() - session->start) / ((double)TASKS * EVENTS);
	if (atomic_load_explicit(&session->passed, memory_order_relaxed) !=
	    TASKS)
		sample_fail(session->sample, "not all have passed");
	batch_close(&batch);
}

static void measure(const struct trial *trial, struct sample *sample)
{
	struct session session = {
		.trial = trial,
		.sample = sample,
		.steps = steps,
	};
	struct crew crew = { trial->workers, 1, TASKS };

	if (trial->peer->with(&crew, drive, &session))
		sample_fail(sample, "cannot open a pool");
}

static bool fits(const struct peer *peer)
{
	return peer->event_wait;
}

const struct workload work_waits = {
	.name = "waits",
	.variant = "",
	.title = "a wait of a task for an event, 1,000 tasks at a time",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};
