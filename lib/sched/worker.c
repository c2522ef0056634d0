/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <skua/future.h>

#include "cache.h"
#include "hook.h"
#include "pool.h"
#include "rcu.h"

_Thread_local struct ski_worker *ski_self SKI_NEAR_LOCAL;

struct ski_worker *ski_worker_self(void)
{
	struct ski_worker *worker = ski_self;

	return worker && ski_pool_alive(worker->pool) ? worker : NULL;
}

struct skua_pool *skua_pool_current(void)
{
	struct ski_worker *worker = ski_worker_self();

	return worker ? worker->pool : NULL;
}

int skua_worker(void)
{
	struct ski_worker *worker = ski_worker_self();

	return worker ? (int)worker->index : -1;
}

struct ski_worker *ski_worker_open(struct skua_pool *pool, unsigned index)
{
	struct ski_worker *worker =
		ski_aligned_alloc(SKI_LINE, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->pool = pool;
	worker->index = index;
	atomic_init(&worker->hand, SKI_HAND_FREE);
	worker->last_victim = index ? index - 1 : 0;
	ski_queue_init(&worker->ready);
	ski_queue_init(&worker->yielded);
	if (ski_producer_init(&worker->producer, pool->generation))
		goto no_producer;
	if (ski_deque_init(&worker->inner))
		goto no_inner;
	if (ski_deque_init(&worker->surplus))
		goto no_surplus;
	worker->fiber = ski_fiber_open(worker, pool->stack_bytes);
	if (!worker->fiber)
		goto no_fiber;
	atomic_init(&worker->segment, worker->fiber->first);
	return worker;
no_fiber:
	ski_deque_destroy(&worker->surplus);
no_surplus:
	ski_deque_destroy(&worker->inner);
no_inner:
	ski_producer_destroy(&worker->producer);
no_producer:
	ski_free(worker);
	return NULL;
}

void ski_worker_close(struct ski_worker *worker)
{
	ski_cache_close(worker);
	ski_deque_destroy(&worker->surplus);
	ski_deque_destroy(&worker->inner);
	ski_producer_destroy(&worker->producer);
	ski_free(worker);
}

/* Hooks run as in a plain thread: what they submit comes from outside, and
 * their waits block, so that no task runs before start has returned. */
void ski_worker_begin(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;
	const void *before = ski_hook_begin(pool);

	worker->begun = true;
	ski_self = NULL;
	worker->hooked = !pool->start ||
			 !pool->start(pool->context, worker->index);
	ski_self = worker;
	ski_hook_end(before);
	if (!worker->hooked)
		ski_pool_break(pool);
}

void ski_worker_end(struct ski_worker *worker)
{
	const void *before = ski_hook_begin(worker->pool);

	ski_self = NULL;
	if (worker->hooked && worker->pool->stop)
		worker->pool->stop(worker->pool->context, worker->index);
	ski_hook_end(before);
	worker->begun = false;
}

void ski_worker_main(void *argument)
{
	struct ski_worker *worker = argument;
	struct skua_pool *pool = worker->pool;

	if (!ski_worker_may_begin(worker))
		return;
	urcu_bp_register_thread();
	ski_self = worker;
	ski_context_adopt(&worker->outside);
	ski_context_switch(&worker->outside, &worker->fiber->context);
	ski_context_drop(&worker->outside);
	ski_pool_left(pool);
}
