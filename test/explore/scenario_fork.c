/* SPDX-License-Identifier: MIT */
/*
 * Fork and join beyond one segment's frames: joins that wait, chains of
 * segments, proxies and leapfrogging. All of it is the source of lib/sched
 * (fork.c, chain.c, run.c, join.c). What owner and thieves do with the frames
 * of one segment is in scenario_forkstack.c.
 */
#include "fork_children.h"

#include "cache.h"
#include "chain.h"

/* There is always a stack for what is isolated, of which there is nothing. */
#define ski_cache_spare(worker) ((void)(worker), true)
#include "../../lib/sched/join.c"
#undef ski_cache_spare

/* ---- the state word: thief against waiter ---- */

static void steal_when_ready(void)
{
	ex_await(ski_segment_ready(s.rt.fiber[0].first));
	steal_first(true);
}

/* Joins only when the child has begun: there is a wait. */
static void fork_wait(void)
{
	skua_here here = start_owner();

	marked_fork(&here, s.forked++);
	ex_await(has_started(0));
	ex_assert(marked_join(&here) == 0 + RESULT);
}

FORK_SCENARIO(fork_waiter, "fork", "thief against waiter in the state word",
	      .setup = setup_two, .run = { fork_wait, steal_when_ready })
FORK_SCENARIO(fork_waiter_stray, "fork", "... that wakes for no reason",
	      .setup = setup_two, .stray = 1, .spurious = 1,
	      .run = { fork_wait, steal_when_ready })

/* What the waiter is, its finisher sees. Its fiber is written long before in
 * the runtime, so the state word alone is looked at here. */
static struct {
	struct skua_frame frame;
	_Alignas(64) unsigned waiter, seen;
} w;

static void wait_there(void)
{
	w.waiter = 1;
	(void)ski_frame_wait(&w.frame, &w.waiter);
}

static void finish_there(void)
{
	unsigned *waiter = ski_frame_finish(&w.frame);

	if (waiter)
		w.seen = *waiter;
}

static void check_there(void)
{
	ex_assert(ski_frame_state(&w.frame) == SKUA_FRAME_DONE);
	ex_assert(w.seen == 0 || w.seen == 1);
}

EX_SCENARIO(fork_waiter_seen, .concept = "fork",
	    .what = "the finisher sees what waits", .state = &w,
	    .state_bytes = sizeof(w), .check = check_there,
	    .run = { wait_there, finish_there })

/* ---- segments in a chain ---- */

/* From the newest segment, as from_worker() in steal.c has it. */
static void steal_newest(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct skua_frame *frame;
	bool again = false;

	ski_rcu_read_lock();
	frame = ski_forkstack_steal(
		atomic_load_explicit(&s.rt.worker[0].segment,
				     memory_order_acquire),
		true, &again);
	ski_rcu_read_unlock();
	if (frame)
		ski_run(ski_fiber_base(worker->fiber), ski_job_of_frame(frame));
}

static void fork_join_full(void)
{
	fork_and_join(SKI_SEGMENT_FRAMES);
}

static void fork_join_beyond(void)
{
	fork_and_join(SKI_SEGMENT_FRAMES + 1);
}

/* Back and forth over the edge. */
static void fork_join_hop(void)
{
	skua_here here = start_owner();

	fork_leaves(&here, SKI_SEGMENT_FRAMES);
	join_leaves(&here, SKI_SEGMENT_FRAMES - 1, 1);
	fork_leaves(&here, 1);
	join_leaves(&here, SKI_SEGMENT_FRAMES, 1);
	join_leaves(&here, SKI_SEGMENT_FRAMES - 2, SKI_SEGMENT_FRAMES - 1);
	ex_assert(here == s.rt.fiber[0].first->frame);
}

FORK_SCENARIO(fork_full, "fork", "a segment is full", .setup = setup_two,
	      .run = { fork_join_full, steal_once })
FORK_SCENARIO(fork_beyond, "fork", "frames in a second segment",
	      .setup = setup_two, .run = { fork_join_beyond, steal_newest })
FORK_SCENARIO(fork_hop, "fork", "back and forth between two segments",
	      .setup = setup_two, .run = { fork_join_hop, steal_once })

/* ---- proxies ---- */

/* A task that waits with children unjoined: all are offered, and all must be
 * found. */
static void offer_and_wait(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < 2; ++i)
		marked_fork(&here, s.forked++);
	prepare_wait();
	for (unsigned i = 0; i < 2; ++i)
		ex_await(has_started(i));
	for (unsigned i = 2; i-- > 0;)
		ex_assert(marked_join(&here) == i + RESULT);
}

/* Through the deques alone, as if the fiber of the frames were not the one that
 * its worker runs. */
static void run_proxies(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct ski_deque *deque = &s.rt.worker[0].inner;
	uintptr_t job;

	ex_await(ski_deque_count(deque));
	job = ski_steal_oldest(deque);
	for (; job; job = ski_deque_take(&worker->inner))
		ski_run(ski_fiber_base(worker->fiber), job);
}

/* A full segment is left, and what it has is for others to start. */
static void fill_and_wait(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < SKI_SEGMENT_FRAMES; ++i)
		marked_fork(&here, s.forked++);
	ex_await(has_started(SKI_SEGMENT_FRAMES - 1));
	for (unsigned i = SKI_SEGMENT_FRAMES; i-- > 0;)
		ex_assert(marked_join(&here) == i + RESULT);
}

/* Used again while the proxy may still be queued. */
static void offer_then_join(void)
{
	skua_here here = start_owner();

	fork_leaves(&here, 2);
	prepare_wait();
	join_leaves(&here, 1, 2);
	fork_leaves(&here, 1);
	join_leaves(&here, 2, 1);
}

