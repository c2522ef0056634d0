/* SPDX-License-Identifier: MIT */
#include "join.h"

#include "cache.h"
#include "chain.h"
#include "isolate.h"
#include "pool.h"
#include "rcu.h"
#include "run.h"
#include "wait.h"
#include "wake.h"

/* The explorer shortens it. */
#ifndef SKI_JOIN_SPINS
#define SKI_JOIN_SPINS 64
#endif

/* In a read-side section, with frame not done: its thief is at work on it, so
 * the thief's fiber and newest segment are there. */
static struct skua_frame *steal_back(struct skua_frame *frame)
{
	uint64_t state = ski_frame_state(frame);
	struct ski_segment *thief;
	struct skua_frame *won;
	bool again;

	if (state == SKUA_FRAME_DONE || state == SKUA_FRAME_PENDING)
		return NULL;
	thief = (struct ski_segment *)(uintptr_t)state;
	do {
		again = false;
		won = ski_forkstack_steal(
			ski_fiber_current(ski_segment_fiber(thief)), true,
			&again);
	} while (again);
	return won;
}

/* Run what descends from @frame, if its thief has some to steal. */
static bool leapfrog(struct ski_worker *worker, struct skua_frame *frame,
		     skua_here here)
{
	struct ski_deque *inner = &worker->inner;
	struct skua_frame *won;

	/* What is won may not be left: there must be room for it, and a stack
	 * for what is isolated. */
	if (ski_deque_reserve(inner, 1) || !ski_cache_spare(worker))
		return false;
	ski_rcu_read_lock();
	won = steal_back(frame);
	ski_rcu_read_unlock();
	if (!won)
		return false;
	/* What waits in it must not let strangers in, nor we what is above:
	 * not on this stack. */
	if (ski_unlikely(ski_frame_isolated(won))) {
		ski_isolate_detour(worker, won);
		return true;
	}
	if (ski_frame_state(frame) != SKUA_FRAME_DONE) {
		ski_run_frame(here, won);
		return true;
	}
	/* The thief may have gone on to something else in between: a
	 * stranger must not run on this stack. */
	ski_deque_push(inner, ski_job_of_frame(won));
	ski_wake_published(worker->pool);
	return true;
}

static bool is_done_soon(struct skua_frame *frame)
{
	for (int i = 0; i < SKI_JOIN_SPINS; i++) {
		if (ski_frame_state(frame) == SKUA_FRAME_DONE)
			return true;
		ski_pause();
	}
	return false;
}

/* Where a leapfrogged frame may fork: behind frame @i, in another segment if
 * that is the last. NULL: no memory for one. */
static skua_here behind(struct ski_worker *worker, struct ski_segment *segment,
			uint32_t i)
{
	struct ski_segment *next;

	if (i + 1 < SKI_SEGMENT_FRAMES)
		return &segment->frame[i + 1];
	next = ski_chain_push(worker, segment);
	return next ? next->frame : NULL;
}

void ski_join_frame(struct ski_worker *worker, struct ski_segment *segment,
		    uint32_t i)
{
	struct skua_frame *frame = &segment->frame[i];
	struct ski_fiber *fiber = worker->fiber;
	skua_here here = NULL;

	/* In a region nothing may be won that could be a stranger: it would
	 * have to be passed on, to somebody who is in none. */
	if (ski_likely(!worker->region))
		here = behind(worker, segment, i);
	while (here && leapfrog(worker, frame, here))
		;
	if (here && ski_segment_of(here) != segment)
		ski_chain_pop(worker, segment);
	if (is_done_soon(frame) || !ski_frame_wait(frame, fiber))
		return;
	/* Its older frames are all stolen, and older segments have their
	 * proxies: nothing to offer. */
	ski_wait_leave(worker);
}
