/* SPDX-License-Identifier: MIT */
/*
 * test_sort_callback.c - comparisons that a sort must survive: those that
 * contradict themselves, that aim at the worst case, that fail, that wait.
 */
#include "sort_test.h"

typedef int sort_fn(struct skua_pool *, void *, size_t, size_t,
		    skua_sort_compare *, void *);
static sort_fn *const sorts[] = { skua_sort, skua_stable_sort };
static const size_t sizes[] = { 1, 4, 7, 8, 16, 40, 64, 72, 300 };
enum {
	SORTS = 2,
	SIZES = sizeof(sizes) / sizeof(*sizes)
};
static uint64_t seed;

/* --- Contradictions: another answer each time, or always the same. --- */

static _Atomic(uint64_t) answers;

static int at_random(const void *a, const void *b, void *context)
{
	uint64_t n = atomic_fetch_add(&answers, 1) + seed;

	(void)a;
	(void)b;
	(void)context;
	return (int)(next_random(&n) >> 40) % 3 - 1;
}

static int by_context(const void *a, const void *b, void *context)
{
	(void)a;
	(void)b;
	return *(int *)context;
}

/* A beats B, B beats C, C beats A. */
static int in_a_circle(const void *a, const void *b, void *context)
{
	(void)context;
	return (int)(((unsigned)*(const unsigned char *)a -
		      *(const unsigned char *)b) %
		     3) -
	       1;
}

static void contradict(struct skua_pool *pool, size_t count, size_t size,
		       uint64_t *random)
{
	static int constant[] = { -1, 0, 1 };
	struct array array = make_array(RANDOM, count, size, random);

	for (int k = 0; k < SORTS; k++) {
		CHECK(sorts[k](pool, array.base, count, size, at_random,
			       NULL) == 0);
		CHECK(is_permutation(&array));
		memcpy(array.base, array.first, count * size);
		CHECK(sorts[k](pool, array.base, count, size, in_a_circle,
			       NULL) == 0);
		CHECK(is_permutation(&array));
		for (int c = 0; c < 3; c++) {
			memcpy(array.base, array.first, count * size);
			CHECK(sorts[k](pool, array.base, count, size,
				       by_context, &constant[c]) == 0);
			CHECK(is_permutation(&array));
		}
	}
	free_array(&array);
}

static void contradictions_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;

	(void)workers;
	for (size_t k = 0; k < SIZES; k++) {
		for (size_t count = 1; count < 3000; count = count * 3 + k)
			contradict(pool, count, sizes[k], &random);
	}
	contradict(pool, SCALED(50000), 4, &random);
	contradict(pool, SCALED(50000), 24, &random);
}

/* Each element stays there once, and address sanitizers see to the rest. */
Test(sort_callback, contradictions, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(contradictions_body);
}

/* --- The worst case. --- */

/* How many comparisons are n log2(n) of them? */
static double comparisons_over(size_t count, uint64_t comparisons)
{
	double log = 0;

	for (size_t n = count; n > 1; n /= 2)
		log++;
	return (double)comparisons / (double)count / log;
}

/*
 * McIlroy, "A Killer Adversary for Quicksort", Software: Practice and
 * Experience 29(4), 1999. Values are decided as they are asked for: what is
 * compared with something else is made small as late as can be, so that a pivot
 * has hardly anything before it. Elements are indices. One worker.
 */
enum {
	ADVERSARY = 20000,
	GAS = ADVERSARY
};
static struct {
	uint32_t value[ADVERSARY];
	uint32_t solid;
	uint32_t candidate;
	uint64_t comparisons;
} adversary;

static int freeze(const void *a, const void *b, void *context)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	(void)context;
	adversary.comparisons++;
	if (adversary.value[x] == GAS && adversary.value[y] == GAS) {
		uint32_t frozen = x == adversary.candidate ? x : y;

		adversary.value[frozen] = adversary.solid++;
	}
	if (adversary.value[x] == GAS)
		adversary.candidate = x;
	else if (adversary.value[y] == GAS)
		adversary.candidate = y;
	return (adversary.value[x] > adversary.value[y]) -
	       (adversary.value[x] < adversary.value[y]);
}

static int by_value(const void *a, const void *b, void *comparisons)
{
	uint32_t x = adversary.value[*(const uint32_t *)a];
	uint32_t y = adversary.value[*(const uint32_t *)b];

	++*(uint64_t *)comparisons;
	return (x > y) - (x < y);
}

