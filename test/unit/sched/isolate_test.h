/* SPDX-License-Identifier: MIT */
/*
 * isolate_test.h - a plain mutex that some tasks hold across waits, isolated, and
 * that others of the pool want for a moment.
 *
 * It is a mutex that tells a thread that has it already: that is how a stranger
 * on the thread of the task that holds it shows. If it waits on another thread
 * instead, it must not keep what the holder waits for from running.
 */
#ifndef ISOLATE_TEST_H
#define ISOLATE_TEST_H

#include <errno.h>

#include "sched_test.h"

enum {
	ROUNDS = SCALED(400),
	STRANGERS = 8
};

static pthread_mutex_t plain;
static atomic_size_t intrusions;
static atomic_size_t ran;
static atomic_size_t strangers;

static inline void make_plain(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

static inline void begin(void)
{
	make_plain(&plain);
	atomic_store(&intrusions, 0);
	atomic_store(&ran, 0);
	atomic_store(&strangers, 0);
}

/* Wants the mutex, and has nothing to do with who holds it. */
static inline void stranger(void *arg)
{
	int error = pthread_mutex_lock(&plain);

	(void)arg;
	if (error == EDEADLK)
		atomic_fetch_add(&intrusions, 1);
	else
		CHECK(error == 0);
	if (!error)
		pthread_mutex_unlock(&plain);
	atomic_fetch_add(&strangers, 1);
}

static inline void post_strangers(struct skua_pool *pool, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CHECK(skua_post(pool, stranger, NULL) == 0);
}

static inline void await_strangers(size_t count)
{
	while (atomic_load(&strangers) < count)
		sched_yield();
}

static inline void *locked(void *arg)
{
	void (**inside)(void *) = arg;

	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(skua_isolate(*inside, NULL) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return arg;
}

static void (*inside_now)(void *);

/* Several that hold it in turn, among many that want it for a moment. */
static inline void among_strangers(struct skua_pool *pool, unsigned workers)
{
	enum {
		HOLDERS = 4
	};
	struct skua_future *holders[HOLDERS];
	int rounds = workers > 8 ? ROUNDS / 10 : ROUNDS / 4;

	begin();
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < HOLDERS; i++) {
			post_strangers(pool, STRANGERS / 2);
			holders[i] = submit(pool, locked, &inside_now);
			post_strangers(pool, STRANGERS / 2);
		}
		for (size_t i = 0; i < HOLDERS; i++)
			take(holders[i]);
	}
	await_strangers((size_t)rounds * HOLDERS * STRANGERS);
	CHECK(atomic_load(&intrusions) == 0);
}

static inline void try_inside(void (*inside)(void *))
{
	inside_now = inside;
	with_pools(among_strangers);
}

#endif
