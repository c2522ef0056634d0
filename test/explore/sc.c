/* SPDX-License-Identifier: MIT */
/*
 * The order of seq_cst fences and accesses: RC11's psc must be acyclic.
 *
 *	scb  = po U po|/=loc ; hb ; po|/=loc U hb|loc U mo U fr
 *	psc  = ([SC] U [F] ; hb?) ; scb ; ([SC] U hb? ; [F])
 *	     U [F] ; (hb U hb ; eco ; hb) ; [F]
 *
 * Each seq_cst event has a number, a bit in a mask, and the mask of all that
 * psc orders before it, transitively. An event of a thread after fence F that
 * comes before (fr, mo) something that fence F2 knows puts F before F2, also if
 * F2 was executed first. So an access may only go as far back in the
 * modification order as does not put it before something that is before it:
 * ex_order_floor(). What it still goes behind is entered by ex_order_edges().
 *
 * Two approximations of the formula are exact. hb between a fence and an access
 * is taken whole, though scb has not all of it at its ends: each edge that
 * could close a cycle with such a pair follows from the formula too. And a
 * reader's fences count as after the write it read only in the fence part.
 */
#include <string.h>

#include "engine.h"

struct node {
	const struct ex_location *at; /* NULL: a fence */
	uint64_t before;
	uint16_t clock[EX_THREADS]; /* of a fence */
	uint16_t event;
	uint16_t left; /* its first later event at another location, or 0 */
	uint16_t store; /* of a store or RMW */
	uint8_t thread;
};

static struct node nodes[EX_ORDERED];
static uint64_t fences;
unsigned ex_order_count;

void ex_order_reset(void)
{
	ex_order_count = 0;
	fences = 0;
}

void ex_order_keep(void)
{
	ex_keep(nodes, ex_order_count * sizeof(*nodes));
	ex_keep(&fences, sizeof(fences));
	ex_keep(&ex_order_count, sizeof(ex_order_count));
}

