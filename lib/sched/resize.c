/* SPDX-License-Identifier: MIT */
/*
 * Workers come and go while the pool is open. Protocol:
 * docs/design/lifecycle.md.
 */
#include "cache.h"
#include "pool.h"
#include "stack.h"
#include "wake.h"

/* Of the thread's own stack: the loop and all tasks run on fibers. */
enum {
	THREAD_STACK_BYTES = 64 << 10
};
/* More than liburcu maps at once for up to 2,000 threads: it doubles the last
 * of its chunks, with 256 bytes a thread. */
#define RCU_BYTES ((size_t)1 << 20)

/* Values of worker->life. */
enum {
	LEFT, /* or never begun: whoever makes it STARTING starts a thread */
	STARTING, /* its thread waits for what becomes of it: */
	HERE, /* it works */
	SENT_BACK /* it ends, since not all could be started */
};

/* Never 0, and different for each worker: splitmix64 (Steele, Lea, Flood,
 * OOPSLA 2014). */
static uint64_t seed_of(uint64_t seed, unsigned index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z ? z : 1;
}

/* Records are never taken away before the pool is freed: thieves look at them
 * without asking whether they have a thread. */
static int make_records(struct skua_pool *pool, unsigned wanted)
{
	for (unsigned i = ski_pool_slots(pool); i < wanted; i++) {
		struct ski_worker *worker = ski_worker_open(pool, i);

		if (!worker)
			return SKUA_ENOMEM;
		worker->random = seed_of(pool->seed, i);
		pool->worker[i] = worker;
		/* Release: the record. Pairs with ski_pool_slots(). */
		atomic_store_explicit(&pool->slots, i + 1,
				      memory_order_release);
	}
	return 0;
}

static void not_started(struct ski_worker *worker)
{
	/* Relaxed: we hold the pool, so it does not come to 0. */
	atomic_fetch_sub_explicit(&worker->pool->live, 1, memory_order_relaxed);
	/* Release: as in ski_worker_leave(). */
	atomic_store_explicit(&worker->life, LEFT, memory_order_release);
}

static int start_thread(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;
	char name[SKI_THREAD_NAME_BYTES];
	int error;

	if (worker->joinable) {
		/* It has left, and is about to end. */
		ski_thread_join(&worker->thread);
		worker->joinable = false;
		ski_fiber_move(worker->fiber, worker);
	}
	ski_thread_format_name(name, pool->name, worker->index);
	/* Relaxed: we hold the pool, so it is not 0. */
	atomic_fetch_add_explicit(&pool->live, 1, memory_order_relaxed);
	error = ski_thread_start(&worker->thread, name, THREAD_STACK_BYTES,
				 ski_worker_main, worker);
	if (error) {
		not_started(worker);
		return error;
	}
	worker->joinable = true;
	worker->fresh = true;
	return 0;
}

/* One that is here still looks at its number again before it leaves, or when it
 * is roused; one that has left gets a new thread. */
static int call_back(struct ski_worker *worker)
{
	uint32_t left = LEFT;

	/* Acquire: what its thread did last. Pairs with ski_worker_leave().
	 * Failure: it is here. */
	if (atomic_compare_exchange_strong_explicit(
		    &worker->life, &left, STARTING, memory_order_acquire,
		    memory_order_relaxed))
		return start_thread(worker);
	if (ski_inbox_rouse(&worker->inbox))
		ski_futex_wake(ski_inbox_address(&worker->inbox), 1);
	return 0;
}

static void set_target(struct skua_pool *pool, unsigned workers)
{
	/* Relaxed: ordered by the fence. */
	atomic_store_explicit(&pool->target, workers, memory_order_relaxed);
	/* PARK-A: the target before the looks at who is here and who sleeps.
	 * Pairs with PARK-B in loop.c and LEAVE in ski_worker_leave(). */
	ski_fence_full(PARK_A);
}

