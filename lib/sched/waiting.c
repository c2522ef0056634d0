/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include "alarm.h"
#include "pool.h"

/* The explorer shortens it. */
#ifndef SKI_WAITING_SPINS
#define SKI_WAITING_SPINS 4 /* looks, each after twice the pauses */
#endif

/* Before the first look: whoever has it does some hundred nanoseconds of work
 * with its line undisturbed. Looking at once, two that only count under a lock
 * hand it to and fro, at the price of a cache miss each time. */
enum {
	FIRST_PAUSES = 16
};

void ski_waiting_ticket(struct ski_ticket *ticket, int64_t deadline_ns,
			uint64_t rank)
{
	struct ski_worker *worker = ski_worker_self();

	ski_ticket_init(ticket, worker ? worker->fiber : NULL, deadline_ns >= 0,
			rank);
}

/* To the teller, the last touch of a ticket. */
static void tell(struct ski_ticket *ticket)
{
	struct ski_fiber *fiber = ticket->fiber;
	const void *address = &ticket->state;

	if (!ski_ticket_tell(ticket))
		return;
	if (fiber) {
		ski_fiber_resume(fiber);
		return;
	}
	ski_futex_wake(address, 1);
	if (ski_self)
		ski_self->woke_thread = true;
}

void ski_waiting_tell(struct ski_ticket *list)
{
	while (list) {
		struct ski_ticket *next = list->next;

		tell(list);
		list = next;
	}
}

void ski_waiting_work(struct ski_waitq *q, const struct ski_waitq_kind *kind)
{
	struct ski_ticket *list = ski_waitq_work(q, kind);

	if (kind->tell)
		kind->tell(list);
	else
		ski_waiting_tell(list);
}

void ski_waiting_come(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		      struct ski_ticket *ticket, uint64_t clear, uint64_t set)
{
	ski_waitq_put(q, &ticket->come);
	if (ski_waitq_call(q, clear, set))
		ski_waiting_work(q, kind);
}

static uint32_t state_of(struct ski_ticket *ticket)
{
	/* Acquire: the verdict, and what the object guards. Pairs with
	 * ski_ticket_tell(). */
	return atomic_load_explicit(&ticket->state, memory_order_acquire);
}

static void sleep_thread(struct ski_ticket *ticket, int64_t deadline_ns)
{
	uint32_t state;

	while ((state = state_of(ticket)) != SKI_TICKET_TOLD &&
	       state != SKI_TICKET_EXPIRED) {
		if (!ski_futex_wait(&ticket->state, state, deadline_ns))
			continue;
		ski_ticket_expire(ticket);
		deadline_ns = -1;
	}
}

static void sleep_until(struct ski_ticket *ticket, int64_t deadline_ns)
{
	struct ski_fiber *fiber = ticket->fiber;

	if (fiber)
		ski_alarm_ticket(fiber->home, ticket, deadline_ns);
	else
		sleep_thread(ticket, deadline_ns);
}

/* Out of the queue: who works at it sees to that. */
static void leave(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		  struct ski_ticket *ticket)
{
	uint32_t state = SKI_TICKET_EXPIRED;

	ski_waitq_put(q, &ticket->leave);
	if (ski_waitq_call(q, 0, 0))
		ski_waiting_work(q, kind);
	/* Relaxed: who tells resumes us if it finds LEAVING, and publishes the
	 * verdict either way. Failure: told, which is looked at below. */
	if (atomic_compare_exchange_strong_explicit(
		    &ticket->state, &state, SKI_TICKET_LEAVING,
		    memory_order_relaxed, memory_order_relaxed))
		sleep_until(ticket, -1);
}

int ski_waiting_stay(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		     struct ski_ticket *ticket, int64_t deadline_ns)
{
	sleep_until(ticket, deadline_ns);
	if (state_of(ticket) == SKI_TICKET_EXPIRED) {
		leave(q, kind, ticket);
		/* TOLD by now; acquires. */
		(void)state_of(ticket);
	}
	return ticket->verdict;
}

int ski_waiting_wait(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		     uint64_t rank, void *of, int64_t deadline_ns)
{
	struct ski_ticket ticket;

	ski_waiting_ticket(&ticket, deadline_ns, rank);
	ticket.of = of;
	ski_waiting_come(q, kind, &ticket, 0, 0);
	return ski_waiting_stay(q, kind, &ticket, deadline_ns);
}

/* A task that is alone on its pool's only worker waits for itself. */
static bool others_run(void)
{
	struct ski_worker *worker = ski_worker_self();

	return !worker || ski_pool_target(worker->pool) > 1;
}

bool ski_waiting_spin(struct ski_waitq *q, bool (*get)(struct ski_waitq *q))
{
	if (get(q))
		return true;
	if (!others_run())
		return false;
	for (int round = 0; round < SKI_WAITING_SPINS; round++) {
		for (int i = 0; i < FIRST_PAUSES << round; i++)
			ski_pause();
		if (get(q))
			return true;
		/* Relaxed: a look. */
		if (atomic_load_explicit(&q->word, memory_order_relaxed) &
		    SKI_WAITQ_WAITERS)
			return false;
	}
	return false;
}

int ski_waiting_unused(struct ski_waitq *q, uint64_t idle)
{
	/* Acquire: what others did to the object. Pairs with the unlock of the
	 * last one. */
	uint64_t word = atomic_load_explicit(&q->word, memory_order_acquire);

	return word & ~idle ? SKUA_EBUSY : 0;
}
