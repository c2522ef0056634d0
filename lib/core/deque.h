/* SPDX-License-Identifier: MIT */
/*
 * A growable circular work-stealing deque of jobs: one owner pushes and takes
 * at the bottom, any thread steals at the top.
 *
 * Chase and Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005, with the
 * orders of Lê, Pop, Cohen and Zappa Nardelli, PPoPP 2013, and its errata.
 * Every store to bottom is a release: C17 has no release sequence through
 * later relaxed stores of the same thread any more, and a thief that read such
 * a store could read a slot from before the push.
 *
 * Outgrown rings stay readable until the thread that trims or frees has let
 * all thieves go (retired, below). Protocol: docs/design/deque.md.
 */
#ifndef SKI_DEQUE_H
#define SKI_DEQUE_H

#include "hooks.h"

/* Models shrink the index type and start it just before it wraps. */
#ifndef SKI_DEQUE_INDEX
#define SKI_DEQUE_INDEX int64_t
#define SKI_DEQUE_START 0
#endif
#ifndef SKI_DEQUE_SLOTS
#ifdef SKI_TINY
#define SKI_DEQUE_SLOTS 2
#else
#define SKI_DEQUE_SLOTS 128
#endif
#endif

typedef SKI_DEQUE_INDEX ski_index;

struct ski_ring {
	size_t mask; /* I */
	struct ski_ring *older; /* O: in the list of retired ones */
	_Atomic(uintptr_t) slot[]; /* O: a job's address, bit 0 for frames */
};

/*
 * top <= bottom <= top + capacity, but for take(), which holds bottom one
 * lower while it looks at top. Jobs are slots [top, bottom).
 */
struct ski_deque {
	_Alignas(SKI_LINE) _Atomic(ski_index) bottom; /* O */
	_Atomic(struct ski_ring *) ring; /* O */
	ski_index top_seen; /* O: top is no lower */
	_Atomic(struct ski_ring *) retired; /* O pushes, A takes it whole */
	_Alignas(SKI_LINE) _Atomic(ski_index) top; /* T, O at the last job */
};

int ski_deque_init(struct ski_deque *deque);
/* When no other thread looks at it any more. */
void ski_deque_destroy(struct ski_deque *deque);
/* Owner: room for @count more pushes. Errors: SKUA_ENOMEM. */
int ski_deque_grow(struct ski_deque *deque, size_t count);
/* Any thread: the rings outgrown so far, to be freed after a grace period. */
struct ski_ring *ski_deque_retired(struct ski_deque *deque);
void ski_ring_free_all(struct ski_ring *ring);

/* a - b, right also where the index type wraps. */
static inline ptrdiff_t ski_index_diff(ski_index a, ski_index b)
{
	return (ptrdiff_t)(ski_index)((uintptr_t)a - (uintptr_t)b);
}

static inline ski_index ski_index_add(ski_index a, ptrdiff_t n)
{
	return (ski_index)((uintptr_t)a + (uintptr_t)n);
}

static inline _Atomic(uintptr_t) *ski_ring_slot(struct ski_ring *ring,
						ski_index i)
{
	return &ring->slot[(size_t)i & ring->mask];
}

/* Owner: make sure that @count pushes cannot fail. */
static inline int ski_deque_reserve(struct ski_deque *deque, size_t count)
{
	/* Relaxed: both are the owner's own. */
	ski_index bottom =
		atomic_load_explicit(&deque->bottom, memory_order_relaxed);
	struct ski_ring *ring =
		atomic_load_explicit(&deque->ring, memory_order_relaxed);
	size_t used = (size_t)ski_index_diff(bottom, deque->top_seen);

	if (ski_likely(count <= ring->mask + 1 - used))
		return 0;
	return ski_deque_grow(deque, count);
}

/* Owner, into room that was reserved. */
static inline void ski_deque_push(struct ski_deque *deque, uintptr_t job)
{
	/* Relaxed: both are the owner's own. */
	ski_index bottom =
		atomic_load_explicit(&deque->bottom, memory_order_relaxed);
	struct ski_ring *ring =
		atomic_load_explicit(&deque->ring, memory_order_relaxed);

	/* Relaxed: published by bottom. */
	atomic_store_explicit(ski_ring_slot(ring, bottom), job,
			      memory_order_relaxed);
	/* Release: the slot, the job and the ring. Pairs with the load of
	 * bottom in ski_deque_steal_many(). */
	atomic_store_explicit(&deque->bottom, ski_index_add(bottom, 1),
			      memory_order_release);
}

