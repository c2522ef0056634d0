/* SPDX-License-Identifier: MIT */
/*
 * core_test.h - what the tests of the data structures share: threads that start
 * together, checks that any of them may make, and a seed.
 *
 * cr_assert leaves by longjmp, so other threads than the test's own use CHECK,
 * which notes the first failure; crew_run() asserts the notes in the end. No
 * test sleeps to let something happen, and none ends before all threads have.
 */
#ifndef CORE_TEST_H
#define CORE_TEST_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hooks.h"

/* Less of what a sanitizer makes slow. */
#if SKI_TSAN || defined(SKUA_TEST_SMALL)
#define SCALED(n) ((n) / 5)
#elif SKI_ASAN
#define SCALED(n) ((n) / 2)
#else
#define SCALED(n) (n)
#endif

/* The time limit of every test, in seconds: a hang, not a slow machine. */
#define LIMIT 120

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

enum {
	CREW_MOST = 64
};

/* The first failed CHECK of this process, as "file:line: condition". */
static _Atomic(const char *) failed_check;

#define CHECK_TEXT_(x) #x
#define CHECK_TEXT(x) CHECK_TEXT_(x)
#define CHECK(condition)                     \
	((condition) ? (void)0 :             \
		       note_failure(__FILE__ \
				    ":" CHECK_TEXT(__LINE__) ": " #condition))

static inline void note_failure(const char *what)
{
	const char *none = NULL;

	/* Release and acquire: the text, which is constant anyway. */
	atomic_compare_exchange_strong_explicit(&failed_check, &none, what,
						memory_order_acq_rel,
						memory_order_acquire);
}

/* xorshift64*, one state a thread. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Below @n, for small @n. */
static inline unsigned random_below(uint64_t *state, unsigned n)
{
	return (unsigned)((next_random(state) >> 32) % n);
}

/* SKUA_TEST_SEED, or one of the clock's; printed with each failure. */
static inline uint64_t test_seed(void)
{
	static uint64_t seed;
	const char *given = getenv("SKUA_TEST_SEED");
	struct timespec now;

	if (seed)
		return seed;
	if (given && *given) {
		seed = strtoull(given, NULL, 0) | 1;
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		seed = ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec) | 1;
	}
	return seed;
}

/* The state of stream @n of this test. */
static inline uint64_t random_stream(uint64_t n)
{
	uint64_t state = (test_seed() ^ n * UINT64_C(0x9e3779b97f4a7c15)) | 1;

	(void)next_random(&state);
	return state;
}

/* In the test's own thread: no CHECK has failed so far. */
static inline void settle(void)
{
	/* Acquire: pairs with note_failure(). */
	const char *what =
		atomic_load_explicit(&failed_check, memory_order_acquire);

	cr_assert(!what, "%s (SKUA_TEST_SEED=%#" PRIx64 ")", what ? what : "",
		  test_seed());
}

struct crew_member {
	pthread_t thread;
	pthread_barrier_t *start;
	void (*run)(unsigned self);
	unsigned self;
};

static inline void *crew_main(void *arg)
{
	struct crew_member *member = arg;

	pthread_barrier_wait(member->start);
	member->run(member->self);
	return NULL;
}

/* Run @run(0) to @run(@count - 1), a thread each, and wait for all. */
static inline void crew_run(unsigned count, void (*run)(unsigned self))
{
	static struct crew_member crew[CREW_MOST];
	pthread_barrier_t start;

	cr_assert_leq(count, CREW_MOST);
	(void)test_seed();
	pthread_barrier_init(&start, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		crew[i] = (struct crew_member){ .start = &start,
						.run = run,
						.self = i };
		cr_assert_eq(pthread_create(&crew[i].thread, NULL, crew_main,
					    &crew[i]),
			     0);
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(crew[i].thread, NULL);
	pthread_barrier_destroy(&start);
	settle();
}

#endif
