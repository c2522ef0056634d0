/* SPDX-License-Identifier: MIT */
/*
 * The state word of a future: each call in each state it can meet, and all of
 * them at once, where a slot must be freed exactly once and everybody who waits
 * be told exactly once.
 */
#include "core_test.h"

#include "futex.h"
#include "slot.h"

TestSuite(slot, .timeout = LIMIT);

#define QUEUED SKI_SLOT_QUEUED
#define ORPHAN SKI_SLOT_ORPHAN

static struct ski_waiter waiters[3];

static uint64_t with(uint64_t state, struct ski_waiter *list)
{
	return state | (uint64_t)(uintptr_t)list;
}

/* A slot is pending without QUEUED only before it is submitted. */
static const uint64_t pending[] = {
	SKI_PENDING,
	SKI_PENDING | QUEUED,
	SKI_PENDING | QUEUED | ORPHAN,
};

static const uint64_t settled[] = {
	SKI_DONE,
	SKI_FAILED,
	SKI_CANCELLED,
	SKI_CANCELLED | QUEUED,
	SKI_CANCELLED | ORPHAN,
	SKI_CANCELLED | QUEUED | ORPHAN,
	SKI_REFUSED | QUEUED | ORPHAN,
};

Test(slot, parts)
{
	for (enum ski_status s = SKI_PENDING; s <= SKI_REFUSED; s++) {
		uint64_t state = with(s | QUEUED | ORPHAN, &waiters[1]);

		cr_expect_eq(ski_slot_status(state), s);
		cr_expect_eq(ski_slot_waiters(state), &waiters[1]);
		cr_expect_null(ski_slot_waiters(s | QUEUED | ORPHAN));
		cr_expect_eq(ski_status_final(s),
			     s != SKI_PENDING && s != SKI_RUNNING);
	}
	/* All flags fit below the address of a waiter. */
	cr_expect_eq((uintptr_t)waiters % (SKI_SLOT_FLAGS + 1), 0);
	cr_expect_eq(sizeof(waiters[0]) % (SKI_SLOT_FLAGS + 1), 0);
}

Test(slot, start)
{
	for (size_t i = 0; i < COUNT_OF(pending); i++)
		for (size_t w = 0; w < 2; w++) {
			uint64_t before = with(pending[i], w ? waiters : NULL);
			uint64_t after = (before & ~QUEUED) | SKI_RUNNING;
			ski_slot_state slot = before;
			uint64_t state = 0;

			cr_assert(ski_slot_start(&slot, &state));
			cr_expect_eq(ski_slot_load(&slot), after);
			/* And never again. */
			cr_expect_not(ski_slot_start(&slot, &state));
			cr_expect_eq(state, after);
			cr_expect_eq(ski_slot_load(&slot), after);
		}
}

Test(slot, start_too_late)
{
	for (size_t i = 0; i < COUNT_OF(settled); i++) {
		ski_slot_state slot = settled[i];
		uint64_t state = 0;

		cr_expect_not(ski_slot_start(&slot, &state));
		cr_expect_eq(state, settled[i]);
		cr_expect_eq(ski_slot_load(&slot), settled[i]);
	}
}

/* Whoever comes second of popper and last holder is told to free. */
Test(slot, popped)
{
	static const uint64_t dead[] = { SKI_CANCELLED, SKI_REFUSED };

	for (size_t i = 0; i < 2; i++) {
		ski_slot_state slot = dead[i] | QUEUED;

		cr_expect_not(ski_slot_popped(&slot));
		cr_expect_eq(ski_slot_load(&slot), dead[i]);
		cr_expect(ski_slot_orphan(&slot));
		slot = dead[i] | QUEUED;
		cr_expect_not(ski_slot_orphan(&slot));
		cr_expect_eq(ski_slot_load(&slot), dead[i] | QUEUED | ORPHAN);
		cr_expect(ski_slot_popped(&slot));
	}
}

