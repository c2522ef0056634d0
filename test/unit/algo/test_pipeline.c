/* SPDX-License-Identifier: MIT */
/*
 * test_pipeline.c - pipelines: order, one at a time, the number of items under
 * way, items that end early, errors and what is dropped, groups, no memory.
 *
 * Items are numbers from 1 on, since they stand for themselves.
 */
#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

#include <inttypes.h>

enum {
	ITEMS = SCALED(4000)
};

/* What the stages of a test share. */
static struct {
	uintptr_t items; /* to be made */
	uintptr_t made; /* by the first stage, which is serial */
	uintptr_t stop_at; /* the item that fails; 0: none */
	size_t stop_in; /* in that stage */
	int error; /* with that; SKUA_EFAILED: by skua_fail() */
	atomic_uintptr_t consumed, dropped, failed;
	/* Serial stages: plain, so that TSan sees when two are inside. */
	uintptr_t passed, last, sum;
	bool inside;
	atomic_int under_way, most_under_way;
} t;

static void begin(uintptr_t items)
{
	memset(&t, 0, sizeof(t));
	t.items = items;
}

/* --- Stages. --- */

static int make(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	CHECK(!*item);
	if (t.made == t.items)
		return SKUA_ENONE;
	*item = number(++t.made);
	return 0;
}

static int pass(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	if ((uintptr_t)*item % 16 == 5)
		skua_yield();
	return 0;
}

static int square(skua_here here, void **item, void *context)
{
	uintptr_t n = (uintptr_t)*item;

	(void)here;
	(void)context;
	*item = number(n * n);
	return 0;
}

static void enter_serial(void)
{
	CHECK(!t.inside);
	t.inside = true;
}

/* In order: the squares come one after the other. */
static int take_in_order(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	enter_serial();
	t.passed++;
	CHECK((uintptr_t)*item == t.passed * t.passed);
	if (t.passed % 16 == 7)
		skua_yield();
	t.inside = false;
	return 0;
}

/* In any order, each once. */
static int take_serial(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	enter_serial();
	t.passed++;
	t.sum += (uintptr_t)*item;
	if (t.passed % 16 == 7)
		skua_yield();
	t.inside = false;
	return 0;
}

/* --- Runs of a pipeline: from outside, from a task, in a task. --- */

struct run {
	struct skua_pool *pool;
	const struct skua_stage *stages;
	size_t count, tokens;
	int error;
};

SKUA_TASK(int, run_in, struct run *, run)
{
	return skua_pipeline_in(here, run->stages, run->count, run->tokens);
}

static void *run_in_task(void *arg)
{
	struct run *run = arg;

	run->error =
		skua_pipeline(run->pool, run->stages, run->count, run->tokens);
	return arg;
}

enum {
	OUTSIDE,
	IN_TASK,
	IN_HERE,
	WAYS
};

static int run_it(struct skua_pool *pool, const struct skua_stage *stages,
		  size_t count, size_t tokens, int way)
{
	struct run run = { pool, stages, count, tokens, 0 };

	if (way == OUTSIDE)
		return skua_pipeline(pool, stages, count, tokens);
	if (way == IN_TASK)
		take(submit(pool, run_in_task, &run));
	else
		CHECK(run_in_run(pool, &run.error, &run) == 0);
	return run.error;
}

/* --- Order. --- */

static const size_t all_tokens[] = { 1, 2, 3, 7, 64, 0 };

static void order_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, square, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, take_in_order, NULL, NULL },
	};

	(void)workers;
	for (int way = 0; way < WAYS; way++)
		for (size_t i = 0; i < 6; i++) {
			begin(ITEMS);
			CHECK(run_it(pool, stages, 4, all_tokens[i], way) == 0);
			CHECK(t.passed == ITEMS);
		}
}

/* B7 "serial in order" */
Test(pipeline, in_the_order_of_the_items, .timeout = LIMIT)
{
	with_pools(order_body);
}

static void serial_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
		{ SKUA_STAGE_SERIAL, take_serial, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
	};

	(void)workers;
	for (int way = 0; way < WAYS; way++)
		for (size_t i = 0; i < 6; i++) {
			begin(ITEMS);
			CHECK(run_it(pool, stages, 4, all_tokens[i], way) == 0);
			CHECK(t.passed == ITEMS);
			CHECK(t.sum == (uintptr_t)ITEMS * (ITEMS + 1) / 2);
		}
}

/* B7 "serial out of order" */
Test(pipeline, one_at_a_time, .timeout = LIMIT)
{
	with_pools(serial_body);
}

/* --- The smallest ones. --- */

