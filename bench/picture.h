/* SPDX-License-Identifier: MIT */
/* The run as a picture: how many times as fast as the best other peer. */
#ifndef BENCH_PICTURE_H
#define BENCH_PICTURE_H

#include "plan.h"

/* Is gnuplot there? Says what to do if not. */
bool picture_is_possible(void);

/* Draw an SVG file with gnuplot; -1 after an error message. */
int picture_draw(const char *path, const struct plan *plan);

#endif
