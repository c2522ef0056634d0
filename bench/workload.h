/* SPDX-License-Identifier: MIT */
/*
 * A workload: what is done, what its right answer is, and what is measured.
 * One file each, work_<name>.c; a workload with several measures has a struct
 * for each.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

/* All values are better the smaller they are. */
enum unit {
	UNIT_SECONDS,
	UNIT_RATIO,
	UNIT_BYTES
};

enum {
	SAMPLE_ERROR_BYTES = 256
};

/* One measurement. Passed between processes as it is. */
struct sample {
	double value;
	char error[SAMPLE_ERROR_BYTES]; /* "": the answer was right */
};

/* Keep the first error of a sample. */
void sample_fail(struct sample *sample, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct trial {
	const struct workload *workload;
	const struct peer *peer;
	unsigned workers;
	bool thorough; /* also make the checks that need to be made once only */
};

struct workload {
	const char *name; /* --only goes by it */
	const char *variant; /* of the same name, or "" */
	const char *title;
	enum unit unit;
	unsigned workers_min; /* 0: any number of workers will do */
	double seconds; /* a round for each peer; 0: as most have */
	/* In the parent, once, before the first trial; NULL: nothing to do. */
	int (*prepare)(void);
	/* Does the peer offer what is needed? */
	bool (*fits)(const struct peer *peer);
	/* In a process of its own. */
	void (*measure)(const struct trial *trial, struct sample *sample);
	const char *missing; /* why nothing can be measured, or NULL */
};

/* All of them, in the order of the report. NULL ends. */
extern const struct workload *const workloads[];

/* Name and variant as one: "uts T3". */
const char *workload_label(const struct workload *workload, char *buffer,
			   size_t bytes);

#endif
