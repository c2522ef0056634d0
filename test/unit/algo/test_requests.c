/* SPDX-License-Identifier: MIT */
/*
 * test_requests.c - callbacks run where one polls, once each; what each answer
 * means; several who poll, callbacks that put, poll, wait and close; pools that
 * are resized, closed and broken meanwhile.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sched/sched_test.h"

#include "../core/failing_memory.h"

/* An output that must not be touched. */
static char untouched;
#define UNTOUCHED ((void *)&untouched)

static struct skua_batch *open_batch(struct skua_pool *pool)
{
	struct skua_batch *batch = NULL;

	CHECK(skua_batch_open(&batch, pool) == 0);
	return batch;
}

static void close_batch(struct skua_batch *batch)
{
	CHECK(skua_batch_close(batch) == 0);
}

static void close_pool(struct skua_pool *pool)
{
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(0);
}

/* What callbacks have noted. */
struct notes {
	pthread_t where;
	atomic_size_t results, errors;
	atomic_uint_least64_t sum;
	_Atomic(int) code; /* the last one */
};

static void note_result(void *arg, void *result, void *context)
{
	struct notes *notes = context;

	CHECK(pthread_equal(notes->where, pthread_self()));
	CHECK(result == number((uintptr_t)arg + 1));
	atomic_fetch_add(&notes->sum, (uintptr_t)arg);
	atomic_fetch_add(&notes->results, 1);
}

static void note_error(void *arg, int code, void *context)
{
	struct notes *notes = context;

	CHECK(pthread_equal(notes->where, pthread_self()));
	atomic_fetch_add(&notes->sum, (uintptr_t)arg);
	atomic_store(&notes->code, code);
	atomic_fetch_add(&notes->errors, 1);
}

static void *next_number(void *arg)
{
	return number((uintptr_t)arg + 1);
}

/* Every third one, and not where no task is. */
static void *fail_some(void *arg)
{
	return (uintptr_t)arg % 3 == 0 ? skua_fail(33) : next_number(arg);
}

static int put(struct skua_batch *batch, skua_fn *fn, void *arg,
	       struct notes *notes)
{
	return skua_batch_put(batch, fn, arg, note_result, note_error, notes);
}

enum {
	COUNT = SCALED(20000)
};

/* --- Results and errors. --- */

static void results_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };

	(void)workers;
	CHECK(skua_batch_wait(batch) == 0);
	for (uintptr_t i = 0; i < COUNT; i++)
		CHECK(put(batch, next_number, number(i), &notes) == 0);
	CHECK(skua_batch_pending(batch) == COUNT);
	CHECK(skua_batch_wait(batch) == 0);
	CHECK(notes.results == COUNT && notes.errors == 0);
	CHECK(notes.sum == (uint64_t)COUNT * (COUNT - 1) / 2);
	CHECK(skua_batch_pending(batch) == 0);
	CHECK(skua_batch_poll(batch, SKUA_FOREVER) == SKUA_ENONE);
	close_batch(batch);
}

Test(requests, results_where_one_waits, .timeout = LIMIT)
{
	with_pools(results_body);
}

static void many_body(struct skua_pool *pool, unsigned workers)
{
	static void *args[COUNT];
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };
	int error;

	(void)workers;
	for (uintptr_t i = 0; i < COUNT; i++)
		args[i] = number(i);
	for (int round = 0; round < 3; round++) {
		CHECK(skua_batch_put_many(batch, fail_some, args, COUNT,
					  note_result, note_error,
					  &notes) == 0);
		while (!(error = skua_batch_poll(batch, SKUA_FOREVER)))
			;
		CHECK(error == SKUA_ENONE);
	}
	CHECK(notes.errors == 3 * (((size_t)COUNT + 2) / 3));
	CHECK(notes.results + notes.errors == 3 * (size_t)COUNT);
	CHECK(notes.sum == 3 * ((uint64_t)COUNT * (COUNT - 1) / 2));
	CHECK(notes.code == 33);
	close_batch(batch);
}

Test(requests, many_and_some_fail, .timeout = LIMIT)
{
	with_pools(many_body);
}

