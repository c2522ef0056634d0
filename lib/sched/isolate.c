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

/* What is submitted from now on is marked by it. */
static void set_region(struct ski_worker *worker, struct ski_region *region)
{
	worker->region = region;
	worker->producer.mark = region ? SKI_JOB_ISOLATED : 0;
}

static void open(struct ski_worker *worker, struct ski_region *region,
		 struct ski_fiber *fiber)
{
	region->outer = worker->region;
	region->number = ++worker->regions;
	region->mark = ski_deque_bottom(&worker->producer.deque);
	region->fiber = fiber;
	ski_queue_init(&region->held);
	set_region(worker, region);
}

/* Those held back come first: they are older than what is ready now. */
static void release_held(struct ski_worker *worker, struct ski_queue *held)
{
	if (!held->first)
		return;
	if (worker->ready.first) {
		*held->last = worker->ready.first;
		held->last = worker->ready.last;
	}
	worker->ready = *held;
}

static void shut(struct ski_worker *worker)
{
	struct ski_region *region = worker->region;

	set_region(worker, region->outer);
	release_held(worker, &region->held);
}

/* It has won something that is inside of other workers' regions. */
static void lend(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;

	open(worker, &worker->lent, NULL);
	/* Relaxed: what was won came after its region was counted. */
	worker->lent.serves =
		atomic_load_explicit(&pool->regions, memory_order_relaxed);
	/* Relaxed: ordered by PARK-B, before it lies low. */
	atomic_fetch_add_explicit(&pool->lent, 1, memory_order_relaxed);
}

uint32_t ski_isolate_begin(struct ski_worker *worker,
			   struct ski_segment *segment)
{
	uint32_t before = ski_segment_isolated(segment);

	if (!worker->region)
		lend(worker);
	ski_segment_set_isolated(segment, 1);
	return before;
}

static bool is_inside(const struct ski_region *region,
		      const struct ski_fiber *fiber)
{
	return fiber->region >= region->number;
}

/* All that are inside stand before all that are not: see worker.h. */
static bool has_fiber(const struct ski_worker *worker)
{
	const struct ski_region *region = worker->region;

	return (worker->offering && is_inside(region, worker->offering)) ||
	       (worker->bare && is_inside(region, worker->bare));
}

bool ski_isolate_is_over(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;

	if (worker->region != &worker->lent)
		return false;
	for (unsigned i = 0; i < ski_pool_slots(pool); i++) {
		/* Relaxed: which region has called what we have happened before
		 * that was won. In the loop ordered by PARK-B. */
		uint64_t called = atomic_load_explicit(&pool->worker[i]->called,
						       memory_order_relaxed);

		if (called && called <= worker->lent.serves)
			return false;
	}
	return true;
}

bool ski_isolate_end(struct ski_worker *worker)
{
	bool empty = !has_fiber(worker) && !ski_isolate_has_job(worker);

	if (worker->region != &worker->lent || worker->stray ||
	    (!empty && !ski_isolate_is_over(worker)))
		return false;
	shut(worker);
	/* Relaxed: who reads more than there are rouses one in vain. */
	atomic_fetch_sub_explicit(&worker->pool->lent, 1, memory_order_relaxed);
	if (worker->pool->bound == SKI_NO_QUEUE)
		ski_room_free(worker);
	return true;
}

/* ---- fibers that are left ---- */

static void put(struct ski_fiber **list, struct ski_fiber *fiber)
{
	fiber->beside = *list;
	fiber->beside_at = list;
	if (fiber->beside)
		fiber->beside->beside_at = &fiber->beside;
	*list = fiber;
}

static void take_out(struct ski_fiber *fiber)
{
	*fiber->beside_at = fiber->beside;
	if (fiber->beside)
		fiber->beside->beside_at = fiber->beside_at;
}

void ski_isolate_keep(struct ski_worker *worker, struct ski_fiber *fiber)
{
	fiber->region = worker->region->number;
	put(&worker->offering, fiber);
}

void ski_isolate_forget(struct ski_fiber *fiber)
{
	fiber->region = 0;
	take_out(fiber);
}

struct ski_inbox_node *ski_isolate_take(struct ski_worker *worker,
					struct ski_queue *queue)
{
	struct ski_inbox_node *node;

	while ((node = ski_queue_take(queue)) &&
	       !is_inside(worker->region, ski_fiber_of_node(node)))
		ski_queue_put(&worker->region->held, node);
	return node;
}

