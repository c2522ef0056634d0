/* SPDX-License-Identifier: MIT */
/*
 * test_reduce.c - reductions against a serial reference: sums, strings (which
 * do not commute), values of all sizes; the same bits where they are promised;
 * early ends, failures, memory that runs out.
 */
#include <limits.h>
#include <string.h>

#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

/* --- A value that tells of every mistake. --- */

/* A range: neighbours combine, and others show that they are none. */
struct span {
	uint64_t begin, end; /* both 0: the identity */
	bool broken;
};

static const struct span no_span;

static void join_spans(void *left, const void *right, void *context)
{
	struct span *a = left;
	const struct span *b = right;

	CHECK(context != NULL);
	a->broken |= b->broken;
	if (a->begin == a->end) {
		bool broken = a->broken;

		*a = *b;
		a->broken = broken;
	} else if (b->begin != b->end) {
		a->broken |= a->end != b->begin;
		a->end = b->end;
	}
}

static const struct skua_fold spans = { sizeof(struct span), &no_span,
					join_spans };

static int add_span(skua_here here, uint64_t begin, uint64_t end, void *value,
		    void *context)
{
	struct span next = { begin, end, false };

	CHECK(here && begin < end);
	join_spans(value, &next, context);
	return 0;
}

static const uint64_t counts[] = { 0,	 1,    2,    3,	   5,	 8,	16,
				   17,	 31,   64,   100,  511,	 512,	513,
				   1000, 1023, 1024, 1025, 4999, 100000 };
#define COUNTS (sizeof(counts) / sizeof(*counts))

static void check_span(const struct span *span, uint64_t begin, uint64_t count)
{
	CHECK(!span->broken && span->end - span->begin == count);
	CHECK(!count || span->begin == begin);
}

static void *spans_on(void *pool)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	struct span span;
	int dummy;

	options.deterministic = 1;
	for (size_t k = 0; k < COUNTS; k++) {
		uint64_t begin = k % 2 ? 7 : UINT64_MAX - counts[k];

		span.broken = true;
		CHECK(skua_reduce(pool, begin, begin + counts[k], &spans,
				  add_span, &dummy, &span) == 0);
		check_span(&span, begin, counts[k]);
		for (options.grain = 0; options.grain < 300;
		     options.grain = options.grain * 3 + 1) {
			span.broken = true;
			CHECK(skua_reduce_with(pool, begin, begin + counts[k],
					       &spans, add_span, &dummy, &span,
					       &options) == 0);
			check_span(&span, begin, counts[k]);
		}
	}
	return pool;
}

SKUA_TASK_VOID(spans_in, void *, context)
{
	struct span span = no_span;

	for (size_t k = 0; k < COUNTS; k++) {
		CHECK(skua_reduce_in(here, 3, 3 + counts[k], &spans, add_span,
				     context, &span) == 0);
		check_span(&span, 3, counts[k]);
	}
}

static void spans_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);
	struct skua_future *inside = submit(pool, spans_on, pool);
	struct skua_future *outside = submit(other, spans_on, pool);

	(void)workers;
	spans_on(pool);
	CHECK(spans_in_run(pool, pool) == 0);
	CHECK(take(inside) == pool && take(outside) == pool);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "values of neighbouring ranges are combined, the left one with the right
 * one", and each iteration is in it once */
Test(reduce, in_order_and_once, .timeout = LIMIT)
{
	with_pools(spans_body);
}

/* Slow enough at random places that halves are taken all over. */
static int dawdle(skua_here here, uint64_t begin, uint64_t end, void *value,
		  void *context)
{
	for (uint64_t i = begin; i < end; i++)
		if (i * UINT64_C(0x9e3779b97f4a7c15) >> 56 == 0)
			sched_yield();
		else if (i % 701 == 0)
			skua_yield();
	return add_span(here, begin, end, value, context);
}

static void halves_body(struct skua_pool *pool, unsigned workers)
{
	for (unsigned i = 0; i < SCALED(400); i++) {
		struct span span = no_span;

		CHECK(skua_reduce(pool, i, i + 3000, &spans, dawdle, &span,
				  &span) == 0);
		check_span(&span, i, 3000);
	}
	(void)workers;
}

Test(reduce, halves_of_halves, .timeout = LIMIT)
{
	with_pools(halves_body);
}

static void huge_body(struct skua_pool *pool, unsigned workers)
{
	struct span span = no_span;

	(void)workers;
	CHECK(skua_reduce(pool, 5, UINT64_C(1) << 45, &spans, add_span, &span,
			  &span) == 0);
	check_span(&span, 5, (UINT64_C(1) << 45) - 5);
}

