/* SPDX-License-Identifier: MIT */
/*
 * The mutex from inside: for the recursive one, and for conditions, whose
 * waiters go on to its queue. Protocol: docs/design/sync.md.
 */
#ifndef SKI_MUTEX_H
#define SKI_MUTEX_H

#include <skua/sync.h>

#include "waiting.h"

/* What is in a struct skua_mutex. */
struct ski_mutex {
	struct ski_waitq q;
	_Atomic(const void *) owner; /* whoever has it; NULL: nobody */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct ski_mutex) <= sizeof(struct skua_mutex) &&
		       _Alignof(struct ski_mutex) <=
			       _Alignof(struct skua_mutex),
	       "the size of a mutex is frozen");

static inline struct ski_mutex *ski_mutex_of(struct skua_mutex *mutex)
{
	return (struct ski_mutex *)(void *)mutex;
}

static inline bool ski_mutex_is_mine(struct ski_mutex *m, const void *self)
{
	/* Relaxed: nobody else ever stores @self, and it is taken back before
	 * the mutex is unlocked, so what is read is no older. */
	return atomic_load_explicit(&m->owner, memory_order_relaxed) == self;
}

/*
 * Those of @chain, linked by next, were waiting for a condition with this
 * mutex: have each lock it in its turn. Called by whoever told the condition,
 * of tickets that are TAKEN and not told: they keep the mutex alive.
 */
void ski_mutex_requeue(struct ski_mutex *m, struct ski_ticket *chain);

/* Such a one, when it was told. */
void ski_mutex_resume(struct ski_mutex *m, struct ski_ticket *ticket);

#endif
