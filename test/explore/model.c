/* SPDX-License-Identifier: MIT */
/*
 * Atomic accesses: RC11 as a machine that builds the execution graph.
 *
 * A location has its stores in modification order. Coherence: an access may not
 * go behind what its thread has seen, and a thread has seen what any event that
 * happens before has seen; each location keeps, for each thread, at which event
 * it saw which store first. A store carries what an acquire load of it obtains:
 * its thread's view if it is a release, the view at the last release fence if
 * not, and if it is an RMW also what it has read.
 */
#include <string.h>

#include "engine.h"

enum {
	TABLE = 2048
}; /* of locations; a power of two */

struct ex_store ex_stores[EX_STORES];
struct ex_location ex_locations[EX_LOCATIONS];
static unsigned store_count, seen_count, location_count;
static struct ex_seen seen[EX_SEEN];

/* Where the store that is being done may go. */
static uint16_t places[EX_STORES];
static unsigned place_count;

/* What an RMW may do: read @store, and write behind it or fail. */
struct attempt {
	uint16_t store;
	bool writes, spurious;
};

static struct attempt attempts[2 * EX_STORES];
static unsigned attempt_count;

static struct {
	uint32_t generation;
	uint16_t location;
} table[TABLE];

void ex_model_reset(void)
{
	/* Index 0 is "none". */
	store_count = seen_count = 1;
	location_count = 0;
}

/* Stores and locations are in the undo log; what was seen is only added to. */
void ex_model_keep(void)
{
	ex_keep(&store_count, sizeof(store_count));
	ex_keep(&seen_count, sizeof(seen_count));
	ex_keep(&location_count, sizeof(location_count));
	ex_keep(places, place_count * sizeof(*places));
	ex_keep(attempts, attempt_count * sizeof(*attempts));
}

unsigned ex_location_count(void)
{
	return location_count;
}

void ex_begin_event(struct ex_thread *t)
{
	if (t->event == EX_STEPS)
		ex_fail(EX_LIMIT,
			"thread %u did more than %d steps: an unbounded loop?",
			t->number, EX_STEPS);
	t->view.clock[t->number] = ++t->event;
}

static uint64_t mask_of(size_t size)
{
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
}

static uint64_t memory_value(uintptr_t address, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)address, size);
	return value;
}

/* The same in each execution in which the store exists. */
static uint64_t identity(const struct ex_store *s)
{
	return (uint64_t)s->thread << 16 | s->event;
}

static uint64_t order_hash(const struct ex_location *at, uint16_t first,
			   uint16_t second)
{
	uint64_t hash = ex_mix(at->address, identity(&ex_stores[first]));

	return second ? ex_mix(hash, identity(&ex_stores[second])) : 0;
}

/* It is about to change. */
static struct ex_store *edit_store(uint16_t i)
{
	struct ex_store *s = &ex_stores[i];

	ex_undo_note(s, sizeof(*s), &s->epoch);
	return s;
}

static struct ex_location *edit_location(struct ex_location *at)
{
	ex_undo_note(at, sizeof(*at), &at->epoch);
	return at;
}

static uint16_t new_store(unsigned thread, unsigned event, uint64_t value)
{
	struct ex_store *s = &ex_stores[store_count];

	if (store_count == EX_STORES)
		ex_fail(EX_LIMIT, "more than %d stores", EX_STORES - 1);
	memset(s, 0, sizeof(*s));
	s->value = value;
	s->thread = (uint8_t)thread;
	s->event = (uint16_t)event;
	s->ordered = -1;
	s->epoch = ex_undo_epoch;
	return (uint16_t)store_count++;
}

static void set_memory(const struct ex_location *at, uint64_t value)
{
	void *object = (void *)at->address;

	if (ex_undo_epoch) /* it may be in no block: a static of the library */
		ex_undo_log(object, at->size);
	memcpy(object, &value, at->size);
}

