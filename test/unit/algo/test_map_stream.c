/* SPDX-License-Identifier: MIT */
/*
 * test_map_stream.c - the streaming map: one answer for each item, in order;
 * how far ahead items are taken; failures, errors of the source, deadlines;
 * closing early.
 */
#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

/* Numbers from 0 on. */
struct source {
	uintptr_t given;
	uintptr_t count; /* 0: without end */
	int end; /* what it says then */
	pthread_t reader;
	uintptr_t answered; /* by the test: how far the reader is */
	uintptr_t ahead; /* the most that may be unread; 0: any */
};

static int give(void *context, void **item)
{
	struct source *source = context;

	CHECK(pthread_equal(pthread_self(), source->reader));
	if (source->count && source->given == source->count)
		return source->end;
	*item = number(source->given++);
	CHECK(!source->ahead ||
	      source->given - source->answered <= source->ahead);
	return 1;
}

static void *times_three(void *item)
{
	return number((uintptr_t)item * 3 + 1);
}

static struct skua_map *open_map(struct skua_pool *pool, skua_fn *fn,
				 struct source *source, size_t chunk,
				 size_t ahead, int64_t timeout_ns)
{
	struct skua_map *map = NULL;

	source->reader = pthread_self();
	source->ahead = ahead;
	CHECK(skua_map_open(&map, pool, fn, give, source, chunk, ahead,
			    timeout_ns) == 0);
	return map;
}

/* --- Order, and how far ahead. --- */

static void *read_all(void *pool)
{
	static const size_t sizes[][2] = { { 0, 0 },  { 1, 1 },	    { 1, 5 },
					   { 3, 10 }, { 10, 3 },    { 7, 0 },
					   { 5, 5 },  { 100, 1000 } };

	for (unsigned k = 0; k < 8; k++) {
		struct source source = { .count = 500 };
		struct skua_map *map = open_map(
			pool, times_three, &source, sizes[k][0], sizes[k][1],
			k % 2 ? SKUA_FOREVER : SKUA_SECONDS(1000));
		void *result = &result;

		CHECK(source.given == 0);
		for (uintptr_t i = 0; i < 500; i++) {
			int code = 77;

			CHECK(skua_map_next(map, &result, &code) == 0);
			CHECK(result == number(i * 3 + 1) && code == 0);
			source.answered = i + 1;
		}
		for (unsigned i = 0; i < 3; i++)
			CHECK(skua_map_next(map, &result, NULL) == SKUA_ENONE);
		CHECK(result == number(499 * 3 + 1));
		skua_map_close(map);
	}
	return pool;
}

static void order_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	read_all(pool);
	CHECK(take(submit(pool, read_all, pool)) == pool);
}

/* "Results come in the order of the items, at most `ahead` of them unread";
 * "pulls from `next` in the reader's thread" */
Test(map_stream, in_order_and_not_too_far_ahead, .timeout = LIMIT)
{
	with_pools(order_body);
}

static void endless_body(struct skua_pool *pool, unsigned workers)
{
	struct source source = { .count = 0 };
	struct skua_map *map =
		open_map(pool, times_three, &source, 10, 100, SKUA_FOREVER);
	size_t warm = SCALED(2000), all = SCALED(100000);

	start_workers(pool, workers);
	for (uintptr_t i = 0; i < all; i++) {
		void *result = NULL;

		/* From now on there is next to no memory: the most that is
		 * ever in flight may be yet to come, in a deque or a slab,
		 * but a block for every so many items would be more. */
		if (i == warm)
			memory_allow(workers + 16);
		CHECK(skua_map_next(map, &result, NULL) == 0);
		CHECK(result == number(i * 3 + 1));
		source.answered = i + 1;
	}
	memory_relent();
	skua_map_close(map);
	CHECK(source.given <= all + 100);
}

/* "an endless input runs in constant memory" */
Test(map_stream, endless_input, .timeout = LIMIT)
{
	with_pools(endless_body);
}

/* --- Failures. --- */

static void *fail_some(void *item)
{
	uintptr_t n = (uintptr_t)item;

	return n % 10 == 3 ? skua_fail((int)n + 1) : item;
}

static void failures_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (size_t chunk = 1; chunk < 30; chunk += 9) {
		struct source source = { .count = 200, .end = -123 };
		struct skua_map *map = open_map(pool, fail_some, &source, chunk,
						50, SKUA_FOREVER);

		for (uintptr_t i = 0; i < 200; i++) {
			void *result = &result;
			int code = 77;
			int error = skua_map_next(map, &result, &code);

			if (i % 10 == 3) {
				CHECK(error == SKUA_EFAILED);
				CHECK(code == (int)i + 1 && result == &result);
			} else {
				CHECK(error == 0 && result == number(i));
				CHECK(code == 0);
			}
			source.answered = i + 1;
		}
		/* The source's own, at its place. */
		CHECK(skua_map_next(map, NULL, NULL) == -123);
		CHECK(skua_map_next(map, NULL, NULL) == SKUA_ENONE);
		skua_map_close(map);
	}
}

/* "goes on after a failed item"; an error of the source comes at its place */
Test(map_stream, failures_and_errors_at_their_place, .timeout = LIMIT)
{
	with_pools(failures_body);
}

/* --- Closing early. --- */

static atomic_uint running, started;

static void *be_slow(void *item)
{
	atomic_fetch_add(&started, 1);
	atomic_fetch_add(&running, 1);
	CHECK(skua_sleep(100000) == 0);
	atomic_fetch_sub(&running, 1);
	return item;
}

