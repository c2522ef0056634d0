/* SPDX-License-Identifier: MIT */
/*
 * Submit functions to a pool and get their results.
 *
 *	struct skua_future *future;
 *	int error = skua_submit(pool, hash_file, path, &future);
 *	...
 *	void *digest;
 *	error = skua_future_result(future, SKUA_FOREVER, &digest);
 *	skua_future_release(future);
 *
 * A future is counted: whoever got it from a submit owns one reference and
 * gives it back with skua_future_release(), at any time, done or not.
 * Futures outlive their pool. In a task each wait suspends the task while its
 * worker runs others, so tasks may wait for each other as they like.
 *
 * Everything the submitter wrote before the submit is visible to the
 * function; everything the function wrote is visible to whoever saw the
 * future done.
 */
#ifndef SKUA_FUTURE_H
#define SKUA_FUTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skua_future;

/** A task: what pthread_create() takes. */
typedef void *skua_fn(void *arg);

/**
 * Submit @fn to run once on some worker of @pool.
 *
 * @arg is borrowed until the future is done. On success the caller owns
 * *@out and must release it; with @out NULL nobody waits: fire and forget.
 * On error *@out is untouched and @fn never runs.
 *
 * Thread: any, inside a task too, without registration. Not
 * async-signal-safe. Blocks: never, but while a bounded pool is full: then it
 * suspends the task / blocks the thread (max_pending in pool.h).
 * Errors: SKUA_EINVAL (NULL @pool or @fn), SKUA_ENOMEM, SKUA_ECLOSED,
 * SKUA_EBROKEN, SKUA_EFULL (from drop_arg, drop_result, or a hook of the pool,
 * which must not wait for room).
 */
SKUA_API int skua_submit(struct skua_pool *pool, skua_fn *fn, void *arg,
			 struct skua_future **out);

/**
 * Submit a plain function, fire and forget.
 * Thread, Blocks, Errors: as skua_submit().
 */
SKUA_API int skua_post(struct skua_pool *pool, void (*fn)(void *), void *arg);

/**
 * Submit @fn(@args[i]) for each i < @count: all or none.
 *
 * On success @out[0 … @count - 1] are the futures in the order of @args, each
 * owned by the caller; @out may be NULL. On error @out is untouched and
 * nothing runs. @count 0 does nothing and succeeds.
 *
 * In a bounded pool it waits until there is room for all of them; who submits
 * after it waits too.
 *
 * Thread, Blocks: as skua_submit(). Errors: those of skua_submit();
 * SKUA_EINVAL for NULL @args with a @count, SKUA_ENOMEM also for a @count
 * that no memory could hold, SKUA_EFULL for one that can never have room: more
 * than max_pending or, with SKUA_NO_QUEUE, than there are workers.
 */
SKUA_API int skua_submit_many(struct skua_pool *pool, skua_fn *fn,
			      void *const args[], size_t count,
			      struct skua_future *out[]);

/** Options of one submit; start from SKUA_SUBMIT_OPTIONS. */
struct skua_submit_options {
	size_t size; /* sizeof this struct */
	int64_t timeout_ns; /* to wait for room in a bounded pool; 0: only
			     * look */
	void (*drop_arg)(void *arg); /* called if the task never runs */
	void (*drop_result)(void *result); /* called if nobody ever reads it */
	const char *name; /* borrowed; shown in traces */
};

/** Initializer of a struct skua_submit_options: all defaults. */
#define SKUA_SUBMIT_OPTIONS                                                   \
	{                                                                     \
		sizeof(struct skua_submit_options), SKUA_FOREVER, NULL, NULL, \
			NULL                                                  \
	}

/**
 * skua_submit() with options.
 *
 * drop_arg is called once, with the argument, if the submit succeeded and the
 * task is cancelled before it runs: in the worker that meets it, or in the
 * thread that shuts the pool down. drop_result is called once, with the
 * result, if the task returned and the last reference goes without
 * skua_future_result() (with an output) or skua_future_value() having read
 * it; a task that failed has its value dropped if that is not NULL. Both may
 * submit, and must not wait: a full pool answers SKUA_EFULL to them.
 *
 * @options may be NULL. Thread: any. Blocks: as skua_submit(), for timeout_ns
 * nanoseconds at most. Errors: those of skua_submit(); SKUA_EINVAL for options
 * that the library does not know; in a bounded pool without room SKUA_EFULL
 * with a timeout_ns of 0, else SKUA_ETIMEDOUT when the time is over.
 */
SKUA_API int skua_submit_with(struct skua_pool *pool, skua_fn *fn, void *arg,
			      const struct skua_submit_options *options,
			      struct skua_future **out);

