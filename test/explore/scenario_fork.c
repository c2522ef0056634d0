/* SPDX-License-Identifier: MIT */
/*
 * Fork and join in the runtime: joins that wait, chains of segments, proxies
 * and leapfrogging. All of it is the source of lib/sched (fork.c, chain.c,
 * run.c, wait.c, steal.c). What owner and thieves do with one segment is in
 * scenario_forkstack.c.
 *
 * Worker 0 (thread 1) forks and joins, the others steal. Every child runs
 * exactly once, with its own arguments, and its parent gets its result.
 */
#include "runtime.h"

enum {
	CHILDREN = 8,
	RESULT = 100
};

static struct {
	struct rt rt;
	unsigned forked;
	unsigned ran[EX_THREADS][CHILDREN];
	_Atomic(unsigned) started[CHILDREN];
	_Atomic(unsigned) joined;
} s;

static void note_run(uint64_t child)
{
	ex_assert(child < CHILDREN);
	++s.ran[ex_self()][child];
}

SKUA_TASK(uint64_t, leaf, uint64_t, child)
{
	(void)here;
	note_run(child);
	return child + RESULT;
}

/* Says that it has begun: it was stolen, if its parent has not joined it. */
SKUA_TASK(uint64_t, marked, uint64_t, child)
{
	(void)here;
	atomic_store_explicit(&s.started[child], 1, memory_order_relaxed);
	note_run(child);
	return child + RESULT;
}

/* Forks one child on the stack of whoever runs it. */
SKUA_TASK(uint64_t, parent, uint64_t, child)
{
	leaf_fork(&here, child + 4);
	ex_assert(leaf_join(&here) == child + 4 + RESULT);
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

static skua_here start_owner(void)
{
	return ski_fiber_base(rt_worker(&s.rt)->fiber);
}

/* Children forked in a row, joined the other way round. */
static void fork_and_join(unsigned children)
{
	skua_here here = start_owner(), base = here;

	for (unsigned i = 0; i < children; ++i)
		leaf_fork(&here, s.forked++);
	for (unsigned i = children; i-- > 0;)
		ex_assert(leaf_join(&here) == i + RESULT);
	ex_assert(here == base);
	ex_assert(s.rt.fiber[0].first == ski_fiber_current(&s.rt.fiber[0]));
}

/* A thief that looks at worker 0's first segment, as from_worker() does. */
static bool steal_first(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct skua_frame *frame;
	bool again = false;

	ski_rcu_read_lock();
	frame = ski_forkstack_steal(s.rt.fiber[0].first, true, &again);
	ski_rcu_read_unlock();
	if (frame)
		ski_run(ski_fiber_base(worker->fiber), ski_job_of_frame(frame));
	return frame;
}

static void steal_once(void)
{
	steal_first();
}

/* From the newest segment, as from_worker() has it. */
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

static void setup_two(void)
{
	rt_open(&s.rt, 2);
}

static void setup_three(void)
{
	rt_open(&s.rt, 3);
}

static void check(void)
{
	for (unsigned i = 0; i < CHILDREN; ++i) {
		unsigned times = 0;
		for (unsigned t = 0; t < EX_THREADS; ++t)
			times += s.ran[t][i];
		ex_assert(times == (i < s.forked));
	}
	rt_close(&s.rt);
}

#define FORK_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "fork", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

/* ---- the state word: thief against waiter ---- */

static void steal_told(void)
{
	ex_await(ski_segment_ready(s.rt.fiber[0].first));
	steal_first();
}

/* Joins only when the child has begun: there is a wait. */
static void fork_wait(unsigned children)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < children; ++i) {
		marked_fork(&here, s.forked++);
		ex_await(atomic_load_explicit(&s.started[i],
					      memory_order_relaxed));
		ex_assert(marked_join(&here) == i + RESULT);
	}
}

static void fork_wait_once(void)
{
	fork_wait(1);
}

static void fork_wait_twice(void)
{
	fork_wait(2);
}

static void steal_told_twice(void)
{
	steal_told();
	steal_told();
}

FORK_SCENARIO(fork_waiter, "thief against waiter in the state word",
	      .setup = setup_two, .run = { fork_wait_once, steal_told })
FORK_SCENARIO(fork_waiter_stray, "... that wakes for no reason",
	      .setup = setup_two, .stray = 1, .spurious = 1,
	      .run = { fork_wait_once, steal_told })
FORK_SCENARIO(fork_waiter_again, "... and waits again in the same frame",
	      .setup = setup_two, .fewer = 1,
	      .run = { fork_wait_twice, steal_told_twice })

/* ---- segments in a chain ---- */

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
	unsigned i = 0;

	for (; i < SKI_SEGMENT_FRAMES; ++i)
		leaf_fork(&here, s.forked++);
	--i;
	ex_assert(leaf_join(&here) == i + RESULT);
	leaf_fork(&here, s.forked++);
	ex_assert(leaf_join(&here) == SKI_SEGMENT_FRAMES + RESULT);
	while (i-- > 0)
		ex_assert(leaf_join(&here) == i + RESULT);
	ex_assert(here == s.rt.fiber[0].first->frame);
}

