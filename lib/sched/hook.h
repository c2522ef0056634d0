/* SPDX-License-Identifier: MIT */
/*
 * What is called in the midst of the runtime's own work, and must not wait:
 * drop_arg and drop_result, and start and stop of a pool as far as that pool is
 * concerned. A submit to a full pool is refused there: docs/design/bounded.md.
 */
#ifndef SKI_HOOK_H
#define SKI_HOOK_H

#include "worker.h"

/* Any other value: the pool whose hook runs in this thread. NULL: none. */
#define SKI_HOOK_OF_ALL ((const void *)&ski_hook)

extern _Thread_local const void *ski_hook SKI_NEAR_LOCAL;

/* Returns what to give back to ski_hook_end(). */
static inline const void *ski_hook_begin(const void *of)
{
	const void *before = ski_hook;

	ski_hook = of;
	return before;
}

static inline void ski_hook_end(const void *before)
{
	ski_hook = before;
}

static inline bool ski_hook_forbids(const struct skua_pool *pool)
{
	return ski_hook == SKI_HOOK_OF_ALL || ski_hook == (const void *)pool;
}

#endif
