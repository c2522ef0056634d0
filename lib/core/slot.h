/* SPDX-License-Identifier: MIT */
/*
 * The state word of a future and its waiters: one 64-bit word in which the
 * finisher's single exchange publishes the result and takes the waiters.
 *
 *	bits 0-2  status: PENDING -> RUNNING -> DONE or FAILED
 *			  PENDING -> CANCELLED, BROKEN or REFUSED
 *	QUEUED	  a worker will still meet it: set until it starts or, once
 *		  cancelled or refused, until it is popped
 *	ORPHAN	  the last reference is gone
 *	CALLBACKS somebody asked to be called back; not in a final status
 *	the rest  the list of waiters; none in a final status
 *
 * Whoever makes the second of {final and not QUEUED, ORPHAN} true frees the
 * slot; everybody else has touched it for the last time.
 * Protocol: docs/design/future.md.
 */
#ifndef SKI_SLOT_H
#define SKI_SLOT_H

#include "hooks.h"

enum ski_status {
	SKI_PENDING = 0,
	SKI_RUNNING = 1,
	SKI_DONE = 2,
	SKI_FAILED = 3,
	SKI_CANCELLED = 4,
	SKI_REFUSED = 5, /* by shutdown, before the submitter told anybody */
	SKI_BROKEN = 6, /* cancelled, since the pool is broken */
};

#define SKI_SLOT_STATUS UINT64_C(7)
#define SKI_SLOT_QUEUED UINT64_C(8)
#define SKI_SLOT_ORPHAN UINT64_C(16)
#define SKI_SLOT_CALLBACKS UINT64_C(32)
#define SKI_SLOT_FLAGS UINT64_C(63)

typedef _Atomic(uint64_t) ski_slot_state;

enum {
	SKI_WAITING = 0,
	SKI_TOLD = 1, /* by the finisher */
	SKI_GONE = 2, /* the wait ran out */
};

/*
 * One who waits. Without a deadline it lives on the waiter's stack, and the
 * telling is its last touch by others. With one, or for several futures at
 * once, it is shared and counted: the list and the waiter hold a reference
 * each, and one CAS from WAITING decides who resumes.
 *
 * A wait for several has a waiter in each list, told in its own way: `told`
 * is called in place of resuming, and takes over the list's reference.
 */
struct ski_waiter {
	_Alignas(64) struct ski_waiter *next; /* whoever has the list */
	void *fiber; /* I: to resume; NULL: a thread sleeps on state */
	_Atomic(uint32_t) state;
	_Atomic(uint32_t) references; /* 0: not shared */
	void (*told)(struct ski_waiter *, enum ski_status); /* I; or NULL */
	void *context; /* I: of told */
	size_t index; /* I: of told */
};

static inline enum ski_status ski_slot_status(uint64_t state)
{
	return (enum ski_status)(state & SKI_SLOT_STATUS);
}

static inline bool ski_status_final(enum ski_status status)
{
	return status >= SKI_DONE;
}

static inline struct ski_waiter *ski_slot_waiters(uint64_t state)
{
	return (struct ski_waiter *)(uintptr_t)(state & ~SKI_SLOT_FLAGS);
}

static inline uint64_t ski_slot_load(ski_slot_state *slot)
{
	/* Acquire: the result, if it is final. Pairs with ski_slot_finish()
	 * and ski_slot_cancel(). */
	return atomic_load_explicit(slot, memory_order_acquire);
}

/*
 * The worker that popped it: PENDING -> RUNNING. False: it was cancelled or
 * refused (*@state says so); then ski_slot_popped() is due.
 */
