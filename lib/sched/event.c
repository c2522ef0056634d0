/* SPDX-License-Identifier: MIT */
#include <skua/sync.h>

#include "clock.h"
#include "waiting.h"

/*
 * The word: whether it is set, and how often it was. Who waits has the number
 * as rank, and goes when that is lower: so setting and clearing again lets
 * all those go who were waiting, and nobody who came later.
 */
#define SET (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define TIME (SET << 1)

struct event {
	struct ski_waitq q;
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct event) <= sizeof(struct skua_event),
	       "the size of an event is frozen");

static struct event *of(struct skua_event *event)
{
	return (struct event *)(void *)event;
}

static uint64_t time_of(uint64_t word)
{
	return word & ~(TIME - 1);
}

/* Rule: it was set since. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word;
	return ski_waitq_before(first->rank, time_of(word));
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

int skua_event_wait_timed(struct skua_event *event, int64_t timeout_ns)
{
	struct event *e = of(event);
	uint64_t word;

	if (!e)
		return SKUA_EINVAL;
	/* Acquire: what was done before it was set. Pairs with
	 * skua_event_set(). */
	word = atomic_load_explicit(&e->q.word, memory_order_acquire);
	if (word & SET)
		return 0;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	return ski_waiting_wait(&e->q, &kind, time_of(word), NULL,
				ski_deadline_ns(timeout_ns));
}

int skua_event_wait(struct skua_event *event)
{
	return skua_event_wait_timed(event, SKUA_FOREVER);
}

int skua_event_set(struct skua_event *event)
{
	struct event *e = of(event);
	uint64_t word, next;

	if (!e)
		return SKUA_EINVAL;
	/* Relaxed: the CAS checks it. */
	word = atomic_load_explicit(&e->q.word, memory_order_relaxed);
	do {
		/* If it is set already, an RMW all the same: what was done
		 * before goes to those who see it set from now on. */
		next = word & SET ? word : (word | SET) + TIME;
		if ((next != word) && (word & SKI_WAITQ_WAITERS))
			next = ski_waitq_called(next);
		/* Release: what was done before. Pairs with skua_event_wait_timed()
	 * and begin() in waitq.c. Acquire: the queue, if BUSY is ours now.
	 * Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(&e->q.word, &word, next,
							memory_order_acq_rel,
							memory_order_relaxed));
	/* If not, the event may be gone by now. */
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&e->q, &kind);
	return 0;
}

int skua_event_clear(struct skua_event *event)
{
	if (!event)
		return SKUA_EINVAL;
	/* Relaxed: says nothing of what was done before. */
	atomic_fetch_and_explicit(&of(event)->q.word, ~SET,
				  memory_order_relaxed);
	return 0;
}

bool skua_event_is_set(struct skua_event *event)
{
	/* Acquire: as in skua_event_wait_timed(). */
	return event &&
	       (atomic_load_explicit(&of(event)->q.word, memory_order_acquire) &
		SET);
}

int skua_event_init(struct skua_event *event)
{
	if (!event)
		return SKUA_EINVAL;
	*event = (struct skua_event)SKUA_EVENT_INIT;
	return 0;
}

int skua_event_destroy(struct skua_event *event)
{
	return event ? ski_waiting_unused(&of(event)->q, ~(SET - 1)) :
		       SKUA_EINVAL;
}
