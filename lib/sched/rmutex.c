/* SPDX-License-Identifier: MIT */
/*
 * The recursive mutex: a mutex, and how often its owner has locked it.
 */
#include "mutex.h"

struct rmutex {
	struct skua_mutex mutex;
	uint64_t depth; /* the owner's: locked that often beyond the first */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct rmutex) <= sizeof(struct skua_rmutex),
	       "the size of a recursive mutex is frozen");

static struct rmutex *of(struct skua_rmutex *rmutex)
{
	return (struct rmutex *)(void *)rmutex;
}

static bool is_mine(struct rmutex *r)
{
	return ski_mutex_is_mine(ski_mutex_of(&r->mutex), ski_waiting_self());
}

int skua_rmutex_lock_timed(struct skua_rmutex *rmutex, int64_t timeout_ns)
{
	struct rmutex *r = of(rmutex);

	if (!r)
		return SKUA_EINVAL;
	if (!is_mine(r))
		return skua_mutex_lock_timed(&r->mutex, timeout_ns);
	r->depth++;
	return 0;
}

int skua_rmutex_lock(struct skua_rmutex *rmutex)
{
	return skua_rmutex_lock_timed(rmutex, SKUA_FOREVER);
}

int skua_rmutex_trylock(struct skua_rmutex *rmutex)
{
	return skua_rmutex_lock_timed(rmutex, 0);
}

int skua_rmutex_unlock(struct skua_rmutex *rmutex)
{
	struct rmutex *r = of(rmutex);

	if (!r || !is_mine(r))
		return SKUA_EINVAL;
	if (!r->depth)
		return skua_mutex_unlock(&r->mutex);
	r->depth--;
	return 0;
}

int skua_rmutex_init(struct skua_rmutex *rmutex)
{
	if (!rmutex)
		return SKUA_EINVAL;
	*rmutex = (struct skua_rmutex)SKUA_RMUTEX_INIT;
	return 0;
}

int skua_rmutex_destroy(struct skua_rmutex *rmutex)
{
	return rmutex ? skua_mutex_destroy(&of(rmutex)->mutex) : SKUA_EINVAL;
}
