/* SPDX-License-Identifier: MIT */
/* The slow paths of fork.h: what its inline functions call. */
#include <skua/fork.h>

#include "cache.h"
#include "chain.h"
#include "isolate.h"
#include "join.h"
#include "pool.h"
#include "run.h"
#include "wake.h"

/* Frames became public, or may have to. */
static void look_at_idle(struct ski_worker *worker, struct ski_segment *segment,
			 bool exposed)
{
	struct skua_pool *pool = worker->pool;
	uint64_t counts = ski_parking_published(&pool->parking);

	if (ski_likely(ski_parking_idle(counts) <= ski_parking_napping(counts)))
		return;
	/* Somebody sleeps whose asking we may have overwritten. */
	ski_segment_listen(segment);
	if (exposed && ski_parking_wanted(counts, false))
		ski_wake_one(pool, false);
}

/* What a segment left behind has to offer goes through its proxy. */
static void offer(struct ski_worker *worker, struct ski_segment *segment)
{
	struct ski_deque *inner = &worker->inner;

	/* Without room only parallelism is lost: the owner joins them all. */
	if (ski_deque_reserve(inner, 1) || !ski_proxy_offer(segment))
		return;
	ski_deque_push(inner, (uintptr_t)&segment->proxy);
	ski_wake_published(worker->pool);
}

/* Memory ran out in a call that cannot say so: like a deep C recursion, it
 * meets the guard page. */
_Noreturn static void meet_guard(struct ski_worker *worker)
{
	for (;;)
		*(volatile char *)worker->fiber->stack.map = 0;
}

static skua_here next_segment(struct ski_worker *worker,
			      struct ski_segment *segment)
{
	struct ski_segment *next = ski_chain_push(worker, segment);

	if (!next)
		meet_guard(worker);
	offer(worker, segment);
	return next->frame;
}

skua_here skua_fork_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct ski_worker *worker = ski_worker_of(segment->frame);
	uint32_t i = ski_segment_index(segment, here);
	uint32_t exposed = ski_forkstack_fork(segment, i);

	if (exposed)
		ski_count_add(&worker->producer.counters, SKI_COUNT_EXPOSURES,
			      1);
	look_at_idle(worker, segment, exposed);
	if (ski_unlikely(i == SKI_SEGMENT_FRAMES))
		return next_segment(worker, segment);
	return here;
}

void skua_show_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct ski_worker *worker = ski_worker_of(segment->frame);

	if (!ski_forkstack_show(segment, ski_segment_index(segment, here)))
		return;
	ski_count_add(&worker->producer.counters, SKI_COUNT_EXPOSURES, 1);
	look_at_idle(worker, segment, true);
}

/* Until frame @i, the youngest, is the caller's to run (true) or done. */
static bool join(struct ski_worker *worker, struct ski_segment *segment,
		 uint32_t i)
{
	if (ski_unlikely(worker->region) &&
	    ski_isolate_join(worker, segment, i))
		return true;
	switch (ski_forkstack_join(segment, i)) {
	case SKI_JOIN_EXPOSED:
		look_at_idle(worker, segment, ski_segment_ready(segment));
		return true;
	case SKI_JOIN_MINE:
		return true;
	case SKI_JOIN_STOLEN:
		break;
	}
	ski_join_frame(worker, segment, i);
	ski_forkstack_rebase(segment, i);
	return false;
}

uintptr_t skua_join_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct ski_worker *worker = ski_worker_of(segment->frame);
	struct skua_frame *frame = here - 1;
	uint32_t i;
	bool mine;

	if (here == segment->frame) {
		segment = segment->previous;
		ski_chain_pop(worker, segment);
		frame = &segment->frame[SKI_SEGMENT_FRAMES - 1];
	}
	i = ski_segment_index(segment, frame);
	mine = join(worker, segment, i);
	if (ski_unlikely(worker->region))
		ski_isolate_joined(worker, segment, i);
	return (uintptr_t)frame | mine;
}
