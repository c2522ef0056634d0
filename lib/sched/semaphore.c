/* SPDX-License-Identifier: MIT */
#include <skua/sync.h>

#include "clock.h"
#include "waiting.h"

/* The word: how many units there are. */
#define UNIT (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define UNITS_MAX ((uint64_t)SKUA_SEMAPHORE_MAX * UNIT)

struct semaphore {
	struct ski_waitq q;
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct semaphore) <= sizeof(struct skua_semaphore),
	       "the size of a semaphore is frozen");

static struct semaphore *of(struct skua_semaphore *semaphore)
{
	return (struct semaphore *)(void *)semaphore;
}

/* Rule: first come, first served. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word - UNIT;
	return word >= UNIT;
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

/* Nobody goes past those who wait. */
static bool try_acquire(struct semaphore *s)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&s->q.word, memory_order_relaxed);

	while (word >= UNIT && !(word & SKI_WAITQ_WAITERS))
		/* Acquire: what was done before the release. Pairs with
		 * skua_semaphore_release_many(). Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &s->q.word, &word, word - UNIT,
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

int skua_semaphore_acquire_timed(struct skua_semaphore *semaphore,
				 int64_t timeout_ns)
{
	struct semaphore *s = of(semaphore);

	if (!s)
		return SKUA_EINVAL;
	if (try_acquire(s))
		return 0;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	return ski_waiting_wait(&s->q, &kind, 0, NULL,
				ski_deadline_ns(timeout_ns));
}

int skua_semaphore_acquire(struct skua_semaphore *semaphore)
{
	return skua_semaphore_acquire_timed(semaphore, SKUA_FOREVER);
}

int skua_semaphore_release_many(struct skua_semaphore *semaphore,
				unsigned count)
{
	struct semaphore *s = of(semaphore);
	uint64_t add = (uint64_t)count * UNIT;
	uint64_t word, next;

	if (!s || count > SKUA_SEMAPHORE_MAX)
		return SKUA_EINVAL;
	/* Relaxed: the CAS checks it. */
	word = atomic_load_explicit(&s->q.word, memory_order_relaxed);
	do {
		if (word + add >= UNITS_MAX + UNIT)
			return SKUA_EINVAL;
		next = word + add;
		if (word & SKI_WAITQ_WAITERS)
			next = ski_waitq_called(next);
		/* Release: what was done before. Pairs with try_acquire() and
	 * let_first() in waitq.c. Acquire: the queue, if BUSY is ours now.
	 * Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&s->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	/* If not, the semaphore may be gone by now. */
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&s->q, &kind);
	return 0;
}

int skua_semaphore_release(struct skua_semaphore *semaphore)
{
	return skua_semaphore_release_many(semaphore, 1);
}

int skua_semaphore_init(struct skua_semaphore *semaphore, unsigned count)
{
	if (!semaphore || count > SKUA_SEMAPHORE_MAX)
		return SKUA_EINVAL;
	*semaphore = (struct skua_semaphore)SKUA_SEMAPHORE_INIT(count);
	return 0;
}

int skua_semaphore_destroy(struct skua_semaphore *semaphore)
{
	return semaphore ? ski_waiting_unused(&of(semaphore)->q, ~(UNIT - 1)) :
			   SKUA_EINVAL;
}
