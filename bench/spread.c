/* SPDX-License-Identifier: MIT */
/* Median and spread. */
#include "spread.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread spread_of(double values[], size_t count)
{
	size_t half = count / 2;

	qsort(values, count, sizeof(*values), compare);
	return (struct spread){
		.median = count % 2 ? values[half] :
				      (values[half - 1] + values[half]) / 2,
		.min = values[0],
		.max = values[count - 1],
	};
}
