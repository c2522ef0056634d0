/* SPDX-License-Identifier: MIT */
/*
 * A pool for scenarios that run the real sources of lib/sched: its workers are
 * the scenario's threads 1 … workers. No worker has a spare fiber and none can
 * be had, so a task that must wait blocks its thread (block() in wait.c) and
 * contexts are never switched.
 *
 * meson.build shrinks the structures: a segment has 4 frames, of which an
 * exposure leaves up to 4 to the owner; spinning is left out.
 */
#ifndef EX_RUNTIME_H
#define EX_RUNTIME_H

#include "alarm.h"
#include "cache.h"
#include "loop.h"
#include "pool.h"
#include "rcu.h"
#include "run.h"
#include "steal.h"
#include "wait.h"
#include "waiter.h"
#include "wake.h"

enum {
	RT_WORKERS = 3
};

struct rt {
	struct skua_pool pool;
	struct ski_worker worker[RT_WORKERS];
	struct ski_worker *list[RT_WORKERS];
	struct ski_fiber fiber[RT_WORKERS];
	unsigned workers;
};

static inline void rt_open_worker(struct rt *rt, unsigned i)
{
	struct ski_worker *worker = &rt->worker[i];
	struct ski_fiber *fiber = &rt->fiber[i];
	struct ski_segment *segment = ski_block_alloc(SKUA_SEGMENT_BYTES);

	ski_segment_give(segment, fiber);
	segment->proxy.run = ski_proxy_run;
	ski_segment_reset(segment);
	fiber->home = worker;
	fiber->first = segment;
	atomic_init(&fiber->current, segment);
	rt->list[i] = worker;
	worker->pool = &rt->pool;
	worker->index = i;
	worker->random = i + 1;
	worker->fiber = fiber;
	worker->last_victim = (i + 1) % rt->workers;
	worker->begun = true;
	atomic_init(&worker->segment, segment);
	ex_assert(!ski_producer_init(&worker->producer, 0));
	ex_assert(!ski_deque_init(&worker->inner));
	ex_assert(!ski_deque_init(&worker->surplus));
	ski_queue_init(&worker->ready);
	ski_queue_init(&worker->yielded);
}

static inline void rt_open(struct rt *rt, unsigned workers)
{
	rt->workers = workers;
	atomic_init(&rt->pool.slots, workers);
	atomic_init(&rt->pool.target, workers);
	rt->pool.worker = rt->list;
	rt->pool.number = 1;
	/* And one until it is closing. */
	atomic_init(&rt->pool.live, workers + 1);
	atomic_init(&rt->pool.users, 1);
	atomic_init(&rt->pool.holders, 2);
	for (unsigned i = 0; i < workers; ++i)
		rt_open_worker(rt, i);
}

static inline void rt_close(struct rt *rt)
{
	for (unsigned i = 0; i < rt->workers; ++i) {
		struct ski_worker *worker = &rt->worker[i];
		struct ski_segment *segment = rt->fiber[i].first;

		worker->fiber = NULL;
		worker->spare = NULL;
		ski_cache_close(worker);
		if (segment->next)
			ski_block_free(segment->next, SKUA_SEGMENT_BYTES);
		ski_block_free(segment, SKUA_SEGMENT_BYTES);
		ski_deque_destroy(&worker->inner);
		ski_deque_destroy(&worker->surplus);
		ski_producer_destroy(&worker->producer);
	}
	ski_cache_close_strays(&rt->pool);
	ski_registry_destroy(&rt->pool.guests);
}

/* The running thread is this worker from now on. */
static inline struct ski_worker *rt_worker(struct rt *rt)
{
	ski_self = &rt->worker[ex_self() - 1];
	return ski_self;
}

#endif
