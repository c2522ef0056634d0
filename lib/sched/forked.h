/* SPDX-License-Identifier: MIT */
/*
 * Which process this is: counted up in the child of each fork(), which has
 * none of the parent's worker threads. Pools, guests and chunks of futures
 * remember the generation in which they were made; in another one they are
 * dead.
 */
#ifndef SKI_FORKED_H
#define SKI_FORKED_H

#include <stdatomic.h>

extern _Atomic(unsigned) ski_forked_count;

/* Install the handlers, once a process. Errors: SKUA_ENOMEM. */
int ski_forked_watch(void);

static inline unsigned ski_generation(void)
{
	/* Relaxed: written in a process of one thread only. */
	return atomic_load_explicit(&ski_forked_count, memory_order_relaxed);
}

#endif
