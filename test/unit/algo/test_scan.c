/* SPDX-License-Identifier: MIT */
/*
 * test_scan.c - scans against a serial reference: inclusive and exclusive, an
 * operation that does not commute, values of all sizes; O(n) work; the same
 * bits where they are promised; ends, failures, memory that runs out.
 */
#include <string.h>

#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

enum {
	MOST = 100000
};

/* x -> a * x + b over the integers modulo 2^32: composing two of them is
 * associative, and the order matters. */
struct map {
	uint32_t a, b;
};

struct arrays {
	const uint32_t *in;
	uint32_t *out;
	bool exclusive;
	uint64_t begin;
	atomic_ulong folded, written;
};

static uint32_t input[MOST], output[MOST], expected[MOST];
static uint32_t total_a, total_b;
static struct arrays arrays;

static void then(uint32_t *a, uint32_t *b, uint32_t a2, uint32_t b2)
{
	*a *= a2;
	*b = *b * a2 + b2;
}

static void combine(void *left, const void *right, void *context)
{
	struct map *l = left;
	const struct map *r = right;

	CHECK(context == &arrays);
	then(&l->a, &l->b, r->a, r->b);
}

static void step(struct map *value, uint32_t item)
{
	then(&value->a, &value->b, item | 1, item >> 7);
}

static int fold(skua_here here, uint64_t begin, uint64_t end, void *value,
		void *context)
{
	struct arrays *a = context;

	CHECK(here && begin < end);
	for (uint64_t i = begin; i < end; i++)
		step(value, a->in[i - a->begin]);
	atomic_fetch_add(&a->folded, end - begin);
	return 0;
}

static int write_all(skua_here here, uint64_t begin, uint64_t end, void *value,
		     void *context)
{
	struct arrays *a = context;
	struct map *map = value;

	CHECK(here && begin < end);
	for (uint64_t i = begin; i < end; i++) {
		if (a->exclusive)
			a->out[i - a->begin] = map->b;
		step(map, a->in[i - a->begin]);
		if (!a->exclusive)
			a->out[i - a->begin] = map->b;
	}
	atomic_fetch_add(&a->written, end - begin);
	return 0;
}

static void prepare(uint64_t *random, uint64_t begin, size_t count,
		    bool exclusive)
{
	struct map map = { 1, 0 };

	for (size_t i = 0; i < count; i++) {
		input[i] = (uint32_t)next_random(random);
		if (exclusive)
			expected[i] = map.b;
		step(&map, input[i]);
		if (!exclusive)
			expected[i] = map.b;
	}
	total_a = map.a;
	total_b = map.b;
	memset(output, 0xee, sizeof(output));
	arrays.in = input;
	arrays.out = output;
	arrays.exclusive = exclusive;
	arrays.begin = begin;
	atomic_store(&arrays.folded, 0);
	atomic_store(&arrays.written, 0);
}

static const struct {
	struct map map;
	unsigned char filler[1000];
} identity = { .map = { 1, 0 } };

static void check(size_t count, const struct map *total, bool deterministic)
{
	CHECK(!memcmp(output, expected, count * sizeof(*output)));
	CHECK(count == MOST || output[count] == 0xeeeeeeee);
	CHECK(total->a == total_a && total->b == total_b);
	/* "each iteration is folded once at most and written once" */
	CHECK(atomic_load(&arrays.written) == count);
	CHECK(atomic_load(&arrays.folded) <= count);
	CHECK(!deterministic || atomic_load(&arrays.folded) == count);
}

static void scan_on(struct skua_pool *pool, uint64_t *random, size_t count,
		    size_t bytes, const struct skua_scan_options *options)
{
	struct skua_fold type = { bytes, &identity, combine };
	uint64_t begin = count % 2 ? 0 : UINT64_MAX - count;
	union {
		struct map map;
		unsigned char room[1024];
	} total;

	prepare(random, begin, count, next_random(random) >> 63);
	CHECK(skua_scan_with(pool, begin, begin + count, &type, fold, write_all,
			     &arrays, &total, options) == 0);
	check(count, &total.map, options->deterministic);
}

static void all_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t counts[] = { 0,    1,    2,	   3,	  10,	31,
					 32,   33,   100,  1000,  1023, 1024,
					 1025, 4097, 9999, 50001, MOST };
	static const size_t sizes[] = { 8, 64, 65, 1000 };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;
	uint64_t seed = test_seed(), random = seed;

	(void)workers;
	for (size_t k = 0; k < 17; k++)
		for (unsigned i = 0; i < 12; i++) {
			options.deterministic = i % 2;
			options.grain = i < 4 ? 0 :
						1 + next_random(&random) % 500;
			scan_on(pool, &random, counts[k], sizes[i % 4],
				&options);
		}
	cr_assert(!atomic_load(&failed_check), "SKUA_TEST_SEED=%#llx",
		  (unsigned long long)seed);
}

