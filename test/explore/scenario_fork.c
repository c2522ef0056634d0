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

static uint64_t child_of(struct skua_job *job)
{
	return ((struct skua_frame *)(void *)job)->data[0];
}

static void give(struct skua_job *job)
{
	((struct skua_frame *)(void *)job)->data[0] += RESULT;
}

static void leaf(skua_here here, struct skua_job *job)
{
	(void)here;
	note_run(child_of(job));
	give(job);
}

static skua_here fork_as(skua_here here, skua_run *run, uint64_t child)
{
	here->data[0] = child;
	return skua_fork(here, run);
}

static skua_here fork_one(skua_here here, skua_run *run)
{
	return fork_as(here, run, s.forked++);
}

/* As name_join() of fork.h. */
static skua_here join_one(skua_here here, skua_run *run, uint64_t child)
{
	uintptr_t taken = skua_take(here, run);

	here = (skua_here)(taken & ~(uintptr_t)1);
	if (taken & 1)
		run(here, &here->job);
	ex_assert(here->data[0] == child + RESULT);
	return here;
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
		here = fork_one(here, leaf);
	for (unsigned i = children; i-- > 0;)
		here = join_one(here, leaf, i);
	ex_assert(here == base);
	ex_assert(s.rt.fiber[0].first ==
		  ski_fiber_current(&s.rt.fiber[0]));
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

/* All there is, wherever it is. */
static void steal_any(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = ski_steal_sweep(worker);

	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
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
	while (!steal_first())
		ex_pause(EX_SITE("await a frame"));
}

/* Joins only when the child has begun: it is stolen, and there is a wait. */
static void mark_started(skua_here here, struct skua_job *job)
{
	(void)here;
	atomic_store_explicit(&s.started[child_of(job)], 1,
			      memory_order_relaxed);
	note_run(child_of(job));
	give(job);
}

static void fork_wait_twice(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < 2; ++i) {
		here = fork_one(here, mark_started);
		ex_await(atomic_load_explicit(&s.started[i],
					      memory_order_relaxed));
		here = join_one(here, mark_started, i);
	}
}

static void steal_told_twice(void)
{
	steal_told();
	steal_told();
}

FORK_SCENARIO(fork_waiter, "thief against waiter in the state word",
		   .setup = setup_two,
		   .run = { fork_wait_twice, steal_told_twice })
FORK_SCENARIO(fork_waiter_stray, "... that wakes for no reason",
		   .setup = setup_two, .stray = 1, .spurious = 1,
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
		here = fork_one(here, leaf);
	here = join_one(here, leaf, --i);
	here = fork_one(here, leaf);
	here = join_one(here, leaf, SKI_SEGMENT_FRAMES);
	while (i-- > 0)
		here = join_one(here, leaf, i);
	ex_assert(here == s.rt.fiber[0].first->frame);
}

FORK_SCENARIO(fork_full, "a segment is full", .setup = setup_two,
		   .run = { fork_join_full, steal_once })
FORK_SCENARIO(fork_beyond, "frames in a second segment",
		   .setup = setup_two, .run = { fork_join_beyond, steal_any })
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
		here = fork_one(here, mark_started);
	worker->spare = &s.rt.fiber[1];
	ex_assert(!ski_wait_prepare(worker));
	worker->spare = NULL;
	for (unsigned i = 0; i < 2; ++i)
		ex_await(atomic_load_explicit(&s.started[i],
					      memory_order_relaxed));
	for (unsigned i = 2; i-- > 0;)
		here = join_one(here, mark_started, i);
}

/* Only the deques: the fiber that the frames belong to is not the one that its
 * worker runs. */
static void run_proxies(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	for (unsigned i = 0; i < 2; ++i) {
		uintptr_t job;
		while (!(job = ski_steal_oldest(
				 &s.rt.worker[0].producer.deque)) &&
		       !(job = ski_deque_take(&worker->producer.deque)))
			if (atomic_load_explicit(&s.started[0],
						 memory_order_relaxed) &&
			    atomic_load_explicit(&s.started[1],
						 memory_order_relaxed))
				return;
			else
				ex_pause(EX_SITE("await a proxy"));
		ski_run(ski_fiber_base(worker->fiber), job);
	}
}

static void offer_then_join(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	for (unsigned i = 0; i < 2; ++i)
		here = fork_one(here, leaf);
	worker->spare = &s.rt.fiber[1];
	ex_assert(!ski_wait_prepare(worker));
	worker->spare = NULL;
	for (unsigned i = 2; i-- > 0;)
		here = join_one(here, leaf, i);
	/* Used again while the proxy may still be queued. */
	here = fork_one(here, leaf);
	join_one(here, leaf, 2);
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
		   .setup = setup_three,
		   .run = { offer_then_join, run_one_proxy, steal_once })

/* ---- leapfrog ---- */

/* Forks one child on the stack of whoever runs it. */
static void parent(skua_here here, struct skua_job *job)
{
	uint64_t child = child_of(job);

	here = fork_as(here, leaf, child + 4);
	join_one(here, leaf, child + 4);
	note_run(child);
	give(job);
}

static void fork_parent(void)
{
	skua_here here = start_owner();

	here = fork_as(here, parent, 0);
	here = join_one(here, parent, 0);
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

/* Ends only once worker 0 has joined. If that ran it inside its join, both
 * would wait for ever. */
static void stranger(skua_here here, struct skua_job *job)
{
	(void)here;
	ex_await(atomic_load_explicit(&s.joined, memory_order_relaxed));
	note_run(child_of(job));
	give(job);
}

/* Worker 1: the stolen child, and then something else with a child. */
static void steal_then_fork(void)
{
	skua_here here;

	if (!steal_first())
		return;
	here = ski_fiber_base(ski_self->fiber);
	here = fork_as(here, stranger, 1);
	join_one(here, stranger, 1);
}

static void fork_join_then_serve(void)
{
	skua_here here = start_owner();
	uintptr_t job;

	here = fork_as(here, parent, 0);
	here = join_one(here, parent, 0);
	atomic_store_explicit(&s.joined, 1, memory_order_relaxed);
	while ((job = ski_deque_take(&ski_self->producer.deque)))
		ski_run(here, job);
}

static void check_stranger(void)
{
	unsigned strangers = 0;

	for (unsigned t = 0; t < EX_THREADS; ++t)
		strangers += s.ran[t][1];
	ex_assert(strangers <= 1);
	check_family();
}

EX_SCENARIO(leapfrog_child, .concept = "leapfrog",
	    .what = "a waiter steals from its thief", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_two, .check = check_family,
	    .run = { fork_parent, steal_once })
EX_SCENARIO(leapfrog_third, .concept = "leapfrog",
	    .what = "... and so does another", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_three,
	    .check = check_family, .run = { fork_parent, steal_once, steal_any })
EX_SCENARIO(leapfrog_stranger, .concept = "leapfrog",
	    .what = "a stranger does not run in a join", .state = &s,
	    .state_bytes = sizeof(s), .setup = setup_two,
	    .check = check_stranger,
	    .run = { fork_join_then_serve, steal_then_fork })
