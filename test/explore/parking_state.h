/* SPDX-License-Identifier: MIT */
/*
 * What scenario_parking.c works on, and what the sources that it includes call
 * of their neighbours.
 */
#ifndef EX_PARKING_STATE_H
#define EX_PARKING_STATE_H

#undef SKI_YIELD_ROUNDS
#define SKI_YIELD_ROUNDS 1 /* a searcher looks once */

#include "fiber.c"
#include "loop.c"
#include "wake.c"

enum {
	WORKERS = 2,
	JOBS = 2
};
enum {
	NO_JOB,
	READY,
	TAKEN
};

_Thread_local struct ski_worker *ski_self;

static struct {
	struct skua_pool pool;
	unsigned workers;
	struct ski_worker worker[WORKERS];
	struct ski_worker *list[WORKERS];
	struct ski_fiber fiber[WORKERS]; /* each worker's own */
	_Atomic(unsigned) queue[JOBS];
	struct ski_fiber resumed; /* of worker 0 */
	unsigned ran[EX_THREADS]; /* jobs, by each thread */
	bool busy[EX_THREADS]; /* its worker does not look any more */
	bool chained; /* the first job submits the second */
	bool served; /* a worker goes on after a job */
	struct ski_segment segment; /* of both: only an address */
} s;

/* A job is the address of its place in the queue. */
static uintptr_t look(void)
{
	for (unsigned i = 0; i < JOBS; ++i) {
		unsigned state = READY;
		if (atomic_load_explicit(&s.queue[i], memory_order_acquire) ==
			    READY &&
		    atomic_compare_exchange_strong_explicit(
			    &s.queue[i], &state, TAKEN, memory_order_acquire,
			    memory_order_relaxed))
			return (uintptr_t)&s.queue[i];
	}
	return 0;
}

/* What loop.c and the others need of their neighbours. */

uintptr_t ski_steal_sweep(struct ski_worker *worker)
{
	(void)worker;
	return look();
}

uintptr_t ski_steal_some(struct ski_worker *worker)
{
	(void)worker;
	return look();
}

uintptr_t ski_steal_fair(struct ski_worker *worker)
{
	(void)worker;
	return 0;
}

bool ski_steal_is_there(struct skua_pool *pool)
{
	(void)pool;
	ski_fence_full(FOUND);
	for (unsigned i = 0; i < JOBS; ++i)
		if (atomic_load_explicit(&s.queue[i], memory_order_relaxed) ==
		    READY)
			return true;
	return false;
}

bool ski_pool_is_over(struct skua_pool *pool)
{
	(void)pool;
	return false;
}

void ski_pool_tell_drained(struct skua_pool *pool)
{
	(void)pool;
}

bool ski_worker_leave(struct ski_worker *worker)
{
	(void)worker;
	return true;
}

void ski_worker_begin(struct ski_worker *worker)
{
	(void)worker;
}

void ski_worker_end(struct ski_worker *worker)
{
	(void)worker;
}

void ski_alarm_ring(struct ski_worker *worker)
{
	(void)worker;
}

void ski_child_give_back(struct ski_worker *worker)
{
	(void)worker;
	ex_assert(!"no groups here");
}

void ski_child_change(struct ski_worker *worker, uintptr_t job)
{
	(void)worker;
	(void)job;
	ex_assert(!"no groups here");
}

/* No regions here, so no turn comes by. */

struct ski_inbox_node *ski_isolate_take(struct ski_worker *worker,
					struct ski_queue *queue)
{
	(void)worker;
	return ski_queue_take(queue);
}

uintptr_t ski_isolate_job(struct ski_worker *worker)
{
	(void)worker;
	return 0;
}

uintptr_t ski_isolate_fair_job(struct ski_worker *worker, unsigned look)
{
	(void)worker;
	(void)look;
	return 0;
}

bool ski_isolate_has_job(struct ski_worker *worker)
{
	(void)worker;
	return false;
}

bool ski_isolate_is_over(struct ski_worker *worker)
{
	(void)worker;
	return false;
}

bool ski_isolate_end(struct ski_worker *worker)
{
	(void)worker;
	return true;
}

void ski_wait_arrive(struct ski_worker *worker)
{
	(void)worker;
}

void ski_wait_switch(struct ski_worker *worker, struct ski_fiber *fiber)
{
	(void)worker;
	ex_assert(fiber == &s.resumed);
	++s.ran[ex_self()];
	s.busy[ex_self()] = true;
}

void ski_cache_put_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	(void)worker;
	(void)fiber;
}

bool ski_cache_spare(struct ski_worker *worker)
{
	(void)worker;
	return true;
}

static void submit(unsigned job);

void ski_run(skua_here here, uintptr_t job)
{
	(void)here;
	++s.ran[ex_self()];
	s.busy[ex_self()] = !s.served;
	if (s.chained && (_Atomic(unsigned) *)job == &s.queue[0])
		submit(1);
}

void ski_proxy_run(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
}

#endif
