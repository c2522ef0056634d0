/* SPDX-License-Identifier: MIT */
/*
 * Elements that are costly to move: their addresses are sorted, with kernels as
 * of any array of pointers, and then each element is moved once. Without memory
 * for the addresses they are swapped where they stand.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* Element i is to be what @address[i] points to. Each cycle of moves begins
 * with one element held apart; addresses of places that are done are NULL. */
static void arrange(char *base, size_t count, size_t size, char **address,
		    char *held)
{
	for (size_t i = 0; i < count; i++) {
		char *first = base + i * size, *to = first;
		char *from = address[i];

		if (!from || from == to)
			continue;
		memcpy(held, first, size);
		address[i] = NULL;
		while (from != first) {
			size_t at = (size_t)(from - base) / size;

			memcpy(to, from, size);
			to = from;
			from = address[at];
			address[at] = NULL;
		}
		memcpy(to, held, size);
	}
}

static void sort_by_address(skua_here here, struct ski_sort *sort, char *base,
			    size_t count, char **address, char **buffer)
{
	struct ski_sort addresses = *sort;

	addresses.kernels = &by_address;
	addresses.context = sort;
	addresses.size = sizeof(*address);
	addresses.leaf = LEAF;
	for (size_t i = 0; i < count; i++)
		address[i] = base + i * sort->size;
	if (buffer)
		ski_sort_merges(here, &addresses, (char *)address, count,
				(char *)buffer);
	else
		ski_sort_quick(here, &addresses, (char *)address, count);
}

int ski_sort_large(skua_here here, struct ski_sort *sort, char *base,
		   size_t count, bool stable)
{
	char **address = calloc(stable ? 2 * count : count, sizeof(*address));
	char *held = calloc(1, sort->size);

	if (address && held) {
		sort_by_address(here, sort, base, count, address,
				stable ? address + count : NULL);
		if (!ski_sort_stopped(here, sort))
			arrange(base, count, sort->size, address, held);
	} else if (!stable) {
		sort_by_swaps(here, sort, base, count);
	}
	stable = stable && !(address && held);
	free(held);
	free(address);
	return stable ? SKUA_ENOMEM : 0;
}
