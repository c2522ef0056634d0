/* SPDX-License-Identifier: MIT */
/*
 * RC11 by its axioms: all candidate executions of a small program are listed,
 * and those kept that are coherent, atomic, consistent in their seq_cst events
 * and free of po U rf cycles. It shares nothing with the explorer, so that each
 * can be held against the other (random.c).
 *
 * The names are those of the paper (PLDI 2017, section 3); release sequences
 * are those of C++20. An RMW is one event.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rc11.h"

enum {
	EVENTS = RC11_LOCATIONS + RC11_OPS
};

/* Row a has bit b: a is related to b. */
struct relation {
	uint16_t row[EVENTS];
};

/* Initial stores are the first events, then the operations. */
struct execution {
	const struct rc11_program *program;
	unsigned count;
	bool reads[EVENTS], writes[EVENTS], fence[EVENTS];
	int order[EVENTS], location[EVENTS]; /* -1: none */
	unsigned source[EVENTS]; /* what a read reads */
	struct relation sb, rf, hb; /* these do not depend on mo */
	unsigned mo[RC11_LOCATIONS][EVENTS], mo_count[RC11_LOCATIONS];
	struct rc11_outcomes *out;
};

static struct relation unite(struct relation a, struct relation b)
{
	for (unsigned i = 0; i < EVENTS; ++i)
		a.row[i] |= b.row[i];
	return a;
}

static struct relation compose(struct relation a, struct relation b)
{
	struct relation c = { { 0 } };

	for (unsigned i = 0; i < EVENTS; ++i)
		for (unsigned rest = a.row[i]; rest; rest &= rest - 1)
			c.row[i] |= b.row[__builtin_ctz(rest)];
	return c;
}

static struct relation maybe(struct relation a)
{
	for (unsigned i = 0; i < EVENTS; ++i)
		a.row[i] |= (uint16_t)(1u << i);
	return a;
}

static struct relation closure(struct relation a)
{
	for (unsigned k = 0; k < EVENTS; ++k)
		for (unsigned i = 0; i < EVENTS; ++i)
			if (a.row[i] >> k & 1)
				a.row[i] |= a.row[k];
	return a;
}

static bool irreflexive(struct relation a)
{
	for (unsigned i = 0; i < EVENTS; ++i)
		if (a.row[i] >> i & 1)
			return false;
	return true;
}

typedef bool predicate(const struct execution *x, unsigned event);

/* [predicate] */
static struct relation on(const struct execution *x, predicate *holds)
{
	struct relation a = { { 0 } };

	for (unsigned i = 0; i < x->count; ++i)
		if (holds(x, i))
			a.row[i] = (uint16_t)(1u << i);
	return a;
}

static bool is_fence(const struct execution *x, unsigned i)
{
	return x->fence[i];
}

static bool is_sc_fence(const struct execution *x, unsigned i)
{
	return x->fence[i] && x->order[i] == memory_order_seq_cst;
}

static bool is_sc(const struct execution *x, unsigned i)
{
	return x->order[i] == memory_order_seq_cst;
}

static bool is_release(const struct execution *x, unsigned i)
{
	return (x->writes[i] || x->fence[i]) &&
	       (x->order[i] == memory_order_release ||
		x->order[i] == memory_order_acq_rel ||
		x->order[i] == memory_order_seq_cst);
}

static bool is_acquire(const struct execution *x, unsigned i)
{
	return (x->reads[i] || x->fence[i]) &&
	       (x->order[i] == memory_order_acquire ||
		x->order[i] == memory_order_acq_rel ||
		x->order[i] == memory_order_seq_cst);
}

static bool is_write(const struct execution *x, unsigned i)
{
	return x->writes[i];
}

static bool is_rmw(const struct execution *x, unsigned i)
{
	return x->writes[i] && x->reads[i];
}

static struct relation program_order(const struct execution *x)
{
	const struct rc11_program *p = x->program;
	struct relation a = { { 0 } };

	for (unsigned i = 0; i < x->count; ++i) {
		for (unsigned j = p->locations; j < x->count; ++j) {
			bool initial = i < p->locations;
			if (initial ||
			    (i < j && p->op[i - p->locations].thread ==
					      p->op[j - p->locations].thread))
				a.row[i] |= (uint16_t)(1u << j);
		}
	}
	return a;
}

static struct relation reads_from(const struct execution *x)
{
	struct relation a = { { 0 } };

	for (unsigned i = 0; i < x->count; ++i)
		if (x->reads[i])
			a.row[x->source[i]] |= (uint16_t)(1u << i);
	return a;
}