/* Owner: the job pushed last, or 0. */
static inline uintptr_t ski_deque_take(struct ski_deque *deque)
{
	/* Relaxed: both are the owner's own. */
	ski_index old =
		atomic_load_explicit(&deque->bottom, memory_order_relaxed);
	ski_index bottom = ski_index_add(old, -1);
	struct ski_ring *ring =
		atomic_load_explicit(&deque->ring, memory_order_relaxed);
	ski_index top;
	uintptr_t job;

	/* Empty for sure: only thieves move top, and only up. */
	if (ski_index_diff(old, deque->top_seen) <= 0)
		return 0;
	/* Release: see the head comment. Pairs with ski_deque_steal_many(). */
	atomic_store_explicit(&deque->bottom, bottom, memory_order_release);
	/* TAKE: bottom before the load of top. Pairs with STEAL: of owner and
	 * thief at the last jobs one sees the other. */
	ski_fence_full(TAKE);
	/* Relaxed: ordered by the fence; slots are the owner's own. */
	top = atomic_load_explicit(&deque->top, memory_order_relaxed);
	deque->top_seen = top;
	if (ski_index_diff(bottom, top) < 0) {
		/* Release: as above. */
		atomic_store_explicit(&deque->bottom, old,
				      memory_order_release);
		return 0;
	}
	job = atomic_load_explicit(ski_ring_slot(ring, bottom),
				   memory_order_relaxed);
	if (ski_index_diff(bottom, top) > 0)
		return job;
	/* The last job: whoever moves top has it. seq_cst on success: in one
	 * order with the thieves' CAS and the fences. Failure: a thief has
	 * it, nothing is read through top. */
	if (!atomic_compare_exchange_strong_explicit(
		    &deque->top, &top, ski_index_add(top, 1),
		    memory_order_seq_cst, memory_order_relaxed))
		job = 0;
	deque->top_seen = old;
	/* Release: as above. */
	atomic_store_explicit(&deque->bottom, old, memory_order_release);
	return job;
}

/* Owner: above this it has pushed what it pushes from now on. */
static inline ski_index ski_deque_bottom(struct ski_deque *deque)
{
	/* Relaxed: the owner's own. */
	return atomic_load_explicit(&deque->bottom, memory_order_relaxed);
}

/*
 * Any thread, in a read-side section: take up to @most of the oldest jobs. More
 * than one only from a deque whose owner never takes. Returns how many; 0 if
 * there are none, -1 if another thread was faster.
 */
static inline int ski_deque_steal_many(struct ski_deque *deque,
				       uintptr_t jobs[], int most)
{
	/* Acquire: the loads below are not older than this one. Pairs with
	 * the CAS on top in other thieves. */
	ski_index top = atomic_load_explicit(&deque->top, memory_order_acquire);
	ski_index bottom;
	struct ski_ring *ring;
	ptrdiff_t count;

	/* STEAL: top before the load of bottom. Pairs with TAKE. */
	ski_fence_full(STEAL);
	/* Acquire: the slots below it. Pairs with every store of bottom. */
	bottom = atomic_load_explicit(&deque->bottom, memory_order_acquire);
	count = ski_index_diff(bottom, top);
	if (count <= 0)
		return 0;
	if (count > most)
		count = most;
	/* Acquire: the copied slots. Pairs with ski_deque_grow(). */
	ring = atomic_load_explicit(&deque->ring, memory_order_acquire);
	for (ptrdiff_t i = 0; i < count; i++)
		/* Relaxed: valid only if the CAS below succeeds, since the
		 * owner reuses a slot only once it saw top beyond it. */
		jobs[i] = atomic_load_explicit(
			ski_ring_slot(ring, ski_index_add(top, i)),
			memory_order_relaxed);
	/* seq_cst on success: in one order with take()'s CAS and the fences;
	 * its release part lets the owner reuse the slots, pairs with the
	 * load of top in ski_deque_grow(). Failure: nothing was won. */
	if (!atomic_compare_exchange_strong_explicit(
		    &deque->top, &top, ski_index_add(top, count),
		    memory_order_seq_cst, memory_order_relaxed))
		return -1;
	return (int)count;
}

/* Any thread, in a read-side section: how many jobs there seem to be. */
static inline size_t ski_deque_count(struct ski_deque *deque)
{
	/* Relaxed: a number to show or to decide whether to look closer. */
	ski_index top = atomic_load_explicit(&deque->top, memory_order_relaxed);
	ski_index bottom =
		atomic_load_explicit(&deque->bottom, memory_order_relaxed);
	ptrdiff_t count = ski_index_diff(bottom, top);

	return count > 0 ? (size_t)count : 0;
}

#endif
