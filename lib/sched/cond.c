/* SPDX-License-Identifier: MIT */
/*
 * Conditions. Those who are signalled are not woken: they go on to the queue
 * of their mutex, and are told when it is their turn to lock it.
 * Protocol: docs/design/sync.md.
 */
#include "clock.h"
#include "mutex.h"

/*
 * The word: signals that nobody has taken yet, only while somebody waits; and
 * how often there was a broadcast, which who waits has as rank.
 */
#define SIGNAL (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define TIME (SIGNAL << 24)
#define SIGNALS (TIME - SIGNAL)

struct cond {
	struct ski_waitq q;
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct cond) <= sizeof(struct skua_cond),
	       "the size of a condition is frozen");

static struct cond *of(struct skua_cond *cond)
{
	return (struct cond *)(void *)cond;
}

static uint64_t time_of(uint64_t word)
{
	return word & ~(TIME - 1);
}

/* Rule: there was a broadcast since, or there is a signal. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word;
	if (ski_waitq_before(first->rank, time_of(word)))
		return true;
	if (!(word & SIGNALS))
		return false;
	*next = word - SIGNAL;
	return true;
}

/* The condition may be gone. Those whose time is over are told; the others,
 * each run with the same mutex together, go on to that. */
static void tell(struct ski_ticket *list)
{
	while (list) {
		struct ski_ticket *first = list;
		struct ski_ticket *last = first;

		while (!first->verdict && last->next && !last->next->verdict &&
		       last->next->of == first->of)
			last = last->next;
		list = last->next;
		last->next = NULL;
		if (first->verdict)
			ski_waiting_tell(first);
		else
			ski_mutex_requeue(first->of, first);
	}
}

static const struct ski_waitq_kind kind = { may_go, SIGNALS, tell };

int skua_cond_wait_timed(struct skua_cond *cond, struct skua_mutex *mutex,
			 int64_t timeout_ns)
{
	struct cond *c = of(cond);
	int64_t deadline_ns = ski_deadline_ns(timeout_ns);
	struct ski_ticket ticket;

	if (!c || !mutex ||
	    !ski_mutex_is_mine(ski_mutex_of(mutex), ski_waiting_self()))
		return SKUA_EINVAL;
	/* Relaxed: a broadcast from now on makes it another; those that came
	 * before the mutex was locked are seen through the mutex. */
	ski_waiting_ticket(&ticket, deadline_ns,
			   time_of(atomic_load_explicit(&c->q.word,
							memory_order_relaxed)));
	ticket.of = ski_mutex_of(mutex);
	ski_waiting_come(&c->q, &kind, &ticket, 0, 0);
	/* It is ours. */
	(void)skua_mutex_unlock(mutex);
	if (ski_waiting_stay(&c->q, &kind, &ticket, deadline_ns) !=
	    SKUA_ETIMEDOUT) {
		ski_mutex_resume(ski_mutex_of(mutex), &ticket);
		return 0;
	}
	/* It was ours a moment ago: this waits, and nothing else. */
	(void)skua_mutex_lock(mutex);
	return SKUA_ETIMEDOUT;
}

int skua_cond_wait(struct skua_cond *cond, struct skua_mutex *mutex)
{
	return skua_cond_wait_timed(cond, mutex, SKUA_FOREVER);
}

static uint64_t signalled(uint64_t word)
{
	/* As many signals as can be counted: everybody, then. */
	if ((word & SIGNALS) == SIGNALS)
		return (word & ~SIGNALS) + TIME;
	return word + SIGNAL;
}

static uint64_t broadcast(uint64_t word)
{
	/* Signals were for some of those who all go now. */
	return (word & ~SIGNALS) + TIME;
}

static int change(struct cond *c, uint64_t (*changed)(uint64_t word))
{
	uint64_t word;

	if (!c)
		return SKUA_EINVAL;
	/* Relaxed: those who must be seen here began to wait before the mutex
	 * was locked by who changed what they wait for; the CAS checks it. */
	word = atomic_load_explicit(&c->q.word, memory_order_relaxed);
	do
		if (!(word & SKI_WAITQ_WAITERS))
			return 0;
	/* Acquire: the queue, if BUSY is ours now. Release: what was done
	 * before, to those who take it. Failure only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&c->q.word, &word, ski_waitq_called(changed(word)),
		memory_order_acq_rel, memory_order_relaxed));
	if (!(word & SKI_WAITQ_BUSY))
		ski_waiting_work(&c->q, &kind);
	return 0;
}

int skua_cond_signal(struct skua_cond *cond)
{
	return change(of(cond), signalled);
}

int skua_cond_broadcast(struct skua_cond *cond)
{
	return change(of(cond), broadcast);
}

int skua_cond_init(struct skua_cond *cond)
{
	if (!cond)
		return SKUA_EINVAL;
	*cond = (struct skua_cond)SKUA_COND_INIT;
	return 0;
}

int skua_cond_destroy(struct skua_cond *cond)
{
	return cond ? ski_waiting_unused(&of(cond)->q, ~(TIME - 1)) :
		      SKUA_EINVAL;
}
