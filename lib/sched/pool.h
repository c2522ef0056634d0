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
#include "slot.h"
#include "worker.h"

/* Bits of closing. */
#define SKI_CLOSING 1u
#define SKI_CANCELLING 2u

struct skua_pool {
	/* I. */
	uint64_t number; /* never used again */
	unsigned generation;
	unsigned workers;
	size_t stack_bytes;
	struct ski_worker **worker;
	/* A, rarely. */
	_Alignas(SKI_LINE) _Atomic(unsigned) closing;
	_Atomic(bool) over; /* all is done: workers leave */
	_Atomic(bool) is_default; /* never closed */
	_Atomic(uint32_t) users; /* references given to users */
	_Atomic(uint32_t) holders; /* the users, and the workers */
	_Atomic(uint32_t) live; /* workers that have not left */
	_Atomic(uint32_t) joining; /* 0, 1: a thread joins them, 2: joined */
	_Atomic(uint32_t) crew; /* whether all workers were started */
	ski_slot_state ended; /* final when all have left */
	pthread_mutex_t freeing; /* what was trimmed, or looking at it */
	/* A, often. */
	struct ski_parking parking;
	_Alignas(SKI_LINE) _Atomic(unsigned) wake_hint;
	struct ski_registry guests;
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

/* pool.c */
/* A worker's first act: waits for the others. False: the pool is not opened. */
bool ski_pool_complete(struct skua_pool *pool);
/* When all workers have left or were never started. */
void ski_pool_free(struct skua_pool *pool);
/* A counter, summed over workers and guests. */
uint64_t ski_pool_sum(const struct skua_pool *pool, enum ski_counter which);

/* lifecycle.c */
/* A worker with nothing to do, while closing: is everything done? */
bool ski_pool_is_over(struct skua_pool *pool);
/* A worker's last act in a pool. */
void ski_pool_left(struct skua_pool *pool);

#endif
