/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include <skua/error.h>

static _Atomic(void *) *chunk_at(struct ski_registry *registry, unsigned k)
{
	/* Acquire: its slots. Pairs with the CAS below. */
	_Atomic(void *) *chunk =
		atomic_load_explicit(&registry->chunk[k], memory_order_acquire);
	_Atomic(void *) *fresh;

	if (chunk)
		return chunk;
	fresh = ski_calloc((size_t)SKI_REGISTRY_FIRST << k, sizeof(*fresh));
	if (!fresh)
		return NULL;
	/* Release: the empty slots. Failure acquires those of who was
	 * faster. */
	if (atomic_compare_exchange_strong_explicit(&registry->chunk[k], &chunk,
						    fresh, memory_order_release,
						    memory_order_acquire))
		return fresh;
	ski_free((void *)(uintptr_t)fresh);
	return chunk;
}

int ski_registry_add(struct ski_registry *registry, void *entry)
{
	for (;;) {
		/* Acquire: pairs with the CAS on count below. */
		uint32_t i = ski_registry_count(registry);
		uint32_t place;
		unsigned k = ski_registry_place(i, &place);
		_Atomic(void *) *chunk;
		void *empty = NULL;
		bool won;

		if (k >= SKI_REGISTRY_CHUNKS)
			return SKUA_ENOMEM;
		chunk = chunk_at(registry, k);
		if (!chunk)
			return SKUA_ENOMEM;
		/* Release: the entry. Pairs with ski_registry_at(). Failure:
		 * the slot is taken, nothing is read through it. */
		won = atomic_compare_exchange_strong_explicit(
			&chunk[place], &empty, entry, memory_order_release,
			memory_order_relaxed);
		/* Release: the slot, mine or the one I found set (acquired by
		 * nobody: readers acquire the slot itself). Pairs with
		 * ski_registry_count(). Failure: another helped. */
		atomic_compare_exchange_strong_explicit(&registry->count, &i,
							i + 1,
							memory_order_release,
							memory_order_relaxed);
		if (won)
			return 0;
	}
}

void ski_registry_destroy(struct ski_registry *registry)
{
	for (unsigned k = 0; k < SKI_REGISTRY_CHUNKS; k++)
		/* Relaxed: nobody else is there. */
		ski_free((void *)(uintptr_t)atomic_load_explicit(
			&registry->chunk[k], memory_order_relaxed));
}
