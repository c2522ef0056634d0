/* SPDX-License-Identifier: MIT */
/*
 * Read-side sections around every look at another thread's structures, so that
 * whoever unmaps some waits for those who may be looking: liburcu's bulletproof
 * flavour, which registers threads by itself and survives fork().
 *
 * TSan does not see inside liburcu (it is not instrumented): there the edges
 * that a grace period gives are written out, and nothing is suppressed.
 */
#ifndef SKI_RCU_H
#define SKI_RCU_H

#include "hooks.h"

#include <urcu/urcu-bp.h>

#if SKI_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define ski_rcu_acquire() __tsan_acquire(&ski_fence_word)
#define ski_rcu_release() __tsan_release(&ski_fence_word)
#else
#define ski_rcu_acquire() ((void)0)
#define ski_rcu_release() ((void)0)
#endif

static inline void ski_rcu_read_lock(void)
{
	urcu_bp_read_lock();
	ski_rcu_acquire();
}

static inline void ski_rcu_read_unlock(void)
{
	ski_rcu_release();
	urcu_bp_read_unlock();
}

/* Blocks until all sections that are open now are closed. */
static inline void ski_rcu_synchronize(void)
{
	ski_rcu_release();
	urcu_bp_synchronize_rcu();
	ski_rcu_acquire();
}

#endif
