/* SPDX-License-Identifier: MIT */
/*
 * The few atomic accesses that fork.h inlines into applications.
 *
 * C sees C11 atomics. C++17 has no _Atomic, and its std::atomic has no
 * promise of the same layout, so there the same objects are plain and
 * accessed through the compiler's builtins: sizes and alignment are those of
 * the lock-free C11 types (checked in fork.h).
 */
#ifndef SKUA_ATOMIC_H
#define SKUA_ATOMIC_H

#ifdef __cplusplus
#define SKUA_ATOMIC(type) type
#define skua_load_relaxed(object) __atomic_load_n((object), __ATOMIC_RELAXED)
#else
#include <stdatomic.h>
#define SKUA_ATOMIC(type) _Atomic(type)
#define skua_load_relaxed(object) \
	atomic_load_explicit((object), memory_order_relaxed)
#endif

#endif