/* And so of finisher and last holder. */
Test(slot, finish)
{
	static const enum ski_status ends[] = { SKI_DONE, SKI_FAILED };

	for (size_t i = 0; i < 2; i++) {
		ski_slot_state slot = with(SKI_RUNNING, &waiters[0]);

		cr_expect_eq(ski_slot_finish(&slot, ends[i]),
			     with(SKI_RUNNING, &waiters[0]));
		cr_expect_eq(ski_slot_load(&slot), ends[i]);
		cr_expect(ski_slot_orphan(&slot));
		slot = SKI_RUNNING;
		cr_expect_not(ski_slot_orphan(&slot));
		cr_expect_eq(ski_slot_finish(&slot, ends[i]),
			     SKI_RUNNING | ORPHAN);
	}
}

Test(slot, orphan)
{
	for (size_t i = 0; i < COUNT_OF(pending); i++) {
		ski_slot_state slot = with(pending[i], waiters);

		cr_expect_not(ski_slot_orphan(&slot));
		cr_expect_eq(ski_slot_load(&slot),
			     with(pending[i] | ORPHAN, waiters));
	}
	for (size_t i = 0; i < COUNT_OF(settled); i++) {
		ski_slot_state slot = settled[i];

		cr_expect_eq(ski_slot_orphan(&slot), !(settled[i] & QUEUED));
		cr_expect_eq(ski_slot_load(&slot), settled[i] | ORPHAN);
	}
}

Test(slot, cancel)
{
	for (size_t i = 0; i < COUNT_OF(pending); i++)
		for (size_t w = 0; w < 2; w++) {
			uint64_t before = with(pending[i], w ? waiters : NULL);
			ski_slot_state slot = before;

			cr_expect_eq(ski_slot_cancel(&slot), before);
			cr_expect_eq(ski_slot_load(&slot),
				     pending[i] | SKI_CANCELLED);
			/* Not twice. */
			cr_expect_eq(ski_slot_cancel(&slot),
				     pending[i] | SKI_CANCELLED);
		}
}

Test(slot, cancel_too_late)
{
	ski_slot_state slot = with(SKI_RUNNING | ORPHAN, waiters);

	cr_expect_eq(ski_slot_cancel(&slot),
		     with(SKI_RUNNING | ORPHAN, waiters));
	cr_expect_eq(ski_slot_load(&slot), with(SKI_RUNNING | ORPHAN, waiters));
	for (size_t i = 0; i < COUNT_OF(settled); i++) {
		slot = settled[i];
		cr_expect_eq(ski_slot_cancel(&slot), settled[i]);
		cr_expect_eq(ski_slot_load(&slot), settled[i]);
	}
}

Test(slot, refuse)
{
	static const uint64_t taken[] = { SKI_RUNNING, SKI_DONE, SKI_FAILED };
	ski_slot_state slot = QUEUED;
	uint64_t state;

	cr_expect(ski_slot_refuse(&slot));
	cr_expect_eq(ski_slot_load(&slot), SKI_REFUSED | QUEUED | ORPHAN);
	cr_expect_not(ski_slot_start(&slot, &state));
	cr_expect(ski_slot_popped(&slot));
	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		slot = taken[i];
		cr_expect_not(ski_slot_refuse(&slot));
		cr_expect_eq(ski_slot_load(&slot), taken[i]);
	}
}

Test(slot, wait)
{
	static const uint64_t open[] = { SKI_PENDING, QUEUED, SKI_RUNNING,
					 SKI_RUNNING | ORPHAN };

	for (size_t i = 0; i < COUNT_OF(open); i++) {
		ski_slot_state slot = open[i];

		cr_expect(ski_slot_wait(&slot, &waiters[0], &waiters[0]));
		cr_expect_eq(ski_slot_load(&slot), with(open[i], &waiters[0]));
		cr_expect_null(waiters[0].next);
		/* A list of two, before that one. */
		waiters[1].next = &waiters[2];
		cr_expect(ski_slot_wait(&slot, &waiters[1], &waiters[2]));
		cr_expect_eq(ski_slot_load(&slot), with(open[i], &waiters[1]));
		cr_expect_eq(waiters[1].next, &waiters[2]);
		cr_expect_eq(waiters[2].next, &waiters[0]);
		cr_expect_eq(ski_slot_take_waiters(&slot), &waiters[1]);
		cr_expect_eq(ski_slot_load(&slot), open[i]);
		cr_expect_null(ski_slot_take_waiters(&slot));
		cr_expect_eq(ski_slot_load(&slot), open[i]);
	}
}

