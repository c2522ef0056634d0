/* SPDX-License-Identifier: MIT */
/*
 * test_close.c - the end of a pool: what runs, what is cancelled, what is
 * refused, and that every submit gets one of the three.
 */
#include "sched_test.h"

static atomic_size_t runs;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

/* --- WAIT. --- */

enum {
	BEFORE = SCALED(20000)
};

static void wait_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);

	gate_close(&keep);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers);
	for (size_t i = 0; i < BEFORE; i++)
		CHECK(skua_submit(pool, count_run, NULL, NULL) == 0);
	cr_assert_eq(atomic_load(&runs), 0);
	gate_open(&keep);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), BEFORE, "%u workers", workers);
}

/* "Close: waits for everything submitted before" */
Test(close, waits_for_everything_submitted_before, .timeout = LIMIT)
{
	with_workers(wait_body);
}

/* A tree of tasks: each submits two more, and is not waited for. */
static void grow(void *depth)
{
	uintptr_t left = (uintptr_t)depth;

	atomic_fetch_add(&runs, 1);
	for (unsigned i = 0; left && i < 2; i++)
		CHECK(skua_post(skua_pool_current(), grow, number(left - 1)) ==
		      0);
}

static void children_body(unsigned workers)
{
	for (unsigned round = 0; round < SCALED(100); round++) {
		struct skua_pool *pool = open_pool(workers);

		atomic_store(&runs, 0);
		CHECK(skua_post(pool, grow, number(8)) == 0);
		CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
		cr_assert_eq(atomic_load(&runs), 511, "%u workers", workers);
	}
}

/* "Tasks may submit during close(WAIT) (their children belong to what was
 * submitted before)" */
Test(close, waits_for_what_its_tasks_submit_meanwhile, .timeout = LIMIT)
{
	with_workers(children_body);
}

enum {
	DOZERS = FIBERS(1000)
};

static void *doze(void *future)
{
	if (future)
		CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	else
		CHECK(skua_sleep(SKUA_MILLISECONDS(5)) == 0);
	atomic_fetch_add(&runs, 1);
	return NULL;
}

struct opener {
	struct skua_pool *pool;
	struct gate *gate;
};

/* Opens the gate once the pool is closed to outsiders. */
static void *open_when_closed(void *arg)
{
	struct opener *opener = arg;

	await_closed(opener->pool);
	gate_open(opener->gate);
	return NULL;
}

static void suspended_body(unsigned workers)
{
	static struct gate finish;
	struct skua_pool *pool = open_pool(workers), *other = open_pool(1);
	struct opener opener = { skua_pool_retain(pool), &finish };
	struct skua_future *awaited;
	pthread_t thread;

	gate_close(&finish);
	atomic_store(&runs, 0);
	awaited = submit(other, hold, &finish);
	for (size_t i = 0; i < DOZERS; i++)
		CHECK(skua_submit(pool, doze, i % 2 ? awaited : NULL, NULL) ==
		      0);
	CHECK(pthread_create(&thread, NULL, open_when_closed, &opener) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), DOZERS, "%u workers", workers);
	CHECK(pthread_join(thread, NULL) == 0);
	skua_pool_release(pool);
	CHECK(take(awaited) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "suspended and sleeping tasks included" */
Test(close, waits_for_suspended_and_sleeping_tasks, .timeout = LIMIT)
{
	with_workers(suspended_body);
}

static void *wait_and_submit(void *future)
{
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	for (unsigned i = 0; i < 10; i++)
		CHECK(take(submit(skua_pool_current(), count_run, &runs)) ==
		      &runs);
	return NULL;
}

static void resumed_body(unsigned workers)
{
	static struct gate finish;
	struct skua_pool *pool = open_pool(workers), *other = open_pool(1);
	struct opener opener = { skua_pool_retain(pool), &finish };
	struct skua_future *awaited;
	pthread_t thread;

	gate_close(&finish);
	atomic_store(&runs, 0);
	awaited = submit(other, hold, &finish);
	for (unsigned i = 0; i < 20; i++)
		CHECK(skua_submit(pool, wait_and_submit, awaited, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, open_when_closed, &opener) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), 200, "%u workers", workers);
	CHECK(pthread_join(thread, NULL) == 0);
	skua_pool_release(pool);
	CHECK(take(awaited) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* A task that resumes during the close submits and waits as before. */
Test(close, a_task_that_resumes_meanwhile_may_submit, .timeout = LIMIT)
{
	with_workers(resumed_body);
}

/* --- CANCEL. --- */

static void *close_with_cancel(void *pool)
{
	CHECK(skua_pool_close(pool, SKUA_CLOSE_CANCEL) == 0);
	return NULL;
}

enum {
	PENDING = 2000
};

static void cancel_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = skua_pool_retain(open_pool(workers));
	struct skua_future *pending[PENDING], *running;
	pthread_t closer;

	gate_close(&keep);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers - 1);
	running = submit(pool, hold, &keep);
	gate_await(&keep, workers);
	for (size_t i = 0; i < PENDING; i++)
		pending[i] = submit(pool, count_run, NULL);
	CHECK(pthread_create(&closer, NULL, close_with_cancel, pool) == 0);
	await_closed(pool);
	gate_open(&keep);
	CHECK(pthread_join(closer, NULL) == 0);
	skua_pool_release(pool);
	for (size_t i = 0; i < PENDING; i++) {
		cr_assert(skua_future_cancelled(pending[i]));
		CHECK(skua_future_result(pending[i], 0, NULL) ==
		      SKUA_ECANCELLED);
		skua_future_release(pending[i]);
	}
	CHECK(take(running) == &keep);
	cr_assert_eq(atomic_load(&runs), 0, "%u workers", workers);
}

