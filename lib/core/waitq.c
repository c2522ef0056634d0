/* SPDX-License-Identifier: MIT */
#include "waitq.h"

#include <skua/error.h>

/* Of tickets that go, in their order. */
struct chain {
	struct ski_ticket *first;
	struct ski_ticket **last;
};

bool ski_ticket_expire(struct ski_ticket *ticket)
{
	uint32_t state = SKI_TICKET_WAITING;
	uint32_t next = SKI_TICKET_EXPIRED;

	/* Relaxed: it publishes nothing, and what it learns is only whether
	 * to wait on. */
	while (!atomic_compare_exchange_weak_explicit(
		&ticket->state, &state, next, memory_order_relaxed,
		memory_order_relaxed)) {
		if (state != SKI_TICKET_WAITING && state != SKI_TICKET_TAKEN)
			return false;
		next = state == SKI_TICKET_WAITING ? SKI_TICKET_EXPIRED :
						     SKI_TICKET_LATE;
	}
	return next == SKI_TICKET_EXPIRED;
}

bool ski_ticket_tell(struct ski_ticket *ticket)
{
	/* Release: the verdict, and what the object guards. Pairs with
	 * state_of(). One that has expired is awake and looks. */
	return atomic_exchange_explicit(&ticket->state, SKI_TICKET_TOLD,
					memory_order_release) !=
	       SKI_TICKET_EXPIRED;
}

