/* SPDX-License-Identifier: MIT */
/*
 * test_ordered.c - the ordered queue: results in the order of puts, how far
 * ahead, timeouts, several that put and read, failures, closing early.
 */
#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

static struct skua_ordered *open_queue(struct skua_pool *pool, size_t ahead)
{
	struct skua_ordered *queue = NULL;

	CHECK(skua_ordered_open(&queue, pool, ahead) == 0);
	return queue;
}

static void *times_three(void *item)
{
	if ((uintptr_t)item % 16 == 5)
		skua_yield();
	return number((uintptr_t)item * 3 + 1);
}

static void *fail_some(void *item)
{
	uintptr_t n = (uintptr_t)item;

	return n % 10 == 3 ? skua_fail((int)n + 1) : item;
}

/* --- One that puts and reads. --- */

/* Reads when there is no room. */
static void *put_and_read(void *pool)
{
	static const size_t aheads[] = { 1, 2, 7, 100, 0 };

	for (unsigned k = 0; k < 5; k++) {
		struct skua_ordered *queue = open_queue(pool, aheads[k]);
		uintptr_t read = 0;
		void *result;
		int code = 77;

		CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL, NULL) ==
		      SKUA_ENONE);
		for (uintptr_t i = 0; i < 500;) {
			int error = skua_ordered_put(queue, times_three,
						     number(i), 0);

			CHECK(error == 0 || error == SKUA_ETIMEDOUT);
			CHECK(!aheads[k] ||
			      (error != 0) == (i - read == aheads[k]));
			i += error == 0;
			if (!error)
				continue;
			CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result,
						&code) == 0);
			CHECK(result == number(read * 3 + 1) && code == 0);
			read++;
		}
		while (skua_ordered_next(queue, SKUA_FOREVER, &result, &code) ==
		       0) {
			CHECK(result == number(read * 3 + 1));
			read++;
		}
		CHECK(read == 500);
		CHECK(skua_ordered_next(queue, 0, &result, &code) ==
		      SKUA_ENONE);
		CHECK(skua_ordered_close(queue) == 0);
	}
	return pool;
}

static void order_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	put_and_read(pool);
	CHECK(take(submit(pool, put_and_read, pool)) == pool);
}

/* A13 "results out in the order of puts, bounded look-ahead" */
Test(ordered, in_the_order_of_puts, .timeout = LIMIT)
{
	with_pools(order_body);
}

/* --- A task that puts, another that reads. --- */

enum {
	JOBS = SCALED(20000)
};

static void *put_all(void *queue)
{
	for (uintptr_t i = 0; i < JOBS; i++)
		CHECK(skua_ordered_put(queue, times_three, number(i),
				       i % 2 ? SKUA_FOREVER :
					       SKUA_SECONDS(1000)) == 0);
	return queue;
}

static void *read_all(void *queue)
{
	for (uintptr_t i = 0; i < JOBS; i++) {
		void *result = NULL;

		CHECK(skua_ordered_await(queue, SKUA_FOREVER) == 0);
		CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result, NULL) ==
		      0);
		CHECK(result == number(i * 3 + 1));
	}
	CHECK(skua_ordered_next(queue, 0, NULL, NULL) == SKUA_ENONE);
	return queue;
}

static void apart_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_ordered *queue = open_queue(pool, 16);
	struct skua_future *put, *read;
	pthread_t thread;

	(void)workers;
	/* The queue is full long before: the task suspends, or with one
	 * worker nobody would read. */
	put = submit(pool, put_all, queue);
	read = submit(pool, read_all, queue);
	CHECK(take(put) == queue);
	CHECK(take(read) == queue);
	CHECK(pthread_create(&thread, NULL, put_all, queue) == 0);
	CHECK(take(submit(pool, read_all, queue)) == queue);
	CHECK(pthread_join(thread, NULL) == 0);
	put = submit(pool, put_all, queue);
	read_all(queue);
	CHECK(take(put) == queue);
	CHECK(skua_ordered_close(queue) == 0);
}

/* "a task that puts into its own full queue suspends" */
Test(ordered, puts_and_reads_apart, .timeout = LIMIT)
{
	with_pools(apart_body);
}

/* --- Several that put and read. --- */

enum {
	SEVERAL = 3
};
static struct skua_ordered *shared;
static atomic_size_t read_count;

static void *put_share(void *who)
{
	for (uintptr_t i = 0; i < JOBS / 10; i++)
		CHECK(skua_ordered_put(shared, do_nothing,
				       number(i * SEVERAL + (uintptr_t)who),
				       SKUA_FOREVER) == 0);
	return who;
}

