/* SPDX-License-Identifier: MIT */
/*
 * test_sort.c - skua_sort() and skua_stable_sort(): patterns, counts and sizes
 * of elements, from threads and tasks, and what is refused.
 */
#include "sort_test.h"

static uint64_t seed;

static void sort_and_check(struct skua_pool *pool, enum pattern pattern,
			   size_t count, size_t size, uint64_t *random)
{
	struct array array = make_array(pattern, count, size, random);

	CHECK(skua_sort(pool, array.base, count, size, compare_keys, &size) ==
	      0);
	CHECK(is_sorted(&array));
	CHECK(is_permutation(&array));
	memcpy(array.base, array.first, count * size);
	CHECK(skua_stable_sort(pool, array.base, count, size, compare_keys,
			       &size) == 0);
	CHECK(size < 8 ? is_sorted(&array) : is_sorted_stable(&array));
	CHECK(is_permutation(&array));
	free_array(&array);
}

/* --- Small arrays of all counts, where leaves begin and end. --- */

static void counts_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 1, 4, 8, 12, 100 };
	uint64_t random = seed;

	(void)workers;
	for (size_t count = 0; count < SCALED(700); count++)
		sort_and_check(pool, count % PATTERNS, count, sizes[count % 5],
			       &random);
}

Test(sort, small_counts, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(counts_body);
}

/* --- All patterns in all sizes, and odd ones. --- */

static void sizes_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 1,  2,	3,  4,	5,  8,	 12,  16,
					24, 32, 63, 64, 65, 100, 256, 1000 };
	uint64_t random = seed;

	(void)workers;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		for (int pattern = 0; pattern < PATTERNS; pattern++)
			sort_and_check(pool, pattern, 300 + 37 * k, sizes[k],
				       &random);
	}
	sort_and_check(pool, RANDOM, SCALED(1000), 4096, &random);
	sort_and_check(pool, ORGAN_PIPE, 77, 5000, &random);
}

Test(sort, sizes_of_elements, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(sizes_body);
}

/* --- So many that splits, merges and runs are shared. --- */

static void patterns_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 4, 8, 24, 72 };
	uint64_t random = seed;

	(void)workers;
	for (int pattern = 0; pattern < PATTERNS; pattern++)
		sort_and_check(pool, pattern, SCALED(60001), sizes[pattern % 4],
			       &random);
	for (int k = 0; k < 4; k++)
		sort_and_check(pool, RANDOM, SCALED(60000), sizes[k], &random);
}

Test(sort, patterns, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(patterns_body);
}

static void random_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;

	for (int k = 0; k < 60; k++) {
		size_t size = next_random(&random) % 80 + 1;
		size_t count = next_random(&random) % SCALED(20000);

		sort_and_check(pool, next_random(&random) % PATTERNS, count,
			       size, &random);
		cr_assert(!atomic_load(&failed_check),
			  "%zu elements of %zu bytes, %u workers, "
			  "SKUA_TEST_SEED=%#llx",
			  count, size, workers, (unsigned long long)seed);
	}
}

/* Any count, size and pattern. */
Test(sort, random, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(random_body);
}

/* --- Addresses that no type would have. --- */

static void unaligned_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 2, 4, 8, 16, 40, 80 };
	uint64_t random = seed;

	(void)workers;
	for (int k = 0; k < 6; k++) {
		size_t size = sizes[k], count = 1001;
		struct array array = make_array(RANDOM, count, size, &random);
		unsigned char *odd = array.base + 1;

		memcpy(odd, array.first, count * size);
		CHECK(skua_sort(pool, odd, count, size, compare_keys, &size) ==
		      0);
		memmove(array.base, odd, count * size);
		CHECK(is_sorted(&array) && is_permutation(&array));
		memcpy(odd, array.first, count * size);
		CHECK(skua_stable_sort(pool, odd, count, size, compare_keys,
				       &size) == 0);
		memmove(array.base, odd, count * size);
		CHECK(is_sorted(&array) && is_permutation(&array));
		free_array(&array);
	}
}

Test(sort, unaligned, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(unaligned_body);
}

/* --- From tasks: of this pool, of another, several at once, as a part. --- */

struct request {
	struct skua_pool *pool;
	struct array array;
};

static void *sort_request(void *arg)
{
	struct request *request = arg;
	struct array *array = &request->array;

	CHECK(skua_sort(request->pool, array->base, array->count, array->size,
			compare_keys, &array->size) == 0);
	return arg;
}

SKUA_TASK(int, sort_both, struct array *, one, struct array *, other)
{
	int error = skua_sort_in(here, one->base, one->count, one->size,
				 compare_keys, &one->size);

	if (error)
		return error;
	return skua_stable_sort_in(here, other->base, other->count, other->size,
				   compare_keys, &other->size);
}

SKUA_TASK_VOID(sort_pairs, struct array *, arrays, int *, errors, int, pairs)
{
	for (int i = 0; i < pairs; i++)
		sort_both_fork(&here, arrays + 2 * i, arrays + 2 * i + 1);
	for (int i = pairs; i-- > 0;)
		errors[i] = sort_both_join(&here);
}

