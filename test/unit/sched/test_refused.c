/* SPDX-License-Identifier: MIT */
/*
 * test_refused.c - a submit that is overtaken by the whole end of the pool.
 *
 * This program's own aligned_alloc stands before libc's: in the midst of a
 * thread's first submit, which makes its guest's record, it shuts the pool down.
 */
#include <dlfcn.h>

#include "sched_test.h"

/* See test_lock_free.c. */
extern void *__interceptor_aligned_alloc(size_t align, size_t size)
	__attribute__((weak));

/* To be shut down by the next allocation of this thread. */
static _Thread_local struct skua_pool *doomed;

void *aligned_alloc(size_t align, size_t size)
{
	void *(*next)(size_t, size_t) = __interceptor_aligned_alloc;
	struct skua_pool *pool = doomed;

	doomed = NULL;
	if (pool)
		CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "aligned_alloc");
	return next(align, size);
}

static atomic_uint ran;

static void *run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void is_overtaken(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *future = NULL;

	doomed = pool;
	CHECK(skua_submit(pool, run, NULL, &future) == SKUA_ECLOSED);
	CHECK(doomed == NULL && future == NULL);
	CHECK(skua_pool_pending(pool) == 0);
	CHECK(skua_pool_running(pool) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&ran) == 0);
	settle(workers);
}

/* "Pending counts what was submitted": nothing that was refused, once the pool
 * has ended and no worker is left to meet it. */
Test(refused, is_not_pending_after_the_end, .timeout = LIMIT)
{
	is_overtaken(1);
	is_overtaken(8);
}
