/* SPDX-License-Identifier: MIT */
/*
 * Stands before <pthread.h> when scenarios are compiled: the pool's locks are
 * words that the explorer sees.
 */
#ifndef EX_PTHREAD_H
#define EX_PTHREAD_H

#include_next <pthread.h>

#include "explore.h"

#include <stdatomic.h>

static inline int ex_mutex_lock(void *mutex)
{
	_Atomic(uint32_t) *word = mutex;
	uint32_t expected;

	do {
		ex_await(!atomic_load_explicit(word, memory_order_relaxed));
		expected = 0;
	} while (!atomic_compare_exchange_strong_explicit(
		word, &expected, UINT32_C(1), memory_order_acquire,
		memory_order_relaxed));
	return 0;
}

static inline int ex_mutex_unlock(void *mutex)
{
	_Atomic(uint32_t) *word = mutex;

	atomic_store_explicit(word, UINT32_C(0), memory_order_release);
	return 0;
}

/* Zeroed memory is an open lock. */
#define pthread_mutex_init(mutex, attributes) \
	((void)(mutex), (void)(attributes))
#define pthread_mutex_destroy(mutex) ((void)(mutex))
#define pthread_mutex_lock(mutex) ex_mutex_lock(mutex)
#define pthread_mutex_unlock(mutex) ex_mutex_unlock(mutex)

#endif