/* Without callbacks; and what failed is no result. */
Test(requests, callbacks_may_be_left_out, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };

	for (uintptr_t i = 0; i < 30; i++)
		cr_assert_eq(skua_batch_put(batch, fail_some, number(i), NULL,
					    NULL, NULL),
			     0);
	cr_assert_eq(skua_batch_wait(batch), 0);
	for (uintptr_t i = 0; i < 30; i++) {
		cr_assert_eq(skua_batch_put(batch, fail_some, number(i),
					    note_result, NULL, &notes),
			     0);
		cr_assert_eq(skua_batch_put(batch, fail_some, number(i), NULL,
					    note_error, &notes),
			     0);
	}
	cr_assert_eq(skua_batch_wait(batch), 0);
	cr_assert_eq(notes.results, 20);
	cr_assert_eq(notes.errors, 10);
	close_batch(batch);
	close_pool(pool);
}

Test(requests, wrong_arguments, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = UNTOUCHED;
	void *args[1] = { NULL };

	cr_assert_eq(skua_batch_open(NULL, pool), SKUA_EINVAL);
	cr_assert_eq(skua_batch_open(&batch, NULL), SKUA_EINVAL);
	cr_assert_eq(batch, UNTOUCHED);
	batch = open_batch(pool);
	cr_assert_eq(skua_batch_put(NULL, do_nothing, NULL, NULL, NULL, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_batch_put(batch, NULL, NULL, NULL, NULL, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_batch_put_many(NULL, do_nothing, args, 1, NULL, NULL,
					 NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_batch_put_many(batch, NULL, args, 1, NULL, NULL,
					 NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_batch_put_many(batch, do_nothing, NULL, 1, NULL, NULL,
					 NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_batch_put_many(batch, do_nothing, NULL, 0, NULL, NULL,
					 NULL),
		     0);
	cr_assert_eq(skua_batch_poll(NULL, 0), SKUA_EINVAL);
	cr_assert_eq(skua_batch_wait(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_batch_fd(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_batch_close(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_batch_pending(NULL), 0);
	/* More than memory could hold, and more than are counted. */
	cr_assert_eq(skua_batch_put_many(batch, do_nothing, args, SIZE_MAX,
					 NULL, NULL, NULL),
		     SKUA_ENOMEM);
	cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), SKUA_ENONE);
	close_batch(batch);
	close_pool(pool);
}

/* --- What the answers mean. --- */

static struct gate gate, second;

Test(requests, nothing_to_do_has_reasons, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);

	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ENONE);
	cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), SKUA_ENONE);
	gate_close(&gate);
	cr_assert_eq(skua_batch_put(batch, hold, &gate, NULL, NULL, NULL), 0);
	gate_await(&gate, 1);
	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ETIMEDOUT);
	cr_assert_eq(skua_batch_poll(batch, 100000), SKUA_ETIMEDOUT);
	/* Dismissed, but it runs still: one will finish. */
	cr_assert_eq(skua_batch_put(batch, do_nothing, NULL, NULL, NULL, NULL),
		     0);
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ETIMEDOUT);
	gate_open(&gate);
	cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), 0);
	/* The other one will not. */
	cr_assert_eq(skua_batch_pending(batch), 1);
	cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), SKUA_ENOWORKERS);
	cr_assert_eq(skua_batch_poll(batch, 1000), SKUA_ENOWORKERS);
	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ENOWORKERS);
	cr_assert_eq(skua_batch_wait(batch), SKUA_ENOWORKERS);
	cr_assert_eq(skua_pool_resize(pool, 2), 0);
	cr_assert_eq(skua_batch_wait(batch), 0);
	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ENONE);
	close_batch(batch);
	close_pool(pool);
}

/* What has finished is told also if nobody works any more. */
Test(requests, results_without_workers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };

	cr_assert_eq(put(batch, next_number, number(5), &notes), 0);
	cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	cr_assert_eq(skua_batch_poll(batch, 0), 0);
	cr_assert_eq(skua_batch_poll(batch, 0), SKUA_ENONE);
	cr_assert_eq(notes.results, 1);
	close_batch(batch);
	close_pool(pool);
}

static size_t order[100], ordered;

static void note_order(void *arg, void *result, void *context)
{
	(void)result;
	(void)context;
	order[ordered++] = (uintptr_t)arg;
}

