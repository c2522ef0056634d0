/* SPDX-License-Identifier: MIT */
#include <skua/sync.h>

#include <stddef.h>

#include "clock.h"
#include "waiting.h"

/*
 * The word: how many have arrived, and how often all had, which who waits has
 * as rank. Who arrives is counted by the CAS that calls for a look at the
 * queue, when its ticket is there already: so once all are counted, nobody but
 * who looks at the queue touches the barrier any more.
 */
#define ONE (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define TIME (ONE << 28)
#define ARRIVED (TIME - ONE)

_Static_assert(SKUA_BARRIER_MAX < ARRIVED / ONE, "all can be counted");

/* SKUA_BARRIER_INIT says where parties is, whatever the size of a pointer. */
struct barrier {
	union {
		struct ski_waitq q;
		uint64_t room[4];
	};
	uint64_t parties; /* I */
} __attribute__((__may_alias__));

_Static_assert(offsetof(struct barrier, parties) == 4 * sizeof(uint64_t),
	       "parties are where the initializer puts them");
_Static_assert(sizeof(struct barrier) <= sizeof(struct skua_barrier),
	       "the size of a barrier is frozen");

static struct barrier *of(struct skua_barrier *barrier)
{
	return (struct barrier *)(void *)barrier;
}

static uint64_t time_of(uint64_t word)
{
	return word & ~(TIME - 1);
}

/* Rule: all have arrived since. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word;
	return ski_waitq_before(first->rank, time_of(word));
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

static uint64_t counted(struct barrier *b, uint64_t word)
{
	word += ONE;
	if ((word & ARRIVED) == b->parties * ONE)
		word = (word & ~ARRIVED) + TIME;
	return word;
}

/* With @ticket in the queue. Returns false if all had arrived before: then
 * it goes without having been counted. *@last: it made them all. */
static bool arrive(struct barrier *b, struct ski_ticket *ticket, bool *last)
{
	/* Relaxed: the CAS checks it. */
	uint64_t time = ticket->rank, next;
	uint64_t word = atomic_load_explicit(&b->q.word, memory_order_relaxed);

	do {
		next = word;
		if (time_of(word) == time)
			next = counted(b, word);
		next = ski_waitq_called(next);
		/* Release: what was done before arriving. Pairs with begin() in
	 * waitq.c; the others' RMWs keep the sequence. Acquire: the queue, if
	 * BUSY is ours now. Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&b->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	*last = time_of(word) == time && time_of(next) != time;
	if (!(word & SKI_WAITQ_BUSY))
		ski_waiting_work(&b->q, &kind);
	return time_of(word) == time;
}

/* Not to be counted any more; false: too late, all have arrived. */
static bool withdraw(struct barrier *b, uint64_t time)
{
	/* Acquire, here and below: if all have arrived it stands for being
	 * told. Pairs with arrive(). */
	uint64_t word = atomic_load_explicit(&b->q.word, memory_order_acquire);

	while (time_of(word) == time)
		if (atomic_compare_exchange_weak_explicit(
			    &b->q.word, &word, word - ONE, memory_order_acquire,
			    memory_order_acquire))
			return true;
	return false;
}

int skua_barrier_wait_last(struct skua_barrier *barrier, int64_t timeout_ns,
			   bool *last)
{
	struct barrier *b = of(barrier);
	int64_t deadline_ns = ski_deadline_ns(timeout_ns);
	bool is_last, is_counted;
	int verdict;

	if (!b || !b->parties)
		return SKUA_EINVAL;
	do {
		struct ski_ticket ticket;
		/* Relaxed: arrive() compares. */
		uint64_t time = time_of(
			atomic_load_explicit(&b->q.word, memory_order_relaxed));

		ski_waiting_ticket(&ticket, deadline_ns, time);
		ski_waitq_put(&b->q, &ticket.come);
		is_counted = arrive(b, &ticket, &is_last);
		verdict = ski_waiting_stay(&b->q, &kind, &ticket, deadline_ns);
		if (is_counted && verdict && !withdraw(b, time))
			verdict = 0;
	} while (!is_counted);
	if (!verdict && last)
		*last = is_last;
	return verdict;
}

int skua_barrier_wait_timed(struct skua_barrier *barrier, int64_t timeout_ns)
{
	return skua_barrier_wait_last(barrier, timeout_ns, NULL);
}

int skua_barrier_wait(struct skua_barrier *barrier)
{
	return skua_barrier_wait_timed(barrier, SKUA_FOREVER);
}

int skua_barrier_init(struct skua_barrier *barrier, unsigned parties)
{
	if (!barrier || !parties || parties > SKUA_BARRIER_MAX)
		return SKUA_EINVAL;
	*barrier = (struct skua_barrier)SKUA_BARRIER_INIT(parties);
	return 0;
}

int skua_barrier_destroy(struct skua_barrier *barrier)
{
	return barrier ? ski_waiting_unused(&of(barrier)->q, ~(TIME - 1)) :
			 SKUA_EINVAL;
}
