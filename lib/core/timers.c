/* SPDX-License-Identifier: MIT */
#include "timers.h"

static struct ski_timer *meld(struct ski_timer *a, struct ski_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->deadline_ns < a->deadline_ns) {
		struct ski_timer *earlier = b;

		b = a;
		a = earlier;
	}
	b->sibling = a->child;
	if (b->sibling)
		b->sibling->previous = b;
	b->previous = a;
	a->child = b;
	return a;
}

/* Meld a list of siblings: by pairs from the left, then the pairs from the
 * right. Iterative: a list may be as long as there are timers. */
static struct ski_timer *meld_all(struct ski_timer *list)
{
	struct ski_timer *pairs = NULL;
	struct ski_timer *all = NULL;

	while (list) {
		struct ski_timer *a = list;
		struct ski_timer *b = a->sibling;

		list = b ? b->sibling : NULL;
		a->sibling = NULL;
		if (b)
			b->sibling = NULL;
		a = meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		struct ski_timer *next = pairs->sibling;

		pairs->sibling = NULL;
		all = meld(all, pairs);
		pairs = next;
	}
	return all;
}

static void set_first(struct ski_timers *timers, struct ski_timer *first)
{
	timers->first = first;
	if (first) {
		first->sibling = NULL;
		first->previous = NULL;
	}
}

void ski_timers_add(struct ski_timers *timers, struct ski_timer *timer,
		    int64_t deadline_ns)
{
	*timer =
		(struct ski_timer){ .deadline_ns = deadline_ns, .armed = true };
	set_first(timers, meld(timers->first, timer));
}

void ski_timers_remove(struct ski_timers *timers, struct ski_timer *timer)
{
	struct ski_timer *below = meld_all(timer->child);

	timer->armed = false;
	timer->child = NULL;
	if (timer == timers->first) {
		set_first(timers, below);
		return;
	}
	if (timer->previous->child == timer)
		timer->previous->child = timer->sibling;
	else
		timer->previous->sibling = timer->sibling;
	if (timer->sibling)
		timer->sibling->previous = timer->previous;
	set_first(timers, meld(timers->first, below));
}

struct ski_timer *ski_timers_due(struct ski_timers *timers, int64_t now_ns)
{
	struct ski_timer *first = timers->first;

	if (!first || first->deadline_ns > now_ns)
		return NULL;
	ski_timers_remove(timers, first);
	return first;
}