/* "CANCEL cancels what has not started (their futures say so)", and what runs
 * is waited for. */
Test(close, cancel_cancels_what_has_not_started, .timeout = LIMIT)
{
	with_workers(cancel_body);
}

/* A started task that waits for a cancelled one is told, and ends. */
static struct gate outer_waits;

static void *wait_for_cancelled(void *future)
{
	gate_arrive(&outer_waits);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) ==
	      SKUA_ECANCELLED);
	skua_future_release(future);
	return &outer_waits;
}

static void cancel_awaited_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = skua_pool_retain(open_pool(workers));
	struct skua_pool *other = open_pool(1);
	struct skua_future *outer;
	pthread_t closer;

	gate_close(&keep);
	gate_close(&outer_waits);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers);
	outer = submit(other, wait_for_cancelled,
		       submit(pool, count_run, NULL));
	gate_await(&outer_waits, 1);
	CHECK(pthread_create(&closer, NULL, close_with_cancel, pool) == 0);
	await_closed(pool);
	gate_open(&keep);
	CHECK(take(outer) == &outer_waits);
	CHECK(pthread_join(closer, NULL) == 0);
	skua_pool_release(pool);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), 0);
}

Test(close, who_waits_for_a_cancelled_task_is_told, .timeout = LIMIT)
{
	with_workers(cancel_awaited_body);
}

/* A fork-join task that runs forks and joins on, all of it. */
SKUA_TASK(long, close_fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	close_fib_fork(&here, n - 1);
	right = close_fib(here, n - 2);
	return close_fib_join(&here) + right;
}

static struct gate kernel_started;

SKUA_TASK(long, kernel, struct gate *, keep)
{
	long value;

	close_fib_fork(&here, 10);
	gate_arrive(&kernel_started);
	gate_pass(keep);
	value = close_fib(here, 18);
	return close_fib_join(&here) + value;
}

static void cancel_frames_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = skua_pool_retain(open_pool(workers));
	struct skua_future *future = NULL;
	pthread_t closer;
	long value = 0;

	gate_close(&keep);
	gate_close(&kernel_started);
	CHECK(kernel_submit(pool, &future, &keep) == 0);
	gate_await(&kernel_started, 1);
	CHECK(pthread_create(&closer, NULL, close_with_cancel, pool) == 0);
	await_closed(pool);
	gate_open(&keep);
	CHECK(pthread_join(closer, NULL) == 0);
	skua_pool_release(pool);
	CHECK(kernel_result(future, 0, &value) == 0);
	cr_assert_eq(value, 2584 + 55, "%u workers", workers);
	skua_future_release(future);
}

/* "frames of fork-join tasks that run are not affected" */
Test(close, cancel_leaves_the_frames_of_running_tasks, .timeout = LIMIT)
{
	with_workers(cancel_frames_body);
}

static void added_later_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *pending;

	gate_close(&keep);
	atomic_store(&runs, 0);
	hold_workers(pool, &keep, workers);
	pending = submit(pool, count_run, NULL);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_DETACH) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) ==
	      0);
	gate_open(&keep);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(skua_future_result(pending, 0, NULL), SKUA_ECANCELLED);
	cr_assert_eq(atomic_load(&runs), 0);
	skua_future_release(pending);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* "May be called again […], and SKUA_CLOSE_CANCEL may be added later." */
