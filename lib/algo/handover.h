/* SPDX-License-Identifier: MIT */
/*
 * At a stage that takes one item at a time: whoever comes while it is taken
 * leaves its token there, and whoever leaves the stage takes one along for
 * somebody to carry on. Nobody waits, and no token is forgotten. The gate lets
 * tokens in about as they come, the queue as they are numbered.
 *
 * What is to be carried on by anybody stands in one list, where those who have
 * nothing else to carry look; whoever puts something there sees to it that one
 * more will come.
 *
 * Called by pipeline.c. Protocol: docs/design/pipeline.md. Explored:
 * test/explore/scenario_pipeline.c.
 */
#ifndef SKI_HANDOVER_H
#define SKI_HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An item under way. Who carries it owns it. */
struct ski_token {
	struct ski_token *next;
	void *item;
	uint64_t number; /* of its item, from 0 on */
	size_t stage; /* that it is on its way to, or in */
};

/* ---- as they come ---- */

/*
 * word: NULL, nobody is in the stage; else somebody is, and the tokens that
 * came meanwhile are a list, newest first, which ends with TAKEN.
 */
struct ski_gate {
	_Atomic(struct ski_token *) word; /* A */
	struct ski_token *line; /* who is in the stage: those taken off the
				 * word, oldest first */
};

static inline struct ski_token *ski_gate_taken(void)
{
	static struct ski_token taken;

	return &taken;
}

/* True: the caller is in the stage. False: its token is somebody else's. */
static inline bool ski_gate_enter(struct ski_gate *gate,
				  struct ski_token *token)
{
	/* Relaxed: the CAS checks it. */
	struct ski_token *old =
		atomic_load_explicit(&gate->word, memory_order_relaxed);
	struct ski_token *new;

	do {
		token->next = old;
		new = old ? token : ski_gate_taken();
		/* Acquire, into the empty stage: what was done there; pairs
		 * with the release in ski_gate_leave(). Release, into the list:
		 * the token; pairs with the exchange there. Failure: tried
		 * again. */
	} while (!atomic_compare_exchange_weak_explicit(&gate->word, &old, new,
							memory_order_acq_rel,
							memory_order_relaxed));
	return !old;
}

/* Who is in the stage: leave it to the token that is returned, to be carried on
 * from inside the stage, or to nobody: NULL. */
static inline struct ski_token *ski_gate_leave(struct ski_gate *gate)
{
	struct ski_token *old = ski_gate_taken();
	struct ski_token *token;

	if (!gate->line) {
		/* Release: what was done in the stage. Pairs with
		 * ski_gate_enter(). Relaxed, of failure: the exchange has it. */
		if (atomic_compare_exchange_strong_explicit(
			    &gate->word, &old, NULL, memory_order_release,
			    memory_order_relaxed))
			return NULL;
		/* Acquire: the tokens. Pairs with ski_gate_enter(). */
		token = atomic_exchange_explicit(&gate->word, ski_gate_taken(),
						 memory_order_acquire);
		while (token != ski_gate_taken()) {
			struct ski_token *next = token->next;

			token->next = gate->line;
			gate->line = token;
			token = next;
		}
	}
	token = gate->line;
	gate->line = token->next;
	return token;
}

/* ---- in order ---- */

/*
 * A ring with a place for each number under way. A place is NULL: neither has
 * its token come nor its turn; TURN: it is its turn, and the token has not come;
 * or the token, whose turn has not come. Each pair of neighbours settles between
 * themselves who of them goes on with the second one.
 *
 *	numbers under way < the first that has not left + places
 */
struct ski_turns {
	_Atomic(struct ski_token *) *place; /* A */
	uint64_t mask; /* I: places - 1 */
};

static inline struct ski_token *ski_turns_turn(void)
{
	static struct ski_token turn;

	return &turn;
}

/* As ski_gate_enter(). */
static inline bool ski_turns_enter(struct ski_turns *turns,
				   struct ski_token *token)
{
	_Atomic(struct ski_token *) *place =
		&turns->place[token->number & turns->mask];
	struct ski_token *old = NULL;

	/* Release: the token. Acquire, of failure: what was done in the stage.
	 * Both pair with ski_turns_leave(). */
	if (atomic_compare_exchange_strong_explicit(place, &old, token,
						    memory_order_release,
						    memory_order_acquire))
		return false;
	/* Relaxed: it is used again only by who has come by all this. */
	atomic_store_explicit(place, NULL, memory_order_relaxed);
	return true;
}

/* As ski_gate_leave(), of the token with @number. */
static inline struct ski_token *ski_turns_leave(struct ski_turns *turns,
						uint64_t number)
{
	_Atomic(struct ski_token *) *place =
		&turns->place[(number + 1) & turns->mask];
	struct ski_token *old = NULL;

	/* Release: what was done in the stage. Acquire, of failure: the token.
	 * Both pair with ski_turns_enter(). */
	if (atomic_compare_exchange_strong_explicit(
		    place, &old, ski_turns_turn(), memory_order_release,
		    memory_order_acquire))
		return NULL;
	/* Relaxed: as in ski_turns_enter(). */
	atomic_store_explicit(place, NULL, memory_order_relaxed);
	return old;
}

/* ---- to be carried on ---- */

/*
 * Tokens that nobody carries, each inside its stage. Carriers take them, in
 * whatever order. called: one more carrier is going to begin, so nobody else
 * need see to it that they are taken.
 */
struct ski_ready {
	_Atomic(struct ski_token *) list; /* A */
	_Atomic(bool) called; /* A */
};

/* True: the caller has to call a carrier. False: one will come, and finds what
 * was put here before. */
static inline bool ski_ready_must_call(struct ski_ready *ready)
{
	/* Release: the list. An RMW: one that was called before this comes
	 * after it. Pairs with ski_ready_come(). */
	return !atomic_exchange_explicit(&ready->called, true,
					 memory_order_release);
}

/* A list of tokens, from @first to @last, is to be carried. As
 * ski_ready_must_call(). */
static inline bool ski_ready_put(struct ski_ready *ready,
				 struct ski_token *first,
				 struct ski_token *last)
{
	/* Relaxed: the CAS checks it. */
	struct ski_token *old =
		atomic_load_explicit(&ready->list, memory_order_relaxed);

	do
		last->next = old;
	/* Release: the tokens, and what was done in their stages. Pairs with
	 * ski_ready_take(). Failure: tried again. */
	while (!atomic_compare_exchange_weak_explicit(&ready->list, &old, first,
						      memory_order_release,
						      memory_order_relaxed));
	return ski_ready_must_call(ready);
}

/* The carrier that was called has come; or it will not, and its caller, who is
 * one too, is it. */
static inline void ski_ready_come(struct ski_ready *ready)
{
	/* Acquire: the list. An RMW: it has what those put there who relied on
	 * this one. Pairs with ski_ready_must_call(). */
	atomic_exchange_explicit(&ready->called, false, memory_order_acquire);
}

/* A list of all, or NULL. */
static inline struct ski_token *ski_ready_take(struct ski_ready *ready)
{
	/* Relaxed: taken below. */
	if (!atomic_load_explicit(&ready->list, memory_order_relaxed))
		return NULL;
	/* Acquire: the tokens. Pairs with ski_ready_put(). */
	return atomic_exchange_explicit(&ready->list, NULL,
					memory_order_acquire);
}

#endif
