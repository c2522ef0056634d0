/* SPDX-License-Identifier: MIT */
/*
 * The explorer's inside.
 *
 *   search.c    the choices of an execution; depth-first over all of them
 *   snapshot.c  executions that begin at a choice of the last one
 *   schedule.c  threads as fibers, preemption points, spinning, futexes
 *   model.c     atomic accesses: which store a load may read
 *   sc.c        the order of seq_cst fences and accesses
 *   rcu.c       read-side sections and grace periods
 *   memory.c    allocation and plain accesses: races, lifetimes, leaks
 *   locals.c    thread-local variables
 *   trace.c     what an execution did, in words
 *   main.c      the command
 *
 * The memory model is RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer: Repairing
 * sequential consistency in C/C++11, PLDI 2017) with release sequences as C++20
 * and C23 have them (only RMWs continue one). An execution is built as a graph,
 * event by event: a load chooses the store it reads among those that coherence
 * and the seq_cst order allow, a store chooses its place in the modification
 * order, an RMW goes directly behind the store it reads. Happens-before is kept
 * in vector clocks. Nothing is ordered by when it was executed, so a store that
 * is executed early can be modification-ordered late, and the constraints are
 * exactly those of the paper's axioms; po U rf is acyclic, as RC11 demands, since
 * a load reads only stores that were executed. random.c compares the result with
 * an independent implementation of the axioms (rc11.c) on random programs.
 *
 * What is explored. A thread can be preempted before each access that reads
 * (load, RMW, futex call), `bound` times an execution; when it ends, blocks or
 * pauses, switching costs nothing. No preemption is needed before a store, a
 * fence or an allocation: executing it early gives the same graph, because
 * loads may ignore it and later stores may be ordered before it. Two prefixes
 * with the same graph, the same running thread and the same allowance are in
 * the same state, so the second is not continued (search.c). Threads are
 * deterministic but for what they load and ex_choose(), which is all that this
 * rests on; a race would break it, and is reported instead.
 *
 * A thread that pauses after a round without side effects is spinning. It goes
 * on when a newer store to something it read exists, and a round that reads the
 * same stores again is cut off: it is as if it had not been run. Loads in a
 * spinning thread thus never see stale values for ever, and nothing else is
 * assumed to be fair. Threads that spin or sleep when nothing else can run
 * are a hang. Where a scenario lets timed waits end a hang, the thread that wakes
 * sees all that was stored: time has passed.
 *
 * A futex wait reads its word like a relaxed load, not older than what was
 * stored before the futex wakes that went before; it orders nothing else. A
 * wake of some of several sleepers chooses them.
 *
 * A scenario with too many executions may limit how often loads and stores choose
 * another store than the newest (`stale`). Then an execution with fewer such
 * choices is seen, if its events can be executed in an order that has no more:
 * a store executed before its time costs the others a choice, too.
 *
 * Limits. Addresses are not used twice in an execution, so ABA through malloc
 * is not seen (through the structures' own reuse it is). Plain accesses are
 * checked to 4 bytes, smaller ones with byte masks of the last access only.
 * Consume is acquire. Mixed-size atomic accesses are rejected, but for the
 * futex's 32 bits. The state cache holds 64-bit hashes: the odds that a
 * collision hides a state are under one in a million per exploration.
 */
#ifndef EX_ENGINE_H
#define EX_ENGINE_H

#include <setjmp.h>
#include <stdatomic.h> /* the compiler's: for memory_order */
#include <stdio.h>

#include "explore.h"

#define ex_likely(x) __builtin_expect(!!(x), 1)
#define ex_unlikely(x) __builtin_expect(!!(x), 0)

enum {
	EX_STORES = 4096,
	EX_SEEN = 8192,
	EX_LOCATIONS = 512,
	EX_ORDERED = 64, /* seq_cst events: bits of a mask */
	EX_READS = 32, /* in one round of a waiting loop */
	EX_STEPS = 2000, /* of one thread */
};

/* What happens before a point: events of each thread up to a number, and the
 * seq_cst events among them. */
struct ex_view {
	uint16_t clock[EX_THREADS];
	uint64_t ordered;
};

