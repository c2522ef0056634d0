/* SPDX-License-Identifier: MIT */
/*
 * The inbox of a worker: a lock-free list of what is resumed there, and at the
 * same time the word that the worker sleeps on.
 *
 *	0		awake, nothing there
 *	ASLEEP		asleep or about to be (| NAP: it wakes by itself soon)
 *	NAP		alone: wants its list and no work (blocked, isolated)
 *	CLAIMED		somebody woke it to look for work
 *	node [| CLAIMED]	a list, newest first
 *
 * Nodes are pushed by any thread and taken by the owner, all at once: no ABA.
 * After a push or a claim that found ASLEEP, whoever did it owes one
 * FUTEX_WAKE by address and touches nothing else of the worker: it may be gone
 * by then. Protocol: docs/design/parking.md.
 */
#ifndef SKI_INBOX_H
#define SKI_INBOX_H

#include "hooks.h"

#define SKI_INBOX_ASLEEP ((uintptr_t)1)
#define SKI_INBOX_CLAIMED ((uintptr_t)2)
#define SKI_INBOX_NAP ((uintptr_t)4)
#define SKI_INBOX_FLAGS ((uintptr_t)7)

/* First in what is pushed; aligned, so that the flags have room. */
struct ski_inbox_node {
	_Alignas(8) struct ski_inbox_node *next;
};

struct ski_inbox {
	_Atomic(uintptr_t) word; /* A */
};

/* The half of the word that the futex compares: it holds the flags. */
static inline const void *ski_inbox_address(const struct ski_inbox *inbox)
{
	const char *address = (const char *)inbox;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	address += sizeof(inbox->word) - 4;
#endif
	return address;
}

static inline bool ski_inbox_empty(struct ski_inbox *inbox)
{
	/* Relaxed: a look; ski_inbox_take() acquires. */
	return !atomic_load_explicit(&inbox->word, memory_order_relaxed);
}

/*
 * Any thread: returns whether a wake is owed. Once the push has happened the
 * owner may free the inbox: @inbox is only an address after that.
 */
static inline bool ski_inbox_push(struct ski_inbox *inbox,
				  struct ski_inbox_node *node)
{
	/* Relaxed: the CAS checks it; the link is not followed here. */
	uintptr_t old =
		atomic_load_explicit(&inbox->word, memory_order_relaxed);

	do
		node->next = (struct ski_inbox_node *)(old & ~SKI_INBOX_FLAGS);
	/* Release: the node and what its pusher did before. Pairs with
	 * ski_inbox_take(); a later push is an RMW and keeps the sequence.
	 * Failure only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&inbox->word, &old, (uintptr_t)node | (old & SKI_INBOX_CLAIMED),
		memory_order_release, memory_order_relaxed));
	return old & (SKI_INBOX_ASLEEP | SKI_INBOX_NAP);
}

/* Owner: everything, flags included; the word is 0 afterwards. */
static inline uintptr_t ski_inbox_take(struct ski_inbox *inbox)
{
	/* Acquire: the nodes. Pairs with ski_inbox_push(), and with
	 * ski_inbox_claim() for what the claimer published. */
	return atomic_exchange_explicit(&inbox->word, 0, memory_order_acquire);
}

static inline struct ski_inbox_node *ski_inbox_list(uintptr_t taken)
{
	return (struct ski_inbox_node *)(taken & ~SKI_INBOX_FLAGS);
}

/* Owner: 0 -> @how: ASLEEP, ASLEEP | NAP, or NAP. False: something was pushed.
 * The futex compares with the same value. */
static inline bool ski_inbox_lie_down(struct ski_inbox *inbox, uintptr_t how)
{
	uintptr_t expected = 0;

	/* Relaxed: published by the announcement that follows
	 * (ski_parking_announce(), release). Failure: the caller takes. */
	return atomic_compare_exchange_strong_explicit(&inbox->word, &expected,
						       how,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

/* Any thread that keeps the pool alive: wake one that only waits for its list.
 * Returns whether a wake is owed. */
static inline bool ski_inbox_rouse(struct ski_inbox *inbox)
{
	uintptr_t expected = SKI_INBOX_NAP;

	/* Release: why. Pairs with ski_inbox_take(). Failure: it is awake, or
	 * asleep in another way. */
	return atomic_compare_exchange_strong_explicit(&inbox->word, &expected,
						       0, memory_order_release,
						       memory_order_relaxed);
}

/*
 * Any thread that keeps the pool alive: claim a sleeper. @nappers: those too
 * that wake by themselves. Returns 0, or what was there before (ASLEEP, or
 * with NAP); then a wake is owed.
 */
static inline uintptr_t ski_inbox_claim(struct ski_inbox *inbox, bool nappers)
{
	/* Relaxed: the CAS checks it. */
	uintptr_t old =
		atomic_load_explicit(&inbox->word, memory_order_relaxed);

	while (old & SKI_INBOX_ASLEEP) {
		if ((old & SKI_INBOX_NAP) && !nappers)
			return 0;
		/* Release: what was published goes with the wake. Pairs with
		 * ski_inbox_take(). Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &inbox->word, &old, SKI_INBOX_CLAIMED,
			    memory_order_release, memory_order_relaxed))
			return old;
	}
	return 0;
}

#endif
