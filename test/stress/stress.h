/* SPDX-License-Identifier: MIT */
/*
 * stress.h - what the stress programs share: their arguments, their seed, and
 * how they fail.
 *
 *	stress_NAME [--workers N] [--seed N] [--long]
 *
 * or SKUA_TEST_WORKERS, SKUA_TEST_SEED and SKUA_TEST_LONG in the environment.
 * Without a number of workers each of 1, 2, 8 and 64 has its turn. EXPECT may
 * stand anywhere, inside tasks too: a failure prints the arguments that repeat
 * the run and ends the process.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <sched.h>
#include <skua/skua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* As in the unit tests: less of what a sanitizer makes slow, and no more
 * suspended tasks than TSan can tell apart. */
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

struct stress {
	const char *program;
	unsigned workers;
	uint64_t seed;
	bool is_long;
};

static struct stress stress;

static inline void stress_fail(const char *file, int line, const char *what)
{
	fprintf(stderr,
		"%s:%d: %s\nto repeat: %s --workers %u --seed %#llx%s\n", file,
		line, what, stress.program, stress.workers,
		(unsigned long long)stress.seed,
		stress.is_long ? " --long" : "");
	_exit(1);
}

#define EXPECT(condition) \
	((condition) ? (void)0 : stress_fail(__FILE__, __LINE__, #condition))

/* How often to do something: @usual, or @longer if asked for. */
static inline size_t stress_rounds(size_t usual, size_t longer)
{
	return stress.is_long ? longer : usual;
}

static inline uint64_t stress_number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (end == text || *end) {
		fprintf(stderr, "%s: not a number: %s\n", stress.program, text);
		exit(2);
	}
	return n;
}

/* Never 0, which the generator below could not leave. */
static inline uint64_t stress_clock_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec) | 1;
}

static inline void stress_environment(void)
{
	const char *workers = getenv("SKUA_TEST_WORKERS");
	const char *seed = getenv("SKUA_TEST_SEED");
	const char *is_long = getenv("SKUA_TEST_LONG");

	stress.seed = stress_clock_seed();
	if (workers && *workers)
		stress.workers = (unsigned)stress_number(workers);
	if (seed && *seed)
		stress.seed = stress_number(seed);
	stress.is_long = is_long && *is_long && strcmp(is_long, "0") != 0;
}

static inline void stress_arguments(int argc, char *argv[])
{
	stress.program = argv[0];
	stress_environment();
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (strcmp(argv[i], "--long") == 0) {
			stress.is_long = true;
		} else if (strcmp(argv[i], "--workers") == 0 && more) {
			stress.workers = (unsigned)stress_number(argv[++i]);
		} else if (strcmp(argv[i], "--seed") == 0 && more) {
			stress.seed = stress_number(argv[++i]);
		} else {
			printf("usage: %s [--workers N] [--seed N] [--long]\n",
			       argv[0]);
			exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
		}
	}
}

/* main() of a stress program. */
static inline int stress_main(int argc, char *argv[], void (*body)(void))
{
	static const unsigned all[] = { 1, 2, 8, 64 };
	unsigned only;

	stress_arguments(argc, argv);
	only = stress.workers;
	for (size_t i = 0; i < (only ? 1 : sizeof(all) / sizeof(*all)); i++) {
		stress.workers = only ? only : all[i];
		printf("%s --workers %u --seed %#llx\n", stress.program,
		       stress.workers, (unsigned long long)stress.seed);
		fflush(stdout);
		body();
	}
	return 0;
}

/* xorshift64*, one state a thread or task. */
static inline uint64_t stress_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* The state of stream number @n of this run. */
static inline uint64_t stress_stream(uint64_t n)
{
	uint64_t state = (stress.seed ^ n * UINT64_C(0x9e3779b97f4a7c15)) | 1;

	(void)stress_random(&state);
	return state;
}

/* Below @n, for small @n. */
static inline unsigned stress_below(uint64_t *state, unsigned n)
{
	return (unsigned)((stress_random(state) >> 32) % n);
}

static inline void *number(uintptr_t n)
{
	return (void *)n; /* NOLINT: results are words */
}

static inline struct skua_pool *stress_open(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = workers;
	options.seed = stress.seed;
	EXPECT(skua_pool_open(&pool, &options) == 0);
	return pool;
}

static inline void stress_close(struct skua_pool *pool)
{
	EXPECT(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

static inline struct skua_future *stress_submit(struct skua_pool *pool,
						skua_fn *fn, void *arg)
{
	struct skua_future *future = NULL;

	EXPECT(skua_submit(pool, fn, arg, &future) == 0);
	return future;
}

/* The result of @future, which is released. */
static inline void *stress_take(struct skua_future *future)
{
	void *result = NULL;

	EXPECT(skua_future_result(future, SKUA_FOREVER, &result) == 0);
	skua_future_release(future);
	return result;
}

static inline void stress_thread(pthread_t *thread, void *(*fn)(void *),
				 void *arg)
{
	EXPECT(pthread_create(thread, NULL, fn, arg) == 0);
}

#endif
