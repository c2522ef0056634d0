/* SPDX-License-Identifier: MIT */
/*
 * The future of peers without one: PENDING, then DONE by the worker, or
 * BLOCKED in between by a waiter that has gone to sleep.
 */
#include "futex_future.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum future_state {
	FUTURE_PENDING,
	FUTURE_BLOCKED,
	FUTURE_DONE
};

static _Atomic uint32_t *state_of(struct futex_future *future)
{
	return (_Atomic uint32_t *)&future->opaque;
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("pause");
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

void futex_future_fill(struct futex_future *future, peer_fn *fn, void *arg)
{
	future->fn = fn;
	future->value = arg;
	/* Published by the queue that carries the future to its worker. */
	atomic_store_explicit(state_of(future), FUTURE_PENDING,
			      memory_order_relaxed);
}

void futex_future_run(struct futex_future *future)
{
	_Atomic uint32_t *state = state_of(future);

	future->value = future->fn(future->value);
	/* Release: publishes value to futex_future_wait(). */
	if (atomic_exchange_explicit(state, FUTURE_DONE,
				     memory_order_release) == FUTURE_BLOCKED)
		syscall(SYS_futex, state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool is_done(struct futex_future *future)
{
	/* Acquire: pairs with futex_future_run(). */
	return atomic_load_explicit(state_of(future), memory_order_acquire) ==
	       FUTURE_DONE;
}

static void block(struct futex_future *future)
{
	uint32_t expected = FUTURE_PENDING;

	/* Relaxed: announces the sleeper and publishes nothing; the value is
	 * read after is_done(). Failure means DONE. */
	atomic_compare_exchange_strong_explicit(state_of(future), &expected,
						FUTURE_BLOCKED,
						memory_order_relaxed,
						memory_order_relaxed);
	while (!is_done(future))
		syscall(SYS_futex, state_of(future), FUTEX_WAIT_PRIVATE,
			FUTURE_BLOCKED, NULL, NULL, 0);
}

void *futex_future_wait(struct futex_future *future, unsigned spins)
{
	for (unsigned i = 0; i < spins && !is_done(future); i++)
		pause_briefly();
	if (!is_done(future))
		block(future);
	return future->value;
}
