/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - option structs of every size, out of range, from a newer
 * and from an older library.
 */
#include <string.h>

#include "sched_test.h"

static int open_with(const struct skua_pool_options *options)
{
	struct skua_pool *none = NULL, *pool = none;
	int error = skua_pool_open(&pool, options);

	if (error) {
		cr_assert(pool == none);
		return error;
	}
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(options ? options->workers : 0);
	return 0;
}

static struct skua_pool_options defaults(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;

	options.workers = 2;
	return options;
}

/* "NULL: all defaults" */
Test(options, none_at_all, .timeout = LIMIT)
{
	cr_assert_eq(open_with(NULL), 0);
}

Test(options, on_error_the_pool_is_untouched, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();
	struct skua_pool *pool = (struct skua_pool *)&options;

	options.workers = 1025;
	cr_assert_eq(skua_pool_open(&pool, &options), SKUA_EINVAL);
	cr_assert(pool == (struct skua_pool *)&options);
}

/* --- workers. --- */

/* "workers > 1024 is SKUA_EINVAL" */
Test(options, too_many_workers, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();

	options.workers = SKUA_WORKERS_MAX + 1;
	cr_assert_eq(SKUA_WORKERS_MAX, 1024);
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
	options.workers = 1u << 31;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
	options.workers = ~0u;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
}

/* 1024 are allowed; whether there are so many threads to be had is another
 * matter. */
Test(options, the_most_workers, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();
	int error;

	options.workers = FIBERS(SKUA_WORKERS_MAX);
	error = open_with(&options);
	cr_assert(error == 0 || error == SKUA_EAGAIN || error == SKUA_ENOMEM);
}

/* --- stack_bytes. --- */

Test(options, absurd_stacks, .timeout = LIMIT)
{
	static const size_t absurd[] = { SIZE_MAX, SIZE_MAX - 4095,
					 SIZE_MAX / 2 + 1, SIZE_MAX / 2 };
	struct skua_pool_options options = defaults();

	for (size_t i = 0; i < sizeof(absurd) / sizeof(*absurd); i++) {
		int error;

		options.stack_bytes = absurd[i];
		error = open_with(&options);
		cr_assert(error == SKUA_EINVAL || error == SKUA_ENOMEM,
			  "%zu: %d", absurd[i], error);
	}
}

static void *use_stack(void *bytes)
{
	volatile unsigned char room[8192];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(room); i++)
		CHECK(room[i] == (unsigned char)i);
	if ((size_t)bytes > 2 * sizeof(room))
		return use_stack(number((size_t)bytes - sizeof(room)));
	return NULL;
}

/* A task really may use most of what was asked for, whatever its size. */
Test(options, stacks_of_many_sizes, .timeout = LIMIT)
{
	static const size_t sizes[] = { 64 << 10, (64 << 10) + 1, 1 << 20,
					8 << 20, 64 << 20 };
	struct skua_pool_options options = defaults();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct skua_pool *pool = NULL;

		options.stack_bytes = sizes[i];
		CHECK(skua_pool_open(&pool, &options) == 0);
		CHECK(take(submit(pool, use_stack, number(sizes[i] / 4))) ==
		      NULL);
		CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
		settle(2);
	}
}

/* "rounded up to pages, at least 16 KiB" */
Test(options, the_smallest_stack_is_rounded_up, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();

	options.stack_bytes = 1;
	cr_assert_eq(open_with(&options), 0);
	options.stack_bytes = 4097;
	cr_assert_eq(open_with(&options), 0);
}

/* Every bound is one: test_bounded.c. */
Test(options, bounds, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();

	options.max_pending = 10;
	cr_assert_eq(open_with(&options), 0);
	options.max_pending = SIZE_MAX - 1;
	cr_assert_eq(open_with(&options), 0);
	options.max_pending = SKUA_NO_QUEUE;
	cr_assert_eq(open_with(&options), 0);
}

/* Every seed is fine. */
Test(options, seeds, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();

	options.seed = 1;
	cr_assert_eq(open_with(&options), 0);
	options.seed = UINT64_MAX;
	cr_assert_eq(open_with(&options), 0);
	options.seed = UINT64_C(1) << 63;
	cr_assert_eq(open_with(&options), 0);
}

/* --- Structs of another size. --- */

/* As a newer header would have it. */
struct newer {
	struct skua_pool_options known;
	uint64_t tail[8];
};

