/* SPDX-License-Identifier: MIT */
/*
 * Groups: any number of tasks that are waited for together, and cancelled
 * together.
 *
 *	static int look(skua_here here, void *arg)
 *	{
 *		if (skua_cancelled(here))
 *			return SKUA_ECANCELLED;
 *		...
 *		return 0;
 *	}
 *
 *	struct skua_group group;
 *	int error = skua_group_init(&group, pool);
 *	...
 *	for (size_t i = 0; i < count; i++)
 *		skua_group_run(&group, look, &item[i]);
 *	error = skua_group_wait(&group, SKUA_FOREVER);
 *	skua_group_destroy(&group);
 *
 * skua_scope() does all of this around a function, so that nothing it started
 * outlives it.
 *
 * Children
 *   A child is a function that gets `here`, so it may fork children of its own
 *   (fork.h), and an argument. It returns 0, or else an error of its own
 *   choice: any number but 0. Children may add children to their group, and
 *   open groups. Where they run and in which order is not said.
 *
 * Errors and cancellation
 *   The first error is kept: skua_group_wait() returns it, and it cancels the
 *   group. skua_fail() in a child is the error SKUA_EFAILED. A group that is
 *   cancelled starts none of its children any more; those that run see it by
 *   skua_cancelled(), and so do loops and other algorithms in them, which then
 *   stop early with SKUA_ECANCELLED.
 *
 *   A group that is opened in a child of another one descends from that, and
 *   is cancelled with it; and so are all algorithms, and tasks of fork.h that
 *   are run and waited for (name_run()) there. What is submitted with
 *   skua_submit() belongs to no group: whoever has its future decides.
 *
 * Rounds
 *   A wait that has seen the last child end tells how it went, and ends the
 *   round. The next child begins another one, with no error and not cancelled,
 *   so a group may be used again and again.
 */
#ifndef SKUA_GROUP_H
#define SKUA_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skua/atomic.h>
#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A child: returns 0, or an error. */
typedef int skua_child_fn(skua_here here, void *arg);

/** A group. It must stay where it is while it is used. */
struct skua_group {
	uint64_t opaque[16] __attribute__((__aligned__(8)));
};

/**
 * Make a group whose children run in @pool.
 *
 * In a child of another group, of any pool, it descends from that one, which
 * must not be destroyed before it. @pool must stay as long as children are
 * added. On success the group is the caller's, until skua_group_destroy().
 *
 * Thread: any, inside a task too. Blocks: never. Errors: SKUA_EINVAL (NULL).
 */
SKUA_API int skua_group_init(struct skua_group *group, struct skua_pool *pool);

/**
 * Give a group up, when nobody uses it any more.
 *
 * Thread: any. Blocks: never. Errors: SKUA_EINVAL (NULL, or not open),
 * SKUA_EBUSY (it has children that have not ended, or somebody waits for it,
 * or a group that descends from it has not been destroyed: nothing has
 * changed).
 */
SKUA_API int skua_group_destroy(struct skua_group *group);

/**
 * Add a child: run @fn with @arg once, on some worker.
 *
 * @arg is borrowed until the child has ended. If the group is cancelled before
 * it starts it never runs; so it is, too, when its pool is shut down with
 * SKUA_CLOSE_CANCEL, and that cancels the group. On error there is no child.
 * Everything the caller wrote before is visible to @fn.
 *
 * Who waits meanwhile waits for this child, too, if the group was not empty:
 * children are best added by whoever waits afterwards, and by children.
 *
 * Thread: any, inside a task too. Blocks: never, but while a bounded pool is full
 * (as skua_submit()). Errors: SKUA_EINVAL (NULL, or not open), and those of
 * skua_submit().
 */
SKUA_API int skua_group_run(struct skua_group *group, skua_child_fn *fn,
			    void *arg);

/**
 * Wait until all children have ended, those that children added too.
 *
 * Returns 0, or how it went: the first error of a child, or SKUA_ECANCELLED if
 * the group was cancelled, by itself or with one that it descends from so that
 * children were left out; SKUA_EBROKEN if that was since its pool broke. All
 * who wait are told the same, and who comes later, until the next child is
 * added. Everything the children wrote is visible then, and the group may be
 * destroyed at once or used again.
 *
 * Thread: any, several at once; not from one of its own children. Blocks:
 * suspends the task / blocks the thread, for @timeout_ns nanoseconds at most
 * (0: only looks). Errors: as above; SKUA_EINVAL (NULL, or not open),
 * SKUA_ETIMEDOUT, SKUA_EDEADLK (the caller is one of its children, or of a
 * group that descends from it), SKUA_ECLOSED (children that were inherited
 * over fork()). To tell a child's error from those, let it be positive.
 */
SKUA_API int skua_group_wait(struct skua_group *group, int64_t timeout_ns);

/**
 * Cancel a group, and all that descend from it.
 *
 * Children that have not started never run. Cancelling twice is cancelling
 * once, and an error that came before is kept. It lasts until the round is
 * over, also if there are no children yet. Everything the caller wrote before is visible to who sees it
 * cancelled.
 *
 * Thread: any, inside a task too. Blocks: never. Errors: SKUA_EINVAL (NULL, or
 * not open).
 */
SKUA_API int skua_group_cancel(struct skua_group *group);

/**
 * Whether a group, or one that it descends from, is cancelled or has failed.
 * false for NULL. Thread: any. Blocks: never.
 */
SKUA_API bool skua_group_cancelled(struct skua_group *group);

/**
 * Run @fn(group, @arg) in the calling task or thread, with a group of @pool for
 * it to add children to; then wait for all of them. So all that was started
 * has ended when this returns.
 *
 * Returns what @fn returned, if that is not 0: then the group is cancelled
 * first. Else what skua_group_wait() returns.
 *
 * Thread: any, inside a task too. Blocks: suspends the task / blocks the
 * thread. Errors: SKUA_EINVAL (NULL), those of @fn and skua_group_wait().
 */
SKUA_API int skua_scope(struct skua_pool *pool,
			int (*fn)(struct skua_group *group, void *arg),
			void *arg);

/* What the fast path looks at: how many cancellations there were in the
 * process when the group was last found not to be cancelled. */
struct skua_group_scope {
	SKUA_ATOMIC(uint64_t) looked;
};

SKUA_API extern SKUA_ATOMIC(uint64_t) skua_cancellations_1;
SKUA_API bool skua_cancelled_slow_1(struct skua_group_scope *scope)
	__attribute__((__cold__, __noinline__));

/**
 * Whether the group to which the calling task belongs is cancelled or has
 * failed, or one that it descends from. Cheap enough to be asked in an inner
 * loop: two or three loads.
 *
 * Thread: the task's, with its `here`. Blocks: never.
 */
static inline bool skua_cancelled(skua_here here)
{
	struct skua_group_scope *scope = skua_segment_of(here)->scope;

	if (!scope)
		return false;
	/* Relaxed: if nobody was cancelled since, nothing is to be learnt; else
	 * skua_cancelled_slow_1() acquires. */
	if (__builtin_expect(skua_load_relaxed(&scope->looked) ==
				     skua_load_relaxed(&skua_cancellations_1),
			     1))
		return false;
	return skua_cancelled_slow_1(scope);
}

#ifdef __cplusplus
}
#endif

#endif
