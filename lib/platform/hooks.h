/* SPDX-License-Identifier: MIT */
/*
 * What the lock-free structures need beside <stdatomic.h>: memory, a pause, a
 * full fence, assertions and a word to sleep on. It is all they may use, so
 * that the explorer (test/explore) can run their source under a header of its
 * own in this one's place.
 */
#ifndef SKI_HOOKS_H
#define SKI_HOOKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "futex.h"
#include "sanitizer.h"
#include "stack.h"

enum {
	/* What two writers must be apart: two cache lines, since x86-64
	 * prefetches lines in pairs and some aarch64 have lines of 128. */
	SKI_LINE = 128,
};

#define ski_likely(x) __builtin_expect(!!(x), 1)
#define ski_unlikely(x) __builtin_expect(!!(x), 0)

/* For bugs of ours only: traps, since the library never prints. */
#if defined(NDEBUG) && !defined(SKI_DEBUG)
#define ski_assert(x) ((void)0)
#else
#define ski_assert(x) ((x) ? (void)0 : __builtin_trap())
#endif

/*
 * A seq_cst fence. @name is that of the protocol's page (PARK_A): the other end
 * bears the other name. TSan does not model fences, so there all of them are
 * RMWs of one word, which order at least as much.
 */
extern _Atomic uint64_t ski_fence_word;
#if SKI_TSAN
#define ski_fence_full(name)                                 \
	((void)atomic_fetch_add_explicit(&ski_fence_word, 0, \
					 memory_order_seq_cst))
#else
#define ski_fence_full(name) atomic_thread_fence(memory_order_seq_cst)
#endif

#if defined(__x86_64__) || defined(__i386__)
#define SKI_PAUSE "pause"
#elif defined(__aarch64__)
#define SKI_PAUSE "yield"
#else
#define SKI_PAUSE ""
#endif

/* In a loop that spins: spares power and the sibling hyperthread. */
static inline void ski_pause(void)
{
	__asm__ volatile(SKI_PAUSE ::: "memory");
}

/* The line of @p will be written soon. */
static inline void ski_prefetch(const void *p)
{
	__builtin_prefetch(p, 1);
}

/* Zeroed; NULL if there is no memory or the size overflows. */
static inline void *ski_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

/*
 * Zeroed, aligned to @align, a power of two; NULL as above. Freed by
 * ski_free(). The size is rounded up to the alignment, as C11 wants it.
 */
static inline void *ski_aligned_alloc(size_t align, size_t size)
{
	size_t rounded = (size + align - 1) & ~(align - 1);
	if (rounded < size)
		return NULL;
	void *p = aligned_alloc(align, rounded);
	return p ? __builtin_memset(p, 0, rounded) : NULL;
}

static inline void ski_free(void *p)
{
	free(p);
}

/* A zeroed block of whole pages, aligned to its size, a power of two; all of it
 * is going to be used. */
static inline void *ski_block_alloc(size_t bytes)
{
	void *block;

	if (ski_block_map(&block, bytes, bytes))
		return NULL;
	ski_block_commit(block, bytes);
	return block;
}

/* The same for large blocks, of which parts may be freed on their own. */
static inline void *ski_block_alloc_huge(size_t bytes)
{
	void *block;

	if (ski_block_map(&block, bytes, bytes))
		return NULL;
	ski_block_huge(block, bytes);
	return block;
}

static inline void ski_block_free(void *block, size_t bytes)
{
	ski_block_unmap(block, bytes);
}

#endif
