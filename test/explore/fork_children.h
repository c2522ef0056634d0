/* SPDX-License-Identifier: MIT */
/*
 * What the scenarios of fork and join share: children that are counted, worker 0
 * (thread 1) that forks and joins them, and others that steal. Every child runs
 * exactly once, with its own arguments, and its parent gets its result. Frames
 * are plain memory: whoever touches one without having been given it is found
 * as a race.
 */
#ifndef EX_FORK_CHILDREN_H
#define EX_FORK_CHILDREN_H

#include "runtime.h"

enum {
	CHILDREN = 8,
	RESULT = 100
};

static struct {
	struct rt rt;
	unsigned forked; /* children 0 … */
	unsigned ran[EX_THREADS][CHILDREN];
	_Atomic(unsigned) started[CHILDREN];
	_Atomic(unsigned) told; /* what a scenario lets threads know */
	_Atomic(unsigned) joined;
	bool asked; /* somebody slept in vain before this join */
} s;

static void note_run(uint64_t child)
{
	ex_assert(child < CHILDREN);
	++s.ran[ex_self()][child];
}

static bool has_started(uint64_t child)
{
	/* Relaxed: only that it is out of its parent's hands. */
	return atomic_load_explicit(&s.started[child], memory_order_relaxed);
}

SKUA_TASK(uint64_t, leaf, uint64_t, child)
{
	(void)here;
	note_run(child);
	return child + RESULT;
}

/* Says that it has begun. */
SKUA_TASK(uint64_t, marked, uint64_t, child)
{
	(void)here;
	atomic_store_explicit(&s.started[child], 1, memory_order_relaxed);
	note_run(child);
	return child + RESULT;
}

static skua_here start_owner(void)
{
	return ski_fiber_base(rt_worker(&s.rt)->fiber);
}

static void fork_leaves(skua_here *here, unsigned children)
{
	for (unsigned i = 0; i < children; ++i)
		leaf_fork(here, s.forked++);
}

/* The youngest @children, the other way round. */
static void join_leaves(skua_here *here, unsigned youngest, unsigned children)
{
	for (unsigned i = 0; i < children; ++i)
		ex_assert(leaf_join(here) == youngest - i + RESULT);
}

static void fork_and_join(unsigned children)
{
	skua_here here = start_owner(), base = here;

	fork_leaves(&here, children);
	join_leaves(&here, children - 1, children);
	ex_assert(here == base);
	ex_assert(s.rt.fiber[0].first == ski_fiber_current(&s.rt.fiber[0]));
}

/* Runs a frame of worker 0's first segment, as who has it from from_worker()
 * in steal.c, or if it does not ask, from a proxy. */
static bool steal_first(bool asks)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct skua_frame *frame;
	bool again = false;

	ski_rcu_read_lock();
	frame = ski_forkstack_steal(s.rt.fiber[0].first, asks, &again);
	ski_rcu_read_unlock();
	if (frame)
		ski_run(ski_fiber_base(worker->fiber), ski_job_of_frame(frame));
	return frame;
}

static void steal_once(void)
{
	steal_first(true);
}

static void steal_quietly(void)
{
	steal_first(false);
}

static void steal_twice(void)
{
	steal_first(true);
	steal_first(true);
}

/* As a task before it waits for something else than a join. No context is
 * switched: the spare is for ski_wait_prepare() alone. */
static void prepare_wait(void)
{
	struct ski_worker *worker = ski_self;

	worker->spare = worker->fiber;
	ex_assert(!ski_wait_prepare(worker));
	worker->spare = NULL;
}

static void setup_two(void)
{
	rt_open(&s.rt, 2);
}

static void setup_three(void)
{
	rt_open(&s.rt, 3);
}

static unsigned times_run(unsigned child)
{
	unsigned times = 0;

	for (unsigned t = 0; t < EX_THREADS; ++t)
		times += s.ran[t][child];
	return times;
}

static void check(void)
{
	for (unsigned i = 0; i < CHILDREN; ++i)
		ex_assert(times_run(i) == (i < s.forked));
	rt_close(&s.rt);
}

#define FORK_SCENARIO(id, of, text, ...)                          \
	EX_SCENARIO(id, .concept = of, .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

#endif
