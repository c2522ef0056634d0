/* SPDX-License-Identifier: MIT */
/*
 * Callbacks and promises, with the source of lib/sched (future.c, callback.c,
 * promise.c): callbacks are added while the future ends, is cancelled, is given
 * up or released, each at any moment. Every callback is called once, with the
 * future at hand, and the future is freed once, after the last touch.
 *
 * And the bell of lib/algo, which is made of promises: a ring against those who
 * begin to wait and those who give up. A lost ring is a hang.
 *
 * Futures and callbacks are blocks of the explorer's, so that it sees when they
 * are used too late; slabs have scenarios of their own.
 */
#define SKI_SLAB_H
#define SKI_OBJECTS_H

#include "hooks.h"

#define SKI_OBJECT_BYTES 64

struct ski_slab;

struct ski_chunk {
	unsigned generation;
};

static inline struct ski_chunk *ski_chunk_of(const void *object)
{
	static struct ski_chunk chunk;

	(void)object;
	return &chunk;
}

static inline void ski_slab_free(struct ski_slab *mine, void *freed)
{
	(void)mine;
	ski_free(freed);
}

static inline struct ski_slab *ski_own_slab(void)
{
	return NULL;
}

static inline void *ski_object_alloc(void)
{
	return ski_aligned_alloc(64, SKI_OBJECT_BYTES);
}

static inline void ski_object_free(void *object)
{
	ski_free(object);
}

/* clang-format off: future.h first. */
#include "callback.c"
#include "future.c"
#include "promise.c"
#include <stdlib.h>
#define calloc(n, size) ski_calloc(n, size)
#define free(p) ski_free(p)
#define take_all take_ringees
#include "bell.c"
#undef take_all
#undef free
#undef calloc
/* clang-format on */

/* What they need of their neighbours. */

_Atomic(unsigned) ski_forked_count;

struct ski_worker *ski_worker_self(void)
{
	return NULL;
}

/* Time runs out at once. */
int ski_wait_slot(ski_slot_state *state, int64_t timeout_ns)
{
	if (timeout_ns >= 0)
		return SKUA_ETIMEDOUT;
	ex_await(ski_status_final(ski_slot_status(ski_slot_load(state))));
	return 0;
}

void ski_waiters_tell(struct ski_waiter *list, enum ski_status status)
{
	(void)status;
	ex_assert(!list);
}

/* Of a pool with a bound; no pool is here. */
void ski_room_started(struct ski_worker *worker)
{
	(void)worker;
	ex_assert(!"a job starts");
}

void ski_room_leave(struct skua_pool *pool, size_t n)
{
	(void)pool;
	(void)n;
	ex_assert(!"a job is met");
}

bool ski_room_free(struct ski_worker *worker)
{
	(void)worker;
	ex_assert(!"a job ends");
	return false;
}

void ski_child_run(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
	ex_assert(!"a child runs");
}

void ski_child_met(struct skua_future *child, enum ski_status status)
{
	(void)child;
	(void)status;
	ex_assert(!"a child is met");
}

enum {
	CALLS = 3
};

static struct {
	struct skua_future *promise;
	int payload; /* written before it is completed */
	_Atomic(unsigned) called[CALLS]; /* 1 + who called it */
	bool cancelled[EX_THREADS]; /* what the callbacks of a thread saw */
	unsigned set[EX_THREADS]; /* completed by that thread */
	unsigned last[EX_THREADS]; /* the callback it called last */
	bool ordered; /* one thread adds them */
} s;

static void call_back(struct skua_future *future, void *context)
{
	unsigned which = (unsigned)(uintptr_t)context;

	ex_assert(future == s.promise && skua_future_done(future));
	if (skua_future_cancelled(future))
		s.cancelled[ex_self()] = true;
	else
		ex_assert(skua_future_value(future) == &s.payload &&
			  s.payload == 1);
	/* Relaxed: judged in check(). */
	ex_assert(!atomic_exchange_explicit(&s.called[which], 1 + ex_self(),
					    memory_order_relaxed));
	/* Those of one adder that are called by one thread. */
	ex_assert(!s.ordered || s.last[ex_self()] <= which);
	s.last[ex_self()] = which;
}

static void add(unsigned which)
{
	ex_assert(!skua_future_on_done(s.promise, call_back,
				       (void *)(uintptr_t)which));
}

static void open_shared(unsigned holders)
{
	ex_assert(!skua_promise_open(&s.promise));
	while (--holders)
		skua_future_retain(s.promise);
}

static void release(void)
{
	skua_future_release(s.promise);
}

static void setup_two(void)
{
	open_shared(2);
}

static void setup_three(void)
{
	open_shared(3);
}

static void add_first(void)
{
	add(0);
	release();
}

static void add_second(void)
{
	add(1);
	release();
}