struct ex_store {
	uint64_t value;
	struct ex_view message; /* what an acquire load of it obtains */
	uint64_t fences; /* seq_cst fences that happen before it */
	uint64_t reader_fences; /* ... before a read of it */
	uint64_t readers; /* seq_cst reads of it */
	uint32_t epoch; /* of its last entry in the undo log */
	uint16_t position; /* in modification order, from 0 */
	uint16_t previous, next;
	uint16_t event;
	uint8_t thread;
	int8_t ordered; /* its seq_cst event or -1 */
	bool rmw; /* nothing may come between it and its previous */
	const struct ex_site *site;
};

/* The newest store of a location that a thread had seen at an event. */
struct ex_seen {
	uint16_t event, store, previous;
};

struct ex_cell;

struct ex_location {
	uintptr_t address;
	struct ex_cell *cell;
	uint32_t epoch; /* as a store's */
	uint16_t first, last; /* stores, in modification order */
	uint16_t seen[EX_THREADS];
	uint8_t size;
	uint8_t threads; /* mask of those that accessed it */
	bool rewritten; /* by a plain store, to be noticed */
};

enum ex_status {
	EX_READY,
	EX_SPINNING,
	EX_SLEEPING, /* in a futex wait */
	EX_WAITING, /* for a grace period */
	EX_ENDED,
};

struct ex_read {
	struct ex_location *at;
	uint16_t store;
};

struct ex_thread {
	struct ex_view view; /* what happens before its next event */
	struct ex_view acquired; /* ... after an acquire fence */
	struct ex_view released; /* what its relaxed stores publish */
	uint64_t hash; /* of all it did */
	uint16_t event; /* number of its last event */
	uint8_t number;
	uint8_t status;
	bool chosen; /* and nothing was done since that could be seen */
	const struct ex_site *site; /* of its last call */
	unsigned char *stack; /* used from here on while others run */

	/* For the seq_cst order: the run of accesses to one location it is
	 * in, what happened before the run, and its seq_cst accesses in it. */
	const struct ex_location *run;
	uint16_t run_clock[EX_THREADS];
	uint64_t run_ordered;

	/* In a futex wait: its word, and what it will return. */
	uintptr_t word;
	int64_t deadline_ns;
	int result;

	/* RCU: depth of sections, what it did up to the end of its last one,
	 * and for whose sections it waits. */
	unsigned rcu_depth;
	struct ex_view rcu_done;
	unsigned rcu_awaited;

	/* The round of a waiting loop it is in, how many it did in vain, and
	 * what it read in this one and in the last. */
	bool progress;
	uint16_t vain, reads;
	uint64_t reads_hash, reads_before;

	/* Fibers outlive executions: all before this is cleared. */
	jmp_buf start, context;
	struct ex_read read[EX_READS];
};

enum ex_phase {
	EX_SETUP,
	EX_RUN,
	EX_CHECK
};

/* How an execution ended, beside 0 for the jump buffer itself. */
enum ex_end {
	EX_COMPLETE = 1,
	EX_KNOWN,
	EX_CUT,
	EX_FAULTY
};

struct ex_engine {
	const struct ex_scenario *scenario;
	unsigned bound;
	bool every_point; /* preempt before all accesses */
	bool no_cache, no_snapshots; /* to test that they change nothing */
	bool tracing;
	jmp_buf runner;

	/* Of the execution that is running. */
	uint32_t generation;
	enum ex_phase phase;
	struct ex_thread *now;
	unsigned threads; /* with thread 0 */
	unsigned preemptions, spurious, stray, timeouts, alloc_failures;
	unsigned stale; /* as they are in the scenario, what is left */
	unsigned late_timeouts;
	uint64_t order_hash; /* of all modification orders */
	unsigned step;
	uint64_t graph; /* of one that is complete */
	uint64_t outcome;
	bool has_outcome;

	struct ex_thread thread[EX_THREADS];

	enum ex_fault fault;
	char message[1024];
};

extern struct ex_engine ex;

/* search.c */
unsigned ex_pick(unsigned count);
bool ex_extending(void);
bool ex_is_contended(uintptr_t address);
void ex_note_writer(const void *object);
bool ex_known_state(uint64_t graph, unsigned running, unsigned allowance);
void ex_expect_state(uint64_t graph);
bool ex_known_end(uint64_t graph);
void ex_search_start(void);
void ex_search_rewind(void);
bool ex_search_next(void);
bool ex_search_resumes(void);
void ex_search_print(FILE *out);
bool ex_search_parse(const char *trace);
static inline uint64_t ex_mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* snapshot.c */
void ex_snapshot(unsigned depth);
void ex_snapshots_drop(unsigned depth);
void ex_snapshots_clear(void);
bool ex_snapshot_depth(unsigned *depth);
_Noreturn void ex_snapshot_resume(void);
void ex_keep(void *at, size_t bytes);
extern uint32_t ex_undo_epoch;
void ex_undo_log(void *at, size_t bytes);
/* @at is about to change. @epoch is its own, which says whether it has since the
 * last snapshot. */
