/* SPDX-License-Identifier: MIT */
#include "isolate.h"

#include <skua/isolate.h>

#include "cache.h"
#include "child.h"
#include "pool.h"
#include "room.h"
#include "run.h"
#include "wait.h"
#include "wake.h"

/* ---- regions ---- */

static void open(struct ski_worker *worker, struct ski_region *region,
		 struct ski_fiber *fiber)
{
	region->outer = worker->region;
	region->number = ++worker->regions;
	region->mark = ski_deque_bottom(&worker->producer.deque);
	region->fiber = fiber;
	worker->region = region;
}

/* Those held back come first: they are older than what is ready now. */
static void release_held(struct ski_worker *worker)
{
	struct ski_queue *held = &worker->held;
	struct ski_inbox_node *node;

	if (!held->first)
		return;
	if (worker->ready.first) {
		*held->last = worker->ready.first;
		held->last = worker->ready.last;
	}
	node = held->first;
	worker->ready.first = node;
	worker->ready.last = held->last;
	ski_queue_init(held);
}

static void shut(struct ski_worker *worker)
{
	worker->region = worker->region->outer;
	release_held(worker);
}

uint32_t ski_isolate_begin(struct ski_worker *worker,
			   struct ski_segment *segment)
{
	uint32_t before = ski_segment_isolated(segment);

	if (!worker->region)
		open(worker, &worker->lent, NULL);
	ski_segment_set_isolated(segment, 1);
	return before;
}

static bool is_inside(const struct ski_region *region,
		      const struct ski_fiber *fiber)
{
	return fiber->region >= region->number;
}

static bool has_fiber(const struct ski_worker *worker)
{
	for (struct ski_fiber *fiber = worker->inside; fiber;
	     fiber = fiber->beside)
		if (is_inside(worker->region, fiber))
			return true;
	return false;
}

bool ski_isolate_end(struct ski_worker *worker)
{
	if (worker->region != &worker->lent || has_fiber(worker) ||
	    ski_isolate_has_job(worker))
		return false;
	shut(worker);
	if (worker->pool->bound == SKI_NO_QUEUE)
		ski_room_free(worker);
	return true;
}

/* ---- fibers that are left ---- */

void ski_isolate_keep(struct ski_worker *worker, struct ski_fiber *fiber)
{
	fiber->region = worker->region->number;
	fiber->beside = worker->inside;
	fiber->beside_at = &worker->inside;
	if (fiber->beside)
		fiber->beside->beside_at = &fiber->beside;
	worker->inside = fiber;
}

void ski_isolate_forget(struct ski_fiber *fiber)
{
	fiber->region = 0;
	*fiber->beside_at = fiber->beside;
	if (fiber->beside)
		fiber->beside->beside_at = fiber->beside_at;
}

struct ski_inbox_node *ski_isolate_take(struct ski_worker *worker,
					struct ski_queue *queue)
{
	struct ski_inbox_node *node;

	while ((node = ski_queue_take(queue)) &&
	       !is_inside(worker->region, ski_fiber_of_node(node)))
		ski_queue_put(&worker->held, node);
	return node;
}

bool ski_isolate_detour(struct ski_worker *worker, struct skua_frame *frame)
{
	struct ski_fiber *self = worker->fiber;
	bool busy = ski_room_is_busy(worker);

	if (!ski_cache_spare(worker))
		return false;
	ski_child_settle(worker);
	open(worker, &worker->lent, NULL);
	worker->stray = ski_job_of_frame(frame);
	/* Its number is 0: it is held back until the region ends. */
	ski_queue_put(&worker->ready, &self->node);
	worker->suspended++;
	ski_wait_switch(worker, ski_cache_take_fiber(worker));
	worker->suspended--;
	if (busy)
		ski_room_busy(worker);
	return true;
}

/* ---- frames ---- */

static struct skua_frame *steal(struct ski_segment *segment)
{
	struct skua_frame *frame;
	bool again;

	do {
		again = false;
		frame = ski_forkstack_steal(segment, false, &again);
	} while (again);
	return frame;
}

/* Where the region begins: what is older there is not for us. It stands before
 * what is younger, so that it is put aside, but only if there is something. */
static struct skua_frame *steal_from(struct ski_region *region)
{
	uint32_t first;

	if (ski_segment_split(region->segment) <= region->here)
		return NULL;
	first = ski_forkstack_hide(region->segment, region->here);
	if (first < region->first)
		region->first = first;
	return steal(region->segment);
}

/* Of a fiber that was left inside: not through proxies, which may be queued
 * where this worker does not look. */
static struct skua_frame *steal_of(struct ski_region *region,
				   struct ski_fiber *fiber)
{
	struct ski_segment *segment = ski_fiber_current(fiber);
	struct skua_frame *frame;