static void small_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, take_in_order, NULL, NULL },
	};

	(void)workers;
	for (uintptr_t items = 0; items < 4; items++)
		for (size_t i = 0; i < 6; i++) {
			begin(items);
			CHECK(skua_pipeline(pool, stages, 1, all_tokens[i]) ==
			      0);
			CHECK(t.made == items);
		}
	begin(1);
	CHECK(skua_pipeline(pool, stages, 2, 5) == 0);
	CHECK(t.passed == 1);
}

Test(pipeline, one_stage_or_item_or_none, .timeout = LIMIT)
{
	with_pools(small_body);
}

/* --- Tokens. --- */

static int make_counted(skua_here here, void **item, void *context)
{
	int error = make(here, item, context);
	int n, most;

	if (error)
		return error;
	n = atomic_fetch_add(&t.under_way, 1) + 1;
	most = atomic_load(&t.most_under_way);
	while (n > most &&
	       !atomic_compare_exchange_weak(&t.most_under_way, &most, n))
		;
	return 0;
}

static int end_counted(skua_here here, void **item, void *context)
{
	(void)here;
	(void)item;
	(void)context;
	atomic_fetch_sub(&t.under_way, 1);
	return 0;
}

static void tokens_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make_counted, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, end_counted, NULL, NULL },
	};

	(void)workers;
	for (size_t tokens = 1; tokens < 6; tokens++) {
		begin(ITEMS);
		CHECK(skua_pipeline(pool, stages, 3, tokens) == 0);
		CHECK(atomic_load(&t.most_under_way) <= (int)tokens);
		CHECK(!atomic_load(&t.under_way));
	}
}

/* B7 "tokens bound the memory" */
Test(pipeline, no_more_items_than_tokens, .timeout = LIMIT)
{
	with_pools(tokens_body);
}

/* All of them can be under way: each waits until as many are. */
static int wait_for_others(skua_here here, void **item, void *context)
{
	(void)here;
	(void)item;
	CHECK(skua_barrier_wait(context) >= 0);
	return 0;
}

static void together_body(struct skua_pool *pool, unsigned workers)
{
	static struct skua_barrier all;
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, wait_for_others, &all, NULL },
	};

	(void)workers;
	begin(5 * 12);
	CHECK(skua_barrier_init(&all, 5) == 0);
	CHECK(skua_pipeline(pool, stages, 2, 5) == 0);
	CHECK(t.made == 5 * 12);
	CHECK(skua_barrier_destroy(&all) == 0);
}

/* "a stage may wait" */
Test(pipeline, stages_wait_for_each_other, .timeout = LIMIT)
{
	with_pools(together_body);
}

/* Workers that are kept busy hold no token that others could carry: as many are
 * in the stage at once as there are workers. */
static int keep_busy(skua_here here, void **item, void *context)
{
	atomic_uint *there = context;
	unsigned round = atomic_load(&there[1]);
	unsigned last = there[2] - 1;

	(void)here;
	(void)item;
	if (atomic_fetch_add(&there[0], 1) == last) {
		atomic_store(&there[0], 0);
		atomic_fetch_add(&there[1], 1);
	}
	while (atomic_load(&there[1]) == round)
		sched_yield();
	return 0;
}

static void busy_body(struct skua_pool *pool, unsigned workers)
{
	static atomic_uint there[3];
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, keep_busy, there, NULL },
	};

	atomic_store(&there[0], 0);
	atomic_store(&there[2], workers);
	begin(workers * 12);
	CHECK(skua_pipeline(pool, stages, 2, 2 * workers) == 0);
	CHECK(t.made == workers * 12);
}

Test(pipeline, all_workers_carry_items, .timeout = LIMIT)
{
	with_pools(busy_body);
}

/* A pipeline leaves its only worker to others now and then: this one ends when
 * another task has run. */
static atomic_bool other_ran;

static void *run_other(void *arg)
{
	atomic_store(&other_ran, true);
	return arg;
}

static int make_until_other_ran(skua_here here, void **item, void *context)
{
	(void)here;
	if (!*item && !t.made++)
		CHECK(skua_submit(context, run_other, NULL, NULL) == 0);
	*item = number(t.made);
	return atomic_load(&other_ran) ? SKUA_ENONE : 0;
}

Test(pipeline, gives_way_to_others, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make_until_other_ran, pool, NULL },
		{ SKUA_STAGE_PARALLEL, square, NULL, NULL },
	};

	begin(0);
	atomic_store(&other_ran, false);
	CHECK(skua_pipeline(pool, stages, 2, 4) == 0);
	CHECK(atomic_load(&other_ran));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* --- Items that end early. --- */

static int drop_odd(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	return (uintptr_t)*item % 2 ? SKUA_ENONE : 0;
}

static int take_even(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	enter_serial();
	CHECK((uintptr_t)*item == t.last + 2);
	t.last += 2;
	t.passed++;
	t.inside = false;
	return 0;
}

static int take_even_any(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	CHECK((uintptr_t)*item % 2 == 0);
	t.sum++; /* plain: the stage is serial */
	return 0;
}

