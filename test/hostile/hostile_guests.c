/* SPDX-License-Identifier: MIT */
/*
 * hostile_guests.c - a thousand guests at a time, with stacks of 128 KiB. Some
 * wait for what they submitted, some exit with work pending, some submit again
 * when their thread-locals are destroyed.
 */
#include <limits.h>

#include "stress.h"

enum {
	GUESTS = SCALED(1000),
	JOBS = 20,
	BATCH = 200,
	STACK_BYTES = 128 << 10,
};

static struct skua_pool *pool;
static atomic_size_t made, runs;
static pthread_barrier_t all_there;
static pthread_key_t leaving;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void post_run(void *arg)
{
	(void)count_run(arg);
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void post_some(void)
{
	for (int i = 0; i < JOBS; i++)
		EXPECT(skua_post(pool, post_run, NULL) == 0);
	atomic_fetch_add(&made, JOBS);
}

static void submit_batch(void)
{
	static void *args[BATCH];
	struct skua_future *futures[BATCH];

	EXPECT(skua_submit_many(pool, count_run, args, BATCH, futures) == 0);
	atomic_fetch_add(&made, BATCH);
	for (int i = 0; i < BATCH; i++)
		(void)stress_take(futures[i]);
}

static void wait_in_every_way(void)
{
	struct skua_future *future = stress_submit(pool, count_run, &made);
	void *result = NULL;
	long value = 0;
	int error;

	atomic_fetch_add(&made, 1);
	do
		error = skua_future_result(future, SKUA_MILLISECONDS(1),
					   &result);
	while (error == SKUA_ETIMEDOUT);
	EXPECT(error == 0 && result == &made);
	skua_future_release(future);
	EXPECT(fib_run(pool, &value, 12) == 0 && value == 144);
	EXPECT(skua_pool_trim(pool) == 0);
	submit_batch();
}

/* Comes after the library's own destructor or before it. */
static void submit_leaving(void *unused)
{
	(void)unused;
	post_some();
}

static void *visit(void *arg)
{
	unsigned kind = (uintptr_t)arg % 4;

	post_some();
	pthread_barrier_wait(&all_there);
	if (kind == 1)
		wait_in_every_way();
	if (kind == 2)
		EXPECT(pthread_setspecific(leaving, arg) == 0);
	if (kind == 3)
		post_some();
	return NULL;
}

/* All are guests at once, then all leave. */
static void wave(void)
{
	static pthread_t threads[GUESTS];
	pthread_attr_t attributes;

	EXPECT(pthread_attr_init(&attributes) == 0);
	EXPECT(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
	EXPECT(pthread_barrier_init(&all_there, NULL, GUESTS) == 0);
	for (uintptr_t i = 0; i < GUESTS; i++)
		EXPECT(pthread_create(&threads[i], &attributes, visit,
				      number(i)) == 0);
	for (size_t i = 0; i < GUESTS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	pthread_barrier_destroy(&all_there);
	pthread_attr_destroy(&attributes);
}

static void body(void)
{
	size_t waves = stress_rounds(2, 50);

	EXPECT(pthread_key_create(&leaving, submit_leaving) == 0);
	atomic_store(&made, 0);
	atomic_store(&runs, 0);
	pool = stress_open(stress.workers);
	for (size_t i = 0; i < waves; i++)
		wave();
	stress_close(pool);
	EXPECT(pthread_key_delete(leaving) == 0);
	EXPECT(atomic_load(&runs) == atomic_load(&made));
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
