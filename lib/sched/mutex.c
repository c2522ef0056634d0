/* SPDX-License-Identifier: MIT */
#include "mutex.h"

#include "clock.h"

/*
 * The word. Who finds it 0 has the mutex by one CAS, and gives it back by
 * another, with nobody in the queue.
 *
 *	LOCKED	  somebody has it
 *	WOKEN	  one who was first in the queue is awake and tries to get it:
 *		  nobody else is woken meanwhile
 *	HANDOVER  the next unlock gives it to the first in the queue, and
 *		  nobody gets in between
 */
#define LOCKED (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define WOKEN (LOCKED << 1)
#define HANDOVER (LOCKED << 2)

/* What the wait in the queue came to, beside 0, which is LOCKED for us, and
 * SKUA_ETIMEDOUT. */
enum {
	TRY = 1, /* WOKEN is ours */
	BRING = 2, /* from a condition, with those behind us */
};

/* The rank of who was woken in vain, and of others. */
enum {
	AGAIN = 0,
	NEW = 1,
};

/* Whoever has waited this long and is passed over is handed the mutex. */
#define PATIENCE_NS INT64_C(1000000)

/* Rule: who is first may go. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	if (word & LOCKED)
		return false;
	if (word & HANDOVER) {
		*next = (word | LOCKED) & ~HANDOVER;
		first->verdict = 0;
		return true;
	}
	*next = word | WOKEN;
	first->verdict = TRY;
	return !(word & WOKEN);
}

static const struct ski_waitq_kind kind = { may_go, HANDOVER, NULL };

static void own(struct ski_mutex *m, const void *self)
{
	/* Relaxed: only we will look for @self. */
	atomic_store_explicit(&m->owner, self, memory_order_relaxed);
}

/* Lock it if it is free; the word loses @clear. */
static bool try_once(struct ski_mutex *m, uint64_t clear)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&m->q.word, memory_order_relaxed);

	while (!(word & (LOCKED | HANDOVER)))
		/* Acquire: what was done under the lock before. Pairs with
		 * skua_mutex_unlock() and unlock_slow(). Failure only
		 * reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &m->q.word, &word, (word | LOCKED) & ~clear,
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

static bool get(struct ski_waitq *q)
{
	return try_once((struct ski_mutex *)(void *)q, 0);
}

/* In the queue until it is ours or @deadline_ns. @clear: WOKEN if it is ours;
 * then, and whenever we were woken in vain, we are first again. */
static int wait_turn(struct ski_mutex *m, uint64_t clear, int64_t deadline_ns)
{
	int64_t since_ns = ski_clock_ns();
	uint64_t rank = clear ? AGAIN : NEW;
	uint64_t set = 0;
	struct ski_ticket ticket;
	int verdict;

	for (;;) {
		ski_waiting_ticket(&ticket, deadline_ns, rank);
		ski_waiting_come(&m->q, &kind, &ticket, clear, set);
		verdict = ski_waiting_stay(&m->q, &kind, &ticket, deadline_ns);
		if (verdict != TRY)
			return verdict;
		if (try_once(m, WOKEN))
			return 0;
		clear = WOKEN;
		rank = AGAIN;
		if (ski_clock_ns() - since_ns >= PATIENCE_NS)
			set = HANDOVER;
	}
}

/* Out of line: so the fast path needs no more registers than a call leaves. */
static int __attribute__((__cold__, __noinline__))
lock_slow(struct ski_mutex *m, const void *self, int64_t timeout_ns)
{
	int64_t deadline_ns = -1;
	int error;

	if (!m)
		return SKUA_EINVAL;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	if (ski_mutex_is_mine(m, self))
		return SKUA_EDEADLK;
	if (timeout_ns > 0)
		deadline_ns = ski_deadline_ns(timeout_ns);
	error = ski_waiting_spin(&m->q, get) ? 0 : wait_turn(m, 0, deadline_ns);
	if (!error)
		own(m, self);
	return error;
}

static inline int lock(struct ski_mutex *m, int64_t timeout_ns)
{
	const void *self = ski_waiting_self();
	uint64_t word = 0;

	/* Acquire: what was done under the lock before. Pairs with
	 * skua_mutex_unlock(). Failure: the slow way looks again. */
	if (ski_unlikely(!m) ||
	    ski_unlikely(!atomic_compare_exchange_strong_explicit(
		    &m->q.word, &word, LOCKED, memory_order_acquire,
		    memory_order_relaxed)))
		return lock_slow(m, self, timeout_ns);
	own(m, self);
	return 0;
}