/* In the order in which they finished; all in one poll. */
Test(requests, order_of_ends, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);

	for (uintptr_t i = 0; i < 100; i++) {
		cr_assert_eq(skua_batch_put(batch, do_nothing, number(i),
					    note_order, NULL, NULL),
			     0);
		cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	}
	cr_assert_eq(skua_batch_poll(batch, 0), 0);
	cr_assert_eq(ordered, 100);
	for (size_t i = 0; i < 100; i++)
		cr_assert_eq(order[i], i);
	close_batch(batch);
	close_pool(pool);
}

/* --- Requests that look after their own batch. --- */

static void *look_inside(void *arg)
{
	struct skua_batch *batch = arg;

	CHECK(skua_batch_poll(batch, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_batch_poll(batch, SKUA_FOREVER) == SKUA_EDEADLK);
	CHECK(skua_batch_poll(batch, SKUA_SECONDS(1000)) == SKUA_EDEADLK);
	CHECK(skua_batch_wait(batch) == SKUA_EDEADLK);
	CHECK(skua_batch_close(batch) == SKUA_EDEADLK);
	return batch;
}

static void inside_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_batch *batch = open_batch(pool);

	(void)workers;
	CHECK(skua_batch_put(batch, look_inside, batch, NULL, NULL, NULL) == 0);
	CHECK(skua_batch_wait(batch) == 0);
	close_batch(batch);
}

Test(requests, from_inside, .timeout = LIMIT)
{
	with_pools(inside_body);
}

static struct skua_batch *one_batch;

/* Another batch of the same pool may be waited for: the task is suspended. */
static void *wait_for_another(void *arg)
{
	struct skua_batch *batch = open_batch(skua_pool_current());
	struct notes notes = { .where = pthread_self() };

	for (uintptr_t i = 0; i < 100; i++)
		CHECK(put(batch, next_number, number(i), &notes) == 0);
	CHECK(skua_batch_wait(batch) == 0);
	CHECK(notes.results == 100);
	close_batch(batch);
	return arg;
}

static void another_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_batch *batch = open_batch(pool);

	(void)workers;
	for (int i = 0; i < SCALED(100) + 1; i++)
		CHECK(skua_batch_put(batch, wait_for_another, NULL, NULL, NULL,
				     NULL) == 0);
	CHECK(skua_batch_wait(batch) == 0);
	close_batch(batch);
}

/* On one worker, too. */
Test(requests, a_task_that_waits_is_suspended, .timeout = LIMIT)
{
	with_pools(another_body);
}

/* A poll with a time limit, too, which returns when one has finished. */
static void *poll_in_task(void *arg)
{
	gate_arrive(&second);
	CHECK(skua_batch_poll(arg, SKUA_SECONDS(1000)) == 0);
	return arg;
}

static void poll_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_batch *batch = open_batch(pool);
	struct skua_future *future;

	(void)workers;
	CHECK(skua_pool_pause(pool) == 0);
	gate_close(&second);
	future = submit(pool, poll_in_task, batch);
	CHECK(skua_batch_put(batch, do_nothing, NULL, NULL, NULL, NULL) == 0);
	CHECK(skua_pool_resume(pool) == 0);
	CHECK(take(future) == batch);
	close_batch(batch);
}

Test(requests, polled_in_a_task, .timeout = LIMIT)
{
	with_pools(poll_body);
}

/* --- Callbacks that put, poll, wait, close. --- */

struct chain {
	struct skua_batch *batch;
	size_t left, called;
	bool nested;
};

static void put_next(void *arg, void *result, void *context)
{
	struct chain *chain = context;

	(void)result;
	chain->called++;
	if (!chain->left)
		return;
	chain->left--;
	CHECK(skua_batch_put(chain->batch, do_nothing, arg, put_next, NULL,
			     chain) == 0);
	if (chain->nested)
		CHECK(skua_batch_poll(chain->batch, 0) <= 0);
}

static void chain_body(struct skua_pool *pool, unsigned workers)
{
	struct chain chain = { open_batch(pool), SCALED(2000) + 10, 0, false };

	(void)workers;
	CHECK(skua_batch_put(chain.batch, do_nothing, NULL, put_next, NULL,
			     &chain) == 0);
	CHECK(skua_batch_wait(chain.batch) == 0);
	CHECK(chain.left == 0 && chain.called == SCALED(2000) + 11);
	chain.nested = true;
	chain.left = 100;
	CHECK(skua_batch_put(chain.batch, do_nothing, NULL, put_next, NULL,
			     &chain) == 0);
	CHECK(skua_batch_wait(chain.batch) == 0);
	CHECK(chain.left == 0 && chain.called == SCALED(2000) + 112);
	close_batch(chain.batch);
}

