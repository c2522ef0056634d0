/* SPDX-License-Identifier: MIT */
/*
 * Invoke: run two or more functions at once, and wait for all.
 *
 *	static int left(skua_here here, void *arg)
 *	{
 *		...
 *		return 0;
 *	}
 *
 *	int error = skua_invoke(pool, left, &a, right, &b);
 *
 * In a task, with its `here`: skua_invoke_in(here, left, &a, right, &b). More
 * than two are given as an array. The functions are children of the caller's
 * task in fork.h's sense: while nobody else has time they run one after the
 * other, in their order, as calls.
 *
 * Each returns 0, or else an error of its own choice. After the first error,
 * functions that have not started never run; those that run are waited for.
 */
#ifndef SKUA_INVOKE_H
#define SKUA_INVOKE_H

#include <skua/group.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A function and its argument, which is borrowed until the call returns. */
struct skua_call {
	skua_child_fn *fn;
	void *arg;
};

/**
 * Run @first(@first_arg) and @second(@second_arg) in @pool, at once if there are
 * workers for it, and wait for both.
 *
 * Returns 0, or the first error that one of them returned. Everything they wrote
 * is visible then.
 *
 * Thread: any, inside a task too. Blocks: suspends the task / blocks the thread.
 * Errors: those of the functions; SKUA_EFAILED (one said skua_fail()),
 * SKUA_ECANCELLED (the calling task's group is cancelled, and one was left out;
 * or the pool was shut down before), SKUA_EINVAL (NULL @pool or function),
 * SKUA_ENOMEM, SKUA_ECLOSED, SKUA_EBROKEN (as name_run() in fork.h). To tell an
 * error of the functions from those, let it be positive.
 */
SKUA_API int skua_invoke(struct skua_pool *pool, skua_child_fn *first,
			 void *first_arg, skua_child_fn *second,
			 void *second_arg);

/**
 * The same for @count functions; 0 is none.
 *
 * @calls is borrowed until this returns. Thread, Blocks, Errors: as
 * skua_invoke(); SKUA_EINVAL also for NULL @calls with a @count.
 */
SKUA_API int skua_invoke_many(struct skua_pool *pool,
			      const struct skua_call calls[], size_t count);

/**
 * The same in the calling task, with its `here`: for about the price of a fork
 * and a join each.
 *
 * Thread: the task's. Blocks: suspends the task. Errors: those of the functions,
 * SKUA_EFAILED (one said skua_fail(), or the task had said so before: it has
 * failed), SKUA_ECANCELLED, SKUA_EINVAL (NULL).
 */
SKUA_API int skua_invoke_in(skua_here here, skua_child_fn *first,
			    void *first_arg, skua_child_fn *second,
			    void *second_arg);
SKUA_API int skua_invoke_many_in(skua_here here, const struct skua_call calls[],
				 size_t count);

#ifdef __cplusplus
}
#endif

#endif
