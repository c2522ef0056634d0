/* SPDX-License-Identifier: MIT */
/* Jobs submitted from one thread and their results: for the executor workloads. */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "workload.h"

/* What one thread submits, and the futures it gets for it. */
struct batch {
	const struct peer *peer;
	void *pool;
	size_t count;
	char *futures;
};

/* Memory for the futures, touched; -1: there is none. */
int batch_open(struct batch *batch, const struct peer *peer, void *pool,
	       size_t count);
void batch_close(struct batch *batch);

/* Submit the job of position @at; an error goes to the sample. */
void batch_submit(struct batch *batch, size_t at, peer_fn *fn, void *arg,
		  struct sample *sample);

/* The result of that job; waits for it. */
void *batch_wait(struct batch *batch, size_t at);

/* Submit `count` jobs that return their number, collect all, check the sum. */
void batch_run(struct batch *batch, struct sample *sample);

#endif
