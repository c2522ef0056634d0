/* SPDX-License-Identifier: MIT */
/*
 * N queens as every peer of the benchmark solves it: a task is one placement,
 * looks whether an earlier queen attacks it, and if not tries the next column.
 * The board is a chain through the frames of the tasks above, which live until
 * their children have ended, so nothing is copied or allocated.
 */
#ifndef BENCH_QUEENS_H
#define BENCH_QUEENS_H

#include <stdbool.h>
#include <stddef.h>

struct queen {
	const struct queen *previous; /* in the column before; NULL: first */
	int column;
	int row;
};

static inline struct queen queen_after(const struct queen *previous, int row)
{
	struct queen queen = { previous, previous ? previous->column + 1 : 0,
			       row };

	return queen;
}

static inline bool queen_is_safe(const struct queen *queen)
{
	const struct queen *other = queen->previous;

	for (int far = 1; other; other = other->previous, far++) {
		int apart = other->row - queen->row;

		if (apart == 0 || apart == far || apart == -far)
			return false;
	}
	return true;
}

#endif