/* Puts store @number behind @previous. */
static uint16_t insert(struct ex_location *at, uint16_t previous,
		       uint16_t number)
{
	struct ex_store *s = &ex_stores[number];
	uint16_t next = ex_stores[previous].next;

	s->previous = previous;
	s->next = next;
	s->position = ex_stores[previous].position + 1;
	edit_store(previous)->next = number;
	ex.order_hash += order_hash(at, previous, number) +
			 order_hash(at, number, next) -
			 order_hash(at, previous, next);
	if (next)
		edit_store(next)->previous = number;
	else
		edit_location(at)->last = number;
	for (; next; next = ex_stores[next].next)
		++edit_store(next)->position;
	if (at->last == number) /* memory has the last one, for plain reads */
		set_memory(at, s->value);
	return number;
}

static struct ex_location *add_location(uintptr_t address, size_t size)
{
	struct ex_location *at = &ex_locations[location_count];

	if (location_count == EX_LOCATIONS)
		ex_fail(EX_LIMIT, "more than %d locations", EX_LOCATIONS);
	if (address % size || size > 8)
		ex_fail(EX_LIMIT, "%p is not aligned", (void *)address);
	++location_count;
	memset(at, 0, sizeof(*at));
	at->epoch = ex_undo_epoch;
	at->address = address;
	at->size = (uint8_t)size;
	at->cell = ex_cell_of(address);
	at->first = new_store(0, 0, memory_value(address, size));
	at->last = at->first;
	return at;
}

/* @size 0: whatever begins there, or NULL. */
static struct ex_location *find_location(uintptr_t address, size_t size)
{
	size_t i = ex_mix(0, address) & (TABLE - 1);

	while (table[i].generation == ex.generation) {
		struct ex_location *at = &ex_locations[table[i].location];
		if (at->address == address) {
			if (size && at->size != size)
				ex_fail(EX_LIMIT,
					"%p is accessed as %u and "
					"as %zu bytes",
					(void *)address, at->size, size);
			return at;
		}
		i = (i + 1) & (TABLE - 1);
	}
	if (!size)
		return NULL;
	if (ex_undo_epoch)
		ex_undo_log(&table[i], sizeof(table[i]));
	table[i].generation = ex.generation;
	table[i].location = (uint16_t)location_count;
	return add_location(address, size);
}

/* The position of the newest store that events up to @clock have seen. */
unsigned ex_newest_seen(const struct ex_location *at, const uint16_t *clock)
{
	unsigned newest = 0;

	for (unsigned i = 0; i < ex.threads; ++i) {
		unsigned n = at->seen[i];
		while (n && seen[n].event > clock[i])
			n = seen[n].previous;
		if (n && ex_stores[seen[n].store].position > newest)
			newest = ex_stores[seen[n].store].position;
	}
	return newest;
}

static void see(struct ex_location *at, unsigned thread, unsigned event,
		uint16_t store)
{
	uint16_t *head = &at->seen[thread];

	if (*head &&
	    ex_stores[seen[*head].store].position >= ex_stores[store].position)
		return;
	if (seen_count == EX_SEEN)
		ex_fail(EX_LIMIT, "more than %d accesses", EX_SEEN - 1);
	edit_location(at);
	seen[seen_count] = (struct ex_seen){ (uint16_t)event, store, *head };
	*head = (uint16_t)seen_count++;
}

/* So much time has passed that @t sees all there is; it orders nothing. */
void ex_see_all(struct ex_thread *t)
{
	ex_begin_event(t);
	for (unsigned i = 0; i < location_count; ++i)
		see(&ex_locations[i], t->number, t->event,
		    ex_locations[i].last);
}

void ex_location_rewritten(uintptr_t address)
{
	for (uintptr_t a = address; a < address + 4; ++a) {
		struct ex_location *at = find_location(a, 0);
		if (at)
			edit_location(at)->rewritten = true;
	}
}

/* A plain store, which all accesses before happen before, is a new last store
 * of the thread that did it. */
