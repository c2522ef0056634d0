/* SPDX-License-Identifier: MIT */
/*
 * test_isolated.c - the algorithms inside skua_isolate(): a plain mutex held
 * across each of them, on a pool whose other tasks want it.
 */
#include "../sched/isolate_test.h"

static int wait_in_body(skua_here here, uint64_t begin, uint64_t end,
			void *context)
{
	(void)context;
	for (uint64_t i = begin; i < end; i++) {
		if (i % 16 == 0)
			skua_yield();
		if (i % 64 == 0)
			CHECK(skua_sleep(10000) == 0);
	}
	CHECK(here != NULL);
	atomic_fetch_add(&ran, end - begin);
	return 0;
}

static int loop_in_body(skua_here here, uint64_t begin, uint64_t end,
			void *context)
{
	for (uint64_t i = begin; i < end; i++)
		CHECK(skua_for_in(here, 0, 40, wait_in_body, context) == 0);
	return 0;
}

static void inside_loop(void *arg)
{
	CHECK(skua_for(skua_pool_current(), 0, 128, wait_in_body, arg) == 0);
}

static void inside_loops(void *arg)
{
	CHECK(skua_for(skua_pool_current(), 0, 6, loop_in_body, arg) == 0);
}

Test(isolated, loops, .timeout = LIMIT)
{
	try_inside(inside_loop);
}

Test(isolated, loops_in_loops, .timeout = LIMIT)
{
	try_inside(inside_loops);
}

enum {
	LENGTH = 20000
};

static int compare(const void *a, const void *b, void *context)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	(void)context;
	return (left > right) - (left < right);
}

static void inside_sort(void *arg)
{
	uint32_t *array = malloc(LENGTH * sizeof(*array));

	for (uint32_t i = 0; i < LENGTH; i++)
		array[i] = i * 2654435761U;
	CHECK(skua_sort(skua_pool_current(), array, LENGTH, sizeof(*array),
			compare, arg) == 0);
	for (uint32_t i = 1; i < LENGTH; i++)
		CHECK(array[i - 1] <= array[i]);
	free(array);
}

Test(isolated, sorts, .timeout = LIMIT)
{
	try_inside(inside_sort);
}

static void *map_one(void *arg)
{
	skua_yield();
	return arg;
}

static void inside_map(void *arg)
{
	void *items[32], *results[32];

	(void)arg;
	for (size_t i = 0; i < 32; i++)
		items[i] = number(i);
	CHECK(skua_map(skua_pool_current(), map_one, items, 32, 3, SKUA_FOREVER,
		       results, NULL) == 0);
	for (size_t i = 0; i < 32; i++)
		CHECK(results[i] == number(i));
}

Test(isolated, maps, .timeout = LIMIT)
{
	try_inside(inside_map);
}

static int make_item(skua_here here, void **item, void *context)
{
	uintptr_t *made = context;

	(void)here;
	if (*made == 40)
		return SKUA_ENONE;
	*item = number(++*made);
	return 0;
}

static int pass_item(skua_here here, void **item, void *context)
{
	(void)context;
	if ((uintptr_t)*item % 4 == 0)
		skua_yield();
	return skua_for_in(here, 0, 4, wait_in_body, NULL);
}

static int end_item(skua_here here, void **item, void *context)
{
	uintptr_t *last = context;

	(void)here;
	CHECK((uintptr_t)*item == *last + 1);
	++*last;
	return 0;
}

static void inside_pipeline(void *arg)
{
	uintptr_t made = 0, last = 0;
	struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make_item, &made, NULL },
		{ SKUA_STAGE_PARALLEL, pass_item, NULL, NULL },
		{ SKUA_STAGE_SERIAL, pass_item, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, end_item, &last, NULL },
	};

	(void)arg;
	CHECK(skua_pipeline(skua_pool_current(), stages, 4, 5) == 0);
	CHECK(last == 40);
}

Test(isolated, pipelines, .timeout = LIMIT)
{
	try_inside(inside_pipeline);
}

static int left(skua_here here, void *arg)
{
	return skua_for_in(here, 0, 20, wait_in_body, arg);
}

static int open_group(struct skua_group *group, void *arg)
{
	for (int i = 0; i < 6; i++)
		CHECK(skua_group_run(group, left, arg) == 0);
	return 0;
}

static void inside_scope(void *arg)
{
	CHECK(skua_scope(skua_pool_current(), open_group, arg) == 0);
	CHECK(skua_invoke(skua_pool_current(), left, arg, left, arg) == 0);
}

Test(isolated, scopes_and_invocations, .timeout = LIMIT)
{
	try_inside(inside_scope);
}
