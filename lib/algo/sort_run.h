/* SPDX-License-Identifier: MIT */
/* What the files of sort share: one call, and the kinds of elements. */
#ifndef SKI_SORT_RUN_H
#define SKI_SORT_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <skua/group.h>
#include <skua/sort.h>

/* A call, in its task. I. */
struct ski_sort {
	const struct skua_sort_kernels *kernels;
	void *context; /* of the comparison */
	size_t size; /* of an element, as in kernels */
	size_t leaf; /* elements that a leaf may have */
	_Atomic(int) *code; /* where skua_fail() tells in the task */
	int said; /* what it had told before the call */
};

static inline bool ski_sort_less(const struct ski_sort *sort, const void *a,
				 const void *b)
{
	return sort->kernels->less(a, b, sort->context);
}

/* Why no more pieces are to be sorted, or 0. */
static inline int ski_sort_stopped(skua_here here, const struct ski_sort *sort)
{
	/* Relaxed: a request; nothing comes with it. */
	if (__builtin_expect(atomic_load_explicit(sort->code,
						  memory_order_relaxed) !=
				     sort->said,
			     0))
		return SKUA_EFAILED;
	return skua_cancelled(here) ? SKUA_ECANCELLED : 0;
}

/* Sort in this task. When it is stopped, the array is a permutation. */
void ski_sort_quick(skua_here here, struct ski_sort *sort, char *base,
		    size_t count);
void ski_sort_merges(skua_here here, struct ski_sort *sort, char *base,
		     size_t count, char *buffer);

/* In place, bounded, and slow: what is left when quicksort goes wrong. */
void ski_sort_heap(const struct ski_sort *sort, char *base, size_t count);

/* Whether it is sorted, or was the reverse of it with no two elements equal and
 * has been reversed. */
bool ski_sort_is_run(skua_here here, struct ski_sort *sort, char *base,
		     size_t count);

/* Swap the contents of two places, which do not overlap. */
void ski_sort_swap(char *a, char *b, size_t bytes);

/* How a qsort_r() comparison is told to kernels. */
struct ski_sort_callback {
	skua_sort_compare *compare;
	void *context;
	size_t size;
};

/* For elements compared by it, which is the context; @size may be any. */
struct skua_sort_kernels ski_sort_kernels(size_t size);

/* What an element is to become: by its address, then by its number. */
union ski_sort_source {
	char *address;
	size_t index;
};

/* How many elements ski_sort_arrange() holds apart. */
size_t ski_sort_held(size_t count);

/* Make element i what element @source[i].index is. @source is used up. */
void ski_sort_arrange(skua_here here, size_t size, char *base, size_t count,
		      union ski_sort_source *source, char *held);

/* As ski_sort_quick() or with @stable as ski_sort_merges(), for elements so
 * large that their addresses are sorted. SKUA_ENOMEM: nothing has happened. */
int ski_sort_large(skua_here here, struct ski_sort *sort, char *base,
		   size_t count, bool stable);

#endif
