/* SPDX-License-Identifier: MIT */
/* fib: nothing but forks and joins. */
#include "kernel.h"
#include "works.h"

enum {
	N = 38,
	N_WARM = 20
};
static const long ANSWER = 39088169;

static void warm(const struct peer *peer, void *pool)
{
	peer->fib(pool, N_WARM);
}

static void run(const struct peer *peer, void *pool, struct sample *sample)
{
	long value = peer->fib(pool, N);

	if (value != ANSWER)
		sample_fail(sample, "fib(%d) is %ld, not %ld", N, value,
			    ANSWER);
}

static bool fits(const struct peer *peer)
{
	return peer->fib;
}

static void measure(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run };

	kernel_measure(trial, &kernel, sample);
}

const struct workload work_fib = {
	.name = "fib",
	.variant = "",
	.title = "fib(38), a task per call, no cutoff",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};