static void notice_rewrite(struct ex_location *at)
{
	uint8_t thread;
	uint16_t point, s;

	edit_location(at)->rewritten = false;
	ex_cell_writer(at->cell, &thread, &point);
	s = new_store(thread, point, memory_value(at->address, at->size));
	insert(at, at->last, s);
	see(at, thread, point, s);
}

/* Begins an event of @t that accesses @object. */
static struct ex_location *begin_access(struct ex_thread *t,
					const volatile void *object,
					size_t size, enum ex_access kind)
{
	struct ex_location *at = find_location((uintptr_t)object, size);

	ex_begin_event(t);
	ex_atomic_access(t, at->cell, at->address, size, kind);
	if (ex_unlikely(at->rewritten))
		notice_rewrite(at);
	if (ex_unlikely(kind == EX_LOAD && memory_value(at->address, size) !=
						   ex_stores[at->last].value))
		ex_fail(EX_LIMIT,
			"%p was written by uninstrumented code (memset?): "
			"see ex_forget()",
			(void *)at->address);
	if (!(at->threads >> t->number & 1))
		edit_location(at)->threads |= (uint8_t)(1u << t->number);
	ex_order_run(t, at);
	return at;
}

/* seq_cst events before and after all threads order nothing more. */
static bool is_ordered(int order)
{
	return order == memory_order_seq_cst && ex.phase == EX_RUN;
}

static bool is_acquire(int order)
{
	return order != memory_order_relaxed && order != memory_order_release;
}

