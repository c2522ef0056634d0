/* SPDX-License-Identifier: MIT */
/*
 * The end of a pool: shut, over, left, freed. Protocol:
 * docs/design/lifecycle.md.
 */
#include "pool.h"

#include <limits.h>

#include "future.h"
#include "guest.h"
#include "run.h"
#include "steal.h"
#include "waiter.h"
#include "wake.h"

enum {
	JOIN_NOBODY,
	JOIN_UNDERWAY,
	JOIN_DONE
};

bool ski_pool_is_over(struct skua_pool *pool)
{
	uint64_t finished;

	/* CLOSE-B: closing, which the caller saw, before the loads of the
	 * counts. Pairs with CLOSE-A and with the PARK-A of a submit: its
	 * count is seen, or it sees the pool closing. */
	ski_fence_full(CLOSE_B);
	/* What a job pushed is counted before it finishes, and pushed is read
	 * after finished: equal means that nothing is left. */
	finished = ski_pool_sum(pool, SKI_COUNT_FINISHED);
	if (ski_pool_sum(pool, SKI_COUNT_PUSHED) != finished)
		return false;
	/* Release: everything. Pairs with is_over() in loop.c. */
	atomic_store_explicit(&pool->over, true, memory_order_release);
	ski_wake_from(pool, 0);
	return true;
}

/* ---- memory ---- */

/* By a lock, since the caller may be any thread: a read-side section would
 * register it with liburcu, which ends the process if it has no memory for
 * that. A trim takes the rings that it will free under the same lock, and those
 * were replaced before: who locks after it finds others. */
static uintptr_t take_oldest(struct skua_pool *pool, struct ski_deque *deque)
{
	uintptr_t job;

	pthread_mutex_lock(&pool->freeing);
	job = ski_steal_oldest(deque);
	pthread_mutex_unlock(&pool->freeing);
	return job;
}

static uintptr_t take_any(struct skua_pool *pool)
{
	uintptr_t job;

	pthread_mutex_lock(&pool->freeing);
	job = ski_steal_any(pool);
	pthread_mutex_unlock(&pool->freeing);
	return job;
}

/* When all threads have left: end what is still queued. Proxies belong to
 * segments. */
static void drain(struct skua_pool *pool)
{
	uintptr_t job;

	while ((job = take_any(pool))) {
		/* Nobody else writes these any more. */
		struct ski_counters *counters =
			&pool->worker[0]->producer.counters;

		ski_count_add(counters, SKI_COUNT_STARTED, 1);
		ski_future_discard(ski_future_of_job(job),
				   ski_pool_revoking(pool));
		ski_count_add(counters, SKI_COUNT_FINISHED, 1);
	}
}

static void free_all(struct skua_pool *pool)
{
	uint32_t count = ski_registry_count(&pool->guests);

	drain(pool);
	/* Those whose wait ran out. */
	ski_waiters_tell(ski_slot_take_waiters(&pool->drained), SKI_DONE);
	for (uint32_t i = 0; i < count; i++)
		ski_guest_part(ski_registry_at(&pool->guests, i));
	ski_pool_free(pool);
}

/* Nobody waits for the threads any more: they free themselves. */
static void detach_threads(struct skua_pool *pool)
{
	/* Acquire: pairs with join_threads(). */
	if (atomic_load_explicit(&pool->joining, memory_order_acquire) ==
	    JOIN_DONE)
		return;
	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		if (pool->worker[i]->joinable)
			ski_thread_detach(&pool->worker[i]->thread);
}

static void drop(struct skua_pool *pool)
{
	/* Acquire and release: who frees comes after the others. */
	if (atomic_fetch_sub_explicit(&pool->holders, 1,
				      memory_order_acq_rel) != 1)
		return;
	detach_threads(pool);
	free_all(pool);
}

void ski_pool_left(struct skua_pool *pool)
{
	/* Acquire and release: the last one comes after all others. */
	if (atomic_fetch_sub_explicit(&pool->live, 1, memory_order_acq_rel) !=
	    1)
		return;
	/* What was submitted in the last moment to a pool without workers. Only
	 * if it is to be cancelled: else what is left is about to be refused by
	 * who submits it, and must not be told otherwise. */
	if (ski_pool_closing(pool) & SKI_CANCELLING)
		drain(pool);
	ski_pool_tell_drained(pool);
	ski_waiters_tell(
		ski_slot_waiters(ski_slot_finish(&pool->ended, SKI_DONE)),
		SKI_DONE);
	drop(pool);
}

/* ---- shutting ---- */

/* Of one deque, as many as it had. */
static void cancel_in(struct skua_pool *pool, struct ski_deque *deque,
		      struct ski_counters *counters)
{
	for (size_t n = ski_deque_count(deque); n > 0; n--) {
		uintptr_t job = take_oldest(pool, deque);

		if (!job)
			break;
		ski_count_add(counters, SKI_COUNT_STARTED, 1);
		ski_future_discard(ski_future_of_job(job),
				   ski_pool_revoking(pool));
		ski_count_add(counters, SKI_COUNT_FINISHED, 1);
	}
}

/* At once, so that their futures say so; what is missed here (no memory, or on
 * its way between two deques) is cancelled by the worker that meets it. */
