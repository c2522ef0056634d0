/* SPDX-License-Identifier: MIT */
/*
 * Isolation: regions in which a worker runs only what was started inside.
 *
 * The regions of a worker are a stack; all that its thread runs belongs to the
 * one on top. Each has a number that is never used again, and a fiber that is
 * left keeps the number of the region on top then: it is inside a region if its
 * number is not below. Protocol: docs/design/isolation.md.
 */
#ifndef SKI_ISOLATE_H
#define SKI_ISOLATE_H

#include "run.h"
#include "worker.h"

/* Owner, in no region: what it takes from its own deque was left in one that has
 * ended. */
static inline uintptr_t ski_isolate_left(uintptr_t job)
{
	return job & ~SKI_JOB_ISOLATED;
}

/* ---- what was started inside ---- */

/* Owner: whether it runs only what was started inside of something. */
static inline bool ski_isolate_is_on(const struct ski_worker *worker)
{
	return worker->region;
}

/* At the bottom of a fiber, before and after what was started inside runs
 * there: its children are inside too, and a worker that was in no region enters
 * one, which ends in the loop. Returns what is to be given back. */
uint32_t ski_isolate_begin(struct ski_worker *worker,
			   struct ski_segment *segment);
static inline void ski_isolate_done(struct ski_segment *segment,
				    uint32_t before)
{
	ski_segment_set_isolated(segment, before);
}

/* In a join, in no region, with a spare in hand: @frame was won and is inside of
 * a region. Run it in another fiber, in a region, before the caller goes on. */
void ski_isolate_detour(struct ski_worker *worker, struct skua_frame *frame);

/* In a region, before the join of frame @i of @segment, which may be older than
 * it. True: it had been put aside, and is the caller's to run. */
bool ski_isolate_join(struct ski_worker *worker, struct ski_segment *segment,
		      uint32_t i);
/* After that join, when nobody else has the frame: the next one there is inside.
 * Not before, since who has won it must find that it is not. */
void ski_isolate_joined(struct ski_worker *worker, struct ski_segment *segment,
			uint32_t i);

/* ---- fibers that are left ---- */

void ski_isolate_keep(struct ski_worker *worker, struct ski_fiber *fiber);
void ski_isolate_forget(struct ski_fiber *fiber);

/* Owner, before @fiber is left by a wait, and when it goes on. */
static inline void ski_isolate_leave(struct ski_worker *worker,
				     struct ski_fiber *fiber)
{
	if (ski_unlikely(worker->region))
		ski_isolate_keep(worker, fiber);
}

static inline void ski_isolate_return(struct ski_fiber *fiber)
{
	if (ski_unlikely(fiber->region))
		ski_isolate_forget(fiber);
}

/* In a region: the first fiber of @queue that is inside, or NULL. Those before
 * it are held back until the end of the region. */
struct ski_inbox_node *ski_isolate_take(struct ski_worker *worker,
					struct ski_queue *queue);

/* The first fiber of @queue that may go on now, or NULL. */
static inline struct ski_inbox_node *ski_isolate_next(struct ski_worker *worker,
						      struct ski_queue *queue)
{
	if (ski_unlikely(worker->region))
		return ski_isolate_take(worker, queue);
	return ski_queue_take(queue);
}

/* ---- the loop, in a region ---- */

/* A job that is inside, or 0. */
uintptr_t ski_isolate_job(struct ski_worker *worker);
/* The same, but not the newest: in one @look of 2^n as many older as that, so
 * that each has its turn, at the price of a logarithm. */
uintptr_t ski_isolate_fair_job(struct ski_worker *worker, unsigned look);
/* Whether there is one in the own deque. */
bool ski_isolate_has_job(struct ski_worker *worker);
/* Whether it is in a region that it did not call, and those that are served by it
 * have ended. */
bool ski_isolate_is_over(struct ski_worker *worker);
/* Nothing to do, or once in a while: leave the region if that is the loop's to do
 * and nothing of it is left, or nobody needs that. */
bool ski_isolate_end(struct ski_worker *worker);

#endif
