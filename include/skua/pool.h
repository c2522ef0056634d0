/* SPDX-License-Identifier: MIT */
/*
 * Pools of worker threads.
 *
 *	struct skua_pool *pool;
 *	int error = skua_pool_open(&pool, NULL);
 *	...
 *	skua_pool_close(pool, SKUA_CLOSE_WAIT);
 *
 * A pool owns threads that take tasks from each other. Tasks are given to it
 * by skua_submit() (future.h) or by a task of fork.h. A handle is counted:
 * skua_pool_open() gives one reference, skua_pool_close() takes it back.
 * Between shutdown and the last release every call on it is still allowed
 * and answers SKUA_ECLOSED. Pools never affect each other.
 *
 * After fork() the child has no worker threads: there each call on a pool
 * that it inherited answers SKUA_ECLOSED, and it may open pools of its own.
 */
#ifndef SKUA_POOL_H
#define SKUA_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skua_pool;

/** A timeout that never runs out: any negative number of nanoseconds. */
#define SKUA_FOREVER ((int64_t)-1)
/** Whole seconds or milliseconds as nanoseconds, multiplied in 64 bits. */
#define SKUA_SECONDS(x) ((int64_t)(x)*INT64_C(1000000000))
#define SKUA_MILLISECONDS(x) ((int64_t)(x)*INT64_C(1000000))

/** The most workers a pool may have. */
#define SKUA_WORKERS_MAX 1024

/**
 * As max_pending: a job is accepted only while a worker is free for it.
 *
 * A worker is free from skua_pool_open() on, and again when the future of what
 * it ran is done, or while its task is suspended; so whoever has seen a result
 * finds room for another. One that runs a part of a fork-join task is not free.
 */
#define SKUA_NO_QUEUE SIZE_MAX

/**
 * Options of a pool; start from SKUA_POOL_OPTIONS and set what you need.
 *
 * A struct that is shorter than the library's means defaults for the rest;
 * a longer one is accepted if what the library does not know is zero.
 */
struct skua_pool_options {
	size_t size; /* sizeof this struct */
	unsigned workers; /* 0: as many as CPUs this process may use: its
			     * affinity mask and cgroup quota; the
			     * environment's SKUA_WORKERS goes before them.
			     * At most SKUA_WORKERS_MAX. */
	const char *name; /* worker threads are "<name>-<i>", in 15 bytes:
			     * the name is cut, never the number. NULL:
			     * "skua". Copied. */
	size_t stack_bytes; /* of a task's C stack; 0: 8 MiB, or 1 MiB where
			     * pointers have 32 bits. Reserved, not
			     * committed; rounded up to pages, at least
			     * 16 KiB. */
	size_t max_pending; /* jobs submitted and not started; 0: any
			     * number. SKUA_NO_QUEUE: only as many as
			     * workers are free. See below. */
	uint64_t seed; /* of victim selection; 0: chosen */
	/* Called in each worker's thread, first and last; may be NULL. They
	 * are no tasks: waits in them block the thread. One must not resize,
	 * pause, resume or shut down its own pool. start returns 0, or else
	 * the pool is broken: what has not started ends with SKUA_EBROKEN,
	 * and so does each submit from then on; running tasks go on, and the
	 * pool is still to be closed. stop is called where start succeeded. */
	int (*start)(void *context, unsigned worker);
	void (*stop)(void *context, unsigned worker);
	void *context; /* theirs; must live until the pool has ended */
};

/*
 * Bounded pools: with max_pending a submit to a full pool waits for room, in the
 * order of coming: it suspends the task or blocks the thread. With a timeout,
 * see skua_submit_with(), it answers SKUA_EFULL or SKUA_ETIMEDOUT.
 *
 * - A job has its place until a worker starts it, or meets it if it was
 *   cancelled. It counts in skua_pool_pending() as long.
 * - A task may submit to its own full pool: while it is suspended its worker
 *   runs what is queued. Where it cannot be suspended, since memory for stacks
 *   has run out, the job runs at once, in the submit, if the task has no
 *   children that are not joined; with those, or in a paused pool, it is queued
 *   beyond the bound. So a job of a bounded pool must not wait for what its
 *   submitter does only after the submit: run there, it would wait for ever.
 * - drop_arg and drop_result (future.h), and start and stop for their own pool,
 *   must not wait: a full pool answers SKUA_EFULL there. Callbacks wait.
 * - Of a pool that is paused, or has no workers, who waits waits on until it is
 *   resumed, or has some; a shutdown ends all waits with SKUA_ECLOSED, but with
 *   SKUA_CLOSE_WAIT not those of the pool's own tasks, which get their room.
 */