/* BUSY is ours: @ticket is to go. False: it has expired and will leave. */
static bool take(struct ski_ticket *ticket)
{
	uint32_t state = SKI_TICKET_WAITING;

	/* Relaxed: telling it is what publishes. */
	return !ticket->timed ||
	       atomic_compare_exchange_strong_explicit(&ticket->state, &state,
						       SKI_TICKET_TAKEN,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

/* It cannot go after all. False: and its time is over. */
static bool give_back(struct ski_ticket *ticket)
{
	uint32_t state = SKI_TICKET_TAKEN;

	/* Relaxed: as in take(). */
	return !ticket->timed ||
	       atomic_compare_exchange_strong_explicit(&ticket->state, &state,
						       SKI_TICKET_WAITING,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

static void put_behind(struct ski_waitq *q, struct ski_ticket *ticket,
		       struct ski_ticket *before)
{
	struct ski_ticket *after = before ? before->next : q->first;

	ticket->previous = before;
	ticket->next = after;
	*(before ? &before->next : &q->first) = ticket;
	*(after ? &after->previous : &q->last) = ticket;
	ticket->queued = true;
}

void ski_waitq_add(struct ski_waitq *q, struct ski_ticket *ticket)
{
	struct ski_ticket *before = q->last;

	/* One that goes before others goes before nearly all of them. */
	if (before && ski_waitq_before(ticket->rank, before->rank)) {
		struct ski_ticket *at = q->first;

		before = NULL;
		for (; !ski_waitq_before(ticket->rank, at->rank); at = at->next)
			before = at;
	}
	put_behind(q, ticket, before);
}

static void unlink_ticket(struct ski_waitq *q, struct ski_ticket *ticket)
{
	struct ski_ticket *before = ticket->previous;
	struct ski_ticket *after = ticket->next;

	*(before ? &before->next : &q->first) = after;
	*(after ? &after->previous : &q->last) = before;
	ticket->queued = false;
}

static void let_go(struct chain *going, struct ski_ticket *ticket)
{
	ticket->next = NULL;
	*going->last = ticket;
	going->last = &ticket->next;
}

static void let_leave(struct chain *going, struct ski_ticket *ticket)
{
	ticket->verdict = SKUA_ETIMEDOUT;
	let_go(going, ticket);
}

void ski_waitq_put(struct ski_waitq *q, struct ski_notice *notice)
{
	/* Relaxed: the CAS checks it. */
	struct ski_notice *newest =
		atomic_load_explicit(&q->notices, memory_order_relaxed);

	do
		notice->next = newest;
	/* Release: the notice and its ticket. Pairs with read_notices(); later
	 * ones are RMWs and keep the sequence. Failure only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&q->notices, &newest, notice, memory_order_release,
		memory_order_relaxed));
}

bool ski_waitq_call(struct ski_waitq *q, uint64_t clear, uint64_t set)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word = atomic_load_explicit(&q->word, memory_order_relaxed);
	uint64_t next;

	do
		next = (ski_waitq_called(word) & ~clear) | set;
	/* Release: the notice that was put before is found by who sees MORE,
	 * in ski_waitq_work(). Acquire: the queue as its last worker left it.
	 * Failure only reloads. */
	while (!atomic_compare_exchange_weak_explicit(&q->word, &word, next,
						      memory_order_acq_rel,
						      memory_order_relaxed));
	return !(word & SKI_WAITQ_BUSY);
}

static void read_notices(struct ski_waitq *q, struct chain *going)
{
	/* Acquire: the notices. Pairs with ski_waitq_put(). */
	struct ski_notice *newest = atomic_exchange_explicit(
		&q->notices, NULL, memory_order_acquire);
	struct ski_notice *oldest = NULL;

	while (newest) {
		struct ski_notice *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct ski_notice *next = oldest->next;
		struct ski_ticket *ticket = oldest->ticket;

		if (!oldest->leaves) {
			ski_waitq_add(q, ticket);
		} else {
			if (ticket->queued)
				unlink_ticket(q, ticket);
			let_leave(going, ticket);
		}
		oldest = next;
	}
}

/* Let the first go if the rule still says so; *@word is brought up to date. */
static void let_first(struct ski_waitq *q, uint64_t *word, uint64_t next,
		      struct chain *going)
{
	struct ski_ticket *first = q->first;

	if (!take(first)) {
		/* It leaves a notice, and is told when that is read. */
		unlink_ticket(q, first);
		return;
	}
	/* Acquire: what was done under the lock before. Pairs with the unlock;
	 * telling the ticket passes it on. Release: keeps it for those that
	 * take the word as it is now. Failure: look at it again. */
	if (next == *word || atomic_compare_exchange_strong_explicit(
				     &q->word, word, next, memory_order_acq_rel,
				     memory_order_acquire)) {
		*word = next;
		unlink_ticket(q, first);
		let_go(going, first);
	} else if (!give_back(first)) {
		unlink_ticket(q, first);
		let_leave(going, first);
	}
}

/* What there is to do according to the word, which is returned without MORE. */
static uint64_t begin(struct ski_waitq *q)
{
	/* Acquire: the notices of whoever set MORE are seen. Pairs with
	 * ski_waitq_call(). */
	uint64_t word = atomic_load_explicit(&q->word, memory_order_acquire);

	if (word & SKI_WAITQ_MORE)
		word = atomic_fetch_and_explicit(&q->word, ~SKI_WAITQ_MORE,
						 memory_order_acquire);
	return word & ~SKI_WAITQ_MORE;
}

/* Give BUSY back; false: there is more to do, or the word is another. */
static bool end(struct ski_waitq *q, uint64_t word, uint64_t of_waiters)
{
	uint64_t next = word & ~SKI_WAITQ_BUSY;

	if (word & SKI_WAITQ_MORE)
		return false;
	if (!q->first)
		next &= ~(SKI_WAITQ_WAITERS | of_waiters);
	/* Release: the queue, to who works at it next. Pairs with
	 * ski_waitq_call() and the others that set BUSY. */
	return atomic_compare_exchange_strong_explicit(&q->word, &word, next,
						       memory_order_release,
						       memory_order_relaxed);
}

struct ski_ticket *ski_waitq_work(struct ski_waitq *q,
				  const struct ski_waitq_kind *kind)
{
	struct chain going = { NULL, &going.first };
	uint64_t word, next;

	do {
		word = begin(q);
		read_notices(q, &going);
		while (q->first && kind->rule(q->first, word, &next))
			let_first(q, &word, next, &going);
	} while (!end(q, word, kind->of_waiters));
	return going.first;
}