static inline void ex_undo_note(void *at, size_t bytes, uint32_t *epoch)
{
	if (*epoch == ex_undo_epoch)
		return;
	if (ex_undo_epoch)
		ex_undo_log(at, bytes);
	*epoch = ex_undo_epoch;
}

/* schedule.c */
void ex_schedule_keep(unsigned char *stack);
void ex_schedule_init(void);
enum ex_end ex_execute(void);
void ex_point_comes(void);
struct ex_thread *ex_point(const struct ex_site *site);
struct ex_thread *ex_point_to_read(const struct ex_site *site,
				   const volatile void *object);
struct ex_thread *ex_point_to_write(const struct ex_site *site);
_Noreturn void ex_end_execution(enum ex_end how);
_Noreturn void ex_fail(enum ex_fault fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void ex_decide(bool stays, bool free);
uint64_t ex_graph_hash(void);

/* rcu.c */
void ex_rcu_reset(void);
void ex_rcu_keep(void);

/* model.c */
extern struct ex_store ex_stores[EX_STORES];
extern struct ex_location ex_locations[EX_LOCATIONS];
unsigned ex_location_count(void);
void ex_model_reset(void);
void ex_model_keep(void);
void ex_begin_event(struct ex_thread *t);
unsigned ex_newest_seen(const struct ex_location *at, const uint16_t *clock);
uint16_t ex_read_word(struct ex_thread *t, uintptr_t address,
		      const uint16_t *also, uint32_t *value);
void ex_see_all(struct ex_thread *t);
void ex_location_rewritten(uintptr_t address);
static inline void ex_join(struct ex_view *view, const struct ex_view *other)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		if (view->clock[i] < other->clock[i])
			view->clock[i] = other->clock[i];
	view->ordered |= other->ordered;
}

/* sc.c */
void ex_order_reset(void);
void ex_order_keep(void);
extern unsigned ex_order_count;
uint64_t ex_order_fences(uint64_t mask);
uint64_t ex_order_closed(uint64_t mask);
uint64_t ex_order_access(const struct ex_thread *t,
			 const struct ex_location *at);
unsigned ex_order_floor(const struct ex_thread *t, const struct ex_location *at,
			uint64_t fences, uint64_t access);
uint64_t ex_order_sources(const struct ex_location *at, unsigned position);
uint64_t ex_order_targets(const struct ex_location *at, unsigned position,
			  bool access);
int ex_order_add(struct ex_thread *t, const struct ex_location *at,
		 uint16_t store, uint64_t before);
void ex_order_edges(uint64_t before, uint64_t targets);
void ex_order_fence(struct ex_thread *t);
void ex_order_run(struct ex_thread *t, const struct ex_location *at);
void ex_order_plain(struct ex_thread *t);

/* locals.c */
void ex_locals_init(void);
void ex_locals_reset(void);
void ex_locals_keep(void);
void ex_locals_switch(unsigned from, unsigned to);
bool ex_is_local(uintptr_t address);

/* memory.c */
void ex_memory_init(void);
void ex_memory_reset(void);
void ex_memory_keep(void);
void ex_memory_leaks(void);
void *ex_memory_stack(unsigned thread, size_t *bytes);
enum ex_access {
	EX_LOAD,
	EX_STORE,
	EX_INIT
};
struct ex_cell *ex_cell_of(uintptr_t address);
void ex_cell_writer(const struct ex_cell *c, uint8_t *thread, uint16_t *point);
void ex_atomic_access(struct ex_thread *t, struct ex_cell *c, uintptr_t address,
		      size_t size, enum ex_access kind);

/* trace.c */
#define ex_trace(...) (ex.tracing ? ex_trace_line(__VA_ARGS__) : (void)0)
void ex_trace_line(const struct ex_thread *t, const struct ex_site *site,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));
const char *ex_order_name(int order);
const char *ex_fault_name(enum ex_fault fault);
void ex_print_code(char *out, size_t bytes, const void *code);

/* random.c */
int ex_random_programs(unsigned count, uint64_t seed);

#endif