Test(requests, callbacks_put_more, .timeout = LIMIT)
{
	with_pools(chain_body);
}

static void put_and_await(void *arg, void *result, void *context)
{
	struct chain *chain = context;

	(void)arg;
	(void)result;
	chain->called++;
	CHECK(skua_batch_put(chain->batch, do_nothing, NULL, note_order, NULL,
			     NULL) == 0);
	/* It has finished when the callback returns: the poll that calls back
	 * does not take it, though. */
	while (skua_batch_poll(chain->batch, 0) == SKUA_ETIMEDOUT)
		sched_yield();
	CHECK(skua_batch_poll(chain->batch, 0) == SKUA_ENONE);
	CHECK(skua_batch_put(chain->batch, do_nothing, NULL, note_order, NULL,
			     NULL) == 0);
	CHECK(skua_batch_wait(chain->batch) == 0);
	CHECK(skua_batch_put(chain->batch, hold, &gate, NULL, NULL, NULL) == 0);
}

/* A wait within a callback waits for the others; that callback is not one of
 * them. */
Test(requests, a_callback_waits, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	struct chain chain = { open_batch(pool), 0, 0, false };

	gate_close(&gate);
	cr_assert_eq(skua_batch_put(chain.batch, do_nothing, NULL,
				    put_and_await, NULL, &chain),
		     0);
	cr_assert_eq(skua_batch_poll(chain.batch, SKUA_FOREVER), 0);
	cr_assert_eq(chain.called, 1);
	cr_assert_eq(ordered, 2);
	cr_assert_eq(skua_batch_poll(chain.batch, 0), SKUA_ETIMEDOUT);
	gate_open(&gate);
	cr_assert_eq(skua_batch_wait(chain.batch), 0);
	close_batch(chain.batch);
	close_pool(pool);
}

/* One poll is over, though each callback's request has finished by its end. */
static void put_forever(void *arg, void *result, void *context)
{
	struct chain *chain = context;

	(void)arg;
	(void)result;
	chain->called++;
	CHECK(skua_batch_put(chain->batch, do_nothing, NULL, put_forever, NULL,
			     chain) == 0);
	CHECK(skua_pool_drain(skua_pool_default(), SKUA_FOREVER) == 0);
}

Test(requests, a_poll_ends, .timeout = LIMIT)
{
	struct chain chain = { open_batch(skua_pool_default()), 0, 0, false };

	for (int i = 0; i < 5; i++)
		cr_assert_eq(skua_batch_put(chain.batch, do_nothing, NULL,
					    put_forever, NULL, &chain),
			     0);
	cr_assert_eq(skua_pool_drain(skua_pool_default(), SKUA_FOREVER), 0);
	for (size_t i = 1; i <= 10; i++) {
		cr_assert_eq(skua_batch_poll(chain.batch, 0), 0);
		cr_assert_eq(chain.called, 5 * i);
	}
	close_batch(chain.batch);
	settle(0);
}

static void close_it(void *arg, void *result, void *context)
{
	struct chain *chain = context;

	(void)arg;
	(void)result;
	chain->called++;
	close_batch(chain->batch);
}

static void close_in_callback_body(struct skua_pool *pool, unsigned workers)
{
	for (int waits = 0; waits < 2; waits++) {
		struct chain chain = { open_batch(pool), 0, 0, false };

		(void)workers;
		for (int i = 0; i < 100; i++)
			CHECK(skua_batch_put(chain.batch, do_nothing, NULL,
					     close_it, NULL, &chain) == 0);
		CHECK((waits ? skua_batch_wait(chain.batch) :
			       skua_batch_poll(chain.batch, SKUA_FOREVER)) ==
		      0);
		CHECK(chain.called == 1);
	}
}

/* The first one, and none is called after it. */
Test(requests, a_callback_closes, .timeout = LIMIT)
{
	with_pools(close_in_callback_body);
}

/* --- Several who poll. --- */

static atomic_size_t taken;
static atomic_uchar once[COUNT];

static void take_once(void *arg, void *result, void *context)
{
	(void)context;
	CHECK(result == number((uintptr_t)arg + 1));
	CHECK(atomic_fetch_add(&once[(uintptr_t)arg], 1) == 0);
	atomic_fetch_add(&taken, 1);
}

