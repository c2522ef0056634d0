/* SPDX-License-Identifier: MIT */
/*
 * test_for_long.c - loops whose iterations take long: as many run at once as
 * there are workers, they come one by one, and what lies behind one is within
 * reach of others.
 *
 * Long is what does not end before others have begun, or ended. No test says how
 * long anything takes.
 */
#include "../sched/sched_test.h"

/* --- As many at once as there are workers. --- */

/* No iteration of a loop ends before all have begun. */
struct meeting {
	uint64_t count;
	_Atomic(uint64_t) there;
};

static void meet(struct meeting *meeting, uint64_t count)
{
	CHECK(count == 1);
	atomic_fetch_add(&meeting->there, count);
	while (atomic_load(&meeting->there) < meeting->count)
		sched_yield();
}

static int meet_in_range(skua_here here, uint64_t begin, uint64_t end,
			 void *context)
{
	(void)here;
	meet(context, end - begin);
	return 0;
}

static int meet_in_block(skua_here here, const struct skua_block *block,
			 void *context)
{
	(void)here;
	meet(context, (block->row_end - block->row_begin) *
			      (block->col_end - block->col_begin));
	return 0;
}

SKUA_TASK(int, meet_in, struct meeting *, meeting)
{
	/* Not the first loop of the task. */
	CHECK(skua_for_in(here, 0, 0, meet_in_range, NULL) == 0);
	return skua_for_in(here, 7, 7 + meeting->count, meet_in_range, meeting);
}

static void meet_once(struct skua_pool *pool, unsigned workers, unsigned how)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	struct meeting meeting = { .count = workers };
	struct skua_block row = { 3, 4, 5, 5 + workers };
	int answer = 0;

	options.split = how == 2 ? SKUA_SPLIT_GRAIN : SKUA_SPLIT_STATIC;
	options.grain = how == 2;
	if (how == 0)
		CHECK(skua_for(pool, 0, workers, meet_in_range, &meeting) == 0);
	else if (how == 1)
		CHECK(meet_in_run(pool, &answer, &meeting) == 0);
	else if (how < 4)
		CHECK(skua_for_with(pool, 0, workers, meet_in_range, &meeting,
				    &options) == 0);
	else
		CHECK(skua_for_2d(pool, &row, meet_in_block, &meeting, NULL) ==
		      0);
	CHECK(answer == 0 && atomic_load(&meeting.there) == workers);
}

static void meet_body(struct skua_pool *pool, unsigned workers)
{
	for (unsigned round = 0; round < 20; round++)
		meet_once(pool, workers, round % 5);
}

/* While nobody else wants the workers. */
Test(for_long, each_worker_has_one, .timeout = LIMIT)
{
	with_pools(meet_body);
}

static void with_three(void (*body)(struct skua_pool *, unsigned))
{
	struct skua_pool *pool = open_pool(3);

	body(pool, 3);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(3);
}

/* The fewest where the helper of the first part is not enough. */
Test(for_long, each_of_three_workers_has_one, .timeout = LIMIT)
{
	with_three(meet_body);
}

/* --- Within reach of the last worker. --- */

enum {
	MOST = 1000
};

/* Calls that have a long iteration do not end before all others have, or are such
 * calls. */
struct held {
	struct gate *gate; /* holds the other workers until the first one */
	uint64_t count;
	bool is_long[MOST];
	_Atomic(uint64_t) settled; /* iterations, run or held */
	_Atomic(uint64_t) ran;
};

static int run_held(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	struct held *held = context;
	bool wait = false;

	(void)here;
	for (uint64_t i = begin; i < end; i++)
		wait |= held->is_long[i];
	if (wait && held->gate)
		gate_open(held->gate);
	atomic_fetch_add(&held->settled, end - begin);
	while (wait && atomic_load(&held->settled) < held->count)
		sched_yield();
	atomic_fetch_add(&held->ran, end - begin);
	return 0;
}

static struct gate held_gate;

static void hold_once(struct skua_pool *pool, struct held *held, bool busy)
{
	atomic_store(&held->settled, 0);
	atomic_store(&held->ran, 0);
	held->gate = NULL;
	if (busy) {
		gate_close(&held_gate);
		hold_workers(pool, &held_gate, skua_pool_workers(pool) - 1);
		held->gate = &held_gate;
	}
	CHECK(skua_for(pool, 0, held->count, run_held, held) == 0);
	CHECK(atomic_load(&held->ran) == held->count);
	/* Nobody is at the gate any more. */
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
}

static const uint64_t counts[] = { 2, 3, 7, 64, MOST };

static void first_body(struct skua_pool *pool, unsigned workers)
{
	for (size_t i = 0; workers > 1 && i < 5; i++) {
		struct held held = { .count = counts[i], .is_long = { true } };

		for (unsigned round = 0; round < 6; round++)
			hold_once(pool, &held, round % 2);
	}
}

/* The others are idle when it begins, or are so only later. */
Test(for_long, the_first_ends_last, .timeout = LIMIT)
{
	with_pools(first_body);
}

static void random_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t seed = test_seed(), random = seed;

	for (unsigned round = 0; workers > 1 && round < 60; round++) {
		struct held held = { .count = counts[round % 5] };

		/* So one worker is free. */
		for (unsigned i = 1; i < workers; i++)
			held.is_long[next_random(&random) % held.count] = true;
		hold_once(pool, &held, round % 2);
	}
	cr_assert(!atomic_load(&failed_check), "SKUA_TEST_SEED=%#llx",
		  (unsigned long long)seed);
}

/* "What is left of a range stays within reach of other workers while a body runs",
 * and while all but one of them are in long iterations. */
Test(for_long, all_but_one_worker_are_in_long_ones, .timeout = LIMIT)
{
	with_pools(random_body);
}

Test(for_long, all_but_one_of_three_are_in_long_ones, .timeout = LIMIT)
{
	with_three(random_body);
}

/* --- One by one. --- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A hundred times what a call of cheap iterations should take. */
static int take_long(skua_here here, uint64_t begin, uint64_t end,
		     void *context)
{
	uint64_t until = now_ns() + 1000000;

	(void)here;
	CHECK(end - begin == 1);
	atomic_fetch_add((atomic_uint *)context, 1);
	while (now_ns() < until)
		;
	return 0;
}

static void alone_body(struct skua_pool *pool, unsigned workers)
{
	atomic_uint calls = 0;

	(void)workers;
	CHECK(skua_for(pool, 0, 50, take_long, &calls) == 0);
	CHECK(atomic_load(&calls) == 50);
}

/* Where all are long no call has two of them: the first of each part is alone,
 * and the next ones as its time says. */
Test(for_long, each_is_alone_in_its_call, .timeout = LIMIT)
{
	with_pools(alone_body);
}
