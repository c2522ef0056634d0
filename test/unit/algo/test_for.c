/* SPDX-License-Identifier: MIT */
/*
 * test_for.c - loops over one range: each iteration once, whatever the size,
 * the split and the workers; early ends and failures; what is left of a range
 * is within reach while a body runs.
 */
#include <limits.h>
#include <string.h>

#include "../sched/sched_test.h"

enum {
	MOST = 5000
};

/* --- Each iteration once. --- */

struct tally {
	uint64_t begin, end;
	uint64_t grain; /* 0: any */
	atomic_uint runs[MOST];
	atomic_uint calls;
};

static int count_runs(skua_here here, uint64_t begin, uint64_t end,
		      void *context)
{
	struct tally *tally = context;

	CHECK(here && begin < end && begin >= tally->begin &&
	      end <= tally->end);
	if (tally->grain)
		CHECK((begin - tally->begin) % tally->grain == 0 &&
		      (end == tally->end || end - begin == tally->grain));
	for (uint64_t i = begin; i < end; i++)
		atomic_fetch_add(&tally->runs[i - tally->begin], 1);
	atomic_fetch_add(&tally->calls, 1);
	return 0;
}

/* Nothing but the test's own thread and its tasks look at it. */
static struct tally *new_tally(uint64_t begin, uint64_t count)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		abort();
	tally->begin = begin;
	tally->end = begin + count;
	return tally;
}

static void check_and_free(struct tally *tally)
{
	uint64_t count = tally->end - tally->begin;

	for (uint64_t i = 0; i < MOST; i++)
		CHECK(atomic_load(&tally->runs[i]) == (i < count));
	CHECK(atomic_load(&tally->calls) <= count);
	free(tally);
}

static const uint64_t counts[] = { 0,	 1,    2,    3,	   4,	 5,   7,   8,
				   15,	 16,   17,   31,   33,	 100, 101, 999,
				   1000, 1001, 1024, 2047, 4999, 5000 };
#define COUNTS (sizeof(counts) / sizeof(*counts))

static const uint64_t begins[] = { 0, 1, 77, UINT32_MAX - 2,
				   UINT64_MAX / 2 - 500 };

static void *loop_on(void *pool)
{
	for (size_t k = 0; k < COUNTS; k++)
		for (size_t b = 0; b < 6; b++) {
			uint64_t begin = b < 5 ? begins[b] :
						 UINT64_MAX - counts[k];
			struct tally *tally = new_tally(begin, counts[k]);

			CHECK(skua_for(pool, begin, begin + counts[k],
				       count_runs, tally) == 0);
			check_and_free(tally);
		}
	return pool;
}

SKUA_TASK_VOID(loop_in, uint64_t, begin)
{
	for (size_t k = 0; k < COUNTS; k++) {
		struct tally *tally = new_tally(begin, counts[k]);

		CHECK(skua_for_in(here, begin, begin + counts[k], count_runs,
				  tally) == 0);
		check_and_free(tally);
	}
}

static void once_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);
	struct skua_future *inside, *outside;

	(void)workers;
	loop_on(pool);
	inside = submit(pool, loop_on, pool);
	outside = submit(other, loop_on, pool);
	CHECK(loop_in_run(pool, 3) == 0);
	CHECK(take(inside) == pool && take(outside) == pool);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "each iteration once", "inside a task of this pool or another too" */
Test(for, each_iteration_once, .timeout = LIMIT)
{
	with_pools(once_body);
}

/* --- Splits. --- */

static void grain_on(struct skua_pool *pool, uint64_t count, uint64_t grain)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	struct tally *tally = new_tally(9, count);

	options.split = SKUA_SPLIT_GRAIN;
	options.grain = tally->grain = grain;
	CHECK(skua_for_with(pool, 9, 9 + count, count_runs, tally, &options) ==
	      0);
	CHECK(atomic_load(&tally->calls) == count / grain + !!(count % grain));
	check_and_free(tally);
}

static void static_on(struct skua_pool *pool, uint64_t count, unsigned workers)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	struct tally *tally = new_tally(UINT64_MAX - count, count);

	options.split = SKUA_SPLIT_STATIC;
	CHECK(skua_for_with(pool, tally->begin, tally->end, count_runs, tally,
			    &options) == 0);
	CHECK(atomic_load(&tally->calls) ==
	      (count < workers ? count : workers));
	check_and_free(tally);
}

