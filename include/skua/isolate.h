/* SPDX-License-Identifier: MIT */
/*
 * Isolation: a wait that lets nothing else onto its thread.
 *
 *	static void rebuild(void *arg)
 *	{
 *		skua_for(pool, 0, rows, NULL, rebuild_row, arg);
 *	}
 *
 *	pthread_mutex_lock(&index_lock);
 *	int error = skua_isolate(rebuild, index);
 *	pthread_mutex_unlock(&index_lock);
 *
 * A task that waits is suspended, and its worker goes on with other tasks. That
 * is wrong for a task that holds a plain mutex, which belongs to the thread, or
 * that has changed a thread-local variable: what runs there meanwhile may want
 * the mutex, or see the variable. Inside skua_isolate() the worker runs nothing
 * but what was started inside, until the function returns.
 *
 * Skua's own locks (sync.h) need none of this: they belong to the task.
 *
 * The protocol is in docs/design/isolation.md.
 */
#ifndef SKUA_ISOLATE_H
#define SKUA_ISOLATE_H

#include <skua/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Call @fn(@arg), isolated: until it returns, its thread runs only what was
 * started inside. That is each child forked and each task submitted to the same
 * pool by @fn or by what descends from it, and whatever thread it runs on. Other
 * workers may run those too, and are isolated as long as they have some of them.
 * A wait inside runs what was started inside, or blocks the worker.
 *
 * So a task may hold a pthread_mutex_t around the call, while other tasks of the
 * pool want the same one. It may be nested. What is inside must not
 *
 * - lock what is held around the call: bodies run on other threads, too, where
 *   that blocks, and on this one, where it is a deadlock;
 * - wait for what was not started inside (a task submitted before, a lock that a
 *   suspended task holds): its worker may be this one, which does not run it;
 * - need more tasks started inside to run at once than happen to: two of them
 *   that wait for each other, as at a barrier, may be on one worker in turn,
 *   one on top of the isolation of the other.
 *
 * A callback (skua_future_on_done()) is called where its future ends: on this
 * thread, if that was started inside, whoever added it.
 *
 * Children that were forked before the call and not joined are run by other
 * workers, or at their join. Children that @fn forks with the caller's `here`
 * are to be joined before it returns. @fn returns: it does not leave by
 * longjmp() or by ending the thread.
 *
 * What else this worker has begun waits until the end: keep it short. A full
 * bounded pool takes what is submitted inside, since nobody may make room.
 *
 * In a thread that is no worker, @fn is just called: its waits block anyway. But
 * then all workers may come to stand at a lock that the thread holds.
 * Returns 0 after @fn has returned.
 * Thread: any. Blocks: as @fn does; in a task, waits inside may block the worker.
 * Errors: SKUA_EINVAL (NULL fn), SKUA_ENOMEM; then @fn was not called.
 */
SKUA_API int skua_isolate(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
