/* SPDX-License-Identifier: MIT */
/*
 * Which sanitizer this is compiled for, and what the sanitizers want to be told
 * of stacks that are switched. Without one the functions are empty.
 *
 * ASan must know the bounds of the stack it is on (or its fake stacks and its
 * "stack-use-after-return" go wrong), TSan must know which flow of control it
 * is in (or two fibers of one thread look like one).
 */
#ifndef SKI_SANITIZER_H
#define SKI_SANITIZER_H

#include <stddef.h>

/* gcc defines macros, clang has a question. Both are needed by #if. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SKI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define SKI_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SKI_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define SKI_TSAN 1
#endif
#ifndef SKI_ASAN
#define SKI_ASAN 0
#endif
#ifndef SKI_TSAN
#define SKI_TSAN 0
#endif

#if SKI_ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* @fake_stack NULL: the stack that is left will not be used again. */
static inline void ski_asan_leave(void **fake_stack, const void *to_base,
				  size_t to_bytes)
{
	__sanitizer_start_switch_fiber(fake_stack, to_base, to_bytes);
}

/* The bounds are those of the stack that was left. */
static inline void ski_asan_arrive(void *fake_stack, const void **from_base,
				   size_t *from_bytes)
{
	__sanitizer_finish_switch_fiber(fake_stack, from_base, from_bytes);
}

static inline void ski_asan_unpoison(const void *base, size_t bytes)
{
	__asan_unpoison_memory_region(base, bytes);
}

#else

static inline void ski_asan_leave(void **fake_stack, const void *to_base,
				  size_t to_bytes)
{
	(void)fake_stack;
	(void)to_base;
	(void)to_bytes;
}

static inline void ski_asan_arrive(void *fake_stack, const void **from_base,
				   size_t *from_bytes)
{
	(void)fake_stack;
	(void)from_base;
	(void)from_bytes;
}

static inline void ski_asan_unpoison(const void *base, size_t bytes)
{
	(void)base;
	(void)bytes;
}

#endif

#if SKI_TSAN

#include <sanitizer/tsan_interface.h>

static inline void *ski_tsan_current(void)
{
	return __tsan_get_current_fiber();
}

static inline void *ski_tsan_create(void)
{
	return __tsan_create_fiber(0);
}

static inline void ski_tsan_destroy(void *fiber)
{
	__tsan_destroy_fiber(fiber);
}

/*
 * TSan counts calls and returns in the fiber that is current, so the function
 * that calls this must be the one that switches stacks: always inline, and so
 * is whoever calls it, at any level of optimisation.
 */
__attribute__((always_inline)) static inline void ski_tsan_switch(void *fiber)
{
	__tsan_switch_to_fiber(fiber, 0);
}

#else

static inline void *ski_tsan_current(void)
{
	return NULL;
}

static inline void *ski_tsan_create(void)
{
	return NULL;
}

static inline void ski_tsan_destroy(void *fiber)
{
	(void)fiber;
}

static inline void ski_tsan_switch(void *fiber)
{
	(void)fiber;
}

#endif

#endif
