/* SPDX-License-Identifier: MIT */
/*
 * Jobs in, results out in the order of the jobs: the push form of map.h.
 *
 *	struct skua_ordered *queue;
 *	int error = skua_ordered_open(&queue, pool, 64);
 *	...
 *	error = skua_ordered_put(queue, compress, block, SKUA_FOREVER);
 *	...
 *	while ((error = skua_ordered_next(queue, SKUA_FOREVER, &result,
 *					  &code)) != SKUA_ENONE)
 *		...
 *	skua_ordered_close(queue);
 *
 * At most `ahead` jobs are in the queue whose results have not been read: a
 * put waits for room, so whoever puts needs somebody else who reads, or puts
 * with a timeout of 0 and reads when that answers SKUA_ETIMEDOUT.
 */
#ifndef SKUA_ORDERED_H
#define SKUA_ORDERED_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/future.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skua_ordered;

/**
 * Open a queue of jobs that run in @pool, at most @ahead of them unread
 * (0: chosen, four for each worker and four more).
 *
 * On success the caller owns *@queue; the pool is retained.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL), SKUA_ENOMEM.
 */
SKUA_API int skua_ordered_open(struct skua_ordered **queue,
			       struct skua_pool *pool, size_t ahead);

/**
 * Submit @fn(@arg) as the next job. @arg is borrowed until its result has been
 * read.
 *
 * Of several that put at once each finds some place; those of one thread or
 * task are in the order of its puts.
 *
 * Thread: any, several at once. Blocks: suspends the task / blocks the thread
 * while there is no room, in the queue or in a bounded pool, for @timeout_ns
 * nanoseconds at most (0: only looks).
 * Errors: SKUA_EINVAL (NULL @queue or @fn), SKUA_ETIMEDOUT (no room),
 * SKUA_ENOMEM, SKUA_ECLOSED and other errors of a submit: the job is not in
 * the queue.
 */
SKUA_API int skua_ordered_put(struct skua_ordered *queue, skua_fn *fn,
			      void *arg, int64_t timeout_ns);

/**
 * The result of the oldest job that has not been read.
 *
 * 0: *@result is what it returned. SKUA_EFAILED: it failed with *@code, which
 * otherwise is 0. SKUA_ECANCELLED: the pool was shut down before it ran. In
 * these cases it has been read. Either pointer may be NULL. Several that read
 * at once get results of jobs that follow each other.
 *
 * If no job is in the queue the answer is SKUA_ENONE, at once: see
 * skua_ordered_await().
 *
 * Thread: any, several at once. Blocks: suspends the task / blocks the thread
 * until the job has ended, for @timeout_ns nanoseconds at most (0: only
 * looks).
 * Errors, beside those above: SKUA_ETIMEDOUT, SKUA_EINVAL (NULL @queue),
 * SKUA_ENOMEM (none to wait), SKUA_EDEADLK (the job reads its own result): the
 * job is still to be read.
 */
SKUA_API int skua_ordered_next(struct skua_ordered *queue, int64_t timeout_ns,
			       void **result, int *code);

/**
 * Wait until there is a job in the queue whose result has not been read, as a
 * reader does that is not told otherwise when jobs come.
 *
 * Thread: any, several at once. Blocks: as skua_ordered_put().
 * Errors: SKUA_EINVAL (NULL), SKUA_ETIMEDOUT, SKUA_ENOMEM.
 */
SKUA_API int skua_ordered_await(struct skua_ordered *queue, int64_t timeout_ns);

/**
 * Close the queue: jobs that have not started never do, and the call returns
 * when those that run have ended. Results not read are lost.
 *
 * Thread: any, no other one using it. Blocks: suspends the task / blocks the
 * thread until no job of the queue runs.
 * Errors: SKUA_EINVAL (NULL), SKUA_EDEADLK (from a job of the queue: those that
 * had not started are cancelled, the queue stays open).
 */
SKUA_API int skua_ordered_close(struct skua_ordered *queue);

#ifdef __cplusplus
}
#endif

#endif
