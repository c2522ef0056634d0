/* SPDX-License-Identifier: MIT */
/* SKUA_NO_QUEUE: there is room while a worker is free. */
#include "bounded_test.h"

static struct gate gate;

/* From the opening on, and not one more than there are. */
static void opening_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);

	gate_close(&gate);
	for (unsigned i = 0; i < workers; i++)
		CHECK(try_submit(pool, hold, &gate) == 0);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	gate_await(&gate, workers);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	CHECK(submit_within(pool, do_nothing, NULL, 1, NULL) == SKUA_ETIMEDOUT);
	gate_open(&gate);
	close_pool(pool);
}

Test(no_queue, each_worker_is_room_for_one, .timeout = LIMIT)
{
	with_workers(opening_body);
}

/* Who has seen a result finds its worker free. */
static void results_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);

	gate_close(&gate);
	for (unsigned i = 1; i < workers; i++)
		CHECK(try_submit(pool, hold, &gate) == 0);
	for (size_t i = 0; i < SCALED(20000); i++) {
		struct skua_future *future = NULL;

		CHECK(submit_within(pool, do_nothing, NULL, 0, &future) == 0);
		take(future);
	}
	gate_open(&gate);
	close_pool(pool);
}

Test(no_queue, a_worker_is_free_when_its_result_is_there, .timeout = LIMIT)
{
	with_workers(results_body);
}

/* ---- waiting ---- */

struct submitter {
	struct skua_pool *pool;
	atomic_size_t *ran;
	size_t jobs;
};

static void *submit_plainly(void *arg)
{
	struct submitter *me = arg;

	for (size_t i = 0; i < me->jobs; i++)
		CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	return arg;
}

static void waiting_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);
	atomic_size_t ran = 0;
	struct submitter me = { pool, &ran, SCALED(3000) };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, submit_plainly, &me) ==
		      0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 4 * me.jobs);
}

Test(no_queue, threads_wait_for_a_free_worker, .timeout = LIMIT)
{
	with_workers(waiting_body);
}

/* ---- what else a worker does ---- */

static struct skua_event go;

static void *wait_for_event(void *arrived)
{
	atomic_fetch_add((atomic_size_t *)arrived, 1);
	CHECK(skua_event_wait(&go) == 0);
	return arrived;
}

static void until_suspended(struct skua_pool *pool, atomic_size_t *arrived,
			    size_t count)
{
	while (atomic_load(arrived) < count)
		sched_yield();
	/* Its worker takes the next one, so it has left all before. */
	while (try_submit(pool, do_nothing, NULL) == SKUA_EFULL)
		sched_yield();
}

/* A worker whose task is suspended is free, and not when the task goes on. */
static void suspended_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);
	struct skua_future *waiting[3];
	atomic_size_t arrived = 0;

	CHECK(skua_event_init(&go) == 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK(skua_submit(pool, wait_for_event, &arrived,
				  &waiting[i]) == 0);
		until_suspended(pool, &arrived, i + 1);
	}
	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	CHECK(skua_event_set(&go) == 0);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	gate_open(&gate);
	for (int i = 0; i < 3; i++)
		take(waiting[i]);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	/* Exactly as many as before. */
	gate_close(&gate);
	for (unsigned i = 0; i < workers; i++)
		CHECK(try_submit(pool, hold, &gate) == 0);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	gate_open(&gate);
	close_pool(pool);
}

Test(no_queue, a_worker_whose_task_waits_is_free, .timeout = LIMIT)
{
	with_workers(suspended_body);
}

/* A task counts itself as busy, and may have its own worker if it waits. */
static void *submit_inside(void *arg)
{
	struct submitter *me = arg;

	CHECK(try_submit(me->pool, count_up, me->ran) == SKUA_EFULL);
	CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	CHECK(atomic_load(me->ran) == 0);
	/* The first one has to start before there is room again. */
	CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	CHECK(atomic_load(me->ran) == 1);
	return arg;
}

