/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <skua/future.h>

#include "cache.h"
#include "loop.h"
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
	worker->last_victim = (index + 1) % pool->workers;
	ski_queue_init(&worker->ready);
	ski_queue_init(&worker->yielded);
	if (ski_producer_init(&worker->producer, pool->generation)) {
		ski_free(worker);
		return NULL;
	}
	worker->fiber = ski_fiber_open(worker, pool->stack_bytes);
	if (!worker->fiber) {
		ski_producer_destroy(&worker->producer);
		ski_free(worker);
		return NULL;
	}
	atomic_init(&worker->segment, worker->fiber->first);
	return worker;
}

void ski_worker_close(struct ski_worker *worker)
{
	ski_cache_close(worker);
	ski_producer_destroy(&worker->producer);
	ski_free(worker);
}

void ski_worker_main(void *argument)
{
	struct ski_worker *worker = argument;
	struct skua_pool *pool = worker->pool;

	urcu_bp_register_thread();
	ski_self = worker;
	ski_context_adopt(&worker->outside);
	ski_context_switch(&worker->outside, &worker->fiber->context);
	ski_context_drop(&worker->outside);
	ski_self = NULL;
	ski_pool_left(pool);
}
