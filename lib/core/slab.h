/* SPDX-License-Identifier: MIT */
/*
 * Slabs of 64-byte objects: one owner thread allocates, any thread frees.
 *
 * What the owner frees it keeps on a private list. What others free goes home
 * over a lock-free list that the owner takes whole. When the owner ends, the
 * slab is orphaned: from then on each free counts down in its chunk, and the
 * last one of a chunk gives the chunk back. So objects outlive pools and
 * threads. Protocol: docs/design/future.md.
 */
#ifndef SKI_SLAB_H
#define SKI_SLAB_H

#include "hooks.h"

#ifndef SKI_CHUNK_BYTES
#ifdef SKI_TINY
#define SKI_CHUNK_BYTES 4096
#else
#define SKI_CHUNK_BYTES 65536
#endif
#endif
#ifndef SKI_CHUNK_OBJECTS
#define SKI_CHUNK_OBJECTS (SKI_CHUNK_BYTES / SKI_OBJECT_BYTES - 1)
#endif
#define SKI_OBJECT_BYTES 64

/* A slab that has grown to SKI_STOCK_AFTER chunks takes the next ones by
 * SKI_STOCK_CHUNKS at a time, in a block that may be one huge page. */
#ifndef SKI_STOCK_AFTER
#define SKI_STOCK_AFTER 16
#endif
#ifndef SKI_STOCK_CHUNKS
#define SKI_STOCK_CHUNKS 32
#endif

struct ski_object {
	_Alignas(SKI_OBJECT_BYTES) union {
		struct ski_object *next; /* while it is free */
		unsigned char bytes[SKI_OBJECT_BYTES];
	};
};

/* Aligned to its size: an object's address gives its chunk. */
struct ski_chunk {
	struct ski_slab *slab; /* I */
	struct ski_chunk *next; /* O */
	unsigned generation; /* I: of the process, see sched/forked.h */
	_Atomic(uint32_t) live; /* objects out; counted once orphaned */
	struct ski_object object[];
};

#define SKI_SLAB_ORPHAN ((uintptr_t)1)

struct ski_slab {
	struct ski_object *free; /* O */
	struct ski_object *fresh; /* O: never used, up to the chunk's end */
	struct ski_object *end; /* O */
	struct ski_chunk *chunks; /* O: newest first; fresh is in the first */
	char *stock; /* O: chunks mapped ahead, up to stock_end */
	char *stock_end; /* O */
	unsigned chunk_count; /* O */
	unsigned generation; /* I */
	_Atomic(uint32_t) holders; /* chunks not given back; once orphaned */
	/* A: freed by others, or ORPHAN. */
	_Alignas(SKI_LINE) _Atomic(uintptr_t) remote;
};

/* Errors: NULL for no memory. */
struct ski_slab *ski_slab_open(unsigned generation);
/* Owner: give it up; it frees itself with the last object. */
void ski_slab_orphan(struct ski_slab *slab);

/* Cold paths of the two below. */
struct ski_object *ski_slab_refill(struct ski_slab *slab);
void ski_slab_free_orphan(struct ski_chunk *chunk);

static inline struct ski_chunk *ski_chunk_of(const void *object)
{
	return (struct ski_chunk *)((uintptr_t)object &
				    ~(uintptr_t)(SKI_CHUNK_BYTES - 1));
}

/* Owner: uninitialised; NULL for no memory. */
static inline void *ski_slab_alloc(struct ski_slab *slab)
{
	struct ski_object *object = slab->free;

	if (ski_likely(object)) {
		slab->free = object->next;
		return object;
	}
	if (ski_likely(slab->fresh != slab->end) &&
	    /* Relaxed: a look; ski_slab_refill() acquires. */
	    !atomic_load_explicit(&slab->remote, memory_order_relaxed))
		return slab->fresh++;
	return ski_slab_refill(slab);
}

static inline void ski_slab_free_remote(struct ski_slab *slab,
					struct ski_object *object)
{
	/* Acquire: an ORPHAN's counts. Pairs with ski_slab_orphan(). */
	uintptr_t head =
		atomic_load_explicit(&slab->remote, memory_order_acquire);

	do {
		if (head == SKI_SLAB_ORPHAN) {
			ski_slab_free_orphan(ski_chunk_of(object));
			return;
		}
		object->next = (struct ski_object *)head;
		/* Release: the link, and all use of the object before. Pairs
		 * with ski_slab_refill() and ski_slab_orphan(). Failure
		 * acquires as the load above. */
	} while (!atomic_compare_exchange_weak_explicit(
		&slab->remote, &head, (uintptr_t)object, memory_order_release,
		memory_order_acquire));
}

/* Any thread: @mine is a slab that the caller owns, or NULL. */
static inline void ski_slab_free(struct ski_slab *mine, void *freed)
{
	struct ski_object *object = freed;
	struct ski_slab *slab = ski_chunk_of(object)->slab;

	if (slab != mine) {
		ski_slab_free_remote(slab, object);
		return;
	}
	object->next = slab->free;
	slab->free = object;
}

#endif
