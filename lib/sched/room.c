/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "child.h"
#include "clock.h"
#include "hook.h"
#include "isolate.h"
#include "pool.h"
#include "run.h"
#include "wait.h"
#include "waiting.h"

/*
 * The word: how many places are free, as a number that is never negative by
 * BIAS, and what has been shut. Each of those is set once and stays; as ranks
 * they are in the order of ski_waitq_before().
 */
#define PLACE (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define BIAS (UINT64_C(1) << 50)
#define SHUT (UINT64_C(1) << 60) /* for who comes from outside */
#define CANCEL (UINT64_C(1) << 61) /* for all */
#define ENDS (SHUT | CANCEL)

/* More than memory could hold jobs. */
#define PLACES_MAX (UINT64_C(1) << 48)

/* A verdict: the pool has been shut since, look again. */
enum {
	AGAIN = 1
};

/* One that waits. */
struct entrant {
	struct skua_pool *pool;
	size_t need;
};

static int64_t places_in(uint64_t word)
{
	return (int64_t)((word & (SHUT - 1)) >> SKI_WAITQ_SHIFT) -
	       (int64_t)BIAS;
}

/* As many as there may ever be; one at least, since workers may be added. */
static size_t capacity(struct skua_pool *pool)
{
	unsigned workers = ski_pool_target(pool);

	if (pool->bound == SKI_BOUNDED)
		return pool->room.places;
	return workers ? workers : 1;
}

/* Rule: first come, first served. Where the word stays as it is, the verdict
 * does not depend on its places: what is shut is never opened again. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	const struct entrant *entrant = first->of;

	first->verdict = 0;
	*next = word;
	if (ski_waitq_before(first->rank, word & ENDS))
		first->verdict = AGAIN;
	else if (entrant->need > capacity(entrant->pool))
		first->verdict = SKUA_EFULL;
	if (first->verdict)
		return true;
	*next = word - entrant->need * PLACE;
	return places_in(word) >= (int64_t)entrant->need;
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

void ski_room_init(struct skua_pool *pool, size_t max_pending)
{
	struct ski_room *room = &pool->room;
	uint64_t places = max_pending;

	pool->bound = max_pending == SKUA_NO_QUEUE ? SKI_NO_QUEUE : SKI_BOUNDED;
	/* As 64 bits, since a size_t of 32 is always below. */
	if (pool->bound == SKI_BOUNDED)
		room->places = places < PLACES_MAX ? places : PLACES_MAX;
	atomic_init(&room->q.word, (room->places + BIAS) * PLACE);
}

static bool try_enter(struct ski_room *room, size_t need)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&room->q.word, memory_order_relaxed);

	/* Nobody goes past those who wait. */
	while (places_in(word) >= (int64_t)need && !(word & SKI_WAITQ_WAITERS))
		/* Acquire: that what was here has been met. Pairs with
		 * add_places(). Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &room->q.word, &word, word - need * PLACE,
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

/* Places come, and with them who waits; or go (negative @n), even if there are
 * none. */
