/* SPDX-License-Identifier: MIT */
/*
 * The hand-over of tokens at serial stages of a pipeline, lib/algo/handover.h:
 * each token comes by once, one at a time and in order where that is promised,
 * and each sees what the one before it did. A token that is left and forgotten
 * is one that has not come by in the end.
 *
 * Tasks are threads that carry tokens, and those that they are handed. Of the
 * list of those to be carried: no token is left there for ever, and each is
 * carried once. That a carrier that is called comes is the group's affair, here
 * a thread that is there for as long as there are tokens.
 */
#include "explore.h"

#include "handover.h"

enum {
	TOKENS = 3,
	PLACES = 4
};

static struct {
	struct ski_gate gate;
	struct ski_turns turns;
	_Atomic(struct ski_token *) place[PLACES];
	struct ski_token token[TOKENS];
	uint64_t tokens, numbers;
	/* Plain: who is in the stage. */
	uint64_t passed;
	uint64_t order[2 * PLACES];
} s;

static void work(const struct ski_token *token)
{
	ex_assert(s.passed < s.numbers);
	s.order[s.passed++] = token->number;
}

static void carry_by_gate(unsigned which)
{
	struct ski_token *token = &s.token[which];

	if (!ski_gate_enter(&s.gate, token))
		return;
	while (token) {
		work(token);
		token = ski_gate_leave(&s.gate);
	}
}

/* Carries it on with the next numbers too, as one that went all the way round.
 * Those that it is handed wait in a list. */
static void carry_by_turn(unsigned which)
{
	struct ski_token *list = &s.token[which];
	bool inside;

	list->next = NULL;
	inside = ski_turns_enter(&s.turns, list);
	while (inside) {
		struct ski_token *token = list, *next;

		list = token->next;
		work(token);
		next = ski_turns_leave(&s.turns, token->number);
		if (next) {
			next->next = list;
			list = next;
		}
		token->number += s.tokens;
		if (token->number < s.numbers &&
		    ski_turns_enter(&s.turns, token)) {
			token->next = list;
			list = token;
		}
		inside = list;
	}
}

static void gate_0(void)
{
	carry_by_gate(0);
}

static void gate_1(void)
{
	carry_by_gate(1);
}

static void gate_2(void)
{
	carry_by_gate(2);
}

/* It comes by twice. */
static void gate_again(void)
{
	carry_by_gate(0);
	carry_by_gate(2);
}

static void turn_0(void)
{
	carry_by_turn(0);
}

static void turn_1(void)
{
	carry_by_turn(1);
}

static void turn_2(void)
{
	carry_by_turn(2);
}

static void set_up(uint64_t tokens, uint64_t numbers, uint64_t places)
{
	s.tokens = tokens;
	s.numbers = numbers;
	s.turns.place = s.place;
	s.turns.mask = places - 1;
	for (unsigned i = 0; i < TOKENS; i++)
		s.token[i].number = i;
	atomic_store_explicit(&s.place[0], ski_turns_turn(),
			      memory_order_relaxed);
}

static void setup_two(void)
{
	set_up(2, 2, 2);
}

static void setup_three(void)
{
	set_up(3, 3, 4);
}

static void setup_round(void)
{
	set_up(2, 4, 2);
}

static void check_gate(void)
{
	ex_assert(s.passed == s.numbers);
	ex_assert(!atomic_load_explicit(&s.gate.word, memory_order_relaxed));
}

static void check_turns(void)
{
	ex_assert(s.passed == s.numbers);
	for (uint64_t i = 0; i < s.numbers; i++)
		ex_assert(s.order[i] == i);
	/* It is the turn of the one that follows, and of no other. */
	for (uint64_t i = 0; i <= s.turns.mask; i++)
		ex_assert(atomic_load_explicit(&s.place[i],
					       memory_order_relaxed) ==
			  (i == (s.numbers & s.turns.mask) ? ski_turns_turn() :
							     NULL));
}

/* ---- tokens to be carried ---- */

static struct {
	struct ski_ready ready;
	struct ski_token token[TOKENS];
	_Atomic(uint64_t) calls; /* not answered */
	_Atomic(uint64_t) carried;
	uint64_t tokens;
	uint64_t times[EX_THREADS][TOKENS];
} r;

static void call(void)
{
	/* Release: as a submit. */
	atomic_fetch_add_explicit(&r.calls, 1, memory_order_release);
}

