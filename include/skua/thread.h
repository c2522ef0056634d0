/* SPDX-License-Identifier: MIT */
/*
 * Plain threads, for what is no task: that blocks in system calls, or goes on
 * as long as the program.
 *
 *	struct skua_thread *reader;
 *	int error = skua_thread_start(&reader, "reader", read_input, file);
 *	...
 *	void *lines;
 *	error = skua_thread_join(reader, SKUA_FOREVER, &lines);
 *
 * They are threads like any others of the process: with its default stack, the
 * signal mask of whoever starts them, all of the library at hand, and its
 * locks (sync.h) between them and tasks. What is short and comes in numbers is
 * better submitted to a pool, which costs a hundredth.
 *
 * Nobody waits for threads as main() returns: the process ends, as in C. Join
 * what must have ended by then.
 *
 * In the child of fork() there are no threads but the one that forked. There
 * joins of others answer SKUA_ECLOSED, and their handles may be given up by
 * skua_thread_detach().
 */
#ifndef SKUA_THREAD_H
#define SKUA_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/future.h>
#include <skua/pool.h>
#include <skua/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skua_thread;

/**
 * Start a thread that runs @fn(@arg).
 *
 * @name is what ps, top and gdb show: its first 15 bytes, less where that would
 * break a character of UTF-8. It is copied; any bytes are taken, and what is
 * not UTF-8 is cut anywhere. NULL: the name of the thread that starts it.
 *
 * @arg is borrowed until the thread has ended. Everything the caller wrote
 * before is visible to @fn. On success the caller owns *@thread and gives it up
 * once, by skua_thread_join() or skua_thread_detach(). On error *@thread is
 * untouched and @fn never runs.
 *
 * Thread: any, inside a task too. Blocks: never.
 * Errors: SKUA_EINVAL (NULL @thread or @fn), SKUA_ENOMEM, SKUA_EAGAIN (no
 * thread to be had; see ulimit -u).
 */
SKUA_API int skua_thread_start(struct skua_thread **thread, const char *name,
			       skua_fn *fn, void *arg);

/**
 * Wait until a thread has ended, and take what it returned.
 *
 * *@result, which may be NULL, is what @fn returned, or was given to
 * pthread_exit(); PTHREAD_CANCELED if it was cancelled. On success @thread is
 * gone. On error it is still the caller's, who may join it again, or detach
 * it: a timeout does not disturb it.
 *
 * Everything the thread wrote is visible to the caller.
 *
 * Thread: the owner of @thread, inside a task too. No cancellation point.
 * Blocks: suspends the task / blocks the thread, for @timeout_ns nanoseconds
 * at most (0: only looks); then the thread, while destructors of thread-local
 * objects run in the other one.
 * Errors: SKUA_EINVAL (NULL), SKUA_ETIMEDOUT, SKUA_EDEADLK (a thread joins
 * itself, with whatever timeout, or its destructors wait for the caller),
 * SKUA_ECLOSED (inherited over fork()).
 */
SKUA_API int skua_thread_join(struct skua_thread *thread, int64_t timeout_ns,
			      void **result);

/**
 * Give a thread up: it goes on by itself, and frees itself when it ends. What
 * it returns is lost. @thread is gone, NULL is ignored.
 *
 * Thread: the owner of @thread, also the thread itself. Blocks: never.
 */
SKUA_API void skua_thread_detach(struct skua_thread *thread);

/**
 * The calling thread's name as ps and gdb show it, at most 15 bytes; of a task
 * that of its worker, "skua-0". Any thread has one: the main thread's is that
 * of the program, unless somebody changed it.
 *
 * Never NULL; it belongs to the thread and is valid until the thread's next
 * call. (Systems without names of threads: "", if it is not one of ours.)
 * Thread: any. Blocks: never.
 */
SKUA_API const char *skua_thread_name(void);

/**
 * A thread as part of a struct of yours, where others have a class that is
 * derived from one: what it works with lies beside it.
 *
 *	struct counter {
 *		struct skua_thread_base thread;
 *		long from, to, sum;
 *	};
 *
 *	static void *count(struct skua_thread_base *self)
 *	{
 *		struct counter *counter = (struct counter *)self;
 *		...
 *	}
 *
 *	struct counter counter = { .thread = { .run = count }, .to = 100 };
 *	int error = skua_thread_base_start(&counter.thread);
 *
 * The rest is zero. Nothing is allocated. It must stay where it is, and may go,
 * freed or reused, after it has been joined; so it cannot be detached, and
 * must not be freed in @run.
 */
struct skua_thread_base {
	void *(*run)(struct skua_thread_base *self);
	const char *name; /* as for skua_thread_start(); borrowed until it
			     * is joined */
	uint64_t opaque[6] SKUA_ALIGNED_8; /* zero at first */
};

/**
 * Start a thread that runs @self->run(@self): once only. To start another one
 * in its place, set it to zero again after the join.
 *
 * Thread: any, inside a task too. Blocks: never.
 * Errors: SKUA_EINVAL (NULL @self or @self->run), SKUA_EBUSY (it was started
 * before), SKUA_ENOMEM, SKUA_EAGAIN (no thread to be had); with the last two it
 * may be tried again.
 */
SKUA_API int skua_thread_base_start(struct skua_thread_base *self);

/**
 * Wait until a thread has ended, and take what it returned; see
 * skua_thread_join(). It may be joined by several, and again: each gets the
 * same result.
 *
 * Thread, Blocks: as skua_thread_join(), but any thread.
 * Errors: those of skua_thread_join(); SKUA_EINVAL also if it was not started.
 */
SKUA_API int skua_thread_base_join(struct skua_thread_base *self,
				   int64_t timeout_ns, void **result);

#ifdef __cplusplus
}
#endif

#endif
