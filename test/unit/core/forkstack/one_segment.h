/* SPDX-License-Identifier: MIT */
/*
 * one_segment.h - what the tests of the fork stack share: a look at all of a
 * segment, and the slow paths of fork.h. Those are the runtime's; here are such
 * that know one segment and no pool.
 */
#ifndef ONE_SEGMENT_H
#define ONE_SEGMENT_H

#include "../core_test.h"
#include "forkstack.h"

enum {
	FRAMES = SKI_SEGMENT_FRAMES,
	KEEP = SKI_KEEP,
};

static inline struct ski_segment *new_segment(void)
{
	struct ski_segment *segment = ski_block_alloc(SKUA_SEGMENT_BYTES);

	/* Not cr_assert: it may return for all that the compiler knows. */
	if (!segment)
		abort();
	ski_segment_reset(segment);
	return segment;
}

static inline void free_segment(struct ski_segment *segment)
{
	ski_block_free(segment, SKUA_SEGMENT_BYTES);
}

static inline uintptr_t limit_of(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->pub.limit, memory_order_relaxed);
}

static inline uintptr_t split_hint(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->pub.split, memory_order_relaxed);
}

static inline uint64_t word_of(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->word, memory_order_relaxed);
}

/* Where limit goes when split is frame @i. */
static inline uintptr_t limit_at(struct ski_segment *segment, uint32_t i)
{
	return ski_segment_at(segment, i + KEEP < FRAMES ? i + KEEP : FRAMES);
}

/* As every frame must be that is not forked. */
static inline bool is_free(struct skua_frame *frame)
{
	return !frame->job.run && ski_frame_state(frame) == SKUA_FRAME_PENDING;
}

static inline struct skua_frame *steal(struct ski_segment *segment, bool ask)
{
	bool again = false;
	struct skua_frame *frame = ski_forkstack_steal(segment, ask, &again);

	cr_assert_not(again);
	return frame;
}

static inline void run_nothing(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
}

extern atomic_uint slow_forks, exposures, stolen_joins;

/* What an owner does until @frame, which was stolen, is done. */
extern void (*wait_for)(struct skua_frame *frame);

static inline void add(atomic_uint *count, unsigned n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

#endif
