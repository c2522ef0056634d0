/* SPDX-License-Identifier: MIT */
/*
 * Requests: functions run in a pool, and what is to be done with their results
 * runs in the thread that asks for it. So callbacks need no locks, and may touch
 * what belongs to that thread: a window, a connection, a file that is written.
 *
 *	struct skua_batch *batch;
 *	int error = skua_batch_open(&batch, pool);
 *	...
 *	error = skua_batch_put_many(batch, fetch, urls, count, show, complain,
 *				    window);
 *	...
 *	error = skua_batch_wait(batch);
 *	skua_batch_close(batch);
 *
 * A batch has any number of requests at once, and may be used over and over.
 * While they run, skua_pool_resize() gives the pool more workers or fewer.
 *
 * A request is pending from its put until it is taken for its callback, by
 * skua_batch_poll() or skua_batch_wait(). It is taken once, in the order in
 * which requests have finished.
 *
 * Callbacks may put requests, poll, and close the batch. They run where they
 * are called; in a task they may wait as it may.
 *
 * In the child of fork() each call on a batch that it inherited answers
 * SKUA_ECLOSED; skua_batch_close() gives the copy up.
 */
#ifndef SKUA_REQUESTS_H
#define SKUA_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/future.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skua_batch;

/** Called with what the function returned for @arg. */
typedef void skua_on_result(void *arg, void *result, void *context);

/**
 * Called if there is no result: @code is what the function gave to
 * skua_fail(); SKUA_ECANCELLED if it never ran because the pool was shut down
 * with SKUA_CLOSE_CANCEL, SKUA_EBROKEN if because the pool broke.
 */
typedef void skua_on_error(void *arg, int code, void *context);

/**
 * Open a batch of requests to @pool.
 *
 * On success the caller owns *@batch; the pool is retained.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL), SKUA_ENOMEM.
 */
SKUA_API int skua_batch_open(struct skua_batch **batch, struct skua_pool *pool);

/**
 * Run @fn(@arg) in the pool, and then @on_result or @on_error in who polls or
 * waits. Each may be NULL: what it would be told is lost.
 *
 * @arg and @context are borrowed until the callback has returned or the batch
 * is closed. On error nothing has happened; from a put that succeeds on nothing
 * can run out, and one callback will be due, if the batch is not closed.
 *
 * Thread: any, several at once, inside requests and callbacks too. Blocks:
 * while a bounded pool is full, as skua_submit().
 * Errors: SKUA_EINVAL (NULL @batch or @fn), SKUA_ENOMEM (more than 2^29 pending
 * too), SKUA_ECLOSED (the pool was shut down), SKUA_EBROKEN, and others of a
 * submit.
 */
SKUA_API int skua_batch_put(struct skua_batch *batch, skua_fn *fn, void *arg,
			    skua_on_result *on_result, skua_on_error *on_error,
			    void *context);

/**
 * The same for @fn(@args[i]) with each i < @count: all or none. @args itself is
 * borrowed until the call returns. A @count of 0 does nothing and succeeds.
 *
 * Thread, Blocks, Errors: as skua_batch_put(); SKUA_EINVAL also for NULL @args
 * with a @count, and SKUA_EFULL for a @count that a bounded pool can never
 * take.
 */
SKUA_API int skua_batch_put_many(struct skua_batch *batch, skua_fn *fn,
				 void *const args[], size_t count,
				 skua_on_result *on_result,
				 skua_on_error *on_error, void *context);

/** Pending requests: put, and not yet taken. 0 for NULL. Thread: any. */
SKUA_API size_t skua_batch_pending(struct skua_batch *batch);

/**
 * Wait until a request has finished, and call the callbacks of all that have:
 * those that had when it looked, so that it returns though others go on
 * finishing.
 *
 * 0: one callback was due at least. Each other answer says why there is
 * nothing to do:
 *
 *	SKUA_ENONE	nothing is pending
 *	SKUA_ENOWORKERS	something is, but no request runs and the pool has no
 *			workers: none will finish until skua_pool_resize()
 *			(looked at before it begins to wait, and when the
 *			last that runs has ended)
 *	SKUA_ETIMEDOUT	none has finished in time
 *	SKUA_EDEADLK	the caller is a request of this batch, which may only
 *			look: its own would never finish (@timeout_ns not 0)
 *
 * Everything that the function wrote is visible to the callback.
 *
 * Thread: any, several at once: each request is taken by one of them. Blocks:
 * suspends the task / blocks the thread, for @timeout_ns nanoseconds at most
 * (0: only looks); and for what callbacks do.
 * Errors: those above; SKUA_EINVAL (NULL), SKUA_ECLOSED (inherited over
 * fork()).
 */
SKUA_API int skua_batch_poll(struct skua_batch *batch, int64_t timeout_ns);

/**
 * Poll until nothing is pending, also of what callbacks put, and no other
 * thread is in a callback. (Within a callback it does not wait for those.)
 *
 * Thread, Blocks: as skua_batch_poll().
 * Errors: those of skua_batch_poll(), but SKUA_ENONE, which is success, and
 * SKUA_ETIMEDOUT.
 */
SKUA_API int skua_batch_wait(struct skua_batch *batch);

/**
 * A descriptor that is readable while a finished request waits for its callback,
 * for poll(), epoll and event loops: then call skua_batch_poll(batch, 0).
 * Another thread may have been faster: so be prepared for SKUA_ETIMEDOUT.
 *
 * It belongs to the batch and is closed by skua_batch_close(). Do not read from
 * it or write to it. Where readiness is told by edges (EPOLLET), poll until the
 * answer is not 0.
 *
 * Thread: any. Blocks: never. Returns the descriptor, the same each time, or an
 * error: SKUA_EINVAL (NULL), SKUA_ENOMEM (no descriptor to be had either),
 * SKUA_ECLOSED (inherited over fork()).
 */
SKUA_API int skua_batch_fd(struct skua_batch *batch);

/**
 * Close a batch: requests that have not started never do, and the call returns
 * when those that run have ended. Callbacks not yet called never are; whoever
 * wants them waits first.
 *
 * Thread: any, no other one using it, but for requests and callbacks of its
 * own thread. Blocks: suspends the task / blocks the thread until no request
 * of the batch runs.
 * Errors: SKUA_EINVAL (NULL), SKUA_EDEADLK (from a request of the batch; nothing
 * has changed), SKUA_ECLOSED (inherited over fork(): the copy is given up).
 */
SKUA_API int skua_batch_close(struct skua_batch *batch);

#ifdef __cplusplus
}
#endif

#endif
