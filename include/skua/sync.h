/* SPDX-License-Identifier: MIT */
/*
 * Waiting for each other: sleep, yield, and locks, for tasks and for plain
 * threads.
 *
 *	static struct skua_mutex mutex = SKUA_MUTEX_INIT;
 *
 *	SKUA_LOCKED(&mutex) {
 *		counter++;
 *	}
 *
 * In a task a wait suspends the task: its worker runs other tasks meanwhile,
 * and the task goes on later on the same thread. In a plain thread it blocks
 * the thread. Both kinds may meet on one object, and tasks of any pools. (A
 * pthread_mutex_t that a task holds across a wait is held while other tasks
 * run on its thread: use these instead, or isolate.h.)
 *
 * Objects
 *   Each is a struct of yours that is ready once it holds its SKUA_…_INIT or
 *   _init() was called; those without a number are ready when all zero, in
 *   static storage or from calloc(). Nothing is allocated, so nothing can run
 *   out: none of these calls returns SKUA_ENOMEM. A wait in a task that gets
 *   no stack to switch to blocks its worker.
 *
 *   An object must stay where it is while it is used. It may go, freed or
 *   reused, when nobody waits for it or is about to: _destroy() looks whether
 *   that is so, and otherwise does nothing, so it may be left out. Whoever has
 *   been let go by it may let it go at once, though the call that did so may
 *   not have returned yet: a mutex when it was unlocked for the last time, an
 *   event or a semaphore when the wait has returned. (Waits that run out are
 *   waits until they return.)
 *
 *   Objects are not shared between processes. In the child of fork() those
 *   that others waited for or held are as they were, and of no use.
 *
 * Ownership
 *   A mutex belongs to the task that locked it, or to the thread if that runs
 *   no task. A child of fork.h may run in its parent's task or in another
 *   one, so do not hold a lock across the join of a child that needs it.
 *
 * Times
 *   timeout_ns is in nanoseconds: SKUA_FOREVER (any negative) waits, 0 only
 *   looks. In each call SKUA_ETIMEDOUT means that nothing was acquired, and
 *   nothing is left behind.
 *
 * Memory
 *   What was done before an unlock, a set, a release or an arrival is visible
 *   to whoever is let go by it.
 */
#ifndef SKUA_SYNC_H
#define SKUA_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/pool.h>

/* Also where words of 64 bits are aligned to 4. */
#if defined(__GNUC__)
#define SKUA_ALIGNED_8 __attribute__((__aligned__(8)))
#else
#define SKUA_ALIGNED_8
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Let other tasks of this worker run; in a plain thread, other threads.
 *
 * Jobs that are queued anywhere in the pool get a turn before the task goes
 * on. Thread: any. Blocks: suspends the task (not if there is no stack to
 * switch to).
 */
SKUA_API void skua_yield(void);

/**
 * Sleep for at least @ns nanoseconds (CLOCK_MONOTONIC). In a task the worker
 * runs on meanwhile.
 *
 * Zero returns at once. Thread: any. Blocks: suspends the task / blocks the
 * thread. Errors: SKUA_EINVAL (negative), SKUA_ENOMEM (in a task: no stack
 * to switch to).
 */
SKUA_API int skua_sleep(int64_t ns);

/* ---- mutex ---- */

/**
 * A mutex. Who finds it free has it, also if others wait: that is what makes
 * it fast. Whoever waits is woken in the order of coming, one at a time; if it
 * finds the mutex taken again it stays first, and once it has waited for a
 * millisecond the next unlock hands the mutex to it. So nobody starves.
 */
struct skua_mutex {
	uint64_t opaque[5] SKUA_ALIGNED_8;
};

/** Initializer: unlocked. All zero. */
#define SKUA_MUTEX_INIT   \
	{                 \
		{         \
			0 \
		}         \
	}

/** As SKUA_MUTEX_INIT. Errors: SKUA_EINVAL (NULL). */
SKUA_API int skua_mutex_init(struct skua_mutex *mutex);

/**
 * Look whether @mutex may go; see above. Thread: any. Blocks: never.
 * Errors: SKUA_EINVAL (NULL), SKUA_EBUSY (it is locked, or waited for).
 */
SKUA_API int skua_mutex_destroy(struct skua_mutex *mutex);

/**
 * Lock @mutex.
 *
 * Thread: any. Blocks: suspends the task / blocks the thread, until it is
 * free. Errors: SKUA_EINVAL (NULL), SKUA_EDEADLK (the caller has it already).
 */