Test(no_queue, the_only_worker_submits, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(1, SKUA_NO_QUEUE);
	atomic_size_t ran = 0;
	struct submitter me = { pool, &ran, 0 };

	take(submit(pool, submit_inside, &me));
	close_pool(pool);
	CHECK(atomic_load(&ran) == 2);
}

/* Parts of running tasks keep workers busy as well: none is counted twice. */
SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void *run_fib(void *pool)
{
	long value = 0;

	CHECK(fib_run(pool, &value, 12) == 0);
	CHECK(value == 144);
	return pool;
}

static void forks_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);
	struct skua_future *futures[8];

	for (unsigned i = 0; i < SCALED(200); i++) {
		for (int k = 0; k < 8; k++)
			futures[k] = submit(pool, run_fib, pool);
		for (int k = 0; k < 8; k++)
			take(futures[k]);
	}
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	gate_close(&gate);
	/* A thief may just have ended its frame. */
	for (unsigned i = 0; i < workers; i++)
		CHECK(skua_submit(pool, hold, &gate, NULL) == 0);
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	gate_open(&gate);
	close_pool(pool);
}

Test(no_queue, forks_and_joins, .timeout = LIMIT)
{
	with_workers(forks_body);
}

/* ---- many, resize, pause ---- */

Test(no_queue, many_need_as_many_workers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(3, SKUA_NO_QUEUE);
	struct skua_future *futures[4];
	atomic_size_t ran = 0;
	void *args[4] = { &ran, &ran, &ran, &ran };

	CHECK(skua_submit_many(pool, count_up, args, 4, futures) == SKUA_EFULL);
	for (int i = 0; i < 100; i++) {
		CHECK(skua_submit_many(pool, count_up, args, 3, futures) == 0);
		for (int k = 0; k < 3; k++)
			take(futures[k]);
	}
	close_pool(pool);
	CHECK(atomic_load(&ran) == 300);
}

static void *submit_two(void *arg)
{
	struct submitter *me = arg;
	void *args[2] = { me->ran, me->ran };
	int error = skua_submit_many(me->pool, count_up, args, 2, NULL);

	CHECK(error == 0 || error == SKUA_EFULL);
	return number(!error);
}

/* Two that wait for two workers are told when there will be but one. */
Test(no_queue, many_are_told_when_workers_go, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, SKUA_NO_QUEUE);
	atomic_size_t ran = 0;
	struct submitter me = { pool, &ran, 0 };
	pthread_t threads[3];
	void *in = NULL;

	gate_close(&gate);
	hold_workers(pool, &gate, 2);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, submit_two, &me) == 0);
	CHECK(skua_pool_resize(pool, 1) == 0);
	for (int i = 0; i < 3; i++) {
		CHECK(pthread_join(threads[i], &in) == 0);
		CHECK(!in);
	}
	gate_open(&gate);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 0);
}

static atomic_size_t begun, gone;

static int note_begin(void *context, unsigned worker)
{
	(void)context;
	(void)worker;
	atomic_fetch_add(&begun, 1);
	return 0;
}

static void note_end(void *context, unsigned worker)
{
	(void)context;
	(void)worker;
	atomic_fetch_add(&gone, 1);
}

static struct skua_pool *open_noted(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	atomic_store(&begun, 0);
	atomic_store(&gone, 0);
	options.workers = 1;
	options.max_pending = SKUA_NO_QUEUE;
	options.start = note_begin;
	options.stop = note_end;
	CHECK(skua_pool_open(&pool, &options) == 0);
	settle(1);
	return pool;
}

/* All @started so far. One that was looking for a job when it was dismissed may
 * take one more, and leave its place to one that is wanted. */
static void await_gone(size_t started)
{
	while (atomic_load(&gone) < started)
		sched_yield();
	CHECK(atomic_load(&begun) == started);
	CHECK(atomic_load(&gone) == started);
}