static struct relation modification_order(const struct execution *x)
{
	struct relation a = { { 0 } };

	for (unsigned l = 0; l < x->program->locations; ++l)
		for (unsigned i = 0; i < x->mo_count[l]; ++i)
			for (unsigned j = i + 1; j < x->mo_count[l]; ++j)
				a.row[x->mo[l][i]] |=
					(uint16_t)(1u << x->mo[l][j]);
	return a;
}

static struct relation reads_before(const struct execution *x,
				    struct relation mo)
{
	struct relation a = { { 0 } };

	for (unsigned i = 0; i < x->count; ++i)
		if (x->reads[i])
			a.row[i] = mo.row[x->source[i]] & (uint16_t) ~(1u << i);
	return a;
}

/* The pairs of @a at the same location, or at different ones. */
static struct relation by_location(const struct execution *x, struct relation a,
				   bool same)
{
	for (unsigned i = 0; i < x->count; ++i) {
		for (unsigned j = 0; j < x->count; ++j) {
			bool equal = x->location[i] == x->location[j];
			if (same ? !equal || x->location[i] < 0 : equal)
				a.row[i] &= (uint16_t) ~(1u << j);
		}
	}
	return a;
}

/* sw = [rel];([F];sb)?;rs;rf;[R];(sb;[F])?;[acq], rs = [W];(rf;[RMW])* */
static struct relation synchronizes_with(const struct execution *x,
					 struct relation sb, struct relation rf)
{
	struct relation fence = on(x, is_fence);
	struct relation rs = compose(
		on(x, is_write), maybe(closure(compose(rf, on(x, is_rmw)))));
	struct relation sw =
		compose(on(x, is_release), maybe(compose(fence, sb)));

	sw = compose(compose(sw, rs), rf);
	sw = compose(sw, maybe(compose(sb, fence)));
	return compose(sw, on(x, is_acquire));
}

static bool sc_consistent(const struct execution *x, struct relation mo,
			  struct relation rb, struct relation eco)
{
	struct relation hb = x->hb, other = by_location(x, x->sb, false);
	struct relation scb, psc, fence = on(x, is_sc_fence);

	scb = unite(unite(x->sb, compose(compose(other, hb), other)),
		    unite(by_location(x, hb, true), unite(mo, rb)));
	psc = unite(on(x, is_sc), compose(fence, maybe(hb)));
	psc = compose(psc, scb);
	psc = compose(psc, unite(on(x, is_sc), compose(maybe(hb), fence)));
	psc = unite(psc,
		    compose(compose(fence,
				    unite(hb, compose(compose(hb, eco), hb))),
			    fence));
	return irreflexive(closure(psc));
}

/* What is the same for all orders of the stores. False: inconsistent. */
static bool relate(struct execution *x)
{
	x->sb = program_order(x);
	x->rf = reads_from(x);
	if (!irreflexive(closure(unite(x->sb, x->rf))))
		return false;
	x->hb = closure(unite(x->sb, synchronizes_with(x, x->sb, x->rf)));
	return irreflexive(x->hb);
}

static bool consistent(const struct execution *x)
{
	struct relation mo = modification_order(x), rb = reads_before(x, mo);
	struct relation eco;

	/* The paper's RMW is a read before a write, so that an eco cycle
	 * through one is caught by hb;eco. Here it is one event. */
	if (!irreflexive(compose(rb, mo)))
		return false;
	eco = closure(unite(unite(x->rf, mo), rb));
	return irreflexive(eco) && irreflexive(compose(x->hb, eco)) &&
	       sc_consistent(x, mo, rb, eco);
}

static unsigned value_of(const struct execution *x, unsigned event)
{
	unsigned initial = x->program->locations;

	return event < initial ? 0 : event - initial + 1;
}

/* Where @outcome is, or would be. */
static uint64_t *find_slot(const struct rc11_outcomes *set, uint64_t outcome)
{
	uint64_t hash = outcome * UINT64_C(0x9e3779b97f4a7c15);
	unsigned i = (unsigned)(hash >> 32) & (set->slots - 1);

	while (set->slot[i] && set->slot[i] != outcome + 1)
		i = (i + 1) & (set->slots - 1);
	return &set->slot[i];
}

static void grow(struct rc11_outcomes *set)
{
	struct rc11_outcomes old = *set;

	set->slots = old.slots ? 2 * old.slots : 256;
	set->slot = calloc(set->slots, sizeof(*set->slot));
	if (!set->slot)
		abort();
	for (unsigned i = 0; i < old.slots; ++i)
		if (old.slot[i])
			*find_slot(set, old.slot[i] - 1) = old.slot[i];
	free(old.slot);
}

