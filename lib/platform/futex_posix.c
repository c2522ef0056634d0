/* SPDX-License-Identifier: MIT */
/*
 * Futexes over POSIX threads, for systems without futex(2): addresses hash to
 * buckets of a mutex and a condition variable.
 *
 * No wake-up is lost: the waiter looks at the word and goes to sleep under the
 * bucket's mutex, and the waker, which has changed the word before, takes the
 * mutex too. Addresses of one bucket share its condition, so a wake tells all
 * of them, and most find it to be a stray one.
 *
 * Needs condition variables on CLOCK_MONOTONIC (POSIX.1-2008, not macOS).
 */
#include "futex.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <skua/error.h>

enum {
	BUCKETS = 32,
};

struct bucket {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

static struct bucket buckets[BUCKETS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_condition(struct bucket *b)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&b->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void open_buckets(void);

/* The call of pthread_once() is for its ordering: another thread may have
 * opened the buckets. */
static void before_fork(void)
{
	pthread_once(&once, open_buckets);
	for (int i = 0; i < BUCKETS; i++)
		pthread_mutex_lock(&buckets[i].mutex);
}

static void after_fork_in_parent(void)
{
	for (int i = BUCKETS - 1; i >= 0; i--)
		pthread_mutex_unlock(&buckets[i].mutex);
}

/* The conditions count waiters that this process does not have. */
static void after_fork_in_child(void)
{
	for (int i = BUCKETS - 1; i >= 0; i--) {
		open_condition(&buckets[i]);
		pthread_mutex_unlock(&buckets[i].mutex);
	}
}

static void open_buckets(void)
{
	for (int i = 0; i < BUCKETS; i++) {
		pthread_mutex_init(&buckets[i].mutex, NULL);
		open_condition(&buckets[i]);
	}
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static struct bucket *bucket_of(const void *word)
{
	uint64_t hash = (uint64_t)(uintptr_t)word * 0x9e3779b97f4a7c15;

	pthread_once(&once, open_buckets);
	return &buckets[hash >> 59];
}

/* 0, or ETIMEDOUT. Called with the mutex held. */
static int sleep_in(struct bucket *b, int64_t deadline_ns)
{
	if (deadline_ns < 0)
		return pthread_cond_wait(&b->changed, &b->mutex);

	struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / 1000000000),
		.tv_nsec = (long)(deadline_ns % 1000000000),
	};
	return pthread_cond_timedwait(&b->changed, &b->mutex, &deadline);
}

int ski_futex_wait(const void *word, uint32_t expected, int64_t deadline_ns)
{
	int saved_errno = errno;
	struct bucket *b = bucket_of(word);
	const _Atomic uint32_t *value = word;
	int error = 0;

	pthread_mutex_lock(&b->mutex);
	/* Relaxed: the mutex orders this load with the waker's store, and the
	 * caller, who looks again, orders what the word stands for. */
	if (atomic_load_explicit(value, memory_order_relaxed) == expected)
		error = sleep_in(b, deadline_ns);
	pthread_mutex_unlock(&b->mutex);
	errno = saved_errno;
	return error == ETIMEDOUT ? SKUA_ETIMEDOUT : 0;
}

void ski_futex_wake(const void *word, int count)
{
	int saved_errno = errno;
	struct bucket *b = bucket_of(word);

	(void)count;
	pthread_mutex_lock(&b->mutex);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->mutex);
	errno = saved_errno;
}
