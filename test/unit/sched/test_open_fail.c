/* SPDX-License-Identifier: MIT */
/*
 * test_open_fail.c - opening a pool when the system gives no thread for the
 * n-th worker: an error, and nothing is left behind.
 *
 * This program's own pthread_create stands before libc's and fails on demand,
 * since no limit of the system binds root.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>

#include "../../support/threads.h"
#include "sched_test.h"

/* See test_lock_free.c. */
extern int __interceptor_pthread_create(pthread_t *, const pthread_attr_t *,
					void *(*)(void *), void *)
	__attribute__((weak));

/* Creations still allowed before one fails; below zero: all. */
static atomic_int allowed = -1;
static atomic_int fail_with = EAGAIN;
static atomic_uint created, failed;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*fn)(void *), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *) = __interceptor_pthread_create;

	if (atomic_load(&allowed) >= 0 && atomic_fetch_sub(&allowed, 1) == 0) {
		atomic_store(&allowed, -1);
		atomic_fetch_add(&failed, 1);
		return atomic_load(&fail_with);
	}
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	atomic_fetch_add(&created, 1);
	return next(thread, attr, fn, arg);
}

/* What the program has of malloc; 0 with a C library that does not say. */
static size_t heap_bytes(void)
{
#ifdef __GLIBC__
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

static unsigned open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	cr_assert(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static unsigned mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned count = 0;
	int c;

	cr_assert(maps != NULL);
	while ((c = getc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

/* A sanitizer starts a thread of its own beside the first of ours. */
static unsigned threads_now(void)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	return threads_of_process();
}

/* Opens a pool whose @nth worker is not to be had. */
static int open_failing(unsigned workers, unsigned nth, int error)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *none = NULL;
	unsigned threads = threads_now();
	int result;

	options.workers = workers;
	atomic_store(&failed, 0);
	atomic_store(&fail_with, error);
	atomic_store(&allowed, (int)nth);
	result = skua_pool_open(&none, &options);
	atomic_store(&allowed, -1);
	cr_assert_eq(atomic_load(&failed), 1);
	cr_assert_null(none);
	/* The kernel lets go of a joined thread's entry a moment later. */
	while (threads_of_process() > threads)
		sched_yield();
	return result;
}

static void fail_each(unsigned workers)
{
	for (unsigned nth = 0; nth < workers; nth++)
		cr_assert_eq(open_failing(workers, nth, EAGAIN), SKUA_EAGAIN);
}

static void works(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);

	for (uintptr_t i = 0; i < 100; i++)
		CHECK(take(submit(pool, do_nothing, number(i))) == number(i));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(workers);
}

static void each_body(unsigned workers)
{
	works(workers);
	fail_each(workers);
	works(workers);
}

/* "Opening with thread creation failing at the n-th worker: an error" */
Test(open_fail, at_the_nth_worker_is_an_error_code, .timeout = LIMIT)
{
	with_workers(each_body);
}

static void leak_body(unsigned workers)
{
	unsigned rounds = 1 + 32 / workers, opens = rounds * workers;
	unsigned files, maps;
	size_t bytes;

	/* As often as below: until malloc's caches for this are full. */
	works(workers);
	for (unsigned i = 0; i < rounds; i++)
		fail_each(workers);
	files = open_files();
	maps = mappings();
	bytes = heap_bytes();
	for (unsigned i = 0; i < rounds; i++)
		fail_each(workers);
	cr_assert_eq(open_files(), files);
	(void)maps;
	/* One lost at each open would be more than this, which leaves the
	 * allocator a little room. (TSan keeps what it maps for threads.) */
#ifndef UNDER_TSAN
	cr_assert(mappings() < maps + opens, "%u more mappings, %u workers",
		  mappings() - maps, workers);
#endif
	/* As would the smallest block. 0 of 0 under a sanitizer, which looks
	 * for leaks itself. */
	cr_assert(heap_bytes() < bytes + 16 * (size_t)opens,
		  "%zu bytes more, %u workers", heap_bytes() - bytes, workers);
}

/* "[…] and no leak": no thread, file, mapping or block more than after the
 * first failures. */
Test(open_fail, leaves_nothing_behind, .timeout = LIMIT)
{
	with_workers(leak_body);
}

/* Whatever the reason, it is one of the two codes that the header names. */
Test(open_fail, for_other_reasons, .timeout = LIMIT)
{
	int error = open_failing(2, 1, ENOMEM);

	cr_assert(error == SKUA_EAGAIN || error == SKUA_ENOMEM, "%d", error);
	error = open_failing(2, 0, EPERM);
	cr_assert(error == SKUA_EAGAIN || error == SKUA_ENOMEM, "%d", error);
	works(2);
}

/* The default pool cannot be opened, and can the next time. */
Test(open_fail, of_the_default_pool, .timeout = LIMIT)
{
	struct skua_pool *pool;

	atomic_store(&allowed, 0);
	cr_assert_null(skua_pool_default());
	atomic_store(&allowed, -1);
	pool = skua_pool_default();
	cr_assert_not_null(pool);
	cr_assert(take(submit(pool, do_nothing, pool)) == pool);
	settle(0);
}

/* A pool that is open does not notice that another was not. */
static void beside_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	gate_close(&keep);
	hold_workers(pool, &keep, workers);
	cr_assert_eq(open_failing(2, 1, EAGAIN), SKUA_EAGAIN);
	gate_open(&keep);
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
}

Test(open_fail, beside_a_pool_that_works, .timeout = LIMIT)
{
	with_pools(beside_body);
}
