/* SPDX-License-Identifier: MIT */
/*
 * test_promise.c - promises: completed by hand, once; waited for, cancelled and
 * called back like any future; given up; and where their memory goes.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

#include "../core/failing_memory.h"

static struct skua_future *open_promise(void)
{
	struct skua_future *promise = NULL;

	CHECK(skua_promise_open(&promise) == 0);
	return promise;
}

static atomic_uint calls;

static void count_call(struct skua_future *future, void *context)
{
	CHECK(skua_future_done(future));
	if (context)
		CHECK(skua_future_result(future, 0, NULL) ==
		      (int)(intptr_t)context);
	atomic_fetch_add(&calls, 1);
}

/* --- Completed once. --- */

Test(promise, set_once, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise();
	void *result = &result;

	cr_assert(!skua_future_done(promise));
	cr_assert(!skua_future_running(promise));
	cr_assert_eq(skua_future_result(promise, 0, &result), SKUA_ETIMEDOUT);
	cr_assert_eq(skua_future_result(promise, 1000000, &result),
		     SKUA_ETIMEDOUT);
	cr_assert_eq(skua_promise_set(promise, number(5)), 0);
	cr_assert_eq(skua_promise_set(promise, number(6)), SKUA_EBUSY);
	cr_assert_eq(skua_promise_fail(promise, 6), SKUA_EBUSY);
	cr_assert_eq(skua_future_cancel(promise), SKUA_EBUSY);
	cr_assert(skua_future_done(promise));
	cr_assert_eq(skua_future_code(promise), 0);
	cr_assert_null(skua_future_arg(promise));
	cr_assert(skua_future_value(promise) == number(5));
	cr_assert(take(promise) == number(5));
	settle(0);
}

Test(promise, fail_once, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise();
	void *result = &result;

	cr_assert_eq(skua_promise_fail(promise, 0), SKUA_EINVAL);
	cr_assert(!skua_future_done(promise));
	cr_assert_eq(skua_promise_fail(promise, -9), 0);
	cr_assert_eq(skua_promise_fail(promise, 6), SKUA_EBUSY);
	cr_assert_eq(skua_promise_set(promise, NULL), SKUA_EBUSY);
	cr_assert_eq(skua_future_result(promise, SKUA_FOREVER, &result),
		     SKUA_EFAILED);
	cr_assert(result == &result);
	cr_assert_eq(skua_future_code(promise), -9);
	cr_assert_null(skua_future_value(promise));
	skua_future_release(promise);
	settle(0);
}

Test(promise, cancelled, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise();

	cr_assert_eq(skua_future_on_done(promise, count_call,
					 number((uintptr_t)SKUA_ECANCELLED)),
		     0);
	cr_assert_eq(skua_future_cancel(promise), 0);
	cr_assert_eq(atomic_load(&calls), 1);
	cr_assert_eq(skua_future_cancel(promise), 0);
	cr_assert(skua_future_cancelled(promise));
	cr_assert_eq(skua_promise_set(promise, NULL), SKUA_ECANCELLED);
	cr_assert_eq(skua_promise_fail(promise, 3), SKUA_ECANCELLED);
	cr_assert_eq(skua_future_result(promise, SKUA_FOREVER, NULL),
		     SKUA_ECANCELLED);
	skua_future_release(promise);
	settle(0);
}

