/* SPDX-License-Identifier: MIT */
/* Median and spread of samples. */
#ifndef BENCH_SPREAD_H
#define BENCH_SPREAD_H

#include <stddef.h>

struct spread {
	double median;
	double min;
	double max;
};

/* Of @count values, which get sorted; at least one. */
struct spread spread_of(double values[], size_t count);

#endif