static void tasks_body(struct skua_pool *pool, unsigned workers)
{
	enum {
		REQUESTS = 6
	};
	struct skua_pool *other = open_pool(2);
	struct skua_future *future[REQUESTS];
	struct request request[REQUESTS];
	struct array arrays[REQUESTS];
	int errors[REQUESTS / 2];
	uint64_t random = seed;

	(void)workers;
	for (int i = 0; i < REQUESTS; i++) {
		request[i].pool = i % 2 ? pool : other;
		request[i].array =
			make_array(RANDOM, SCALED(40000), 8, &random);
		arrays[i] = make_array(RANDOM, SCALED(40000), 8, &random);
	}
	for (int i = 0; i < REQUESTS; i++)
		future[i] = submit(pool, sort_request, &request[i]);
	CHECK(sort_pairs_run(pool, arrays, errors, REQUESTS / 2) == 0);
	for (int i = 0; i < REQUESTS; i++) {
		CHECK(take(future[i]) == &request[i]);
		CHECK(is_sorted(&request[i].array));
		CHECK(is_permutation(&request[i].array));
		CHECK(errors[i / 2] == 0);
		CHECK(i % 2 ? is_sorted_stable(&arrays[i]) :
			      is_sorted(&arrays[i]));
		CHECK(is_permutation(&arrays[i]));
		free_array(&request[i].array);
		free_array(&arrays[i]);
	}
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

Test(sort, from_tasks, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(tasks_body);
}

/* --- What is refused. --- */

SKUA_TASK_VOID(refuse_in, int *, numbers, size_t *, size)
{
	CHECK(skua_sort_in(NULL, numbers, 3, 4, compare_keys, size) ==
	      SKUA_EINVAL);
	CHECK(skua_sort_in(here, NULL, 3, 4, compare_keys, size) ==
	      SKUA_EINVAL);
	CHECK(skua_sort_in(here, numbers, 3, 4, NULL, size) == SKUA_EINVAL);
	CHECK(skua_stable_sort_in(here, numbers, SIZE_MAX, 4, compare_keys,
				  size) == SKUA_EINVAL);
	CHECK(skua_stable_sort_in(here, NULL, 0, 4, compare_keys, size) == 0);
	CHECK(skua_sort_run_in_1(here, numbers, 3, NULL, NULL, 0) ==
	      SKUA_EINVAL);
}

static int never(const void *a, const void *b, void *context)
{
	(void)a;
	(void)b;
	(void)context;
	CHECK(!"called");
	return 0;
}

static void refused_body(struct skua_pool *pool, unsigned workers)
{
	static int (*const sorts[])(struct skua_pool *, void *, size_t, size_t,
				    skua_sort_compare *,
				    void *) = { skua_sort, skua_stable_sort };
	int numbers[] = { 3, 1, 2 };
	size_t size = sizeof(int);
	struct skua_pool *closed = open_pool(1);

	(void)workers;
	for (int k = 0; k < 2; k++) {
		CHECK(sorts[k](NULL, numbers, 3, 4, never, NULL) ==
		      SKUA_EINVAL);
		CHECK(sorts[k](pool, NULL, 3, 4, never, NULL) == SKUA_EINVAL);
		CHECK(sorts[k](pool, numbers, 3, 0, never, NULL) ==
		      SKUA_EINVAL);
		CHECK(sorts[k](pool, numbers, 3, 4, NULL, NULL) == SKUA_EINVAL);
		CHECK(sorts[k](pool, numbers, SIZE_MAX / 4 + 2, 4, never,
			       NULL) == SKUA_EINVAL);
		CHECK(sorts[k](pool, numbers, 2, SIZE_MAX, never, NULL) ==
		      SKUA_EINVAL);
		CHECK(sorts[k](pool, numbers, (size_t)PTRDIFF_MAX + 1, 1, never,
			       NULL) == SKUA_EINVAL);
		CHECK(sorts[k](pool, NULL, 0, 4, never, NULL) == 0);
		CHECK(sorts[k](pool, numbers, 1, 4, never, NULL) == 0);
		CHECK(sorts[k](pool, numbers, 0, 4, NULL, NULL) == SKUA_EINVAL);
	}
	CHECK(refuse_in_run(pool, numbers, &size) == 0);
	CHECK(skua_sort_run_1(pool, numbers, 3, NULL, NULL, 0) == SKUA_EINVAL);
	CHECK(skua_pool_shutdown(closed, SKUA_CLOSE_WAIT) == 0);
	for (int k = 0; k < 2; k++)
		CHECK(sorts[k](closed, numbers, 3, 4, never, NULL) ==
		      SKUA_ECLOSED);
	skua_pool_release(closed);
	CHECK(numbers[0] == 3 && numbers[1] == 1 && numbers[2] == 2);
}

Test(sort, refused, .timeout = LIMIT)
{
	with_pools(refused_body);
}