Test(slot, call_back)
{
	uint64_t state = 0;

	for (size_t i = 0; i < COUNT_OF(pending); i++) {
		uint64_t before = with(pending[i], waiters);
		ski_slot_state slot = before;

		cr_expect(ski_slot_call_back(&slot, &state));
		cr_expect_eq(state, before);
		cr_expect_eq(ski_slot_load(&slot), before | SKI_SLOT_CALLBACKS);
		/* Again: nothing changes, and the state says so. */
		cr_expect(ski_slot_call_back(&slot, &state));
		cr_expect_eq(state, before | SKI_SLOT_CALLBACKS);
		/* It stays until the end, and the end is told of it. */
		cr_expect(ski_slot_start(&slot, &state));
		cr_expect_eq(ski_slot_take_waiters(&slot), waiters);
		cr_expect(ski_slot_finish(&slot, SKI_DONE) &
			  SKI_SLOT_CALLBACKS);
		cr_expect_eq(ski_slot_load(&slot), SKI_DONE);
		slot = before | SKI_SLOT_CALLBACKS;
		cr_expect(ski_slot_cancel(&slot) & SKI_SLOT_CALLBACKS);
		cr_expect_eq(ski_slot_load(&slot), pending[i] | SKI_CANCELLED);
	}
	for (size_t i = 0; i < COUNT_OF(settled); i++) {
		ski_slot_state slot = settled[i];

		cr_expect_not(ski_slot_call_back(&slot, &state));
		cr_expect_eq(state, settled[i]);
		cr_expect_eq(ski_slot_load(&slot), settled[i]);
	}
}

Test(slot, wait_too_late)
{
	for (size_t i = 0; i < COUNT_OF(settled); i++) {
		ski_slot_state slot = settled[i];

		cr_expect_not(ski_slot_wait(&slot, &waiters[0], &waiters[0]));
		cr_expect_eq(ski_slot_load(&slot), settled[i]);
		cr_expect_null(ski_slot_take_waiters(&slot));
	}
}

Test(slot, one_decides_about_a_waiter)
{
	struct ski_waiter waiter = { .references = 2 };

	cr_expect(ski_waiter_decide(&waiter, SKI_GONE));
	cr_expect_not(ski_waiter_decide(&waiter, SKI_TOLD));
	cr_expect_eq(waiter.state, SKI_GONE);
	cr_expect_not(ski_waiter_drop(&waiter));
	cr_expect(ski_waiter_drop(&waiter));
	waiter = (struct ski_waiter){ .references = 2 };
	cr_expect(ski_waiter_decide(&waiter, SKI_TOLD));
	cr_expect_not(ski_waiter_decide(&waiter, SKI_GONE));
	cr_expect_eq(waiter.state, SKI_TOLD);
}

/* ---- several threads ---- */

enum {
	HOLDERS = 3,
	WORKER = HOLDERS, /* pops, runs and finishes */
	ROUNDS = SCALED(20000),
};

/* As a future: freed by whoever is told to. What is plain TSan judges. */
struct future {
	ski_slot_state state;
	atomic_uint holders;
	uint64_t result;
	bool used[HOLDERS]; /* by holders until they let go, then by nobody */
};

static _Atomic(struct future *) futures[ROUNDS];
static atomic_uint freed, ran, cancelled, met_cancelled;
static atomic_uint registered, told, gone, nodes_made, nodes_freed;

static void free_future(struct future *future)
{
	for (int i = 0; i < HOLDERS; i++)
		CHECK(future->used[i]);
	free(future);
	atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed);
}

static void drop_waiter(struct ski_waiter *waiter)
{
	if (!ski_waiter_drop(waiter))
		return;
	free(waiter);
	atomic_fetch_add_explicit(&nodes_freed, 1, memory_order_relaxed);
}

