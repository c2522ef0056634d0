/* SPDX-License-Identifier: MIT */
/*
 * Stands in the place of lib/platform/hooks.h when scenarios are compiled: what
 * the lock-free structures need beside <stdatomic.h>, taken from the explorer.
 */
#ifndef SKI_HOOKS_H
#define SKI_HOOKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>

#include "explore.h"

enum {
	SKI_LINE = 128,
};

#define ski_likely(x) __builtin_expect(!!(x), 1)
#define ski_unlikely(x) __builtin_expect(!!(x), 0)

/* Always on: an assertion of the library is one more thing to find broken. */
#define ski_assert(x) ex_assert(x)

#define ski_fence_full(name) \
	ex_fence(EX_SITE("fence " #name), memory_order_seq_cst)

#define ski_prefetch(p) ((void)(p))
#define ski_pause() ex_pause(EX_SITE("pause"))

#define ski_calloc(n, size) ex_alloc(EX_SITE("calloc"), 16, (n), (size))
#define ski_aligned_alloc(align, size) \
	ex_alloc(EX_SITE("aligned_alloc"), (align), 1, (size))
#define ski_block_alloc(bytes) \
	ex_alloc(EX_SITE("block_alloc"), (bytes), 1, (bytes))
#define ski_block_alloc_huge(bytes) \
	ex_alloc(EX_SITE("block_alloc_huge"), (bytes), 1, (bytes))
#define ski_block_free(block, bytes) \
	((void)(bytes), ex_free(EX_SITE("block_free " #block), (block)))
#define ski_free(p) ex_free(EX_SITE("free " #p), (p))

#define ski_futex_wait(word, expected, deadline_ns)                     \
	ex_futex_wait(EX_SITE("futex wait " #word), (word), (expected), \
		      (deadline_ns))
#define ski_futex_wake(word, count) \
	ex_futex_wake(EX_SITE("futex wake " #word), (word), (count))

#endif
