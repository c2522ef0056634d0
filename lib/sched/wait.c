/* SPDX-License-Identifier: MIT */
#include "wait.h"

#include <skua/sync.h>

#include "cache.h"
#include "chain.h"
#include "clock.h"
#include "future.h"
#include "guest.h"
#include "loop.h"
#include "pool.h"
#include "rcu.h"
#include "run.h"
#include "wake.h"

/* The explorer shortens these. */
#ifndef SKI_JOIN_SPINS
#define SKI_JOIN_SPINS 64
#define SKI_THREAD_SPINS 128
#define SKI_THREAD_YIELDS 64
#endif

/* A timer that resumes a fiber. With a waiter, only if nobody told it. */
struct alarm {
	struct ski_timer timer;
	struct ski_fiber *fiber;
	struct ski_waiter *waiter;
};

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
	ski_count_add(&worker->producer.counters, SKI_COUNT_SUSPENSIONS, 1);
	ski_wait_switch(worker, ski_cache_take_fiber(worker));
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

int ski_wait_prepare(struct ski_worker *worker)
{
	struct ski_deque *deque = &worker->producer.deque;
	struct ski_segment *segment;
	bool shown;

	if (!ski_cache_spare(worker) || ski_deque_reserve(deque, 1))
		return SKUA_ENOMEM;
	/* Relaxed: the worker's own. */
	segment = atomic_load_explicit(&worker->fiber->current,
				       memory_order_relaxed);
	shown = ski_forkstack_expose_all(segment);
	if (ski_segment_ready(segment) && ski_proxy_offer(segment)) {
		ski_deque_push(deque, (uintptr_t)&segment->proxy);
		shown = true;
	}
	if (shown)
		look_at_idle(worker, segment);
	return 0;
}

/* ---- joins ---- */

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
	struct ski_deque *deque = &worker->producer.deque;
	struct skua_frame *won;

	if (ski_deque_reserve(deque, 1))
		return false;
	ski_rcu_read_lock();
	won = steal_back(frame);
	ski_rcu_read_unlock();
	if (!won)
		return false;
	if (ski_frame_state(frame) != SKUA_FRAME_DONE) {
		ski_run_frame(here, won);
		return true;
	}
	/* The thief may have gone on to something else in between: a
	 * stranger must not run on this stack. */
	ski_deque_push(deque, ski_job_of_frame(won));
	ski_wake_published(worker->pool);
	return true;
}

