/* SPDX-License-Identifier: MIT */
/*
 * test_sort_large.c - memory runs out: sorts that work in place go on, the
 * stable ones say so and have changed nothing.
 */
#include "sort_test.h"

#include "../core/failing_memory.h"

static uint64_t seed;

struct work {
	struct array *array;
	bool stable;
	int error;
};

/* In a task, so that only the sort asks for memory. */
SKUA_TASK_VOID(without_memory, struct work *, work, unsigned, allowed)
{
	struct array *array = work->array;

	memory_allow(allowed);
	work->error = work->stable ?
			      skua_stable_sort_in(here, array->base,
						  array->count, array->size,
						  compare_keys, &array->size) :
			      skua_sort_in(here, array->base, array->count,
					   array->size, compare_keys,
					   &array->size);
	(void)memory_relent();
}

static void try_with(struct skua_pool *pool, struct array *array,
		     unsigned allowed)
{
	struct work work = { array, false, 0 };
	size_t bytes = array->count * array->size;

	memcpy(array->base, array->first, bytes);
	CHECK(without_memory_run(pool, &work, allowed) == 0);
	CHECK(work.error == 0);
	CHECK(is_sorted(array) && is_permutation(array));

	memcpy(array->base, array->first, bytes);
	work.stable = true;
	CHECK(without_memory_run(pool, &work, allowed) == 0);
	if (work.error) {
		CHECK(work.error == SKUA_ENOMEM);
		CHECK(!memcmp(array->base, array->first, bytes));
	} else {
		CHECK(allowed);
		CHECK(is_sorted(array) && is_permutation(array));
	}
}

static void memory_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 1, 8, 24, 65, 100, 1000 };
	uint64_t random = seed;

	(void)workers;
	for (int k = 0; k < 6 * PATTERNS; k++) {
		struct array array;

		/* These need no memory. */
		if (k / 6 == SORTED || k / 6 == REVERSED || k / 6 == EQUAL)
			continue;
		array = make_array(k / 6, 12000 / (k % 6 + 1), sizes[k % 6],
				   &random);
		for (unsigned allowed = 0; allowed < 3; allowed++)
			try_with(pool, &array, allowed);
		free_array(&array);
	}
}

/* One worker: what others do may ask for memory too. */
Test(sort_large, without_memory, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	seed = test_seed();
	start_workers(pool, 1);
	memory_body(pool, 1);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}
