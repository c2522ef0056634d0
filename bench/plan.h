/* SPDX-License-Identifier: MIT */
/* What is measured, in which order, and the samples so far. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "cmdline.h"
#include "peers.h"
#include "spread.h"
#include "workload.h"

/* One workload on one peer with one number of workers. */
struct cell {
	const struct workload *workload;
	const struct peer *peer;
	unsigned workers;
	double *values; /* room for all rounds */
	size_t count;
	double spent_seconds;
	char error[SAMPLE_ERROR_BYTES]; /* "": all results were right */
	struct spread spread; /* of the values, if there are any */
};

struct plan {
	unsigned rounds;
	double load; /* of the machine before the run, by others */
	struct cell *cells; /* by workload, then workers, then peer */
	size_t count;
};

/* Lay out all cells that the command line asks for; -1: no memory. */
int plan_open(struct plan *plan, const struct cmdline *cmdline,
	      const struct peers *peers);
void plan_close(struct plan *plan);

/*
 * Measure workload by workload, round by round, each round through all cells
 * in turn, so that what changes on the machine meanwhile hits all of them.
 * Returns the number of cells that failed.
 */
size_t plan_run(struct plan *plan);

/* The cell with samples of those names, or NULL. */
const struct cell *plan_find(const struct plan *plan, const char *workload,
			     const char *variant, const char *peer,
			     unsigned workers);

#endif
