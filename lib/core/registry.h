/* SPDX-License-Identifier: MIT */
/*
 * A lock-free table that only grows: any thread adds, any thread looks. Here
 * a pool keeps the guests whose deques its workers steal from.
 *
 * Chunk k has SKI_REGISTRY_FIRST << k slots and is set once by CAS, so an
 * index never moves and a reader never waits. Entries stay until the table is
 * destroyed: what they point to is reused, not removed.
 */
#ifndef SKI_REGISTRY_H
#define SKI_REGISTRY_H

#include "hooks.h"

#ifndef SKI_REGISTRY_FIRST
#ifdef SKI_TINY
#define SKI_REGISTRY_FIRST 2
#else
#define SKI_REGISTRY_FIRST 64
#endif
#endif
#define SKI_REGISTRY_CHUNKS 22

/* Slots [0, count) are set; slot[count] may be, then who sees it helps. */
struct ski_registry {
	_Alignas(SKI_LINE) _Atomic(uint32_t) count; /* A */
	_Atomic(_Atomic(void *) *) chunk[SKI_REGISTRY_CHUNKS]; /* A, once */
};

/* Errors: SKUA_ENOMEM (also when the table is full). */
int ski_registry_add(struct ski_registry *registry, void *entry);
/* When no other thread looks at it any more. */
void ski_registry_destroy(struct ski_registry *registry);

static inline uint32_t ski_registry_count(struct ski_registry *registry)
{
	/* Acquire: the slots below it. Pairs with ski_registry_add(). */
	return atomic_load_explicit(&registry->count, memory_order_acquire);
}

/* Index @i as chunk and place: chunk k starts at FIRST * (2^k - 1). */
static inline unsigned ski_registry_place(uint32_t i, uint32_t *place)
{
	uint32_t n = i / SKI_REGISTRY_FIRST + 1;
	unsigned k = 31 - (unsigned)__builtin_clz(n);

	*place = i - SKI_REGISTRY_FIRST * ((UINT32_C(1) << k) - 1);
	return k;
}

/* The entry at @i < count. */
static inline void *ski_registry_at(struct ski_registry *registry, uint32_t i)
{
	uint32_t place;
	unsigned k = ski_registry_place(i, &place);
	/* Acquire, both: the chunk's slots and the entry. Pairs with
	 * ski_registry_add(). */
	_Atomic(void *) *chunk =
		atomic_load_explicit(&registry->chunk[k], memory_order_acquire);

	return atomic_load_explicit(&chunk[place], memory_order_acquire);
}

#endif
