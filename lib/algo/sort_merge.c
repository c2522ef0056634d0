/* SPDX-License-Identifier: MIT */
/*
 * Merge sort, stable, with a buffer as large as the array. The halves of what
 * ends in the array end in the buffer, and the other way round, so that
 * nothing is copied but by merging. A stopped sort copies where it would have
 * merged: each element still ends where it should, once.
 *
 * Merging in parallel: Cormen et al., Introduction to Algorithms, 3rd ed.,
 * section 27.3.
 */
#include <string.h>

#include "sort_run.h"

enum {
	/* Elements that are worth being merged by another worker. */
	PIECE = 16384
};

/* How many of @count sorted elements come before *item; closed: how many do
 * not come after it. */
static size_t rank(const struct ski_sort *sort, const char *base, size_t count,
		   const char *item, bool closed)
{
	size_t first = 0;

	while (count) {
		size_t half = count / 2;
		const char *probe = base + (first + half) * sort->size;
		bool before = closed ? !ski_sort_less(sort, item, probe) :
				       ski_sort_less(sort, probe, item);

		if (before) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return first;
}

/* One after the other if that is all there is to do. */
static bool join(skua_here here, const struct ski_sort *sort, const char *a,
		 size_t a_count, const char *b, size_t b_count, char *out)
{
	size_t size = sort->size, a_bytes = a_count * size;
	size_t b_bytes = b_count * size;

	if (!a_count || !b_count || ski_sort_stopped(here, sort) ||
	    !ski_sort_less(sort, b, a + a_bytes - size)) {
		memcpy(out, a, a_bytes);
		memcpy(out + a_bytes, b, b_bytes);
		return true;
	}
	if (ski_sort_less(sort, b + b_bytes - size, a)) {
		memcpy(out, b, b_bytes);
		memcpy(out + b_bytes, a, a_bytes);
		return true;
	}
	return false;
}

/* Stable: what is equal to the middle of one run goes to its side as if the
 * two stood one after the other. */
SKUA_TASK_VOID(merge, struct ski_sort *, sort, const char *, a, size_t, a_count,
	       const char *, b, size_t, b_count, char *, out)
{
	size_t size = sort->size, a_half = a_count / 2, b_half = b_count / 2;

	if (join(here, sort, a, a_count, b, b_count, out))
		return;
	if (a_count + b_count <= 2 * (size_t)PIECE) {
		sort->kernels->merge(a, a_count, b, b_count, out,
				     sort->context);
		return;
	}
	if (a_count >= b_count)
		b_half = rank(sort, b, b_count, a + a_half * size, false);
	else
		a_half = rank(sort, a, a_count, b + b_half * size, true);
	merge_fork(&here, sort, a, a_half, b, b_half, out);
	merge(here, sort, a + a_half * size, a_count - a_half,
	      b + b_half * size, b_count - b_half,
	      out + (a_half + b_half) * size);
	merge_join(&here);
}

/* Sort what is at @base; it ends there, or with @into at @buffer. */
SKUA_TASK_VOID(merges, struct ski_sort *, sort, char *, base, size_t, count,
	       char *, buffer, int, into)
{
	size_t half = count / 2, middle = half * sort->size;
	char *from = into ? base : buffer, *to = into ? buffer : base;

	if (count <= sort->leaf) {
		if (!ski_sort_stopped(here, sort))
			sort->kernels->leaf(base, count, sort->context);
		if (into)
			memcpy(buffer, base, count * sort->size);
		return;
	}
	merges_fork(&here, sort, base + middle, count - half, buffer + middle,
		    !into);
	merges(here, sort, base, half, buffer, !into);
	merges_join(&here);
	merge(here, sort, from, half, from + middle, count - half, to);
}

void ski_sort_merges(skua_here here, struct ski_sort *sort, char *base,
		     size_t count, char *buffer)
{
	merges(here, sort, base, count, buffer, 0);
}