static void early_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, drop_odd, NULL, NULL },
		{ SKUA_STAGE_SERIAL, take_even_any, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, take_even, NULL, NULL },
	};

	(void)workers;
	for (size_t i = 0; i < 6; i++) {
		begin(ITEMS);
		CHECK(skua_pipeline(pool, stages, 6, all_tokens[i]) == 0);
		CHECK(t.passed == ITEMS / 2 && t.sum == ITEMS / 2);
	}
}

Test(pipeline, items_that_end_early_keep_the_order, .timeout = LIMIT)
{
	with_pools(early_body);
}

/* --- Errors: each item made is consumed, dropped, or the one that failed. --- */

static int may_fail(skua_here here, void **item, void *context)
{
	(void)here;
	if (t.stop_at == (uintptr_t)*item &&
	    t.stop_in == *(const size_t *)context) {
		if (t.error == SKUA_EFAILED) {
			skua_fail(17);
			return 0;
		}
		atomic_fetch_add(&t.failed, 1);
		return t.error;
	}
	if ((uintptr_t)*item % 8 == 3)
		skua_yield();
	return 0;
}

static int make_may_fail(skua_here here, void **item, void *context)
{
	int error = make(here, item, context);

	if (!error)
		error = may_fail(here, item, context);
	return error;
}

static int consume(skua_here here, void **item, void *context)
{
	int error = may_fail(here, item, context);

	if (!error)
		atomic_fetch_add(&t.consumed, 1);
	return error;
}

static void drop(void *item, void *context)
{
	CHECK(item && context);
	atomic_fetch_add(&t.dropped, 1);
}

static size_t places[] = { 0, 1, 2, 3, 4 };

static void error_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make_may_fail, &places[0], drop },
		{ SKUA_STAGE_PARALLEL, may_fail, &places[1], drop },
		{ SKUA_STAGE_SERIAL, may_fail, &places[2], drop },
		{ SKUA_STAGE_IN_ORDER, may_fail, &places[3], drop },
		{ SKUA_STAGE_PARALLEL, consume, &places[4], drop },
	};
	static const int errors[] = { 1, 77, SKUA_EFULL, SKUA_EFAILED };

	(void)workers;
	for (size_t stage = 0; stage < 5; stage++)
		for (size_t i = 0; i < 4; i++) {
			begin(400);
			t.stop_at = 1 + (uintptr_t)(37 * i % 400);
			t.stop_in = stage;
			t.error = errors[i];
			CHECK(run_it(pool, stages, 5, 9, (int)(i % WAYS)) ==
			      errors[i]);
			CHECK(atomic_load(&t.consumed) +
				      atomic_load(&t.dropped) +
				      atomic_load(&t.failed) ==
			      t.made);
		}
}

Test(pipeline, errors_stop_it_and_nothing_is_lost, .timeout = LIMIT)
{
	with_pools(error_body);
}

/* --- A group that is cancelled. --- */

static int make_endless(skua_here here, void **item, void *context)
{
	(void)here;
	*item = number(++t.made);
	return t.made == 100 ? skua_group_cancel(context) : 0;
}

static int pipeline_child(skua_here here, void *arg)
{
	struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make_endless, arg, drop },
		{ SKUA_STAGE_PARALLEL, pass, &places[1], drop },
		{ SKUA_STAGE_SERIAL, pass, &places[2], drop },
		{ SKUA_STAGE_PARALLEL, consume, &places[3], drop },
	};

	CHECK(skua_pipeline_in(here, stages, 4, 9) == SKUA_ECANCELLED);
	return 0;
}

static void cancel_body(struct skua_pool *pool, unsigned workers)
{
	static struct skua_group group;

	(void)workers;
	begin(0);
	CHECK(skua_group_init(&group, pool) == 0);
	CHECK(skua_group_run(&group, pipeline_child, &group) == 0);
	CHECK(skua_group_wait(&group, SKUA_FOREVER) == SKUA_ECANCELLED);
	CHECK(t.made >= 100);
	CHECK(atomic_load(&t.consumed) + atomic_load(&t.dropped) == t.made);
	CHECK(skua_group_destroy(&group) == 0);
}

/* B8 "reaches descendants" */
Test(pipeline, ends_with_its_group, .timeout = LIMIT)
{
	with_pools(cancel_body);
}

/* --- No memory. --- */

/* Whatever fails: all items come through, or nothing has run. */
static void memory_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, square, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, take_in_order, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, end_counted, NULL, NULL },
	};
	unsigned allowed = 0, refused;
	int error;

	start_workers(pool, workers);
	do {
		begin(100);
		memory_allow(allowed++);
		error = skua_pipeline(pool, stages, 4, 5);
		refused = memory_relent();
		CHECK(error == 0 || error == SKUA_ENOMEM);
		CHECK(t.passed == (error ? 0 : t.items));
		CHECK(t.made == t.passed);
	} while (refused);
	CHECK(error == 0 && allowed > 4);
}