Test(sort_callback, killer_adversary, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	static uint32_t index[ADVERSARY];
	uint64_t again = 0;

	for (int k = 0; k < SORTS; k++) {
		adversary.solid = adversary.candidate = 0;
		adversary.comparisons = again = 0;
		for (uint32_t i = 0; i < ADVERSARY; i++) {
			index[i] = i;
			adversary.value[i] = GAS;
		}
		CHECK(sorts[k](pool, index, ADVERSARY, 4, freeze, NULL) == 0);
		CHECK(comparisons_over(ADVERSARY, adversary.comparisons) < 4);
		for (size_t i = 1; i < ADVERSARY; i++)
			CHECK(adversary.value[index[i - 1]] <=
			      adversary.value[index[i]]);
		/* The permutation that this has made, once more. */
		for (uint32_t i = 0; i < ADVERSARY; i++)
			index[i] = i;
		CHECK(sorts[k](pool, index, ADVERSARY, 4, by_value, &again) ==
		      0);
		CHECK(comparisons_over(ADVERSARY, again) < 4);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

struct counted {
	_Atomic(uint64_t) comparisons;
	size_t size;
};

static int count_and_compare(const void *a, const void *b, void *context)
{
	struct counted *counted = context;

	atomic_fetch_add_explicit(&counted->comparisons, 1,
				  memory_order_relaxed);
	return compare_keys(a, b, &counted->size);
}

static void count_body(struct skua_pool *pool, unsigned workers)
{
	const size_t count = SCALED(100000);
	uint64_t random = seed;

	(void)workers;
	for (int k = 0; k < SORTS * PATTERNS; k++) {
		enum pattern pattern = k / SORTS;
		struct array array = make_array(pattern, count, 8, &random);
		struct counted counted = { 0, 8 };
		double over;

		CHECK(sorts[k % SORTS](pool, array.base, count, 8,
				       count_and_compare, &counted) == 0);
		over = comparisons_over(count,
					atomic_load(&counted.comparisons));
		CHECK(over < 1.3);
		/* What is in order already costs a look. */
		CHECK((pattern != SORTED && pattern != REVERSED &&
		       pattern != EQUAL) ||
		      atomic_load(&counted.comparisons) < count + 100);
		CHECK((pattern != TWO_VALUES && pattern != FEW_VALUES) ||
		      k % SORTS || over < 0.5);
		free_array(&array);
	}
}

Test(sort_callback, comparisons, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(count_body);
}

/* --- Failures: the sort ends early, and nothing is lost. --- */

struct failing {
	_Atomic(int64_t) left; /* comparisons before it fails */
	_Atomic(uint64_t) after;
	size_t size;
};

static int fail_late(const void *a, const void *b, void *context)
{
	struct failing *failing = context;
	int64_t left = atomic_fetch_sub(&failing->left, 1);

	if (left == 0)
		(void)skua_fail(5);
	if (left < 0)
		atomic_fetch_add(&failing->after, 1);
	return compare_keys(a, b, &failing->size);
}

SKUA_TASK(int, fail_in, int, which, struct array *, array, struct failing *,
	  failing)
{
	int error = which ? skua_stable_sort_in(here, array->base, array->count,
						array->size, fail_late,
						failing) :
			    skua_sort_in(here, array->base, array->count,
					 array->size, fail_late, failing);

	CHECK(error == SKUA_EFAILED);
	return error;
}

static void fail_after(struct skua_pool *pool, unsigned workers, int64_t n,
		       size_t size, uint64_t *random)
{
	const size_t count = SCALED(30000);

	for (int k = 0; k < 2 * SORTS; k++) {
		struct array array =
			make_array(n ? RANDOM : SORTED, count, size, random);
		struct failing failing = { n, 0, size };

		CHECK((k < SORTS ? sorts[k](pool, array.base, count, size,
					    fail_late, &failing) :
				   fail_in_run(pool, NULL, k - SORTS, &array,
					       &failing)) == SKUA_EFAILED);
		CHECK(is_permutation(&array));
		/* No more than what each worker was at: at the most half a
		 * split, a merge, or a look at the order. */
		CHECK(atomic_load(&failing.after) <=
		      (uint64_t)workers * 2 * count);
		free_array(&array);
	}
}

static void failures_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;

	for (size_t k = 0; k < SIZES; k++) {
		fail_after(pool, workers, 0, sizes[k], &random);
		fail_after(pool, workers, 1000, sizes[k], &random);
		if (k % 3 == 1)
			fail_after(pool, workers, SCALED(200000), sizes[k],
				   &random);
	}
}

Test(sort_callback, failures, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(failures_body);
}

/* One that has failed before may sort all the same. */
SKUA_TASK(int, sort_failed, struct array *, array)
{
	(void)skua_fail(3);
	return skua_sort_in(here, array->base, array->count, array->size,
			    compare_keys, &array->size);
}

static void failed_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;
	struct array array = make_array(RANDOM, 10000, 4, &random);

	(void)workers;
	CHECK(sort_failed_run(pool, NULL, &array) == SKUA_EFAILED);
	CHECK(is_sorted(&array) && is_permutation(&array));
	free_array(&array);
}