static void *poll_all(void *arg)
{
	int error = 0;

	while (atomic_load(&taken) < COUNT) {
		error = skua_batch_poll(arg, SKUA_FOREVER);
		CHECK(error == 0 || error == SKUA_ENONE);
		if (error)
			sched_yield();
	}
	CHECK(skua_batch_wait(arg) == 0);
	return arg;
}

static void *put_range(void *arg)
{
	for (uintptr_t i = (uintptr_t)arg; i < COUNT; i += 2)
		CHECK(skua_batch_put(one_batch, next_number, number(i),
				     take_once, NULL, NULL) == 0);
	return arg;
}

enum {
	POLLERS = 3
};

static void several_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *others = open_pool(2);
	struct skua_future *tasks[POLLERS];
	pthread_t threads[POLLERS], putters[2];

	(void)workers;
	one_batch = open_batch(pool);
	atomic_store(&taken, 0);
	for (size_t i = 0; i < COUNT; i++)
		atomic_store(&once[i], 0);
	for (uintptr_t i = 0; i < POLLERS; i++) {
		tasks[i] = submit(others, poll_all, one_batch);
		CHECK(pthread_create(&threads[i], NULL, poll_all, one_batch) ==
		      0);
	}
	for (uintptr_t i = 0; i < 2; i++)
		CHECK(pthread_create(&putters[i], NULL, put_range, number(i)) ==
		      0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(putters[i], NULL) == 0);
	for (int i = 0; i < POLLERS; i++) {
		CHECK(take(tasks[i]) == one_batch);
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
	CHECK(atomic_load(&taken) == COUNT);
	close_batch(one_batch);
	CHECK(skua_pool_close(others, SKUA_CLOSE_WAIT) == 0);
}

/* Threads, and tasks that yield in no other way. */
Test(requests, each_is_taken_once, .timeout = LIMIT)
{
	with_pools(several_body);
}

static void hold_in_callback(void *arg, void *result, void *context)
{
	(void)result;
	(void)context;
	hold(arg);
}

static void *poll_once(void *batch)
{
	CHECK(skua_batch_poll(batch, SKUA_FOREVER) == 0);
	return batch;
}

static atomic_bool waited;

static void *wait_and_say(void *batch)
{
	gate_arrive(&second);
	CHECK(skua_batch_wait(batch) == 0);
	atomic_store(&waited, true);
	return batch;
}

/* Who waits returns after the callback that another is in. */
Test(requests, wait_for_the_callbacks_of_others, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);
	pthread_t one, two;

	for (int round = 0; round < 50; round++) {
		gate_close(&gate);
		gate_close(&second);
		atomic_store(&waited, false);
		cr_assert_eq(skua_batch_put(batch, do_nothing, &gate,
					    hold_in_callback, NULL, NULL),
			     0);
		CHECK(pthread_create(&one, NULL, poll_once, batch) == 0);
		gate_await(&gate, 1);
		cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), SKUA_ENONE);
		CHECK(pthread_create(&two, NULL, wait_and_say, batch) == 0);
		gate_await(&second, 1);
		sched_yield();
		cr_assert(!atomic_load(&waited));
		gate_open(&gate);
		CHECK(pthread_join(one, NULL) == 0);
		CHECK(pthread_join(two, NULL) == 0);
		cr_assert(atomic_load(&waited));
	}
	close_batch(batch);
	close_pool(pool);
}

/* Who sleeps in a poll is told when another has taken the last. */
Test(requests, nothing_is_left_for_a_sleeper, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);

	for (int round = 0; round < SCALED(1000) + 10; round++) {
		pthread_t threads[3];

		cr_assert_eq(skua_batch_put(batch, do_nothing, NULL, NULL, NULL,
					    NULL),
			     0);
		for (int i = 0; i < 3; i++)
			CHECK(pthread_create(&threads[i], NULL, wait_and_say,
					     batch) == 0);
		for (int i = 0; i < 3; i++)
			CHECK(pthread_join(threads[i], NULL) == 0);
		cr_assert_eq(skua_batch_pending(batch), 0);
	}
	close_batch(batch);
	close_pool(pool);
}

/* --- Closing. --- */

static atomic_size_t ran;

