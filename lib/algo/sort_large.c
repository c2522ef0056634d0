/* SPDX-License-Identifier: MIT */
/*
 * Elements that are costly to move: their addresses are sorted, with kernels as
 * of any array of pointers, and then each element is moved once. Without memory
 * for the addresses they are swapped where they stand.
 */
#include <stdlib.h>

#include "sort_run.h"

enum {
	LEAF = 128,
	LEAF_BY_SWAPS = 16
};

/* The context of all kernels below is the sort of the elements. */

static int before(const void *a, const void *b, void *context)
{
	const struct ski_sort *sort = context;
	char *const *one = a, *const *other = b;

	return sort->kernels->less(*one, *other, sort->context);
}

#define LESS_SPLIT(closed)                                               \
	skua_sort_split(base, count, &copy, closed, &room, sizeof(copy), \
			before, context)

static size_t split(void *base, size_t count, const void *pivot, int closed,
		    void *context)
{
	char *copy = *(char *const *)pivot, *room;

	return closed ? LESS_SPLIT(1) : LESS_SPLIT(0);
}

static void leaf(void *base, size_t count, void *context)
{
	char *buffer[LEAF];

	skua_sort_leaf(base, count, (char *)buffer, sizeof(*buffer), before,
		       context);
}

static void merge(const void *a, size_t a_count, const void *b, size_t b_count,
		  void *out, void *context)
{
	skua_sort_merge(a, a_count, b, b_count, out, sizeof(char *), before,
			context);
}

static const struct skua_sort_kernels by_address = {
	.size = sizeof(char *),
	.less = before,
	.split = split,
	.leaf = leaf,
	.merge = merge,
};

static size_t split_by_swaps(void *base, size_t count, const void *pivot,
			     int closed, void *context)
{
	const struct ski_sort *sort = context;
	char *front = base, *next = base;
	size_t fronts = 0;

	for (; count; count--, next += sort->size) {
		bool goes = closed ? !ski_sort_less(sort, pivot, next) :
				     ski_sort_less(sort, next, pivot);

		if (goes) {
			ski_sort_swap(front, next, sort->size);
			front += sort->size;
			fronts++;
		}
	}
	return fronts;
}

static void leaf_by_swaps(void *base, size_t count, void *context)
{
	ski_sort_heap(context, base, count);
}

static int less_by_swaps(const void *a, const void *b, void *context)
{
	return ski_sort_less(context, a, b);
}

static void sort_by_swaps(skua_here here, struct ski_sort *sort, char *base,
			  size_t count)
{
	struct skua_sort_kernels kernels = {
		.size = sort->size,
		.less = less_by_swaps,
		.split = split_by_swaps,
		.leaf = leaf_by_swaps,
	};
	struct ski_sort swaps = *sort;

	swaps.kernels = &kernels;
	swaps.context = sort;
	swaps.leaf = LEAF_BY_SWAPS;
	ski_sort_quick(here, &swaps, base, count);
}

/* In place of their addresses. */
SKUA_TASK_VOID(number, const struct ski_sort *, sort, const char *, base,
	       union ski_sort_source *, source, size_t, count)
{
	enum {
		GRAIN = 8192
	};
	size_t half = count / 2;

	if (count > GRAIN) {
		number_fork(&here, sort, base, source + half, count - half);
		number(here, sort, base, source, half);
		number_join(&here);
		return;
	}
	for (; count; count--, source++)
		source->index = (size_t)(source->address - base) / sort->size;
}

static void sort_sources(skua_here here, struct ski_sort *sort, char *base,
			 size_t count, union ski_sort_source *source,
			 bool stable)
{
	struct ski_sort addresses = *sort;

	addresses.kernels = &by_address;
	addresses.context = sort;
	addresses.size = sizeof(*source);
	addresses.leaf = LEAF;
	for (size_t i = 0; i < count; i++)
		source[i].address = base + i * sort->size;
	if (stable)
		ski_sort_merges(here, &addresses, (char *)source, count,
				(char *)(source + count));
	else
		ski_sort_quick(here, &addresses, (char *)source, count);
}

int ski_sort_large(skua_here here, struct ski_sort *sort, char *base,
		   size_t count, bool stable)
{
	union ski_sort_source *source =
		calloc(stable ? 2 * count : count, sizeof(*source));
	char *held = calloc(ski_sort_held(count), sort->size);
	bool enough = source && held;

	if (enough) {
		sort_sources(here, sort, base, count, source, stable);
		if (!ski_sort_stopped(here, sort)) {
			number(here, sort, base, source, count);
			ski_sort_arrange(here, sort->size, base, count, source,
					 held);
		}
	} else if (!stable) {
		sort_by_swaps(here, sort, base, count);
	}
	free(held);
	free(source);
	return stable && !enough ? SKUA_ENOMEM : 0;
}
