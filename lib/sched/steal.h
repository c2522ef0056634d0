/* SPDX-License-Identifier: MIT */
/*
 * Finding work: the own deque, the last victim, victims at random, and before
 * a sleep everything there is.
 */
#ifndef SKI_STEAL_H
#define SKI_STEAL_H

#include "worker.h"

/* A job (see run.h), or 0. A few victims: for the loop. */
uintptr_t ski_steal_some(struct ski_worker *worker);
/* All workers and guests, each asked for more. Misses nothing that was there
 * when it began. */
uintptr_t ski_steal_sweep(struct ski_worker *worker);
/* Guests first, then the oldest job of the own deque: for fairness. */
uintptr_t ski_steal_fair(struct ski_worker *worker);
/* Whether there seems to be more work for somebody. */
bool ski_steal_is_there(struct skua_pool *pool);
/* Any thread, also one that RCU does not know: the oldest job of a deque whose
 * rings nobody frees meanwhile; or 0. So does its owner, or who is in a read-side
 * section, or holds the pool's lock `freeing`, or is alone with the pool. */
uintptr_t ski_steal_oldest(struct ski_deque *deque);
/* Who is alone with @pool: one job out of a deque of it; 0 for none. */
uintptr_t ski_steal_any(struct skua_pool *pool);

#endif
