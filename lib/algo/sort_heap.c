/* SPDX-License-Identifier: MIT */
/*
 * Heapsort, which goes down to a leaf first and then up again: about n log2 n
 * comparisons instead of twice as many (Wegener, Theoretical Computer Science
 * 118(1), 1993). And what else moves elements whose size is no constant.
 */
#include <string.h>

#include "sort_run.h"

void ski_sort_swap(char *a, char *b, size_t bytes)
{
	char held[256];

	if (a == b)
		return;
	while (bytes) {
		size_t some = bytes < sizeof(held) ? bytes : sizeof(held);

		memcpy(held, a, some);
		memcpy(a, b, some);
		memcpy(b, held, some);
		a += some;
		b += some;
		bytes -= some;
	}
}

/* Let the first of @count elements sink to its place among those below @at. */
static void sink(const struct ski_sort *sort, char *base, size_t at,
		 size_t count)
{
	size_t size = sort->size, child = at;

	/* The path of the greater children. */
	while (2 * child + 2 < count) {
		size_t left = 2 * child + 1;

		child = left + ski_sort_less(sort, base + left * size,
					     base + (left + 1) * size);
	}
	if (2 * child + 1 < count)
		child = 2 * child + 1;
	/* Up it again to where the element is no greater. */
	while (child != at &&
	       ski_sort_less(sort, base + child * size, base + at * size))
		child = (child - 1) / 2;
	/* The path moves up by one: swaps from below, the element at last. */
	for (; child != at; child = (child - 1) / 2)
		ski_sort_swap(base + at * size, base + child * size, size);
}

void ski_sort_heap(const struct ski_sort *sort, char *base, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sink(sort, base, i, count);
	for (; count > 1; count--) {
		ski_sort_swap(base, base + (count - 1) * sort->size,
			      sort->size);
		sink(sort, base, 0, count - 1);
	}
}
