/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include "cache.h"

/* Thieves that come through the worker, and those that leapfrog through the
 * fiber, find @segment from now on. Its limit is base: the next fork looks for
 * sleepers, who asked another segment. */
static void publish(struct ski_worker *worker, struct ski_segment *segment)
{
	ski_segment_listen(segment);
	/* Release: the segment's header. Pairs with ski_fiber_current(). */
	atomic_store_explicit(&worker->fiber->current, segment,
			      memory_order_release);
	/* Release: the same. Pairs with from_worker() in steal.c. */
	atomic_store_explicit(&worker->segment, segment, memory_order_release);
}

struct ski_segment *ski_chain_push(struct ski_worker *worker,
				   struct ski_segment *segment)
{
	struct ski_segment *next = segment->next;

	if (next) {
		ski_segment_reset(next);
	} else {
		next = ski_cache_take_segment(worker);
		if (!next)
			return NULL;
		segment->next = next;
	}
	ski_segment_give(next, ski_segment_fiber(segment));
	next->pub.scope = segment->pub.scope;
	/* Its frames are younger than all of this one's. */
	ski_segment_set_isolated(next, ski_segment_isolated(segment) ? 1 : 0);
	next->previous = segment;
	publish(worker, next);
	return next;
}

void ski_chain_pop(struct ski_worker *worker, struct ski_segment *segment)
{
	struct ski_segment *left = segment->next;

	publish(worker, segment);
	if (left->next) {
		ski_cache_put_segment(worker, left->next);
		left->next = NULL;
	}
}
