/* SPDX-License-Identifier: MIT */
/*
 * Stands before the compiler's <stdatomic.h> when scenarios are compiled, so
 * that each atomic access of the library's own source goes to the explorer.
 *
 * Only what CONVENTIONS allow is here: the _explicit forms. An access that gets
 * round these macros (`x = 1` on an _Atomic) does not link, since the explorer
 * has no __tsan_atomic functions.
 */
#ifndef EX_STDATOMIC_H
#define EX_STDATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explore.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "a value is in the low bytes of a uint64_t");

typedef enum memory_order {
	memory_order_relaxed = __ATOMIC_RELAXED,
	memory_order_consume = __ATOMIC_CONSUME,
	memory_order_acquire = __ATOMIC_ACQUIRE,
	memory_order_release = __ATOMIC_RELEASE,
	memory_order_acq_rel = __ATOMIC_ACQ_REL,
	memory_order_seq_cst = __ATOMIC_SEQ_CST
} memory_order;

typedef _Atomic(bool) atomic_bool;
typedef _Atomic(char) atomic_char;
typedef _Atomic(unsigned char) atomic_uchar;
typedef _Atomic(short) atomic_short;
typedef _Atomic(unsigned short) atomic_ushort;
typedef _Atomic(int) atomic_int;
typedef _Atomic(unsigned int) atomic_uint;
typedef _Atomic(long) atomic_long;
typedef _Atomic(unsigned long) atomic_ulong;
typedef _Atomic(long long) atomic_llong;
typedef _Atomic(unsigned long long) atomic_ullong;
typedef _Atomic(size_t) atomic_size_t;
typedef _Atomic(ptrdiff_t) atomic_ptrdiff_t;
typedef _Atomic(intptr_t) atomic_intptr_t;
typedef _Atomic(uintptr_t) atomic_uintptr_t;
typedef _Atomic(uint32_t) atomic_uint_least32_t;
typedef _Atomic(uint64_t) atomic_uint_least64_t;

#define ATOMIC_BOOL_LOCK_FREE 2
#define ATOMIC_INT_LOCK_FREE 2
#define ATOMIC_LONG_LOCK_FREE 2
#define ATOMIC_LLONG_LOCK_FREE 2
#define ATOMIC_POINTER_LOCK_FREE 2

/* The type of what @p points to, unqualified: a comma expression is a value. */
#define EX_TYPE(p) __typeof__((void)0, *(p))

/* Arguments are evaluated once, in a scope where ex_at_ is the object. */
#define EX_AT(object, ...)                                               \
	(__extension__({                                                 \
		__auto_type ex_at_ = (object);                           \
		_Static_assert(sizeof(*ex_at_) <= 8, "at most 8 bytes"); \
		__VA_ARGS__;                                             \
	}))
#define EX_RAW(value)                                                \
	(__extension__({                                             \
		EX_TYPE(ex_at_) ex_in_ = (value);                    \
		uint64_t ex_raw_ = 0;                                \
		__builtin_memcpy(&ex_raw_, &ex_in_, sizeof(ex_in_)); \
		ex_raw_;                                             \
	}))
#define EX_VALUE(raw)                                                  \
	(__extension__({                                               \
		uint64_t ex_raw_ = (raw);                              \
		EX_TYPE(ex_at_) ex_out_;                               \
		__builtin_memcpy(&ex_out_, &ex_raw_, sizeof(ex_out_)); \
		ex_out_;                                               \
	}))

#define atomic_init(object, value)                              \
	EX_AT(object, ex_init(EX_SITE("init " #object), ex_at_, \
			      sizeof(*ex_at_), EX_RAW(value)))

#define atomic_load_explicit(object, order)                              \
	EX_AT(object, EX_VALUE(ex_load(EX_SITE("load " #object), ex_at_, \
				       sizeof(*ex_at_), (order))))

#define atomic_store_explicit(object, value, order)               \
	EX_AT(object, ex_store(EX_SITE("store " #object), ex_at_, \
			       sizeof(*ex_at_), EX_RAW(value), (order)))

#define EX_FETCH(object, operation, name, value, order)                    \
	EX_AT(object, EX_VALUE(ex_fetch(EX_SITE(name " " #object), ex_at_, \
					sizeof(*ex_at_), operation,        \
					EX_RAW(value), (order))))
#define atomic_exchange_explicit(object, value, order) \
	EX_FETCH(object, EX_EXCHANGE, "exchange", value, order)
#define atomic_fetch_add_explicit(object, value, order) \
	EX_FETCH(object, EX_ADD, "add", value, order)
#define atomic_fetch_sub_explicit(object, value, order) \
	EX_FETCH(object, EX_SUB, "sub", value, order)
#define atomic_fetch_or_explicit(object, value, order) \
	EX_FETCH(object, EX_OR, "or", value, order)
#define atomic_fetch_and_explicit(object, value, order) \
	EX_FETCH(object, EX_AND, "and", value, order)
#define atomic_fetch_xor_explicit(object, value, order) \
	EX_FETCH(object, EX_XOR, "xor", value, order)

#define EX_COMPARE(object, expected, desired, success, failure, weak, name) \
	EX_AT(object, EX_TYPE(ex_at_) *ex_expected_ = (expected);           \
	      uint64_t ex_found_ = EX_RAW(*ex_expected_);                   \
	      bool ex_done_ = ex_compare(EX_SITE(name " " #object), ex_at_, \
					 sizeof(*ex_at_), &ex_found_,       \
					 EX_RAW(desired), (success),        \
					 (failure), weak);                  \
	      if (!ex_done_) *ex_expected_ = EX_VALUE(ex_found_); ex_done_)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, \
						success, failure)          \
	EX_COMPARE(object, expected, desired, success, failure, false, "CAS")
#define atomic_compare_exchange_weak_explicit(object, expected, desired, \
					      success, failure)          \
	EX_COMPARE(object, expected, desired, success, failure, true, "CAS")

#define atomic_thread_fence(order) ex_fence(EX_SITE("fence"), (order))
/* Between a thread and its signal handler; no scenario has one. */
#define atomic_signal_fence(order) ((void)(order))

#endif
