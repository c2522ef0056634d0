/* SPDX-License-Identifier: MIT */
/*
 * Quicksort in place. A pivot is the median of a sample; above a leaf the array
 * is split around it, by several workers at once while there are fewer parts
 * than workers; leaves are merged in a small buffer. After some bad splits a
 * part is left to heapsort, so the number of comparisons is O(n log n).
 *
 * Introsort: Musser, Software: Practice and Experience 27(8), 1997.
 */
#include <stdint.h>

#include "sort_run.h"

enum {
	SAMPLE_MAX = 127,
	/* Elements that are worth being split by another worker. */
	PIECE = 8192,
	/* A split is bad that leaves less than this part on one side. */
	BAD = 8
};

SKUA_TASK_VOID(swap_parts, char *, a, char *, b, size_t, bytes)
{
	enum {
		GRAIN = 1 << 18
	};
	size_t half;

	if (bytes <= GRAIN) {
		ski_sort_swap(a, b, bytes);
		return;
	}
	half = bytes / 2;
	swap_parts_fork(&here, a, b, half);
	swap_parts(here, a + half, b + half, bytes - half);
	swap_parts_join(&here);
}

/* As the kernel of that name, in @pieces pieces: two halves that have been
 * split become one by swapping what stands on the wrong side. */
SKUA_TASK(size_t, split, struct ski_sort *, sort, char *, base, size_t, count,
	  const void *, pivot, unsigned, pieces, int, closed)
{
	size_t half = count / 2, left, right, wrong;

	if (pieces < 2 || count < 2 * (size_t)PIECE)
		return sort->kernels->split(base, count, pivot, closed,
					    sort->context);
	split_fork(&here, sort, base + half * sort->size, count - half, pivot,
		   pieces / 2, closed);
	left = split(here, sort, base, half, pivot, pieces - pieces / 2,
		     closed);
	right = split_join(&here);
	wrong = half - left < right ? half - left : right;
	swap_parts(here, base + left * sort->size,
		   base + (half + right - wrong) * sort->size,
		   wrong * sort->size);
	return left + right;
}

/* About the root of half the count: so much is a better pivot worth. Odd. */
static size_t sample_size(size_t count, size_t leaf)
{
	size_t sample = 7;

	while (sample < SAMPLE_MAX &&
	       (2 * sample + 1) * (2 * sample + 1) < count / 2)
		sample = 2 * sample + 1;
	return sample < leaf ? sample : leaf / 2 * 2 - 1;
}

/* Put some elements to the front that stand in equal distances, and sort them.
 * The distances depend on nothing else: patterns do not matter, since a bad
 * split does no more harm than the one that it is. */
static size_t take_sample(const struct ski_sort *sort, char *base, size_t count)
{
	size_t size = sort->size, sample = sample_size(count, sort->leaf);
	size_t step = count / sample;

	for (size_t i = 0; i < sample; i++)
		ski_sort_swap(base + i * size,
			      base + (i * step + step / 2) * size, size);
	sort->kernels->leaf(base, sample, sort->context);
	return sample;
}

/* [before | equal | after]: what there is to sort on either side. */
struct sides {
	size_t left; /* elements from the start */
	size_t right; /* elements from the end */
};

/*
 * Of the sorted sample, the lower half stays at the start and the upper half
 * goes to the end; the rest is split. If many of the sample are equal to the
 * pivot, what is not before it is split once more, so that equal elements are
 * done with.
 */
static struct sides divide(skua_here here, struct ski_sort *sort, char *base,
			   size_t count, unsigned pieces)
{
	size_t size = sort->size, sample = take_sample(sort, base, count);
	size_t low = sample / 2, rest = count - sample, before, equal = 0;
	char *pivot = base + low * size, *middle = pivot + size;
	bool many =
		!ski_sort_less(sort, pivot - (sample / 8 + 1) * size, pivot) ||
		!ski_sort_less(sort, pivot, pivot + (sample / 8 + 1) * size);

	for (size_t i = 0; i < low; i++)
		ski_sort_swap(middle + i * size,
			      base + (count - low + i) * size, size);
	before = split(here, sort, middle, rest, pivot, pieces, 0);
	if (many)
		equal = split(here, sort, middle + before * size, rest - before,
			      pivot, pieces, 1);
	ski_sort_swap(pivot, pivot + before * size, size);
	return (struct sides){ low + before, low + rest - before - equal };
}

static unsigned logarithm(size_t count)
{
	unsigned log = 0;

	while (count >>= 1)
		log++;
	return log;
}

/*
 * @workers are there for this part alone. The smaller side is forked, so that
 * calls are at most log2(@count) deep, whatever the splits.
 */
SKUA_TASK_VOID(quick, struct ski_sort *, sort, char *, base, size_t, count,
	       unsigned, workers, unsigned, bad_left)
{
	size_t size = sort->size;
	unsigned forked = 0;

	while (count > sort->leaf && bad_left &&
	       !ski_sort_stopped(here, sort)) {
		struct sides sides = divide(here, sort, base, count,
					    workers > 1 ? 2 * workers : 1);
		char *right = base + (count - sides.right) * size;

		workers = (workers + 1) / 2;
		if (sides.left < sides.right) {
			quick_fork(&here, sort, base, sides.left, workers,
				   bad_left);
			base = right;
			sides.left = sides.right;
		} else {
			quick_fork(&here, sort, right, sides.right, workers,
				   bad_left);
		}
		forked++;
		if (sides.left > count - count / BAD)
			bad_left--;
		count = sides.left;
	}
	if (!ski_sort_stopped(here, sort)) {
		if (count > sort->leaf)
			ski_sort_heap(sort, base, count);
		else
			sort->kernels->leaf(base, count, sort->context);
	}
	while (forked--)
		quick_join(&here);
}

void ski_sort_quick(skua_here here, struct ski_sort *sort, char *base,
		    size_t count)
{
	struct skua_pool *pool = skua_pool_current();

	quick(here, sort, base, count, skua_pool_workers(pool),
	      logarithm(count));
}