static void *count_run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void never(void *arg, void *result, void *context)
{
	(void)arg;
	(void)result;
	(void)context;
	CHECK(!"a callback after the close");
}

static void *open_later(void *arg)
{
	gate_await(arg, 1);
	gate_open(arg);
	return arg;
}

/* What runs is waited for; what waits never runs; nobody is called back. */
Test(requests, close_with_work_in_flight, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	for (int round = 0; round < 50; round++) {
		struct skua_batch *batch = open_batch(pool);
		pthread_t opener;

		gate_close(&gate);
		atomic_store(&ran, 0);
		cr_assert_eq(skua_batch_put(batch, count_run, NULL, never, NULL,
					    NULL),
			     0);
		cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
		cr_assert_eq(skua_batch_put(batch, hold, &gate, never, NULL,
					    NULL),
			     0);
		gate_await(&gate, 1);
		for (int i = 0; i < 10; i++)
			cr_assert_eq(skua_batch_put(batch, count_run, NULL,
						    never, NULL, NULL),
				     0);
		CHECK(pthread_create(&opener, NULL, open_later, &gate) == 0);
		close_batch(batch);
		CHECK(pthread_join(opener, NULL) == 0);
		cr_assert(gate.open);
		cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
		cr_assert_leq(atomic_load(&ran), 11);
	}
	close_pool(pool);
}

/* In a pool without workers those that never start are in no one's way. */
Test(requests, close_without_workers, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);

	atomic_store(&ran, 0);
	/* Held, so that the worker is not about to start one. */
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	gate_open(&gate);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(skua_batch_put(batch, count_run, NULL, never, NULL,
					    NULL),
			     0);
	close_batch(batch);
	cr_assert_eq(skua_pool_resize(pool, 1), 0);
	cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	cr_assert_eq(atomic_load(&ran), 0);
	close_pool(pool);
}

static void race_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (int round = 0; round < SCALED(400) + 10; round++) {
		struct skua_batch *batch = open_batch(pool);
		struct notes notes = { .where = pthread_self() };

		for (uintptr_t i = 0; i < 20; i++)
			CHECK(put(batch, next_number, number(i), &notes) == 0);
		if (round % 3)
			CHECK(skua_batch_poll(batch, round % 3 - 1) <= 0);
		close_batch(batch);
	}
}

/* At any moment of twenty. */
Test(requests, close_at_once, .timeout = LIMIT)
{
	with_pools(race_body);
}

/* --- Pools that end. --- */

Test(requests, a_pool_that_is_cancelled, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };
	void *args[2] = { NULL, NULL };
	pthread_t opener;

	gate_close(&gate);
	cr_assert_eq(skua_batch_put(batch, hold, &gate, NULL, NULL, NULL), 0);
	gate_await(&gate, 1);
	for (uintptr_t i = 0; i < 10; i++)
		cr_assert_eq(put(batch, next_number, number(i), &notes), 0);
	cr_assert_eq(skua_batch_put_many(batch, do_nothing, args, 2,
					 note_result, note_error, &notes),
		     0);
	cr_assert_eq(skua_pool_shutdown(pool,
					SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH),
		     0);
	CHECK(pthread_create(&opener, NULL, open_later, &gate) == 0);
	cr_assert_eq(skua_batch_wait(batch), 0);
	CHECK(pthread_join(opener, NULL) == 0);
	cr_assert_eq(notes.errors, 12);
	cr_assert_eq(notes.code, SKUA_ECANCELLED);
	cr_assert_eq(notes.results, 0);
	/* Nothing is put any more, and nothing is pending by that. */
	cr_assert_eq(put(batch, next_number, NULL, &notes), SKUA_ECLOSED);
	cr_assert_eq(skua_batch_put_many(batch, do_nothing, args, 2,
					 note_result, note_error, &notes),
		     SKUA_ECLOSED);
	cr_assert_eq(skua_batch_poll(batch, SKUA_FOREVER), SKUA_ENONE);
	close_batch(batch);
	close_pool(pool);
}

static int refuse(void *context, unsigned worker)
{
	(void)worker;
	gate_pass(context);
	return 1;
}