FORK_SCENARIO(fork_full, "a segment is full", .setup = setup_two,
	      .run = { fork_join_full, steal_once })
FORK_SCENARIO(fork_beyond, "frames in a second segment", .setup = setup_two,
	      .run = { fork_join_beyond, steal_newest })
FORK_SCENARIO(fork_hop, "back and forth between two segments",
	      .setup = setup_two, .run = { fork_join_hop, steal_once })

/* ---- proxies ---- */

/* As a task that suspends at a wait with children unjoined: all are offered,
 * and all must be found. The spare is for ski_wait_prepare() alone. */
static void offer_and_wait(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	for (unsigned i = 0; i < 2; ++i)
		marked_fork(&here, s.forked++);
	worker->spare = &s.rt.fiber[1];
	ex_assert(!ski_wait_prepare(worker));
	worker->spare = NULL;
	for (unsigned i = 0; i < 2; ++i)
		ex_await(atomic_load_explicit(&s.started[i],
					      memory_order_relaxed));
	for (unsigned i = 2; i-- > 0;)
		ex_assert(marked_join(&here) == i + RESULT);
}

/* Through the deques alone, as if the fiber of the frames were not the one that
 * its worker runs. */
static void run_proxies(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct ski_deque *deque = &s.rt.worker[0].producer.deque;
	uintptr_t job;

	ex_await(ski_deque_count(deque));
	job = ski_steal_oldest(deque);
	for (; job; job = ski_deque_take(&worker->producer.deque))
		ski_run(ski_fiber_base(worker->fiber), job);
}

static void offer_then_join(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	for (unsigned i = 0; i < 2; ++i)
		leaf_fork(&here, s.forked++);
	worker->spare = &s.rt.fiber[1];
	ex_assert(!ski_wait_prepare(worker));
	worker->spare = NULL;
	for (unsigned i = 2; i-- > 0;)
		ex_assert(leaf_join(&here) == i + RESULT);
	/* Used again while the proxy may still be queued. */
	leaf_fork(&here, s.forked++);
	ex_assert(leaf_join(&here) == 2 + RESULT);
}

static void run_one_proxy(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = ski_steal_oldest(&s.rt.worker[0].producer.deque);

	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
}

FORK_SCENARIO(fork_proxy, "a proxy leads to all of its frames",
	      .setup = setup_two, .run = { offer_and_wait, run_proxies })
FORK_SCENARIO(fork_proxy_reuse, "a queued proxy survives a reuse",
	      .setup = setup_two, .run = { offer_then_join, run_one_proxy })

/* ---- leapfrog ---- */

static void fork_parent(void)
{
	skua_here here = start_owner();

	parent_fork(&here, 0);
	ex_assert(parent_join(&here) == 0 + RESULT);
	s.forked = 0;
}

static void check_family(void)
{
	unsigned parents = 0, children = 0;

	for (unsigned t = 0; t < EX_THREADS; ++t) {
		parents += s.ran[t][0];
		children += s.ran[t][4];
	}
	ex_assert(parents == 1 && children == 1);
	rt_close(&s.rt);
}

/* Worker 1: the stolen child, and then something else with a child. */
static void steal_then_fork(void)
{
	skua_here here;

	if (!steal_first())
		return;
	here = ski_fiber_base(ski_self->fiber);
	stranger_fork(&here, 1);
	ex_assert(stranger_join(&here) == 1 + RESULT);
}

static void fork_join_then_serve(void)
{
	skua_here here = start_owner();
	uintptr_t job;

	leaf_fork(&here, s.forked++);
	ex_assert(leaf_join(&here) == RESULT);
	atomic_store_explicit(&s.joined, 1, memory_order_relaxed);
	while ((job = ski_deque_take(&ski_self->producer.deque)))
		ski_run(here, job);
}

static void check_stranger(void)
{
	unsigned children = 0, strangers = 0;

	for (unsigned t = 0; t < EX_THREADS; ++t) {
		children += s.ran[t][0];
		strangers += s.ran[t][1];
	}
	ex_assert(children == 1 && strangers <= 1);
	rt_close(&s.rt);
}

EX_SCENARIO(leapfrog_child, .concept = "leapfrog",
	    .what = "a waiter steals from its thief", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_two, .check = check_family,
	    .run = { fork_parent, steal_once })
EX_SCENARIO(leapfrog_third, .concept = "leapfrog",
	    .what = "... and so does another", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_three, .fewer = 3,
	    .check = check_family,
	    .run = { fork_parent, steal_once, steal_once })
EX_SCENARIO(leapfrog_stranger, .concept = "leapfrog",
	    .what = "a stranger does not run in a join", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_two,
	    .check = check_stranger,
	    .run = { fork_join_then_serve, steal_then_fork })
