/* SPDX-License-Identifier: MIT */
/* Bounded pools from outside: row A12. */
#include "bounded_test.h"

enum {
	PLACES = 5
};

static struct gate gate;

/* All workers held, and nothing pending. */
static struct skua_pool *open_held(unsigned workers, size_t max_pending)
{
	struct skua_pool *pool = open_bounded(workers, max_pending);

	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	return pool;
}

static void release(struct skua_pool *pool)
{
	gate_open(&gate);
	close_pool(pool);
}

static void full_body(unsigned workers)
{
	struct skua_pool *pool = open_held(workers, PLACES);
	struct skua_future *future = NULL;

	CHECK(fill(pool) == PLACES);
	CHECK(skua_pool_pending(pool) == PLACES);
	CHECK(submit_within(pool, do_nothing, NULL, 0, &future) == SKUA_EFULL);
	CHECK(submit_within(pool, do_nothing, NULL, SKUA_MILLISECONDS(1),
			    &future) == SKUA_ETIMEDOUT);
	CHECK(submit_within(pool, do_nothing, NULL, 1, &future) ==
	      SKUA_ETIMEDOUT);
	CHECK(!future);
	CHECK(skua_pool_pending(pool) == PLACES);
	release(pool);
}

/* "timeout 0 (SKUA_EFULL) or longer (SKUA_ETIMEDOUT)"; nothing is left. */
Test(bounded, full_is_full, .timeout = LIMIT)
{
	with_workers(full_body);
}

/* A timeout leaves no place behind, and takes none with it. */
Test(bounded, timeouts_leave_the_places_as_they_were, .timeout = LIMIT)
{
	struct skua_pool *pool = open_held(1, 2);

	for (int i = 0; i < 100; i++) {
		CHECK(submit_within(pool, do_nothing, NULL, 1 + i, NULL) ==
		      (i < 1 ? 0 : SKUA_ETIMEDOUT));
		CHECK(try_submit(pool, do_nothing, NULL) ==
		      (i < 1 ? 0 : SKUA_EFULL));
	}
	gate_open(&gate);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == 2);
	release(pool);
}

/* ---- waiting ---- */

struct submitter {
	struct skua_pool *pool;
	atomic_size_t *ran;
	size_t jobs;
	int way;
	int error;
};

static void count_post(void *counter)
{
	count_up(counter);
}

SKUA_TASK(int, add_to, atomic_size_t *, counter)
{
	(void)here;
	count_up(counter);
	return 1;
}

enum {
	WAYS = 6
};

static int submit_one_way(struct submitter *me)
{
	struct skua_future *future = NULL;
	void *args[1] = { me->ran };
	int value = 0;
	int error;

	switch (me->way) {
	case 0:
		return skua_submit(me->pool, count_up, me->ran, NULL);
	case 1:
		return skua_post(me->pool, count_post, me->ran);
	case 2:
		return skua_submit_with(me->pool, count_up, me->ran, NULL,
					NULL);
	case 3:
		return skua_submit_many(me->pool, count_up, args, 1, NULL);
	case 4:
		error = add_to_submit(me->pool, &future, me->ran);
		skua_future_release(future);
		return error;
	default:
		return add_to_run(me->pool, &value, me->ran);
	}
}

static void *submit_all_ways(void *arg)
{
	struct submitter *me = arg;

	for (size_t i = 0; i < me->jobs && !me->error; i++) {
		me->way = (int)(i % WAYS);
		me->error = submit_one_way(me);
	}
	return arg;
}

