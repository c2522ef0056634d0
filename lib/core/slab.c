/* SPDX-License-Identifier: MIT */
/* The cold paths of slabs: chunks are made, and slabs given up. */
#include "slab.h"

struct ski_slab *ski_slab_open(unsigned generation)
{
	struct ski_slab *slab = ski_aligned_alloc(SKI_LINE, sizeof(*slab));

	if (slab)
		slab->generation = generation;
	return slab;
}

static struct ski_chunk *from_stock(struct ski_slab *slab)
{
	struct ski_chunk *chunk = (void *)slab->stock;

	slab->stock += SKI_CHUNK_BYTES;
	return chunk;
}

static struct ski_chunk *map_chunk(struct ski_slab *slab)
{
	size_t bytes = (size_t)SKI_CHUNK_BYTES * SKI_STOCK_CHUNKS;

	if (slab->stock != slab->stock_end)
		return from_stock(slab);
	if (slab->chunk_count >= SKI_STOCK_AFTER) {
		slab->stock = ski_block_alloc_huge(bytes);
		slab->stock_end = slab->stock ? slab->stock + bytes : NULL;
		if (slab->stock)
			return from_stock(slab);
	}
	return ski_block_alloc(SKI_CHUNK_BYTES);
}

static bool add_chunk(struct ski_slab *slab)
{
	struct ski_chunk *chunk = map_chunk(slab);

	if (!chunk)
		return false;
	slab->chunk_count++;
	chunk->slab = slab;
	chunk->generation = slab->generation;
	chunk->next = slab->chunks;
	slab->chunks = chunk;
	slab->fresh = chunk->object;
	slab->end = chunk->object + SKI_CHUNK_OBJECTS;
	return true;
}

struct ski_object *ski_slab_refill(struct ski_slab *slab)
{
	/* Acquire: the links, and that the objects are not used any more.
	 * Pairs with ski_slab_free_remote(). */
	struct ski_object *object =
		(struct ski_object *)atomic_exchange_explicit(
			&slab->remote, 0, memory_order_acquire);

	if (object) {
		slab->free = object->next;
		return object;
	}
	if (slab->fresh == slab->end && !add_chunk(slab))
		return NULL;
	return slab->fresh++;
}

static void drop_holder(struct ski_slab *slab)
{
	/* Acquire and release: who frees comes after all others. */
	if (atomic_fetch_sub_explicit(&slab->holders, 1,
				      memory_order_acq_rel) == 1)
		ski_free(slab);
}

static void drop_chunk(struct ski_chunk *chunk)
{
	struct ski_slab *slab = chunk->slab;

	ski_block_free(chunk, SKI_CHUNK_BYTES);
	drop_holder(slab);
}

void ski_slab_free_orphan(struct ski_chunk *chunk)
{
	/* Acquire and release: who frees the chunk comes after all uses. */
	if (atomic_fetch_sub_explicit(&chunk->live, 1, memory_order_acq_rel) ==
	    1)
		drop_chunk(chunk);
}

/* Relaxed, here and below: published by the store of ORPHAN. */
static void uncount(const struct ski_object *object)
{
	for (; object; object = object->next) {
		struct ski_chunk *chunk = ski_chunk_of(object);

		atomic_store_explicit(
			&chunk->live,
			atomic_load_explicit(&chunk->live,
					     memory_order_relaxed) -
				1,
			memory_order_relaxed);
	}
}

static void count_live(struct ski_slab *slab)
{
	uint32_t holders = 1;

	for (struct ski_chunk *chunk = slab->chunks; chunk;
	     chunk = chunk->next) {
		ptrdiff_t used = chunk == slab->chunks ?
					 slab->fresh - chunk->object :
					 (ptrdiff_t)SKI_CHUNK_OBJECTS;

		atomic_store_explicit(&chunk->live, (uint32_t)used,
				      memory_order_relaxed);
		holders++;
	}
	atomic_store_explicit(&slab->holders, holders, memory_order_relaxed);
	uncount(slab->free);
}

/* The chunks that nobody will give back any more: none of their objects is
 * out. Once ORPHAN is published only these are ours to touch. */
static struct ski_chunk *unlink_empty(struct ski_slab *slab)
{
	struct ski_chunk *empty = NULL;
	struct ski_chunk **at = &slab->chunks;

	while (*at) {
		struct ski_chunk *chunk = *at;

		if (atomic_load_explicit(&chunk->live, memory_order_relaxed)) {
			at = &chunk->next;
			continue;
		}
		*at = chunk->next;
		chunk->next = empty;
		empty = chunk;
	}
	return empty;
}

void ski_slab_orphan(struct ski_slab *slab)
{
	struct ski_chunk *empty = NULL;
	uintptr_t remote;

	if (slab->stock != slab->stock_end)
		ski_block_free(slab->stock,
			       (size_t)(slab->stock_end - slab->stock));
	count_live(slab);
	do {
		/* Acquire: pairs with ski_slab_free_remote(). */
		uncount((struct ski_object *)atomic_exchange_explicit(
			&slab->remote, 0, memory_order_acquire));
		for (struct ski_chunk *found = unlink_empty(slab); found;) {
			struct ski_chunk *next = found->next;

			found->next = empty;
			empty = found;
			found = next;
		}
		remote = 0;
		/* Release: the counts. Pairs with ski_slab_free_remote().
		 * Failure: one more was freed. */
	} while (!atomic_compare_exchange_strong_explicit(
		&slab->remote, &remote, SKI_SLAB_ORPHAN, memory_order_release,
		memory_order_relaxed));
	while (empty) {
		struct ski_chunk *next = empty->next;

		drop_chunk(empty);
		empty = next;
	}
	drop_holder(slab);
}