Test(reduce, huge_range, .timeout = LIMIT)
{
	with_pools(huge_body);
}

/* --- The same bits. --- */

enum {
	FLOATS = 20000
};
static float floats[FLOATS];

static int add_floats(skua_here here, uint64_t begin, uint64_t end, void *value,
		      void *context)
{
	float sum = *(float *)value;

	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		sum += floats[i];
	*(float *)value = sum;
	return 0;
}

static void add_float(void *left, const void *right, void *context)
{
	(void)context;
	*(float *)left += *(const float *)right;
}

static const float zero;
static const struct skua_fold float_sum = { sizeof(float), &zero, add_float };

static uint64_t grain_of_bits;

static uint32_t bits_on(struct skua_pool *pool)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	float sum = 0;
	uint32_t bits;

	options.deterministic = 1;
	options.grain = grain_of_bits;
	CHECK(skua_reduce_with(pool, 0, FLOATS, &float_sum, add_floats, NULL,
			       &sum, &options) == 0);
	memcpy(&bits, &sum, sizeof(bits));
	return bits;
}

/* The same tree, by recursion. */
static float tree_sum(uint64_t from, uint64_t to, uint64_t grain)
{
	uint64_t middle = from + (to - from) / 2;
	float sum = 0;

	if (to - from > 1)
		return tree_sum(from, middle, grain) +
		       tree_sum(middle, to, grain);
	for (uint64_t i = from * grain; i < (from + 1) * grain && i < FLOATS;
	     i++)
		sum += floats[i];
	return sum;
}

static uint32_t expected_bits;

static void bits_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (unsigned i = 0; i < SCALED(100); i++)
		CHECK(bits_on(pool) == expected_bits);
}

/* "the same bits whatever the number of workers and whoever ran what" */
Test(reduce, same_bits, .timeout = LIMIT)
{
	uint64_t seed = test_seed(), random = seed;

	for (size_t i = 0; i < FLOATS; i++)
		floats[i] = (float)(int32_t)next_random(&random) * 1e-3F;
	for (grain_of_bits = 0; grain_of_bits < 500;
	     grain_of_bits = grain_of_bits * 7 + 1) {
		uint64_t grain = grain_of_bits ? grain_of_bits : FLOATS / 512;
		uint64_t leaves = (FLOATS + grain - 1) / grain;
		float sum = tree_sum(0, leaves, grain);

		memcpy(&expected_bits, &sum, sizeof(sum));
		with_pools(bits_body);
	}
	cr_assert(!atomic_load(&failed_check), "SKUA_TEST_SEED=%#llx",
		  (unsigned long long)seed);
}

/* --- Values of all sizes. --- */

enum {
	LARGEST = 5000
};
static size_t value_bytes;

/* Each byte counts. */
static void add_bytes(void *left, const void *right, void *context)
{
	unsigned char *a = left;
	const unsigned char *b = right;

	(void)context;
	for (size_t i = 0; i < value_bytes; i++)
		a[i] = (unsigned char)(a[i] + b[i]);
}

static int count_in_bytes(skua_here here, uint64_t begin, uint64_t end,
			  void *value, void *context)
{
	unsigned char *bytes = value;

	(void)here;
	(void)context;
	CHECK((uintptr_t)value % 64 == 0);
	for (uint64_t i = begin; i < end; i++)
		bytes[i % value_bytes]++;
	if (begin % 16 == 0)
		sched_yield();
	return 0;
}

static const unsigned char no_bytes[LARGEST];

static void sizes_on(struct skua_pool *pool, int deterministic)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	struct skua_fold fold = { value_bytes, no_bytes, add_bytes };
	static unsigned char result[LARGEST + 1];

	options.deterministic = deterministic;
	memset(result, 0xee, sizeof(result));
	CHECK(skua_reduce_with(pool, 0, 3 * value_bytes, &fold, count_in_bytes,
			       NULL, result, &options) == 0);
	for (size_t i = 0; i < value_bytes; i++)
		CHECK(result[i] == 3);
	CHECK(result[value_bytes] == 0xee);
}

static void sizes_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 1,  3,	8,   63,   64,
					65, 66, 128, 1000, LARGEST };

	(void)workers;
	for (size_t i = 0; i < 10; i++) {
		value_bytes = sizes[i];
		sizes_on(pool, 0);
		sizes_on(pool, 1);
	}
}

Test(reduce, values_of_all_sizes, .timeout = LIMIT)
{
	with_pools(sizes_body);
}

/* --- Ends, failures, arguments, memory. --- */