int skua_mutex_lock_timed(struct skua_mutex *mutex, int64_t timeout_ns)
{
	return lock(ski_mutex_of(mutex), timeout_ns);
}

int skua_mutex_lock(struct skua_mutex *mutex)
{
	return lock(ski_mutex_of(mutex), SKUA_FOREVER);
}

int skua_mutex_trylock(struct skua_mutex *mutex)
{
	struct ski_mutex *m = ski_mutex_of(mutex);

	if (!m)
		return SKUA_EINVAL;
	if (!try_once(m, 0))
		return SKUA_ETIMEDOUT;
	own(m, ski_waiting_self());
	return 0;
}

static void __attribute__((__cold__, __noinline__))
unlock_slow(struct ski_mutex *m)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&m->q.word, memory_order_relaxed);
	uint64_t next;

	do {
		next = word & ~LOCKED;
		/* One who is awake will look after the others, unless this is
		 * to be handed over. */
		if ((word & SKI_WAITQ_WAITERS) &&
		    (!(word & WOKEN) || (word & HANDOVER)))
			next = ski_waitq_called(next);
		/* Release: what was done under the lock. Pairs with try_once() and
	 * with who works at the queue (let_first() in waitq.c). Acquire: the
	 * queue, if BUSY is ours now. Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&m->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	/* If not, the mutex may be gone by now. If so, those in the queue, who
	 * are not told before BUSY is given back, keep it alive. */
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&m->q, &kind);
}

int skua_mutex_unlock(struct skua_mutex *mutex)
{
	struct ski_mutex *m = ski_mutex_of(mutex);
	uint64_t word = LOCKED;

	if (ski_unlikely(!m) ||
	    ski_unlikely(!ski_mutex_is_mine(m, ski_waiting_self())))
		return SKUA_EINVAL;
	own(m, NULL);
	/* Release: what was done under the lock. Pairs with
	 * lock() and try_once(). Failure: the slow way looks
	 * again. */
	if (ski_unlikely(!atomic_compare_exchange_strong_explicit(
		    &m->q.word, &word, 0, memory_order_release,
		    memory_order_relaxed)))
		unlock_slow(m);
	return 0;
}

int skua_mutex_init(struct skua_mutex *mutex)
{
	if (!mutex)
		return SKUA_EINVAL;
	*mutex = (struct skua_mutex)SKUA_MUTEX_INIT;
	return 0;
}

int skua_mutex_destroy(struct skua_mutex *mutex)
{
	return mutex ? ski_waiting_unused(&ski_mutex_of(mutex)->q, 0) :
		       SKUA_EINVAL;
}

/* ---- for conditions ---- */

/* BUSY, if somebody has the mutex and nobody works at its queue. */
static bool get_busy(struct ski_mutex *m)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&m->q.word, memory_order_relaxed);

	while ((word & LOCKED) && !(word & SKI_WAITQ_BUSY))
		/* Acquire: the queue as its last worker left it. Pairs with
		 * end() in waitq.c. Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &m->q.word, &word, ski_waitq_called(word),
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

void ski_mutex_requeue(struct ski_mutex *m, struct ski_ticket *chain)
{
	if (!get_busy(m)) {
		/* It is free, or somebody works at its queue, for whom we
		 * cannot leave a notice: once the tickets were told nothing
		 * keeps the mutex alive until we have said so. The first one
		 * can, it uses the mutex itself. */
		struct ski_ticket *rest = chain->next;

		chain->verdict = BRING;
		chain->of = rest;
		chain->next = NULL;
		ski_waiting_tell(chain);
		return;
	}
	while (chain) {
		struct ski_ticket *next = chain->next;

		chain->rank = NEW;
		chain->timed = false;
		ski_waitq_add(&m->q, chain);
		chain = next;
	}
	ski_waiting_work(&m->q, &kind);
}

static void bring(struct ski_mutex *m, struct ski_ticket *rest)
{
	if (!rest)
		return;
	while (rest) {
		struct ski_ticket *next = rest->next;

		rest->rank = NEW;
		rest->timed = false;
		ski_waitq_put(&m->q, &rest->come);
		rest = next;
	}
	if (ski_waitq_call(&m->q, 0, 0))
		ski_waiting_work(&m->q, &kind);
}

void ski_mutex_resume(struct ski_mutex *m, struct ski_ticket *ticket)
{
	uint64_t clear = ticket->verdict == TRY ? WOKEN : 0;
	bool got = !ticket->verdict || try_once(m, clear);

	if (ticket->verdict == BRING)
		bring(m, ticket->of);
	if (!got)
		wait_turn(m, clear, -1);
	own(m, ski_waiting_self());
}
