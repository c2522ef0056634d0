/* SPDX-License-Identifier: MIT */
/*
 * The reader-writer lock: first come, first served, and readers that come one
 * after the other go in together. So neither kind starves.
 */
#include <skua/sync.h>

#include "clock.h"
#include "waiting.h"

/* The word: whether a writer has it, and how many readers have. */
#define WRITER (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define READER (WRITER << 1)

struct rwlock {
	struct ski_waitq q;
	_Atomic(const void *) owner; /* the writer that has it, or NULL */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct rwlock) <= sizeof(struct skua_rwlock),
	       "the size of a reader-writer lock is frozen");

static struct rwlock *of(struct skua_rwlock *rwlock)
{
	return (struct rwlock *)(void *)rwlock;
}

static bool read_fits(uint64_t word)
{
	return !(word & WRITER);
}

static bool write_fits(uint64_t word)
{
	return word < WRITER;
}

/* Rule. A ticket is of the lock if it is to write, of nothing if to read. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = first->of ? word | WRITER : word + READER;
	return first->of ? write_fits(word) : read_fits(word);
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

/* Nobody goes past those who wait. */
static bool try_lock(struct ski_waitq *q, bool (*fits)(uint64_t word),
		     uint64_t add)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&q->word, memory_order_relaxed);

	while (fits(word) && !(word & SKI_WAITQ_WAITERS))
		/* Acquire: what was done under the lock before. Pairs with
		 * unlock(). Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &q->word, &word, word + add, memory_order_acquire,
			    memory_order_relaxed))
			return true;
	return false;
}

static bool get_read(struct ski_waitq *q)
{
	return try_lock(q, read_fits, READER);
}

static bool get_write(struct ski_waitq *q)
{
	return try_lock(q, write_fits, WRITER);
}

static bool is_mine(struct rwlock *r)
{
	/* Relaxed: nobody else stores it; as in ski_mutex_is_mine(). */
	return atomic_load_explicit(&r->owner, memory_order_relaxed) ==
	       ski_waiting_self();
}

static void own(struct rwlock *r, const void *self)
{
	/* Relaxed: only we will look for @self. */
	atomic_store_explicit(&r->owner, self, memory_order_relaxed);
}

static int lock_slow(struct rwlock *r, bool (*get)(struct ski_waitq *q),
		     void *writes, int64_t timeout_ns)
{
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	if (is_mine(r))
		return SKUA_EDEADLK;
	if (ski_waiting_spin(&r->q, get))
		return 0;
	return ski_waiting_wait(&r->q, &kind, 0, writes,
				ski_deadline_ns(timeout_ns));
}

int skua_rwlock_rdlock_timed(struct skua_rwlock *rwlock, int64_t timeout_ns)
{
	struct rwlock *r = of(rwlock);

	if (!r)
		return SKUA_EINVAL;
	return get_read(&r->q) ? 0 : lock_slow(r, get_read, NULL, timeout_ns);
}

int skua_rwlock_rdlock(struct skua_rwlock *rwlock)
{
	return skua_rwlock_rdlock_timed(rwlock, SKUA_FOREVER);
}

int skua_rwlock_wrlock_timed(struct skua_rwlock *rwlock, int64_t timeout_ns)
{
	struct rwlock *r = of(rwlock);
	int error;

	if (!r)
		return SKUA_EINVAL;
	error = get_write(&r->q) ? 0 : lock_slow(r, get_write, r, timeout_ns);
	if (!error)
		own(r, ski_waiting_self());
	return error;
}

int skua_rwlock_wrlock(struct skua_rwlock *rwlock)
{
	return skua_rwlock_wrlock_timed(rwlock, SKUA_FOREVER);
}

/* @take: WRITER or READER, which is there. */
static void unlock(struct rwlock *r, uint64_t word, uint64_t take)
{
	uint64_t next;

	do {
		next = word - take;
		if (next < READER && (next & SKI_WAITQ_WAITERS))
			next = ski_waitq_called(next);
		/* Release: what was done under the lock. Pairs with try_lock() and
	 * let_first() in waitq.c. Acquire: the queue, if BUSY is ours now.
	 * Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&r->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	/* If not, the lock may be gone by now. */
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&r->q, &kind);
}

int skua_rwlock_unlock(struct skua_rwlock *rwlock)
{
	struct rwlock *r = of(rwlock);
	uint64_t word;

	if (!r)
		return SKUA_EINVAL;
	/* Relaxed: it is ours, or the caller's mistake; the CAS checks it. */
	word = atomic_load_explicit(&r->q.word, memory_order_relaxed);
	if (is_mine(r)) {
		own(r, NULL);
		unlock(r, word, WRITER);
	} else {
		if (word < READER)
			return SKUA_EINVAL;
		unlock(r, word, READER);
	}
	return 0;
}

int skua_rwlock_init(struct skua_rwlock *rwlock)
{
	if (!rwlock)
		return SKUA_EINVAL;
	*rwlock = (struct skua_rwlock)SKUA_RWLOCK_INIT;
	return 0;
}

int skua_rwlock_destroy(struct skua_rwlock *rwlock)
{
	return rwlock ? ski_waiting_unused(&of(rwlock)->q, 0) : SKUA_EINVAL;
}