SKUA_API int skua_mutex_lock(struct skua_mutex *mutex);

/**
 * The same, for at most @timeout_ns. With 0 it does not ask who has it:
 * SKUA_ETIMEDOUT also if the caller does.
 * Errors: those of skua_mutex_lock(); SKUA_ETIMEDOUT.
 */
SKUA_API int skua_mutex_lock_timed(struct skua_mutex *mutex,
				   int64_t timeout_ns);

/** As skua_mutex_lock_timed() with 0. Blocks: never. */
SKUA_API int skua_mutex_trylock(struct skua_mutex *mutex);

/**
 * Unlock @mutex.
 *
 * Thread: the task or thread that locked it. Blocks: never.
 * Errors: SKUA_EINVAL (NULL, or the caller does not have it).
 */
SKUA_API int skua_mutex_unlock(struct skua_mutex *mutex);

/* What SKUA_LOCKED() is made of. */
struct skua_locked {
	struct skua_mutex *mutex; /* NULL: not locked */
};

static inline struct skua_locked skua_locked_begin(struct skua_mutex *mutex)
{
	struct skua_locked locked = { mutex };

	if (skua_mutex_lock(mutex))
		locked.mutex = (struct skua_mutex *)0;
	return locked;
}

static inline void skua_locked_end(struct skua_locked *locked)
{
	if (locked->mutex)
		(void)skua_mutex_unlock(locked->mutex);
	locked->mutex = (struct skua_mutex *)0;
}

#define SKUA_LOCKED_NAME_(line) skua_locked_##line
#define SKUA_LOCKED_NAME(line) SKUA_LOCKED_NAME_(line)

/**
 * SKUA_LOCKED(&mutex) { … }: the block runs once, with the mutex locked. It is
 * unlocked however the block is left: at its end, by break, continue, return
 * or goto (not by longjmp()). If the mutex cannot be locked, because the
 * caller has it already, the block does not run.
 */
#define SKUA_LOCKED(mutex) SKUA_LOCKED_(mutex, SKUA_LOCKED_NAME(__LINE__))
#define SKUA_LOCKED_(mutex_, name)                                            \
	for (struct skua_locked __attribute__((__cleanup__(skua_locked_end))) \
	     name = skua_locked_begin(mutex_);                                \
	     name.mutex; skua_locked_end(&name))

/* ---- recursive mutex ---- */

/**
 * A mutex that its owner may lock again; it is free when it was unlocked as
 * often. Not for conditions.
 */
struct skua_rmutex {
	uint64_t opaque[6] SKUA_ALIGNED_8;
};

/** Initializer: unlocked. All zero. */
#define SKUA_RMUTEX_INIT  \
	{                 \
		{         \
			0 \
		}         \
	}

/* As their namesakes of the mutex, but never SKUA_EDEADLK, and with a timeout
 * of 0 the owner succeeds. */
SKUA_API int skua_rmutex_init(struct skua_rmutex *rmutex);
SKUA_API int skua_rmutex_destroy(struct skua_rmutex *rmutex);
SKUA_API int skua_rmutex_lock(struct skua_rmutex *rmutex);
SKUA_API int skua_rmutex_lock_timed(struct skua_rmutex *rmutex,
				    int64_t timeout_ns);
SKUA_API int skua_rmutex_trylock(struct skua_rmutex *rmutex);
SKUA_API int skua_rmutex_unlock(struct skua_rmutex *rmutex);

/* ---- reader-writer lock ---- */

/**
 * A lock for several readers or one writer. Preference: none. First come,
 * first served, and readers that come one after the other go in together. So
 * neither readers nor writers starve; but a reader waits behind a writer that
 * waits, so a task that reads must not lock it for reading again.
 */
struct skua_rwlock {
	uint64_t opaque[5] SKUA_ALIGNED_8;
};

/** Initializer: unlocked. All zero. */
#define SKUA_RWLOCK_INIT  \
	{                 \
		{         \
			0 \
		}         \
	}

/** As SKUA_RWLOCK_INIT. Errors: SKUA_EINVAL (NULL). */
SKUA_API int skua_rwlock_init(struct skua_rwlock *rwlock);

/** As skua_mutex_destroy(). */
SKUA_API int skua_rwlock_destroy(struct skua_rwlock *rwlock);

/**
 * Lock it for reading, or for writing.
 *
 * Thread: any. Blocks: suspends the task / blocks the thread.
 * Errors: SKUA_EINVAL (NULL), SKUA_EDEADLK (the caller writes already; if it
 * reads, that is not noticed), and of the timed ones SKUA_ETIMEDOUT.
 */