/* "longer: accepted if the tail is zero"; "option structs with a non-zero
 * unknown tail: an error code" */
Test(options, a_longer_struct_is_accepted_if_its_tail_is_zero, .timeout = LIMIT)
{
	struct newer newer = { .known = defaults() };

	newer.known.size = sizeof(newer);
	cr_assert_eq(open_with(&newer.known), 0);
	for (size_t i = 0; i < sizeof(newer.tail); i++) {
		((unsigned char *)newer.tail)[i] = 1;
		cr_assert_eq(open_with(&newer.known), SKUA_EINVAL);
		((unsigned char *)newer.tail)[i] = 0;
	}
	newer.known.size = sizeof(newer.known);
	newer.tail[0] = 1;
	cr_assert_eq(open_with(&newer.known), 0);
}

/* "Shorter than ours: the rest are defaults" whatever stands there. */
Test(options, a_shorter_struct_means_defaults_for_the_rest, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();
	struct skua_pool *pool = NULL;

	memset((char *)&options + offsetof(struct skua_pool_options, name),
	       0xff,
	       sizeof(options) - offsetof(struct skua_pool_options, name));
	options.size = offsetof(struct skua_pool_options, name);
	cr_assert_eq(open_with(&options), 0);
	CHECK(skua_pool_open(&pool, &options) == 0);
	cr_assert_eq(skua_pool_workers(pool), 2);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	options.workers = ~0u;
	options.size = sizeof(options.size);
	cr_assert_eq(open_with(&options), 0);
	settle(2);
}

/* A struct that ends before its own size does, or nowhere. */
Test(options, absurd_struct_sizes, .timeout = LIMIT)
{
	struct skua_pool_options options = defaults();

	options.size = 0;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
	options.size = sizeof(options.size) - 1;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
	options.size = SIZE_MAX;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
	options.size = SIZE_MAX / 2;
	cr_assert_eq(open_with(&options), SKUA_EINVAL);
}

/* --- Of a submit. --- */

static int submit_options(struct skua_pool *pool,
			  const struct skua_submit_options *options)
{
	struct skua_future *future = NULL;
	int error = skua_submit_with(pool, do_nothing, pool, options, &future);

	if (error)
		CHECK(future == NULL);
	else
		CHECK(take(future) == pool);
	return error;
}

struct newer_submit {
	struct skua_submit_options known;
	uint64_t tail[4];
};

static void submit_body(struct skua_pool *pool, unsigned workers)
{
	struct newer_submit newer = { .known = SKUA_SUBMIT_OPTIONS };

	(void)workers;
	CHECK(submit_options(pool, NULL) == 0);
	CHECK(submit_options(pool, &newer.known) == 0);
	newer.known.size = sizeof(newer);
	CHECK(submit_options(pool, &newer.known) == 0);
	newer.tail[3] = 1;
	CHECK(submit_options(pool, &newer.known) == SKUA_EINVAL);
	newer.known.size = sizeof(newer.known);
	CHECK(submit_options(pool, &newer.known) == 0);
	memset(&newer.known.drop_arg, 0xff,
	       sizeof(newer.known) -
		       offsetof(struct skua_submit_options, drop_arg));
	newer.known.size = offsetof(struct skua_submit_options, drop_arg);
	CHECK(submit_options(pool, &newer.known) == 0);
	newer.known.size = sizeof(newer.known.size);
	CHECK(submit_options(pool, &newer.known) == 0);
	newer.known.size = 0;
	CHECK(submit_options(pool, &newer.known) == SKUA_EINVAL);
	newer.known.size = SIZE_MAX;
	CHECK(submit_options(pool, &newer.known) == SKUA_EINVAL);
}

/* The same rules, and NULL, for the options of a submit. */
Test(options, of_a_submit, .timeout = LIMIT)
{
	with_pools(submit_body);
}

static void timeouts_body(struct skua_pool *pool, unsigned workers)
{
	static const int64_t timeouts[] = { 0, 1, -1, INT64_MIN, INT64_MAX };
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	(void)workers;
	options.name = "a name";
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(*timeouts); i++) {
		options.timeout_ns = timeouts[i];
		CHECK(submit_options(pool, &options) == 0);
	}
}

/* There is always room in an unbounded pool. */
Test(options, timeouts_and_names_of_a_submit, .timeout = LIMIT)
{
	with_pools(timeouts_body);
}