static void add_two(void)
{
	s.ordered = true;
	add(0);
	add(1);
	release();
}

static void complete_it(void)
{
	s.payload = 1;
	s.set[ex_self()] = !skua_promise_set(s.promise, &s.payload);
	release();
}

static void cancel_it(void)
{
	s.set[ex_self()] = !skua_future_cancel(s.promise);
	release();
}

/* Gives back the reference of the thread that completes it. */
static void release_and_look(struct skua_future *future, void *context)
{
	skua_future_release(future);
	call_back(future, context);
}

static void complete_and_leave(void)
{
	s.payload = 1;
	ex_assert(!skua_future_on_done(s.promise, release_and_look, NULL));
	ex_assert(!skua_promise_set(s.promise, &s.payload));
}

static unsigned calls(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CALLS; ++i)
		n += atomic_load_explicit(&s.called[i], memory_order_relaxed) !=
		     0;
	return n;
}

static void check_one(void)
{
	ex_assert(calls() == 1);
}

static void check_two(void)
{
	ex_assert(calls() == 2);
}

/* Given up: those who call back say that it was cancelled. */
static void check_given_up(void)
{
	bool cancelled = false;

	ex_assert(calls() == 1);
	for (unsigned i = 0; i < EX_THREADS; ++i)
		cancelled |= s.cancelled[i];
	ex_assert(cancelled);
}

static void check_contest(void)
{
	unsigned won = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		won += s.set[i];
	ex_assert(calls() == 1 && won == 1);
}

#define CALLBACK_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "callback", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

CALLBACK_SCENARIO(callback_finish, "two are added while it ends",
		  .setup = setup_two, .check = check_two, .spurious = 1,
		  .run = { add_two, complete_it })
CALLBACK_SCENARIO(callback_two_adders, "two add while it ends", .most = 3,
		  .setup = setup_three, .check = check_two,
		  .run = { add_first, add_second, complete_it })
CALLBACK_SCENARIO(callback_cancel, "one is added while it is cancelled",
		  .setup = setup_two, .check = check_one,
		  .run = { add_first, cancel_it })
CALLBACK_SCENARIO(callback_contest, "completed or cancelled, not both",
		  .setup = setup_three, .check = check_contest,
		  .run = { add_first, complete_it, cancel_it })
CALLBACK_SCENARIO(callback_releases, "a callback releases it",
		  .setup = setup_two, .check = check_one,
		  .run = { complete_and_leave, release })
CALLBACK_SCENARIO(callback_given_up, "nobody is left to complete it",
		  .setup = setup_three, .check = check_given_up,
		  .run = { add_first, release, release })
CALLBACK_SCENARIO(callback_two_give_up, "two add, and nobody completes it",
		  .setup = setup_two, .check = check_two,
		  .run = { add_first, add_second })

/* ---- the bell ---- */

static struct {
	struct ski_bell bell;
	_Atomic(unsigned) tokens;
	int payload;
} b;

static bool take_token(void *what)
{
	unsigned n = atomic_load_explicit(&b.tokens, memory_order_seq_cst);

	(void)what;
	while (n)
		if (atomic_compare_exchange_weak_explicit(&b.tokens, &n, n - 1,
							  memory_order_seq_cst,
							  memory_order_seq_cst))
			return true;
	return false;
}

static bool never(void *what)
{
	(void)what;
	return false;
}

static void wait_for_token(void)
{
	ex_assert(!ski_bell_wait(&b.bell, take_token, NULL, -1));
	ex_assert(b.payload == 1);
}

static void give_up(void)
{
	ex_assert(ski_bell_wait(&b.bell, never, NULL, INT64_MAX) ==
		  SKUA_ETIMEDOUT);
}

static void ring(unsigned tokens)
{
	b.payload = 1;
	atomic_store_explicit(&b.tokens, tokens, memory_order_seq_cst);
	ski_bell_ring(&b.bell);
}

static void ring_one(void)
{
	ring(1);
}

static void ring_two(void)
{
	ring(2);
}

static void check_bell(void)
{
	ex_assert(!atomic_load_explicit(&b.tokens, memory_order_relaxed));
	ski_bell_destroy(&b.bell);
}

#define BELL_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "bell", .what = text, .state = &b, \
		    .state_bytes = sizeof(b), .check = check_bell,    \
		    __VA_ARGS__)

BELL_SCENARIO(bell_ring, "a ring against one who begins to wait",
	      .run = { wait_for_token, ring_one })
BELL_SCENARIO(bell_two, "a ring for two", .stale = 2, .most = 3,
	      .run = { wait_for_token, wait_for_token, ring_two })
BELL_SCENARIO(bell_give_up, "a ring while another gives up", .stale = 2,
	      .most = 3, .run = { wait_for_token, ring_one, give_up })