static void split_body(struct skua_pool *pool, unsigned workers)
{
	static const uint64_t grains[] = { 1,	 2,    3,    10,	999,
					   1000, 5000, 5001, UINT64_MAX };

	for (size_t k = 0; k < COUNTS; k++) {
		for (size_t g = 0; g < 9; g++)
			grain_on(pool, counts[k], grains[g]);
		static_on(pool, counts[k], workers);
	}
}

/* "every call has `grain` iterations, the last less", "a call for each worker,
 * equal but for 1" */
Test(for, splits, .timeout = LIMIT)
{
	with_pools(split_body);
}

static _Atomic(uint64_t) shortest, longest;

static int note_length(skua_here here, uint64_t begin, uint64_t end,
		       void *context)
{
	uint64_t length = end - begin, old;

	(void)here;
	(void)context;
	for (old = atomic_load(&shortest); length < old;)
		if (atomic_compare_exchange_weak(&shortest, &old, length))
			break;
	for (old = atomic_load(&longest); length > old;)
		if (atomic_compare_exchange_weak(&longest, &old, length))
			break;
	return 0;
}

static void equal_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;

	(void)workers;
	options.split = SKUA_SPLIT_STATIC;
	for (uint64_t count = 1; count < 300; count++) {
		atomic_store(&shortest, UINT64_MAX);
		atomic_store(&longest, 0);
		CHECK(skua_for_with(pool, 0, count, note_length, NULL,
				    &options) == 0);
		CHECK(atomic_load(&longest) - atomic_load(&shortest) <= 1);
	}
}

Test(for, static_parts_are_equal, .timeout = LIMIT)
{
	with_pools(equal_body);
}

/* --- Ranges beyond what can be counted. --- */

static _Atomic(uint64_t) sum_of_lengths;

static int add_length(skua_here here, uint64_t begin, uint64_t end,
		      void *context)
{
	(void)here;
	(void)context;
	CHECK(begin < end);
	atomic_fetch_add(&sum_of_lengths, end - begin);
	return 0;
}

/* The sum wraps at 2^64, as the lengths do. */
static void check_length(struct skua_pool *pool, uint64_t begin, uint64_t end)
{
	atomic_store(&sum_of_lengths, 0);
	CHECK(skua_for(pool, begin, end, add_length, NULL) == 0);
	CHECK(atomic_load(&sum_of_lengths) == end - begin);
}

static void huge_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t seed = test_seed(), random = seed;

	(void)workers;
	check_length(pool, 0, UINT32_MAX);
	check_length(pool, 0, UINT64_C(1) << 32);
	check_length(pool, 5, (UINT64_C(1) << 32) + 6);
	check_length(pool, 1, UINT64_C(1) << 40);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t end = next_random(&random);
		uint64_t begin = end - (next_random(&random) >> 24);

		if (begin < end)
			check_length(pool, begin, end);
	}
	check_length(pool, 0, UINT64_C(3) << 50);
	cr_assert(!atomic_load(&failed_check), "SKUA_TEST_SEED=%#llx",
		  (unsigned long long)seed);
}

/* "> 2^32" iterations of a body that does them all at once */
Test(for, huge_ranges, .timeout = LIMIT)
{
	with_pools(huge_body);
}

static int stop_at_once(skua_here here, uint64_t begin, uint64_t end,
			void *context)
{
	(void)here;
	(void)end;
	(void)context;
	return begin > UINT64_MAX / 2 ? 2 : 1;
}

static void whole_body(struct skua_pool *pool, unsigned workers)
{
	int answer = skua_for(pool, 0, UINT64_MAX, stop_at_once, NULL);
	struct skua_for_options options = SKUA_FOR_OPTIONS;

	CHECK(answer == 1 || (answer == 2 && workers > 1));
	options.split = SKUA_SPLIT_GRAIN;
	options.grain = UINT64_MAX;
	CHECK(skua_for_with(pool, 0, UINT64_MAX, stop_at_once, NULL,
			    &options) == 1);
	options.split = SKUA_SPLIT_STATIC;
	options.grain = 0;
	answer = skua_for_with(pool, 0, UINT64_MAX, stop_at_once, NULL,
			       &options);
	CHECK(answer == 1 || (answer == 2 && workers > 1));
	options.split = SKUA_SPLIT_GRAIN;
	options.grain = 1;
	answer = skua_for_with(pool, 0, UINT64_MAX, stop_at_once, NULL,
			       &options);
	CHECK(answer == 1 || (answer == 2 && workers > 1));
}

Test(for, all_there_is, .timeout = LIMIT)
{
	with_pools(whole_body);
}

