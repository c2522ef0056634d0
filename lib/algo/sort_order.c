/* SPDX-License-Identifier: MIT */
/*
 * Arrays that are in order already, or in the reverse of it. The first few
 * elements tell nearly always that they are not; only then is there work for
 * several workers.
 */
#include "sort_run.h"

enum {
	PROBE = 32,
	PIECE = 8192 /* elements that are looked at without a pause */
};

/* Elements to look at, and the one after them. I, but for broken. */
struct order {
	struct ski_sort *sort;
	bool descending; /* without equal ones: those must keep their order */
	_Atomic(bool) broken; /* A: somebody has met another order */
};

static bool is_run(const struct order *order, const char *base, size_t pairs)
{
	const struct ski_sort *sort = order->sort;

	return sort->kernels->ordered(base, pairs, order->descending,
				      sort->context);
}

SKUA_TASK_VOID(look, struct order *, order, const char *, base, size_t, pairs)
{
	size_t half = pairs / 2;

	if (pairs > PIECE) {
		look_fork(&here, order, base + half * order->sort->size,
			  pairs - half);
		look(here, order, base, half);
		look_join(&here);
		return;
	}
	/* Relaxed, both: a hint to stop; joins bring the last word. */
	if (!atomic_load_explicit(&order->broken, memory_order_relaxed) &&
	    (ski_sort_stopped(here, order->sort) ||
	     !is_run(order, base, pairs)))
		atomic_store_explicit(&order->broken, true,
				      memory_order_relaxed);
}

/* Swap @count pairs, inwards from the two ends. */
SKUA_TASK_VOID(turn, size_t, size, char *, low, char *, high, size_t, count)
{
	size_t half = count / 2;

	if (count > PIECE) {
		turn_fork(&here, size, low + half * size, high - half * size,
			  count - half);
		turn(here, size, low, high, half);
		turn_join(&here);
		return;
	}
	for (; count; count--, low += size, high -= size)
		ski_sort_swap(low, high, size);
}

bool ski_sort_is_run(skua_here here, struct ski_sort *sort, char *base,
		     size_t count)
{
	size_t size = sort->size, pairs = count - 1;
	size_t probe = pairs < PROBE ? pairs : PROBE;
	struct order order = { .sort = sort };

	order.descending = ski_sort_less(sort, base + size, base);
	if (!is_run(&order, base, probe))
		return false;
	look(here, &order, base + probe * size, pairs - probe);
	/* Relaxed: the joins have brought it. */
	if (atomic_load_explicit(&order.broken, memory_order_relaxed))
		return false;
	if (order.descending)
		turn(here, size, base, base + pairs * size, count / 2);
	return true;
}
