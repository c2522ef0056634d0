/* SPDX-License-Identifier: MIT */
/*
 * failing_memory.h - calloc() and aligned_alloc() of this program, which stand
 * before libc's and fail on demand. Only one source of a program includes it.
 *
 * They are made of malloc() and posix_memalign(), so sanitizers see them too.
 */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How many more allocations succeed; below zero: all. */
static atomic_int memory_allowed = -1;
static atomic_uint memory_refused;

/* Before TSan has begun these are called already. */
#if defined(__clang__)
#define FAILING_MEMORY_PLAIN __attribute__((disable_sanitizer_instrumentation))
#else
#define FAILING_MEMORY_PLAIN __attribute__((no_sanitize("thread")))
#endif

FAILING_MEMORY_PLAIN static bool memory_refuses(void)
{
	int allowed =
		atomic_load_explicit(&memory_allowed, memory_order_relaxed);

	while (allowed > 0)
		if (atomic_compare_exchange_weak_explicit(
			    &memory_allowed, &allowed, allowed - 1,
			    memory_order_relaxed, memory_order_relaxed))
			return false;
	if (allowed < 0)
		return false;
	atomic_fetch_add_explicit(&memory_refused, 1, memory_order_relaxed);
	return true;
}

/* Volatile: compilers know that malloc() and memset() make a calloc(). */
static void *(*volatile behind_malloc)(size_t) = malloc;

FAILING_MEMORY_PLAIN void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || memory_refuses())
		return NULL;
	p = behind_malloc(bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

FAILING_MEMORY_PLAIN void *aligned_alloc(size_t align, size_t bytes)
{
	void *p;

	if (memory_refuses() || posix_memalign(&p, align, bytes))
		return NULL;
	return p;
}

/* From now on @count allocations succeed and all others fail. */
static inline void memory_allow(int count)
{
	atomic_store_explicit(&memory_refused, 0, memory_order_relaxed);
	atomic_store_explicit(&memory_allowed, count, memory_order_relaxed);
}

/* All succeed again. Returns how many did not since memory_allow(). */
static inline unsigned memory_relent(void)
{
	atomic_store_explicit(&memory_allowed, -1, memory_order_relaxed);
	return atomic_load_explicit(&memory_refused, memory_order_relaxed);
}

#endif
