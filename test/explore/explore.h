/* SPDX-License-Identifier: MIT */
/*
 * The interface of the explorer: what a scenario is made of, and the calls that
 * shim/stdatomic.h and shim/hooks.h turn the library's source into.
 *
 * A scenario is a few threads over one of lib/core's structures. The explorer
 * runs it again and again, each time with another choice of which thread runs
 * next and of which store each load reads, until it has seen every execution
 * that RC11 allows with at most `bound` preemptions. What it guarantees, and
 * what it does not see, stands at the head of engine.h.
 *
 *	static struct { _Atomic int ready; int payload; } s;
 *	static void writer(void) { s.payload = 1; atomic_store_explicit(...); }
 *	static void reader(void) { if (atomic_load_explicit(...)) use payload }
 *	EX_SCENARIO(message_passing,
 *		.concept = "litmus", .what = "release and acquire",
 *		.state = &s, .state_bytes = sizeof(s),
 *		.run = { writer, reader })
 *
 * Rules for scenarios: all that threads share is in `state` or allocated with
 * ski_calloc(), and what one execution leaves there the next never sees. Results are
 * kept by each thread for itself and judged in `check`, which runs after all
 * threads have ended and happens after all they did. Plain accesses need no
 * annotation: scenarios are compiled with -fsanitize=thread and the calls that
 * the compiler inserts lead to the explorer.
 */
#ifndef EX_EXPLORE_H
#define EX_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EX_THREADS = 8, /* thread 0 runs setup and check */
	EX_RUNS = EX_THREADS - 1,
	EX_OUTCOMES = 32,
};

/* What an execution can be found to do wrong. */
enum ex_fault {
	EX_NONE,
	EX_ASSERTION,
	EX_RACE,
	EX_USE_AFTER_FREE, /* or outside of any block */
	EX_BAD_FREE, /* freed twice, or never allocated */
	EX_LEAK,
	EX_HANG, /* nothing can run: a deadlock or a lost wake-up */
	EX_LIMIT, /* an execution too long for the explorer */
	EX_OUTCOME,
};

struct ex_scenario {
	const char *name, *concept, *what;

	void (*setup)(void); /* may be NULL; happens before all runs */
	void (*run[EX_RUNS + 1])(void); /* thread i + 1 runs run[i] */
	void (*check)(void); /* may be NULL; happens after all runs */
	void *state; /* zeroed before each execution */
	size_t state_bytes;

	/* How often in an execution this may happen, at any place: */
	unsigned spurious; /* a weak CAS fails for no reason */
	unsigned stray; /* a futex wait ends for no reason */
	unsigned timeouts; /* a timed futex wait runs out */
	unsigned alloc_failures; /* an allocation returns NULL */
	/* How often a thread may go round a waiting loop (one with
	 * ski_pause()) in vain and still go on: the count at which such loops
	 * give up. 0 if they wait for ever. */
	unsigned spins;
	/* Once nothing else can run, timed waits run out: not a hang. */
	bool timeouts_end_hangs;
	/* How often in an execution a load may read an older store than the
	 * newest, or a store go before one that is there: too many executions
	 * otherwise. 0: as often as RC11 allows. */
	unsigned stale;
	bool unbounded; /* any number of preemptions */
	unsigned fewer; /* preemptions than asked for: too many executions */
	unsigned most; /* preemptions, how many ever are asked for; 0: any */
	/* Threads (bit i + 1 for run[i]) that may sleep or spin for ever once
	 * all others have ended. */
	unsigned daemons;

	/* For tests of the explorer. It must find this fault, or, if
	 * `outcomes` is not 0, just these values of ex_outcome(): */
	enum ex_fault finds;
	unsigned outcomes;
	uint64_t outcome[EX_OUTCOMES];

	struct ex_scenario *next; /* of the registry */
};

void ex_register(struct ex_scenario *scenario);

#define EX_SCENARIO(id, ...)                                            \
	static struct ex_scenario ex_scenario_##id = { .name = #id,     \
						       __VA_ARGS__ };   \
	__attribute__((constructor)) static void ex_register_##id(void) \
	{                                                               \
		ex_register(&ex_scenario_##id);                         \
	}

/* A place in the source, for traces. */
struct ex_site {
	const char *file;
	int line;
	const char *text;
};

#define EX_SITE(source)                                                      \
	(__extension__({                                                     \
		static const struct ex_site ex_site_ = { __FILE__, __LINE__, \
							 source };           \
		&ex_site_;                                                   \
	}))

/* For scenarios. */

#define ex_assert(x) ((x) ? (void)0 : ex_violated(EX_SITE("assertion " #x)))
/* Executions in which @x is false are of no interest. */
#define ex_assume(x) ((x) ? (void)0 : ex_give_up())
/* Waits until @x, with the loads in @x, is true. */
#define ex_await(x) \
	do {        \
	} while (!(x) && (ex_pause(EX_SITE("await " #x)), true))

/* 0 … @count - 1, each explored. */
unsigned ex_choose(unsigned count);
/* What this execution came to, once; for tests of the explorer. */
void ex_outcome(uint64_t value);
/* 1 … for the threads in `run`, 0 in setup and check. */
unsigned ex_self(void);
/* How many timed waits ran out because nothing else could run. */
unsigned ex_late_timeouts(void);
/* Memory that is not from ski_calloc() ends here (an object on a stack, say):
 * all accesses must happen before, and none may follow until ex_revive(). */
void ex_forget(const void *start, size_t bytes);
void ex_revive(const void *start, size_t bytes);

/* For the shims. Objects have 1, 2, 4 or 8 bytes; a value is in the low ones. */

enum ex_operation {
	EX_EXCHANGE,
	EX_ADD,
	EX_SUB,
	EX_OR,
	EX_AND,
	EX_XOR
};

void ex_init(const struct ex_site *site, volatile void *object, size_t size,
	     uint64_t value);
uint64_t ex_load(const struct ex_site *site, const volatile void *object,
		 size_t size, int order);
void ex_store(const struct ex_site *site, volatile void *object, size_t size,
	      uint64_t value, int order);
uint64_t ex_fetch(const struct ex_site *site, volatile void *object,
		  size_t size, enum ex_operation operation, uint64_t operand,
		  int order);
bool ex_compare(const struct ex_site *site, volatile void *object, size_t size,
		uint64_t *expected, uint64_t desired, int success, int failure,
		bool weak);
void ex_fence(const struct ex_site *site, int order);
void ex_pause(const struct ex_site *site);
int ex_futex_wait(const struct ex_site *site, const void *word,
		  uint32_t expected, int64_t deadline_ns);
void ex_futex_wake(const struct ex_site *site, const void *word, int count);
void *ex_alloc(const struct ex_site *site, size_t align, size_t count,
	       size_t size);
void ex_free(const struct ex_site *site, void *block);
void ex_rcu_read_lock(const struct ex_site *site);
void ex_rcu_read_unlock(const struct ex_site *site);
void ex_rcu_synchronize(const struct ex_site *site);
_Noreturn void ex_violated(const struct ex_site *site);
_Noreturn void ex_give_up(void);

/* Plain accesses where the compiler does not see one (memcpy, memset). */
void ex_plain_read(const void *start, size_t bytes);
void ex_plain_write(const void *start, size_t bytes);

#endif
