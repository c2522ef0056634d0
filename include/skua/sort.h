/* SPDX-License-Identifier: MIT */
/*
 * Sort arrays on all workers.
 *
 *	static int by_age(const void *a, const void *b, void *context)
 *	{
 *		const struct person *one = a, *other = b;
 *		return (one->age > other->age) - (one->age < other->age);
 *	}
 *
 *	int error = skua_sort(pool, people, count, sizeof(*people), by_age,
 *			      NULL);
 *
 * That calls a function for each comparison. SKUA_DEFINE_SORT() makes a sort
 * of one type with the comparison inlined, some times as fast where a
 * comparison is a few instructions:
 *
 *	#define LESS(a, b) (*(a) < *(b))
 *	SKUA_DEFINE_SORT(sort_ints, int, LESS)
 *
 *	int error = sort_ints(pool, numbers, count);
 *
 * The comparison. It gets pointers to two elements, in the array or in copies
 * of them that are aligned like an array's (to at most 64 bytes, and as the
 * array itself if elements are larger than that). It is called by several
 * workers at once, at most O(n log n) times, whatever the input. It may wait:
 * that suspends the task. If it contradicts itself, the order of the elements
 * is unspecified, but each is there once. Elements are moved as bytes.
 *
 * Stopping. If the comparison, or another part of its task, calls skua_fail(),
 * no more pieces are begun and the sort ends with SKUA_EFAILED; so it does with
 * SKUA_ECANCELLED when the group to which the caller belongs is cancelled
 * (group.h). The array then holds its elements in an unspecified order, each
 * once.
 *
 * Memory. The sorts that are not stable work in place: 4 KiB and 500 bytes for
 * each halving of the array, together less than 24 KiB, on the stack of a task,
 * and for elements of more than 64 bytes 8 bytes each for their addresses;
 * without that memory they go on in place, slower. The stable ones allocate as
 * much as the array has, or 16 bytes for each element of more than 64 bytes,
 * and without that memory do nothing.
 */
#ifndef SKUA_SORT_H
#define SKUA_SORT_H

#include <stddef.h>

#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>
#include <skua/sort_kernels.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Less than, equal to or greater than 0 as *@a comes before *@b, beside it or
 * after it: the function of qsort_r(). */
typedef int skua_sort_compare(const void *a, const void *b, void *context);

/**
 * Sort @count elements of @size bytes at @base; equal ones end in any order.
 *
 * @base is borrowed until the call returns and nobody else may use the array
 * meanwhile; it may be NULL if @count is 0. @context is given to @compare.
 *
 * Source: quicksort with samples, branchless splits (Edelkamp and Weiss, ESA
 * 2016, for the idea), leaves merged from both ends, heapsort as the bound
 * (Musser 1997).
 *
 * Thread: any, inside a task too. Blocks: suspends the task / blocks the
 * thread until all is sorted.
 * Errors: SKUA_EINVAL (NULL, @size 0, @count * @size over PTRDIFF_MAX; nothing
 * has happened), SKUA_ENOMEM, SKUA_ECLOSED (those of name_run() in fork.h;
 * nothing has happened), SKUA_ECANCELLED (the pool was shut down before it
 * began, or the group was cancelled; a permutation), SKUA_EFAILED (skua_fail();
 * a permutation).
 */
SKUA_API int skua_sort(struct skua_pool *pool, void *base, size_t count,
		       size_t size, skua_sort_compare *compare, void *context);

/**
 * The same, and equal elements stay in their order.
 *
 * Source: merge sort with merges split in two at the median of the larger run
 * (Cormen et al., Introduction to Algorithms, 3rd ed., 27.3).
 *
 * Thread, Blocks: as skua_sort(). Errors: those of skua_sort(), and SKUA_ENOMEM
 * if there is no memory for as much as the array; nothing has happened then.
 */
SKUA_API int skua_stable_sort(struct skua_pool *pool, void *base, size_t count,
			      size_t size, skua_sort_compare *compare,
			      void *context);

/**
 * The same inside the task that stands at @here, as a part of it.
 *
 * Thread: the task's. Blocks: suspends the task. Errors: SKUA_EINVAL,
 * SKUA_EFAILED, SKUA_ECANCELLED, skua_stable_sort_in() also SKUA_ENOMEM.
 */
SKUA_API int skua_sort_in(skua_here here, void *base, size_t count, size_t size,
			  skua_sort_compare *compare, void *context);
SKUA_API int skua_stable_sort_in(skua_here here, void *base, size_t count,
				 size_t size, skua_sort_compare *compare,
				 void *context);

/* What the macros call. */
SKUA_API int skua_sort_run_1(struct skua_pool *pool, void *base, size_t count,
			     const struct skua_sort_kernels *kernels,
			     void *context, int stable);
