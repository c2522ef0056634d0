/* SPDX-License-Identifier: MIT */
/*
 * The timers of one worker: an intrusive pairing heap, touched by its owner
 * alone. Nothing is allocated: a timer lives with who waits for it.
 *
 * Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", Algorithmica 1986.
 */
#ifndef SKI_TIMERS_H
#define SKI_TIMERS_H

#include "hooks.h"

struct ski_timer {
	int64_t deadline_ns;
	struct ski_timer *child; /* first of the later ones below */
	struct ski_timer *sibling; /* next */
	struct ski_timer *previous; /* sibling before, or the parent */
	bool armed;
};

struct ski_timers {
	struct ski_timer *first; /* the earliest, or NULL */
};

void ski_timers_add(struct ski_timers *timers, struct ski_timer *timer,
		    int64_t deadline_ns);
/* Of one that is armed. */
void ski_timers_remove(struct ski_timers *timers, struct ski_timer *timer);
/* Remove and return the earliest if it is due; else NULL. */
struct ski_timer *ski_timers_due(struct ski_timers *timers, int64_t now_ns);

/* When to wake at the latest: negative for never. */
static inline int64_t ski_timers_next(const struct ski_timers *timers)
{
	return timers->first ? timers->first->deadline_ns : -1;
}

#endif
