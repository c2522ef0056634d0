/* SPDX-License-Identifier: MIT */
/*
 * One function for many items, results in the order of the items.
 *
 *	void *sums[COUNT];
 *	int error = skua_map(pool, checksum, blocks, COUNT, 0, SKUA_FOREVER,
 *			     sums, NULL);
 *
 * skua_map() has all items at hand. The streaming form pulls items as their
 * results are read, so that an endless input runs in constant memory:
 *
 *	struct skua_map *map;
 *	error = skua_map_open(&map, pool, checksum, read_block, file, 0, 0,
 *			      SKUA_FOREVER);
 *	while ((error = skua_map_next(map, &sum, NULL)) != SKUA_ENONE)
 *		...
 *	skua_map_close(map);
 *
 * A chunk is as many items as a worker takes at a time, and runs one after the
 * other. Items that take less than some microseconds are worth having in chunks
 * of a hundred or a thousand; items that wait for each other must be in chunks
 * of one.
 */
#ifndef SKUA_MAP_H
#define SKUA_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/future.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Call @fn(@items[i]) for each i < @count, a worker @chunk of them at a time,
 * and wait.
 *
 * @results[i] is what @fn returned for @items[i], or NULL if it failed
 * (skua_fail()) or never ran; @results may be NULL. All items run, also after
 * one has failed. @chunk 0: chosen by @count and the number of workers.
 *
 * @timeout_ns counts from the call. When it runs out, items that have not
 * started never do, and the call returns when those that run have ended. So
 * too if a task could not be submitted, or the pool is shut down meanwhile
 * with SKUA_CLOSE_CANCEL.
 *
 * No more tasks are queued than workers take part, and memory does not grow
 * with @count. One task may be left in the queue, which then does nothing.
 *
 * @items and @results are borrowed until the call returns. *@completed, which
 * may be NULL, is the number of items that ended without failing; it and
 * @results are written with every error but SKUA_EINVAL.
 *
 * Thread: any, inside a task too. Blocks: suspends the task / blocks the
 * thread until all has ended.
 * Errors, the first in the order of the items: SKUA_EFAILED (one failed),
 * SKUA_ETIMEDOUT, SKUA_ECANCELLED (by the shutdown), SKUA_ECLOSED, SKUA_ENOMEM,
 * SKUA_EFULL and the other errors of a submit; SKUA_EINVAL (NULL @pool, @fn,
 * or @items with a @count; a @count that no array has).
 */
SKUA_API int skua_map(struct skua_pool *pool, skua_fn *fn, void *const items[],
		      size_t count, size_t chunk, int64_t timeout_ns,
		      void *results[], size_t *completed);

struct skua_map;

/**
 * Open a stream of results.
 *
 * @next(@context, &item) gives the next item and returns 1, or returns 0 at
 * the end, or a negative code, which ends the stream too. It is called only
 * by skua_map_next(), in the reader's thread or task, and only so far that at
 * most @ahead items have been taken whose results have not been read.
 *
 * A task has @chunk items (0: one), or @ahead if that is less. @ahead 0:
 * chosen, four tasks for each worker and four more. Memory is allocated here,
 * linear in @ahead, and not later. @timeout_ns counts from this call.
 *
 * On success the caller owns *@map. The pool is retained, @context borrowed
 * until skua_map_close(), items until they have been run.
 *
 * Thread: any. Blocks: never.
 * Errors: SKUA_EINVAL (a NULL pointer; @context may be NULL), SKUA_ENOMEM.
 */
SKUA_API int skua_map_open(struct skua_map **map, struct skua_pool *pool,
			   skua_fn *fn, int (*next)(void *context, void **item),
			   void *context, size_t chunk, size_t ahead,
			   int64_t timeout_ns);

/**
 * The result of the next item: one answer for each item, in their order.
 *
 * 0: *@result is what the function returned. SKUA_EFAILED: it failed with
 * *@code; the next call goes on with the next item. Either pointer may be
 * NULL.
 *
 * When the time has run out no more items are taken, those that have not
 * started never do, and each that has not ended by the time it is asked for
 * answers SKUA_ETIMEDOUT; its result is lost. If a task cannot be submitted,
 * its items answer that error, and no more are taken. An error of @next is
 * the answer after the last item, once. At the end and from then on
 * SKUA_ENONE.
 *
 * Thread: any, one at a time. Blocks: suspends the task / blocks the thread,
 * until the result is there or the time has run out, and for what @next does.
 * Errors: SKUA_EFAILED, SKUA_ETIMEDOUT, SKUA_ECANCELLED (the pool was shut
 * down), SKUA_ENONE, those of a submit and of @next; SKUA_EINVAL (NULL @map);
 * SKUA_ENOMEM also if there is no memory to wait: then nothing is lost, and
 * the call may be repeated.
 */
SKUA_API int skua_map_next(struct skua_map *map, void **result, int *code);

/**
 * Stop, at the end or before: items that have not started never do, and the
 * call returns when those that run have ended. Results not read are lost.
 * NULL is ignored.
 *
 * Thread: any, no other one using it. Blocks: suspends the task / blocks the
 * thread until no item runs.
 */
SKUA_API void skua_map_close(struct skua_map *map);

#ifdef __cplusplus
}
#endif

#endif