/* "for all workers, the reference's values" */
Test(scan, as_a_serial_one, .timeout = LIMIT)
{
	with_pools(all_body);
}

SKUA_TASK(int, scan_inside, size_t, count)
{
	struct skua_fold type = { sizeof(struct map), &identity, combine };

	return skua_scan_in(here, arrays.begin, arrays.begin + count, &type,
			    fold, write_all, &arrays, NULL);
}

static void inside_body(struct skua_pool *pool, unsigned workers)
{
	uint64_t random = test_seed();
	int answer = -1;

	(void)workers;
	prepare(&random, 0, 5000, true);
	CHECK(scan_inside_run(pool, &answer, 5000) == 0 && answer == 0);
	CHECK(!memcmp(output, expected, 5000 * sizeof(*output)));
}

Test(scan, in_a_task, .timeout = LIMIT)
{
	with_pools(inside_body);
}

/* Blocks take different times, so that the baton is left everywhere. */
static int dawdling_fold(skua_here here, uint64_t begin, uint64_t end,
			 void *value, void *context)
{
	if (begin % 5 == 0)
		sched_yield();
	if (begin % 31 == 0)
		skua_yield();
	return fold(here, begin, end, value, context);
}

static int dawdling_write(skua_here here, uint64_t begin, uint64_t end,
			  void *value, void *context)
{
	if (begin % 3 == 0)
		sched_yield();
	if (begin % 29 == 0)
		skua_yield();
	return write_all(here, begin, end, value, context);
}

static void baton_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_fold type = { sizeof(struct map), &identity, combine };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;
	uint64_t random = test_seed();

	(void)workers;
	for (unsigned i = 0; i < SCALED(200); i++) {
		struct map total;

		options.grain = 1 + i % 7;
		prepare(&random, 0, 1000, i % 2);
		CHECK(skua_scan_with(pool, 0, 1000, &type, dawdling_fold,
				     dawdling_write, &arrays, &total,
				     &options) == 0);
		check(1000, &total, false);
	}
}

Test(scan, baton_is_never_lost, .timeout = LIMIT)
{
	with_pools(baton_body);
}

/* --- The same bits. --- */

static float floats[MOST], sums[MOST];
static uint64_t first_hash;

static void add_float(void *left, const void *right, void *context)
{
	(void)context;
	*(float *)left += *(const float *)right;
}

static int add_floats(skua_here here, uint64_t begin, uint64_t end, void *value,
		      void *context)
{
	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		*(float *)value += floats[i];
	return 0;
}

static int write_floats(skua_here here, uint64_t begin, uint64_t end,
			void *value, void *context)
{
	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		sums[i] = *(float *)value += floats[i];
	return 0;
}

static void bits_body(struct skua_pool *pool, unsigned workers)
{
	static const float zero;
	static const struct skua_fold type = { sizeof(float), &zero,
					       add_float };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;

	(void)workers;
	options.deterministic = 1;
	for (unsigned round = 0; round < 10; round++) {
		uint64_t hash = 14695981039346656037U;
		uint32_t bits;

		CHECK(skua_scan_with(pool, 0, MOST, &type, add_floats,
				     write_floats, NULL, NULL, &options) == 0);
		for (size_t i = 0; i < MOST; i++) {
			memcpy(&bits, &sums[i], sizeof(bits));
			hash = (hash ^ bits) * UINT64_C(1099511628211);
		}
		if (!first_hash)
			first_hash = hash;
		CHECK(hash == first_hash);
	}
}

/* "the same bits whatever the number of workers and whoever ran what" */
Test(scan, same_bits, .timeout = LIMIT)
{
	uint64_t seed = test_seed(), random = seed;

	for (size_t i = 0; i < MOST; i++)
		floats[i] = (float)(int32_t)next_random(&random) * 1e-3F;
	with_pools(bits_body);
	cr_assert(!atomic_load(&failed_check), "SKUA_TEST_SEED=%#llx",
		  (unsigned long long)seed);
}

/* --- Ends, failures, arguments, memory. --- */

static uint64_t stop_at;

static int stop_in_write(skua_here here, uint64_t begin, uint64_t end,
			 void *value, void *context)
{
	write_all(here, begin, end, value, context);
	return stop_at >= begin && stop_at < end ? 31 : 0;
}

static int fail_in_write(skua_here here, uint64_t begin, uint64_t end,
			 void *value, void *context)
{
	if (stop_at >= begin && stop_at < end)
		skua_fail(2);
	return write_all(here, begin, end, value, context);
}

static int stop_in_fold(skua_here here, uint64_t begin, uint64_t end,
			void *value, void *context)
{
	fold(here, begin, end, value, context);
	return stop_at >= begin && stop_at < end ? 32 : 0;
}