/**
 * skua_submit_many() with options, which hold for each of them.
 *
 * @options may be NULL. Thread: any. Blocks: as skua_submit_many(), for
 * timeout_ns nanoseconds at most. Errors: those of skua_submit_many() and
 * skua_submit_with().
 */
SKUA_API int skua_submit_many_with(struct skua_pool *pool, skua_fn *fn,
				   void *const args[], size_t count,
				   const struct skua_submit_options *options,
				   struct skua_future *out[]);

/**
 * In a task: make it fail with @code, as in `return skua_fail(errno);`.
 *
 * Any code but 0; the first one of a task wins. A child of fork.h fails the
 * task it was forked from. Always returns NULL; outside of tasks and with
 * code 0 it does nothing else. The task goes on until it returns.
 * Thread: any. Blocks: never.
 */
SKUA_API void *skua_fail(int code);

/** Finished, failed or cancelled. False for NULL. Thread: any. */
SKUA_API bool skua_future_done(struct skua_future *future);
/** Started and not yet done. False for NULL. Thread: any. */
SKUA_API bool skua_future_running(struct skua_future *future);
/** Cancelled before it ran. False for NULL. Thread: any. */
SKUA_API bool skua_future_cancelled(struct skua_future *future);

/**
 * Cancel a task that has not started: it never runs, and those who wait are
 * told SKUA_ECANCELLED. Cancelling again succeeds again.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL), SKUA_EBUSY (it runs
 * or is done).
 */
SKUA_API int skua_future_cancel(struct skua_future *future);

/**
 * Wait until the future is done and take its result.
 *
 * @result may be NULL: only wait. The result stays readable until the future
 * is released. A timeout does not disturb the task.
 *
 * Thread: any, several at once. Blocks: suspends the task / blocks the
 * thread, until done or for @timeout_ns nanoseconds (0: only looks).
 * Errors: SKUA_EINVAL (NULL), SKUA_ETIMEDOUT, SKUA_ECANCELLED, SKUA_EFAILED
 * (see skua_future_code()), SKUA_EDEADLK (a task waits for its own future),
 * SKUA_ENOMEM (no memory for a wait with a timeout, or in a task no stack to
 * switch to), SKUA_ECLOSED (pending, and inherited over fork()).
 */
SKUA_API int skua_future_result(struct skua_future *future, int64_t timeout_ns,
				void **result);

/**
 * What the task of a future that is done returned, also if it failed; NULL
 * while it is not done, if it was cancelled, and for NULL.
 * Thread: any. Blocks: never.
 */
SKUA_API void *skua_future_value(struct skua_future *future);

/** The argument it was submitted with; NULL for NULL. Thread: any. */
SKUA_API void *skua_future_arg(struct skua_future *future);

/**
 * The code given to skua_fail() by a task that failed; 0 while it is not
 * done, and if it did not fail. Thread: any. Blocks: never.
 */
SKUA_API int skua_future_code(struct skua_future *future);

/**
 * Have @callback(@future, @context) called when the future is done.
 *
 * Callbacks run in the order in which they were added, after those who wait
 * were told: in the worker that finished the task, in the thread that
 * cancelled it or, of a promise, completed it. If the future is done already,
 * @callback is called at once, before this call returns. A callback may
 * submit, wait and release futures, this one too. It is no task of its own:
 * skua_fail() is not for it. While it waits, those after it wait too, and so
 * does the end of a pool that is being closed.
 *
 * @context is borrowed until the callback has returned. The caller's reference
 * stays the caller's: until its callbacks have run, the future is kept by one
 * of its own.
 *
 * Thread: any, several at once. Blocks: never, but for what @callback does.
 * Errors: SKUA_EINVAL (NULL @future or @callback), SKUA_ENOMEM, SKUA_ECLOSED
 * (pending, and inherited over fork()): it is never called.
 */
SKUA_API int skua_future_on_done(struct skua_future *future,
				 void (*callback)(struct skua_future *future,
						  void *context),
				 void *context);

/**
 * Take one more reference; returns @future. NULL is passed through.
 * Thread: any that holds a reference. Blocks: never.
 */
SKUA_API struct skua_future *skua_future_retain(struct skua_future *future);

/**
 * Give a reference back, at any time: the task runs all the same. NULL is
 * ignored. Thread: any, inside a task too. Blocks: never.
 */
SKUA_API void skua_future_release(struct skua_future *future);

/**
 * Open a promise: a future that is completed by hand.
 *
 * No task runs for it and no pool is needed. On success the caller owns one
 * reference, *@out; others who wait for it or complete it take their own with
 * skua_future_retain(). It is pending until skua_promise_set(),
 * skua_promise_fail() or skua_future_cancel(), whichever is first. Until then
 * it can be given up: releasing the last reference frees it, and if it has
 * callbacks cancels it first, so that they are called.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL), SKUA_ENOMEM.
 */
