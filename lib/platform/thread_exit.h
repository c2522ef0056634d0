/* SPDX-License-Identifier: MIT */
/*
 * A function that is called in each thread that asked for it, when it exits:
 * the destructor of a pthread key, which is made at the first need and again
 * at the next one if there was none to be had.
 */
#ifndef SKI_THREAD_EXIT_H
#define SKI_THREAD_EXIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A static one is all zero. */
struct ski_thread_exit {
	_Atomic(uint64_t) key; /* A: the key plus 1, set once; 0: none yet */
};

/* False: the process has as many keys as it may. */
static inline bool ski_thread_exit_key(struct ski_thread_exit *at_exit,
				       void (*leave)(void *),
				       pthread_key_t *key)
{
	/* Acquire: the key, made by another thread. Pairs with the CAS. */
	uint64_t known =
		atomic_load_explicit(&at_exit->key, memory_order_acquire);

	if (!known) {
		if (pthread_key_create(key, leave))
			return false;
		/* Release: the key; failure acquires that of who was faster.
		 * Pairs with itself and with the load above. */
		if (atomic_compare_exchange_strong_explicit(
			    &at_exit->key, &known, (uint64_t)*key + 1,
			    memory_order_release, memory_order_acquire))
			return true;
		pthread_key_delete(*key);
	}
	*key = (pthread_key_t)(known - 1);
	return true;
}

/*
 * @leave will be called in the calling thread when it exits, once more for each
 * call of this that comes after it was. False: no key, or no memory.
 */
static inline bool ski_thread_exit_expect(struct ski_thread_exit *at_exit,
					  void (*leave)(void *))
{
	pthread_key_t key;

	/* Any value but NULL. */
	return ski_thread_exit_key(at_exit, leave, &key) &&
	       !pthread_setspecific(key, at_exit);
}

#endif
