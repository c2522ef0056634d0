/* SPDX-License-Identifier: MIT */
/* Loops, reductions, scans, sorts, pipelines, invoke and groups: all is done, or
 * a shortage is reported and nothing has begun. */
#include <string.h>

#include "scenarios.h"

enum {
	COUNT = 2000,
	PAUSES = 500 /* an iteration of so many waits, so that others steal */
};

static atomic_int ran[COUNT];

static void clear(void)
{
	for (int i = 0; i < COUNT; i++)
		atomic_store(&ran[i], 0);
}

/* Each of the first @count once, or with an error none. */
static void expect_ran(int error, int count)
{
	EXPECT(error == 0 || fault_shortage(error));
	for (int i = 0; i < count; i++)
		EXPECT(atomic_load(&ran[i]) == (error == 0));
}

static void visit(uint64_t i)
{
	int error = i % PAUSES ? 0 : skua_sleep(1000);

	EXPECT(error == 0 || fault_shortage(error));
	EXPECT(atomic_fetch_add(&ran[i], 1) == 0);
}

/* ---- ranges ---- */

static int visit_range(skua_here here, uint64_t begin, uint64_t end,
		       void *context)
{
	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		visit(i);
	return 0;
}

/* Too large for a stack. */
struct sum {
	uint64_t sum, more[15];
};

static const struct sum none;

static void plus(void *left, const void *right, void *context)
{
	(void)context;
	((struct sum *)left)->sum += ((const struct sum *)right)->sum;
}

static const struct skua_fold fold = { sizeof(none), &none, plus };

static int add(skua_here here, uint64_t begin, uint64_t end, void *value,
	       void *context)
{
	for (uint64_t i = begin; i < end; i++)
		((struct sum *)value)->sum += i;
	return visit_range(here, begin, end, context);
}

static int add_only(skua_here here, uint64_t begin, uint64_t end, void *value,
		    void *context)
{
	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		((struct sum *)value)->sum += i;
	return 0;
}

static int add_and_write(skua_here here, uint64_t begin, uint64_t end,
			 void *value, void *context)
{
	uint64_t *out = context;

	for (uint64_t i = begin; i < end; i++)
		out[i] = ((struct sum *)value)->sum += i;
	return visit_range(here, begin, end, NULL);
}

void scenario_loop(void)
{
	struct skua_pool *pool = fault_open(2);

	fault_begin();
	clear();
	expect_ran(skua_for(pool, 0, COUNT, visit_range, NULL), COUNT);
	fault_close(pool);
}

void scenario_reduce(void)
{
	struct skua_pool *pool = fault_open(2);
	struct sum total = { 1, { 0 } };
	int error;

	fault_begin();
	clear();
	error = skua_reduce(pool, 0, COUNT, &fold, add, NULL, &total);
	expect_ran(error, COUNT);
	EXPECT(total.sum == (error ? 1 : COUNT * (COUNT - 1) / 2));
	fault_close(pool);
}

void scenario_scan(void)
{
	static uint64_t out[COUNT];
	struct skua_pool *pool = fault_open(2);
	struct sum total = { 1, { 0 } };
	int error;

	fault_begin();
	clear();
	error = skua_scan(pool, 0, COUNT, &fold, add_only, add_and_write, out,
			  &total);
	expect_ran(error, COUNT);
	EXPECT(total.sum == (error ? 1 : COUNT * (COUNT - 1) / 2));
	for (uint64_t i = 0; i < COUNT; i++)
		EXPECT(out[i] == (error ? 0 : i * (i + 1) / 2));
	fault_close(pool);
}

/* ---- sorts ---- */

struct large {
	uint64_t key, place, more[10];
};

static int by_key(const void *a, const void *b, void *context)
{
	const struct large *x = a, *y = b;

	(void)context;
	return (x->key > y->key) - (x->key < y->key);
}

/* Sorted, each once; stable ones in their order; or as it was. */
static void sort_all(struct skua_pool *pool, bool stable)
{
	static struct large array[COUNT], before[COUNT];
	int error;

	clear();
	for (uint64_t i = 0; i < COUNT; i++)
		array[i] = (struct large){ i * 7919 % 101, i, { 0 } };
	memcpy(before, array, sizeof(array));
	error = (stable ? skua_stable_sort : skua_sort)(
		pool, array, COUNT, sizeof(*array), by_key, NULL);
	EXPECT(error == 0 || fault_shortage(error));
	EXPECT(!error || memcmp(before, array, sizeof(array)) == 0);
	for (int i = 0; !error && i < COUNT; i++) {
		EXPECT(atomic_fetch_add(&ran[array[i].place], 1) == 0);
		EXPECT(array[i].key == before[array[i].place].key);
		if (i == 0)
			continue;
		EXPECT(array[i - 1].key <= array[i].key);
		EXPECT(!stable || array[i - 1].key < array[i].key ||
		       array[i - 1].place < array[i].place);
	}
}

void scenario_sort(void)
{
	struct skua_pool *pool = fault_open(2);

	fault_begin();
	sort_all(pool, false);
	sort_all(pool, true);
	fault_close(pool);
}

/* ---- pipelines, invoke, groups ---- */

static int make(skua_here here, void **item, void *context)
{
	int *next = context;

	(void)here;
	if (*next == COUNT)
		return SKUA_ENONE;
	*item = &ran[(*next)++];
	return 0;
}

static int carry(skua_here here, void **item, void *context)
{
	(void)here;
	(void)context;
	visit((uint64_t)((atomic_int *)*item - ran));
	return 0;
}

void scenario_pipeline(void)
{
	struct skua_pool *pool = fault_open(2);
	int made = 0, ended = 0;
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make, &made, NULL },
		{ SKUA_STAGE_PARALLEL, carry, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, make, &ended, NULL },
	};
	int error;

	fault_begin();
	clear();
	error = skua_pipeline(pool, stages, 3, 0);
	expect_ran(error, COUNT);
	EXPECT(made == (error ? 0 : COUNT) && ended == made);
	fault_close(pool);
}

static int child(skua_here here, void *place)
{
	(void)here;
	visit((uint64_t)((atomic_int *)place - ran));
	return 0;
}

void scenario_invoke(void)
{
	struct skua_pool *pool = fault_open(2);

	fault_begin();
	for (int i = 0; i < 20; i++) {
		clear();
		expect_ran(skua_invoke(pool, child, &ran[0], child, &ran[1]),
			   2);
	}
	fault_close(pool);
}

/* Each child that was added runs, and no other. */
void scenario_group(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_group group;
	bool added[COUNT];

	EXPECT(skua_group_init(&group, pool) == 0);
	fault_begin();
	clear();
	for (int i = 0; i < COUNT; i++) {
		int error = skua_group_run(&group, child, &ran[i]);

		EXPECT(error == 0 || fault_shortage(error));
		added[i] = error == 0;
	}
	EXPECT(skua_group_wait(&group, SKUA_FOREVER) == 0);
	for (int i = 0; i < COUNT; i++)
		EXPECT(atomic_load(&ran[i]) == added[i]);
	EXPECT(skua_group_destroy(&group) == 0);
	fault_close(pool);
}
