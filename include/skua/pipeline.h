/* SPDX-License-Identifier: MIT */
/*
 * Pipelines: items that go through stages, several items at a time.
 *
 *	const struct skua_stage stages[] = {
 *		{ SKUA_STAGE_IN_ORDER, read_block, file, NULL },
 *		{ SKUA_STAGE_PARALLEL, compress, NULL, free_block },
 *		{ SKUA_STAGE_IN_ORDER, write_block, out, free_block },
 *	};
 *	int error = skua_pipeline(pool, stages, 3, 0);
 *
 * The first stage makes the items, one after the other, until it has no more.
 * Each item is carried through the other stages, in a task that goes on with it
 * as far as it can, so that what one stage has just written is still in the
 * cache when the next one reads it. No more than a given number of items are
 * under way: a slow stage holds up the first one, and memory is bounded however
 * many items there are.
 *
 * The model is that of Intel's TBB: Reinders, "Intel Threading Building Blocks",
 * 2007, chapter 3. The protocol is in docs/design/pipeline.md.
 */
#ifndef SKUA_PIPELINE_H
#define SKUA_PIPELINE_H

#include <stddef.h>

#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the items come to a stage. */
enum skua_stage_mode {
	SKUA_STAGE_PARALLEL, /* several at a time */
	SKUA_STAGE_SERIAL, /* one at a time, about as they come */
	SKUA_STAGE_IN_ORDER /* one at a time, as the first stage made them */
};

/**
 * What a stage does with an item.
 *
 * In the first stage *@item is NULL: the function makes an item there, and
 * returns 0, or SKUA_ENONE when there are no more; it is not called again then.
 * In the other stages it takes the item at *@item and leaves there what goes to
 * the next stage, the same or another; it may be NULL. If it returns SKUA_ENONE
 * the item ends there, and nothing of it comes to the stages that follow. What
 * the last stage leaves is not looked at.
 *
 * Any other value stops the pipeline with that error, and so does skua_fail().
 * With each value but 0 what is at *@item is the function's own business.
 *
 * It may wait: its task is suspended. A serial stage stands still meanwhile.
 */
typedef int skua_stage_fn(skua_here here, void **item, void *context);

/** One stage of a pipeline. */
struct skua_stage {
	enum skua_stage_mode mode;
	skua_stage_fn *run;
	void *context; /* borrowed until the call returns */
	/* Called for each item that was on its way to this stage when the
	 * pipeline was stopped, in the thread or task that called, once nothing
	 * runs any more. May be NULL. */
	void (*drop)(void *item, void *context);
};

/**
 * Run a pipeline of @count stages to its end, at most @tokens items at a time
 * (0: chosen, two for each worker and two more), and wait.
 *
 * @stages is borrowed until the call returns. The first stage is called for one
 * item at a time, so its mode is not SKUA_STAGE_PARALLEL. Calls of a serial
 * stage happen one after the other: each sees what the one before it wrote.
 * With an in-order last stage, the items that are under way are neighbours, at
 * most @tokens of them: item n may use buffer n % @tokens.
 *
 * When a stage has failed, or the calling task's group is cancelled, no stage
 * is called any more; the call returns when those that run have ended and all
 * items under way were dropped.
 *
 * Thread: any, inside a task too. Blocks: suspends the task / blocks the
 * thread until all has ended. Memory: linear in @tokens and @count, allocated
 * at the start.
 * Errors: what a stage returned, the first one; SKUA_EFAILED (a stage said
 * skua_fail()), SKUA_EINVAL (a NULL pointer but context and drop, no stage, an
 * unknown mode, a first stage that is parallel), SKUA_ENOMEM (nothing has run),
 * SKUA_ECANCELLED (by the caller's group, or a shutdown of the pool),
 * SKUA_ECLOSED and the other errors of a submit.
 */
SKUA_API int skua_pipeline(struct skua_pool *pool,
			   const struct skua_stage stages[], size_t count,
			   size_t tokens);

/**
 * The same from inside a task that stands @here, in its pool and in its group.
 * Thread: a task, with its own @here. Blocks: suspends the task.
 * Errors: as skua_pipeline().
 */
SKUA_API int skua_pipeline_in(skua_here here, const struct skua_stage stages[],
			      size_t count, size_t tokens);

#ifdef __cplusplus
}
#endif

#endif
