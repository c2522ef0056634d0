/* SPDX-License-Identifier: MIT */
/*
 * Parallel loops.
 *
 *	static int scale(skua_here here, uint64_t begin, uint64_t end,
 *			 void *context)
 *	{
 *		double *x = context;
 *
 *		for (uint64_t i = begin; i < end; i++)
 *			x[i] *= 3;
 *		return 0;
 *	}
 *
 *	int error = skua_for(pool, 0, count, scale, x);
 *
 * The body is called for subranges, each iteration once, in any order and on
 * several workers at once. There is nothing to tune: a range is split only
 * where a worker has nothing to do, and subranges grow until one takes some
 * 10 µs, whether an iteration takes a nanosecond or a second. What is left of a
 * range stays within reach of other workers while a body runs, so one long
 * iteration holds up none but those few that were given to the body with it.
 *
 * A body that returns something else than 0 ends the loop early: no call of
 * the body begins any more, those that run end, and the loop returns that
 * value, the first one if there are several. Values below 0 should be codes of
 * error.h. A body may also say skua_fail(); the loop goes on, and returns
 * SKUA_EFAILED.
 *
 * A body is a piece of a task: it may fork and join with the `here` it gets,
 * run loops inside it (skua_for_in()), wait and submit. Iterations that wait
 * for each other need not run at the same time, so a barrier of all of them
 * may hang. Everything written before the loop is visible to the body, and
 * everything that bodies wrote is visible after the loop.
 *
 * skua_for() and the like start a task in a pool; skua_for_in() and the like
 * run in the task that calls them.
 */
#ifndef SKUA_FOR_H
#define SKUA_FOR_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A body: do iterations @begin … @end - 1. 0: go on. */
typedef int skua_range_fn(skua_here here, uint64_t begin, uint64_t end,
			  void *context);

/**
 * Call @body for all of @begin … @end - 1, in parallel, and wait.
 *
 * @context is borrowed until the call returns. An empty range calls nothing.
 *
 * Thread: any, inside a task of this pool or another too. Blocks: suspends the
 * task / blocks the thread until all bodies have ended.
 * Errors: what a body returned; SKUA_EFAILED (a body said skua_fail());
 * SKUA_EINVAL (NULL @pool or @body, @end < @begin); SKUA_ENOMEM, SKUA_ECLOSED;
 * SKUA_ECANCELLED (the caller's group is cancelled (group.h), and no body is
 * called any more; or the pool was shut down before it began).
 */
SKUA_API int skua_for(struct skua_pool *pool, uint64_t begin, uint64_t end,
		      skua_range_fn *body, void *context);

/**
 * The same in the calling task, which takes part. Nothing is allocated; with
 * nobody idle a loop costs some 100 ns more than a plain one.
 *
 * A skua_fail() is the task's own: it fails, too. In a task that had failed
 * before, and from a child that is forked and not joined, it cannot be told
 * from that of the body.
 *
 * Thread: the task whose `here` it is. Blocks: until all bodies have ended;
 * it suspends the task where it has to wait for others.
 * Errors: what a body returned; SKUA_EFAILED; SKUA_EINVAL (NULL @here or
 * @body, @end < @begin).
 */
SKUA_API int skua_for_in(skua_here here, uint64_t begin, uint64_t end,
			 skua_range_fn *body, void *context);

/** How a range is cut into calls of the body. */
enum skua_split {
	SKUA_SPLIT_LAZY, /* by who has nothing to do, and by time */
	SKUA_SPLIT_GRAIN, /* every call has `grain` iterations, the last less */
	SKUA_SPLIT_STATIC /* a call for each worker, equal but for 1 */
};

/** Options of one loop; start from SKUA_FOR_OPTIONS. */
struct skua_for_options {
	size_t size; /* sizeof this struct */
	enum skua_split split;
	uint64_t grain; /* of SKUA_SPLIT_GRAIN, at least 1; else 0 */
};

/** Initializer of a struct skua_for_options: all defaults. */
#define SKUA_FOR_OPTIONS                                             \
	{                                                            \
		sizeof(struct skua_for_options), SKUA_SPLIT_LAZY, 0, \
	}

/**
 * skua_for() with options.
 *
 * Calls of SKUA_SPLIT_GRAIN begin at @begin and every `grain` iterations from
 * there, so the cut does not depend on who ran what. With SKUA_SPLIT_STATIC
 * it depends on the number of workers alone; any of them may run a part, and
 * one that is busy runs none.
 *
 * @options may be NULL. Thread, Blocks: as skua_for(). Errors: those of
 * skua_for(); SKUA_EINVAL also for options that the library does not know, and
 * a `grain` that does not fit `split`.
 */
SKUA_API int skua_for_with(struct skua_pool *pool, uint64_t begin, uint64_t end,
			   skua_range_fn *body, void *context,
			   const struct skua_for_options *options);

/** skua_for_in() with options. Thread, Blocks, Errors: as skua_for_in(), and
 * SKUA_EINVAL as skua_for_with(). */
SKUA_API int skua_for_in_with(skua_here here, uint64_t begin, uint64_t end,
			      skua_range_fn *body, void *context,
			      const struct skua_for_options *options);

/** Rows and columns: row_begin … row_end - 1, col_begin … col_end - 1. */
struct skua_block {
	uint64_t row_begin, row_end;
	uint64_t col_begin, col_end;
};

/** A body of two dimensions: do all iterations of @block. 0: go on. */
typedef int skua_block_fn(skua_here here, const struct skua_block *block,
			  void *context);

/** Options of one loop in two dimensions; start from SKUA_FOR_2D_OPTIONS. */
struct skua_for_2d_options {
	size_t size; /* sizeof this struct */
	uint64_t rows, cols; /* of a block, at most; 0: chosen */
};

/** Initializer of a struct skua_for_2d_options: all defaults. */
#define SKUA_FOR_2D_OPTIONS                               \
	{                                                 \
		sizeof(struct skua_for_2d_options), 0, 0, \
	}

/**
 * Call @body for blocks that make up @whole, each iteration once.
 *
 * Blocks are near squares: both dimensions are halved in turn, the longer one
 * first, down to what fits a cache, and a worker goes through neighbouring
 * blocks. A dimension that `rows` or `cols` gives is cut at its multiples,
 * counted from the begin: {1, UINT64_MAX} is whole rows. @options may be NULL.
 *
 * Otherwise as skua_for(). Errors: those of skua_for(); SKUA_EINVAL also for
 * options that the library does not know, and for more than 2^64 - 1 blocks.
 */
SKUA_API int skua_for_2d(struct skua_pool *pool, const struct skua_block *whole,
			 skua_block_fn *body, void *context,
			 const struct skua_for_2d_options *options);

/** The same in the calling task. Thread, Blocks, Errors: as skua_for_in(), and
 * SKUA_EINVAL as skua_for_2d(). */
SKUA_API int skua_for_2d_in(skua_here here, const struct skua_block *whole,
			    skua_block_fn *body, void *context,
			    const struct skua_for_2d_options *options);

#ifdef __cplusplus
}
#endif

#endif