static void *close_early(void *pool)
{
	for (unsigned take_first = 0; take_first < 20; take_first++) {
		struct source source = { .count = 0 };
		struct skua_map *map = open_map(pool, be_slow, &source,
						1 + take_first % 4, 64,
						SKUA_FOREVER);
		unsigned so_far;

		for (uintptr_t i = 0; i < take_first; i++) {
			void *result = NULL;

			CHECK(skua_map_next(map, &result, NULL) == 0);
			CHECK(result == number(i));
			source.answered = i + 1;
		}
		skua_map_close(map);
		CHECK(atomic_load(&running) == 0);
		so_far = atomic_load(&started);
		CHECK(so_far <= source.given);
		skua_yield();
		CHECK(atomic_load(&started) == so_far);
		atomic_store(&started, 0);
	}
	return pool;
}

static void close_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	close_early(pool);
	CHECK(take(submit(pool, close_early, pool)) == pool);
}

/* "closing it early cancels and waits for what runs" */
Test(map_stream, closed_early, .timeout = LIMIT)
{
	with_pools(close_body);
}

/* --- Deadlines. --- */

static struct gate slow;

/* Item 3 does not end before the time is over. */
static void *hold_third(void *item)
{
	if ((uintptr_t)item == 3)
		gate_pass(&slow);
	return number((uintptr_t)item + 1);
}

static void deadline_body(struct skua_pool *pool, unsigned workers)
{
	struct source source = { .count = 0 };
	struct skua_map *map;
	uintptr_t answers = 0;
	int error;

	(void)workers;
	gate_close(&slow);
	map = open_map(pool, hold_third, &source, 1, 16, SKUA_MILLISECONDS(30));
	for (;; answers++) {
		void *result = &slow;

		source.answered = answers;
		error = skua_map_next(map, &result, NULL);
		if (error == SKUA_ENONE)
			break;
		if (error == 0) {
			CHECK(answers != 3 && result == number(answers + 1));
		} else {
			CHECK(error == SKUA_ETIMEDOUT && result == &slow);
			/* From here on no more items are taken. */
			source.count = source.given;
		}
	}
	CHECK(answers == source.given);
	gate_open(&slow);
	skua_map_close(map);
}

/* "timeouts": from the call, and one answer for each item nevertheless */
Test(map_stream, deadline, .timeout = LIMIT)
{
	with_pools(deadline_body);
}

static void no_time_body(struct skua_pool *pool, unsigned workers)
{
	struct source source = { .count = 0 };
	struct skua_map *map = open_map(pool, times_three, &source, 4, 16, 0);

	(void)workers;
	CHECK(skua_map_next(map, NULL, NULL) == SKUA_ENONE);
	CHECK(source.given == 0);
	skua_map_close(map);
}

Test(map_stream, no_time_at_all, .timeout = LIMIT)
{
	with_pools(no_time_body);
}

/* --- Pools that end, nonsense and no memory. --- */

static void closed_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct source source = { .count = 0 };
	struct skua_map *map =
		open_map(pool, times_three, &source, 4, 16, SKUA_FOREVER);
	void *result = NULL;

	CHECK(skua_map_next(map, &result, NULL) == 0);
	CHECK(result == number(1));
	source.answered = 1;
	/* The map keeps the pool's handle. */
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (uintptr_t i = 1; i < 16; i++) {
		CHECK(skua_map_next(map, &result, NULL) == 0);
		CHECK(result == number(i * 3 + 1));
		source.answered = i + 1;
	}
	/* One chunk could not be submitted. */
	for (unsigned i = 0; i < 4; i++)
		CHECK(skua_map_next(map, &result, NULL) == SKUA_ECLOSED);
	CHECK(skua_map_next(map, &result, NULL) == SKUA_ENONE);
	CHECK(source.given == 20);
	skua_map_close(map);
}

Test(map_stream, on_a_pool_that_is_closed, .timeout = LIMIT)
{
	with_workers(closed_body);
}

static void nonsense_body(struct skua_pool *pool, unsigned workers)
{
	struct source source = { .count = 1 };
	struct skua_map *map = NULL;

	/* So that no thread is about to begin without memory. */
	start_workers(pool, workers);
	CHECK(skua_map_open(NULL, pool, times_three, give, &source, 0, 0, -1) ==
	      SKUA_EINVAL);
	CHECK(skua_map_open(&map, NULL, times_three, give, &source, 0, 0, -1) ==
	      SKUA_EINVAL);
	CHECK(skua_map_open(&map, pool, NULL, give, &source, 0, 0, -1) ==
	      SKUA_EINVAL);
	CHECK(skua_map_open(&map, pool, times_three, NULL, &source, 0, 0, -1) ==
	      SKUA_EINVAL);
	CHECK(skua_map_open(&map, pool, times_three, give, &source, 1, SIZE_MAX,
			    -1) == SKUA_ENOMEM);
	CHECK(skua_map_open(&map, pool, times_three, give, &source, SIZE_MAX, 0,
			    -1) == SKUA_ENOMEM);
	memory_allow(0);
	CHECK(skua_map_open(&map, pool, times_three, give, &source, 1, 1, -1) ==
	      SKUA_ENOMEM);
	memory_allow(1);
	CHECK(skua_map_open(&map, pool, times_three, give, &source, 1, 1, -1) ==
	      SKUA_ENOMEM);
	memory_allow(2);
	CHECK(skua_map_open(&map, pool, times_three, give, &source, 1, 1, -1) ==
	      SKUA_ENOMEM);
	memory_relent();
	CHECK(map == NULL);
	CHECK(skua_map_next(NULL, NULL, NULL) == SKUA_EINVAL);
	skua_map_close(NULL);
}

Test(map_stream, nonsense_and_no_memory, .timeout = LIMIT)
{
	with_pools(nonsense_body);
}
