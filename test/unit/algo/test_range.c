/* SPDX-License-Identifier: MIT */
/*
 * test_range.c - loops, reductions and scans end with the group of their task.
 *
 * The first call of a body cancels the group. All that follows is not called,
 * but for what others have begun meanwhile.
 */
#include "../sched/sched_test.h"

enum {
	COUNT = 1 << 20
};

static struct {
	struct skua_group group;
	atomic_ullong called; /* iterations */
} t;

static int cancel_range(skua_here here, uint64_t begin, uint64_t end,
			void *context)
{
	(void)here;
	(void)context;
	atomic_fetch_add(&t.called, end - begin);
	return skua_group_cancel(&t.group);
}

static int cancel_block(skua_here here, const struct skua_block *block,
			void *context)
{
	return cancel_range(here, block->row_begin, block->row_end, context);
}

static int cancel_fold(skua_here here, uint64_t begin, uint64_t end,
		       void *value, void *context)
{
	(void)value;
	return cancel_range(here, begin, end, context);
}

static void add(void *left, const void *right, void *context)
{
	(void)context;
	*(uint64_t *)left += *(const uint64_t *)right;
}

static const uint64_t zero;
static const struct skua_fold sums = { sizeof(uint64_t), &zero, add };

static int loop(skua_here here)
{
	return skua_for_in(here, 0, COUNT, cancel_range, NULL);
}

static int loop_by_grain(skua_here here)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;

	options.split = SKUA_SPLIT_GRAIN;
	options.grain = 7;
	return skua_for_in_with(here, 0, COUNT, cancel_range, NULL, &options);
}

static int loop_2d(skua_here here)
{
	struct skua_block whole = { 0, COUNT, 0, 64 };

	return skua_for_2d_in(here, &whole, cancel_block, NULL, NULL);
}

static int reduce(skua_here here)
{
	uint64_t sum;

	return skua_reduce_in(here, 0, COUNT, &sums, cancel_fold, NULL, &sum);
}

static int reduce_same_bits(skua_here here)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	uint64_t sum;

	options.deterministic = true;
	return skua_reduce_in_with(here, 0, COUNT, &sums, cancel_fold, NULL,
				   &sum, &options);
}

static int scan(skua_here here)
{
	return skua_scan_in(here, 0, COUNT, &sums, cancel_fold, cancel_fold,
			    NULL, NULL);
}

static int (*const loops[])(skua_here) = { loop,   loop_by_grain,    loop_2d,
					   reduce, reduce_same_bits, scan };

static int child(skua_here here, void *arg)
{
	size_t i = (size_t)arg;

	CHECK(loops[i](here) == SKUA_ECANCELLED);
	CHECK(atomic_load(&t.called) > 0 && atomic_load(&t.called) < COUNT);
	/* Nothing begins in a group that is cancelled. */
	atomic_store(&t.called, 0);
	CHECK(loops[i](here) == SKUA_ECANCELLED);
	CHECK(atomic_load(&t.called) == 0);
	return 0;
}

static void group_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (size_t i = 0; i < sizeof(loops) / sizeof(*loops); i++) {
		atomic_store(&t.called, 0);
		CHECK(skua_group_init(&t.group, pool) == 0);
		CHECK(skua_group_run(&t.group, child, (void *)i) == 0);
		CHECK(skua_group_wait(&t.group, SKUA_FOREVER) ==
		      SKUA_ECANCELLED);
		CHECK(skua_group_destroy(&t.group) == 0);
	}
}

/* B8 "reaches descendants" */
Test(range, ends_with_its_group, .timeout = LIMIT)
{
	with_pools(group_body);
}
