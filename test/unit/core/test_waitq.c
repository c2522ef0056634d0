/* SPDX-License-Identifier: MIT */
/*
 * test_waitq.c - the queue of those who wait: its order, who works at it, and
 * what becomes of a ticket whose time runs out at each of its states.
 */
#include "core_test.h"
#include "waitq.h"

#include <skua/error.h>

#define OPEN (UINT64_C(1) << SKI_WAITQ_SHIFT)

static struct ski_waitq q;
static struct ski_ticket *closes_on; /* the gate closes as this one is asked */

/* While the gate is open all may go, and each leaves it open. */
static bool when_open(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	first->verdict = 0;
	*next = word + (OPEN << 1);
	if (!(word & OPEN))
		return false;
	if (first == closes_on)
		atomic_fetch_and_explicit(&q.word, ~OPEN, memory_order_relaxed);
	return true;
}

static const struct ski_waitq_kind kind = { when_open, OPEN << 40, NULL };

static void open_gate(void)
{
	atomic_fetch_or_explicit(&q.word, OPEN, memory_order_relaxed);
}

static bool come(struct ski_ticket *ticket, bool timed, uint64_t rank)
{
	ski_ticket_init(ticket, NULL, timed, rank);
	ski_waitq_put(&q, &ticket->come);
	return ski_waitq_call(&q, 0, 0);
}

static struct ski_ticket *work(void)
{
	return ski_waitq_work(&q, &kind);
}

static uint64_t word(void)
{
	return atomic_load_explicit(&q.word, memory_order_relaxed);
}

static uint32_t state_of(struct ski_ticket *ticket)
{
	return atomic_load_explicit(&ticket->state, memory_order_relaxed);
}

static void reset(void)
{
	memset(&q, 0, sizeof(q));
	closes_on = NULL;
}

Test(waitq, lets_go_in_order_of_coming_and_rank, .timeout = LIMIT,
     .init = reset)
{
	static const uint64_t ranks[] = { 5, 5, 7, 5, 3, 7, 4 };
	static const unsigned order[] = { 4, 6, 0, 1, 3, 2, 5 };
	struct ski_ticket tickets[COUNT_OF(ranks)];
	struct ski_ticket *going;

	for (size_t i = 0; i < COUNT_OF(ranks); i++) {
		cr_assert(come(&tickets[i], false, ranks[i]));
		cr_assert(!work());
		cr_assert_eq(word(), SKI_WAITQ_WAITERS);
	}
	open_gate();
	cr_assert(ski_waitq_call(&q, 0, 0));
	going = work();
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		cr_assert_eq(going, &tickets[order[i]], "place %zu", i);
		cr_assert_eq(going->verdict, 0);
		going = going->next;
	}
	cr_assert(!going);
	cr_assert_eq(word(), OPEN + COUNT_OF(order) * (OPEN << 1));
}

/* Ranks are a count that goes round. */
Test(waitq, orders_ranks_that_go_round, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket before, after;

	come(&after, false, 1);
	work();
	come(&before, false, UINT64_MAX - 1);
	work();
	open_gate();
	ski_waitq_call(&q, 0, 0);
	cr_assert_eq(work(), &before);
	cr_assert_eq(before.next, &after);
}

Test(waitq, who_finds_it_busy_leaves_the_work, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket first, second;

	cr_assert(come(&first, false, 0));
	cr_assert(!come(&second, false, 0));
	cr_assert_eq(word(),
		     SKI_WAITQ_WAITERS | SKI_WAITQ_BUSY | SKI_WAITQ_MORE);
	cr_assert(!ski_waitq_call(&q, 0, OPEN | (OPEN << 40)));
	cr_assert_eq(work(), &first);
	cr_assert_eq(first.next, &second);
	/* What goes with the last one has gone. */
	cr_assert_eq(word(), OPEN + 2 * (OPEN << 1));
}

Test(waitq, one_that_expired_leaves, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket stays, leaves;

	come(&leaves, true, 0);
	work();
	come(&stays, false, 0);
	work();
	cr_assert(ski_ticket_expire(&leaves));
	ski_waitq_put(&q, &leaves.leave);
	cr_assert(ski_waitq_call(&q, 0, 0));
	cr_assert_eq(work(), &leaves);
	cr_assert(!leaves.next);
	cr_assert_eq(leaves.verdict, SKUA_ETIMEDOUT);
	cr_assert(!ski_ticket_tell(&leaves), "it is awake");
	cr_assert_eq(state_of(&leaves), SKI_TICKET_TOLD);
	cr_assert_eq(word(), SKI_WAITQ_WAITERS);
	cr_assert_eq(q.first, &stays);
	cr_assert_eq(q.last, &stays);
}