Test(promise, nonsense, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_future *future = submit(pool, do_nothing, NULL);

	cr_assert_eq(skua_promise_open(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_promise_set(NULL, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_promise_fail(NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_promise_set(future, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_promise_fail(future, 1), SKUA_EINVAL);
	CHECK(take(future) == NULL);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* --- Waited for. --- */

static struct gate waiting;

static void *wait_for(void *promise)
{
	void *result = NULL;

	gate_arrive(&waiting);
	CHECK(skua_future_result(promise, SKUA_FOREVER, &result) == 0);
	return result;
}

static void *set_it(void *promise)
{
	CHECK(skua_promise_set(promise, promise) == 0);
	return promise;
}

static void waited_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *promise = open_promise();
	struct skua_future *tasks[10];
	pthread_t threads[3];

	(void)workers;
	gate_close(&waiting);
	atomic_store(&calls, 0);
	for (unsigned i = 0; i < 10; i++)
		tasks[i] = submit(pool, wait_for, promise);
	for (unsigned i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, wait_for, promise) ==
		      0);
	for (unsigned i = 0; i < 5; i++)
		CHECK(skua_future_on_done(promise, count_call, NULL) == 0);
	gate_await(&waiting, 13);
	/* By a task of the same pool: the waiting ones hold up no worker. */
	CHECK(take(submit(pool, set_it, promise)) == promise);
	for (unsigned i = 0; i < 10; i++)
		CHECK(take(tasks[i]) == promise);
	for (unsigned i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(atomic_load(&calls) == 5);
	CHECK(take(promise) == promise);
}

/* "waited for like any future", by tasks and threads, several at once */
Test(promise, waited_for_by_tasks_and_threads, .timeout = LIMIT)
{
	with_pools(waited_body);
}

static struct skua_future *contested;
static atomic_uint won;

static void *contend(void *n)
{
	int error = (uintptr_t)n % 2 ? skua_promise_set(contested, n) :
				       skua_promise_fail(contested, 4);

	CHECK(error == 0 || error == SKUA_EBUSY);
	atomic_fetch_add(&won, error == 0);
	skua_future_release(contested);
	return n;
}

static void contend_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (unsigned i = 0; i < SCALED(5000); i++) {
		struct skua_future *tasks[4];

		contested = open_promise();
		atomic_store(&won, 0);
		for (uintptr_t k = 0; k < 4; k++) {
			skua_future_retain(contested);
			tasks[k] = submit(pool, contend, number(k));
		}
		skua_future_release(contested);
		for (uintptr_t k = 0; k < 4; k++)
			CHECK(take(tasks[k]) == number(k));
		CHECK(atomic_load(&won) == 1);
	}
}

/* "completed by hand, once", whoever is first */
Test(promise, of_several_one_completes_it, .timeout = LIMIT)
{
	with_pools(contend_body);
}

/* --- Given up. --- */

Test(promise, released_while_pending, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise();

	skua_future_retain(promise);
	skua_future_release(promise);
	skua_future_release(promise);
}

Test(promise, given_up_calls_back_as_cancelled, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise();

	skua_future_retain(promise);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(
			skua_future_on_done(promise, count_call,
					    number((uintptr_t)SKUA_ECANCELLED)),
			0);
	skua_future_release(promise);
	cr_assert_eq(atomic_load(&calls), 0);
	skua_future_release(promise);
	cr_assert_eq(atomic_load(&calls), 3);
	settle(0);
}

static void keep_it(struct skua_future *future, void *context)
{
	*(struct skua_future **)context = skua_future_retain(future);
}

Test(promise, given_up_and_kept_by_its_callback, .timeout = LIMIT)
{
	struct skua_future *promise = open_promise(), *kept = NULL;

	cr_assert_eq(skua_future_on_done(promise, keep_it, &kept), 0);
	skua_future_release(promise);
	cr_assert_eq(kept, promise);
	cr_assert(skua_future_cancelled(kept));
	skua_future_release(kept);
}

static void *release_it(void *promise)
{
	skua_future_release(promise);
	return NULL;
}

static void give_up_body(struct skua_pool *pool, unsigned workers)
{
	unsigned rounds = SCALED(5000);

	(void)workers;
	atomic_store(&calls, 0);
	for (unsigned i = 0; i < rounds; i++) {
		struct skua_future *promise = open_promise();
		struct skua_future *tasks[2];

		for (unsigned k = 0; k < 2; k++)
			tasks[k] = submit(pool, release_it,
					  skua_future_retain(promise));
		CHECK(skua_future_on_done(promise, count_call, NULL) == 0);
		if (i % 2)
			CHECK(skua_promise_set(promise, NULL) == 0);
		skua_future_release(promise);
		for (unsigned k = 0; k < 2; k++)
			CHECK(take(tasks[k]) == NULL);
		CHECK(atomic_load(&calls) == i + 1);
	}
}

/* The last of several holders, whoever that is, gives it up. */
Test(promise, given_up_by_several, .timeout = LIMIT)
{
	with_pools(give_up_body);
}

/* --- Memory. --- */

static void *leave_promises(void *out)
{
	struct skua_future **promises = out;

	for (unsigned i = 0; i < 100; i++)
		promises[i] = open_promise();
	return NULL;
}

/* A promise outlives the thread that opened it: one that never submitted. */
Test(promise, outlives_its_thread, .timeout = LIMIT)
{
	struct skua_future *promises[100];
	size_t before = 0;

	for (unsigned round = 0; round < 3; round++) {
		pthread_t thread;

		before = atomic_load(&memory_mapped);
		cr_assert_eq(pthread_create(&thread, NULL, leave_promises,
					    promises),
			     0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
		cr_assert_gt(memory_mapped_since(before), 0);
		for (unsigned i = 0; i < 100; i++) {
			cr_assert_eq(skua_promise_set(promises[i], number(i)),
				     0);
			cr_assert(take(promises[i]) == number(i));
		}
		/* The last one took the slab with it. */
		cr_assert_eq(memory_mapped_since(before), 0);
	}
	settle(0);
}

static struct skua_future *late;
static pthread_key_t late_key;

static void open_late(void *again)
{
	(void)again;
	if (late == NULL) {
		/* Come once more, when the library's own has run. */
		CHECK(pthread_setspecific(late_key, &late) == 0);
		late = open_promise();
		return;
	}
	skua_future_release(late);
	late = open_promise();
}

static void *exit_late(void *arg)
{
	skua_future_release(open_promise());
	CHECK(pthread_setspecific(late_key, &late) == 0);
	return arg;
}

/* In a destructor of the thread, after the library's own. */
Test(promise, opened_past_the_exit_of_its_thread, .timeout = LIMIT)
{
	size_t before = atomic_load(&memory_mapped);
	pthread_t thread;

	cr_assert_eq(pthread_key_create(&late_key, open_late), 0);
	cr_assert_eq(pthread_create(&thread, NULL, exit_late, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(skua_promise_set(late, number(3)), 0);
	cr_assert(take(late) == number(3));
	cr_assert_eq(memory_mapped_since(before), 0);
	settle(0);
}

static void *open_without_memory(void *arg)
{
	struct skua_future *promise = arg;

	memory_allow(0);
	CHECK(skua_promise_open(&promise) == SKUA_ENOMEM);
	memory_allow(1);
	CHECK(skua_promise_open(&promise) == SKUA_ENOMEM);
	CHECK(memory_relent() > 0);
	CHECK(promise == arg);
	CHECK(skua_promise_open(&promise) == 0);
	skua_future_release(promise);
	return NULL;
}

Test(promise, no_memory, .timeout = LIMIT)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, open_without_memory,
				    number(8)),
		     0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	settle(0);
}

/* --- fork(). --- */

/* "SKUA_ECLOSED (inherited over fork())"; and the child has promises of its
 * own. */
Test(promise, in_a_forks_child, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_future *promise = open_promise();
	int status = -1;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		struct skua_future *own = open_promise();

		CHECK(skua_promise_set(promise, NULL) == SKUA_ECLOSED);
		CHECK(skua_future_result(promise, SKUA_FOREVER, NULL) ==
		      SKUA_ECLOSED);
		CHECK(skua_future_on_done(promise, count_call, NULL) ==
		      SKUA_ECLOSED);
		CHECK(skua_future_on_done(own, count_call, NULL) == 0);
		CHECK(skua_promise_set(own, number(2)) == 0);
		CHECK(take(own) == number(2));
		_exit(atomic_load(&failed_check) ? 1 : 0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	skua_future_release(promise);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}