bool ski_worker_may_begin(struct ski_worker *worker)
{
	uint32_t life;

	/* Acquire: pairs with tell_fresh(). */
	while ((life = atomic_load_explicit(&worker->life,
					    memory_order_acquire)) == STARTING)
		ski_futex_wait(&worker->life, STARTING, -1);
	return life == HERE;
}

/* Each thread that was started just now: HERE or SENT_BACK. */
static void tell_fresh(struct ski_worker *worker, uint32_t life)
{
	/* Release: that there is memory to register. Pairs with
	 * ski_worker_may_begin(). */
	atomic_store_explicit(&worker->life, life, memory_order_release);
	ski_futex_wake(&worker->life, 1);
}

/* All threads of one call to ski_pool_grow(): to work or, if not all could be
 * started, back. */
static void send_crew(struct skua_pool *pool, unsigned workers, bool back)
{
	for (unsigned i = 0; i < workers; i++) {
		struct ski_worker *worker = pool->worker[i];

		if (!worker->fresh)
			continue;
		worker->fresh = false;
		tell_fresh(worker, back ? SENT_BACK : HERE);
		if (!back)
			continue;
		ski_thread_join(&worker->thread);
		worker->joinable = false;
		not_started(worker);
	}
}

/*
 * liburcu ends the process if it gets no memory to register a thread, and does
 * not say beforehand whether it needs any. So what it may need is kept while
 * the threads are started, and let go just before they register: if there is
 * not enough of it, no thread is started.
 */
static int start_crew(struct skua_pool *pool, unsigned workers)
{
	void *kept;
	int error = ski_block_map(&kept, RCU_BYTES, 1);

	if (error)
		return error;
	for (unsigned i = 0; i < workers && !error; i++)
		error = call_back(pool->worker[i]);
	ski_block_unmap(kept, RCU_BYTES);
	send_crew(pool, workers, error);
	return error;
}

int ski_pool_grow(struct skua_pool *pool, unsigned workers)
{
	unsigned before = ski_pool_target(pool);
	int error = make_records(pool, workers);

	if (error)
		return error;
	set_target(pool, workers);
	error = start_crew(pool, workers);
	if (error)
		ski_pool_shrink(pool, before);
	else
		ski_room_want(pool, 0, workers, true);
	return error;
}

void ski_pool_shrink(struct skua_pool *pool, unsigned workers)
{
	set_target(pool, workers);
	ski_room_want(pool, workers, ski_pool_slots(pool), false);
	ski_wake_from(pool, workers);
}

/* Kept for itself by one that leaves: others may need them, or trim. */
static void leave_spares(struct ski_worker *worker)
{
	struct ski_fiber *fiber;

	while (worker->spare_count && ski_cache_spare(worker)) {
		fiber = ski_cache_take_fiber(worker);
		ski_cache_give_fiber(worker, fiber);
	}
}

bool ski_worker_leave(struct ski_worker *worker)
{
	uint32_t left = LEFT;

	leave_spares(worker);
	/* Release: all it did. Pairs with call_back(). */
	atomic_store_explicit(&worker->life, LEFT, memory_order_release);
	/* LEAVE: that before the look at the target. Pairs with PARK-A in
	 * set_target(): who calls us back sees that we left, or we see it. */
	ski_fence_full(LEAVE);
	if (ski_worker_is_dismissed(worker))
		return true;
	/* Relaxed: our own work, if nobody else has begun on it. */
	return !atomic_compare_exchange_strong_explicit(&worker->life, &left,
							HERE,
							memory_order_relaxed,
							memory_order_relaxed);
}

int skua_pool_resize(struct skua_pool *pool, unsigned workers)
{
	int error;

	if (!pool || workers > SKUA_WORKERS_MAX)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	pthread_mutex_lock(&pool->lock);
	error = ski_pool_refusal(pool);
	if (!error && workers >= ski_pool_target(pool))
		error = ski_pool_grow(pool, workers);
	else if (!error)
		ski_pool_shrink(pool, workers);
	pthread_mutex_unlock(&pool->lock);
	return error;
}