/* It may come and leave before anybody has looked. */
Test(waitq, one_comes_and_leaves_at_once, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket ticket;

	come(&ticket, true, 0);
	cr_assert(ski_ticket_expire(&ticket));
	ski_waitq_put(&q, &ticket.leave);
	cr_assert(!ski_waitq_call(&q, 0, 0));
	cr_assert_eq(work(), &ticket);
	cr_assert_eq(ticket.verdict, SKUA_ETIMEDOUT);
	cr_assert_eq(word(), 0);
}

Test(waitq, one_that_expired_is_passed_over, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket gone, next;

	come(&gone, true, 0);
	work();
	come(&next, true, 0);
	work();
	cr_assert(ski_ticket_expire(&gone));
	open_gate();
	ski_waitq_call(&q, 0, 0);
	cr_assert_eq(work(), &next);
	cr_assert(!next.next);
	cr_assert_eq(word(), OPEN + (OPEN << 1), "it took nothing");
	/* Its notice comes late. */
	ski_waitq_put(&q, &gone.leave);
	cr_assert(ski_waitq_call(&q, 0, 0));
	cr_assert_eq(work(), &gone);
	cr_assert_eq(gone.verdict, SKUA_ETIMEDOUT);
}

Test(waitq, one_that_is_taken_cannot_expire, .timeout = LIMIT, .init = reset)
{
	struct ski_ticket ticket;

	come(&ticket, true, 0);
	open_gate();
	cr_assert_eq(work(), &ticket);
	cr_assert_eq(state_of(&ticket), SKI_TICKET_TAKEN);
	cr_assert(!ski_ticket_expire(&ticket));
	cr_assert_eq(state_of(&ticket), SKI_TICKET_LATE);
	cr_assert(!ski_ticket_expire(&ticket));
	cr_assert(ski_ticket_tell(&ticket), "it sleeps");
	cr_assert(!ski_ticket_expire(&ticket));
	cr_assert_eq(state_of(&ticket), SKI_TICKET_TOLD);
}

/* The word is changed between the rule and the CAS. */
Test(waitq, one_that_cannot_go_after_all_waits_on, .timeout = LIMIT,
     .init = reset)
{
	struct ski_ticket ticket;

	open_gate();
	closes_on = &ticket;
	come(&ticket, true, 0);
	cr_assert(!work());
	cr_assert_eq(state_of(&ticket), SKI_TICKET_WAITING);
	cr_assert_eq(q.first, &ticket);
	cr_assert_eq(word(), SKI_WAITQ_WAITERS);
}

/* Timers and who works at it race for the tickets of one queue; each goes once,
 * and either had what it took or did not. */
enum {
	ROUNDS = 20000
};

static struct ski_ticket raced;
static atomic_uint round_number;
static atomic_bool expired;

static void *run_timer(void *arg)
{
	for (unsigned i = 1; i <= SCALED(ROUNDS); i++) {
		while (atomic_load(&round_number) < i)
			sched_yield();
		atomic_store(&expired, ski_ticket_expire(&raced));
		atomic_store(&round_number, 0);
	}
	return arg;
}

/* Returns its verdict; @timer runs meanwhile. */
static int race(unsigned i)
{
	struct ski_ticket *going;

	ski_ticket_init(&raced, NULL, true, 0);
	ski_waitq_put(&q, &raced.come);
	cr_assert(ski_waitq_call(&q, 0, OPEN));
	atomic_store(&round_number, i);
	going = work();
	while (atomic_load(&round_number))
		sched_yield();
	if (!going) {
		cr_assert(atomic_load(&expired));
		ski_waitq_put(&q, &raced.leave);
		cr_assert(ski_waitq_call(&q, 0, 0));
		going = work();
	} else {
		cr_assert(!atomic_load(&expired));
	}
	cr_assert_eq(going, &raced);
	cr_assert(!raced.queued);
	return raced.verdict;
}

Test(waitq, timers_race_for_tickets, .timeout = LIMIT, .init = reset)
{
	uint64_t went = 0;
	pthread_t timer;

	cr_assert_eq(pthread_create(&timer, NULL, run_timer, NULL), 0);
	for (unsigned i = 1; i <= SCALED(ROUNDS); i++)
		went += race(i) == 0;
	cr_assert_eq(pthread_join(timer, NULL), 0);
	cr_assert_eq(word(), OPEN + went * (OPEN << 1));
}
