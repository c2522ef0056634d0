/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "pool.h"
#include "thread_exit.h"

/* Of the calling thread. */
static _Thread_local struct {
	struct ski_guest *last; /* used last: first in the list */
	bool past_exit; /* the destructor has run */
} mine;

static struct ski_thread_exit at_exit;

static void free_guest(struct ski_guest *guest)
{
	ski_producer_destroy(&guest->producer);
	ski_free(guest);
}

/* The thread has no more use for it. */
static void leave(struct ski_guest *guest)
{
	int live = SKI_GUEST_LIVE;

	/* Release: the deque and the slab, to a new guest or to who frees the
	 * pool. Failure, DEAD: acquires what those did. Pairs with
	 * ski_guest_part() and take_over(). */
	if (!atomic_compare_exchange_strong_explicit(
		    &guest->state, &live, SKI_GUEST_FREE, memory_order_release,
		    memory_order_acquire))
		free_guest(guest);
}

static void leave_all(void *unused)
{
	struct ski_guest *guest = mine.last;

	(void)unused;
	mine.last = NULL;
	mine.past_exit = true;
	while (guest) {
		struct ski_guest *next = guest->next;

		/* A fork's child leaves its parent's alone: their pools are
		 * copies in an unknown state. */
		if (guest->generation == ski_generation())
			leave(guest);
		guest = next;
	}
}

void ski_guest_part(struct ski_guest *guest)
{
	/* Acquire: what the thread did with it, if it is FREE; release: our
	 * draining of it, if not. Pairs with leave(). */
	if (atomic_exchange_explicit(&guest->state, SKI_GUEST_DEAD,
				     memory_order_acq_rel) == SKI_GUEST_FREE)
		free_guest(guest);
}

/* The record of a thread that has left, if there is one. */
static struct ski_guest *take_over(struct skua_pool *pool)
{
	uint32_t count = ski_registry_count(&pool->guests);

	for (uint32_t i = 0; i < count; i++) {
		struct ski_guest *guest = ski_registry_at(&pool->guests, i);
		int free = SKI_GUEST_FREE;

		/* Relaxed first: most are live. Acquire: the deque and the
		 * slab as they were left. Pairs with leave(). */
		if (atomic_load_explicit(&guest->state, memory_order_relaxed) ==
			    SKI_GUEST_FREE &&
		    atomic_compare_exchange_strong_explicit(
			    &guest->state, &free, SKI_GUEST_LIVE,
			    memory_order_acquire, memory_order_relaxed))
			return guest;
	}
	return NULL;
}

static struct ski_guest *new_guest(struct skua_pool *pool)
{
	struct ski_guest *guest = ski_aligned_alloc(SKI_LINE, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->pool_number = pool->number;
	guest->generation = pool->generation;
	atomic_init(&guest->state, SKI_GUEST_LIVE);
	if (ski_producer_init(&guest->producer, pool->generation)) {
		ski_free(guest);
		return NULL;
	}
	if (ski_registry_add(&pool->guests, guest)) {
		free_guest(guest);
		return NULL;
	}
	return guest;
}

/* Records of pools that are gone. */
static void purge(void)
{
	struct ski_guest **at = &mine.last;

	while (*at) {
		struct ski_guest *guest = *at;

		/* Acquire: the pool's draining. Pairs with
		 * ski_guest_part(). */
		if (atomic_load_explicit(&guest->state, memory_order_acquire) ==
		    SKI_GUEST_DEAD) {
			*at = guest->next;
			free_guest(guest);
		} else {
			at = &guest->next;
		}
	}
}

static struct ski_guest *join_pool(struct skua_pool *pool)
{
	struct ski_guest *guest;

	purge();
	guest = take_over(pool);
	if (!guest)
		guest = new_guest(pool);
	if (!guest || mine.past_exit)
		return guest;
	if (!ski_thread_exit_expect(&at_exit, leave_all)) {
		leave(guest);
		return NULL;
	}
	guest->next = mine.last;
	mine.last = guest;
	return guest;
}

struct ski_guest *ski_guest_of(struct skua_pool *pool)
{
	struct ski_guest **at = &mine.last;

	if (ski_likely(mine.last && mine.last->pool_number == pool->number))
		return mine.last;
	for (; *at; at = &(*at)->next) {
		struct ski_guest *guest = *at;

		if (guest->pool_number != pool->number)
			continue;
		*at = guest->next;
		guest->next = mine.last;
		mine.last = guest;
		return guest;
	}
	return join_pool(pool);
}

void ski_guest_done(struct ski_guest *guest)
{
	if (ski_unlikely(mine.past_exit))
		leave(guest);
}

struct ski_slab *ski_guest_slab(void)
{
	return mine.last ? mine.last->producer.slab : NULL;
}