Test(sort_callback, in_a_failed_task, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(failed_body);
}

/* --- A group that is cancelled meanwhile. --- */

struct cancelling {
	struct skua_pool *pool;
	struct skua_group group;
	_Atomic(int64_t) left; /* comparisons before that */
	struct array array;
	int way;
	int error;
};

static int cancel_late(const void *a, const void *b, void *context)
{
	struct cancelling *cancelling = context;

	if (atomic_fetch_sub(&cancelling->left, 1) == 0)
		CHECK(skua_group_cancel(&cancelling->group) == 0);
	return compare_keys(a, b, &cancelling->array.size);
}

static int sort_in_group(skua_here here, void *arg)
{
	struct cancelling *c = arg;
	struct array *array = &c->array;

	if (c->way < SORTS)
		c->error = sorts[c->way](c->pool, array->base, array->count,
					 array->size, cancel_late, c);
	else if (c->way == SORTS)
		c->error = skua_sort_in(here, array->base, array->count,
					array->size, cancel_late, c);
	else
		c->error = skua_stable_sort_in(here, array->base, array->count,
					       array->size, cancel_late, c);
	return 0;
}

static void cancel_after(struct skua_pool *pool, int64_t n, size_t size,
			 uint64_t *random)
{
	for (int way = 0; way < 2 * SORTS; way++) {
		static struct cancelling c;

		c = (struct cancelling){ .pool = pool, .way = way };
		c.array = make_array(n ? RANDOM : SORTED, SCALED(30000), size,
				     random);
		atomic_store(&c.left, n);
		CHECK(skua_group_init(&c.group, pool) == 0);
		CHECK(skua_group_run(&c.group, sort_in_group, &c) == 0);
		(void)skua_group_wait(&c.group, SKUA_FOREVER);
		CHECK(c.error == SKUA_ECANCELLED);
		CHECK(is_permutation(&c.array));
		CHECK(skua_group_destroy(&c.group) == 0);
		free_array(&c.array);
	}
}

static void cancelled_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;

	(void)workers;
	for (size_t k = 0; k < SIZES; k++) {
		cancel_after(pool, 0, sizes[k], &random);
		cancel_after(pool, 1000, sizes[k], &random);
		if (k % 3 == 1)
			cancel_after(pool, SCALED(200000), sizes[k], &random);
	}
}

Test(sort_callback, in_a_cancelled_group, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(cancelled_body);
}

/* --- Waits. --- */

struct patient {
	struct skua_pool *pool;
	_Atomic(unsigned) calls;
	size_t size;
};

static int wait_and_compare(const void *a, const void *b, void *context)
{
	struct patient *patient = context;
	unsigned call = atomic_fetch_add(&patient->calls, 1);

	if (call % 64 == 5)
		CHECK(take(submit(patient->pool, do_nothing, patient)) ==
		      patient);
	if (call % 64 == 6)
		skua_yield();
	if (call % 1024 == 7)
		CHECK(skua_sleep(1000) == 0);
	return compare_keys(a, b, &patient->size);
}

static void waits_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = seed;

	(void)workers;
	for (int k = 0; k < 2 * SORTS; k++) {
		struct patient patient = { pool, 0, k < SORTS ? 8 : 80 };
		struct array array = make_array(RANDOM, SCALED(20000),
						patient.size, &random);

		CHECK(sorts[k % SORTS](pool, array.base, array.count,
				       array.size, wait_and_compare,
				       &patient) == 0);
		CHECK(is_sorted(&array) && is_permutation(&array));
		free_array(&array);
	}
}

Test(sort_callback, waits, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(waits_body);
}
