/* SPDX-License-Identifier: MIT */
/* The figures that Skua is to reach, beside those it reached in this run. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "plan.h"

/* Those whose samples there are. */
void figures_print(const struct plan *plan);

#endif