static void cancel_queued(struct skua_pool *pool)
{
	struct ski_worker *worker = ski_self;
	struct ski_guest *guest = NULL;
	struct ski_counters *own;
	uint32_t count = ski_registry_count(&pool->guests);

	if (worker && worker->pool == pool) {
		own = &worker->producer.counters;
	} else {
		guest = ski_guest_of(pool);
		if (!guest)
			return;
		own = &guest->producer.counters;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct ski_guest *other = ski_registry_at(&pool->guests, i);

		cancel_in(pool, &other->producer.deque, own);
	}
	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		cancel_in(pool, &pool->worker[i]->producer.deque, own);
	if (guest)
		ski_guest_done(guest);
}

int ski_pool_refusal(struct skua_pool *pool)
{
	unsigned closing = ski_pool_closing(pool);

	if (!closing)
		return 0;
	return closing & SKI_BROKEN_POOL ? SKUA_EBROKEN : SKUA_ECLOSED;
}

/*
 * What was submitted before needs a worker, also if there was none wanted,
 * unless it is cancelled. If none can be had nothing has changed, but if @must
 * it is cancelled then. *@first: nobody has closed it before.
 */
static int begin_to_close(struct skua_pool *pool, unsigned *bits, bool must,
			  bool *first)
{
	int error = 0;

	pthread_mutex_lock(&pool->lock);
	*first = !ski_pool_closing(pool);
	if (*first && !*bits && !ski_pool_target(pool))
		error = ski_pool_grow(pool, 1);
	if (error && must) {
		*bits |= SKI_CANCELLING;
		error = 0;
	}
	if (!error)
		/* Relaxed: ordered by the fences of those who look. */
		atomic_fetch_or_explicit(&pool->closing, *bits | SKI_CLOSING,
					 memory_order_relaxed);
	pthread_mutex_unlock(&pool->lock);
	return error;
}

/* @bits: CANCELLING and BROKEN, or 0. */
static int shut(struct skua_pool *pool, unsigned bits, bool must)
{
	bool first;
	int error = begin_to_close(pool, &bits, must, &first);

	if (error)
		return error;
	ski_room_shut(pool);
	/* Not under the lock: it calls drop_arg. */
	if (bits & SKI_CANCELLING)
		cancel_queued(pool);
	/* Its PARK-A: closing before the look for sleepers. Pairs with PARK-B:
	 * a worker that sees neither it nor the wake is impossible. */
	ski_pool_unpause(pool);
	if (first)
		ski_pool_left(pool);
	return 0;
}

void ski_pool_break(struct skua_pool *pool)
{
	shut(pool, SKI_CANCELLING | SKI_BROKEN_POOL, true);
}

/* All have left: wait for the last instructions of their threads. */
static void join_threads(struct skua_pool *pool)
{
	uint32_t state = JOIN_NOBODY;

	/* Acquire, of failure: pairs with the store below; success needs none,
	 * `ended` has brought everything. */
	if (atomic_compare_exchange_strong_explicit(
		    &pool->joining, &state, JOIN_UNDERWAY, memory_order_acquire,
		    memory_order_acquire)) {
		for (unsigned i = 0; i < ski_pool_slots(pool); i++)
			if (pool->worker[i]->joinable)
				ski_thread_join(&pool->worker[i]->thread);
		/* Release: that they are joined. Pairs with the loads. */
		atomic_store_explicit(&pool->joining, JOIN_DONE,
				      memory_order_release);
		ski_futex_wake(&pool->joining, INT_MAX);
		return;
	}
	while (state != JOIN_DONE) {
		ski_futex_wait(&pool->joining, JOIN_UNDERWAY, -1);
		state = atomic_load_explicit(&pool->joining,
					     memory_order_acquire);
	}
}

int skua_pool_shutdown(struct skua_pool *pool, unsigned flags)
{
	struct ski_worker *worker = ski_worker_self();
	int error;

	if (!pool || flags & ~(SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) ||
	    /* Relaxed: set before anybody got the pool. */
	    atomic_load_explicit(&pool->is_default, memory_order_relaxed))
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	if (!(flags & SKUA_CLOSE_DETACH) && worker && worker->pool == pool)
		return SKUA_EDEADLK;
	error = shut(pool, flags & SKUA_CLOSE_CANCEL ? SKI_CANCELLING : 0,
		     false);
	if (error || flags & SKUA_CLOSE_DETACH)
		return error;
	error = ski_wait_slot(&pool->ended, SKUA_FOREVER);
	if (!error)
		join_threads(pool);
	return error;
}

struct skua_pool *skua_pool_retain(struct skua_pool *pool)
{
	if (pool)
		/* Relaxed: the caller holds one. */
		atomic_fetch_add_explicit(&pool->users, 1,
					  memory_order_relaxed);
	return pool;
}

void skua_pool_release(struct skua_pool *pool)
{
	/* A fork's copy has no workers, and nobody to say in what state it
	 * is: it stays as it is until the child exits or execs. */
	if (!pool || !ski_pool_alive(pool))
		return;
	/* Acquire and release: the last user comes after all others. */
	if (atomic_fetch_sub_explicit(&pool->users, 1, memory_order_acq_rel) !=
	    1)
		return;
	if (!ski_pool_closing(pool))
		shut(pool, 0, true);
	drop(pool);
}

int skua_pool_close(struct skua_pool *pool, unsigned flags)
{
	int error = skua_pool_shutdown(pool, flags);

	if (!error)
		skua_pool_release(pool);
	return error;
}
