/* SPDX-License-Identifier: MIT */
/* The calls of sort.h: what they refuse, and the way into a task. */
#include <stdint.h>
#include <stdlib.h>

#include "sort_run.h"

enum {
	/* Elements of a leaf: below, merges are worth more than splits. */
	LEAF = 128,
	BUFFER_ALIGNMENT = 64
};

static bool is_allowed(const void *base, size_t count,
		       const struct skua_sort_kernels *kernels)
{
	return kernels && kernels->size && (base || !count) &&
	       count <= PTRDIFF_MAX / kernels->size;
}

static int sort_stable(skua_here here, struct ski_sort *sort, char *base,
		       size_t count)
{
	size_t bytes = count * sort->size + BUFFER_ALIGNMENT - 1;
	char *buffer = aligned_alloc(
		BUFFER_ALIGNMENT, bytes / BUFFER_ALIGNMENT * BUFFER_ALIGNMENT);

	if (!buffer)
		return SKUA_ENOMEM;
	ski_sort_merges(here, sort, base, count, buffer);
	free(buffer);
	return 0;
}

static int sort_any(skua_here here, struct ski_sort *sort, char *base,
		    size_t count, bool stable)
{
	if (ski_sort_is_run(here, sort, base, count))
		return 0;
	if (sort->size > SKUA_SORT_LARGE)
		return ski_sort_large(here, sort, base, count, stable);
	if (stable && count > sort->leaf)
		return sort_stable(here, sort, base, count);
	ski_sort_quick(here, sort, base, count);
	return 0;
}

static int sort_here(skua_here here, void *base, size_t count,
		     const struct skua_sort_kernels *kernels, void *context,
		     bool stable)
{
	size_t leaf = SKUA_SORT_LEAF(kernels->size);
	_Atomic(int) *code = skua_task_code_1();
	struct ski_sort sort = {
		.kernels = kernels,
		.context = context,
		.size = kernels->size,
		.leaf = leaf < LEAF ? leaf : LEAF,
		.code = code,
		/* Relaxed: as in ski_sort_stopped(). */
		.said = atomic_load_explicit(code, memory_order_relaxed),
	};
	int error;

	if (count < 2)
		return 0;
	error = sort_any(here, &sort, base, count, stable);
	return error ? error : ski_sort_stopped(here, &sort);
}

SKUA_TASK(int, sort_task, void *, base, size_t, count,
	  const struct skua_sort_kernels *, kernels, void *, context, int,
	  stable)
{
	return sort_here(here, base, count, kernels, context, stable);
}

int skua_sort_run_1(struct skua_pool *pool, void *base, size_t count,
		    const struct skua_sort_kernels *kernels, void *context,
		    int stable)
{
	int said = 0, error;

	if (!pool || !is_allowed(base, count, kernels))
		return SKUA_EINVAL;
	error = sort_task_run(pool, &said, base, count, kernels, context,
			      stable);
	return error ? error : said;
}

int skua_sort_run_in_1(skua_here here, void *base, size_t count,
		       const struct skua_sort_kernels *kernels, void *context,
		       int stable)
{
	if (!here || !is_allowed(base, count, kernels))
		return SKUA_EINVAL;
	return sort_here(here, base, count, kernels, context, stable);
}

static int sort_by(struct skua_pool *pool, void *base, size_t count,
		   size_t size, skua_sort_compare *compare, void *context,
		   bool stable)
{
	struct ski_sort_callback callback = { compare, context, size };
	struct skua_sort_kernels kernels = ski_sort_kernels(size);

	if (!compare)
		return SKUA_EINVAL;
	return skua_sort_run_1(pool, base, count, &kernels, &callback, stable);
}

static int sort_by_in(skua_here here, void *base, size_t count, size_t size,
		      skua_sort_compare *compare, void *context, bool stable)
{
	struct ski_sort_callback callback = { compare, context, size };
	struct skua_sort_kernels kernels = ski_sort_kernels(size);

	if (!compare)
		return SKUA_EINVAL;
	return skua_sort_run_in_1(here, base, count, &kernels, &callback,
				  stable);
}

int skua_sort(struct skua_pool *pool, void *base, size_t count, size_t size,
	      skua_sort_compare *compare, void *context)
{
	return sort_by(pool, base, count, size, compare, context, false);
}

int skua_stable_sort(struct skua_pool *pool, void *base, size_t count,
		     size_t size, skua_sort_compare *compare, void *context)
{
	return sort_by(pool, base, count, size, compare, context, true);
}

int skua_sort_in(skua_here here, void *base, size_t count, size_t size,
		 skua_sort_compare *compare, void *context)
{
	return sort_by_in(here, base, count, size, compare, context, false);
}

int skua_stable_sort_in(skua_here here, void *base, size_t count, size_t size,
			skua_sort_compare *compare, void *context)
{
	return sort_by_in(here, base, count, size, compare, context, true);
}
