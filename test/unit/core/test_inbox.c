/* SPDX-License-Identifier: MIT */
/*
 * The inbox: each call in each state of the word, and several threads that push
 * to one that sleeps: no node and no wake is lost, nobody is claimed twice.
 */
#include "core_test.h"

#include "futex.h"
#include "inbox.h"

TestSuite(inbox, .timeout = LIMIT);

#define ASLEEP SKI_INBOX_ASLEEP
#define CLAIMED SKI_INBOX_CLAIMED
#define NAP SKI_INBOX_NAP

static const uintptr_t ways_to_lie[] = { ASLEEP, ASLEEP | NAP, NAP };

static uintptr_t word_of(struct ski_inbox *inbox)
{
	return atomic_load_explicit(&inbox->word, memory_order_relaxed);
}

Test(inbox, newest_first)
{
	struct ski_inbox inbox = { 0 };
	struct ski_inbox_node a, b, c;
	uintptr_t taken;

	cr_expect(ski_inbox_empty(&inbox));
	cr_expect_eq(ski_inbox_take(&inbox), 0);
	cr_expect_not(ski_inbox_push(&inbox, &a));
	cr_expect_not(ski_inbox_push(&inbox, &b));
	cr_expect_not(ski_inbox_push(&inbox, &c));
	cr_expect_not(ski_inbox_empty(&inbox));
	taken = ski_inbox_take(&inbox);
	cr_expect_eq(taken & SKI_INBOX_FLAGS, 0);
	cr_expect_eq(ski_inbox_list(taken), &c);
	cr_expect_eq(c.next, &b);
	cr_expect_eq(b.next, &a);
	cr_expect_null(a.next);
	cr_expect(ski_inbox_empty(&inbox));
	cr_expect_null(ski_inbox_list(0));
}

/* The flags fit below the address of a node. */
Test(inbox, room_for_flags)
{
	cr_expect_gt(_Alignof(struct ski_inbox_node), SKI_INBOX_FLAGS);
}

Test(inbox, push_to_a_sleeper_owes_a_wake)
{
	for (size_t i = 0; i < COUNT_OF(ways_to_lie); i++) {
		struct ski_inbox inbox = { 0 };
		struct ski_inbox_node a, b;

		cr_expect(ski_inbox_lie_down(&inbox, ways_to_lie[i]));
		cr_expect_eq(word_of(&inbox), ways_to_lie[i]);
		cr_expect_not(ski_inbox_empty(&inbox));
		cr_expect(ski_inbox_push(&inbox, &a));
		/* Once: the second finds it awake. */
		cr_expect_not(ski_inbox_push(&inbox, &b));
		cr_expect_eq(word_of(&inbox), (uintptr_t)&b);
		cr_expect_eq(ski_inbox_take(&inbox), (uintptr_t)&b);
		cr_expect_eq(b.next, &a);
		cr_expect_null(a.next);
	}
}

Test(inbox, nobody_lies_down_on_something)
{
	for (size_t i = 0; i < COUNT_OF(ways_to_lie); i++) {
		struct ski_inbox inbox = { 0 };
		struct ski_inbox_node a;

		ski_inbox_push(&inbox, &a);
		cr_expect_not(ski_inbox_lie_down(&inbox, ways_to_lie[i]));
		cr_expect_eq(ski_inbox_take(&inbox), (uintptr_t)&a);
		atomic_init(&inbox.word, CLAIMED);
		cr_expect_not(ski_inbox_lie_down(&inbox, ways_to_lie[i]));
		cr_expect_eq(ski_inbox_take(&inbox), CLAIMED);
		cr_expect(ski_inbox_lie_down(&inbox, ways_to_lie[i]));
	}
}