SKUA_API int skua_promise_open(struct skua_future **out);

/**
 * Complete a promise: it is done, with @value as its result.
 *
 * Everything the caller wrote before is visible to whoever saw it done. Its
 * callbacks run in this call. The caller's reference stays the caller's.
 *
 * Thread: any that holds a reference; of several the first one wins. Blocks:
 * never, but for what callbacks do. Errors: SKUA_EINVAL (NULL, or a future
 * that is no promise), SKUA_EBUSY (completed before), SKUA_ECANCELLED
 * (cancelled before: nobody wants it), SKUA_ECLOSED (inherited over fork()).
 */
SKUA_API int skua_promise_set(struct skua_future *promise, void *value);

/**
 * Complete a promise as failed: waits answer SKUA_EFAILED, and
 * skua_future_code() is @code.
 *
 * Thread, Blocks, Errors: as skua_promise_set(); SKUA_EINVAL also for a @code
 * of 0.
 */
SKUA_API int skua_promise_fail(struct skua_future *promise, int code);

/** What ends a wait for several futures. */
enum skua_when {
	SKUA_ALL_DONE, /* all are finished, failed or cancelled */
	SKUA_FIRST_DONE, /* the first one is */
	SKUA_FIRST_FAILED /* the first one has failed, or all are done */
};

/**
 * Wait for several futures at once, of one pool or several.
 *
 * The caller keeps a reference to each of them meanwhile. One that is given
 * twice counts once. *@index (may be NULL) is the place of the one that ended
 * the wait: the first that was done or had failed, or the last of all to be
 * done; if that was so at the call, the first such in @futures, or
 * @count - 1 for all. A cancelled task has not failed. A @count of 0 is all
 * done, with *@index untouched.
 *
 * A wait that runs out disturbs nothing and leaves nothing behind. It takes
 * time and, beside a pointer each, memory for the futures that are pending,
 * linear in @count.
 *
 * Thread: any, several at once. Blocks: suspends the task / blocks the
 * thread, for @timeout_ns nanoseconds at most (0: only looks).
 * Errors: SKUA_EINVAL (NULL @futures or one of them, an unknown @when),
 * SKUA_ETIMEDOUT, SKUA_ENOMEM, SKUA_ENONE (first of none), SKUA_EDEADLK (a
 * task waits for its own future, and for all or for nothing else),
 * SKUA_ECLOSED (the same with futures inherited over fork()).
 */
SKUA_API int skua_wait(struct skua_future *const futures[], size_t count,
		       enum skua_when when, int64_t timeout_ns, size_t *index);

struct skua_completed;

/**
 * Take futures as they are done, of one pool or several.
 *
 *	struct skua_completed *completed;
 *	int error = skua_as_completed(&completed, futures, count);
 *	...
 *	while (!skua_completed_next(completed, SKUA_FOREVER, NULL, &i))
 *		use(skua_future_value(futures[i]));
 *	skua_completed_free(completed);
 *
 * The array is copied. The futures are not retained: each must keep a
 * reference of the caller's until it has come out or skua_completed_free()
 * was called. On success the caller owns *@completed.
 *
 * Linear in @count, and so are all skua_completed_next() together.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL, or a NULL future),
 * SKUA_ENOMEM, SKUA_ECLOSED (one pending that was inherited over fork()).
 */
SKUA_API int skua_as_completed(struct skua_completed **completed,
			       struct skua_future *const futures[],
			       size_t count);

/**
 * The next one that is done: finished, failed or cancelled.
 *
 * Those that were done at skua_as_completed() come first, in the order of the
 * array, then the others in the order of their ends. Each comes once, also if
 * it was given twice. *@future is the one, still with the caller's reference,
 * *@index its first place in the array; either may be NULL. On error nothing
 * is lost.
 *
 * Thread: any, one at a time. Blocks: suspends the task / blocks the thread,
 * for @timeout_ns nanoseconds at most (0: only looks).
 * Errors: SKUA_ENONE (all have come out), SKUA_ETIMEDOUT, SKUA_EINVAL (NULL
 * @completed), SKUA_ENOMEM, SKUA_EDEADLK (the last one is the task's own),
 * SKUA_ECLOSED (inherited over fork()).
 */
SKUA_API int skua_completed_next(struct skua_completed *completed,
				 int64_t timeout_ns,
				 struct skua_future **future, size_t *index);

/**
 * Stop, whether or not all have come out. The futures are not affected. NULL
 * is ignored. Thread: any, no other one using it. Blocks: never.
 */
SKUA_API void skua_completed_free(struct skua_completed *completed);

#ifdef __cplusplus
}
#endif

#endif