Test(pipeline, no_memory, .timeout = LIMIT)
{
	with_pools(memory_body);
}

/* --- Bad input. --- */

static void wrong_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
		{ SKUA_STAGE_PARALLEL, pass, NULL, NULL },
	};

	(void)workers;
	begin(3);
	CHECK(skua_pipeline(NULL, stages, 2, 0) == SKUA_EINVAL);
	CHECK(skua_pipeline(pool, NULL, 2, 0) == SKUA_EINVAL);
	CHECK(skua_pipeline(pool, stages, 0, 0) == SKUA_EINVAL);
	CHECK(skua_pipeline_in(NULL, stages, 2, 0) == SKUA_EINVAL);
	CHECK(skua_pipeline(pool, stages, 2, SIZE_MAX) == SKUA_ENOMEM);
	CHECK(skua_pipeline(pool, stages, 2, SIZE_MAX / 8) == SKUA_ENOMEM);
	stages[1].run = NULL;
	CHECK(skua_pipeline(pool, stages, 2, 0) == SKUA_EINVAL);
	stages[1] = (struct skua_stage){ (enum skua_stage_mode)3, pass, NULL,
					 NULL };
	CHECK(skua_pipeline(pool, stages, 2, 0) == SKUA_EINVAL);
	stages[1].mode = SKUA_STAGE_PARALLEL;
	stages[0].mode = SKUA_STAGE_PARALLEL;
	CHECK(skua_pipeline(pool, stages, 2, 0) == SKUA_EINVAL);
	CHECK(!t.made);
}

Test(pipeline, bad_input, .timeout = LIMIT)
{
	with_pools(wrong_body);
}

/* --- A pool that closes. --- */

Test(pipeline, closed_pool, .timeout = LIMIT)
{
	static const struct skua_stage stages[] = {
		{ SKUA_STAGE_SERIAL, make, NULL, NULL },
	};
	struct skua_pool *pool = open_pool(2);

	begin(3);
	skua_pool_retain(pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pipeline(pool, stages, 1, 0) == SKUA_ECLOSED);
	CHECK(!t.made);
	skua_pool_release(pool);
	settle(2);
}

/* --- Random ones, against what one thread would do. --- */

struct random_stage {
	unsigned keep; /* of 8 items, this many go on */
	uintptr_t add;
};

static int random_run(skua_here here, void **item, void *context)
{
	const struct random_stage *stage = context;
	uintptr_t n = (uintptr_t)*item;

	(void)here;
	if (n % 32 == stage->add % 32)
		skua_yield();
	if (n * 2654435761u / 64 % 8 >= stage->keep)
		return SKUA_ENONE;
	*item = number(n + stage->add);
	return 0;
}

/* The answers, in their order or as a sum. */
static int random_end(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	t.sum = t.sum * 31 + (uintptr_t)*item;
	t.passed++;
	return 0;
}

static uintptr_t expected(const struct random_stage *random, size_t count)
{
	uintptr_t sum = 0;

	for (uintptr_t i = 1; i <= t.items; i++) {
		void *item = number(i);
		size_t k = 0;

		while (k < count &&
		       (uintptr_t)item * 2654435761u / 64 % 8 < random[k].keep)
			item = number((uintptr_t)item + random[k++].add);
		if (k == count)
			sum = sum * 31 + (uintptr_t)item;
	}
	return sum;
}

static void random_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t seed = test_seed();

	for (int round = 0; round < 20; round++) {
		uint64_t first = seed;
		struct random_stage random[5];
		struct skua_stage stages[7];
		size_t count = next_random(&seed) % 6;

		begin(next_random(&seed) % 500);
		stages[0] = (struct skua_stage){ SKUA_STAGE_SERIAL, make, NULL,
						 NULL };
		for (size_t k = 0; k < count; k++) {
			random[k].keep = 4 + next_random(&seed) % 5;
			random[k].add = next_random(&seed) % 1000;
			stages[k + 1] = (struct skua_stage){
				(enum skua_stage_mode)(next_random(&seed) % 3),
				random_run, &random[k], NULL
			};
		}
		stages[count + 1] = (struct skua_stage){ SKUA_STAGE_IN_ORDER,
							 random_end, NULL,
							 NULL };
		CHECK(skua_pipeline(pool, stages, count + 2,
				    next_random(&seed) % 40) == 0);
		cr_assert(t.sum == expected(random, count),
			  "SKUA_TEST_SEED=%" PRIu64 " (%u workers)", first,
			  workers);
	}
}

Test(pipeline, random_pipelines, .timeout = LIMIT)
{
	with_pools(random_body);
}
