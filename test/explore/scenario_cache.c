/* SPDX-License-Identifier: MIT */
/*
 * The cache of stacks: workers need one at once, put theirs back, and a trim
 * takes what it finds. The source of lib/sched: cache.c, skua_pool_trim(),
 * run.c, and the look of a cancel in lifecycle.c. No stack is lost, none is had by
 * two, and nobody looks at a ring or a segment that is freed.
 *
 * A stack here is two blocks: its record and its first segment. New ones are not
 * to be had. What workers keep for themselves is full, so all is surplus; and
 * the deques begin with one slot, so they grow soon.
 */
#define SKI_DEQUE_SLOTS 1

#include <limits.h>

#include "deque.c"
#include "lifecycle.c"

#include "runtime.h"

enum {
	STACKS = 2
};

static struct {
	struct rt rt;
	struct ski_fiber *stack[STACKS];
	struct ski_fiber *got[RT_WORKERS];
	unsigned unmapped[EX_THREADS]; /* by each thread */
	_Atomic(int) code; /* stands for the root of a task */
} s;

void ski_stack_unmap(struct ski_stack *stack)
{
	s.unmapped[ex_self()]++;
	ski_block_free(stack->tail, SKUA_SEGMENT_BYTES);
	ski_free(stack->map);
}

static struct ski_fiber *open_stack(struct ski_worker *home)
{
	struct ski_fiber *fiber = ski_calloc(1, sizeof(*fiber));
	struct ski_segment *segment = ski_block_alloc(SKUA_SEGMENT_BYTES);

	ski_segment_give(segment, fiber);
	segment->proxy.run = ski_proxy_run;
	ski_segment_reset(segment);
	fiber->home = home;
	fiber->first = segment;
	atomic_init(&fiber->current, segment);
	fiber->stack.map = fiber;
	fiber->stack.tail = segment;
	return fiber;
}

/* @count stacks are idle, in the surplus of worker 0. */
static void open_idle(unsigned workers, unsigned count)
{
	rt_open(&s.rt, workers);
	for (unsigned i = 0; i < workers; ++i) {
		s.rt.worker[i].spare_count = UINT_MAX;
		/* Look at oneself first: the idle are elsewhere. */
		s.rt.worker[i].last_lender = i;
	}
	for (unsigned i = 0; i < count; ++i) {
		s.stack[i] = open_stack(&s.rt.worker[0]);
		ski_cache_give_fiber(&s.rt.worker[0], s.stack[i]);
	}
}

static void need_one(struct ski_worker *worker)
{
	struct ski_fiber *fiber;

	if (!ski_cache_spare(worker))
		return;
	fiber = ski_cache_take_fiber(worker);
	ex_assert(fiber->home == worker);
	/* Plain: that of two who have it is a race. */
	fiber->root = &s.code;
	s.got[worker->index] = fiber;
}

static void need(void)
{
	need_one(rt_worker(&s.rt));
}

/* The stack is one of the worker's own; it is idle from now on. */
static void put_one(struct ski_worker *worker, struct ski_fiber *fiber)
{
	fiber->root = NULL;
	/* A spare is in hand. */
	worker->spare = worker->fiber;
	ski_cache_put_fiber(worker, fiber);
	worker->spare = NULL;
}

static void trim(void)
{
	ex_assert(!skua_pool_trim(&s.rt.pool));
}

/* What is in hand, and what can still be had by somebody: with what was freed
 * it is all there ever was. */
static void check_stacks(unsigned opened)
{
	struct ski_worker *worker = &s.rt.worker[0];
	unsigned found = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		found += s.unmapped[i];
	for (unsigned i = 0; i < s.rt.workers; ++i) {
		if (s.got[i]) {
			ski_cache_give_fiber(worker, s.got[i]);
			s.got[i] = NULL;
		}
		s.rt.worker[i].spare_count = 0;
	}
	for (need_one(worker); s.got[0]; need_one(worker)) {
		ski_fiber_close(s.got[0]);
		s.got[0] = NULL;
		found++;
	}
	ex_assert(found == opened);
	rt_close(&s.rt);
}

static unsigned had(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s.rt.workers; ++i)
		count += s.got[i] != NULL;
	return count;
}

/* --- One is idle: just one of all that need it has it. --- */

static void setup_two(void)
{
	open_idle(2, 1);
}

static void setup_three(void)
{
	open_idle(3, 1);
}

