/* SPDX-License-Identifier: MIT */
/*
 * Trimming: what a worker has no use for is freed while thieves still look at
 * it. The source of lib/sched: skua_pool_trim(), cache.c, chain.c, run.c.
 *
 * Worker 0 is the one whose segments are freed. Its own cache is full, so what
 * it leaves is surplus.
 */
#include <limits.h>

#include "chain.h"
#include "runtime.h"

enum {
	CHAIN = 3
};

static struct {
	struct rt rt;
	struct ski_segment *segment[CHAIN];
} s;

/* Its newest segment is the last of three, and no frame is in any. */
static void setup_chain(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 2);
	s.segment[0] = s.rt.fiber[0].first;
	for (unsigned i = 1; i < CHAIN; ++i)
		s.segment[i] = ski_chain_push(worker, s.segment[i - 1]);
	/* Full. */
	worker->segment_count = UINT_MAX;
}

static void leave_chain(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	for (unsigned i = CHAIN - 1; i > 0; --i)
		ski_chain_pop(worker, s.segment[i - 1]);
}

/* As from_worker() in steal.c; it asks for work, so it stores. */
static void look(void)
{
	struct ski_segment *segment;
	bool again = false;

	ski_rcu_read_lock();
	segment = atomic_load_explicit(&s.rt.worker[0].segment,
				       memory_order_acquire);
	ex_assert(!ski_forkstack_steal(segment, true, &again));
	ex_assert(ski_segment_fiber(segment) == &s.rt.fiber[0]);
	ski_rcu_read_unlock();
}

static void trim(void)
{
	ex_assert(!skua_pool_trim(&s.rt.pool));
}

static void check(void)
{
	s.rt.worker[0].segment_count = 0;
	rt_close(&s.rt);
}

/* The last segment is surplus, and its proxy is queued still. */
static void setup_proxy(void)
{
	struct ski_worker *worker = &s.rt.worker[0];
	struct ski_segment *segment;

	setup_chain();
	segment = s.segment[CHAIN - 1];
	for (unsigned i = CHAIN - 1; i > 0; --i)
		ski_chain_pop(worker, s.segment[i - 1]);
	ex_assert(ski_proxy_offer(segment));
	ex_assert(!ski_deque_reserve(&worker->inner, 1));
	ski_deque_push(&worker->inner, (uintptr_t)&segment->proxy);
}

static void run_proxy(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job;

	ski_rcu_read_lock();
	job = ski_steal_oldest(&s.rt.worker[0].inner);
	ski_rcu_read_unlock();
	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
}

/* Worker 0 needs a segment: it takes back what is surplus. */
static void use_again(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	struct ski_segment *segment;

	worker->segments = NULL;
	segment = ski_cache_take_segment(worker);
	ex_assert(segment && !segment->next);
	worker->segment_count = UINT_MAX;
	ski_cache_put_segment(worker, segment);
}

#define TRIM_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "trim", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

TRIM_SCENARIO(trim_segment, "a thief looks at a segment that is freed",
	      .setup = setup_chain, .run = { leave_chain, look, trim })
TRIM_SCENARIO(trim_proxy, "... or runs its proxy", .setup = setup_proxy,
	      .run = { use_again, run_proxy, trim })
TRIM_SCENARIO(trim_two, "two trim what the worker takes back",
	      .setup = setup_proxy, .run = { use_again, trim, trim })