/* At once: who resizes is answered by what is there. */
Test(no_queue, room_comes_and_goes_with_workers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_noted();
	static struct gate gates[2];

	for (unsigned i = 0; i < 50; i++) {
		CHECK(skua_pool_resize(pool, 0) == 0);
		CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
		CHECK(submit_within(pool, do_nothing, NULL, 1, NULL) ==
		      SKUA_ETIMEDOUT);
		await_gone(1 + 3 * i);
		CHECK(skua_pool_resize(pool, 2) == 0);
		gate_close(&gates[i % 2]);
		CHECK(try_submit(pool, hold, &gates[i % 2]) == 0);
		CHECK(try_submit(pool, hold, &gates[i % 2]) == 0);
		CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
		/* One of them is dismissed with its task. */
		gate_await(&gates[i % 2], 2);
		CHECK(skua_pool_resize(pool, 1) == 0);
		CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
		/* It is called back, and a third one starts. */
		CHECK(skua_pool_resize(pool, 3) == 0);
		CHECK(try_submit(pool, do_nothing, NULL) == 0);
		gate_open(&gates[i % 2]);
		CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	}
	close_pool(pool);
}

static void *resize_often(void *pool)
{
	uint64_t random = test_seed();

	for (size_t i = 0; i < SCALED(1000); i++)
		CHECK(skua_pool_resize(
			      pool, (unsigned)(next_random(&random) % 4)) == 0);
	CHECK(skua_pool_resize(pool, 2) == 0);
	return NULL;
}

Test(no_queue, resized_under_load, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, SKUA_NO_QUEUE);
	atomic_size_t ran = 0;
	struct submitter me = { pool, &ran, SCALED(2000) };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL,
				     i ? submit_plainly : resize_often,
				     i ? (void *)&me : pool) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	CHECK(atomic_load(&ran) == 3 * me.jobs);
	gate_close(&gate);
	CHECK(try_submit(pool, hold, &gate) == 0);
	CHECK(try_submit(pool, hold, &gate) == 0);
	CHECK(try_submit(pool, hold, &gate) == SKUA_EFULL);
	gate_open(&gate);
	close_pool(pool);
}

/* What its free workers will start at the resume. */
Test(no_queue, a_paused_pool_has_room_for_its_free_workers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, SKUA_NO_QUEUE);
	atomic_size_t ran = 0;

	CHECK(skua_pool_pause(pool) == 0);
	CHECK(try_submit(pool, count_up, &ran) == 0);
	CHECK(try_submit(pool, count_up, &ran) == 0);
	CHECK(skua_pool_resume(pool) == 0);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 2);
}

/* A job that is met cancelled does not keep its worker. */
Test(no_queue, cancelled_jobs, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(1, SKUA_NO_QUEUE);
	struct skua_future *future = NULL;

	for (int i = 0; i < 100; i++) {
		CHECK(skua_pool_pause(pool) == 0);
		CHECK(submit_within(pool, do_nothing, NULL, 0, &future) == 0);
		skua_future_cancel(future);
		skua_future_release(future);
		CHECK(skua_pool_resume(pool) == 0);
		CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	}
	close_pool(pool);
}

/* ---- the end ---- */

static void *submit_until_closed(void *arg)
{
	struct submitter *me = arg;
	size_t in = 0;
	int error;

	while (!(error = skua_submit(me->pool, count_up, me->ran, NULL)))
		in++;
	CHECK(error == SKUA_ECLOSED);
	return number(in);
}

static void closed_body(unsigned workers)
{
	for (unsigned i = 0; i < SCALED(100); i++) {
		struct skua_pool *pool = open_bounded(workers, SKUA_NO_QUEUE);
		atomic_size_t ran = 0;
		struct submitter me = { pool, &ran, 0 };
		pthread_t threads[3];
		void *in = NULL;
		size_t sum = 0;

		for (int k = 0; k < 3; k++)
			CHECK(pthread_create(&threads[k], NULL,
					     submit_until_closed, &me) == 0);
		while (atomic_load(&ran) < 10)
			sched_yield();
		CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
		for (int k = 0; k < 3; k++) {
			CHECK(pthread_join(threads[k], &in) == 0);
			sum += (size_t)in;
		}
		skua_pool_release(pool);
		CHECK(atomic_load(&ran) == sum);
	}
}

Test(no_queue, shutdown_tells_those_who_wait, .timeout = LIMIT)
{
	with_workers(closed_body);
}
