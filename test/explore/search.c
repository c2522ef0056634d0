/* SPDX-License-Identifier: MIT */
/*
 * The choices of an execution, and which execution comes next.
 *
 * An execution is determined by its choices. The next one repeats all but the
 * last choice that has an alternative left, takes that, and goes on with first
 * alternatives: depth-first search. Snapshots spare it most of the repetition.
 *
 * States that were reached before are not continued. A state is the graph built
 * so far (what each thread did and read, and the modification orders), the
 * thread that may go on without a preemption, and what is left of each
 * allowance. Since an execution only ever adds events, a state found in the
 * table is not one on the way to here, so the search has been through with all
 * that follows from it, with at least as many preemptions left. A state in which
 * another thread may go on counts too if it has one preemption more left, since
 * that can be used at once. The table may forget: that only costs time. An
 * execution that comes to the same graph as one that was judged ends there: what
 * check finds depends on the graph alone.
 *
 * A thread is not preempted before it reads what no other thread ever stores
 * to: such a load may as well be executed early, like a store. Who stores to
 * what is learned from some random executions, and on the way. When a store shows
 * that a point was left out wrongly, the search starts again, knowing better; when
 * it ends, no execution has such a store, for the part of an execution before the
 * first one would have been found. Then the store too, unless it is that of a CAS
 * whose place an RMW executed early has taken: so a CAS that fails counts as a
 * store.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

enum {
	MAX_CHOICES = 16384,
	TABLE_BITS = 22,
	WAYS = 4, /* in a cache line */
	MOST_LEFT = 15,
	KNOWN = 4096, /* a power of two */
	LESSONS = 128,
};

struct choice {
	uint16_t taken, count;
};

/* A state that the search has been through, or is in. @left has four bits for
 * each thread that was the running one, and the lowest four for none: one more
 * than the preemptions that were left, or 0. */
struct entry {
	uint64_t state;
	uint32_t search, left;
};

/* What is known of an object from all executions so far: who stores to it, and
 * who was not preempted before a load of it since nobody else did. */
struct known {
	uintptr_t address;
	uint8_t writers, passed;
};

static struct known known[KNOWN];
static unsigned known_count;
static bool restart;
static unsigned restarts;
static struct choice path[MAX_CHOICES];
static unsigned depth, length;
static struct entry *table;
static uint32_t search; /* its number, from 1 */
static uint64_t dice; /* 0: choices are those of the search */

static unsigned throw_dice(unsigned count)
{
	dice = ex_mix(dice, count) | 1;
	return (unsigned)(dice >> 33) % count;
}

unsigned ex_pick(unsigned count)
{
	if (count < 2)
		return 0;
	if (dice)
		return throw_dice(count);
	if (depth < length) {
		struct choice *c = &path[depth++];
		if (!c->count && c->taken < count) /* from --replay */
			c->count = (uint16_t)count;
		if (c->count != count)
			ex_fail(EX_LIMIT,
				"the scenario is not deterministic, or the "
				"trace is of another one");
		return c->taken;
	}
	if (length == MAX_CHOICES)
		ex_fail(EX_LIMIT, "more than %d choices", MAX_CHOICES);
	if (!ex.tracing && !ex.no_snapshots)
		ex_snapshot(length);
	if (depth < length) /* resumed */
		return path[depth++].taken;
	path[length++] = (struct choice){ 0, (uint16_t)count };
	++depth;
	return 0;
}

static struct known *find_known(uintptr_t address)
{
	size_t i = ex_mix(0, address) & (KNOWN - 1);

	while (known[i].address && known[i].address != address)
		i = (i + 1) & (KNOWN - 1);
	if (!known[i].address) {
		if (++known_count > KNOWN / 2)
			ex_fail(EX_LIMIT, "more than %d objects", KNOWN / 2);
		known[i].address = address;
	}
	return &known[i];
}

/* Whether another thread than the running one stores to @address in some
 * execution so far. */
bool ex_is_contended(uintptr_t address)
{
	struct known *k = find_known(address);
	unsigned self = 1u << ex.now->number;

	if (k->writers & ~self)
		return true;
	k->passed |= (uint8_t)self;
	return false;
}

void ex_note_writer(const void *object)
{
	struct known *k;
	unsigned self = 1u << ex.now->number;

	if (ex.phase != EX_RUN)
		return;
	k = find_known((uintptr_t)object);
	if (k->writers & self)
		return;
	k->writers |= (uint8_t)self;
	if (k->passed & ~self)
		restart = true;
}

/* Whether what follows was not executed like this before. */
bool ex_extending(void)
{
	return !dice && depth == length;
}

static struct entry *line_of(uint64_t state)
{
	return &table[state & ((UINT64_C(1) << TABLE_BITS) - 1) &
		      ~(uint64_t)(WAYS - 1)];
}

/* The entry of @state, made if need be: then in the place of one of an earlier
 * search, if there is one. */
static struct entry *find_entry(uint64_t state)
{
	struct entry *line = line_of(state);
	struct entry *victim = &line[state >> 62 & (WAYS - 1)];