static bool is_release(int order)
{
	return order == memory_order_release || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

/* What limits an access in the modification order. */
struct limits {
	uint64_t known; /* before the fences that happen before it */
	uint64_t access; /* before itself, if it is seq_cst */
	unsigned floor; /* the oldest position it may read */
};

static struct limits find_limits(const struct ex_thread *t,
				 const struct ex_location *at, bool ordered)
{
	struct limits l = { 0, 0, ex_newest_seen(at, t->view.clock) };
	unsigned floor;

	if (!ex_order_count)
		return l;
	l.known = ex_order_closed(ex_order_fences(t->view.ordered));
	if (ordered)
		l.access = ex_order_access(t, at);
	floor = ex_order_floor(t, at, l.known, l.access);
	if (floor > l.floor)
		l.floor = floor;
	return l;
}

/* Enters what an access at @position goes before. */
static void enter_order(const struct ex_location *at, const struct limits *l,
			unsigned position)
{
	if (ex_order_count && l->known)
		ex_order_edges(l->known, ex_order_targets(at, position, false));
}

/* Enters a seq_cst access that reads from or stores at @position, which comes
 * behind @before. */
static int enter_access(struct ex_thread *t, struct ex_location *at,
			uint16_t store, uint64_t before, unsigned position)
{
	uint64_t targets = ex_order_targets(at, position, true);
	int number;

	before |= ex_order_access(t, at);
	number = ex_order_add(t, at, store, before);
	ex_order_edges(before | UINT64_C(1) << number, targets);
	return number;
}

static void record_read(struct ex_thread *t, struct ex_location *at,
			uint16_t store)
{
	t->reads_hash = ex_mix(ex_mix(t->reads_hash, at->address),
			       identity(&ex_stores[store]));
	if (t->reads < EX_READS)
		t->read[t->reads] = (struct ex_read){ at, store };
	++t->reads;
}

/* The read part of an event: @store is what it reads. */
static void finish_read(struct ex_thread *t, struct ex_location *at,
			uint16_t store, int order)
{
	const struct ex_store *s = &ex_stores[store];
	uint64_t fences;

	see(at, t->number, t->event, store);
	ex_join(is_acquire(order) ? &t->view : &t->acquired, &s->message);
	fences = ex_order_fences(t->view.ordered);
	if (fences & ~s->reader_fences)
		edit_store(store)->reader_fences |= fences;
	t->hash = ex_mix(ex_mix(t->hash, at->address), identity(s) << 1);
	record_read(t, at, store);
}

static void hash_write(struct ex_thread *t, const struct ex_location *at)
{
	ex_note_writer((void *)at->address);
	t->hash = ex_mix(t->hash, at->address << 1 | 1);
	t->progress = true;
	t->chosen = false;
}

static uint16_t back_from_last(const struct ex_location *at, unsigned steps)
{
	uint16_t i = at->last;

	while (steps--)
		i = ex_stores[i].previous;
	return i;
}

/* One of @count stores, the newest first. */
static unsigned pick_age(unsigned count)
{
	unsigned taken;

	if (!ex.scenario->stale)
		return ex_pick(count);
	if (!ex.stale)
		return 0;
	taken = ex_pick(count);
	if (taken)
		--ex.stale;
	return taken;
}

static void load_from(struct ex_thread *t, struct ex_location *at,
		      const struct limits *l, uint16_t store, int order)
{
	unsigned position = ex_stores[store].position;

	finish_read(t, at, store, order);
	ex_point_comes();
	enter_order(at, l, position);
	if (is_ordered(order)) {
		int number = enter_access(t, at, 0, l->access, position);
		edit_store(store)->readers |= UINT64_C(1) << number;
	}
}

static void trace_read(const struct ex_thread *t, const struct ex_location *at,
		       uint16_t store, const char *what, int order)
{
	const struct ex_store *s = &ex_stores[store];
	unsigned newer = ex_stores[at->last].position - s->position;
	char from[160] = "its first value", stale[32] = "";

	if (!ex.tracing)
		return;
	if (s->site)
		snprintf(from, sizeof(from), "thread %u's %s:%d", s->thread,
			 s->site->file, s->site->line);
	if (newer)
		snprintf(stale, sizeof(stale), ", %u newer", newer);
	ex_trace(t, t->site, "%s%s: %#llx (%s%s)", ex_order_name(order), what,
		 (unsigned long long)s->value, from, stale);
}

uint64_t ex_load(const struct ex_site *site, const volatile void *object,
		 size_t size, int order)
{
	struct ex_thread *t = ex_point_to_read(site, object);
	struct ex_location *at = begin_access(t, object, size, EX_LOAD);
	struct limits l = find_limits(t, at, is_ordered(order));
	unsigned newest = ex_stores[at->last].position;
	uint16_t store = back_from_last(at, pick_age(newest - l.floor + 1));

	trace_read(t, at, store, "", order);
	load_from(t, at, &l, store, order);
	return ex_stores[store].value;
}

/* Whether a store of @order may go directly behind @store: not before an RMW
 * that read it, nor where it closes a cycle of seq_cst events. */
static bool may_follow(const struct ex_location *at, const struct limits *l,
		       uint16_t store, int order)
{
	uint16_t next = ex_stores[store].next;
	unsigned position = ex_stores[store].position;

	if (!next)
		return true;
	if (ex_stores[next].rmw)
		return false;
	if (!is_ordered(order))
		return true;
	return !((l->access | ex_order_sources(at, position)) &
		 ex_order_targets(at, position, true));
}

/* The write part of an event: a new store behind @previous. */
static uint16_t finish_write(struct ex_thread *t, struct ex_location *at,
			     const struct limits *l, uint16_t previous,
			     uint64_t value, int order)
{
	uint16_t number =
		new_store(t->number, t->event, value & mask_of(at->size));
	struct ex_store *s = &ex_stores[number];

	s->site = t->site;
	insert(at, previous, number);
	see(at, t->number, t->event, number);
	hash_write(t, at);
	ex_point_comes();
	enter_order(at, l, s->position);
	if (is_ordered(order))
		s->ordered = (int8_t)enter_access(
			t, at, number,
			l->access | ex_order_sources(at, s->position - 1u),
			s->position);
	s->fences = ex_order_fences(t->view.ordered);
	s->message = is_release(order) ? t->view : t->released;
	return number;
}

static void trace_write(const struct ex_thread *t, uint16_t store, int order)
{
	unsigned newer = 0;
	char early[48] = "";

	if (!ex.tracing)
		return;
	for (uint16_t i = ex_stores[store].next; i; i = ex_stores[i].next)
		++newer;
	if (newer)
		snprintf(early, sizeof(early), " (goes before %u newer)",
			 newer);
	ex_trace(t, t->site, "%s: = %#llx%s", ex_order_name(order),
		 (unsigned long long)ex_stores[store].value, early);
}

void ex_store(const struct ex_site *site, volatile void *object, size_t size,
	      uint64_t value, int order)
{
	struct ex_thread *t = ex_point_to_write(site);
	struct ex_location *at = begin_access(t, object, size, EX_STORE);
	struct limits l = find_limits(t, at, is_ordered(order));
	uint16_t i = at->last;

	place_count = 0;
	for (;; i = ex_stores[i].previous) {
		if (may_follow(at, &l, i, order))
			places[place_count++] = i;
		if (ex_stores[i].position == l.floor)
			break;
	}
	i = finish_write(t, at, &l, places[pick_age(place_count)], value,
			 order);
	trace_write(t, i, order);
}

/* A plain store, so all other accesses are ordered with it. */
void ex_init(const struct ex_site *site, volatile void *object, size_t size,
	     uint64_t value)
{
	struct ex_thread *t = ex_point_to_write(site);
	struct ex_location *at = begin_access(t, object, size, EX_INIT);
	uint16_t s = new_store(t->number, t->event, value & mask_of(size));

	ex_stores[s].site = site;
	insert(at, at->last, s);
	see(at, t->number, t->event, s);
	hash_write(t, at);
	trace_write(t, s, memory_order_relaxed);
}

/* All that a CAS may do, or with NULL another RMW. */
struct compare {
	uint64_t expected;
	bool weak;
	struct limits limits; /* of its failure, a load */
};

static void add_attempt(uint16_t store, bool writes, bool spurious)
{
	attempts[attempt_count++] = (struct attempt){ store, writes, spurious };
}

static void list_attempts(const struct ex_location *at, const struct limits *l,
			  const struct compare *c, int order)
{
	uint16_t i = at->last;

	attempt_count = 0;
	for (; i; i = ex_stores[i].previous) {
		unsigned position = ex_stores[i].position;
		bool equal = !c || ex_stores[i].value == c->expected;
		bool fails = c && position >= c->limits.floor;

		if (equal && position >= l->floor &&
		    may_follow(at, l, i, order))
			add_attempt(i, true, false);
		if (fails && !equal)
			add_attempt(i, false, false);
		if (fails && equal && c->weak && ex.spurious)
			add_attempt(i, false, true);
	}
}

static uint16_t perform(struct ex_thread *t, struct ex_location *at,
			const struct limits *l, uint16_t store, uint64_t value,
			int order)
{
	uint16_t written;

	ex_atomic_access(t, at->cell, at->address, at->size, EX_STORE);
	finish_read(t, at, store, order);
	enter_order(at, l, ex_stores[store].position);
	written = finish_write(t, at, l, store, value, order);
	ex_stores[written].rmw = true;
	ex_join(&ex_stores[written].message, &ex_stores[store].message);
	return written;
}

static uint64_t apply(enum ex_operation operation, uint64_t old,
		      uint64_t operand)
{
	switch (operation) {
	case EX_ADD:
		return old + operand;
	case EX_SUB:
		return old - operand;
	case EX_OR:
		return old | operand;
	case EX_AND:
		return old & operand;
	case EX_XOR:
		return old ^ operand;
	case EX_EXCHANGE:
		break;
	}
	return operand;
}

/* What is done to the newest store that allows it has no age. */
static struct attempt pick_attempt(void)
{
	unsigned count = attempt_count, newest = 1, taken;

	while (newest < count && attempts[newest].store == attempts[0].store)
		newest++;
	taken = ex_pick(ex.scenario->stale && !ex.stale ? newest : count);
	if (ex.scenario->stale && taken >= newest)
		--ex.stale;
	return attempts[taken];
}

uint64_t ex_fetch(const struct ex_site *site, volatile void *object,
		  size_t size, enum ex_operation operation, uint64_t operand,
		  int order)
{
	struct ex_thread *t = ex_point_to_read(site, object);
	struct ex_location *at = begin_access(t, object, size, EX_LOAD);
	struct limits l = find_limits(t, at, is_ordered(order));
	uint16_t store, written;
	uint64_t old;

	list_attempts(at, &l, NULL, order);
	store = pick_attempt().store;
	old = ex_stores[store].value;
	trace_read(t, at, store, " reads", order);
	written = perform(t, at, &l, store, apply(operation, old, operand),
			  order);
	trace_write(t, written, order);
	return old;
}

bool ex_compare(const struct ex_site *site, volatile void *object, size_t size,
		uint64_t *expected, uint64_t desired, int success, int failure,
		bool weak)
{
	struct ex_thread *t = ex_point_to_read(site, object);
	struct ex_location *at = begin_access(t, object, size, EX_LOAD);
	struct limits l = find_limits(t, at, is_ordered(success));
	struct compare c = { *expected, weak, l };
	struct attempt a;

	/* Also if it fails: it may have done so because an RMW that was
	 * executed early took the place of its store (search.c). */
	ex_note_writer((const void *)at->address);
	if (is_ordered(success) != is_ordered(failure))
		c.limits = find_limits(t, at, is_ordered(failure));
	list_attempts(at, &l, &c, success);
	a = pick_attempt();
	*expected = ex_stores[a.store].value;
	if (a.writes) {
		trace_read(t, at, a.store, " succeeds on", success);
		trace_write(t, perform(t, at, &l, a.store, desired, success),
			    success);
		return true;
	}
	trace_read(t, at, a.store,
		   a.spurious ? " fails for no reason on" : " fails on",
		   failure);
	if (a.spurious) {
		--ex.spurious;
		t->hash = ex_mix(t->hash, 0x5b);
	}
	load_from(t, at, &c.limits, a.store, failure);
	return false;
}

/*
 * What a futex wait finds in the 32 bits at @address: half of an object of 64
 * perhaps. Not older than what @also has seen.
 */
uint16_t ex_read_word(struct ex_thread *t, uintptr_t address,
		      const uint16_t *also, uint32_t *value)
{
	struct ex_location *at = find_location(address, 0);
	struct limits l;
	unsigned shift = 0, floor;
	uint16_t store;

	if (!at && (at = find_location(address - 4, 0)) && at->size == 8)
		shift = 32;
	else if (!at || at->size < 4)
		at = find_location(address, 4);
	begin_access(t, (const void *)at->address, at->size, EX_LOAD);
	l = find_limits(t, at, false);
	floor = ex_newest_seen(at, also);
	if (floor < l.floor)
		floor = l.floor;
	store = back_from_last(
		at, pick_age(ex_stores[at->last].position - floor + 1));
	trace_read(t, at, store, " kernel", memory_order_relaxed);
	load_from(t, at, &l, store, memory_order_relaxed);
	*value = (uint32_t)(ex_stores[store].value >> shift);
	return store;
}

void ex_fence(const struct ex_site *site, int order)
{
	struct ex_thread *t = ex_point_to_write(site);

	ex_begin_event(t);
	ex_order_run(t, NULL);
	ex_trace(t, site, "%s", ex_order_name(order));
	t->hash = ex_mix(t->hash, 0xfe9ce);
	if (is_acquire(order))
		ex_join(&t->view, &t->acquired);
	if (is_ordered(order))
		ex_order_fence(t);
	if (is_release(order))
		t->released = t->view;
}