static inline bool ski_slot_start(ski_slot_state *slot, uint64_t *state)
{
	/* Relaxed: the CAS checks it; what the submitter wrote came with the
	 * deque. */
	*state = atomic_load_explicit(slot, memory_order_relaxed);
	while (ski_slot_status(*state) == SKI_PENDING)
		/* Relaxed: the waiters listed stay published, an RMW continues
		 * the release of who added them. Failure: reloaded. */
		if (atomic_compare_exchange_weak_explicit(
			    slot, state,
			    (*state & ~SKI_SLOT_QUEUED) | SKI_RUNNING,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

/* After that, its last touch: true if the caller has to free the slot. */
static inline bool ski_slot_popped(ski_slot_state *slot)
{
	/* Release: all use of the slot before; acquire: that of the last
	 * holder. Pairs with ski_slot_orphan(). */
	return atomic_fetch_and_explicit(slot, ~SKI_SLOT_QUEUED,
					 memory_order_acq_rel) &
	       SKI_SLOT_ORPHAN;
}

/*
 * The worker that ran it, with @status DONE or FAILED: publish the result.
 * Returns the state before: the caller tells its waiters. If it has ORPHAN it
 * frees the slot too, else this was its last touch.
 */
static inline uint64_t ski_slot_finish(ski_slot_state *slot,
				       enum ski_status status)
{
	/* Release: the result; pairs with ski_slot_load(), ski_slot_wait().
	 * Acquire: the waiters and the last holder's use; pairs with
	 * ski_slot_wait() and ski_slot_orphan(). */
	return atomic_exchange_explicit(slot, status, memory_order_acq_rel);
}

/* Holder of a reference: PENDING -> @how, CANCELLED or BROKEN. Returns the
 * state before; if that was PENDING the caller tells its waiters. */
static inline uint64_t ski_slot_revoke(ski_slot_state *slot,
				       enum ski_status how)
{
	uint64_t state = ski_slot_load(slot);

	while (ski_slot_status(state) == SKI_PENDING)
		/* As ski_slot_finish(). Failure acquires: it may be final. */
		if (atomic_compare_exchange_weak_explicit(
			    slot, &state,
			    (state & (SKI_SLOT_QUEUED | SKI_SLOT_ORPHAN)) | how,
			    memory_order_acq_rel, memory_order_acquire))
			break;
	return state;
}

static inline uint64_t ski_slot_cancel(ski_slot_state *slot)
{
	return ski_slot_revoke(slot, SKI_CANCELLED);
}

/* The submitter, of a slot that nobody else knows: false, a worker was
 * faster and the submit counts. True: the slot is the popper's to free. */
static inline bool ski_slot_refuse(ski_slot_state *slot)
{
	uint64_t state = atomic_load_explicit(slot, memory_order_relaxed);

	while (ski_slot_status(state) == SKI_PENDING)
		/* Release: all use of the slot; pairs with ski_slot_popped().
		 * Failure: reloaded. */
		if (atomic_compare_exchange_weak_explicit(
			    slot, &state,
			    SKI_REFUSED | SKI_SLOT_QUEUED | SKI_SLOT_ORPHAN,
			    memory_order_release, memory_order_relaxed))
			return true;
	return false;
}

/* The last holder: true if the caller has to free the slot, else this was
 * its last touch. */
static inline bool ski_slot_orphan(ski_slot_state *slot)
{
	/* Release: all use of the slot; acquire: that of the runtime. Pairs
	 * with ski_slot_finish() and ski_slot_popped(). */
	uint64_t old = atomic_fetch_or_explicit(slot, SKI_SLOT_ORPHAN,
						memory_order_acq_rel);

	return ski_status_final(ski_slot_status(old)) &&
	       !(old & SKI_SLOT_QUEUED);
}

/* Add a list of waiters, @first to @last. False: the status is final, with
 * the result visible. */
static inline bool ski_slot_wait(ski_slot_state *slot, struct ski_waiter *first,
				 struct ski_waiter *last)
{
	uint64_t state = ski_slot_load(slot);

	do {
		if (ski_status_final(ski_slot_status(state)))
			return false;
		last->next = ski_slot_waiters(state);
		/* Release: the waiters; pairs with ski_slot_finish() and
		 * ski_slot_cancel(). Failure acquires as ski_slot_load(). */
	} while (!atomic_compare_exchange_weak_explicit(
		slot, &state,
		(uint64_t)(uintptr_t)first | (state & SKI_SLOT_FLAGS),
		memory_order_release, memory_order_acquire));
	return true;
}

/* Holder of a reference: note that there are callbacks. False: the status is
 * final, with the result visible. @state: what it was. */
static inline bool ski_slot_call_back(ski_slot_state *slot, uint64_t *state)
{
	*state = ski_slot_load(slot);
	do {
		if (ski_status_final(ski_slot_status(*state)))
			return false;
		/* Nothing is published here: the list of callbacks is by
		 * itself. Failure acquires as ski_slot_load(); success would
		 * need no order. */
	} while (!(*state & SKI_SLOT_CALLBACKS) &&
		 !atomic_compare_exchange_weak_explicit(
			 slot, state, *state | SKI_SLOT_CALLBACKS,
			 memory_order_acquire, memory_order_acquire));
	return true;
}

/* Holder of a reference: take the whole list of one that is not final. */
static inline struct ski_waiter *ski_slot_take_waiters(ski_slot_state *slot)
{
	uint64_t state = ski_slot_load(slot);

	while (ski_slot_waiters(state))
		/* Acquire: the waiters; pairs with ski_slot_wait(). Failure
		 * reloads. A final status has no waiters. */
		if (atomic_compare_exchange_weak_explicit(
			    slot, &state, state & SKI_SLOT_FLAGS,
			    memory_order_acquire, memory_order_acquire))
			return ski_slot_waiters(state);
	return NULL;
}

/* One CAS decides who resumes a shared waiter: the finisher with TOLD, or the
 * waiter itself with GONE. */
static inline bool ski_waiter_decide(struct ski_waiter *waiter, uint32_t how)
{
	uint32_t waiting = SKI_WAITING;

	/* Release and acquire: what the one did before, the other sees. Pairs
	 * with itself. */
	return atomic_compare_exchange_strong_explicit(&waiter->state, &waiting,
						       how,
						       memory_order_acq_rel,
						       memory_order_acquire);
}

/* Of a shared waiter: true if the caller frees it. */
static inline bool ski_waiter_drop(struct ski_waiter *waiter)
{
	/* Acquire and release: who frees comes after the other. */
	return atomic_fetch_sub_explicit(&waiter->references, 1,
					 memory_order_acq_rel) == 1;
}

#endif
