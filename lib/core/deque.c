/* SPDX-License-Identifier: MIT */
/* Rings of the deque: made, outgrown, freed. Everything hot is in deque.h. */
#include <skua/error.h>

#include "deque.h"

static struct ski_ring *ring_new(size_t slots)
{
	struct ski_ring *ring;

	if (slots > (SIZE_MAX - sizeof(*ring)) / sizeof(ring->slot[0]))
		return NULL;
	ring = ski_calloc(1, sizeof(*ring) + slots * sizeof(ring->slot[0]));
	if (ring)
		ring->mask = slots - 1;
	return ring;
}

int ski_deque_init(struct ski_deque *deque)
{
	struct ski_ring *ring = ring_new(SKI_DEQUE_SLOTS);

	if (!ring)
		return SKUA_ENOMEM;
	atomic_init(&deque->bottom, SKI_DEQUE_START);
	atomic_init(&deque->top, SKI_DEQUE_START);
	atomic_init(&deque->ring, ring);
	atomic_init(&deque->retired, NULL);
	deque->top_seen = SKI_DEQUE_START;
	return 0;
}

void ski_deque_destroy(struct ski_deque *deque)
{
	/* Relaxed: nobody else is there. */
	ski_free(atomic_load_explicit(&deque->ring, memory_order_relaxed));
	ski_ring_free_all(ski_deque_retired(deque));
}

static void retire(struct ski_deque *deque, struct ski_ring *ring)
{
	/* Relaxed: the CAS checks it. */
	struct ski_ring *head =
		atomic_load_explicit(&deque->retired, memory_order_relaxed);

	do
		ring->older = head;
	/* Release: ring->older. Pairs with ski_deque_retired(). Failure only
	 * reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&deque->retired, &head, ring, memory_order_release,
		memory_order_relaxed));
}

int ski_deque_grow(struct ski_deque *deque, size_t count)
{
	/* Relaxed: both are the owner's own. */
	ski_index bottom =
		atomic_load_explicit(&deque->bottom, memory_order_relaxed);
	struct ski_ring *old =
		atomic_load_explicit(&deque->ring, memory_order_relaxed);
	/* Acquire: the thieves have read the slots below top before they are
	 * written again. Pairs with the CAS in ski_deque_steal_many(). */
	ski_index top = atomic_load_explicit(&deque->top, memory_order_acquire);
	size_t used = (size_t)ski_index_diff(bottom, top);
	size_t slots = old->mask + 1;
	struct ski_ring *ring;

	deque->top_seen = top;
	if (count <= slots - used)
		return 0;
	do {
		if (slots > SIZE_MAX / 2)
			return SKUA_ENOMEM;
		slots *= 2;
	} while (count > slots - used);
	ring = ring_new(slots);
	if (!ring)
		return SKUA_ENOMEM;
	for (size_t i = 0; i < used; i++) {
		ski_index at = ski_index_add(top, (ptrdiff_t)i);

		/* Relaxed: own slots, published with the ring. */
		atomic_store_explicit(
			ski_ring_slot(ring, at),
			atomic_load_explicit(ski_ring_slot(old, at),
					     memory_order_relaxed),
			memory_order_relaxed);
	}
	/* Release: the copied slots and the mask. Pairs with the load of ring
	 * in ski_deque_steal_many(). */
	atomic_store_explicit(&deque->ring, ring, memory_order_release);
	retire(deque, old);
	return 0;
}

struct ski_ring *ski_deque_retired(struct ski_deque *deque)
{
	/* Acquire: the links. Pairs with retire(). */
	return atomic_exchange_explicit(&deque->retired, NULL,
					memory_order_acquire);
}

void ski_ring_free_all(struct ski_ring *ring)
{
	while (ring) {
		struct ski_ring *older = ring->older;

		ski_free(ring);
		ring = older;
	}
}
