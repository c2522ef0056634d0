/* SPDX-License-Identifier: MIT */
/* uts: trees whose shape nobody can foresee, 100 ns of hashing a node. */
#include <inttypes.h>

#include "kernel.h"
#include "works.h"

static void warm(const struct peer *peer, void *pool)
{
	/* The rule of T5, which ends soon at a depth of 6. */
	struct uts_tree small = *uts_find("T5");

	small.depth = 6;
	peer->uts(pool, &small);
}

static void search(const struct peer *peer, void *pool, const char *name,
		   struct sample *sample)
{
	const struct uts_tree *tree = uts_find(name);
	struct uts_count count = peer->uts(pool, tree);

	if (!uts_count_equal(count, tree->answer))
		sample_fail(sample,
			    "UTS %s has %" PRIu64 " nodes, %" PRIu64
			    " leaves and depth %" PRIu32 ", not %" PRIu64
			    ", %" PRIu64 " and %" PRIu32,
			    name, count.nodes, count.leaves, count.depth,
			    tree->answer.nodes, tree->answer.leaves,
			    tree->answer.depth);
}

static void run_t1(const struct peer *peer, void *pool, struct sample *sample)
{
	search(peer, pool, "T1", sample);
}

static void run_t3(const struct peer *peer, void *pool, struct sample *sample)
{
	search(peer, pool, "T3", sample);
}

static void run_t5(const struct peer *peer, void *pool, struct sample *sample)
{
	search(peer, pool, "T5", sample);
}

static bool fits(const struct peer *peer)
{
	return peer->uts;
}

static void measure_t1(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run_t1 };

	kernel_measure(trial, &kernel, sample);
}

static void measure_t3(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run_t3 };

	kernel_measure(trial, &kernel, sample);
}

static void measure_t5(const struct trial *trial, struct sample *sample)
{
	static const struct kernel kernel = { warm, run_t5 };

	kernel_measure(trial, &kernel, sample);
}

const struct workload work_uts_t1 = {
	.name = "uts",
	.variant = "T1",
	.title = "unbalanced tree search, geometric, depth 10",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_t1,
};

const struct workload work_uts_t3 = {
	.name = "uts",
	.variant = "T3",
	.title = "unbalanced tree search, binomial, depth 1572",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_t3,
};

const struct workload work_uts_t5 = {
	.name = "uts",
	.variant = "T5",
	.title = "unbalanced tree search, linear, depth 20",
	.unit = UNIT_SECONDS,
	.fits = fits,
	.measure = measure_t5,
};
