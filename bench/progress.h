/* SPDX-License-Identifier: MIT */
/* One line on the terminal that says how far the run is. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct cell;

struct progress {
	bool shown; /* stderr is a terminal */
	size_t steps;
	size_t done;
	double start;
};

void progress_open(struct progress *bar, size_t steps);

/* About to measure @cell. */
void progress_step(struct progress *bar, const struct cell *cell);

/* Leave a clean line behind. */
void progress_close(struct progress *bar);

#endif
