/* SPDX-License-Identifier: MIT */
/* Fork-join kernels: open, warm up, repeat and time. */
#include "kernel.h"

#include "stopwatch.h"

/* A short kernel is repeated until this has passed, so that one tick or page
 * fault is not the result. */
static const double ENOUGH_SECONDS = 0.1;

struct session {
	const struct trial *trial;
	const struct kernel *kernel;
	struct sample *sample;
};

static void repeat(void *pool, void *context)
{
	struct session *session = context;
	const struct peer *peer = session->trial->peer;
	double start, elapsed;
	unsigned runs = 0;

	session->kernel->warm(peer, pool);
	start = wall_seconds();
	do {
		session->kernel->run(peer, pool, session->sample);
		elapsed = wall_seconds() - start;
		runs++;
	} while (elapsed < ENOUGH_SECONDS && !session->sample->error[0]);
	session->sample->value = elapsed / runs;
}

void kernel_measure(const struct trial *trial, const struct kernel *kernel,
		    struct sample *sample)
{
	struct session session = { trial, kernel, sample };
	struct crew crew = { .workers = trial->workers, .jobs = 1 };

	if (trial->peer->with(&crew, repeat, &session))
		sample_fail(sample, "cannot open a pool");
}
