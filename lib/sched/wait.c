/* SPDX-License-Identifier: MIT */
#include "wait.h"

#include <skua/error.h>

#include "alarm.h"
#include "cache.h"
#include "child.h"
#include "isolate.h"
#include "loop.h"
#include "pool.h"
#include "wake.h"

/* The fiber that runs from now on: thieves look at its newest segment. */
static void enter(struct ski_worker *worker, struct ski_fiber *fiber)
{
	/* Relaxed: the worker's own. */
	struct ski_segment *segment =
		atomic_load_explicit(&fiber->current, memory_order_relaxed);

	worker->fiber = fiber;
	/* Its first fork looks for the idle, who asked another segment. */
	ski_segment_listen(segment);
	/* Release: the segment's header. Pairs with from_worker() in
	 * steal.c. */
	atomic_store_explicit(&worker->segment, segment, memory_order_release);
}

void ski_wait_arrive(struct ski_worker *worker)
{
	struct ski_fiber *left = worker->left;

	if (!left)
		return;
	worker->left = NULL;
	ski_cache_put_fiber(worker, left);
}

void ski_wait_switch(struct ski_worker *worker, struct ski_fiber *fiber)
{
	struct ski_fiber *from = worker->fiber;

	enter(worker, fiber);
	ski_context_switch(&from->context, &fiber->context);
	/* Back, and still on the same worker. */
	ski_wait_arrive(worker);
}

void ski_wait_suspend(struct ski_worker *worker)
{
	struct ski_fiber *fiber = worker->fiber;
	bool busy = ski_unlikely(worker->pool->bound == SKI_NO_QUEUE) &&
		    ski_room_is_busy(worker);

	if (ski_unlikely(busy))
		ski_room_free(worker);
	ski_count_add(&worker->producer.counters, SKI_COUNT_SUSPENSIONS, 1);
	ski_child_settle(worker);
	ski_isolate_leave(worker, fiber);
	worker->suspended++;
	ski_wait_switch(worker, ski_cache_take_fiber(worker));
	worker->suspended--;
	ski_isolate_return(fiber);
	if (ski_unlikely(busy))
		ski_room_busy(worker);
}

/* Frames became public, by themselves or through a proxy. */
static void look_at_idle(struct ski_worker *worker, struct ski_segment *segment)
{
	struct skua_pool *pool = worker->pool;
	uint64_t counts = ski_parking_published(&pool->parking);

	/* Somebody sleeps whose asking we may have overwritten; if there is
	 * nothing to wait for we are not left, and may take frames back. */
	if (ski_parking_idle(counts) > 0)
		ski_segment_listen(segment);
	ski_wake_counted(pool, counts);
}

/* Make the private frames public; false: no room for the proxy. */
bool ski_wait_offer(struct ski_worker *worker)
{
	struct ski_deque *inner = &worker->inner;
	struct ski_segment *segment;
	bool shown;

	if (ski_deque_reserve(inner, 1))
		return false;
	/* Relaxed: the worker's own. */
	segment = atomic_load_explicit(&worker->fiber->current,
				       memory_order_relaxed);
	shown = ski_forkstack_expose_all(segment);
	if (ski_segment_ready(segment) && ski_proxy_offer(segment)) {
		ski_deque_push(inner, (uintptr_t)&segment->proxy);
		shown = true;
	}
	if (shown)
		look_at_idle(worker, segment);
	return true;
}

int ski_wait_prepare(struct ski_worker *worker)
{
	return ski_cache_spare(worker) && ski_wait_offer(worker) ? 0 :
								   SKUA_ENOMEM;
}

struct ski_fiber *ski_wait_other(struct ski_worker *worker)
{
	struct ski_inbox_node *node;

	ski_alarm_ring(worker);
	ski_loop_collect(worker);
	node = ski_isolate_next(worker, &worker->ready);
	if (!node)
		node = ski_isolate_next(worker, &worker->yielded);
	return node ? ski_fiber_of_node(node) : NULL;
}

/* Until @self is resumed, or another fiber can go on and this one after it. */
static void serve_inbox(struct ski_worker *worker, struct ski_fiber *self)
{
	for (;;) {
		struct ski_fiber *fiber = ski_wait_other(worker);

		if (fiber == self)
			return;
		if (fiber) {
			/* Its loop goes on when it ends, and comes back. */
			ski_wait_switch(worker, fiber);
			return;
		}
		if (ski_inbox_lie_down(&worker->inbox, SKI_INBOX_NAP))
			ski_futex_wait(ski_inbox_address(&worker->inbox),
				       SKI_INBOX_NAP,
				       ski_timers_next(&worker->timers));
	}
}

/* No stack to switch to: serve the inbox on this one. */
static void block(struct ski_worker *worker)
{
	struct ski_fiber *fiber = worker->fiber;
	bool busy = ski_room_is_busy(worker);

	ski_child_settle(worker);
	ski_isolate_leave(worker, fiber);
	worker->suspended++;
	serve_inbox(worker, fiber);
	worker->suspended--;
	ski_isolate_return(fiber);
	/* A task that it went on with meanwhile may have ended. */
	if (busy)
		ski_room_busy(worker);
}

void ski_wait_leave(struct ski_worker *worker)
{
	if (ski_cache_spare(worker))
		ski_wait_suspend(worker);
	else
		block(worker);
}