/* What a claim returns, and what it leaves, in each state of the word. */
Test(inbox, claim)
{
	static struct ski_inbox_node node;
	const uintptr_t list = (uintptr_t)&node;
	const struct {
		uintptr_t before;
		bool nappers;
		uintptr_t returned, after;
	} cases[] = {
		{ 0, false, 0, 0 },
		{ 0, true, 0, 0 },
		{ ASLEEP, false, ASLEEP, CLAIMED },
		{ ASLEEP, true, ASLEEP, CLAIMED },
		{ ASLEEP | NAP, false, 0, ASLEEP | NAP },
		{ ASLEEP | NAP, true, ASLEEP | NAP, CLAIMED },
		{ NAP, false, 0, NAP },
		{ NAP, true, 0, NAP },
		{ CLAIMED, false, 0, CLAIMED },
		{ CLAIMED, true, 0, CLAIMED },
		{ list, false, 0, list },
		{ list, true, 0, list },
		{ list | CLAIMED, false, 0, list | CLAIMED },
		{ list | CLAIMED, true, 0, list | CLAIMED },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ski_inbox inbox = { cases[i].before };

		cr_expect_eq(ski_inbox_claim(&inbox, cases[i].nappers),
			     cases[i].returned, "case %zu", i);
		cr_expect_eq(word_of(&inbox), cases[i].after, "case %zu", i);
	}
}

Test(inbox, a_claim_stays_with_the_list)
{
	struct ski_inbox inbox = { 0 };
	struct ski_inbox_node a, b;
	uintptr_t taken;

	ski_inbox_lie_down(&inbox, ASLEEP);
	cr_expect_eq(ski_inbox_claim(&inbox, false), ASLEEP);
	cr_expect_not(ski_inbox_push(&inbox, &a));
	cr_expect_not(ski_inbox_push(&inbox, &b));
	taken = ski_inbox_take(&inbox);
	cr_expect_eq(taken, (uintptr_t)&b | CLAIMED);
	cr_expect_eq(ski_inbox_list(taken), &b);
	cr_expect_eq(b.next, &a);
	cr_expect_null(a.next);
}

/* The futex compares the half of the word that has the flags. */
Test(inbox, address)
{
	struct ski_inbox inbox = { 0 };
	uint32_t half;

	for (size_t i = 0; i < COUNT_OF(ways_to_lie); i++) {
		atomic_init(&inbox.word, ways_to_lie[i]);
		memcpy(&half, ski_inbox_address(&inbox), sizeof(half));
		cr_expect_eq(half, ways_to_lie[i]);
		cr_expect_eq((uintptr_t)ski_inbox_address(&inbox) % 4, 0);
	}
}

/* ---- several threads ---- */

enum {
	PUSHERS = 4,
	CLAIMERS = 2,
	OWNER = PUSHERS + CLAIMERS,
	EACH = SCALED(10000),
};

struct letter {
	struct ski_inbox_node node;
	unsigned from, number; /* plain: published by the push */
};

static struct ski_inbox mailbox;
static struct letter letters[PUSHERS][EACH];
static atomic_uint received[PUSHERS];
static atomic_uint wakes, claims, claims_seen, sleeps;
static atomic_bool over;

static void add(atomic_uint *count)
{
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* One in three is waited for: nobody else wakes the owner then. */
static void push_letters(unsigned self)
{
	uint64_t random = random_stream(self);
	const void *address = ski_inbox_address(&mailbox);

	for (unsigned i = 0; i < EACH; i++) {
		letters[self][i].from = self;
		letters[self][i].number = i;
		if (ski_inbox_push(&mailbox, &letters[self][i].node)) {
			add(&wakes);
			ski_futex_wake(address, 1);
		}
		if (random_below(&random, 3) && i < EACH - 1)
			continue;
		while (atomic_load_explicit(&received[self],
					    memory_order_acquire) <= i)
			sched_yield();
	}
}

static void claim_owner(unsigned self)
{
	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		if (ski_inbox_claim(&mailbox, self % 2)) {
			add(&claims);
			ski_futex_wake(ski_inbox_address(&mailbox), 1);
		}
		sched_yield();
		sched_yield();
	}
}

