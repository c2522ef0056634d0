/* SPDX-License-Identifier: MIT */
/*
 * Pools that start nothing for a while, and pools that have nothing to do.
 * Protocol: docs/design/lifecycle.md.
 */
#include "future.h"
#include "pool.h"
#include "rcu.h"
#include "waiter.h"
#include "wake.h"

int skua_pool_pause(struct skua_pool *pool)
{
	int error;

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	/* Shutdown resumes: not after it. */
	pthread_mutex_lock(&pool->lock);
	error = ski_pool_refusal(pool);
	if (!error)
		/* Relaxed: ordered by the grace period. */
		atomic_store_explicit(&pool->paused, true,
				      memory_order_relaxed);
	pthread_mutex_unlock(&pool->lock);
	if (!error)
		/* Who had looked at paused before, looks for jobs elsewhere
		 * than in its own deque in the same section: now it is through,
		 * and has none of those that are submitted from here on. */
		ski_rcu_synchronize();
	return error;
}

void ski_pool_unpause(struct skua_pool *pool)
{
	/* Relaxed: ordered by the fence. */
	atomic_store_explicit(&pool->paused, false, memory_order_relaxed);
	/* PARK-A: that before the look for sleepers. Pairs with PARK-B: who
	 * goes to sleep sees it, or is woken; and with the PARK-A of a submit
	 * that saw the pool paused and woke nobody: who is woken here sees
	 * its job. */
	ski_fence_full(PARK_A);
	ski_wake_from(pool, 0);
}

int skua_pool_resume(struct skua_pool *pool)
{
	int error;

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	pthread_mutex_lock(&pool->lock);
	error = ski_pool_refusal(pool);
	if (!error)
		ski_pool_unpause(pool);
	pthread_mutex_unlock(&pool->lock);
	return error;
}

/* ---- drain ---- */

/* As ski_pool_is_over() in lifecycle.c. */
static bool is_empty(void *of)
{
	struct skua_pool *pool = of;
	uint64_t finished;

	/* DRAIN: who waits, or that a job has finished, before the loads of
	 * the counts. Pairs with itself and with PARK-B: of who begins to wait
	 * and the worker that has finished the last job one sees the other. */
	ski_fence_full(DRAIN);
	finished = ski_pool_sum(pool, SKI_COUNT_FINISHED);
	return ski_pool_sum(pool, SKI_COUNT_PUSHED) == finished;
}

void ski_pool_tell_drained(struct skua_pool *pool)
{
	/* Relaxed: behind the fence PARK-B of the caller's announcement, or in
	 * the thread that waits. */
	while (ski_slot_waiters(atomic_load_explicit(&pool->drained,
						     memory_order_relaxed)) &&
	       is_empty(pool) && !ski_wait_tell(&pool->drained, is_empty, pool))
		;
}

static void look_once_more(void *pool)
{
	ski_pool_tell_drained(pool);
}

int skua_pool_drain(struct skua_pool *pool, int64_t timeout_ns)
{
	struct ski_worker *worker = ski_worker_self();

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	if (worker && worker->pool == pool)
		return SKUA_EDEADLK;
	if (is_empty(pool))
		return 0;
	return ski_wait_event(&pool->drained, timeout_ns, look_once_more, pool);
}