static void add_places(struct ski_room *room, int64_t n)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&room->q.word, memory_order_relaxed);
	uint64_t next;

	do {
		next = word + (uint64_t)n * PLACE;
		if (n > 0 && word & SKI_WAITQ_WAITERS)
			next = ski_waitq_called(next);
		/* Release: that the job was met. Pairs with try_enter() and
		 * let_first() in waitq.c. Acquire: the queue, if BUSY is ours
		 * now. Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(
		&room->q.word, &word, next, memory_order_acq_rel,
		memory_order_relaxed));
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&room->q, &kind);
}

void ski_room_leave(struct skua_pool *pool, size_t n)
{
	add_places(&pool->room, (int64_t)n);
}

static void look_at_queue(struct ski_room *room, uint64_t set)
{
	if (ski_waitq_call(&room->q, 0, set))
		ski_waiting_work(&room->q, &kind);
}

void ski_room_shut(struct skua_pool *pool)
{
	bool cancelling = ski_pool_closing(pool) & SKI_CANCELLING;

	if (pool->bound)
		look_at_queue(&pool->room, cancelling ? ENDS : SHUT);
}

/* ---- who submits ---- */

/* *@ends: what had been shut when that was allowed. */
static int refusal(struct skua_pool *pool, bool inside, uint64_t *ends)
{
	unsigned closing;

	/* Acquire, and before the look at closing: who says that it came after
	 * the shutdown must have seen it. Pairs with ski_room_shut(). */
	*ends = atomic_load_explicit(&pool->room.q.word, memory_order_acquire) &
		ENDS;
	closing = ski_pool_closing(pool);
	return !inside || closing & SKI_CANCELLING ? ski_pool_refusal(pool) : 0;
}

static int wait(struct skua_pool *pool, size_t need, uint64_t ends,
		int64_t deadline_ns)
{
	struct entrant entrant = { pool, need };

	return ski_waiting_wait(&pool->room.q, &kind, ends, &entrant,
				deadline_ns);
}

/* A worker of the pool that cannot be left, or runs nothing of the queue
 * meanwhile, must not stand still: nobody else might empty it. */
static bool must_go_on(bool inside)
{
	return inside &&
	       (ski_isolate_is_on(ski_self) || ski_wait_prepare(ski_self));
}

int ski_room_enter(struct skua_pool *pool, size_t need, int64_t timeout_ns,
		   bool inside, bool *at_once)
{
	struct ski_room *room = &pool->room;
	int64_t deadline_ns = timeout_ns < 0 ? -1 : ski_deadline_ns(timeout_ns);
	uint64_t ends;
	int error;

	do {
		error = refusal(pool, inside, &ends);
		if (error)
			return error;
		if (need > capacity(pool))
			return SKUA_EFULL;
		if (try_enter(room, need))
			return 0;
		if (!timeout_ns || ski_hook_forbids(pool))
			return SKUA_EFULL;
		if (must_go_on(inside)) {
			add_places(room, -(int64_t)need);
			*at_once = true;
			return 0;
		}
		error = wait(pool, need, ends, deadline_ns);
	} while (error == AGAIN);
	return error;
}

/* ---- beyond the bound ---- */

enum {
	/* Tasks of a worker that wait for what they have submitted to start:
	 * no more, as one that submits itself again and again would leave one
	 * stack behind the other. */
	GIVING_MOST = 16
};

/* Frames that are out find the task's root through its fiber, which another
 * task must not change then. */
static bool has_frames(struct ski_fiber *fiber)
{
	return ski_fiber_current(fiber) != fiber->first ||
	       ski_fiber_base(fiber)->job.run;
}

static void run_here(struct ski_worker *worker, size_t n)
{
	struct ski_deque *deque = &worker->producer.deque;
	struct ski_fiber *fiber = worker->fiber;
	struct skua_group_scope *scope = ski_fiber_scope(fiber);
	_Atomic(int) *root = fiber->root;
	bool busy = ski_room_is_busy(worker);
	ski_index end = ski_index_add(ski_deque_bottom(deque), -(ptrdiff_t)n);
	uintptr_t job;

	ski_child_settle(worker);
	ski_fiber_set_scope(fiber, NULL);
	/* Nothing that was there before: others may go on in a wait, and take
	 * what is meant. */
	while (n-- > 0 && ski_index_diff(ski_deque_bottom(deque), end) > 0 &&
	       (job = ski_deque_take(deque)))
		ski_run(ski_fiber_base(fiber), job);
	ski_child_settle(worker);
	ski_fiber_set_scope(fiber, scope);
	fiber->root = root;
	if (busy)
		ski_room_busy(worker);
}

/* In a region: what was pushed is started first, on a stack of its own, or stays
 * queued. */
static void give_way(struct ski_worker *worker)
{
	if (worker->giving >= GIVING_MOST)
		return;
	worker->giving++;
	ski_queue_put(&worker->yielded, &worker->fiber->node);
	ski_wait_suspend(worker);
	worker->giving--;
}

void ski_room_beyond(struct ski_worker *worker, size_t n)
{
	if (ski_pool_paused(worker->pool))
		return;
	if (ski_isolate_is_on(worker) && !ski_wait_prepare(worker))
		give_way(worker);
	else if (!has_frames(worker->fiber))
		run_here(worker, n);
}

/* ---- without a queue ---- */

static bool counts(uint32_t hand)
{
	return hand == (SKI_HAND_FREE | SKI_HAND_WANTED);
}

/* Relaxed, these and those below: an RMW, so that of two that change it each
 * knows what the other made of it; nothing else is read by that. */
static uint32_t set_hand(struct ski_worker *worker, uint32_t bit)
{
	return atomic_fetch_or_explicit(&worker->hand, bit,
					memory_order_relaxed);
}

static uint32_t clear_hand(struct ski_worker *worker, uint32_t bit)
{
	return atomic_fetch_and_explicit(&worker->hand, ~bit,
					 memory_order_relaxed);
}

bool ski_room_is_busy(struct ski_worker *worker)
{
	return worker->pool->bound == SKI_NO_QUEUE &&
	       /* Relaxed: only the worker changes this bit. */
	       !(atomic_load_explicit(&worker->hand, memory_order_relaxed) &
		 SKI_HAND_FREE);
}

bool ski_room_free(struct ski_worker *worker)
{
	uint32_t before;

	/* It runs nothing that comes from outside of the region. */
	if (ski_unlikely(worker->region))
		return false;
	before = set_hand(worker, SKI_HAND_FREE);
	if (!counts(before) && counts(before | SKI_HAND_FREE))
		add_places(&worker->pool->room, 1);
	return !(before & SKI_HAND_FREE);
}

void ski_room_busy(struct ski_worker *worker)
{
	if (counts(clear_hand(worker, SKI_HAND_FREE)))
		add_places(&worker->pool->room, -1);
}

void ski_room_started(struct ski_worker *worker)
{
	/* What the job gives back, the worker takes away. */
	if (worker->pool->bound == SKI_NO_QUEUE &&
	    counts(clear_hand(worker, SKI_HAND_FREE)))
		return;
	add_places(&worker->pool->room, 1);
}

static void want(struct ski_worker *worker, bool wanted)
{
	uint32_t before = wanted ? set_hand(worker, SKI_HAND_WANTED) :
				   clear_hand(worker, SKI_HAND_WANTED);

	if (!(before & SKI_HAND_FREE) || !(before & SKI_HAND_WANTED) != wanted)
		return;
	add_places(&worker->pool->room, wanted ? 1 : -1);
}

void ski_room_want(struct skua_pool *pool, unsigned first, unsigned end,
		   bool wanted)
{
	if (pool->bound != SKI_NO_QUEUE)
		return;
	for (unsigned i = first; i < end; i++)
		want(pool->worker[i], wanted);
	/* More may be asked for than there ever will be. */
	if (!wanted)
		look_at_queue(&pool->room, 0);
}
