/* SPDX-License-Identifier: MIT */
/* skynet: a million leaves that do nothing, ten to a node. */
#include "kernel.h"
#include "works.h"

enum {
	LEAVES = 1000000,
	LEAVES_WARM = 1000
};
static const long ANSWER = 499999500000;

static void warm(const struct peer *peer, void *pool)
{
	peer->skynet(pool, LEAVES_WARM);
}

static void run(const struct peer *peer, void *pool, struct sample *sample)
{
	long value = peer->skynet(pool, LEAVES);

	if (value != ANSWER)
		sample_fail(sample, "the leaves sum up to %ld, not %ld", value,
			    ANSWER);
}

static bool fits(const struct peer *peer)
{
	return peer->skynet;
}

static void measure(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run };

	kernel_measure(trial, &kernel, sample);
}

const struct workload work_skynet = {
	.name = "skynet",
	.variant = "",
	.title = "a tree of 1,000,000 leaves, 10 children a node",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure,
};