/* As offer() in pipeline.c. */
static void offer(struct ski_token *first, struct ski_token *last)
{
	if (ski_ready_put(&r.ready, first, last))
		call();
}

/* As next_token() there, and carry(). */
static bool carry_next(void)
{
	struct ski_token *token = ski_ready_take(&r.ready);

	if (!token)
		return false;
	if (token->next) {
		struct ski_token *last = token->next;

		while (last->next)
			last = last->next;
		offer(token->next, last);
	}
	/* Plain: who put it there wrote it. */
	ex_assert(token->item == &r);
	++r.times[ex_self()][token - r.token];
	atomic_fetch_add_explicit(&r.carried, 1, memory_order_relaxed);
	return true;
}

static void put(unsigned which)
{
	struct ski_token *token = &r.token[which];

	token->item = &r;
	offer(token, token);
}

/* Goes on with its own token, and looks for no others. */
static void put_0(void)
{
	put(0);
}

static void put_1(void)
{
	put(1);
}

/* Carries the first itself, if it is still there. */
static void put_two(void)
{
	put(0);
	(void)carry_next();
	put(1);
}

/* As a carrier that has left its token somewhere. */
static void put_and_look(void)
{
	put(1);
	while (carry_next())
		;
}

/* As a carrier that could not call anybody. */
static void put_and_fail(void)
{
	struct ski_token *token = &r.token[0];

	token->item = &r;
	if (ski_ready_put(&r.ready, token, token))
		ski_ready_come(&r.ready);
	while (carry_next())
		;
}

/* A carrier for each call. */
static void come(void)
{
	uint64_t calls;

	for (;;) {
		ex_await((calls = atomic_load_explicit(&r.calls,
						       memory_order_acquire)) ||
			 atomic_load_explicit(
				 &r.carried, memory_order_relaxed) == r.tokens);
		if (!calls)
			return;
		atomic_fetch_sub_explicit(&r.calls, 1, memory_order_acquire);
		ski_ready_come(&r.ready);
		while (carry_next())
			;
	}
}

static void setup_ready_two(void)
{
	r.tokens = 2;
}

static void check_ready(void)
{
	for (unsigned i = 0; i < r.tokens; i++) {
		uint64_t times = 0;

		for (unsigned t = 0; t < EX_THREADS; t++)
			times += r.times[t][i];
		ex_assert(times == 1);
	}
	ex_assert(!ski_ready_take(&r.ready));
}

#define READY_SCENARIO(id, text, ...)                                     \
	EX_SCENARIO(id, .concept = "pipeline", .what = text, .state = &r, \
		    .state_bytes = sizeof(r), .check = check_ready,       \
		    __VA_ARGS__)

READY_SCENARIO(pipeline_ready, "two put tokens there, one is called",
	       .setup = setup_ready_two, .spurious = 1,
	       .run = { put_0, put_1, come })
READY_SCENARIO(pipeline_ready_again, "one puts two there, one is called",
	       .setup = setup_ready_two, .run = { put_two, come })
READY_SCENARIO(pipeline_ready_look, "one that puts one, one that looks itself",
	       .setup = setup_ready_two, .run = { put_0, put_and_look, come })
READY_SCENARIO(pipeline_ready_fails, "one who calls and nobody comes",
	       .setup = setup_ready_two, .run = { put_and_fail, put_1, come })

#define PIPELINE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "pipeline", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

PIPELINE_SCENARIO(pipeline_gate, "two come to a serial stage",
		  .setup = setup_two, .check = check_gate, .spurious = 1,
		  .run = { gate_0, gate_1 })
PIPELINE_SCENARIO(pipeline_gate_three, "three come to a serial stage",
		  .setup = setup_three, .check = check_gate,
		  .run = { gate_0, gate_1, gate_2 })
PIPELINE_SCENARIO(pipeline_gate_again, "one comes twice, another once",
		  .setup = setup_three, .check = check_gate,
		  .run = { gate_again, gate_1 })
PIPELINE_SCENARIO(pipeline_turns, "two come to an in-order stage",
		  .setup = setup_two, .check = check_turns,
		  .run = { turn_0, turn_1 })
PIPELINE_SCENARIO(pipeline_turns_three, "three come to an in-order stage",
		  .setup = setup_three, .check = check_turns,
		  .run = { turn_0, turn_1, turn_2 })
PIPELINE_SCENARIO(pipeline_turns_round, "two go round twice",
		  .setup = setup_round, .check = check_turns,
		  .run = { turn_0, turn_1 })
