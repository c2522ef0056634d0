/* SPDX-License-Identifier: MIT */
/* How fork-join kernels are timed: fib, nqueens, uts, skynet. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include "workload.h"

struct kernel {
	/* A small instance, untimed: threads started, memory touched. */
	void (*warm)(const struct peer *peer, void *pool);
	/* The whole job once; checks its answer. */
	void (*run)(const struct peer *peer, void *pool, struct sample *sample);
};

/* The mean time of a run, over as many as a tenth of a second holds. */
void kernel_measure(const struct trial *trial, const struct kernel *kernel,
		    struct sample *sample);

#endif
