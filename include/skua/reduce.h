/* SPDX-License-Identifier: MIT */
/*
 * Parallel reductions: fold a range of iterations to one value.
 *
 *	static int add(skua_here here, uint64_t begin, uint64_t end,
 *		       void *value, void *context)
 *	{
 *		const float *x = context;
 *		double sum = *(double *)value;
 *
 *		for (uint64_t i = begin; i < end; i++)
 *			sum += x[i];
 *		*(double *)value = sum;
 *		return 0;
 *	}
 *
 *	static void plus(void *left, const void *right, void *context)
 *	{
 *		*(double *)left += *(const double *)right;
 *	}
 *
 *	static const double zero = 0;
 *	static const struct skua_fold sum = { sizeof(double), &zero, plus };
 *	double total;
 *	int error = skua_reduce(pool, 0, count, &sum, add, x, &total);
 *
 * A value is as many bytes as the fold says, any type that may be copied by
 * bytes. The identity is what an empty range gives: combined with any value,
 * on either side, it leaves that value. Combining must be associative and need
 * not be commutative: values of neighbouring ranges are combined, the left one
 * with the right one.
 *
 * Values up to 64 bytes are on stacks; larger ones are allocated, one or two
 * for each worker that takes part, and if there is no memory fewer do. They
 * are aligned to 64 bytes.
 *
 * All that for.h says of bodies holds for these, too: how a range is split,
 * early ends, failures, what they may do.
 */
#ifndef SKUA_REDUCE_H
#define SKUA_REDUCE_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A body: fold iterations @begin … @end - 1 onto @value, which is that of the
 * iterations before. 0: go on. */
typedef int skua_fold_fn(skua_here here, uint64_t begin, uint64_t end,
			 void *value, void *context);

/** How values are combined. Borrowed until the call returns. */
struct skua_fold {
	size_t bytes; /* of a value, at least 1 */
	const void *identity; /* a value */
	/* *left becomes left and right in this order; called by any worker. */
	void (*combine)(void *left, const void *right, void *context);
};

/**
 * Fold @begin … @end - 1, in parallel, and wait. *@result is the value, the
 * identity for an empty range; it is written on success only.
 *
 * @context is passed to @body and combine, and borrowed until the call
 * returns.
 *
 * Thread: any, inside a task of this pool or another too. Blocks: suspends the
 * task / blocks the thread until all bodies have ended.
 * Errors: what a body returned; SKUA_EFAILED (a body said skua_fail());
 * SKUA_EINVAL (NULL but for @context, @end < @begin, values of 0 bytes);
 * SKUA_ENOMEM, SKUA_ECLOSED; SKUA_ECANCELLED (the caller's group is cancelled
 * (group.h), and no body is called any more; or the pool was shut down before it
 * began).
 */
SKUA_API int skua_reduce(struct skua_pool *pool, uint64_t begin, uint64_t end,
			 const struct skua_fold *fold, skua_fold_fn *body,
			 void *context, void *result);

/**
 * The same in the calling task, which takes part.
 *
 * Thread: the task whose `here` it is. Blocks: until all bodies have ended;
 * it suspends the task where it has to wait for others.
 * Errors: those of skua_for_in(), and SKUA_EINVAL and SKUA_ENOMEM as above.
 */
SKUA_API int skua_reduce_in(skua_here here, uint64_t begin, uint64_t end,
			    const struct skua_fold *fold, skua_fold_fn *body,
			    void *context, void *result);

/** Options of one reduction; start from SKUA_REDUCE_OPTIONS. */
struct skua_reduce_options {
	size_t size; /* sizeof this struct */
	int deterministic; /* 0: what is split depends on who is idle */
	uint64_t grain; /* of a deterministic one; 0: chosen by the count */
};

/** Initializer of a struct skua_reduce_options: all defaults. */
#define SKUA_REDUCE_OPTIONS                               \
	{                                                 \
		sizeof(struct skua_reduce_options), 0, 0, \
	}

/**
 * skua_reduce() with options.
 *
 * A deterministic reduction gives the same bits whatever the number of
 * workers and whoever ran what, also where combining is not quite associative
 * (sums of floats). It calls the body for `grain` iterations each (the last
 * call has less), always onto the identity, and combines neighbours in a tree
 * that depends on the number of calls alone. With a `grain` of 0 there are
 * 512 to 1,023 calls, or one for each iteration. Each call has a fork, a join
 * and a combination of its own. A value for each level of the tree and worker
 * is allocated if it is larger than 64 bytes.
 *
 * @options may be NULL. Thread, Blocks: as skua_reduce(). Errors: those of
 * skua_reduce(); SKUA_EINVAL also for options that the library does not know,
 * and a `grain` without `deterministic`.
 */
SKUA_API int skua_reduce_with(struct skua_pool *pool, uint64_t begin,
			      uint64_t end, const struct skua_fold *fold,
			      skua_fold_fn *body, void *context, void *result,
			      const struct skua_reduce_options *options);

/** skua_reduce_in() with options. Thread, Blocks, Errors: as
 * skua_reduce_in(), and SKUA_EINVAL as skua_reduce_with(). */
SKUA_API int skua_reduce_in_with(skua_here here, uint64_t begin, uint64_t end,
				 const struct skua_fold *fold,
				 skua_fold_fn *body, void *context,
				 void *result,
				 const struct skua_reduce_options *options);

#ifdef __cplusplus
}
#endif

#endif
