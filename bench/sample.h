/* SPDX-License-Identifier: MIT */
/* One measurement in a process of its own. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "workload.h"

/* How long a measurement may take before its peer is said to hang. */
enum {
	SAMPLE_LIMIT_SECONDS = 240
};

/*
 * Measure. The threads, memory and signal handlers of one peer are so gone
 * before the next begins, and one that dies or hangs is an error in its sample.
 */
struct sample sample_take(const struct trial *trial);

#endif