Test(close, cancel_may_be_added_later, .timeout = LIMIT)
{
	with_workers(added_later_body);
}

/* --- DETACH. --- */

/* A detached pool may still be leaving its gate when the next one is opened:
 * each has one of its own. */
static struct gate *fresh_gate(void)
{
	static struct gate gates[16];
	static size_t used;

	cr_assert(used < 16);
	return &gates[used++];
}

static void detach_body(unsigned workers)
{
	struct gate *keep = fresh_gate();
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *futures[100], *running;

	gate_close(keep);
	atomic_store(&runs, 0);
	hold_workers(pool, keep, workers - 1);
	running = submit(pool, hold, keep);
	gate_await(keep, workers);
	for (size_t i = 0; i < 100; i++)
		futures[i] = submit(pool, count_run, number(i));
	/* Were it to wait, it would wait for the gate, and hang. */
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_DETACH), 0);
	cr_assert(!skua_future_done(running));
	cr_assert_eq(atomic_load(&runs), 0);
	gate_open(keep);
	for (size_t i = 0; i < 100; i++)
		CHECK(take(futures[i]) == number(i));
	CHECK(take(running) == keep);
	cr_assert_eq(atomic_load(&runs), 100, "%u workers", workers);
}

/* "DETACH returns at once", and what was submitted still runs. */
Test(close, detach_returns_at_once_and_all_still_runs, .timeout = LIMIT)
{
	with_workers(detach_body);
}

static void detach_cancel_body(unsigned workers)
{
	struct gate *keep = fresh_gate();
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *pending;

	gate_close(keep);
	atomic_store(&runs, 0);
	hold_workers(pool, keep, workers);
	pending = submit(pool, count_run, NULL);
	cr_assert_eq(skua_pool_close(pool,
				     SKUA_CLOSE_DETACH | SKUA_CLOSE_CANCEL),
		     0);
	gate_open(keep);
	CHECK(skua_future_result(pending, SKUA_FOREVER, NULL) ==
	      SKUA_ECANCELLED);
	skua_future_release(pending);
	cr_assert_eq(atomic_load(&runs), 0);
}

Test(close, detach_and_cancel_together, .timeout = LIMIT)
{
	with_workers(detach_cancel_body);
}

static void last_release_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *futures[100];

	atomic_store(&runs, 0);
	for (size_t i = 0; i < 100; i++)
		futures[i] = submit(pool, count_run, number(i));
	skua_pool_release(pool);
	for (size_t i = 0; i < 100; i++)
		CHECK(take(futures[i]) == number(i));
	cr_assert_eq(atomic_load(&runs), 100, "%u workers", workers);
}

/* "When the last one goes, a pool that is still open is shut down like
 * SKUA_CLOSE_DETACH: what was submitted still runs." */
Test(close, the_last_release_detaches, .timeout = LIMIT)
{
	with_workers(last_release_body);
}

/* --- From inside. --- */

static void *close_from_inside(void *pool)
{
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == SKUA_EDEADLK);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) == SKUA_EDEADLK);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == SKUA_EDEADLK);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_CANCEL) == SKUA_EDEADLK);
	/* Nothing has changed. */
	CHECK(take(submit(pool, count_run, &runs)) == &runs);
	return pool;
}

static void inside_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	CHECK(take(submit(pool, close_from_inside, pool)) == pool);
	CHECK(take(submit(pool, count_run, &runs)) == &runs);
}

/* "from inside a task SKUA_EDEADLK", with the pool unchanged */
Test(close, from_its_own_task_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(inside_body);
}

SKUA_TASK(int, close_from_frame, struct skua_pool *, pool)
{
	(void)here;
	return skua_pool_close(pool, SKUA_CLOSE_WAIT);
}

SKUA_TASK(int, close_from_child, struct skua_pool *, pool)
{
	close_from_frame_fork(&here, pool);
	return close_from_frame_join(&here);
}

static void frame_body(struct skua_pool *pool, unsigned workers)
{
	int error = 0;

	CHECK(close_from_frame_run(pool, &error, pool) == 0);
	cr_assert_eq(error, SKUA_EDEADLK, "%u workers", workers);
	CHECK(close_from_child_run(pool, &error, pool) == 0);
	cr_assert_eq(error, SKUA_EDEADLK, "%u workers", workers);
}

