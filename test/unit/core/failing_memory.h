/* SPDX-License-Identifier: MIT */
/*
 * failing_memory.h - this program's own calloc(), aligned_alloc(), mmap() and
 * munmap(), which stand before libc's: they fail on demand, and count what is
 * mapped. Only one source of a program includes it.
 */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Requests since memory_fail(), and which of them fail. */
static atomic_uint memory_requests;
static atomic_uint memory_first_failure, memory_failures;

/* Bytes mapped and not unmapped: by the library, since libc does not go this
 * way. */
static atomic_size_t memory_mapped;

/* Before TSan has begun these are called already. */
#if defined(__clang__)
#define BEFORE_TSAN __attribute__((disable_sanitizer_instrumentation))
#else
#define BEFORE_TSAN __attribute__((no_sanitize("thread")))
#endif

BEFORE_TSAN static bool memory_refuses(void)
{
	unsigned failures =
		atomic_load_explicit(&memory_failures, memory_order_relaxed);
	unsigned n;

	if (!failures)
		return false;
	n = atomic_fetch_add_explicit(&memory_requests, 1,
				      memory_order_relaxed);
	return n - atomic_load_explicit(&memory_first_failure,
					memory_order_relaxed) <
	       failures;
}

/* Volatile: compilers know that malloc() and memset() make a calloc(). */
static void *(*volatile behind_malloc)(size_t) = malloc;

BEFORE_TSAN void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || memory_refuses())
		return NULL;
	p = behind_malloc(bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

/* musl's posix_memalign() calls aligned_alloc(), which is ours. */
#ifdef __GLIBC__
BEFORE_TSAN static void *behind_aligned_alloc(size_t align, size_t bytes)
{
	void *p;

	return posix_memalign(&p, align, bytes) ? NULL : p;
}
#else
static void *behind_aligned_alloc(size_t align, size_t bytes)
{
	void *(*next)(size_t, size_t);

	*(void **)&next = dlsym(RTLD_NEXT, "aligned_alloc");
	return next(align, bytes);
}
#endif

BEFORE_TSAN void *aligned_alloc(size_t align, size_t bytes)
{
	return memory_refuses() ? NULL : behind_aligned_alloc(align, bytes);
}

/* Declared by no header: where a sanitizer is linked statically, what dlsym
 * finds behind this program is libc's function, not the sanitizer's. */
extern void *__interceptor_mmap(void *, size_t, int, int, int, off_t)
	__attribute__((weak));
extern int __interceptor_munmap(void *, size_t) __attribute__((weak));

void *mmap(void *at, size_t bytes, int protection, int flags, int file,
	   off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t) =
		__interceptor_mmap;
	void *p;

	if (memory_refuses()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	p = next(at, bytes, protection, flags, file, offset);
	if (p != MAP_FAILED)
		atomic_fetch_add_explicit(&memory_mapped, bytes,
					  memory_order_relaxed);
	return p;
}

int munmap(void *at, size_t bytes)
{
	int (*next)(void *, size_t) = __interceptor_munmap;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "munmap");
	atomic_fetch_sub_explicit(&memory_mapped, bytes, memory_order_relaxed);
	return next(at, bytes);
}

/* From now on @first requests succeed, then @count fail, then all succeed. */
static inline void memory_fail(unsigned first, unsigned count)
{
	atomic_store_explicit(&memory_failures, 0, memory_order_relaxed);
	atomic_store_explicit(&memory_requests, 0, memory_order_relaxed);
	atomic_store_explicit(&memory_first_failure, first,
			      memory_order_relaxed);
	atomic_store_explicit(&memory_failures, count, memory_order_relaxed);
}

/* From now on @count requests succeed and all others fail. */
static inline void memory_allow(unsigned count)
{
	memory_fail(count, UINT32_MAX / 2);
}

/* All succeed again. Returns how many requests failed. */
static inline unsigned memory_relent(void)
{
	unsigned first = atomic_load_explicit(&memory_first_failure,
					      memory_order_relaxed);
	unsigned count =
		atomic_load_explicit(&memory_failures, memory_order_relaxed);
	unsigned requests =
		atomic_load_explicit(&memory_requests, memory_order_relaxed);

	atomic_store_explicit(&memory_failures, 0, memory_order_relaxed);
	if (requests <= first)
		return 0;
	return requests - first < count ? requests - first : count;
}

/* Bytes mapped since the count of @before was taken. */
static inline size_t memory_mapped_since(size_t before)
{
	return atomic_load_explicit(&memory_mapped, memory_order_relaxed) -
	       before;
}

#endif