void ski_isolate_detour(struct ski_worker *worker, struct skua_frame *frame)
{
	struct ski_fiber *self = worker->fiber;
	bool busy = ski_room_is_busy(worker);

	ski_child_settle(worker);
	lend(worker);
	worker->stray = ski_job_of_frame(frame);
	/* Its number is 0: it is held back until the region ends. */
	ski_queue_put(&worker->ready, &self->node);
	worker->suspended++;
	ski_wait_switch(worker, ski_cache_take_fiber(worker));
	worker->suspended--;
	if (busy)
		ski_room_busy(worker);
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

static struct ski_fiber *first_inside(const struct ski_region *region,
				      struct ski_fiber *fiber)
{
	return fiber && is_inside(region, fiber) ? fiber : NULL;
}

/* Of the fiber that was left last, or so many before. Who had no more will not
 * get any while it is left. */
static uintptr_t any_frame(struct ski_worker *worker, unsigned depth)
{
	struct ski_region *region = worker->region;
	struct ski_fiber *fiber = first_inside(region, worker->offering);

	while (fiber) {
		struct ski_fiber *next = first_inside(region, fiber->beside);
		struct skua_frame *frame;

		if (depth && next) {
			depth--;
		} else {
			frame = steal_of(region, fiber);
			if (frame)
				return ski_job_of_frame(frame);
			take_out(fiber);
			put(&worker->bare, fiber);
		}
		fiber = next;
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

/* The task has joined all frames of the segment in which the region began; if
 * nothing here is marked, those of the regions of the task around it, too. */
static void move_to(struct ski_region *region, struct ski_segment *segment,
		    uint32_t i)
{
	struct ski_region *outer = region->outer;

	region->segment = segment;
	region->before = ski_segment_isolated(segment);
	if (!region->before && outer && outer->fiber == region->fiber)
		region->before = i + 1;
	region->here = i;
	region->first = i;
}

/* A join of frame @i may take more back than that one: not what is older than
 * the region, each join of which comes by here. */
static bool is_near(const struct ski_region *region,
		    const struct ski_segment *segment, uint32_t i)
{
	return region->segment == segment && i < region->here + SKI_KEEP / 2;
}

bool ski_isolate_join(struct ski_worker *worker, struct ski_segment *segment,
		      uint32_t i)
{
	bool aside = false, near = false;

	for (struct ski_region *region = worker->region;
	     region && region->fiber == worker->fiber; region = region->outer) {
		if (region->segment == segment->next)
			move_to(region, segment, i);
		else if (region->segment == segment && region->here > i)
			aside |= lower(region, i);
		near |= is_near(region, segment, i);
	}
	/* One at a time. */
	if (near)
		ski_segment_listen(segment);
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

/* The newest but so many. Those go by the inner deque and back in their order;
 * others may take them from there as well. */
static uintptr_t take_deep(struct ski_worker *worker, unsigned depth)
{
	struct ski_deque *inner = &worker->inner;
	ski_index bottom = ski_deque_bottom(inner);
	uintptr_t job = take(worker), other;
	bool moved = false;

	while (depth-- > 0 && !ski_deque_reserve(inner, 1) &&
	       (other = take(worker))) {
		ski_deque_push(inner, job);
		job = other;
		moved = true;
	}
	while (ski_index_diff(ski_deque_bottom(inner), bottom) > 0 &&
	       (other = ski_deque_take(inner)))
		/* Their places are free again. */
		ski_deque_push(&worker->producer.deque, other);
	/* A sleeper's last look may have missed them on their way. */
	if (moved)
		ski_wake_published(worker->pool);
	return job;
}

uintptr_t ski_isolate_job(struct ski_worker *worker)
{
	uintptr_t job = worker->stray;

	worker->stray = 0;
	if (!job && !ski_pool_paused(worker->pool))
		job = take(worker);
	return job ? job : any_frame(worker, 0);
}

uintptr_t ski_isolate_fair_job(struct ski_worker *worker, unsigned look)
{
	unsigned depth = look / 2 & -(look / 2);

	if (worker->stray)
		return ski_isolate_job(worker);
	if (look % 2)
		return any_frame(worker, depth);
	return ski_pool_paused(worker->pool) ? 0 : take_deep(worker, depth);
}

/* ---- the call ---- */

/* Before anything inside is within reach of others, so that they see it. */
static void count_in(struct ski_worker *worker, struct ski_region *region)
{
	/* Relaxed, all: see above, and the first is the worker's own. */
	region->oldest =
		!atomic_load_explicit(&worker->called, memory_order_relaxed);
	if (region->oldest)
		atomic_store_explicit(
			&worker->called,
			1 + atomic_fetch_add_explicit(&worker->pool->regions, 1,
						      memory_order_relaxed),
			memory_order_relaxed);
}

static void count_out(struct ski_worker *worker, struct ski_region *region)
{
	struct skua_pool *pool = worker->pool;

	if (!region->oldest)
		return;
	/* Relaxed: ordered by the fence. */
	atomic_store_explicit(&worker->called, 0, memory_order_relaxed);
	/* PARK-A: that before the look for those that have still parts of it.
	 * Pairs with PARK-B in lie_low(): they see it, or are roused. */
	ski_fence_full(PARK_A);
	/* Relaxed: as said. */
	if (ski_unlikely(
		    atomic_load_explicit(&pool->lent, memory_order_relaxed)))
		ski_wake_low(pool);
}

/* Others may have what was forked before. */
static int enter(struct ski_worker *worker, struct ski_region *region)
{
	struct ski_fiber *fiber = worker->fiber;
	struct ski_segment *segment = ski_fiber_current(fiber);

	if (ski_wait_prepare(worker))
		return SKUA_ENOMEM;
	open(worker, region, fiber);
	count_in(worker, region);
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
	count_out(worker, region);
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
