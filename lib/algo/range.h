/* SPDX-License-Identifier: MIT */
/*
 * A range of iterations that several workers run at once: what loops and
 * reductions are made of.
 *
 * Each worker that takes part has a part of the range. It takes chunks from
 * the lower end of its part; others take halves from the upper end, also while
 * a chunk runs. They are let in by one frame of the fork stack, the helper,
 * that the owner forks and shows before its first chunk. Whoever steals it runs
 * halves of the part until nothing is left, and lets others in before.
 * After Tzannes et al., "Lazy binary-splitting", PPoPP 2010, without its
 * waiting for the next poll. Protocol: docs/design/loops.md.
 */
#ifndef SKI_RANGE_H
#define SKI_RANGE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <skua/fork.h>
#include <skua/group.h>

struct ski_part;

/* One loop, shared by all who take part. */
struct ski_loop {
	/* I: run iterations @begin … @end - 1, on @value if there is one. Any
	 * answer but 0 stops the loop. */
	int (*run)(struct ski_loop *loop, skua_here here, uint64_t begin,
		   uint64_t end, void *value);
	/* I: what a helper does with its victim; @index: the how-manieth
	 * that has come to this victim. */
	void (*help)(skua_here here, struct ski_part *victim, unsigned index);
	unsigned helpers_most; /* I: that come to one part */
	bool single; /* I: chunks of one iteration */
	_Atomic(int) stop; /* A: the first answer that is not 0 */
	_Atomic(unsigned) companions; /* T: at work, see range.c */
};

/*
 * What is left to one worker: iterations from base + (next << shift) to base +
 * (end << shift), or last if that is less. word = {next: low 32, end: high 32}.
 *
 *	next <= end; next grows, by the owner; end falls, by helpers
 */
struct ski_part {
	struct ski_loop *loop; /* I */
	uint64_t base; /* I */
	uint64_t last; /* I */
	unsigned shift; /* I */
	unsigned helpers; /* O: forked and not joined */
	skua_here first; /* O: the frame of the first of them */
	void *slots; /* I: of the loop */
	_Atomic(unsigned) arrived; /* T: helpers that have begun */
	_Atomic(uint64_t) word; /* O, T */
};

/* A part of @loop for @begin … @end - 1. */
void ski_part_open(struct ski_part *part, struct ski_loop *loop, uint64_t begin,
		   uint64_t end);

/*
 * Owner: run it on @value, until nothing of it is left and all helpers have
 * ended.
 */
void ski_part_run(skua_here here, struct ski_part *part, void *value);

/*
 * Helper: take the upper half of what is left, *@begin … *@end - 1. False:
 * nothing is left, or with @below, the end is not *@begin: another has taken
 * what was below the half that we took before.
 */
bool ski_part_steal(struct ski_part *victim, bool below, uint64_t *begin,
		    uint64_t *end);

/* Helper of a loop without values: take halves and run them. */
void ski_part_help(skua_here here, struct ski_part *victim, unsigned index);

static inline int ski_loop_stopped(struct ski_loop *loop)
{
	/* Relaxed: a request; nothing comes with it. */
	return atomic_load_explicit(&loop->stop, memory_order_relaxed);
}

/* No chunk is to start any more, because of @why; the first one counts. */
static inline void ski_loop_stop(struct ski_loop *loop, int why)
{
	int none = 0;

	/* Relaxed: joins bring it to who reads it at the end. */
	atomic_compare_exchange_strong_explicit(&loop->stop, &none, why,
						memory_order_relaxed,
						memory_order_relaxed);
}

/* Where a chunk may be about to start: is none to, since the loop was stopped or
 * the group of the calling task is cancelled? */
static inline bool ski_loop_is_over(struct ski_loop *loop, skua_here here)
{
	if (skua_cancelled(here))
		ski_loop_stop(loop, SKUA_ECANCELLED);
	return ski_loop_stopped(loop);
}

#endif