/* No stack to switch to: serve the inbox on this one. */
static void block(struct ski_worker *worker)
{
	struct ski_fiber *self = worker->fiber;

	for (;;) {
		struct ski_inbox_node *node;

		ski_wait_timers(worker);
		ski_loop_collect(worker);
		node = ski_queue_take(&worker->ready);
		if (node == &self->node)
			return;
		if (node) {
			/* Its loop goes on when it ends, and comes back. */
			ski_wait_switch(worker, ski_fiber_of_node(node));
			return;
		}
		if (ski_inbox_lie_down(&worker->inbox, SKI_INBOX_NAP))
			ski_futex_wait(ski_inbox_address(&worker->inbox),
				       SKI_INBOX_NAP,
				       ski_timers_next(&worker->timers));
	}
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

void ski_wait_frame(struct ski_worker *worker, struct ski_segment *segment,
		    uint32_t i)
{
	struct skua_frame *frame = &segment->frame[i];
	skua_here here = behind(worker, segment, i);
	struct ski_fiber *fiber = worker->fiber;

	while (here && leapfrog(worker, frame, here))
		;
	if (here && ski_segment_of(here) != segment)
		ski_chain_pop(worker, segment);
	if (is_done_soon(frame) || !ski_frame_wait(frame, fiber))
		return;
	/* Its older frames are all stolen, and older segments have their
	 * proxies: nothing to offer. */
	if (ski_cache_spare(worker))
		ski_wait_suspend(worker);
	else
		block(worker);
}

/* ---- timers ---- */

void ski_wait_timers(struct ski_worker *worker)
{
	struct ski_timer *timer;
	int64_t now_ns;

	if (ski_likely(!worker->timers.first))
		return;
	now_ns = ski_clock_ns();
	while ((timer = ski_timers_due(&worker->timers, now_ns))) {
		struct alarm *alarm = (struct alarm *)(void *)timer;

		if (!alarm->waiter ||
		    ski_waiter_decide(alarm->waiter, SKI_GONE))
			ski_queue_put(&worker->ready, &alarm->fiber->node);
	}
}

static void suspend_until(struct ski_worker *worker, int64_t deadline_ns,
			  struct ski_waiter *waiter)
{
	struct alarm alarm = { .fiber = worker->fiber, .waiter = waiter };

	ski_timers_add(&worker->timers, &alarm.timer, deadline_ns);
	ski_wait_suspend(worker);
	if (alarm.timer.armed)
		ski_timers_remove(&worker->timers, &alarm.timer);
}

static void sleep_thread(int64_t deadline_ns)
{
	static const uint32_t word;

	while (!ski_futex_wait(&word, 0, deadline_ns))
		;
}

int skua_sleep(int64_t ns)
{
	struct ski_worker *worker = ski_worker_self();
	int error;

	if (ns < 0)
		return SKUA_EINVAL;
	if (!ns)
		return 0;
	if (!worker) {
		sleep_thread(ski_deadline_ns(ns));
		return 0;
	}
	error = ski_wait_prepare(worker);
	if (!error)
		suspend_until(worker, ski_deadline_ns(ns), NULL);
	return error;
}

void skua_yield(void)
{
	struct ski_worker *worker = ski_worker_self();

	if (!worker) {
		ski_thread_yield();
		return;
	}
	if (ski_wait_prepare(worker))
		return;
	ski_queue_put(&worker->yielded, &worker->fiber->node);
	ski_wait_suspend(worker);
}

/* ---- futures ---- */

static void free_waiter(struct ski_waiter *waiter)
{
	if (ski_waiter_drop(waiter))
		ski_free(waiter);
}

/* To the finisher, the last touch of a waiter that is not shared. */
static void tell(struct ski_waiter *waiter)
{
	bool shared =
		atomic_load_explicit(&waiter->references, memory_order_relaxed);
	struct ski_fiber *fiber = waiter->fiber;
	const void *address = &waiter->state;

	if (shared && !ski_waiter_decide(waiter, SKI_TOLD)) {
		free_waiter(waiter);
		return;
	}
	if (fiber) {
		ski_fiber_resume(fiber);
	} else {
		if (!shared)
			/* Release: the result. Pairs with wait_thread(). */
			atomic_store_explicit(&waiter->state, SKI_TOLD,
					      memory_order_release);
		ski_futex_wake(address, 1);
		if (ski_self)
			ski_self->woke_thread = true;
	}
	if (shared)
		free_waiter(waiter);
}

void ski_waiters_tell(struct ski_waiter *list)
{
	while (list) {
		struct ski_waiter *next = list->next;

		tell(list);
		list = next;
	}
}

/* Of a list taken whole: drop those whose wait ran out, put the rest back. If
 * the future ended meanwhile nobody has told them: do it here. */
static void sift(ski_slot_state *state, struct ski_waiter *list)
{
	struct ski_waiter *kept = NULL;
	struct ski_waiter **last = &kept;

	while (list) {
		struct ski_waiter *next = list->next;

		/* Acquire: pairs with ski_waiter_decide(). */
		if (atomic_load_explicit(&list->state, memory_order_acquire) ==
		    SKI_GONE) {
			free_waiter(list);
		} else {
			*last = list;
			last = &list->next;
		}
		list = next;
	}
	*last = NULL;
	if (!kept)
		return;
	if (!ski_slot_wait(
		    state, kept,
		    (struct ski_waiter *)(void *)((char *)last -
						  offsetof(struct ski_waiter,
							   next)))) {
		*last = NULL;
		ski_waiters_tell(kept);
	}
}

/* A thread: until told or GONE. */
static void wait_thread(struct ski_waiter *waiter, int64_t deadline_ns)
{
	/* Acquire: the result. Pairs with tell(). */
	while (atomic_load_explicit(&waiter->state, memory_order_acquire) ==
	       SKI_WAITING)
		if (ski_futex_wait(&waiter->state, SKI_WAITING, deadline_ns))
			ski_waiter_decide(waiter, SKI_GONE);
}

static int wait_timed(ski_slot_state *state, struct ski_worker *worker,
		      int64_t deadline_ns)
{
	struct ski_waiter *waiter =
		ski_aligned_alloc(_Alignof(struct ski_waiter), sizeof(*waiter));
	int error = 0;

	if (!waiter)
		return SKUA_ENOMEM;
	waiter->fiber = worker ? worker->fiber : NULL;
	atomic_init(&waiter->state, SKI_WAITING);
	atomic_init(&waiter->references, 2);
	if (!ski_slot_wait(state, waiter, waiter)) {
		ski_free(waiter);
		return 0;
	}
	if (worker)
		suspend_until(worker, deadline_ns, waiter);
	else
		wait_thread(waiter, deadline_ns);
	/* Acquire: pairs with ski_waiter_decide(). */
	if (atomic_load_explicit(&waiter->state, memory_order_acquire) ==
	    SKI_GONE) {
		error = SKUA_ETIMEDOUT;
		sift(state, ski_slot_take_waiters(state));
	}
	free_waiter(waiter);
	return error;
}

static void wait_forever(ski_slot_state *state, struct ski_worker *worker)
{
	struct ski_waiter waiter = { .fiber = worker ? worker->fiber : NULL };

	if (!ski_slot_wait(state, &waiter, &waiter))
		return;
	if (worker)
		ski_wait_suspend(worker);
	else
		wait_thread(&waiter, -1);
}

static bool is_final(ski_slot_state *state)
{
	return ski_status_final(ski_slot_status(ski_slot_load(state)));
}

/* A thread, for a while. If the worker has yet to wake, it may do so on this
 * CPU: give way to it, and do not sleep before it had the time to. */
static bool spin(ski_slot_state *state)
{
	bool woke = ski_woke_sleeper;
	int rounds = woke ? SKI_THREAD_YIELDS : SKI_THREAD_SPINS;

	ski_woke_sleeper = false;
	for (int i = 0; i < rounds; i++) {
		if (woke)
			ski_thread_yield();
		else
			ski_pause();
		if (is_final(state))
			return true;
	}
	return false;
}

int ski_wait_slot(ski_slot_state *state, int64_t timeout_ns)
{
	struct ski_worker *worker = ski_worker_self();
	int error;

	if (is_final(state))
		return 0;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	if (worker) {
		error = ski_wait_prepare(worker);
		if (error)
			return error;
	} else if (spin(state)) {
		return 0;
	}
	if (timeout_ns > 0)
		return wait_timed(state, worker, ski_deadline_ns(timeout_ns));
	wait_forever(state, worker);
	return 0;
}
