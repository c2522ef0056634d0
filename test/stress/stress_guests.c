/* SPDX-License-Identifier: MIT */
/*
 * stress_guests.c - threads that come, submit to some of several pools, and
 * leave with work pending, some of it submitted by their destructors, while
 * one of the pools is closed and opened again and again.
 */
#include "stress.h"

enum {
	POOLS = 3,
	AT_ONCE = 16
};

/* Rounds of destructors; TSan has let go of the thread before the last. */
#ifdef UNDER_TSAN
enum {
	LATE_ROUNDS = 2
};
#else
enum {
	LATE_ROUNDS = 4
};
#endif

static struct skua_pool *pools[POOLS];
static atomic_size_t runs, made;
static pthread_key_t leaving;

static void *count_run(void *arg)
{
	atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
	return arg;
}

static void submit_one(struct skua_pool *pool)
{
	EXPECT(skua_submit(pool, count_run, NULL, NULL) == 0);
	atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
}

/* Comes round as often as pthreads allows, so after the library's own too. */
static void submit_leaving(void *rounds)
{
	submit_one(pools[(uintptr_t)rounds % POOLS]);
	if ((uintptr_t)rounds > 1)
		EXPECT(pthread_setspecific(leaving,
					   number((uintptr_t)rounds - 1)) == 0);
}

static void *visit(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);
	unsigned jobs = stress_below(&random, 50);

	if (stress_below(&random, 2))
		EXPECT(pthread_setspecific(leaving, number(LATE_ROUNDS)) == 0);
	for (unsigned i = 0; i < jobs; i++) {
		struct skua_pool *pool = pools[stress_below(&random, POOLS)];

		submit_one(pool);
		if (stress_below(&random, 20) == 0) {
			atomic_fetch_add(&made, 1);
			EXPECT(stress_take(stress_submit(pool, count_run,
							 stream)) == stream);
		}
	}
	return NULL;
}

/* A wave of threads at once, all gone at its end; then one pool goes, with
 * what they left in it, and another comes in its place. */
static void wave(size_t number_of_wave)
{
	pthread_t threads[AT_ONCE];
	size_t reopened = number_of_wave % POOLS;

	for (size_t i = 0; i < AT_ONCE; i++)
		stress_thread(&threads[i], visit,
			      number(number_of_wave * AT_ONCE + i));
	for (size_t i = 0; i < AT_ONCE; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	stress_close(pools[reopened]);
	pools[reopened] = stress_open(stress.workers);
}

static void body(void)
{
	size_t waves = stress_rounds(SCALED(100), SCALED(5000)) + 1;

	EXPECT(pthread_key_create(&leaving, submit_leaving) == 0);
	atomic_store(&runs, 0);
	atomic_store(&made, 0);
	for (size_t i = 0; i < POOLS; i++)
		pools[i] = stress_open(stress.workers);
	for (size_t i = 0; i < waves; i++)
		wave(i);
	for (size_t i = 0; i < POOLS; i++)
		stress_close(pools[i]);
	EXPECT(pthread_key_delete(leaving) == 0);
	EXPECT(atomic_load(&runs) == atomic_load(&made));
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