/* What one reader gets of each who puts is in order. */
static void *read_share(void *arg)
{
	uintptr_t last[SEVERAL] = { 0 };

	while (atomic_load(&read_count) < JOBS / 10 * (size_t)SEVERAL) {
		void *result = NULL;
		int error = skua_ordered_next(shared, 20000, &result, NULL);
		uintptr_t who = (uintptr_t)result % SEVERAL;

		if (error) {
			CHECK(error == SKUA_ETIMEDOUT || error == SKUA_ENONE);
			error = skua_ordered_await(shared, 20000);
			CHECK(error == 0 || error == SKUA_ETIMEDOUT);
			continue;
		}
		atomic_fetch_add(&read_count, 1);
		CHECK((uintptr_t)result / SEVERAL + 1 > last[who]);
		last[who] = (uintptr_t)result / SEVERAL + 1;
	}
	return arg;
}

static void several_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[2 * SEVERAL];
	pthread_t threads[2];

	(void)workers;
	shared = open_queue(pool, 8);
	atomic_store(&read_count, 0);
	for (uintptr_t i = 0; i < SEVERAL; i++) {
		if (i)
			tasks[i] = submit(pool, put_share, number(i));
		tasks[SEVERAL + i] = submit(pool, read_share, number(i));
	}
	CHECK(pthread_create(&threads[0], NULL, put_share, number(0)) == 0);
	CHECK(pthread_create(&threads[1], NULL, read_share, NULL) == 0);
	for (uintptr_t i = 1; i < 2 * SEVERAL; i++)
		CHECK(take(tasks[i]) == number(i % SEVERAL));
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(atomic_load(&read_count) == JOBS / 10 * (size_t)SEVERAL);
	CHECK(skua_ordered_next(shared, 0, NULL, NULL) == SKUA_ENONE);
	CHECK(skua_ordered_close(shared) == 0);
}

/* Each job is read once. */
Test(ordered, several_that_put_and_read, .timeout = LIMIT)
{
	with_pools(several_body);
}

/* --- Timeouts. --- */

static void timeout_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_ordered *queue = open_queue(pool, 2);
	void *result = &keep;

	gate_close(&keep);
	CHECK(skua_ordered_await(queue, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_ordered_await(queue, 100000) == SKUA_ETIMEDOUT);
	hold_workers(pool, &keep, workers);
	CHECK(skua_ordered_put(queue, times_three, number(1), 0) == 0);
	CHECK(skua_ordered_put(queue, times_three, number(2), 1000) == 0);
	for (unsigned i = 0; i < 20; i++) {
		CHECK(skua_ordered_put(queue, times_three, number(3),
				       i % 3 * 10000) == SKUA_ETIMEDOUT);
		CHECK(skua_ordered_next(queue, i % 3 * 10000, &result, NULL) ==
		      SKUA_ETIMEDOUT);
	}
	CHECK(skua_ordered_await(queue, 0) == 0);
	CHECK(result == &keep);
	gate_open(&keep);
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result, NULL) == 0);
	CHECK(result == number(4));
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result, NULL) == 0);
	CHECK(result == number(7));
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, &result, NULL) ==
	      SKUA_ENONE);
	CHECK(skua_ordered_close(queue) == 0);
}

/* "put with timeout" */
Test(ordered, timeouts, .timeout = LIMIT)
{
	with_pools(timeout_body);
}

/* --- Failures and the end of a pool. --- */

static void failures_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_ordered *queue = open_queue(pool, 200);

	(void)workers;
	for (uintptr_t i = 0; i < 200; i++)
		CHECK(skua_ordered_put(queue, fail_some, number(i), 0) == 0);
	for (uintptr_t i = 0; i < 200; i++) {
		void *result = &result;
		int code = 77;
		int error =
			skua_ordered_next(queue, SKUA_FOREVER, &result, &code);

		if (i % 10 == 3)
			CHECK(error == SKUA_EFAILED && code == (int)i + 1 &&
			      result == &result);
		else
			CHECK(error == 0 && code == 0 && result == number(i));
	}
	CHECK(skua_ordered_close(queue) == 0);
}

Test(ordered, failures_at_their_place, .timeout = LIMIT)
{
	with_pools(failures_body);
}

static void closed_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	struct skua_ordered *queue = open_queue(pool, 4);

	gate_close(&keep);
	hold_workers(pool, &keep, workers);
	CHECK(skua_ordered_put(queue, do_nothing, NULL, 0) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) ==
	      0);
	/* It takes a place, but only until it is come to. */
	for (unsigned i = 0; i < 3; i++)
		CHECK(skua_ordered_put(queue, do_nothing, NULL, 0) ==
		      SKUA_ECLOSED);
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL, NULL) ==
	      SKUA_ECANCELLED);
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL, NULL) == SKUA_ENONE);
	CHECK(skua_ordered_put(queue, do_nothing, NULL, 0) == SKUA_ECLOSED);
	gate_open(&keep);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_ordered_close(queue) == 0);
}

Test(ordered, on_a_pool_that_is_closed, .timeout = LIMIT)
{
	with_workers(closed_body);
}

/* --- Closing early. --- */

static atomic_uint started, ended;

