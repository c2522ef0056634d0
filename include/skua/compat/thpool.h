/* SPDX-License-Identifier: MIT */
/*
 * The interface of Johan Hanssen Seferidis' C-Thread-Pool, on top of Skua.
 *
 * Programs written for that pool recompile unchanged: they find this header as
 * "thpool.h" or <thpool.h> with what `pkg-config --cflags --libs skua-thpool`
 * says, and link no thpool.c. Work may use all of Skua, too: it runs in tasks.
 *
 * What is the same: work is started in no promised order by any of the threads;
 * add_work copies nothing; wait waits for all that was added, paused work too;
 * destroy waits for what runs and drops what has not started.
 *
 * What is different:
 *
 *  - Nothing is shared between pools. There, a pool that is destroyed stops
 *    the others, and to resume one resumes all.
 *  - Nobody polls: wait sleeps in the kernel until the work is done, and so do
 *    threads without work.
 *  - Pause starts nothing new and lets go on what runs. There it stops that
 *    too, by a signal whose handler sleeps, maybe with a lock held that the
 *    program needs. Here no signal is used, and no handler installed: work that
 *    must stop at once has to look at a flag of its own.
 *  - To pause, resume and wait may be called at any time, also by work of
 *    another pool. A wait for one's own pool, which would never end there,
 *    returns at once.
 *  - Nothing is printed.
 */
#ifndef SKUA_COMPAT_THPOOL_H
#define SKUA_COMPAT_THPOOL_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(SKUA_API)
#define SKUA_API __attribute__((__visibility__("default")))
#elif !defined(SKUA_API)
#define SKUA_API
#endif

typedef struct thpool_ *threadpool;

/**
 * A pool of @num_threads threads, named "thpool-0" and so on.
 *
 * With 0 or less it has none: work is accepted and never runs, as there. The
 * caller owns it until thpool_destroy(). NULL: no memory, no threads to be
 * had, or more than 1,024 asked for.
 *
 * Thread: any. Blocks: never.
 */
SKUA_API threadpool thpool_init(int num_threads);

/**
 * Run @function_p(@arg_p) once on some thread of the pool.
 *
 * @arg_p is borrowed until then. Returns 0, or -1 if nothing has happened:
 * NULL pool or function, no memory, or after fork() in the child.
 *
 * Thread: any, inside work too. Blocks: never.
 */
SKUA_API int thpool_add_work(threadpool pool, void (*function_p)(void *),
			     void *arg_p);

/**
 * Wait until no work is waiting or running, for one moment at least. While the
 * pool is paused or has no threads, work that waits stays.
 *
 * In work of the same pool, for NULL, and after fork() in the child it returns
 * at once. Thread: any. Blocks: the thread; in a task of Skua it suspends the
 * task.
 */
SKUA_API void thpool_wait(threadpool pool);

/**
 * Start nothing new until thpool_resume(); what runs goes on. Work may be added.
 * NULL is ignored. Thread: any. Blocks: never.
 */
SKUA_API void thpool_pause(threadpool pool);

/** Start again what waits. NULL is ignored. Thread: any. Blocks: never. */
SKUA_API void thpool_resume(threadpool pool);

/**
 * End a pool: what runs is waited for, work that has not started is dropped, and
 * @pool is gone. A paused one too. NULL is ignored.
 *
 * In its own work it returns at once, and the pool ends by itself.
 * Thread: any, no other one using it. Blocks: until what runs has ended.
 */
SKUA_API void thpool_destroy(threadpool pool);

/**
 * How many threads are at work at this moment. 0 for NULL.
 * Thread: any. Blocks: never.
 */
SKUA_API int thpool_num_threads_working(threadpool pool);

#ifdef __cplusplus
}
#endif

#endif