/* As lib/sched/waiter.c: the last touch of a waiter that is not shared. */
static void tell(struct ski_waiter *waiter)
{
	const void *address = &waiter->state;
	bool shared =
		atomic_load_explicit(&waiter->references, memory_order_relaxed);

	if (!shared)
		/* Release: the result. Pairs with sleep_until_told(). */
		atomic_store_explicit(&waiter->state, SKI_TOLD,
				      memory_order_release);
	else if (!ski_waiter_decide(waiter, SKI_TOLD))
		address = NULL;
	if (address) {
		atomic_fetch_add_explicit(&told, 1, memory_order_relaxed);
		ski_futex_wake(address, 1);
	}
	if (shared)
		drop_waiter(waiter);
}

static void tell_all(struct ski_waiter *list)
{
	while (list) {
		struct ski_waiter *next = list->next;

		tell(list);
		list = next;
	}
}

static void sleep_until_told(struct ski_waiter *waiter)
{
	/* Acquire: pairs with tell(). */
	while (atomic_load_explicit(&waiter->state, memory_order_acquire) ==
	       SKI_WAITING)
		ski_futex_wait(&waiter->state, SKI_WAITING, -1);
}

/* Every final state has its result. */
static void check_result(struct future *future)
{
	enum ski_status status = ski_slot_status(ski_slot_load(&future->state));

	CHECK(ski_status_final(status));
	CHECK(future->result == (status == SKI_CANCELLED ? 7 : 42));
}

static void wait_on_stack(struct future *future)
{
	struct ski_waiter waiter = { .next = NULL };

	if (ski_slot_wait(&future->state, &waiter, &waiter)) {
		atomic_fetch_add_explicit(&registered, 1, memory_order_relaxed);
		sleep_until_told(&waiter);
	}
	check_result(future);
}

/* Of a list taken whole: drop who is gone, put the others back. */
static void sift(struct future *future, struct ski_waiter *list)
{
	struct ski_waiter *kept = NULL, *last = NULL;

	while (list) {
		struct ski_waiter *next = list->next;

		if (atomic_load_explicit(&list->state, memory_order_acquire) ==
		    SKI_GONE) {
			drop_waiter(list);
		} else {
			list->next = kept;
			kept = list;
			last = last ? last : list;
		}
		list = next;
	}
	if (kept && !ski_slot_wait(&future->state, kept, last)) {
		last->next = NULL;
		tell_all(kept);
	}
}

static void wait_for_a_while(struct future *future, unsigned looks)
{
	struct ski_waiter *waiter =
		ski_aligned_alloc(_Alignof(struct ski_waiter), sizeof(*waiter));

	atomic_init(&waiter->references, 2);
	if (!ski_slot_wait(&future->state, waiter, waiter)) {
		free(waiter);
		check_result(future);
		return;
	}
	atomic_fetch_add_explicit(&registered, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&nodes_made, 1, memory_order_relaxed);
	while (looks--)
		sched_yield();
	if (ski_waiter_decide(waiter, SKI_GONE)) {
		atomic_fetch_add_explicit(&gone, 1, memory_order_relaxed);
		sift(future, ski_slot_take_waiters(&future->state));
	} else {
		check_result(future);
	}
	drop_waiter(waiter);
}

static void cancel(struct future *future)
{
	uint64_t old = ski_slot_cancel(&future->state);

	if (ski_slot_status(old) != SKI_PENDING)
		return;
	atomic_fetch_add_explicit(&cancelled, 1, memory_order_relaxed);
	tell_all(ski_slot_waiters(old));
}

static void let_go(struct future *future, unsigned self)
{
	future->used[self] = true;
	if (atomic_fetch_sub_explicit(&future->holders, 1,
				      memory_order_acq_rel) == 1 &&
	    ski_slot_orphan(&future->state))
		free_future(future);
}

static void hold(struct future *future, unsigned self, uint64_t *random)
{
	switch (random_below(random, 6)) {
	case 0:
		cancel(future);
		break;
	case 1:
	case 2:
		wait_on_stack(future);
		break;
	case 3:
	case 4:
		wait_for_a_while(future, random_below(random, 4));
		break;
	default:
		break;
	}
	let_go(future, self);
}

/* Let the others do something meanwhile, or nothing. */
static void dawdle(uint64_t *random)
{
	for (unsigned n = random_below(random, 4); n > 0; n--)
		sched_yield();
}