	for (unsigned i = 0; i < WAYS; ++i) {
		if (line[i].search != search)
			victim = &line[i];
		else if (line[i].state == state)
			return &line[i];
	}
	*victim = (struct entry){ .state = state, .search = search };
	return victim;
}

static unsigned left_of(const struct entry *e, unsigned running)
{
	return e->left >> 4 * running & MOST_LEFT;
}

static void set_left(struct entry *e, unsigned running, unsigned left)
{
	e->left &= ~((uint32_t)MOST_LEFT << 4 * running);
	e->left |= left << 4 * running;
}

/*
 * Looks the state up, and enters it if it is to be explored: @graph, in which
 * thread @running may go on for nothing, or any if 0, and @allowance
 * preemptions are left. Who has one more may let any thread go on.
 */
bool ex_known_state(uint64_t graph, unsigned running, unsigned allowance)
{
	struct entry *e;

	_Static_assert(4 * EX_THREADS <= 32, "four bits for each thread");
	if (ex.no_cache || ex.tracing)
		return false;
	if (allowance >= MOST_LEFT)
		allowance = MOST_LEFT - 1;
	e = find_entry(graph);
	if (left_of(e, 0) > allowance || left_of(e, running) > allowance)
		return true;
	set_left(e, running, allowance + 1);
	if (left_of(e, 0) < allowance)
		set_left(e, 0, allowance);
	return false;
}

/* @graph may be looked up soon: a third of the time went by waiting for memory. */
void ex_expect_state(uint64_t graph)
{
	if (table)
		__builtin_prefetch(line_of(graph), 1);
}

/* Whether what all threads did, to their ends, was judged before: what check
 * finds depends on nothing else. */
bool ex_known_end(uint64_t graph)
{
	return ex_known_state(ex_mix(graph, EX_THREADS), 0, 0);
}

/* In large pages, since lookups are all over it. */
static void *make_table(void)
{
	const size_t bytes = sizeof(*table) << TABLE_BITS;
	void *p = aligned_alloc((size_t)1 << 21, bytes);

	if (!p)
		abort();
	madvise(p, bytes, MADV_HUGEPAGE);
	return memset(p, 0, bytes);
}

static void begin(void)
{
	if (!table)
		table = make_table();
	++search;
	depth = length = 0;
	ex_snapshots_clear();
	restart = false;
}

/* A new scenario, or the same with another bound. */
void ex_search_start(void)
{
	memset(known, 0, sizeof(known));
	known_count = restarts = 0;
	dice = 1;
	ex_snapshots_clear();
	/* What they find is of no interest: the search finds it too. */
	for (unsigned i = 0; i < LESSONS; ++i)
		ex_execute();
	dice = 0;
	begin();
}

void ex_search_rewind(void)
{
	depth = 0;
	ex_snapshots_clear();
}

/* Whether the execution begins at the newest snapshot. */
bool ex_search_resumes(void)
{
	if (ex_snapshot_depth(&depth))
		return true;
	ex_snapshots_clear();
	return false;
}

/* False when there is no alternative left. */
bool ex_search_next(void)
{
	if (restart) {
		++restarts;
		begin();
		return true;
	}
	length = depth;
	depth = 0;
	while (length) {
		struct choice *last = &path[length - 1];
		if (++last->taken < last->count) {
			ex_snapshots_drop(length - 1);
			return true;
		}
		--length;
	}
	return false;
}

/* How often the search had started again, then the choices as numbers: n times
 * the same as number*n. */
void ex_search_print(FILE *out)
{
	fprintf(out, "%u:", restarts);
	for (unsigned i = 0; i < length;) {
		unsigned run = 1;
		while (i + run < length && path[i + run].taken == path[i].taken)
			++run;
		if (run > 1)
			fprintf(out, "%u*%u.", path[i].taken, run);
		else
			fprintf(out, "%u.", path[i].taken);
		i += run;
	}
	fprintf(out, "end");
}

/* What ex_search_print() wrote becomes the next execution, once the search has
 * learned as much as it had then. False: it is no trace. */
bool ex_search_parse(const char *trace)
{
	char *colon;
	unsigned long learned = strtoul(trace, &colon, 10);

	if (colon == trace || *colon != ':')
		return false;
	while (restarts < learned) {
		ex_execute();
		if (!ex_search_next())
			return false;
	}
	length = 0;
	ex_search_rewind();
	trace = colon + 1;
	while (strcmp(trace, "end") != 0) {
		char *end;
		unsigned long taken = strtoul(trace, &end, 10), run = 1;

		if (end != trace && *end == '*') {
			trace = end + 1;
			run = strtoul(trace, &end, 10);
		}
		if (end == trace || *end != '.' || taken > UINT16_MAX ||
		    run > MAX_CHOICES - length)
			return false;
		while (run--)
			path[length++] = (struct choice){ (uint16_t)taken, 0 };
		trace = end + 1;
	}
	return true;
}
