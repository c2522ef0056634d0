/* SPDX-License-Identifier: MIT */
/*
 * Counters of one worker or guest: only their owner writes, anybody sums them
 * up. A count is a load and a store, no RMW.
 */
#ifndef SKI_COUNTERS_H
#define SKI_COUNTERS_H

#include "hooks.h"

enum ski_counter {
	SKI_COUNT_PUSHED, /* jobs submitted by this one */
	SKI_COUNT_STARTED, /* jobs begun, or met cancelled */
	SKI_COUNT_FINISHED, /* jobs ended, or met cancelled */
	SKI_COUNT_STEALS,
	SKI_COUNT_MISSES, /* rounds of stealing that found nothing */
	SKI_COUNT_PARKS,
	SKI_COUNT_EXPOSURES,
	SKI_COUNT_SUSPENSIONS,
	SKI_COUNTERS
};

struct ski_counters {
	_Alignas(SKI_LINE) _Atomic(uint64_t) count[SKI_COUNTERS]; /* O */
};

static inline uint64_t ski_count_of(const struct ski_counters *counters,
				    enum ski_counter which)
{
	/* Acquire: what was counted before; the end of a pool depends on it.
	 * Pairs with ski_count_add(). */
	return atomic_load_explicit(&counters->count[which],
				    memory_order_acquire);
}

/* Owner. */
static inline void ski_count_add(struct ski_counters *counters,
				 enum ski_counter which, uint64_t n)
{
	/* Relaxed: the owner's own. */
	uint64_t old = atomic_load_explicit(&counters->count[which],
					    memory_order_relaxed);

	/* Release: who sees a job finished sees the jobs that it pushed
	 * counted. Pairs with ski_count_of(). */
	atomic_store_explicit(&counters->count[which], old + n,
			      memory_order_release);
}

#endif
