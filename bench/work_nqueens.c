/* SPDX-License-Identifier: MIT */
/* nqueens: ten million small tasks of very unequal trees. */
#include "kernel.h"
#include "works.h"

enum {
	N = 12,
	N_WARM = 7
};
static const long ANSWER = 14200;

static void warm(const struct peer *peer, void *pool)
{
	peer->nqueens(pool, N_WARM);
}

static void run(const struct peer *peer, void *pool, struct sample *sample)
{
	long value = peer->nqueens(pool, N);

	if (value != ANSWER)
		sample_fail(sample, "%d queens have %ld solutions, not %ld", N,
			    value, ANSWER);
}

static bool fits(const struct peer *peer)
{
	return peer->nqueens;
}

static void measure(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run };

	kernel_measure(trial, &kernel, sample);
}

const struct workload work_nqueens = {
	.name = "nqueens",
	.variant = "",
	.title = "12 queens, a task per placement",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};