static int stop_at(skua_here here, uint64_t begin, uint64_t end, void *value,
		   void *context)
{
	uint64_t at = *(uint64_t *)context;

	add_span(here, begin, end, value, context);
	return at >= begin && at < end ? 21 : 0;
}

static int fail_at(skua_here here, uint64_t begin, uint64_t end, void *value,
		   void *context)
{
	uint64_t at = *(uint64_t *)context;

	if (at >= begin && at < end)
		skua_fail(4);
	return add_span(here, begin, end, value, context);
}

static void ends_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	struct span span = { 1, 2, true };

	(void)workers;
	for (uint64_t at = 0; at < 3000; at += 177) {
		options.deterministic = at % 2;
		CHECK(skua_reduce_with(pool, 0, 3000, &spans, stop_at, &at,
				       &span, &options) == 21);
		CHECK(skua_reduce_with(pool, 0, 3000, &spans, fail_at, &at,
				       &span, &options) == SKUA_EFAILED);
	}
	/* "written on success only" */
	CHECK(span.begin == 1 && span.end == 2 && span.broken);
}

Test(reduce, ends_and_failures, .timeout = LIMIT)
{
	with_pools(ends_body);
}

SKUA_TASK_VOID(invalid_in, void *, result)
{
	CHECK(skua_reduce_in(NULL, 0, 1, &spans, add_span, NULL, result) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce_in(here, 0, 1, NULL, add_span, NULL, result) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce_in(here, 0, 1, &spans, NULL, NULL, result) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce_in(here, 0, 1, &spans, add_span, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce_in(here, 1, 0, &spans, add_span, NULL, result) ==
	      SKUA_EINVAL);
}

Test(reduce, invalid_arguments, .timeout = LIMIT)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	struct skua_pool *pool = open_pool(2);
	struct skua_fold bad = spans;
	struct span span = { 1, 2, true };

	CHECK(skua_reduce(NULL, 0, 1, &spans, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce(pool, 0, 1, NULL, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce(pool, 0, 1, &spans, NULL, NULL, &span) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce(pool, 0, 1, &spans, add_span, NULL, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_reduce(pool, 1, 0, &spans, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	bad.bytes = 0;
	CHECK(skua_reduce(pool, 0, 1, &bad, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	bad = spans;
	bad.identity = NULL;
	CHECK(skua_reduce(pool, 0, 1, &bad, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	bad = spans;
	bad.combine = NULL;
	CHECK(skua_reduce(pool, 0, 1, &bad, add_span, NULL, &span) ==
	      SKUA_EINVAL);
	options.grain = 1;
	CHECK(skua_reduce_with(pool, 0, 1, &spans, add_span, NULL, &span,
			       &options) == SKUA_EINVAL);
	options.size = 1;
	CHECK(skua_reduce_with(pool, 0, 1, &spans, add_span, NULL, &span,
			       &options) == SKUA_EINVAL);
	CHECK(invalid_in_run(pool, &span) == 0);
	/* "so many that there is no memory": no object is as large, while of
	 * 32 bits' address space a third may well be had. */
	bad = spans;
	for (size_t bytes = SIZE_MAX; bytes > PTRDIFF_MAX; bytes -= bytes / 4) {
		bad.bytes = bytes;
		CHECK(skua_reduce(pool, 0, 1, &bad, add_span, NULL, &span) ==
		      SKUA_ENOMEM);
	}
	CHECK(span.begin == 1 && span.end == 2 && span.broken);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(2);
}

/* With each request for memory failing once, and all from there on. */
static void memory_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;
	struct skua_fold fold = { LARGEST, no_bytes, add_bytes };
	static unsigned char result[LARGEST];

	/* A thread that starts needs memory, too. */
	start_workers(pool, workers);
	value_bytes = LARGEST;
	for (unsigned i = 0; i < 40; i++) {
		int error;

		options.deterministic = i % 4 > 1;
		options.grain = options.deterministic ? 1000 : 0;
		result[0] = 0xee;
		memory_fail(i / 4, i % 2 ? 1 : UINT32_MAX / 2);
		error = skua_reduce_with(pool, 0, 2 * LARGEST, &fold,
					 count_in_bytes, NULL, result,
					 &options);
		memory_relent();
		CHECK(error == 0 || error == SKUA_ENOMEM);
		CHECK(result[0] == (error ? 0xee : 2));
		for (size_t k = 1; k < LARGEST && !error; k++)
			CHECK(result[k] == 2);
	}
}

/* "if there is no memory fewer do" */
Test(reduce, memory_runs_out, .timeout = LIMIT)
{
	with_pools(memory_body);
}