/* Four threads, one place: each job runs once, none is pending beyond it. */
static void waiting_body(unsigned workers)
{
	enum {
		THREADS = 4
	};
	struct skua_pool *pool = open_bounded(workers, 1);
	struct submitter submitters[THREADS];
	pthread_t threads[THREADS];
	atomic_size_t ran = 0;
	size_t jobs = SCALED(6000);

	for (int i = 0; i < THREADS; i++) {
		submitters[i] = (struct submitter){ pool, &ran, jobs, 0, 0 };
		CHECK(pthread_create(&threads[i], NULL, submit_all_ways,
				     &submitters[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		CHECK(submitters[i].error == 0);
	}
	close_pool(pool);
	CHECK(atomic_load(&ran) == jobs * THREADS);
}

Test(bounded, threads_wait_for_room_in_each_way_to_submit, .timeout = LIMIT)
{
	with_workers(waiting_body);
}

static void *submit_plainly(void *arg)
{
	struct submitter *me = arg;

	me->error = skua_submit(me->pool, count_up, me->ran, NULL);
	return arg;
}

/* A thread gets the place as the job in it starts. */
Test(bounded, a_thread_gets_the_next_place, .timeout = LIMIT)
{
	struct skua_pool *pool = open_held(1, 1);
	atomic_size_t ran = 0;
	struct submitter me = { pool, &ran, 1, 0, 1 };
	static struct gate second;
	pthread_t thread;

	gate_close(&second);
	CHECK(skua_submit(pool, hold, &second, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, submit_plainly, &me) == 0);
	gate_open(&gate);
	/* Though the worker is held again: the place is free. */
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(me.error == 0);
	CHECK(atomic_load(&ran) == 0);
	CHECK(skua_pool_pending(pool) == 1);
	gate_open(&second);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 1);
}

/* ---- fairness ---- */

struct queued {
	struct skua_pool *pool;
	size_t number;
	atomic_size_t *next;
};

static void *note_order(void *arg)
{
	struct queued *me = arg;

	CHECK(atomic_fetch_add(me->next, 1) == me->number);
	return NULL;
}

static void *queue_up(void *arg)
{
	struct queued *me = arg;

	me->number = atomic_fetch_add(&me->next[1], 1);
	CHECK(skua_submit(me->pool, note_order, me, NULL) == 0);
	return NULL;
}

/* Tasks of a pool with one worker come one after the other, suspended in the
 * bounded one's queue: they are let in as they came. */
Test(bounded, first_come_first_served, .timeout = LIMIT)
{
	enum {
		TASKS = 40
	};
	static struct queued queued[TASKS];
	static atomic_size_t next[2];
	struct skua_future *futures[TASKS];
	struct skua_pool *pool = open_held(1, 1);
	struct skua_pool *other = open_pool(1);

	for (size_t i = 0; i < TASKS; i++) {
		queued[i] = (struct queued){ pool, 0, next };
		futures[i] = submit(other, queue_up, &queued[i]);
	}
	/* One is in, and the others have come. */
	while (atomic_load(&next[1]) < TASKS)
		sched_yield();
	/* Its worker has left the last of them. */
	take(submit(other, do_nothing, NULL));
	CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
	gate_open(&gate);
	for (size_t i = 0; i < TASKS; i++)
		take(futures[i]);
	close_pool(other);
	close_pool(pool);
	CHECK(atomic_load(&next[0]) == TASKS);
}

/* ---- all or none ---- */

static void many_body(unsigned workers)
{
	struct skua_pool *pool = open_held(workers, PLACES);
	struct skua_future *futures[PLACES + 1] = { NULL };
	atomic_size_t ran = 0;
	void *args[PLACES + 1];

	for (int i = 0; i <= PLACES; i++)
		args[i] = &ran;
	CHECK(skua_submit_many(pool, count_up, args, PLACES + 1, futures) ==
	      SKUA_EFULL);
	CHECK(skua_submit_many(pool, count_up, args, SIZE_MAX, futures) ==
	      SKUA_EFULL);
	CHECK(!futures[0]);
	CHECK(skua_pool_pending(pool) == 0);
	CHECK(skua_submit_many(pool, count_up, args, PLACES, futures) == 0);
	CHECK(fill(pool) == 0);
	CHECK(skua_submit_many(pool, count_up, args, 0, futures) == 0);
	gate_open(&gate);
	for (int i = 0; i < PLACES; i++)
		take(futures[i]);
	CHECK(atomic_load(&ran) == PLACES);
	close_pool(pool);
}

Test(bounded, many_are_all_or_none, .timeout = LIMIT)
{
	with_workers(many_body);
}

struct batch {
	struct skua_pool *pool;
	atomic_size_t *ran;
	size_t rounds;
};

static void *submit_batches(void *arg)
{
	struct batch *me = arg;
	void *args[PLACES];

	for (int i = 0; i < PLACES; i++)
		args[i] = me->ran;
	for (size_t i = 0; i < me->rounds; i++)
		CHECK(skua_submit_many(me->pool, count_up, args, PLACES,
				       NULL) == 0);
	return NULL;
}

static void *submit_singles(void *arg)
{
	struct batch *me = arg;

	for (size_t i = 0; i < me->rounds * PLACES; i++)
		CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	return NULL;
}

/* One that needs all places is not starved by those that need one. */
static void batches_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, PLACES);
	atomic_size_t ran = 0;
	struct batch batch = { pool, &ran, SCALED(1000) };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL,
				     i % 2 ? submit_batches : submit_singles,
				     &batch) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 4 * batch.rounds * PLACES);
}

Test(bounded, batches_and_singles_all_get_in, .timeout = LIMIT)
{
	with_workers(batches_body);
}

/* ---- places that come back otherwise ---- */

/* A cancelled job keeps its place until a worker meets it. */
Test(bounded, cancelled_jobs_give_their_places_back_when_met, .timeout = LIMIT)
{
	struct skua_pool *pool = open_held(1, PLACES);
	struct skua_future *futures[PLACES];

	for (int i = 0; i < PLACES; i++)
		futures[i] = submit(pool, do_nothing, NULL);
	for (int i = 0; i < PLACES; i++) {
		CHECK(skua_future_cancel(futures[i]) == 0);
		CHECK(try_submit(pool, do_nothing, NULL) == SKUA_EFULL);
		skua_future_release(futures[i]);
	}
	CHECK(skua_pool_pending(pool) == PLACES);
	gate_open(&gate);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == PLACES);
	release(pool);
}

/* The largest bound is one, and the next is another thing. */
Test(bounded, any_number_may_be_the_bound, .timeout = LIMIT)
{
	static const size_t bounds[] = { 1, 2, 1000, SIZE_MAX / 2,
					 SIZE_MAX - 1 };

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct skua_pool *pool = open_held(2, bounds[i]);
		size_t most = bounds[i] < 3000 ? bounds[i] : 3000;

		for (size_t n = 0; n < most; n++)
			CHECK(try_submit(pool, do_nothing, NULL) == 0);
		if (most == bounds[i])
			CHECK(fill(pool) == 0);
		release(pool);
	}
}

Test(bounded, arguments_are_looked_at_first, .timeout = LIMIT)
{
	struct skua_pool *pool = open_held(1, 1);
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	void *args[1] = { NULL };

	CHECK(fill(pool) == 1);
	options.size = 1;
	CHECK(skua_submit(pool, NULL, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_post(pool, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_submit_with(pool, do_nothing, NULL, &options, NULL) ==
	      SKUA_EINVAL);
	CHECK(skua_submit_many(pool, do_nothing, NULL, 1, NULL) == SKUA_EINVAL);
	CHECK(skua_submit_many(pool, NULL, args, 2, NULL) == SKUA_EINVAL);
	release(pool);
}