Test(requests, a_pool_that_breaks, .timeout = LIMIT)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct notes notes = { .where = pthread_self() };
	struct skua_batch *batch;
	struct skua_pool *pool;

	gate_close(&gate);
	options.workers = 1;
	options.start = refuse;
	options.context = &gate;
	cr_assert_eq(skua_pool_open(&pool, &options), 0);
	batch = open_batch(pool);
	for (uintptr_t i = 0; i < 10; i++)
		cr_assert_eq(put(batch, next_number, number(i), &notes), 0);
	gate_open(&gate);
	cr_assert_eq(skua_batch_wait(batch), 0);
	cr_assert_eq(notes.errors, 10);
	cr_assert_eq(notes.code, SKUA_EBROKEN);
	cr_assert_eq(put(batch, next_number, NULL, &notes), SKUA_EBROKEN);
	close_batch(batch);
	close_pool(pool);
}

/* The handle of the pool may go: the batch has its own reference. */
Test(requests, the_pool_is_retained, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };

	cr_assert_eq(put(batch, next_number, number(1), &notes), 0);
	skua_pool_release(pool);
	cr_assert_eq(put(batch, next_number, number(2), &notes), 0);
	cr_assert_eq(skua_batch_wait(batch), 0);
	cr_assert_eq(notes.results, 2);
	close_batch(batch);
	settle(0);
}

/* --- Memory. --- */

static void put_with_little(struct skua_batch *batch, struct notes *notes)
{
	void *args[50];

	for (uintptr_t i = 0; i < 50; i++)
		args[i] = number(i);
	for (long n = 0; n < 60; n++) {
		size_t before = skua_batch_pending(batch);
		int error;

		memory_allow(n);
		error = skua_batch_put_many(batch, next_number, args, 50,
					    note_result, note_error, notes);
		memory_relent();
		cr_assert(error == 0 || error == SKUA_ENOMEM);
		cr_assert(n < 50 ? error == SKUA_ENOMEM : true);
		cr_assert(!error || skua_batch_pending(batch) <= before);
		cr_assert_eq(skua_batch_wait(batch), 0);
		cr_assert_eq(notes->results, error ? 0 : 50);
		notes->results = 0;
	}
	cr_assert_eq(notes->errors, 0);
}

/* All or none; and what was put needs none to be told. */
Test(requests, without_memory, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	struct skua_batch *batch = UNTOUCHED;
	struct notes notes = { .where = pthread_self() };

	/* So that no thread is about to begin without memory. */
	start_workers(pool, 2);
	memory_allow(0);
	cr_assert_eq(skua_batch_open(&batch, pool), SKUA_ENOMEM);
	memory_relent();
	cr_assert_eq(batch, UNTOUCHED);
	batch = open_batch(pool);
	put_with_little(batch, &notes);
	memory_allow(0);
	cr_assert_eq(put(batch, next_number, NULL, &notes), SKUA_ENOMEM);
	memory_relent();
	for (uintptr_t i = 0; i < 100; i++)
		cr_assert_eq(put(batch, next_number, number(i), &notes), 0);
	memory_allow(0);
	cr_assert_eq(skua_batch_wait(batch), 0);
	memory_relent();
	cr_assert_eq(notes.results, 100);
	close_batch(batch);
	close_pool(pool);
}

/* --- fork(). --- */

Test(requests, inherited, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_batch *batch = open_batch(pool);
	struct notes notes = { .where = pthread_self() };
	int status = -1, fd = skua_batch_fd(batch);
	pid_t pid;

	cr_assert_geq(fd, 0);
	cr_assert_eq(put(batch, next_number, number(1), &notes), 0);
	cr_assert_eq(skua_pool_drain(pool, SKUA_FOREVER), 0);
	pid = fork();
	if (pid == 0) {
		alarm(100);
		CHECK(skua_batch_poll(batch, SKUA_FOREVER) == SKUA_ECLOSED);
		CHECK(skua_batch_poll(batch, 0) == SKUA_ECLOSED);
		CHECK(skua_batch_wait(batch) == SKUA_ECLOSED);
		CHECK(skua_batch_fd(batch) == SKUA_ECLOSED);
		CHECK(put(batch, next_number, NULL, &notes) == SKUA_ECLOSED);
		CHECK(skua_batch_close(batch) == SKUA_ECLOSED);
		CHECK(notes.results == 0);
		_exit(atomic_load(&failed_check) ? 1 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(skua_batch_poll(batch, 0), 0);
	cr_assert_eq(notes.results, 1);
	close_batch(batch);
	close_pool(pool);
}