/* Offered while it is queued, or while who popped it is about to look: the
 * second child must be found too. */
static void offer_twice(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < 2; ++i) {
		marked_fork(&here, s.forked++);
		prepare_wait();
	}
	ex_await(has_started(0) && has_started(1));
	for (unsigned i = 2; i-- > 0;)
		ex_assert(marked_join(&here) == i + RESULT);
}

/* The first child not by its proxy, which then leads to the second alone. */
static void steal_then_run_proxies(void)
{
	ex_await(ski_segment_ready(s.rt.fiber[0].first));
	steal_quietly();
	while (!has_started(0) || !has_started(1))
		run_proxies();
}

static void run_one_proxy(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = ski_steal_oldest(&s.rt.worker[0].inner);

	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
}

FORK_SCENARIO(fork_proxy, "fork", "a proxy leads to all of its frames",
	      .setup = setup_two, .run = { offer_and_wait, run_proxies })
FORK_SCENARIO(fork_proxy_again, "fork", "... also to those offered meanwhile",
	      .setup = setup_two,
	      .run = { offer_twice, steal_then_run_proxies })
FORK_SCENARIO(fork_proxy_full, "fork", "... of a segment that is full",
	      .setup = setup_two, .run = { fill_and_wait, run_proxies })
FORK_SCENARIO(fork_proxy_reuse, "fork", "a queued proxy survives a reuse",
	      .setup = setup_two, .run = { offer_then_join, run_one_proxy })

/* ---- leapfrog ---- */

enum {
	GRANDCHILD = 4,
	STRANGER = 6
};

/* Forks one child on the stack of whoever runs it. */
SKUA_TASK(uint64_t, parent, uint64_t, child)
{
	atomic_store_explicit(&s.started[child], 1, memory_order_relaxed);
	leaf_fork(&here, GRANDCHILD);
	ex_assert(leaf_join(&here) == GRANDCHILD + RESULT);
	note_run(child);
	return child + RESULT;
}

/* Ends only once worker 0 has joined. If that ran it inside its join, both
 * would wait for ever. */
SKUA_TASK(uint64_t, stranger, uint64_t, child)
{
	(void)here;
	ex_await(atomic_load_explicit(&s.joined, memory_order_relaxed));
	note_run(child);
	return child + RESULT;
}

static void fork_parent(void)
{
	skua_here here = start_owner();

	parent_fork(&here, 0);
	ex_assert(parent_join(&here) == 0 + RESULT);
}

/* At the last frame of the segment, all others of which were stolen long ago:
 * what is leapfrogged goes on in another segment. */
static void fork_parent_last(void)
{
	struct ski_segment *segment = s.rt.fiber[0].first;
	skua_here here = start_owner() + SKI_SEGMENT_FRAMES - 1;

	ski_forkstack_rebase(segment, SKI_SEGMENT_FRAMES - 1);
	parent_fork(&here, 0);
	ex_await(has_started(0));
	ex_assert(parent_join(&here) == 0 + RESULT);
	ex_assert(ski_fiber_current(&s.rt.fiber[0]) == segment);
}

/* The thief stands in a segment that it has just made. */
static void steal_in_new(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct ski_segment *segment = ski_fiber_current(worker->fiber);
	struct ski_segment *next = ski_chain_push(worker, segment);
	struct skua_frame *frame;
	bool again = false;

	ex_assert(next);
	ski_rcu_read_lock();
	frame = ski_forkstack_steal(s.rt.fiber[0].first, true, &again);
	ski_rcu_read_unlock();
	if (frame)
		ski_run(next->frame, ski_job_of_frame(frame));
	ski_chain_pop(worker, segment);
}

static void check_family(void)
{
	ex_assert(times_run(0) == 1 && times_run(GRANDCHILD) == 1);
	rt_close(&s.rt);
}

/* Worker 1: the stolen child, and then something else with a child. */
static void steal_then_fork(void)
{
	skua_here here;

	if (!steal_first(true))
		return;
	here = ski_fiber_base(ski_self->fiber);
	stranger_fork(&here, STRANGER);
	ex_assert(stranger_join(&here) == STRANGER + RESULT);
}

static void fork_join_then_serve(void)
{
	skua_here here = start_owner();
	uintptr_t job;

	fork_leaves(&here, 1);
	join_leaves(&here, 0, 1);
	atomic_store_explicit(&s.joined, 1, memory_order_relaxed);
	while ((job = ski_deque_take(&ski_self->inner)))
		ski_run(here, job);
}

static void check_stranger(void)
{
	ex_assert(times_run(0) == 1 && times_run(STRANGER) <= 1);
	rt_close(&s.rt);
}

#define LEAPFROG_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "leapfrog", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

LEAPFROG_SCENARIO(leapfrog_child, "a waiter steals from its thief",
		  .setup = setup_two, .check = check_family,
		  .run = { fork_parent, steal_once })
LEAPFROG_SCENARIO(leapfrog_last, "... behind the last frame of a segment",
		  .setup = setup_two, .check = check_family,
		  .run = { fork_parent_last, steal_when_ready })
LEAPFROG_SCENARIO(leapfrog_new, "... whose segment is new", .setup = setup_two,
		  .check = check_family, .run = { fork_parent, steal_in_new })
LEAPFROG_SCENARIO(leapfrog_stranger,
		  "a stranger after the second look is not run in a join",
		  .setup = setup_two, .check = check_stranger,
		  .run = { fork_join_then_serve, steal_then_fork })