Test(close, from_a_fork_join_task_is_a_deadlock, .timeout = LIMIT)
{
	with_pools(frame_body);
}

static void *detach_from_inside(void *pool)
{
	CHECK(skua_pool_close(pool, SKUA_CLOSE_DETACH) == 0);
	CHECK(take(submit(skua_pool_current(), count_run, &runs)) == &runs);
	return &runs;
}

static void detach_inside_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *future;

	/* The task gives one reference back; the submit needs another, which
	 * may be the last. */
	skua_pool_retain(pool);
	future = submit(pool, detach_from_inside, pool);
	skua_pool_release(pool);
	CHECK(take(future) == &runs);
}

/* A task may detach its own pool, and may submit to it after that. */
Test(close, detach_from_its_own_task, .timeout = LIMIT)
{
	with_workers(detach_inside_body);
}

static void *close_another(void *pool)
{
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	return number(atomic_load(&runs));
}

static void *open_and_close(void *workers)
{
	struct skua_pool *pool = open_pool((unsigned)(uintptr_t)workers);

	for (size_t i = 0; i < 100; i++)
		CHECK(skua_submit(pool, count_run, NULL, NULL) == 0);
	return close_another(pool);
}

static void another_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate finish;
	struct skua_pool *slow = skua_pool_retain(open_pool(workers));
	struct skua_future *closer;

	gate_close(&finish);
	atomic_store(&runs, 0);
	CHECK(take(submit(pool, open_and_close, number(workers))) ==
	      number(100));
	CHECK(skua_submit(slow, hold, &finish, NULL) == 0);
	closer = submit(pool, close_another, slow);
	await_closed(slow);
	/* The closing task is suspended, its worker is free. */
	for (unsigned i = 0; i < workers; i++)
		CHECK(take(submit(pool, do_nothing, &finish)) == &finish);
	gate_open(&finish);
	CHECK(take(closer) == number(100));
	skua_pool_release(slow);
}

/* "Inside a task of another pool it suspends the task." */
Test(close, from_a_task_of_another_pool_suspends_it, .timeout = LIMIT)
{
	with_pools(another_body);
}

/* --- After shutdown. --- */

static void all_refused(struct skua_pool *pool)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *none[2] = { NULL, NULL };
	void *args[2] = { NULL, NULL };
	long value = 77;

	CHECK(skua_submit(pool, count_run, NULL, none) == SKUA_ECLOSED);
	CHECK(skua_submit(pool, count_run, NULL, NULL) == SKUA_ECLOSED);
	CHECK(skua_post(pool, grow, NULL) == SKUA_ECLOSED);
	CHECK(skua_submit_many(pool, count_run, args, 2, none) == SKUA_ECLOSED);
	CHECK(skua_submit_with(pool, count_run, NULL, &options, none) ==
	      SKUA_ECLOSED);
	CHECK(close_fib_run(pool, &value, 5) == SKUA_ECLOSED);
	CHECK(close_fib_submit(pool, none, 5) == SKUA_ECLOSED);
	CHECK(none[0] == NULL && none[1] == NULL);
	CHECK(value == 77);
}

static void *refused_in_task(void *pool)
{
	all_refused(pool);
	return NULL;
}

static void refused_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers), *other = open_pool(1);

	atomic_store(&runs, 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	all_refused(pool);
	CHECK(take(submit(other, refused_in_task, pool)) == NULL);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&runs), 0);
}

/* "submit after shutdown SKUA_ECLOSED"; "on error no output argument is
 * touched"; "the handle stays valid" */
Test(close, after_shutdown_everything_is_refused, .timeout = LIMIT)
{
	with_workers(refused_body);
}

static void retained_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_pool *again = skua_pool_retain(pool);

	cr_assert(again == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	all_refused(again);
	CHECK(skua_pool_pending(again) == 0);
	CHECK(skua_pool_running(again) == 0);
	skua_pool_release(again);
}

/* A9 "the handle stays valid until released, so racing calls get an error,
 * never freed memory" */
Test(close, a_retained_handle_outlives_the_close, .timeout = LIMIT)
{
	with_workers(retained_body);
}

/* --- Several threads shut down at once. --- */

static void *shut_down(void *pool)
{
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&runs) == 1000);
	return NULL;
}