static void *be_slow(void *arg)
{
	atomic_fetch_add(&started, 1);
	CHECK(skua_sleep(100000) == 0);
	atomic_fetch_add(&ended, 1);
	return arg;
}

static void early_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (unsigned k = 0; k < 20; k++) {
		struct skua_ordered *queue = open_queue(pool, 64);
		unsigned so_far;

		atomic_store(&started, 0);
		atomic_store(&ended, 0);
		for (unsigned i = 0; i < 64; i++)
			CHECK(skua_ordered_put(queue, be_slow, NULL, 0) == 0);
		for (unsigned i = 0; i < k; i++)
			CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL,
						NULL) == 0);
		CHECK(skua_ordered_close(queue) == 0);
		so_far = atomic_load(&started);
		CHECK(atomic_load(&ended) == so_far && so_far >= k);
	}
}

Test(ordered, closed_early, .timeout = LIMIT)
{
	with_pools(early_body);
}

static struct gate tried;

static void *close_own(void *arg)
{
	gate_pass(arg);
	CHECK(skua_ordered_close(shared) == SKUA_EDEADLK);
	CHECK(skua_ordered_next(shared, SKUA_FOREVER, NULL, NULL) ==
	      SKUA_EDEADLK);
	gate_arrive(&tried);
	return arg;
}

static void own_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate known;
	void *result = NULL;

	(void)workers;
	gate_close(&known);
	gate_close(&tried);
	shared = open_queue(pool, 2);
	CHECK(skua_ordered_put(shared, close_own, &known, 0) == 0);
	gate_open(&known);
	gate_await(&tried, 1);
	CHECK(skua_ordered_next(shared, SKUA_FOREVER, &result, NULL) == 0);
	CHECK(result == &known);
	CHECK(skua_ordered_close(shared) == 0);
}

Test(ordered, closed_by_its_own_job_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(own_body);
}

/* --- Nonsense and no memory. --- */

static void nonsense_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_ordered *queue = NULL;

	(void)workers;
	CHECK(skua_ordered_open(NULL, pool, 1) == SKUA_EINVAL);
	CHECK(skua_ordered_open(&queue, NULL, 1) == SKUA_EINVAL);
	CHECK(skua_ordered_open(&queue, pool, SIZE_MAX) == SKUA_ENOMEM);
	CHECK(skua_ordered_open(&queue, pool, SIZE_MAX / 8) == SKUA_ENOMEM);
	CHECK(queue == NULL);
	CHECK(skua_ordered_put(NULL, do_nothing, NULL, 0) == SKUA_EINVAL);
	CHECK(skua_ordered_next(NULL, 0, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_ordered_await(NULL, 0) == SKUA_EINVAL);
	CHECK(skua_ordered_close(NULL) == SKUA_EINVAL);
	queue = open_queue(pool, 2);
	CHECK(skua_ordered_put(queue, NULL, NULL, 0) == SKUA_EINVAL);
	CHECK(skua_ordered_close(queue) == 0);
}

Test(ordered, nonsense, .timeout = LIMIT)
{
	with_pools(nonsense_body);
}

static int count_begun(void *begun, unsigned worker)
{
	(void)worker;
	atomic_fetch_add((atomic_uint *)begun, 1);
	return 0;
}

/* All workers have begun, and nothing has been submitted: a thread that begins
 * without memory would end the process, in liburcu. */
static struct skua_pool *open_begun(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	atomic_uint begun = 0;

	options.workers = workers;
	options.start = count_begun;
	options.context = &begun;
	CHECK(skua_pool_open(&pool, &options) == 0);
	while (atomic_load(&begun) < workers)
		sched_yield();
	return pool;
}

static void no_memory_body(unsigned workers)
{
	struct skua_pool *pool = open_begun(workers);
	struct skua_ordered *queue = NULL;

	memory_allow(0);
	CHECK(skua_ordered_open(&queue, pool, 4) == SKUA_ENOMEM);
	memory_relent();
	CHECK(queue == NULL);
	queue = open_queue(pool, 2);
	/* A thread that has not submitted yet needs memory for it. */
	memory_allow(0);
	CHECK(skua_ordered_put(queue, do_nothing, NULL, SKUA_FOREVER) ==
	      SKUA_ENOMEM);
	CHECK(skua_ordered_put(queue, do_nothing, NULL, SKUA_FOREVER) ==
	      SKUA_ENOMEM);
	/* Both took a place; there is no memory to wait for another. */
	CHECK(skua_ordered_put(queue, do_nothing, NULL, SKUA_FOREVER) ==
	      SKUA_ENOMEM);
	memory_relent();
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL, NULL) == SKUA_ENONE);
	CHECK(skua_ordered_put(queue, do_nothing, queue, SKUA_FOREVER) == 0);
	CHECK(skua_ordered_next(queue, SKUA_FOREVER, NULL, NULL) == 0);
	CHECK(skua_ordered_close(queue) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

Test(ordered, no_memory, .timeout = LIMIT)
{
	with_workers(no_memory_body);
}
