/* SPDX-License-Identifier: MIT */
#include <skua/sync.h>

#include "waiting.h"

/* The word: the function runs, or has run. */
#define STARTED (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define DONE (STARTED << 1)

struct once {
	struct ski_waitq q;
	_Atomic(const void *) owner; /* who runs the function, or NULL */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct once) <= sizeof(struct skua_once),
	       "the size of a once is frozen");

static struct once *of(struct skua_once *once)
{
	return (struct once *)(void *)once;
}

/* Rule: it has run. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word;
	return word & DONE;
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

static bool start(struct once *o)
{
	uint64_t word = 0;

	/* Relaxed: there is nothing yet to be seen. */
	return atomic_compare_exchange_strong_explicit(&o->q.word, &word,
						       STARTED,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

static void finish(struct once *o)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&o->q.word, memory_order_relaxed);
	uint64_t next;

	do {
		next = (word & ~STARTED) | DONE;
		if (word & SKI_WAITQ_WAITERS)
			next = ski_waitq_called(next);
		/* Release: what the function did. Pairs with skua_once() and begin()
	 * in waitq.c. Acquire: the queue, if BUSY is ours now. Failure only
	 * reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&o->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&o->q, &kind);
}

int skua_once(struct skua_once *once, void (*fn)(void))
{
	struct once *o = of(once);
	const void *self;

	if (!o || !fn)
		return SKUA_EINVAL;
	/* Acquire: what the function did. Pairs with finish(). */
	if (ski_likely(atomic_load_explicit(&o->q.word, memory_order_acquire) &
		       DONE))
		return 0;
	self = ski_waiting_self();
	/* Relaxed: nobody else stores @self. */
	if (atomic_load_explicit(&o->owner, memory_order_relaxed) == self)
		return SKUA_EDEADLK;
	if (!start(o))
		return ski_waiting_wait(&o->q, &kind, 0, NULL, -1);
	atomic_store_explicit(&o->owner, self, memory_order_relaxed);
	fn();
	atomic_store_explicit(&o->owner, NULL, memory_order_relaxed);
	finish(o);
	return 0;
}

int skua_once_init(struct skua_once *once)
{
	if (!once)
		return SKUA_EINVAL;
	*once = (struct skua_once)SKUA_ONCE_INIT;
	return 0;
}

int skua_once_destroy(struct skua_once *once)
{
	return once ? ski_waiting_unused(&of(once)->q, DONE) : SKUA_EINVAL;
}