/* --- Arguments. --- */

static int never(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	(void)here;
	(void)begin;
	(void)end;
	(void)context;
	CHECK(!"called");
	return 0;
}

SKUA_TASK_VOID(invalid_in, int, n)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;

	(void)n;
	CHECK(skua_for_in(NULL, 0, 1, never, NULL) == SKUA_EINVAL);
	CHECK(skua_for_in(here, 0, 1, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_in(here, 2, 1, never, NULL) == SKUA_EINVAL);
	CHECK(skua_for_in(here, 2, 2, never, NULL) == 0);
	CHECK(skua_for_in_with(NULL, 0, 1, never, NULL, &options) ==
	      SKUA_EINVAL);
	CHECK(skua_for_in_with(here, 0, 1, NULL, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_in_with(here, 1, 0, never, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_in_with(here, 1, 1, never, NULL, NULL) == 0);
	options.grain = 1;
	CHECK(skua_for_in_with(here, 0, 1, never, NULL, &options) ==
	      SKUA_EINVAL);
}

Test(for, invalid_arguments, .timeout = LIMIT)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	struct skua_pool *pool = open_pool(2);
	struct {
		struct skua_for_options options;
		uint64_t tail;
	} longer = { SKUA_FOR_OPTIONS, 0 };

	CHECK(skua_for(NULL, 0, 1, never, NULL) == SKUA_EINVAL);
	CHECK(skua_for(pool, 0, 1, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for(pool, 1, 0, never, NULL) == SKUA_EINVAL);
	CHECK(skua_for(pool, UINT64_MAX, UINT64_MAX, never, NULL) == 0);
	CHECK(skua_for_with(pool, 0, 1, NULL, NULL, &options) == SKUA_EINVAL);
	options.split = SKUA_SPLIT_GRAIN; /* of 0 */
	CHECK(skua_for_with(pool, 0, 1, never, NULL, &options) == SKUA_EINVAL);
	options.split = SKUA_SPLIT_STATIC;
	options.grain = 1;
	CHECK(skua_for_with(pool, 0, 1, never, NULL, &options) == SKUA_EINVAL);
	options = (struct skua_for_options)SKUA_FOR_OPTIONS;
	options.split = (enum skua_split)3;
	CHECK(skua_for_with(pool, 0, 1, never, NULL, &options) == SKUA_EINVAL);
	options = (struct skua_for_options)SKUA_FOR_OPTIONS;
	options.size = sizeof(options.size) - 1;
	CHECK(skua_for_with(pool, 0, 1, never, NULL, &options) == SKUA_EINVAL);
	longer.options.size = sizeof(longer);
	CHECK(skua_for_with(pool, 0, 0, never, NULL, &longer.options) == 0);
	longer.tail = 1;
	CHECK(skua_for_with(pool, 0, 0, never, NULL, &longer.options) ==
	      SKUA_EINVAL);
	CHECK(invalid_in_run(pool, 0) == 0);
	skua_pool_retain(pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_for(pool, 0, 1, never, NULL) == SKUA_ECLOSED);
	skua_pool_release(pool);
	settle(2);
}

/* --- Early ends. --- */

struct early {
	atomic_uint running;
	atomic_uint answers; /* of bodies that ended it */
	uint64_t at;
	int answer;
};

static int end_early(skua_here here, uint64_t begin, uint64_t end,
		     void *context)
{
	struct early *early = context;
	int answer = 0;

	(void)here;
	atomic_fetch_add(&early->running, 1);
	if (early->at >= begin && early->at < end) {
		answer = early->answer;
		atomic_fetch_add(&early->answers, 1);
	}
	atomic_fetch_sub(&early->running, 1);
	return answer;
}

static void early_body(struct skua_pool *pool, unsigned workers)
{
	static const int answers[] = { 1,	    77,	  INT_MAX, SKUA_EFAILED,
				       SKUA_ENOMEM, -1000 };

	(void)workers;
	for (size_t k = 0; k < 6; k++)
		for (uint64_t at = 0; at <= 3000; at += 300) {
			struct early early = { .at = at, .answer = answers[k] };
			int answer = skua_for(pool, 0, 3000, end_early, &early);

			CHECK(answer == (at < 3000 ? answers[k] : 0));
			CHECK(atomic_load(&early.running) == 0);
			CHECK(atomic_load(&early.answers) == (at < 3000));
		}
}

/* "the loop returns that value", and at its return nothing runs any more */
Test(for, ends_early, .timeout = LIMIT)
{
	with_pools(early_body);
}

static int end_here(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	(void)here;
	(void)end;
	atomic_fetch_add((atomic_uint *)context, 1);
	return (int)begin + 1;
}

/* "the first one if there are several": alone that is the lower end */
Test(for, no_call_begins_after_the_end, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	atomic_uint calls = 0;

	CHECK(skua_for(pool, 0, 100000, end_here, &calls) == 1);
	options.split = SKUA_SPLIT_GRAIN;
	options.grain = 10;
	CHECK(skua_for_with(pool, 50, 100000, end_here, &calls, &options) ==
	      51);
	CHECK(atomic_load(&calls) == 2);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* --- Failures. --- */

static int fail_at(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	struct tally *tally = context;

	count_runs(here, begin, end, context);
	if (begin - tally->begin <= 100 && end - tally->begin > 100)
		skua_fail(5);
	return 0;
}

SKUA_TASK(int, failing, struct tally *, tally)
{
	return skua_for_in(here, tally->begin, tally->end, fail_at, tally);
}

static void fail_body(struct skua_pool *pool, unsigned workers)
{
	struct tally *tally = new_tally(2, 500);
	int answer = 0;
	struct skua_future *future;

	(void)workers;
	CHECK(skua_for(pool, 2, 502, fail_at, tally) == SKUA_EFAILED);
	check_and_free(tally);
	tally = new_tally(2, 500);
	/* The task failed, too. */
	CHECK(failing_submit(pool, &future, tally) == 0);
	CHECK(failing_result(future, SKUA_FOREVER, &answer) == SKUA_EFAILED);
	CHECK(skua_future_code(future) == 5);
	skua_future_release(future);
	check_and_free(tally);
}

/* "the loop goes on, and returns SKUA_EFAILED" */
Test(for, failing_bodies, .timeout = LIMIT)
{
	with_pools(fail_body);
}

SKUA_TASK_VOID(answer_in, int *, answer)
{
	struct tally *tally = new_tally(0, 500);

	*answer = skua_for_in(here, 0, 500, fail_at, tally);
	check_and_free(tally);
}

static int fail_and_stop(skua_here here, uint64_t begin, uint64_t end,
			 void *context)
{
	(void)here;
	(void)begin;
	(void)end;
	(void)context;
	skua_fail(6);
	return 3;
}

Test(for, failures_and_answers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	int answer = 0;

	CHECK(answer_in_run(pool, &answer) == SKUA_EFAILED);
	CHECK(answer == SKUA_EFAILED);
	CHECK(skua_for(pool, 0, 10, fail_and_stop, NULL) == 3);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(2);
}

/* --- Loops in loops. --- */

enum {
	ROWS = 100,
	COLS = 200,
	DEEP = 40
};
static atomic_uint cells[ROWS][COLS];

static int do_row(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	(void)here;
	for (uint64_t i = begin; i < end; i++)
		atomic_fetch_add(&((atomic_uint *)context)[i], 1);
	return 0;
}

static int do_rows(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	struct skua_pool *pool = context;

	for (uint64_t i = begin; i < end; i++)
		CHECK((i % 10 ?
			       skua_for_in(here, 0, COLS, do_row, cells[i]) :
			       skua_for(pool, 0, COLS, do_row, cells[i])) == 0);
	return 0;
}

/* Down to nothing, over and over. */
static int go_down(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	uintptr_t depth = (uintptr_t)context;

	for (uint64_t i = begin; i < end; i++)
		if (depth)
			CHECK(skua_for_in(here, 0, depth % 7 ? 1 : 2, go_down,
					  number(depth - 1)) == 0);
		else
			atomic_fetch_add(&cells[0][0], 1);
	return 0;
}

static void nested_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	memset(cells, 0, sizeof(cells));
	for (unsigned round = 1; round <= 5; round++) {
		CHECK(skua_for(pool, 0, ROWS, do_rows, pool) == 0);
		for (size_t i = 0; i < ROWS; i++)
			for (size_t j = 0; j < COLS; j++)
				CHECK(atomic_load(&cells[i][j]) == round);
	}
	atomic_store(&cells[0][0], 0);
	CHECK(skua_for(pool, 0, 3, go_down, number(DEEP)) == 0);
	CHECK(atomic_load(&cells[0][0]) == 3 << DEEP / 7);
}

Test(for, nested, .timeout = LIMIT)
{
	with_pools(nested_body);
}

/* --- Bodies that wait. --- */

static int wait_a_while(skua_here here, uint64_t begin, uint64_t end,
			void *context)
{
	struct tally *tally = context;

	count_runs(here, begin, end, tally);
	for (uint64_t i = begin; i < end; i++)
		switch (i % 4) {
		case 0:
			skua_yield();
			break;
		case 1:
			CHECK(take(submit(skua_pool_current(), do_nothing,
					  tally)) == tally);
			break;
		case 2:
			CHECK(skua_sleep(1000) == 0);
			break;
		default:
			break;
		}
	return 0;
}

static void waits_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (unsigned round = 0; round < 10; round++) {
		struct tally *tally = new_tally(0, FIBERS(300));

		CHECK(skua_for(pool, 0, tally->end, wait_a_while, tally) == 0);
		check_and_free(tally);
	}
}

Test(for, bodies_that_wait, .timeout = LIMIT)
{
	with_pools(waits_body);
}

/* --- Within reach. --- */

/* Iteration `at` does not end before all others have, but for those that were
 * given to the body with it. */
struct reach {
	struct gate *gate; /* holds other workers until `at` runs */
	uint64_t count, at;
	_Atomic(uint64_t) done;
};

static int wait_for_others(skua_here here, uint64_t begin, uint64_t end,
			   void *context)
{
	struct reach *reach = context;
	bool there = reach->at >= begin && reach->at < end;

	(void)here;
	if (there && reach->gate)
		gate_open(reach->gate);
	while (there &&
	       atomic_load(&reach->done) < reach->count - (end - begin))
		sched_yield();
	atomic_fetch_add(&reach->done, end - begin);
	return 0;
}

static struct gate reach_gate;

SKUA_TASK(int, reach_in, struct reach *, reach)
{
	/* Not the first loop of the task: no fork makes its frames public. */
	for (unsigned i = 0; i < 3; i++)
		CHECK(skua_for_in(here, 0, 100, add_length, NULL) == 0);
	return skua_for_in(here, 0, reach->count, wait_for_others, reach);
}

static void reach_on(struct skua_pool *pool, uint64_t count, uint64_t at,
		     bool busy, bool inside)
{
	struct reach reach = { .count = count, .at = at };
	int answer = -1;

	if (busy) {
		gate_close(&reach_gate);
		hold_workers(pool, &reach_gate, skua_pool_workers(pool) - 1);
		reach.gate = &reach_gate;
	}
	if (inside)
		CHECK(reach_in_run(pool, &answer, &reach) == 0 && answer == 0);
	else
		CHECK(skua_for(pool, 0, count, wait_for_others, &reach) == 0);
	CHECK(atomic_load(&reach.done) == count);
	/* Nobody is at the gate any more. */
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
}

static void reach_body(unsigned workers)
{
	struct skua_pool *pool;

	if (workers < 2)
		return;
	pool = open_pool(workers);
	for (unsigned round = 0; round < 4; round++) {
		bool busy = round & 1, inside = round & 2;

		for (uint64_t at = 0; at < 16; at++)
			reach_on(pool, 16, at, busy, inside);
		for (uint64_t at = 0; at < 3000; at += 271)
			reach_on(pool, 3000, at, busy, inside);
		reach_on(pool, 2, 0, busy, inside);
		reach_on(pool, 2, 1, busy, inside);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* "What is left of a range stays within reach of other workers while a body
 * runs" */
Test(for, the_rest_is_within_reach, .timeout = LIMIT)
{
	with_workers(reach_body);
}

/* The pool of one has two from the first iteration on. */
static int grow_and_wait(skua_here here, uint64_t begin, uint64_t end,
			 void *context)
{
	struct reach *reach = context;

	if (!begin)
		CHECK(skua_pool_resize(skua_pool_current(), 2) == 0);
	return wait_for_others(here, begin, end, reach);
}

SKUA_TASK(int, grow_in, struct reach *, reach)
{
	CHECK(skua_for_in(here, 0, 100, add_length, NULL) == 0);
	return skua_for_in(here, 0, reach->count, grow_and_wait, reach);
}

/* A loop that began alone */
Test(for, the_rest_is_within_reach_of_a_new_worker, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	for (uint64_t at = 1; at < 3000; at += 271) {
		struct reach reach = { .count = 3000, .at = at };
		int answer = -1;

		CHECK(grow_in_run(pool, &answer, &reach) == 0 && answer == 0);
		CHECK(atomic_load(&reach.done) == reach.count);
		CHECK(skua_pool_resize(pool, 1) == 0);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}