/** Initializer of a struct skua_pool_options: all defaults. */
#define SKUA_POOL_OPTIONS                                                 \
	{                                                                 \
		sizeof(struct skua_pool_options), 0, NULL, 0, 0, 0, NULL, \
			NULL, NULL                                        \
	}

/**
 * Open a pool.
 *
 * @options may be NULL: all defaults. On success the caller owns one
 * reference, *@pool, to be given back by skua_pool_close() or
 * skua_pool_release(). On error *@pool is untouched and nothing is left
 * behind: no thread, no memory.
 *
 * Thread: any, inside a task too. Blocks: never (threads are started).
 * Errors: SKUA_EINVAL (a NULL @pool, an option out of range, an option the
 * library does not know, a malformed SKUA_WORKERS in the environment),
 * SKUA_ENOMEM, SKUA_EAGAIN (no thread to be had).
 */
SKUA_API int skua_pool_open(struct skua_pool **pool,
			    const struct skua_pool_options *options);

/** How a pool ends; a sum of flags. */
enum {
	SKUA_CLOSE_WAIT = 0, /* all that was submitted runs, then return */
	SKUA_CLOSE_CANCEL = 1, /* cancel what has not started */
	SKUA_CLOSE_DETACH = 2 /* return at once; the pool ends by itself */
};

/**
 * Shut a pool down; the handle stays valid.
 *
 * From now on submits from outside answer SKUA_ECLOSED. Tasks that were
 * submitted before run to their end, and with SKUA_CLOSE_WAIT those that
 * they submit too. With SKUA_CLOSE_CANCEL what has not started is cancelled:
 * its future says SKUA_ECANCELLED and its drop_arg is called; frames of
 * fork-join tasks that run are not affected, and running tasks may not submit
 * any more: SKUA_ECLOSED. A submit that races with this
 * call is either accepted, and then runs or is cancelled, or refused with
 * SKUA_ECLOSED.
 *
 * May be called again, and by several threads: each without
 * SKUA_CLOSE_DETACH returns when the workers have ended, and
 * SKUA_CLOSE_CANCEL may be added later.
 *
 * Thread: any. Inside a task of another pool it suspends the task. Blocks:
 * until the pool has ended; never with SKUA_CLOSE_DETACH.
 * Errors: SKUA_EINVAL (NULL, an unknown flag, or the default pool),
 * SKUA_EDEADLK (from a task of this pool without SKUA_CLOSE_DETACH; nothing
 * has changed), SKUA_EAGAIN or SKUA_ENOMEM (a pool resized to 0 workers got
 * none to run what was submitted; nothing has changed), SKUA_ECLOSED (a pool inherited over fork()), SKUA_ENOMEM
 * (a task that had to wait got no stack to switch to: the pool is shut down,
 * but has not ended).
 */
SKUA_API int skua_pool_shutdown(struct skua_pool *pool, unsigned flags);

/**
 * Take one more reference; returns @pool. NULL is passed through.
 * Thread: any that holds a reference. Blocks: never.
 */
SKUA_API struct skua_pool *skua_pool_retain(struct skua_pool *pool);

/**
 * Give a reference back. When the last one goes, a pool that is still open
 * is shut down like SKUA_CLOSE_DETACH: what was submitted still runs.
 * NULL is ignored. Thread: any, inside a task too. Blocks: never.
 */
SKUA_API void skua_pool_release(struct skua_pool *pool);

/**
 * skua_pool_shutdown(), then skua_pool_release().
 *
 * On error the reference is kept: call again, or from elsewhere.
 * Thread, Blocks, Errors: as skua_pool_shutdown(); after fork() the copy of
 * the child is given up and SKUA_ECLOSED returned.
 */
SKUA_API int skua_pool_close(struct skua_pool *pool, unsigned flags);