static void ends_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_fold type = { sizeof(struct map), &identity, combine };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;
	struct map total = { 5, 6 };
	uint64_t random = test_seed();

	(void)workers;
	prepare(&random, 0, 3000, false);
	for (stop_at = 0; stop_at < 3000; stop_at += 177) {
		options.deterministic = stop_at % 2;
		CHECK(skua_scan_with(pool, 0, 3000, &type, fold, stop_in_write,
				     &arrays, &total, &options) == 31);
		CHECK(skua_scan_with(pool, 0, 3000, &type, fold, fail_in_write,
				     &arrays, &total,
				     &options) == SKUA_EFAILED);
		options.deterministic = 1;
		CHECK(skua_scan_with(pool, 0, 3000, &type, stop_in_fold,
				     write_all, &arrays, &total,
				     &options) == 32);
	}
	CHECK(total.a == 5 && total.b == 6);
}

Test(scan, ends_and_failures, .timeout = LIMIT)
{
	with_pools(ends_body);
}

SKUA_TASK_VOID(invalid_in, const struct skua_fold *, type)
{
	CHECK(skua_scan_in(NULL, 0, 1, type, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan_in(here, 0, 1, NULL, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan_in(here, 0, 1, type, NULL, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan_in(here, 0, 1, type, fold, NULL, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan_in(here, 1, 0, type, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan_in(here, 1, 1, type, fold, write_all, NULL, NULL) == 0);
}

Test(scan, invalid_arguments, .timeout = LIMIT)
{
	struct skua_fold type = { sizeof(struct map), &identity, combine };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;
	struct skua_pool *pool = open_pool(2);
	struct skua_fold bad = type;

	CHECK(skua_scan(NULL, 0, 1, &type, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan(pool, 0, 1, NULL, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_scan(pool, 1, 0, &type, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	bad.bytes = 0;
	CHECK(skua_scan(pool, 0, 1, &bad, fold, write_all, NULL, NULL) ==
	      SKUA_EINVAL);
	bad.bytes = SIZE_MAX;
	CHECK(skua_scan(pool, 0, 1, &bad, fold, write_all, NULL, NULL) ==
	      SKUA_ENOMEM);
	options.grain = 1;
	CHECK(skua_scan_with(pool, 0, UINT64_C(1) << 32, &type, fold, write_all,
			     NULL, NULL, &options) == SKUA_EINVAL);
	options.size = 2;
	CHECK(skua_scan_with(pool, 0, 1, &type, fold, write_all, NULL, NULL,
			     &options) == SKUA_EINVAL);
	CHECK(invalid_in_run(pool, &type) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(2);
}

static void memory_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_fold type = { 1000, &identity, combine };
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;
	uint64_t random = test_seed();
	union {
		struct map map;
		unsigned char room[1024];
	} total;

#ifdef SKI_TINY
	/* A fork has no way to say that memory ran out, and a helper for each
	 * worker does not fit one segment there. */
	if (workers > 8)
		return;
#endif
	/* A thread that starts needs memory, too. */
	start_workers(pool, workers);
	for (unsigned i = 0; i < 24; i++) {
		int error;

		options.deterministic = i % 4 > 1;
		prepare(&random, 0, 3000, false);
		total.map.a = total.map.b = 77;
		memory_fail(i / 4, i % 2 ? 1 : UINT32_MAX / 2);
		error = skua_scan_with(pool, 0, 3000, &type, fold, write_all,
				       &arrays, &total, &options);
		memory_relent();
		CHECK(error == 0 || error == SKUA_ENOMEM);
		if (error)
			CHECK(total.map.a == 77 && total.map.b == 77);
		else
			check(3000, &total.map, options.deterministic);
	}
}

/* "if there is none, the calling task does all of it by itself" */
Test(scan, memory_runs_out, .timeout = LIMIT)
{
	with_pools(memory_body);
}

/* --- Huge. --- */

static void add_counts(void *left, const void *right, void *context)
{
	(void)context;
	*(uint64_t *)left += *(const uint64_t *)right;
}

static int count_all(skua_here here, uint64_t begin, uint64_t end, void *value,
		     void *context)
{
	(void)here;
	(void)context;
	*(uint64_t *)value += end - begin;
	return 0;
}

static int check_count(skua_here here, uint64_t begin, uint64_t end,
		       void *value, void *context)
{
	(void)here;
	(void)context;
	CHECK(*(uint64_t *)value == begin);
	*(uint64_t *)value += end - begin;
	return 0;
}

static void huge_body(struct skua_pool *pool, unsigned workers)
{
	static const uint64_t none;
	struct skua_fold type = { sizeof(none), &none, add_counts };
	uint64_t total = 1;

	(void)workers;
	CHECK(skua_scan(pool, 0, UINT64_MAX, &type, count_all, check_count,
			NULL, &total) == 0);
	CHECK(total == UINT64_MAX);
}

Test(scan, huge_range, .timeout = LIMIT)
{
	with_pools(huge_body);
}
