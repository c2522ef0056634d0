/* SPDX-License-Identifier: MIT */
/*
 * stress_requests.c - batches under load: put by threads, tasks and callbacks,
 * one by one and many at once, taken by threads, tasks and an event loop, while
 * the pool is resized. Each request ends in one callback, with its own result.
 * And batches that are closed with all kinds of requests in flight.
 */
#include <poll.h>

#include "stress.h"

enum {
	MANY = 16,
	REQUESTS = SCALED(40000) / MANY * MANY,
	PUTTERS = 3,
	POLLERS = 2,
	ALL = PUTTERS * REQUESTS
};

static struct skua_batch *batch;
static struct skua_pool *pool;
static atomic_uchar ended[ALL];
static atomic_size_t called, accepted;

static void *work(void *arg)
{
	uintptr_t n = (uintptr_t)arg;

	if (n % 7 == 0)
		skua_yield();
	return n % 5 == 0 ? skua_fail((int)n + 1) : number(n * 3);
}

static void put_one(uintptr_t n);

static void end(uintptr_t n)
{
	EXPECT(n < ALL);
	EXPECT(atomic_fetch_add(&ended[n], 1) == 0);
	atomic_fetch_add(&called, 1);
	/* The third of 16 is put by nobody else. */
	if (n % MANY == 1)
		put_one(n + 1);
}

static void on_result(void *arg, void *result, void *context)
{
	uintptr_t n = (uintptr_t)arg;

	EXPECT(context == &batch && n % 5 && result == number(n * 3));
	end(n);
}

static void on_error(void *arg, int code, void *context)
{
	uintptr_t n = (uintptr_t)arg;

	EXPECT(context == &batch && n % 5 == 0 && code == (int)n + 1);
	end(n);
}

static void put_one(uintptr_t n)
{
	EXPECT(skua_batch_put(batch, work, number(n), on_result, on_error,
			      &batch) == 0);
	atomic_fetch_add(&accepted, 1);
}

/* Of 16 the first two one by one (the third is put by the second's callback),
 * the others at once. */
static void *put_all(void *arg)
{
	uintptr_t first = (uintptr_t)arg * REQUESTS;
	void *args[MANY];

	for (uintptr_t n = first; n < first + REQUESTS; n += MANY) {
		size_t count = 0;

		put_one(n);
		put_one(n + 1);
		for (uintptr_t i = 3; i < MANY; i++)
			args[count++] = number(n + i);
		EXPECT(skua_batch_put_many(batch, work, args, count, on_result,
					   on_error, &batch) == 0);
		atomic_fetch_add(&accepted, count);
	}
	return arg;
}

static bool is_over(void)
{
	return atomic_load(&called) == ALL;
}

static void *poll_all(void *arg)
{
	uint64_t random = stress_stream((uintptr_t)arg);

	while (!is_over()) {
		int64_t timeout_ns = stress_below(&random, 3) * INT64_C(50000);
		int error = skua_batch_poll(batch, timeout_ns);

		EXPECT(!error || error == SKUA_ENONE ||
		       error == SKUA_ETIMEDOUT || error == SKUA_ENOWORKERS);
		if (error)
			skua_yield();
	}
	return arg;
}

/* Sleeps until it is readable: others may take all that is left. */
static void *loop_all(void *arg)
{
	struct pollfd look = { .fd = skua_batch_fd(batch), .events = POLLIN };

	EXPECT(look.fd >= 0);
	while (!is_over()) {
		EXPECT(poll(&look, 1, 1) >= 0);
		EXPECT(skua_batch_poll(batch, 0) <= 0);
	}
	return arg;
}

static void *resize_now_and_then(void *arg)
{
	uint64_t random = stress_stream(77);

	while (!is_over()) {
		EXPECT(skua_pool_resize(pool,
					stress_below(&random,
						     stress.workers + 1)) == 0);
		sched_yield();
	}
	EXPECT(skua_pool_resize(pool, stress.workers) == 0);
	return arg;
}

static void all_at_once(void)
{
	struct skua_pool *others = stress_open(2);
	struct skua_future *tasks[POLLERS];
	pthread_t threads[PUTTERS + POLLERS + 2];
	size_t count = 0;

	pool = stress_open(stress.workers);
	EXPECT(skua_batch_open(&batch, pool) == 0);
	atomic_store(&called, 0);
	atomic_store(&accepted, 0);
	for (size_t i = 0; i < ALL; i++)
		atomic_store(&ended[i], 0);
	for (uintptr_t i = 0; i < POLLERS; i++) {
		tasks[i] = stress_submit(others, poll_all, number(i));
		stress_thread(&threads[count++], poll_all, number(i + 10));
	}
	stress_thread(&threads[count++], loop_all, NULL);
	stress_thread(&threads[count++], resize_now_and_then, NULL);
	for (uintptr_t i = 0; i < PUTTERS; i++)
		stress_thread(&threads[count++], put_all, number(i));
	while (count)
		EXPECT(pthread_join(threads[--count], NULL) == 0);
	for (uintptr_t i = 0; i < POLLERS; i++)
		EXPECT(stress_take(tasks[i]) == number(i));
	EXPECT(skua_batch_wait(batch) == 0);
	EXPECT(atomic_load(&accepted) == ALL);
	EXPECT(skua_batch_close(batch) == 0);
	stress_close(others);
	stress_close(pool);
}

/* ---- closing ---- */

static atomic_size_t started, over;

static void *start_and_end(void *arg)
{
	atomic_fetch_add(&started, 1);
	if ((uintptr_t)arg % 3 == 0)
		skua_yield();
	atomic_fetch_add(&over, 1);
	return arg;
}

static void *close_batches(void *arg)
{
	uint64_t random = stress_stream((uintptr_t)arg);

	for (size_t round = 0; round < stress_rounds(SCALED(600) + 20, 20000);
	     round++) {
		unsigned count = stress_below(&random, 40);
		struct skua_batch *mine;

		EXPECT(skua_batch_open(&mine, pool) == 0);
		for (uintptr_t i = 0; i < count; i++)
			EXPECT(skua_batch_put(mine, start_and_end, number(i),
					      NULL, NULL, NULL) == 0);
		if (round % 2)
			EXPECT(skua_batch_poll(mine, round % 4) <= 0);
		EXPECT(skua_batch_close(mine) == 0);
	}
	return arg;
}

/* By threads and tasks; a pool that is cancelled while they lie in it. */
static void closing(void)
{
	struct skua_pool *others = stress_open(2);
	struct skua_future *task;
	pthread_t threads[2];

	pool = stress_open(stress.workers);
	for (uintptr_t i = 0; i < 2; i++)
		stress_thread(&threads[i], close_batches, number(i));
	task = stress_submit(others, close_batches, number(2));
	for (int i = 0; i < 2; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	stress_take(task);
	EXPECT(skua_pool_close(pool, SKUA_CLOSE_CANCEL) == 0);
	EXPECT(atomic_load(&started) == atomic_load(&over));
	stress_close(others);
}

static void body(void)
{
	all_at_once();
	closing();
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
