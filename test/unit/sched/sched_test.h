/* SPDX-License-Identifier: MIT */
/*
 * sched_test.h - what the tests of the runtime share.
 *
 * The tests know the public interface only. A body given to with_pools() runs
 * once for each number of workers below, or only for that of
 * SKUA_TEST_WORKERS, and its pool must close cleanly every time.
 *
 * Code that may run inside a task uses CHECK, which notes the first failure;
 * cr_assert would leave by longjmp from a stack that is not the test's. The
 * notes are asserted by settle(), which with_pools() calls after each body.
 *
 * No test sleeps to let something happen: a gate blocks the thread, worker or
 * not, until the test opens it, and tells the test who has arrived.
 */
#ifndef SCHED_TEST_H
#define SCHED_TEST_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <skua/skua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../support/system.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#elif __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif

/* SCALED sizes shrink where a sanitizer makes each item slow. FIBERS(n) is how
 * many tasks may be suspended at once: TSan knows at most some 8,000 threads
 * and fibers, and each costs it megabytes. */
#if defined(UNDER_TSAN) || defined(SKUA_TEST_SMALL)
#define SCALED(n) ((n) / 20)
#define FIBERS(n) ((n) < 400 ? (n) : 400)
#elif defined(UNDER_ASAN)
#define SCALED(n) ((n) / 5)
#define FIBERS(n) (n)
#else
#define SCALED(n) (n)
#define FIBERS(n) (n)
#endif

/* The last are more than there are CPUs. A thread is mostly the kernel's time,
 * milliseconds with TSan: the crowd is for the release build, without assertions. */
#ifdef NDEBUG
#define WORKER_COUNTS 1, 2, 8, 64
#else
#define WORKER_COUNTS 1, 2, 12
#endif

/* The time limit of every test, in seconds: a hang, not a slow machine. */
#define LIMIT 240

/* The first failed CHECK of this process, as "file:line: condition". */
static _Atomic(const char *) failed_check;

#define CHECK_TEXT_(x) #x
#define CHECK_TEXT(x) CHECK_TEXT_(x)
#define CHECK(condition)                                          \
	((condition) ? (void)0 :                                  \
		       note_failure(__FILE__                      \
				    ":" CHECK_TEXT(__LINE__) ": " \
							     "" #condition))

static inline void note_failure(const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&failed_check, &none, what);
}

/* In the test's own thread: no CHECK has failed so far. */
static inline void settle(unsigned workers)
{
	const char *what = atomic_load(&failed_check);

	cr_assert(!what, "%s (%u workers)", what ? what : "", workers);
}

/* Fills @counts and returns how many there are. */
static inline size_t worker_counts(unsigned counts[4])
{
	static const unsigned all[] = { WORKER_COUNTS };
	const char *only = getenv("SKUA_TEST_WORKERS");

	if (only && *only) {
		counts[0] = (unsigned)strtoul(only, NULL, 10);
		return 1;
	}
	memcpy(counts, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

static inline struct skua_pool *open_pool(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = workers;
	CHECK(skua_pool_open(&pool, &options) == 0);
	settle(workers);
	return pool;
}

/* A worker without a stack to switch to: one such stack has room in the address
 * space, two have not. */
static inline struct skua_pool *open_starved(size_t max_pending)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

#if defined(UNDER_TSAN) || defined(UNDER_ASAN)
	cr_skip_test("the sanitizer's shadow has no room for it");
#endif
#ifdef SKUA_TEST_EMULATED
	cr_skip_test("qemu looks for a place for it for minutes, and ends");
#endif
	options.workers = 1;
	options.max_pending = max_pending;
	options.stack_bytes = (size_t)1 << (sizeof(size_t) == 8 ? 46 : 31);
	if (skua_pool_open(&pool, &options))
		cr_skip_test("no room for one");
	return pool;
}

static inline void with_pools(void (*body)(struct skua_pool *, unsigned))
{
	unsigned counts[4];
	size_t n = worker_counts(counts);

	for (size_t i = 0; i < n; i++) {
		struct skua_pool *pool = open_pool(counts[i]);

		body(pool, counts[i]);
		CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
		settle(counts[i]);
	}
}

/* For tests whose pools are their own affair. */
static inline void with_workers(void (*body)(unsigned))
{
	unsigned counts[4];
	size_t n = worker_counts(counts);

	for (size_t i = 0; i < n; i++) {
		body(counts[i]);
		settle(counts[i]);
	}
}

static inline struct skua_future *submit(struct skua_pool *pool, skua_fn *fn,
					 void *arg)
{
	struct skua_future *future = NULL;

	CHECK(skua_submit(pool, fn, arg, &future) == 0);
	return future;
}

/* The result of @future, which is released. */
static inline void *take(struct skua_future *future)
{
	void *result = NULL;

	CHECK(skua_future_result(future, SKUA_FOREVER, &result) == 0);
	skua_future_release(future);
	return result;
}

static inline void *number(uintptr_t n)
{
	return (void *)n; /* NOLINT: results are words */
}

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned arrived;
	bool open;
};

/* Gates are static: a task may still be leaving one when the body returns. */
static inline void gate_close(struct gate *gate)
{
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->changed, NULL);
	gate->arrived = 0;
	gate->open = false;
}

static inline void gate_arrive(struct gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->arrived++;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->mutex);
}

/* Blocks this thread until @count have arrived. */
static inline void gate_await(struct gate *gate, unsigned count)
{
	pthread_mutex_lock(&gate->mutex);
	while (gate->arrived < count)
		pthread_cond_wait(&gate->changed, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}

static inline void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->open = true;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->mutex);
}

/* Blocks this thread until the gate opens. */
static inline void gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	while (!gate->open)
		pthread_cond_wait(&gate->changed, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}

/* A task that keeps its worker until the gate opens, and returns the gate. */
static inline void *hold(void *gate)
{
	gate_arrive(gate);
	gate_pass(gate);
	return gate;
}

/* Returns when @count workers of @pool are held. They are taken by futures
 * that are released at once, so nothing is left to collect. */
static inline void hold_workers(struct skua_pool *pool, struct gate *gate,
				unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CHECK(skua_submit(pool, hold, gate, NULL) == 0);
	gate_await(gate, count);
}

/* Returns when every worker has run something, and so has been set up, and
 * has nothing to do again. */
static inline void start_workers(struct skua_pool *pool, unsigned workers)
{
	static struct gate all;

	gate_close(&all);
	hold_workers(pool, &all, workers);
	gate_open(&all);
	while (skua_pool_running(pool))
		sched_yield();
}

static inline void *do_nothing(void *arg)
{
	return arg;
}

/* Returns when another thread's shutdown has taken effect: jobs that do
 * nothing are submitted until one is refused. The caller holds a reference. */
static inline void await_closed(struct skua_pool *pool)
{
	int error = 0;

	while (error == 0)
		error = skua_submit(pool, do_nothing, NULL, NULL);
	CHECK(error == SKUA_ECLOSED);
}

/* xorshift64*: the tests' own randomness, so that a seed repeats a run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* SKUA_TEST_SEED, or one of the clock's; every failure message prints it. */
static inline uint64_t test_seed(void)
{
	const char *given = getenv("SKUA_TEST_SEED");
	struct timespec now;

	if (given && *given)
		return strtoull(given, NULL, 0) | 1;
	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec) | 1;
}

#endif