static void work(struct future *future, uint64_t *random)
{
	uint64_t state;

	dawdle(random);
	if (!ski_slot_start(&future->state, &state)) {
		CHECK(ski_slot_status(state) == SKI_CANCELLED);
		atomic_fetch_add_explicit(&met_cancelled, 1,
					  memory_order_relaxed);
		if (ski_slot_popped(&future->state))
			free_future(future);
		return;
	}
	atomic_fetch_add_explicit(&ran, 1, memory_order_relaxed);
	dawdle(random);
	future->result = 42;
	state = ski_slot_finish(&future->state, random_below(random, 2) ?
							SKI_DONE :
							SKI_FAILED);
	CHECK(ski_slot_status(state) == SKI_RUNNING);
	CHECK(!(state & QUEUED));
	if (state & ORPHAN)
		free_future(future);
	/* An orphan may have nodes of those who have gone. */
	tell_all(ski_slot_waiters(state));
}

/* A few ahead of those who are about it, so that these meet. */
static void submit_all(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct future *future = calloc(1, sizeof(*future));

		future->result = 7;
		atomic_init(&future->state, QUEUED);
		atomic_init(&future->holders, HOLDERS);
		while (atomic_load_explicit(&freed, memory_order_relaxed) + 4 <
		       i)
			sched_yield();
		atomic_store_explicit(&futures[i], future,
				      memory_order_release);
	}
}

static struct future *await_future(unsigned i)
{
	struct future *future;

	while (!(future = atomic_load_explicit(&futures[i],
					       memory_order_acquire)))
		sched_yield();
	return future;
}

static void hold_or_work(unsigned self)
{
	uint64_t random = random_stream(self);

	if (self > WORKER) {
		submit_all();
		return;
	}
	for (unsigned i = 0; i < ROUNDS; i++)
		if (self == WORKER)
			work(await_future(i), &random);
		else
			hold(await_future(i), self, &random);
}

Test(slot, everything_at_once)
{
	crew_run(HOLDERS + 2, hold_or_work);
	cr_expect_eq(freed, ROUNDS);
	cr_expect_eq(ran + cancelled, ROUNDS);
	cr_expect_eq(met_cancelled, cancelled);
	cr_expect_eq(told + gone, registered);
	cr_expect_eq(nodes_freed, nodes_made);
	/* All of it did happen. */
	cr_expect_gt(ran, 0);
	cr_expect_gt(cancelled, 0);
	cr_expect_gt(told, 0);
	cr_expect_gt(gone, 0);
}

static atomic_uint refused, accepted, met_refused, run_refusable;

static void submit_or_refuse(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct future *future = calloc(1, sizeof(*future));

		atomic_init(&future->state, QUEUED);
		atomic_store_explicit(&futures[i], future,
				      memory_order_release);
		if (i % 2)
			sched_yield();
		if (ski_slot_refuse(&future->state)) {
			atomic_fetch_add_explicit(&refused, 1,
						  memory_order_relaxed);
			continue;
		}
		atomic_fetch_add_explicit(&accepted, 1, memory_order_relaxed);
		if (ski_slot_orphan(&future->state))
			free(future);
	}
}

static void run_or_meet(struct future *future)
{
	uint64_t state;

	if (ski_slot_start(&future->state, &state)) {
		atomic_fetch_add_explicit(&run_refusable, 1,
					  memory_order_relaxed);
		future->result = 42;
		if (ski_slot_finish(&future->state, SKI_DONE) & ORPHAN)
			free(future);
		return;
	}
	CHECK(state == (SKI_REFUSED | QUEUED | ORPHAN));
	atomic_fetch_add_explicit(&met_refused, 1, memory_order_relaxed);
	/* Nobody else knows of it. */
	CHECK(ski_slot_popped(&future->state));
	free(future);
}

static void refuse_or_run(unsigned self)
{
	if (self == 0)
		submit_or_refuse();
	for (unsigned i = 0; self && i < ROUNDS; i++)
		run_or_meet(await_future(i));
}

/* A submit is refused, or runs: never both, never neither. */
Test(slot, refused_or_run)
{
	crew_run(2, refuse_or_run);
	cr_expect_eq(refused + accepted, ROUNDS);
	cr_expect_eq(met_refused, refused);
	cr_expect_eq(run_refusable, accepted);
}