#define FOR_EACH_BIT(i, mask)                                             \
	for (uint64_t i##_rest = (mask);                                  \
	     i##_rest && (i = (unsigned)__builtin_ctzll(i##_rest), true); \
	     i##_rest &= i##_rest - 1)

static uint64_t bit(int number)
{
	return number < 0 ? 0 : UINT64_C(1) << number;
}

uint64_t ex_order_fences(uint64_t mask)
{
	return mask & fences;
}

/* @mask and all that comes before it. */
uint64_t ex_order_closed(uint64_t mask)
{
	uint64_t closed = mask;
	unsigned i;

	FOR_EACH_BIT(i, mask)
	closed |= nodes[i].before;
	return closed;
}

/* An access of @at begins: the run of accesses elsewhere has ended. */
void ex_order_run(struct ex_thread *t, const struct ex_location *at)
{
	unsigned i;

	if (t->run == at)
		return;
	FOR_EACH_BIT(i, t->run_ordered)
	nodes[i].left = t->event;
	t->run_ordered = 0;
	t->run = at;
	memcpy(t->run_clock, t->view.clock, sizeof(t->run_clock));
	--t->run_clock[t->number];
}

/* A plain access lies between event t->event and the next. */
void ex_order_plain(struct ex_thread *t)
{
	unsigned i;

	FOR_EACH_BIT(i, t->run_ordered)
	nodes[i].left = (uint16_t)(t->event + 1);
	t->run_ordered = 0;
	t->run = NULL;
}

/* What comes before a seq_cst access of @at that @t begins, closed: fences
 * that happen before, and accesses as far as scb has them. */
uint64_t ex_order_access(const struct ex_thread *t,
			 const struct ex_location *at)
{
	uint64_t mask = t->view.ordered & fences;

	for (unsigned i = 0; i < ex_order_count; ++i) {
		const struct node *n = &nodes[i];
		if (!n->at)
			continue;
		if (n->thread == t->number ||
		    (n->at == at && (t->view.ordered & bit((int)i))) ||
		    (n->left && t->run_clock[n->thread] >= n->left))
			mask |= bit((int)i);
	}
	return ex_order_closed(mask);
}

/* The position of the newest store to @at that happens before. */
static unsigned newest_store(const struct ex_location *at,
			     const uint16_t *clock)
{
	unsigned i = at->last;

	while (ex_stores[i].position &&
	       clock[ex_stores[i].thread] < ex_stores[i].event)
		i = ex_stores[i].previous;
	return ex_stores[i].position;
}

/*
 * How far back an access of @at may go. @known: what comes before the fences
 * that happen before it; @access: before itself, if it is seq_cst.
 */
unsigned ex_order_floor(const struct ex_thread *t, const struct ex_location *at,
			uint64_t known, uint64_t access)
{
	unsigned i, position, floor = 0;

	FOR_EACH_BIT(i, (known | access) & ~t->view.ordered)
	{
		const struct node *n = &nodes[i];
		if (n->at)
			position = n->at == at && n->store ?
					   ex_stores[n->store].position :
					   0;
		else if (known & bit((int)i))
			position = ex_newest_seen(at, n->clock);
		else
			position = newest_store(at, n->clock);
		if (position > floor)
			floor = position;
	}
	return floor;
}

/* What comes before a seq_cst store at a place behind @position, by mo and
 * fr; closed. */
uint64_t ex_order_sources(const struct ex_location *at, unsigned position)
{
	uint64_t mask = 0;
	unsigned i = at->first;

	for (; i && ex_stores[i].position <= position; i = ex_stores[i].next) {
		const struct ex_store *s = &ex_stores[i];
		mask |= bit(s->ordered) | s->readers | s->fences |
			s->reader_fences;
	}
	return ex_order_closed(mask);
}

/* What an access at @position goes before, by mo and fr: as a seq_cst access,
 * or as one that a fence happens before. */
uint64_t ex_order_targets(const struct ex_location *at, unsigned position,
			  bool access)
{
	uint64_t mask = 0;
	unsigned i, newest;

	if (ex_stores[at->last].position <= position)
		return 0;
	for (i = at->last; ex_stores[i].position > position;
	     i = ex_stores[i].previous)
		mask |= bit(ex_stores[i].ordered);
	FOR_EACH_BIT(i, fences)
	{
		newest = access ? newest_store(at, nodes[i].clock) :
				  ex_newest_seen(at, nodes[i].clock);
		if (newest > position)
			mask |= bit((int)i);
	}
	return mask;
}

/* All in @before, which is closed, comes before all @targets. */
void ex_order_edges(uint64_t before, uint64_t targets)
{
	if (!targets)
		return;
	for (unsigned i = 0; i < ex_order_count; ++i)
		if ((nodes[i].before | bit((int)i)) & targets)
			nodes[i].before |= before;
}

static struct node *add(const struct ex_thread *t, uint64_t before)
{
	struct node *n;

	if (ex_order_count == EX_ORDERED)
		ex_fail(EX_LIMIT, "more than %d seq_cst events", EX_ORDERED);
	n = &nodes[ex_order_count++];
	memset(n, 0, sizeof(*n));
	n->before = before;
	n->event = t->event;
	n->thread = t->number;
	return n;
}

/* Enters a seq_cst access, of which @store is the store or 0. */
int ex_order_add(struct ex_thread *t, const struct ex_location *at,
		 uint16_t store, uint64_t before)
{
	struct node *n = add(t, before);
	int number = (int)(n - nodes);

	n->at = at;
	n->store = store;
	t->run_ordered |= bit(number);
	t->view.ordered |= bit(number);
	return number;
}

/* What comes before a fence by way of @at. */
static uint64_t fence_sources(const struct ex_location *at,
			      const struct ex_thread *t)
{
	unsigned seen = ex_newest_seen(at, t->view.clock);
	unsigned newest = newest_store(at, t->view.clock);
	uint64_t mask = 0;

	for (unsigned i = at->first; i; i = ex_stores[i].next) {
		const struct ex_store *s = &ex_stores[i];
		if (s->position > seen)
			break;
		mask |= s->fences;
		if (s->position < seen)
			mask |= s->reader_fences;
		if (s->position < newest)
			mask |= s->readers | bit(s->ordered);
	}
	return mask;
}

/* Enters a seq_cst fence, after its acquire part. */
void ex_order_fence(struct ex_thread *t)
{
	uint64_t mask = t->view.ordered;
	struct node *n;

	for (unsigned i = 0; i < ex_location_count(); ++i) {
		const struct ex_location *at = &ex_locations[i];
		if (at->threads & ~(1u << t->number))
			mask |= fence_sources(at, t);
	}
	n = add(t, ex_order_closed(mask));
	memcpy(n->clock, t->view.clock, sizeof(n->clock));
	fences |= bit((int)(n - nodes));
	t->view.ordered |= bit((int)(n - nodes));
}