static void check_one(void)
{
	ex_assert(had() == 1);
	check_stacks(1);
}

/* --- As many as are needed: nobody goes without. --- */

static void setup_enough(void)
{
	open_idle(2, 2);
}

static void check_enough(void)
{
	ex_assert(had() == 2);
	check_stacks(2);
}

/* --- The owner puts two back, so its deque grows, and takes one. --- */

static void open_used(unsigned workers)
{
	open_idle(workers, 0);
	for (unsigned i = 0; i < STACKS; ++i)
		s.stack[i] = open_stack(&s.rt.worker[0]);
}

static void setup_used(void)
{
	open_used(2);
}

/* Those who trim are no workers. */
static void setup_used_alone(void)
{
	open_used(1);
}

static void put_and_take(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	for (unsigned i = 0; i < STACKS; ++i)
		put_one(worker, s.stack[i]);
	need_one(worker);
}

static void check_two(void)
{
	check_stacks(2);
}

/* --- A cancel looks for jobs; it is in no section either. --- */

static void setup_cancel(void)
{
	open_idle(1, 0);
}

static void push_two(void)
{
	struct ski_deque *deque = &rt_worker(&s.rt)->producer.deque;

	for (uintptr_t job = 1; job <= 2; ++job) {
		ex_assert(!ski_deque_reserve(deque, 1));
		ski_deque_push(deque, 2 * job);
	}
}

static void cancel(void)
{
	(void)take_oldest(&s.rt.pool, &s.rt.worker[0].producer.deque);
}

static void check_none(void)
{
	check_stacks(0);
}

/* --- A proxy of an idle one is queued: it is not freed. --- */

/* As ski_wait_offer() does; the frames have been taken back since. */
static void queue_proxy(unsigned i)
{
	struct ski_deque *inner = &s.rt.worker[0].inner;
	struct ski_segment *segment = s.stack[i]->first;

	ex_assert(ski_proxy_offer(segment));
	ex_assert(!ski_deque_reserve(inner, 1));
	ski_deque_push(inner, (uintptr_t)&segment->proxy);
}

static void setup_proxy(void)
{
	open_idle(2, 1);
	queue_proxy(0);
}

static void setup_proxies(void)
{
	open_idle(2, 2);
	queue_proxy(0);
	queue_proxy(1);
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

static void check_proxy(void)
{
	check_stacks(1);
}

/* --- A ring cannot grow: what has no room is for all to take still. --- */

static void setup_full(void)
{
	open_idle(2, 1);
	s.stack[1] = open_stack(&s.rt.worker[0]);
}

static void put(void)
{
	put_one(rt_worker(&s.rt), s.stack[1]);
}

#define CACHE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "cache", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

CACHE_SCENARIO(cache_last, "the owner and another need the one that is idle",
	       .setup = setup_two, .run = { need, need }, .check = check_one)
CACHE_SCENARIO(cache_three, "... and a third", .setup = setup_three,
	       .run = { need, need, need }, .check = check_one)
CACHE_SCENARIO(cache_enough, "two need one, and two are idle",
	       .setup = setup_enough, .run = { need, need },
	       .check = check_enough)
CACHE_SCENARIO(cache_trim_last, "... while a trim takes it", .setup = setup_two,
	       .run = { need, need, trim }, .check = check_proxy)
CACHE_SCENARIO(cache_grow, "a thief looks at a ring that is outgrown, trimmed",
	       .setup = setup_used, .run = { put_and_take, need, trim },
	       .check = check_two)
CACHE_SCENARIO(cache_trim_two, "two trims look at a ring that is outgrown",
	       .setup = setup_used_alone, .run = { put_and_take, trim, trim },
	       .check = check_two)
CACHE_SCENARIO(cache_cancel, "... and a cancel", .setup = setup_cancel,
	       .run = { push_two, cancel, trim }, .check = check_none)
CACHE_SCENARIO(cache_proxy, "a proxy is run while its stack is trimmed, needed",
	       .setup = setup_proxy, .run = { need, run_proxy, trim },
	       .check = check_proxy)
CACHE_SCENARIO(cache_strays, "strays are put and taken", .setup = setup_proxies,
	       .run = { need, need, trim }, .check = check_two)
CACHE_SCENARIO(cache_no_ring, "no memory for a ring", .setup = setup_full,
	       .run = { put, need }, .check = check_two, .alloc_failures = 1)
