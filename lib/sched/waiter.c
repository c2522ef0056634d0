/* SPDX-License-Identifier: MIT */
#include "waiter.h"

#include <skua/error.h>

#include "alarm.h"
#include "clock.h"
#include "future.h"
#include "objects.h"
#include "wait.h"
#include "wake.h"

/* The explorer shortens these. */
#ifndef SKI_THREAD_SPINS
#define SKI_THREAD_SPINS 128
#define SKI_THREAD_YIELDS 64
#endif

struct ski_waiter *ski_waiter_open(struct ski_worker *worker)
{
	struct ski_waiter *waiter = ski_object_alloc();

	if (!waiter)
		return NULL;
	waiter->fiber = worker ? worker->fiber : NULL;
	waiter->told = NULL;
	/* Relaxed: published with the waiter. */
	atomic_store_explicit(&waiter->state, SKI_WAITING,
			      memory_order_relaxed);
	atomic_store_explicit(&waiter->references, 2, memory_order_relaxed);
	return waiter;
}

void ski_waiter_release(struct ski_waiter *waiter)
{
	if (ski_waiter_drop(waiter))
		ski_object_free(waiter);
}

/* To the finisher, the last touch of a waiter that is not shared. */
static void tell(struct ski_waiter *waiter, enum ski_status status)
{
	bool shared =
		atomic_load_explicit(&waiter->references, memory_order_relaxed);
	struct ski_fiber *fiber = waiter->fiber;
	const void *address = &waiter->state;

	if (shared && !ski_waiter_decide(waiter, SKI_TOLD)) {
		ski_waiter_release(waiter);
		return;
	}
	if (waiter->told) {
		waiter->told(waiter, status);
		return;
	}
	if (fiber) {
		ski_fiber_resume(fiber);
	} else {
		if (!shared)
			/* Release: the result. Pairs with wait_thread(). */
			atomic_store_explicit(&waiter->state, SKI_TOLD,
					      memory_order_release);
		ski_futex_wake(address, 1);
		if (ski_self)
			ski_self->woke_thread = true;
	}
	if (shared)
		ski_waiter_release(waiter);
}

void ski_waiters_tell(struct ski_waiter *list, enum ski_status status)
{
	while (list) {
		struct ski_waiter *next = list->next;

		tell(list, status);
		list = next;
	}
}

/*
 * Take the list whole, drop those whose wait ran out, put the rest back. If the
 * future ended meanwhile nobody has told them: do it here. Returns how many were
 * put back.
 */
static unsigned sift(ski_slot_state *state)
{
	struct ski_waiter *list = ski_slot_take_waiters(state);
	struct ski_waiter *first = NULL, *last = NULL;
	unsigned kept = 0;

	while (list) {
		struct ski_waiter *next = list->next;

		/* Acquire: pairs with ski_waiter_decide(). */
		if (atomic_load_explicit(&list->state, memory_order_acquire) ==
		    SKI_GONE) {
			ski_waiter_release(list);
		} else {
			list->next = first;
			first = list;
			last = last ? last : list;
			kept++;
		}
		list = next;
	}
	if (first && !ski_slot_wait(state, first, last)) {
		last->next = NULL;
		ski_waiters_tell(first, ski_slot_status(ski_slot_load(state)));
	}
	return kept;
}

/* A node of this list is GONE. Each that goes pays for one other: a thread that
 * has walked a list of n walks none before n more waits of its own ran out. So
 * it leaves at most as many nodes behind as there are that wait. */
void ski_wait_sift(ski_slot_state *state)
{
	static _Thread_local unsigned to_leave;

	if (to_leave)
		to_leave--;
	else
		to_leave = sift(state);
}

/* What is waited for. */
struct wait {
	ski_slot_state *state;
	void (*registered)(void *arg); /* may be NULL */
	void *arg;
};

/* Into the list. False: the state is final. */
static bool enlist(const struct wait *wait, struct ski_waiter *waiter)
{
	if (!ski_slot_wait(wait->state, waiter, waiter))
		return false;
	if (wait->registered)
		wait->registered(wait->arg);
	return true;
}

