/* SPDX-License-Identifier: MIT */
#include "wake.h"

#include "pool.h"
#include "steal.h"

_Thread_local bool ski_woke_sleeper;

void ski_wake_one(struct skua_pool *pool, bool nappers)
{
	/* Relaxed: only spreads the wakes. */
	unsigned at = atomic_fetch_add_explicit(&pool->wake_hint, 1,
						memory_order_relaxed);
	unsigned slots = ski_pool_slots(pool);

	for (unsigned i = 0; i < slots; i++) {
		struct ski_inbox *inbox =
			&pool->worker[(at + i) % slots]->inbox;
		uintptr_t was = ski_inbox_claim(inbox, nappers);

		if (!was)
			continue;
		ski_parking_claimed(&pool->parking, was & SKI_INBOX_NAP);
		ski_futex_wake(ski_inbox_address(inbox), 1);
		ski_woke_sleeper = true;
		return;
	}
}

void ski_wake_counted(struct skua_pool *pool, uint64_t counts)
{
	if (ski_unlikely(ski_parking_wanted(counts, true)))
		ski_wake_one(pool, true);
}

void ski_wake_published(struct skua_pool *pool)
{
	ski_wake_counted(pool, ski_parking_published(&pool->parking));
}

void ski_wake_from(struct skua_pool *pool, unsigned first)
{
	unsigned slots = ski_pool_slots(pool);

	for (unsigned i = first; i < slots; i++) {
		struct ski_inbox *inbox = &pool->worker[i]->inbox;
		uintptr_t was = ski_inbox_claim(inbox, true);

		if (was)
			ski_parking_claimed(&pool->parking,
					    was & SKI_INBOX_NAP);
		else if (!ski_inbox_rouse(inbox))
			continue;
		ski_futex_wake(ski_inbox_address(inbox), 1);
	}
}

void ski_wake_low(struct skua_pool *pool)
{
	unsigned slots = ski_pool_slots(pool);

	for (unsigned i = 0; i < slots; i++) {
		struct ski_inbox *inbox = &pool->worker[i]->inbox;

		if (ski_inbox_rouse(inbox))
			ski_futex_wake(ski_inbox_address(inbox), 1);
	}
}

void ski_wake_found(struct ski_worker *worker)
{
	if (!worker->searching)
		return;
	worker->searching = false;
	/* Wakes were withheld while we searched: make up for them, but only
	 * if there is more than what we found. */
	if (ski_parking_found(&worker->pool->parking) &&
	    ski_steal_is_there(worker->pool))
		ski_wake_one(worker->pool, true);
}