SKUA_API int skua_rwlock_rdlock(struct skua_rwlock *rwlock);
SKUA_API int skua_rwlock_rdlock_timed(struct skua_rwlock *rwlock,
				      int64_t timeout_ns);
SKUA_API int skua_rwlock_wrlock(struct skua_rwlock *rwlock);
SKUA_API int skua_rwlock_wrlock_timed(struct skua_rwlock *rwlock,
				      int64_t timeout_ns);

/**
 * Unlock it, from reading or writing.
 *
 * Thread: the task or thread that writes; any in the place of one that reads.
 * Blocks: never. Errors: SKUA_EINVAL (NULL, nobody reads, or somebody else
 * writes).
 */
SKUA_API int skua_rwlock_unlock(struct skua_rwlock *rwlock);

/* ---- condition ---- */

/**
 * A condition variable, for a mutex that guards what the condition is about:
 *
 *	skua_mutex_lock(&mutex);
 *	while (!ready)
 *		skua_cond_wait(&cond, &mutex);
 *	...
 *	skua_mutex_unlock(&mutex);
 *
 * Who is signalled goes on to the queue of the mutex, and is woken when it can
 * have it: a broadcast wakes one after the other.
 */
struct skua_cond {
	uint64_t opaque[4] SKUA_ALIGNED_8;
};

/** Initializer. All zero. */
#define SKUA_COND_INIT    \
	{                 \
		{         \
			0 \
		}         \
	}

/** As SKUA_COND_INIT. Errors: SKUA_EINVAL (NULL). */
SKUA_API int skua_cond_init(struct skua_cond *cond);

/**
 * As skua_mutex_destroy(): SKUA_EBUSY while somebody waits. After a broadcast
 * it may go at once.
 */
SKUA_API int skua_cond_destroy(struct skua_cond *cond);

/**
 * Unlock @mutex, wait for a signal, and lock @mutex again. A signal that comes
 * after the unlock is not missed. May return without one: look again.
 *
 * Whoever waits at the same time uses the same mutex. Returns with the mutex
 * locked, also if the time is over; with SKUA_EINVAL it is as it was.
 *
 * Thread: the task or thread that has @mutex. Blocks: suspends the task /
 * blocks the thread. Errors: SKUA_EINVAL (NULL, or the caller does not have
 * the mutex), and of the timed one SKUA_ETIMEDOUT: no signal was taken.
 */
SKUA_API int skua_cond_wait(struct skua_cond *cond, struct skua_mutex *mutex);
SKUA_API int skua_cond_wait_timed(struct skua_cond *cond,
				  struct skua_mutex *mutex, int64_t timeout_ns);

/**
 * Let one go, the one that has waited longest, or all who wait.
 *
 * Thread: any, with the mutex or without. Blocks: never.
 * Errors: SKUA_EINVAL (NULL).
 */
SKUA_API int skua_cond_signal(struct skua_cond *cond);
SKUA_API int skua_cond_broadcast(struct skua_cond *cond);

/* ---- semaphore ---- */

/** A number of units, to be had one by one, first come, first served. */
struct skua_semaphore {
	uint64_t opaque[4] SKUA_ALIGNED_8;
};

/** The most units a semaphore may hold. */
#define SKUA_SEMAPHORE_MAX 2147483647u

/** Initializer: with @count units, at most SKUA_SEMAPHORE_MAX. */
#define SKUA_SEMAPHORE_INIT(count)                \
	{                                         \
		{                                 \
			(uint64_t)(count) << 3, 0 \
		}                                 \
	}

/** As SKUA_SEMAPHORE_INIT. Errors: SKUA_EINVAL (NULL, too many). */
SKUA_API int skua_semaphore_init(struct skua_semaphore *semaphore,
				 unsigned count);

/** As skua_mutex_destroy(): SKUA_EBUSY while somebody waits. */
SKUA_API int skua_semaphore_destroy(struct skua_semaphore *semaphore);

/**
 * Take a unit.
 *
 * Thread: any. Blocks: suspends the task / blocks the thread, until there is
 * one and nobody was there before.
 * Errors: SKUA_EINVAL (NULL), and of the timed one SKUA_ETIMEDOUT.
 */
SKUA_API int skua_semaphore_acquire(struct skua_semaphore *semaphore);
SKUA_API int skua_semaphore_acquire_timed(struct skua_semaphore *semaphore,
					  int64_t timeout_ns);