SKUA_API int skua_sort_run_in_1(skua_here here, void *base, size_t count,
				const struct skua_sort_kernels *kernels,
				void *context, int stable);

/* The kernels of one type. Variables of the type itself hold what is compared
 * outside of the array. */
#define SKUA_SORT_KERNELS(name, type, less)                                    \
	static inline int name##_skua_less(                                    \
		const void *skua_a, const void *skua_b, void *skua_context)    \
	{                                                                      \
		type const *skua_one = (type const *)skua_a;                   \
		type const *skua_other = (type const *)skua_b;                 \
		(void)skua_context;                                            \
		return (less(skua_one, skua_other)) ? 1 : 0;                   \
	}                                                                      \
	static inline int name##_skua_ordered(const void *skua_base,           \
					      size_t skua_pairs,               \
					      int skua_descending,             \
					      void *skua_context)              \
	{                                                                      \
		return skua_sort_ordered((const char *)skua_base, skua_pairs,  \
					 skua_descending, sizeof(type),        \
					 name##_skua_less, skua_context);      \
	}                                                                      \
	static inline size_t name##_skua_split(                                \
		void *skua_base, size_t skua_count, const void *skua_pivot,    \
		int skua_closed, void *skua_context)                           \
	{                                                                      \
		type skua_copy;                                                \
		type skua_room;                                                \
		skua_sort_move(&skua_copy, skua_pivot, sizeof(type));          \
		return skua_closed ?                                           \
			       skua_sort_split((char *)skua_base, skua_count,  \
					       &skua_copy, 1, &skua_room,      \
					       sizeof(type), name##_skua_less, \
					       skua_context) :                 \
			       skua_sort_split((char *)skua_base, skua_count,  \
					       &skua_copy, 0, &skua_room,      \
					       sizeof(type), name##_skua_less, \
					       skua_context);                  \
	}                                                                      \
	static inline void name##_skua_leaf(                                   \
		void *skua_base, size_t skua_count, void *skua_context)        \
	{                                                                      \
		type skua_buffer[SKUA_SORT_LEAF(sizeof(type))];                \
		skua_sort_leaf((char *)skua_base, skua_count,                  \
			       (char *)skua_buffer, sizeof(type),              \
			       name##_skua_less, skua_context);                \
	}                                                                      \
	static inline void name##_skua_merge(                                  \
		const void *skua_a, size_t skua_a_count, const void *skua_b,   \
		size_t skua_b_count, void *skua_out, void *skua_context)       \
	{                                                                      \
		skua_sort_merge((const char *)skua_a, skua_a_count,            \
				(const char *)skua_b, skua_b_count,            \
				(char *)skua_out, sizeof(type),                \
				name##_skua_less, skua_context);               \
	}                                                                      \
	static const struct skua_sort_kernels name##_skua_kernels = {          \
		sizeof(type),	   name##_skua_less, name##_skua_ordered,      \
		name##_skua_split, name##_skua_leaf, name##_skua_merge         \
	}

#define SKUA_DEFINE_ANY_SORT(name, type, less, stable)                         \
	SKUA_SORT_KERNELS(name, type, less);                                   \
	SKUA_STATIC_TASK int name(struct skua_pool *skua_on, type *skua_base,  \
				  size_t skua_count)                           \
	{                                                                      \
		return skua_sort_run_1(skua_on, skua_base, skua_count,         \
				       &name##_skua_kernels, NULL, stable);    \
	}                                                                      \
	SKUA_STATIC_TASK int name##_in(skua_here skua_at, type *skua_base,     \
				       size_t skua_count)                      \
	{                                                                      \
		return skua_sort_run_in_1(skua_at, skua_base, skua_count,      \
					  &name##_skua_kernels, NULL, stable); \
	}                                                                      \
	struct name##_skua_end

/**
 * Define a sort of arrays of @type, as static inline functions:
 *
 *   int name(struct skua_pool *pool, type *base, size_t count);
 *   int name_in(skua_here here, type *base, size_t count);
 *
 * @less(a, b), a macro or a function, gets two pointers of type `type const *`
 * and says whether *a comes before *b: non-zero or 0. It should have no side
 * effects. @type is a plain one that may be copied as bytes and defined
 * without a value; arrays and pointers to functions need a typedef. To be
 * followed by a semicolon, outside of functions. Errors: those of skua_sort()
 * and skua_sort_in(), or of the stable ones.
 */
#define SKUA_DEFINE_SORT(name, type, less) \
	SKUA_DEFINE_ANY_SORT(name, type, less, 0)
#define SKUA_DEFINE_STABLE_SORT(name, type, less) \
	SKUA_DEFINE_ANY_SORT(name, type, less, 1)

#ifdef __cplusplus
}
#endif

#endif