static void together_body(unsigned workers)
{
	for (unsigned round = 0; round < SCALED(100); round++) {
		struct skua_pool *pool = open_pool(workers);
		pthread_t threads[4];

		atomic_store(&runs, 0);
		for (size_t i = 0; i < 1000; i++)
			CHECK(skua_submit(pool, count_run, NULL, NULL) == 0);
		for (size_t i = 0; i < 4; i++)
			CHECK(pthread_create(&threads[i], NULL, shut_down,
					     pool) == 0);
		for (size_t i = 0; i < 4; i++)
			CHECK(pthread_join(threads[i], NULL) == 0);
		skua_pool_release(pool);
	}
}

/* "by several threads: each without SKUA_CLOSE_DETACH returns when the
 * workers have ended" */
Test(close, several_threads_shut_down_together, .timeout = LIMIT)
{
	with_workers(together_body);
}

/* --- Racing submitters. --- */

enum {
	SUBMITTERS = 4,
	RACE_ROUNDS = SCALED(80),
	KEPT = 256
};

struct submitter {
	struct skua_pool *pool;
	struct gate *start;
	pthread_t thread;
	size_t accepted, ran, cancelled;
};

static void account(struct submitter *me, struct skua_future *future)
{
	int error = skua_future_result(future, SKUA_FOREVER, NULL);

	CHECK(error == 0 || error == SKUA_ECANCELLED);
	if (error == 0)
		me->ran++;
	else
		me->cancelled++;
	skua_future_release(future);
}

static void *submit_until_refused(void *arg)
{
	struct submitter *me = arg;
	struct skua_future *kept[KEPT] = { NULL };
	int error = 0;

	gate_arrive(me->start);
	while (error == 0) {
		struct skua_future **slot = &kept[me->accepted % KEPT];

		if (*slot)
			account(me, *slot);
		*slot = NULL;
		error = skua_submit(me->pool, count_run, NULL, slot);
		CHECK(error == 0 ? *slot != NULL : *slot == NULL);
		me->accepted += error == 0;
	}
	CHECK(error == SKUA_ECLOSED);
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i])
			account(me, kept[i]);
	return NULL;
}

static void race_round(unsigned workers, unsigned flags)
{
	static struct gate start;
	struct skua_pool *pool = open_pool(workers);
	struct submitter all[SUBMITTERS] = { 0 };
	size_t ran = 0;

	gate_close(&start);
	atomic_store(&runs, 0);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		all[i].pool = pool;
		all[i].start = &start;
		CHECK(pthread_create(&all[i].thread, NULL, submit_until_refused,
				     &all[i]) == 0);
	}
	gate_await(&start, SUBMITTERS);
	CHECK(skua_pool_shutdown(pool, flags) == 0);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		CHECK(pthread_join(all[i].thread, NULL) == 0);
		cr_assert_eq(all[i].accepted, all[i].ran + all[i].cancelled);
		CHECK((flags & SKUA_CLOSE_CANCEL) || all[i].cancelled == 0);
		ran += all[i].ran;
	}
	cr_assert_eq(atomic_load(&runs), ran, "%u workers", workers);
	skua_pool_release(pool);
}

static void race_body(unsigned workers)
{
	for (unsigned round = 0; round < RACE_ROUNDS; round++)
		race_round(workers, round % 4);
}

/* "shutdown against 4 racing submitters loses nothing: each submit either
 * runs, or is cancelled and says so, or was refused" */
Test(close, races_four_submitters_and_loses_nothing, .timeout = LIMIT)
{
	with_workers(race_body);
}

/* --- Nonsense. --- */

/* "NULL […]: an error code, never undefined" */
Test(close, null_and_unknown_flags_are_error_codes, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	cr_assert_eq(skua_pool_shutdown(NULL, SKUA_CLOSE_WAIT), SKUA_EINVAL);
	cr_assert_eq(skua_pool_close(NULL, SKUA_CLOSE_WAIT), SKUA_EINVAL);
	cr_assert_eq(skua_pool_shutdown(pool, 4), SKUA_EINVAL);
	cr_assert_eq(skua_pool_shutdown(pool, ~0u), SKUA_EINVAL);
	cr_assert_eq(skua_pool_close(pool, 1u << 31), SKUA_EINVAL);
	/* It was not shut down by any of these. */
	cr_assert(take(submit(pool, do_nothing, pool)) == pool);
	cr_assert_null(skua_pool_retain(NULL));
	skua_pool_release(NULL);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}