/**
 * The process's own pool with all defaults, opened at first use.
 *
 * NULL if it cannot be opened; the next call tries again. It is never closed:
 * no reference is given or needed. Thread: any. Blocks: never.
 */
SKUA_API struct skua_pool *skua_pool_default(void);

/**
 * The pool whose task is calling; NULL outside of tasks. No reference is
 * taken: it lives at least as long as the task. Thread: any. Blocks: never.
 */
SKUA_API struct skua_pool *skua_pool_current(void);

/**
 * Index of the worker that runs the calling task, 0 … workers - 1, or -1
 * outside of tasks. It never changes during a task, so it may index
 * per-worker scratch (which other tasks of this worker use while this one
 * waits). Thread: any. Blocks: never.
 */
SKUA_API int skua_worker(void);

/** Number of workers; 0 for NULL and in a fork's child. Thread: any. */
SKUA_API unsigned skua_pool_workers(const struct skua_pool *pool);

/**
 * Change the number of workers while the pool runs.
 *
 * Growing starts threads. Those who are one too many are dismissed: they
 * finish the task that they run, others take what is in their queues, and
 * tasks that are suspended there keep their thread until they end. It is not
 * waited for that: one that was looking for a task as this was called may still
 * start one, even one that is submitted afterwards. With 0 workers nothing else
 * runs and submits wait; shutdown starts one again, if there is none, for what
 * was submitted before.
 *
 * On error there are as many workers as before. Thread: any, inside a task
 * too. Blocks: for the last instructions of a dismissed thread, and its stop
 * hook. Errors: SKUA_EINVAL (NULL, more than SKUA_WORKERS_MAX), SKUA_ENOMEM,
 * SKUA_EAGAIN (no thread to be had), SKUA_ECLOSED, SKUA_EBROKEN.
 */
SKUA_API int skua_pool_resize(struct skua_pool *pool, unsigned workers);

/**
 * Start nothing new, until skua_pool_resume() or shutdown.
 *
 * Running tasks go on, with their children and after their waits. Submits are
 * accepted and wait, in a bounded pool until it is full: what is submitted after
 * this has returned does not start. What was submitted before and a worker was
 * about to start still may. A paused pool whose tasks have ended uses no CPU.
 * Pausing twice is pausing once.
 *
 * Thread: any, inside a task too. Blocks: for a moment, until workers that look
 * for work have looked; the thread, in a task too. Errors: SKUA_EINVAL,
 * SKUA_ECLOSED, SKUA_EBROKEN.
 */
SKUA_API int skua_pool_pause(struct skua_pool *pool);
/** Start again what waits; nothing happens to a pool that is not paused. */
SKUA_API int skua_pool_resume(struct skua_pool *pool);

/**
 * Wait until nothing is pending or running: for one moment at least, since
 * others may submit meanwhile. While the pool is paused, or has no workers,
 * pending tasks stay.
 *
 * Thread: any. In a task of another pool it suspends the task. Blocks: at most
 * @timeout_ns nanoseconds. Errors: SKUA_EINVAL, SKUA_ETIMEDOUT, SKUA_EDEADLK
 * (from a task of this pool), SKUA_ECLOSED (a pool inherited over fork()),
 * SKUA_ENOMEM.
 */
SKUA_API int skua_pool_drain(struct skua_pool *pool, int64_t timeout_ns);

/**
 * Tasks submitted and not yet started, and tasks started and not yet ended
 * (suspended ones too). Both are snapshots of a moving sum: exact when
 * nothing moves. Cancelled tasks count as pending until a worker meets them.
 * 0 for NULL, and when the pool has ended. Thread: any. Blocks: never.
 */
SKUA_API size_t skua_pool_pending(const struct skua_pool *pool);
SKUA_API size_t skua_pool_running(const struct skua_pool *pool);

/**
 * Give memory back that the pool keeps for speed: cached stacks, segments of
 * fork stacks, outgrown rings.
 *
 * Thread: any, inside a task too; not in an RCU read-side section (it waits
 * for a grace period). Blocks: the thread, for a grace period (milliseconds
 * at the most). Errors: SKUA_EINVAL, SKUA_ECLOSED (after fork()).
 */
SKUA_API int skua_pool_trim(struct skua_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
