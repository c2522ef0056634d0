/* SPDX-License-Identifier: MIT */
/*
 * test_start_stop.c - the hooks that each worker calls first and last, and what
 * becomes of a pool when one fails.
 */
#include "sched_test.h"

enum {
	MOST = 64,
	JOBS = 200,
	ROUNDS = 50
};

struct log {
	atomic_uint started[MOST], stopped[MOST];
	_Atomic(pthread_t) thread[MOST];
	atomic_int fail_in; /* the worker whose start fails; -1: none */
	struct gate gate; /* that worker waits for it */
};

static int start(void *context, unsigned worker)
{
	struct log *log = context;

	CHECK(skua_worker() == -1);
	CHECK(skua_pool_current() == NULL);
	CHECK(worker < MOST);
	CHECK(atomic_load(&log->started[worker]) ==
	      atomic_load(&log->stopped[worker]));
	atomic_fetch_add(&log->started[worker], 1);
	atomic_store(&log->thread[worker], pthread_self());
	if (atomic_load(&log->fail_in) != (int)worker)
		return 0;
	gate_arrive(&log->gate);
	gate_pass(&log->gate);
	return 1;
}

static void stop(void *context, unsigned worker)
{
	struct log *log = context;

	CHECK(skua_worker() == -1);
	CHECK(pthread_equal(atomic_load(&log->thread[worker]), pthread_self()));
	atomic_fetch_add(&log->stopped[worker], 1);
}

static struct skua_pool *open_logged(struct log *log, unsigned workers,
				     int fail_in)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	for (unsigned i = 0; i < MOST; i++) {
		atomic_store(&log->started[i], 0);
		atomic_store(&log->stopped[i], 0);
	}
	atomic_store(&log->fail_in, fail_in);
	options.workers = workers;
	options.start = start;
	options.stop = stop;
	options.context = log;
	CHECK(skua_pool_open(&pool, &options) == 0);
	settle(workers);
	return pool;
}

static struct log the_log;

/* The hook of this worker has been called, in this thread. */
static void *look(void *arg)
{
	int worker = skua_worker();

	CHECK(atomic_load(&the_log.started[worker]) == 1);
	CHECK(atomic_load(&the_log.stopped[worker]) == 0);
	CHECK(pthread_equal(atomic_load(&the_log.thread[worker]),
			    pthread_self()));
	return arg;
}

static void first_and_last_body(unsigned workers)
{
	struct skua_pool *pool = open_logged(&the_log, workers, -1);

	for (size_t i = 0; i < JOBS; i++)
		CHECK(skua_submit(pool, look, number(i), NULL) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (unsigned i = 0; i < MOST; i++) {
		CHECK(atomic_load(&the_log.started[i]) == (i < workers));
		CHECK(atomic_load(&the_log.stopped[i]) == (i < workers));
	}
}

/* "Called in each worker's thread, first and last" */
Test(start_stop, first_and_last, .timeout = LIMIT)
{
	with_workers(first_and_last_body);
}

static void resize_body(unsigned workers)
{
	struct skua_pool *pool = open_logged(&the_log, workers, -1);
	unsigned started = 0, stopped = 0;

	for (unsigned i = 0; i < 20; i++) {
		CHECK(skua_pool_resize(pool, i % 3 ? workers : 0) == 0);
		CHECK(skua_submit(pool, do_nothing, pool, NULL) == 0);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (unsigned i = 0; i < MOST; i++) {
		started += atomic_load(&the_log.started[i]);
		stopped += atomic_load(&the_log.stopped[i]);
	}
	CHECK(started == stopped);
	CHECK(started >= workers);
}

/* Whoever is dismissed stops, whoever comes starts. */
Test(start_stop, with_each_thread, .timeout = LIMIT)
{
	with_workers(resize_body);
}

/* --- Broken pools. --- */

static atomic_size_t dropped, ran;

static void drop(void *arg)
{
	(void)arg;
	atomic_fetch_add(&dropped, 1);
}

static void *run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

SKUA_TASK(int, one, int, n)
{
	(void)here;
	return n;
}

static void refuses_all(struct skua_pool *pool)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *future = NULL;
	void *args[2] = { NULL, NULL };
	int result;

	CHECK(skua_submit(pool, run, NULL, &future) == SKUA_EBROKEN);
	CHECK(skua_submit_with(pool, run, NULL, &options, &future) ==
	      SKUA_EBROKEN);
	CHECK(skua_submit_many(pool, run, args, 2, NULL) == SKUA_EBROKEN);
	CHECK(skua_post(pool, drop, NULL) == SKUA_EBROKEN);
	CHECK(one_run(pool, &result, 1) == SKUA_EBROKEN);
	CHECK(skua_pool_resize(pool, 3) == SKUA_EBROKEN);
	CHECK(skua_pool_pause(pool) == SKUA_EBROKEN);
	CHECK(skua_pool_resume(pool) == SKUA_EBROKEN);
	CHECK(future == NULL);
}

static void broken_body(unsigned workers)
{
	static struct gate hold_all;
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *futures[JOBS];
	struct skua_pool *pool;

	gate_close(&the_log.gate);
	pool = open_logged(&the_log, workers, (int)workers - 1);
	atomic_store(&dropped, 0);
	atomic_store(&ran, 0);
	gate_close(&hold_all);
	gate_await(&the_log.gate, 1);
	/* All others are busy, so what follows stays pending. */
	hold_workers(pool, &hold_all, workers - 1);
	options.drop_arg = drop;
	for (size_t i = 0; i < JOBS; i++)
		CHECK(skua_submit_with(pool, run, number(i), &options,
				       &futures[i]) == 0);
	gate_open(&the_log.gate);
	for (size_t i = 0; i < JOBS; i++) {
		CHECK(skua_future_result(futures[i], SKUA_FOREVER, NULL) ==
		      SKUA_EBROKEN);
		CHECK(skua_future_done(futures[i]));
		CHECK(!skua_future_cancelled(futures[i]));
		CHECK(skua_future_cancel(futures[i]) == SKUA_EBUSY);
		skua_future_release(futures[i]);
	}
	refuses_all(pool);
	gate_open(&hold_all);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&dropped) == JOBS);
	CHECK(atomic_load(&ran) == 0);
	for (unsigned i = 0; i < workers; i++)
		CHECK(atomic_load(&the_log.stopped[i]) == (i < workers - 1));
}

/* "what has not started ends with SKUA_EBROKEN, and so does each submit from
 * then on; running tasks go on, and the pool is still to be closed" */
Test(start_stop, a_failure_breaks_the_pool, .timeout = LIMIT)
{
	with_workers(broken_body);
}

/* Broken at once, while it is still being opened, or closed. Those that are
 * detached may end later, so each has a log of its own. */
static void race_body(unsigned workers)
{
	static struct log logs[4][ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct log *log = &logs[workers % 4][i];
		struct skua_pool *pool;
		struct skua_future *future = NULL;
		int error;

		gate_close(&log->gate);
		gate_open(&log->gate);
		pool = open_logged(log, workers, 0);
		error = skua_submit(pool, run, NULL, &future);
		CHECK(error == 0 || error == SKUA_EBROKEN);
		if (!error) {
			error = skua_future_result(future, SKUA_FOREVER, NULL);
			CHECK(error == 0 || error == SKUA_EBROKEN);
			skua_future_release(future);
		}
		CHECK(skua_pool_close(pool, i % 4) == 0);
	}
}

Test(start_stop, breaks_while_in_use, .timeout = LIMIT)
{
	race_body(1);
	race_body(2);
	race_body(3);
	race_body(8);
	settle(0);
}
