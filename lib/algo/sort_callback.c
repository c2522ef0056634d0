/* SPDX-License-Identifier: MIT */
/*
 * Kernels for elements of which only the size is known, compared by a function
 * as qsort_r() has it. The usual sizes have kernels of their own, in which a
 * move is a load and a store.
 */
#include "sort_run.h"

static int before(const void *a, const void *b, void *context)
{
	const struct ski_sort_callback *callback = context;

	return callback->compare(a, b, callback->context) < 0;
}

/* Copies of elements are aligned as those of any type may want it. */
#define ALIGNED _Alignas(64) unsigned char

static inline SKUA_ALWAYS_INLINE size_t split_bytes(void *base, size_t count,
						    const void *pivot,
						    int closed, size_t size,
						    void *context)
{
	ALIGNED room[SKUA_SORT_LARGE];

	return skua_sort_split(base, count, pivot, closed, room, size, before,
			       context);
}

static inline SKUA_ALWAYS_INLINE void leaf_bytes(void *base, size_t count,
						 size_t size, void *context)
{
	ALIGNED buffer[SKUA_SORT_BUFFER];

	skua_sort_leaf(base, count, (char *)buffer, size, before, context);
}

/* The functions of one size; `bytes` may be an expression of the context. */
#define KERNELS(name, bytes)                                                   \
	static int ordered_##name(const void *base, size_t pairs,              \
				  int descending, void *context)               \
	{                                                                      \
		return skua_sort_ordered(base, pairs, descending, bytes,       \
					 before, context);                     \
	}                                                                      \
	static size_t split_##name(void *base, size_t count,                   \
				   const void *pivot, int closed,              \
				   void *context)                              \
	{                                                                      \
		return split_bytes(base, count, pivot, closed, bytes,          \
				   context);                                   \
	}                                                                      \
	static void leaf_##name(void *base, size_t count, void *context)       \
	{                                                                      \
		leaf_bytes(base, count, bytes, context);                       \
	}                                                                      \
	static void merge_##name(const void *a, size_t a_count, const void *b, \
				 size_t b_count, void *out, void *context)     \
	{                                                                      \
		skua_sort_merge(a, a_count, b, b_count, out, bytes, before,    \
				context);                                      \
	}                                                                      \
	static const struct skua_sort_kernels kernels_##name = {               \
		.less = before,                                                \
		.ordered = ordered_##name,                                     \
		.split = split_##name,                                         \
		.leaf = leaf_##name,                                           \
		.merge = merge_##name,                                         \
	}

KERNELS(4, 4);
KERNELS(8, 8);
KERNELS(16, 16);
KERNELS(any, ((const struct ski_sort_callback *)context)->size);

struct skua_sort_kernels ski_sort_kernels(size_t size)
{
	struct skua_sort_kernels kernels = size == 4  ? kernels_4 :
					   size == 8  ? kernels_8 :
					   size == 16 ? kernels_16 :
							kernels_any;

	kernels.size = size;
	return kernels;
}
