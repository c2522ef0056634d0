/* SPDX-License-Identifier: MIT */
/* bounded_test.h - for the tests of bounded pools. */
#ifndef BOUNDED_TEST_H
#define BOUNDED_TEST_H

#include "sched_test.h"

static inline struct skua_pool *open_bounded(unsigned workers,
					     size_t max_pending)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = workers;
	options.max_pending = max_pending;
	options.stack_bytes = 256 << 10;
	CHECK(skua_pool_open(&pool, &options) == 0);
	settle(workers);
	return pool;
}

/* What a submit of one job with a timeout answers. */
static inline int submit_within(struct skua_pool *pool, skua_fn *fn, void *arg,
				int64_t timeout_ns, struct skua_future **out)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	options.timeout_ns = timeout_ns;
	return skua_submit_with(pool, fn, arg, &options, out);
}

static inline int try_submit(struct skua_pool *pool, skua_fn *fn, void *arg)
{
	return submit_within(pool, fn, arg, 0, NULL);
}

/* Jobs that do nothing, until there is no room. Returns how many. */
static inline size_t fill(struct skua_pool *pool)
{
	size_t n = 0;
	int error;

	while ((error = try_submit(pool, do_nothing, NULL)) == 0)
		n++;
	CHECK(error == SKUA_EFULL);
	return n;
}

static inline void close_pool(struct skua_pool *pool)
{
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(0);
}

static inline void *count_up(void *counter)
{
	atomic_fetch_add((atomic_size_t *)counter, 1);
	return counter;
}

#endif