/* Newest first: turned round they are in the order of each pusher. */
static unsigned read_letters(uintptr_t taken)
{
	struct ski_inbox_node *oldest = NULL;
	unsigned count = 0;

	for (struct ski_inbox_node *node = ski_inbox_list(taken); node;) {
		struct ski_inbox_node *next = node->next;

		node->next = oldest;
		oldest = node;
		node = next;
	}
	for (; oldest; oldest = oldest->next, count++) {
		struct letter *letter = (struct letter *)(void *)oldest;

		CHECK(letter->from < PUSHERS);
		CHECK(letter->number == received[letter->from]);
		atomic_fetch_add_explicit(&received[letter->from], 1,
					  memory_order_release);
	}
	return count;
}

static void lie_down_and_sleep(uintptr_t how)
{
	if (!ski_inbox_lie_down(&mailbox, how))
		return;
	/* Relaxed: the inbox is taken with acquire after. */
	while (atomic_load_explicit(&mailbox.word, memory_order_relaxed) ==
	       how) {
		add(&sleeps);
		ski_futex_wait(ski_inbox_address(&mailbox), (uint32_t)how, -1);
	}
}

static void own_mailbox(void)
{
	uint64_t random = random_stream(OWNER);

	for (unsigned left = PUSHERS * EACH; left > 0;) {
		uintptr_t taken;

		lie_down_and_sleep(ways_to_lie[random_below(&random, 3)]);
		taken = ski_inbox_take(&mailbox);
		CHECK(!(taken & (ASLEEP | NAP)));
		if (taken & CLAIMED)
			add(&claims_seen);
		left -= read_letters(taken);
	}
	atomic_store_explicit(&over, true, memory_order_relaxed);
}

static void push_claim_or_own(unsigned self)
{
	if (self == OWNER)
		own_mailbox();
	else if (self < PUSHERS)
		push_letters(self);
	else
		claim_owner(self);
}

Test(inbox, loses_neither_letter_nor_wake)
{
	crew_run(OWNER + 1, push_claim_or_own);
	for (int i = 0; i < PUSHERS; i++)
		cr_expect_eq(received[i], EACH);
	cr_expect_eq(claims_seen, claims);
	/* It did sleep, and was woken in both ways. */
	cr_expect_gt(sleeps, 0);
	cr_expect_gt(wakes, 0);
	cr_expect_gt(claims, 0);
	cr_expect_eq(ski_inbox_take(&mailbox), 0);
}

/* ---- an inbox that ends with what comes ---- */

enum {
	LIVES = SCALED(20000),
};

static _Atomic(struct ski_inbox *) current;

/* As a worker that leaves: who pushed has only the address after that. */
static void live_and_die(void)
{
	for (unsigned i = 0; i < LIVES; i++) {
		struct ski_inbox *inbox = calloc(1, sizeof(*inbox));
		uintptr_t how = ways_to_lie[i % 3];

		atomic_store_explicit(&current, inbox, memory_order_release);
		if (ski_inbox_lie_down(inbox, how))
			while (atomic_load_explicit(&inbox->word,
						    memory_order_relaxed) ==
			       how)
				ski_futex_wait(ski_inbox_address(inbox),
					       (uint32_t)how, -1);
		while (ski_inbox_empty(inbox))
			sched_yield();
		CHECK(ski_inbox_list(ski_inbox_take(inbox)) ==
		      &letters[0][0].node);
		free(inbox);
	}
}

static void push_once_each(void)
{
	uint64_t random = random_stream(0);

	for (unsigned i = 0; i < LIVES; i++) {
		struct ski_inbox *inbox;
		const void *address;

		while (!(inbox = atomic_exchange_explicit(
				 &current, NULL, memory_order_acquire)))
			sched_yield();
		if (random_below(&random, 2))
			sched_yield();
		address = ski_inbox_address(inbox);
		if (ski_inbox_push(inbox, &letters[0][0].node))
			ski_futex_wake(address, 1);
	}
}

static void push_or_die(unsigned self)
{
	if (self)
		push_once_each();
	else
		live_and_die();
}

Test(inbox, is_only_an_address_after_a_push)
{
	crew_run(2, push_or_die);
	cr_expect_null(atomic_load_explicit(&current, memory_order_relaxed));
}