void rc11_clear(struct rc11_outcomes *set)
{
	free(set->slot);
	memset(set, 0, sizeof(*set));
}

bool rc11_has(const struct rc11_outcomes *set, uint64_t outcome)
{
	return set->slots && *find_slot(set, outcome);
}

void rc11_note(struct rc11_outcomes *set, uint64_t outcome)
{
	if (rc11_has(set, outcome))
		return;
	if (2 * set->count >= set->slots)
		grow(set);
	*find_slot(set, outcome) = outcome + 1;
	++set->count;
}

static void judge(const struct execution *x)
{
	const struct rc11_program *p = x->program;
	uint64_t outcome = 0;

	if (!consistent(x))
		return;
	for (unsigned i = 0; i < p->count; ++i)
		if (x->reads[p->locations + i])
			outcome |= rc11_read(
				i, value_of(x, x->source[p->locations + i]));
	for (unsigned l = 0; l < p->locations; ++l)
		outcome |=
			rc11_last(l, value_of(x, x->mo[l][x->mo_count[l] - 1]));
	rc11_note(x->out, outcome);
}

/* All orders of the stores of locations from @l on. */
static void order_stores(struct execution *x, unsigned l, uint16_t placed)
{
	if (l == x->program->locations) {
		judge(x);
		return;
	}
	bool complete = true;
	for (unsigned i = 0; i < x->count; ++i) {
		if (!x->writes[i] || x->location[i] != (int)l ||
		    placed >> i & 1)
			continue;
		complete = false;
		x->mo[l][x->mo_count[l]++] = i;
		order_stores(x, l, (uint16_t)(placed | 1u << i));
		--x->mo_count[l];
		if (i == l) /* the initial store is first */
			return;
	}
	if (complete) {
		if (l + 1 < x->program->locations)
			x->mo_count[l + 1] = 0;
		order_stores(x, l + 1, placed);
	}
}

/* A CAS that was taken to fail or to succeed must do so. */
static bool sources_fit(const struct execution *x)
{
	const struct rc11_program *p = x->program;

	for (unsigned i = 0; i < p->count; ++i) {
		unsigned e = p->locations + i;
		if (!x->reads[e])
			continue;
		if (!x->writes[x->source[e]])
			return false;
		if (p->op[i].kind == RC11_CAS &&
		    (value_of(x, x->source[e]) == p->op[i].expected) !=
			    x->writes[e])
			return false;
	}
	return true;
}

/* All stores that the events from @e on may read. */
static void choose_sources(struct execution *x, unsigned e)
{
	for (; e < x->count && !x->reads[e]; ++e)
		;
	if (e == x->count) {
		x->mo_count[0] = 0;
		if (sources_fit(x) && relate(x))
			order_stores(x, 0, 0);
		return;
	}
	for (unsigned i = 0; i < x->count; ++i) {
		if (i == e || !x->writes[i] || x->location[i] != x->location[e])
			continue;
		x->source[e] = i;
		choose_sources(x, e + 1);
	}
}

/* All choices of which CAS succeeds, from operation @i on. */
static void choose_success(struct execution *x, unsigned i)
{
	const struct rc11_program *p = x->program;
	unsigned e = p->locations + i;

	if (i == p->count) {
		choose_sources(x, 0);
		return;
	}
	if (p->op[i].kind != RC11_CAS) {
		choose_success(x, i + 1);
		return;
	}
	x->writes[e] = true;
	x->order[e] = p->op[i].order;
	choose_success(x, i + 1);
	x->writes[e] = false;
	x->order[e] = p->op[i].failure;
	choose_success(x, i + 1);
}

void rc11_allowed(const struct rc11_program *p, struct rc11_outcomes *out)
{
	struct execution x = { .program = p, .out = out };

	rc11_clear(out);
	x.count = p->locations + p->count;
	for (unsigned l = 0; l < p->locations; ++l) {
		x.writes[l] = true;
		x.order[l] = memory_order_relaxed;
		x.location[l] = (int)l;
	}
	for (unsigned i = 0; i < p->count; ++i) {
		const struct rc11_op *op = &p->op[i];
		unsigned e = p->locations + i;

		x.fence[e] = op->kind == RC11_FENCE;
		x.reads[e] = op->kind != RC11_FENCE && op->kind != RC11_STORE;
		x.writes[e] = op->kind == RC11_STORE ||
			      op->kind == RC11_EXCHANGE;
		x.order[e] = op->order;
		x.location[e] = x.fence[e] ? -1 : (int)op->location;
	}
	choose_success(&x, 0);
}