/* A thread: until told or GONE. */
static void wait_thread(struct ski_waiter *waiter, int64_t deadline_ns)
{
	/* Acquire: the result. Pairs with tell(). */
	while (atomic_load_explicit(&waiter->state, memory_order_acquire) ==
	       SKI_WAITING)
		if (ski_futex_wait(&waiter->state, SKI_WAITING, deadline_ns))
			ski_waiter_decide(waiter, SKI_GONE);
}

bool ski_wait_told(struct ski_waiter *waiter, struct ski_worker *worker,
		   int64_t deadline_ns)
{
	if (!worker)
		wait_thread(waiter, deadline_ns);
	else if (deadline_ns >= 0)
		ski_alarm_suspend(worker, deadline_ns, waiter);
	else
		ski_wait_suspend(worker);
	/* Acquire: pairs with ski_waiter_decide(). */
	return atomic_load_explicit(&waiter->state, memory_order_acquire) ==
	       SKI_TOLD;
}

static int wait_timed(const struct wait *wait, struct ski_worker *worker,
		      int64_t deadline_ns)
{
	struct ski_waiter *waiter = ski_waiter_open(worker);
	int error = 0;

	if (!waiter)
		return SKUA_ENOMEM;
	if (!enlist(wait, waiter)) {
		ski_object_free(waiter);
		return 0;
	}
	if (!ski_wait_told(waiter, worker, deadline_ns)) {
		error = SKUA_ETIMEDOUT;
		ski_wait_sift(wait->state);
	}
	ski_waiter_release(waiter);
	return error;
}

static void wait_forever(const struct wait *wait, struct ski_worker *worker)
{
	struct ski_waiter waiter = { .fiber = worker ? worker->fiber : NULL };

	if (!enlist(wait, &waiter))
		return;
	if (worker)
		ski_wait_suspend(worker);
	else
		wait_thread(&waiter, -1);
}

static bool is_final(void *state)
{
	return ski_status_final(ski_slot_status(ski_slot_load(state)));
}

/* If the worker has yet to wake, it may do so on this CPU: give way to it, and
 * do not sleep before it had the time to. */
bool ski_wait_spin(bool (*is_over)(void *), void *what)
{
	bool woke = ski_woke_sleeper;
	int rounds = woke ? SKI_THREAD_YIELDS : SKI_THREAD_SPINS;

	ski_woke_sleeper = false;
	for (int i = 0; i < rounds; i++) {
		if (woke)
			ski_thread_yield();
		else
			ski_pause();
		if (is_over(what))
			return true;
	}
	return false;
}

static int wait_for(const struct wait *wait, int64_t timeout_ns)
{
	struct ski_worker *worker = ski_worker_self();
	int error;

	if (is_final(wait->state))
		return 0;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	if (worker) {
		error = ski_wait_prepare(worker);
		if (error)
			return error;
	} else if (ski_wait_spin(is_final, wait->state)) {
		return 0;
	}
	if (timeout_ns > 0)
		return wait_timed(wait, worker, ski_deadline_ns(timeout_ns));
	wait_forever(wait, worker);
	return 0;
}

int ski_wait_slot(ski_slot_state *state, int64_t timeout_ns)
{
	struct wait wait = { .state = state };

	return wait_for(&wait, timeout_ns);
}

int ski_wait_event(ski_slot_state *state, int64_t timeout_ns,
		   void (*registered)(void *arg), void *arg)
{
	struct wait wait = { state, registered, arg };

	return wait_for(&wait, timeout_ns);
}

bool ski_wait_tell(ski_slot_state *state, bool (*is_so)(void *arg), void *arg)
{
	struct ski_waiter *list = ski_slot_take_waiters(state);
	struct ski_waiter *last = list;

	if (!list)
		return true;
	/* Asked only now that no other can join them. */
	if (is_so(arg)) {
		ski_waiters_tell(list, SKI_DONE);
		return true;
	}
	while (last->next)
		last = last->next;
	ski_slot_wait(state, list, last);
	return false;
}
