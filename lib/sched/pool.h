/* SPDX-License-Identifier: MIT */
/*
 * What a pool is. Its life: docs/design/lifecycle.md.
 */
#ifndef SKI_POOL_H
#define SKI_POOL_H

#include <pthread.h>

#include <skua/pool.h>

#include "forked.h"
#include "parking.h"
#include "registry.h"
#include "room.h"
#include "slot.h"
#include "worker.h"

/* Bits of closing. */
#define SKI_CLOSING 1u
#define SKI_CANCELLING 2u
#define SKI_BROKEN_POOL 4u /* a start hook failed */

enum {
	SKI_POOL_NAME_BYTES = 32 /* more than fits a thread's name */
};

struct skua_pool {
	/* I. */
	uint64_t number; /* never used again */
	unsigned generation;
	enum ski_bound bound;
	size_t stack_bytes;
	uint64_t seed;
	char name[SKI_POOL_NAME_BYTES];
	int (*start)(void *context, unsigned worker);
	void (*stop)(void *context, unsigned worker);
	void *context;
	struct ski_worker **worker; /* SKUA_WORKERS_MAX; the first `slots` */
	pthread_mutex_t lock; /* of resizing, pausing and closing */
	/* A, rarely. Under the lock, but for the loads. */
	_Alignas(SKI_LINE) _Atomic(unsigned) closing;
	_Atomic(unsigned) slots; /* records of workers, ever */
	_Atomic(unsigned) target; /* the first so many are wanted */
	_Atomic(bool) paused; /* no job is started */
	/* A, rarely. */
	_Atomic(bool) over; /* all is done: workers leave */
	_Atomic(bool) is_default; /* never closed */
	_Atomic(uint32_t) users; /* references given to users */
	_Atomic(uint32_t) holders; /* the users, and the workers */
	_Atomic(uint32_t) live; /* threads, and one until it is closing */
	_Atomic(uint32_t) joining; /* 0, 1: a thread joins them, 2: joined */
	ski_slot_state ended; /* final when all have left */
	ski_slot_state drained; /* never final: see skua_pool_drain() */
	_Atomic(struct ski_fiber *) strays; /* idle, in no worker's surplus */
	_Atomic(uint64_t) regions; /* called so far; see isolate.c */
	_Atomic(uint32_t) lent; /* workers in one that they did not call */
	pthread_mutex_t freeing; /* what a trim takes: see lifecycle.c */
	/* A, often. */
	struct ski_parking parking;
	_Alignas(SKI_LINE) _Atomic(unsigned) wake_hint;
	struct ski_registry guests;
	_Alignas(SKI_LINE) struct ski_room room; /* if there is a bound */
};

/* Whether calls on it may go on: not NULL is checked before. */
static inline bool ski_pool_alive(const struct skua_pool *pool)
{
	return pool->generation == ski_generation();
}

static inline unsigned ski_pool_closing(struct skua_pool *pool)
{
	/* Relaxed: ordered by fences where it matters (lifecycle.md). */
	return atomic_load_explicit(&pool->closing, memory_order_relaxed);
}

static inline unsigned ski_pool_slots(const struct skua_pool *pool)
{
	/* Acquire: the records. Pairs with make_records(). */
	return atomic_load_explicit(&pool->slots, memory_order_acquire);
}

static inline unsigned ski_pool_target(const struct skua_pool *pool)
{
	/* Relaxed: ordered by fences where it matters. */
	return atomic_load_explicit(&pool->target, memory_order_relaxed);
}

static inline bool ski_pool_paused(const struct skua_pool *pool)
{
	/* Relaxed: ordered by fences where it matters. */
	return atomic_load_explicit(&pool->paused, memory_order_relaxed);
}

static inline bool ski_worker_is_dismissed(const struct ski_worker *worker)
{
	return worker->index >= ski_pool_target(worker->pool);
}

/* What CANCEL makes of futures: they are cancelled, or say why. */
static inline enum ski_status ski_pool_revoking(struct skua_pool *pool)
{
	return ski_pool_closing(pool) & SKI_BROKEN_POOL ? SKI_BROKEN :
							  SKI_CANCELLED;
}

/* pool.c */
/* When all workers have left or were never started. */
void ski_pool_free(struct skua_pool *pool);
/* A counter, summed over workers and guests. */
uint64_t ski_pool_sum(const struct skua_pool *pool, enum ski_counter which);

/* lifecycle.c */
/* A worker with nothing to do, while closing: is everything done? */
bool ski_pool_is_over(struct skua_pool *pool);
/* A worker's last act in a pool. */
void ski_pool_left(struct skua_pool *pool);
/* A worker's start hook failed. */
void ski_pool_break(struct skua_pool *pool);
/* What a call that an open pool would allow answers, or 0. */
int ski_pool_refusal(struct skua_pool *pool);

/* resize.c, with the lock held */
/* Errors: SKUA_ENOMEM, SKUA_EAGAIN; as many as before. */
int ski_pool_grow(struct skua_pool *pool, unsigned workers);
void ski_pool_shrink(struct skua_pool *pool, unsigned workers);
/* A worker's first act: waits for those who are started with it. False: not
 * all could be. */
bool ski_worker_may_begin(struct ski_worker *worker);
/* A dismissed worker with nothing left: false, it was called back. */
bool ski_worker_leave(struct ski_worker *worker);

/* pause.c */
void ski_pool_unpause(struct skua_pool *pool);
/* A worker that has found nothing to do: those who wait for that. */
void ski_pool_tell_drained(struct skua_pool *pool);

#endif
