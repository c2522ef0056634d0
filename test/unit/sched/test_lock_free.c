/* SPDX-License-Identifier: MIT */
/*
 * test_lock_free.c - no lock on the way of a task: this program puts its own
 * functions before those of pthreads and counts what is called.
 *
 * While it counts, the test itself waits by atomics only. pthread_cond_wait is
 * not among them: dlsym finds an old version of it, and who calls it has taken
 * a mutex before.
 */
#include <dlfcn.h>
#include <sched.h>

#include "sched_test.h"

/* Declared by no header: where a sanitizer is linked statically, what dlsym
 * finds behind this program is libc's function, not the sanitizer's. */
#define BEHIND(name) __interceptor_##name
extern int BEHIND(pthread_mutex_lock)(pthread_mutex_t *) __attribute__((weak));
extern int BEHIND(pthread_mutex_trylock)(pthread_mutex_t *)
	__attribute__((weak));
extern int BEHIND(pthread_rwlock_rdlock)(pthread_rwlock_t *)
	__attribute__((weak));
extern int BEHIND(pthread_rwlock_wrlock)(pthread_rwlock_t *)
	__attribute__((weak));
extern int BEHIND(pthread_spin_lock)(pthread_spinlock_t *)
	__attribute__((weak));

static atomic_bool counting;
static atomic_size_t locks;

static void count_lock(void)
{
	if (atomic_load_explicit(&counting, memory_order_relaxed))
		atomic_fetch_add_explicit(&locks, 1, memory_order_relaxed);
}

/* dlsym's pointer to an object is one to a function, as POSIX has it. */
static void find(const char *name, void *function)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*next)(pthread_mutex_t *);

	count_lock();
	if (BEHIND(pthread_mutex_lock))
		return BEHIND(pthread_mutex_lock)(mutex);
	if (!next)
		find("pthread_mutex_lock", &next);
	return next(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	static int (*next)(pthread_mutex_t *);

	count_lock();
	if (BEHIND(pthread_mutex_trylock))
		return BEHIND(pthread_mutex_trylock)(mutex);
	if (!next)
		find("pthread_mutex_trylock", &next);
	return next(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	static int (*next)(pthread_rwlock_t *);

	count_lock();
	if (BEHIND(pthread_rwlock_rdlock))
		return BEHIND(pthread_rwlock_rdlock)(lock);
	if (!next)
		find("pthread_rwlock_rdlock", &next);
	return next(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	static int (*next)(pthread_rwlock_t *);

	count_lock();
	if (BEHIND(pthread_rwlock_wrlock))
		return BEHIND(pthread_rwlock_wrlock)(lock);
	if (!next)
		find("pthread_rwlock_wrlock", &next);
	return next(lock);
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
	static int (*next)(pthread_spinlock_t *);

	count_lock();
	if (BEHIND(pthread_spin_lock))
		return BEHIND(pthread_spin_lock)(lock);
	if (!next)
		find("pthread_spin_lock", &next);
	return next(lock);
}

/* --- What is counted. --- */

enum {
	WAVE = SCALED(20000),
	WAVES = 50
};

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void wave(struct skua_pool *pool, struct skua_future **futures,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		futures[i] = submit(pool, do_nothing, number(i));
	for (size_t i = 0; i < count; i++)
		CHECK(take(futures[i]) == number(i));
}

/* Submits and waits in a task: suspensions, resumptions, timers. */
static void *wave_inside(void *arg)
{
	struct skua_future *futures[100];
	struct skua_pool *pool = skua_pool_current();

	for (size_t i = 0; i < SCALED(1000); i++) {
		wave(pool, futures, 100);
		if (i % 20 == 0)
			CHECK(skua_sleep(1000) == 0);
		skua_yield();
	}
	return arg;
}

static void one_round(struct skua_pool *pool, struct skua_future **futures,
		      unsigned waves)
{
	struct skua_future *inside[4];
	long value = 0;

	for (size_t i = 0; i < 4; i++)
		inside[i] = submit(pool, wave_inside, number(i));
	for (unsigned i = 0; i < waves; i++)
		wave(pool, futures, WAVE);
	for (size_t i = 0; i < 4; i++)
		CHECK(take(inside[i]) == number(i));
	CHECK(fib_run(pool, &value, 20) == 0);
}

static void no_lock_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future **futures = calloc(WAVE, sizeof(*futures));

	start_workers(pool, workers);
	one_round(pool, futures, 2);
	atomic_store(&locks, 0);
	atomic_store(&counting, true);
	one_round(pool, futures, WAVES);
	atomic_store(&counting, false);
	cr_assert_eq(atomic_load(&locks), 0, "%zu locks, %u workers",
		     atomic_load(&locks), workers);
	free(futures);
}

/* "after a warm-up, a wrapped pthread_mutex_lock counts 0 over 10^6 submits
 * and results", and as many in tasks */
Test(lock_free, no_lock_from_submit_to_result, .timeout = LIMIT,
     .disabled = ONLY_POSIX)
{
	with_pools(no_lock_body);
}

/* The count is of what really happens: a lock taken by a task is seen. */
static pthread_mutex_t a_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *take_a_lock(void *arg)
{
	CHECK(pthread_mutex_lock(&a_mutex) == 0);
	CHECK(pthread_mutex_unlock(&a_mutex) == 0);
	return arg;
}

static void seen_body(struct skua_pool *pool, unsigned workers)
{
	start_workers(pool, workers);
	atomic_store(&locks, 0);
	atomic_store(&counting, true);
	CHECK(take(submit(pool, take_a_lock, pool)) == pool);
	atomic_store(&counting, false);
	cr_assert_eq(atomic_load(&locks), 1, "%zu locks", atomic_load(&locks));
}

Test(lock_free, a_lock_that_is_taken_is_counted, .timeout = LIMIT,
     .disabled = ONLY_POSIX)
{
	with_pools(seen_body);
}

/* --- Guests that come. --- */

static atomic_bool start;
static atomic_uint ready, finished;

static void *be_a_guest(void *pool)
{
	atomic_fetch_add(&ready, 1);
	while (!atomic_load(&start))
		sched_yield();
	for (uintptr_t i = 0; i < 1000; i++)
		CHECK(take(submit(pool, do_nothing, number(i))) == number(i));
	atomic_fetch_add(&finished, 1);
	return NULL;
}

static void guests_body(struct skua_pool *pool, unsigned workers)
{
	pthread_t threads[16];

	start_workers(pool, workers);
	atomic_store(&start, false);
	atomic_store(&ready, 0);
	atomic_store(&finished, 0);
	for (size_t i = 0; i < 16; i++)
		CHECK(pthread_create(&threads[i], NULL, be_a_guest, pool) == 0);
	while (atomic_load(&ready) < 16)
		sched_yield();
	atomic_store(&locks, 0);
	atomic_store(&counting, true);
	atomic_store(&start, true);
	while (atomic_load(&finished) < 16)
		sched_yield();
	atomic_store(&counting, false);
	for (size_t i = 0; i < 16; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	cr_assert_eq(atomic_load(&locks), 0, "%zu locks, %u workers",
		     atomic_load(&locks), workers);
}

/* "[…] are lock-free, and so is the registry": a thread's first submit takes
 * no lock either. */
Test(lock_free, no_lock_for_a_guest_that_comes, .timeout = LIMIT,
     .disabled = ONLY_POSIX)
{
	with_pools(guests_body);
}