	for (;;) {
		if (fiber == region->fiber && segment == region->segment)
			return steal_from(region);
		frame = steal(segment);
		if (frame || segment == fiber->first)
			return frame;
		segment = segment->previous;
	}
}

static uintptr_t any_frame(struct ski_worker *worker)
{
	struct ski_region *region = worker->region;

	for (struct ski_fiber *fiber = worker->inside; fiber;
	     fiber = fiber->beside) {
		struct skua_frame *frame = NULL;

		if (is_inside(region, fiber))
			frame = steal_of(region, fiber);
		if (frame)
			return ski_job_of_frame(frame);
	}
	return 0;
}

/* @i is the first that belongs to the region now. Returns whether it had been
 * put aside. */
static bool lower(struct ski_region *region, uint32_t i)
{
	bool aside = i >= region->first;

	region->here = i;
	if (region->first > i)
		region->first = i;
	if (region->before > i + 1)
		region->before = i + 1;
	return aside;
}

/* The task has joined all frames of the segment in which the region began. */
static void move_to(struct ski_region *region, struct ski_segment *segment,
		    uint32_t i)
{
	region->segment = segment;
	region->before = ski_segment_isolated(segment);
	region->here = i;
	region->first = i;
}

bool ski_isolate_join(struct ski_worker *worker, struct ski_segment *segment,
		      uint32_t i)
{
	bool aside = false;

	/* One at a time, so that each join of an older frame comes by. */
	ski_segment_listen(segment);
	for (struct ski_region *region = worker->region;
	     region && region->fiber == worker->fiber; region = region->outer) {
		if (region->segment == segment->next)
			move_to(region, segment, i);
		else if (region->segment == segment && region->here > i)
			aside |= lower(region, i);
	}
	if (aside)
		ski_forkstack_rebase(segment, i);
	return aside;
}

void ski_isolate_joined(struct ski_worker *worker, struct ski_segment *segment,
			uint32_t i)
{
	struct ski_region *region = worker->region;
	uint32_t from = ski_segment_isolated(segment);

	if (region->fiber == worker->fiber && region->segment == segment &&
	    region->here == i && (!from || from > i + 1))
		ski_segment_set_isolated(segment, i + 1);
}

/* ---- jobs ---- */

bool ski_isolate_has_job(struct ski_worker *worker)
{
	struct ski_deque *deque = &worker->producer.deque;

	return ski_index_diff(ski_deque_bottom(deque), worker->region->mark) >
		       0 &&
	       ski_deque_count(deque);
}

/* Not what was there before the region. */
static uintptr_t take(struct ski_worker *worker)
{
	return ski_isolate_has_job(worker) ?
		       ski_deque_take(&worker->producer.deque) :
		       0;
}

/* The newest but one: one that submits itself again and again does not keep
 * those before it waiting for ever. */
static uintptr_t take_fair(struct ski_worker *worker)
{
	uintptr_t newest = take(worker);
	uintptr_t job = newest ? take(worker) : 0;

	if (!job)
		return newest;
	/* Its place is free again. */
	ski_deque_push(&worker->producer.deque, newest);
	return job;
}

uintptr_t ski_isolate_job(struct ski_worker *worker, bool fair)
{
	uintptr_t job = worker->stray;

	worker->stray = 0;
	if (!job && fair)
		job = any_frame(worker);
	if (!job && !ski_pool_paused(worker->pool))
		job = fair ? take_fair(worker) : take(worker);
	return job ? job : any_frame(worker);
}

/* ---- the call ---- */

/* Others may have what was forked before. */
static int enter(struct ski_worker *worker, struct ski_region *region)
{
	struct ski_fiber *fiber = worker->fiber;
	struct ski_segment *segment = ski_fiber_current(fiber);

	if (ski_wait_prepare(worker))
		return SKUA_ENOMEM;
	open(worker, region, fiber);
	region->segment = segment;
	region->here = ski_segment_split(segment);
	region->first = region->here;
	region->before = ski_segment_isolated(segment);
	if (!region->before)
		ski_segment_set_isolated(segment, region->here + 1);
	return 0;
}

static void leave(struct ski_worker *worker, struct ski_region *region)
{
	ski_segment_set_isolated(region->segment, region->before);
	if (region->first < region->here) {
		ski_forkstack_give_back(region->segment, region->first,
					region->here);
		ski_wake_published(worker->pool);
	}
	shut(worker);
}

int skua_isolate(void (*fn)(void *arg), void *arg)
{
	struct ski_worker *worker = ski_worker_self();
	struct ski_region region;
	int error;

	if (!fn)
		return SKUA_EINVAL;
	if (!worker) {
		fn(arg);
		return 0;
	}
	error = enter(worker, &region);
	if (error)
		return error;
	fn(arg);
	leave(worker, &region);
	return 0;
}