/**
 * Give a unit, or @count of them.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL, or there would be
 * more than SKUA_SEMAPHORE_MAX: none was given).
 */
SKUA_API int skua_semaphore_release(struct skua_semaphore *semaphore);
SKUA_API int skua_semaphore_release_many(struct skua_semaphore *semaphore,
					 unsigned count);

/* ---- event ---- */

/** A flag to wait for. */
struct skua_event {
	uint64_t opaque[4] SKUA_ALIGNED_8;
};

/** Initializer: not set. All zero. */
#define SKUA_EVENT_INIT   \
	{                 \
		{         \
			0 \
		}         \
	}

/** As SKUA_EVENT_INIT. Errors: SKUA_EINVAL (NULL). */
SKUA_API int skua_event_init(struct skua_event *event);

/** As skua_mutex_destroy(): SKUA_EBUSY while somebody waits. */
SKUA_API int skua_event_destroy(struct skua_event *event);

/**
 * Set it and let all go who wait, also if it is cleared at once; or clear it.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL).
 */
SKUA_API int skua_event_set(struct skua_event *event);
SKUA_API int skua_event_clear(struct skua_event *event);

/** Whether it is set; false for NULL. Thread: any. Blocks: never. */
SKUA_API bool skua_event_is_set(struct skua_event *event);

/**
 * Wait until it is set, or was since the call.
 *
 * Thread: any. Blocks: suspends the task / blocks the thread.
 * Errors: SKUA_EINVAL (NULL), and of the timed one SKUA_ETIMEDOUT.
 */
SKUA_API int skua_event_wait(struct skua_event *event);
SKUA_API int skua_event_wait_timed(struct skua_event *event,
				   int64_t timeout_ns);

/* ---- barrier ---- */

/** A place where a number of parties wait for each other, again and again. */
struct skua_barrier {
	uint64_t opaque[5] SKUA_ALIGNED_8;
};

/** The most parties a barrier may have. */
#define SKUA_BARRIER_MAX 16777216u

/** Initializer: for 1 … SKUA_BARRIER_MAX @parties. */
#define SKUA_BARRIER_INIT(parties)                      \
	{                                               \
		{                                       \
			0, 0, 0, 0, (uint64_t)(parties) \
		}                                       \
	}

/** As SKUA_BARRIER_INIT. Errors: SKUA_EINVAL (NULL, 0 or too many). */
SKUA_API int skua_barrier_init(struct skua_barrier *barrier, unsigned parties);

/** As skua_mutex_destroy(): SKUA_EBUSY while somebody waits. */
SKUA_API int skua_barrier_destroy(struct skua_barrier *barrier);

/**
 * Wait until all parties have arrived.
 *
 * Returns 0 to all of them. An arrival whose time runs out does not count any
 * more. Thread: any. Blocks: suspends the task / blocks the thread.
 * Errors: SKUA_EINVAL (NULL, or no parties), and of the timed one
 * SKUA_ETIMEDOUT.
 */
SKUA_API int skua_barrier_wait(struct skua_barrier *barrier);
SKUA_API int skua_barrier_wait_timed(struct skua_barrier *barrier,
				     int64_t timeout_ns);

/**
 * The same; *@last (may be NULL) is true for exactly one of them, the last one
 * to arrive, and false for the others: for what only one of them is to do.
 */
SKUA_API int skua_barrier_wait_last(struct skua_barrier *barrier,
				    int64_t timeout_ns, bool *last);

/* ---- once ---- */

/** Something that is to be done once. */
struct skua_once {
	uint64_t opaque[5] SKUA_ALIGNED_8;
};

/** Initializer: not done. All zero. */
#define SKUA_ONCE_INIT    \
	{                 \
		{         \
			0 \
		}         \
	}

/** As SKUA_ONCE_INIT. Errors: SKUA_EINVAL (NULL). */
SKUA_API int skua_once_init(struct skua_once *once);

/** As skua_mutex_destroy(): SKUA_EBUSY while the function runs. */
SKUA_API int skua_once_destroy(struct skua_once *once);

#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
/* The function has the name of the struct, as stat() has. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
/**
 * Call @fn, if this is the first call with @once. Otherwise wait until it has
 * returned.
 *
 * Thread: any; @fn runs in the caller, and may wait. Blocks: suspends the task
 * / blocks the thread while another one runs the function.
 * Errors: SKUA_EINVAL (NULL), SKUA_EDEADLK (called by the function itself).
 */
SKUA_API int skua_once(struct skua_once *once, void (*fn)(void));
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif
