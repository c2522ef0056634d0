/* SPDX-License-Identifier: MIT */
/*
 * test_errno_tls.c - over every kind of wait a task keeps its thread, the
 * addresses of its thread-locals, its errno and the mutexes it owns.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched_test.h"

static _Thread_local int local;

/* Nothing here may be cached over a wait: that is what is being tested. */
__attribute__((noinline)) static void *address_of_local(void)
{
	__asm__ volatile("" ::: "memory");
	return &local;
}

__attribute__((noinline)) static int *address_of_errno(void)
{
	__asm__ volatile("" ::: "memory");
	return &errno;
}

struct place {
	pthread_t thread;
	long id;
	int worker;
	void *local_address;
	int *errno_address;
};

static struct place where(void)
{
	struct place place = { pthread_self(), syscall(SYS_gettid),
			       skua_worker(), address_of_local(),
			       address_of_errno() };

	return place;
}

static void is_same(struct place x, struct place y)
{
	CHECK(pthread_equal(x.thread, y.thread));
	CHECK(x.id == y.id);
	CHECK(x.worker == y.worker && x.worker >= 0);
	CHECK(x.local_address == y.local_address);
	CHECK(x.errno_address == y.errno_address);
}

/* Runs meanwhile on the same worker, and leaves another errno behind. */
static void *scribble(void *arg)
{
	*address_of_errno() = 1 + (int)(uintptr_t)arg % 100;
	*(int *)address_of_local() = -1;
	return arg;
}

static void *scribble_and_wait(void *arg)
{
	(void)scribble(arg);
	CHECK(take(submit(skua_pool_current(), scribble, arg)) == arg);
	CHECK(*address_of_errno() == 1 + (int)(uintptr_t)arg % 100);
	return arg;
}

SKUA_TASK(int, scribbling_child, int, n)
{
	(void)here;
	(void)scribble(number((uintptr_t)n));
	return n;
}

static atomic_uint stolen_children;

SKUA_TASK(int, stolen_child, int, n)
{
	(void)here;
	(void)scribble(number((uintptr_t)n));
	atomic_fetch_add(&stolen_children, 1);
	return n;
}

enum wait_kind {
	WAIT_RESULT,
	WAIT_TIMED,
	WAIT_SLEEP,
	WAIT_YIELD,
	WAIT_RUN,
	WAIT_KINDS
};

static void wait_once(enum wait_kind kind, uintptr_t n)
{
	struct skua_pool *pool = skua_pool_current();
	struct skua_future *future;
	int value = 0;

	switch (kind) {
	case WAIT_RESULT:
		(void)take(submit(pool, scribble_and_wait, number(n)));
		break;
	case WAIT_TIMED:
		future = submit(pool, scribble_and_wait, number(n));
		(void)skua_future_result(future, 1000, NULL);
		skua_future_release(future);
		break;
	case WAIT_SLEEP:
		(void)skua_sleep(1000);
		break;
	case WAIT_YIELD:
		(void)skua_submit(pool, scribble, number(n), NULL);
		skua_yield();
		break;
	default:
		(void)scribbling_child_run(pool, &value, (int)n);
		break;
	}
}

static void *wait_in_every_way(void *arg)
{
	struct place before = where();

	for (uintptr_t i = 0; i < 200; i++) {
		int mine = 200 + (int)i;

		*address_of_errno() = mine;
		wait_once((enum wait_kind)(i % WAIT_KINDS), i);
		CHECK(*address_of_errno() == mine);
		is_same(where(), before);
	}
	return arg;
}

static void every_way_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[20];

	(void)workers;
	for (size_t i = 0; i < 20; i++)
		tasks[i] = submit(pool, wait_in_every_way, number(i));
	for (size_t i = 0; i < 20; i++)
		CHECK(take(tasks[i]) == number(i));
}

/* "Addresses of thread-locals and the value of errno are the same before and
 * after a wait in a task, on the same OS thread." */
Test(errno_tls, are_the_same_before_and_after_a_wait, .timeout = LIMIT)
{
	with_pools(every_way_body);
}

/* The wait for a stolen child: the children all run while the parent yields,
 * and then again while it is suspended at a join. */
SKUA_TASK(int, join_stolen, int, n)
{
	struct place before = where();
	unsigned seen = atomic_load(&stolen_children);

	stolen_child_fork(&here, n);
	while (atomic_load(&stolen_children) == seen)
		skua_yield();
	is_same(where(), before);
	*address_of_errno() = 300;
	CHECK(stolen_child_join(&here) == n);
	CHECK(*address_of_errno() == 300 || *address_of_errno() == 1 + n % 100);
	is_same(where(), before);
	return n;
}

static void stolen_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (int i = 0; i < 100; i++) {
		int value = -1;

		CHECK(join_stolen_run(pool, &value, i) == 0);
		CHECK(value == i);
	}
}

Test(errno_tls, are_the_same_over_a_join, .timeout = LIMIT)
{
	with_pools(stolen_body);
}

/* --- Mutexes have owners. --- */

static void *lock_over_waits(void *mutex)
{
	for (uintptr_t i = 0; i < 20; i++) {
		CHECK(pthread_mutex_lock(mutex) == 0);
		wait_once((enum wait_kind)(i % WAIT_KINDS), i);
		CHECK(pthread_mutex_lock(mutex) == EDEADLK);
		CHECK(pthread_mutex_unlock(mutex) == 0);
	}
	return mutex;
}

static void mutex_body(struct skua_pool *pool, unsigned workers)
{
	pthread_mutex_t mutexes[20];
	struct skua_future *tasks[20];
	pthread_mutexattr_t checked;

	(void)workers;
	CHECK(pthread_mutexattr_init(&checked) == 0);
	CHECK(pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK) ==
	      0);
	for (size_t i = 0; i < 20; i++) {
		CHECK(pthread_mutex_init(&mutexes[i], &checked) == 0);
		tasks[i] = submit(pool, lock_over_waits, &mutexes[i]);
	}
	for (size_t i = 0; i < 20; i++) {
		CHECK(take(tasks[i]) == &mutexes[i]);
		CHECK(pthread_mutex_destroy(&mutexes[i]) == 0);
	}
	CHECK(pthread_mutexattr_destroy(&checked) == 0);
}

/* "thread-local objects and mutex ownership hold across waits": the mutexes
 * are of the kind that checks its owner, and each is one task's alone. */
Test(errno_tls, a_mutex_is_owned_over_waits, .timeout = LIMIT)
{
	with_pools(mutex_body);
}

/* --- Threads that wait. --- */

static void thread_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (uintptr_t i = 0; i < 100; i++) {
		struct skua_future *future;

		*address_of_errno() = 400;
		future = submit(pool, scribble_and_wait, number(i));
		CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
		CHECK(skua_future_result(future, 0, NULL) == 0);
		skua_future_release(future);
		CHECK(skua_sleep(1000) == 0);
		CHECK(*address_of_errno() == 400);
	}
}

/* No call of the library changes the errno of a plain thread either. */
Test(errno_tls, a_plain_threads_errno_is_left_alone, .timeout = LIMIT)
{
	with_pools(thread_body);
}
