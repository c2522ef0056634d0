/* SPDX-License-Identifier: MIT */
/*
 * test_submit.c - jobs from anywhere reach a worker, once, and none is lost;
 * no lock on the way; nobody starves.
 */
#include "sched_test.h"

/* Counts a run where @hits points to. */
static void *hit(void *hits)
{
	atomic_fetch_add((atomic_uint *)hits, 1);
	return hits;
}

static void hit_plainly(void *hits)
{
	(void)hit(hits);
}

static void *twice(void *arg)
{
	return number((uintptr_t)arg * 2);
}

/* --- From outside and from inside. --- */

enum {
	MANY = SCALED(100000)
};

static uintptr_t submit_and_sum(struct skua_pool *pool, size_t count)
{
	struct skua_future **futures = calloc(count, sizeof(*futures));
	uintptr_t sum = 0;

	for (size_t i = 0; i < count; i++)
		futures[i] = submit(pool, twice, number(i));
	for (size_t i = 0; i < count; i++)
		sum += (uintptr_t)take(futures[i]);
	free(futures);
	return sum;
}

static void outside_body(struct skua_pool *pool, unsigned workers)
{
	cr_assert_eq(submit_and_sum(pool, MANY), (uintptr_t)MANY * (MANY - 1),
		     "%u workers", workers);
}

/* A4 "any thread, no registration" */
Test(submit, results_of_an_outside_thread, .timeout = LIMIT)
{
	with_pools(outside_body);
}

static void *submit_inside(void *count)
{
	return number(submit_and_sum(skua_pool_current(), (size_t)count));
}

static void inside_body(struct skua_pool *pool, unsigned workers)
{
	cr_assert_eq((uintptr_t)take(submit(pool, submit_inside, number(MANY))),
		     (uintptr_t)MANY * (MANY - 1), "%u workers", workers);
}

/* A4 "from inside a task too" */
Test(submit, results_of_a_task, .timeout = LIMIT)
{
	with_pools(inside_body);
}

static void forget_one(struct skua_pool *pool, size_t i, atomic_uint *hits)
{
	if (i % 2)
		CHECK(skua_submit(pool, hit, hits, NULL) == 0);
	else
		CHECK(skua_post(pool, hit_plainly, hits) == 0);
}

static void once_body(unsigned workers)
{
	static atomic_uint hits[MANY];
	struct skua_pool *pool = open_pool(workers);

	for (size_t i = 0; i < MANY; i++)
		atomic_store(&hits[i], 0);
	for (size_t i = 0; i < MANY; i++)
		forget_one(pool, i, &hits[i]);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 0; i < MANY; i++)
		cr_assert_eq(atomic_load(&hits[i]), 1, "%u workers", workers);
}

/* "out NULL: fire and forget": each runs exactly once, and close waits. */
Test(submit, fire_and_forget_runs_exactly_once, .timeout = LIMIT)
{
	with_workers(once_body);
}

/* --- submit_many. --- */

static void many_body(struct skua_pool *pool, unsigned workers)
{
	static const size_t sizes[] = { 1, 2, 31, 1000, MANY };
	void **args = calloc(MANY, sizeof(*args));
	struct skua_future **out = calloc(MANY, sizeof(*out));

	for (size_t i = 0; i < MANY; i++)
		args[i] = number(i);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		CHECK(skua_submit_many(pool, twice, args, sizes[k], out) == 0);
		for (size_t i = 0; i < sizes[k]; i++)
			cr_assert_eq((uintptr_t)take(out[i]), 2 * i,
				     "%u workers", workers);
	}
	free(args);
	free(out);
}

/* submit_many: out[i] is the future of args[i] */
Test(submit, many_at_once_in_the_order_of_the_arguments, .timeout = LIMIT)
{
	with_pools(many_body);
}

static void many_forget_body(struct skua_pool *pool, unsigned workers)
{
	static atomic_uint hits;
	void *args[100];
	struct skua_future *none = NULL;

	(void)workers;
	atomic_store(&hits, 0);
	for (size_t i = 0; i < 100; i++)
		args[i] = &hits;
	CHECK(skua_submit_many(pool, hit, args, 100, NULL) == 0);
	CHECK(skua_submit_many(pool, hit, args, 0, &none) == 0);
	CHECK(skua_submit_many(pool, hit, NULL, 0, NULL) == 0);
	CHECK(none == NULL);
	while (atomic_load(&hits) < 100)
		(void)take(submit(pool, twice, NULL));
}

Test(submit, many_forgotten_and_none_at_all, .timeout = LIMIT)
{
	with_pools(many_forget_body);
}

/* --- Visibility. --- */

struct message {
	uint64_t question, answer; /* plain: TSan watches */
};

static void *reply(void *arg)
{
	struct message *message = arg;

	message->answer = message->question * 3;
	return message;
}

static void visible_body(struct skua_pool *pool, unsigned workers)
{
	struct message message = { 0, 0 };

	for (uint64_t i = 0; i < SCALED(10000); i++) {
		message.question = i;
		CHECK(take(submit(pool, reply, &message)) == &message);
		cr_assert_eq(message.answer, 3 * i, "%u workers", workers);
	}
}

/* "Everything the caller wrote before is visible to @fn", and what @fn wrote
 * to whoever has its result. */
Test(submit, what_was_written_before_is_visible, .timeout = LIMIT)
{
	with_pools(visible_body);
}

/* --- The task that resubmits itself. --- */

static atomic_bool stop_flag;
static struct gate flag_set, resubmitting;

static void set_flag(void *arg)
{
	(void)arg;
	atomic_store(&stop_flag, true);
	gate_arrive(&flag_set);
}

static void resubmit(void *arg)
{
	gate_arrive(&resubmitting);
	if (!atomic_load(&stop_flag))
		CHECK(skua_post(skua_pool_current(), resubmit, arg) == 0);
}

static void resubmit_restart(struct gate *keep, struct skua_pool *pool,
			     unsigned workers)
{
	gate_close(keep);
	gate_close(&flag_set);
	gate_close(&resubmitting);
	atomic_store(&stop_flag, false);
	/* One worker is left for the task that resubmits itself. */
	hold_workers(pool, keep, workers - 1);
}

static void resubmit_guest_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	resubmit_restart(&keep, pool, workers);
	CHECK(skua_post(pool, resubmit, NULL) == 0);
	gate_await(&resubmitting, 1000);
	CHECK(skua_post(pool, set_flag, NULL) == 0);
	gate_await(&flag_set, 1);
	gate_open(&keep);
}

/* "On one worker, a task that resubmits itself until […] a guest's job sets a
 * flag ends." */
Test(submit, resubmits_itself_until_a_guests_job_sets_a_flag, .timeout = LIMIT)
{
	with_pools(resubmit_guest_body);
}

/* Its first act is to queue the setter; then it is always itself the newest
 * job of the worker's own deque. */
static void resubmit_after_setter(void *arg)
{
	CHECK(skua_post(skua_pool_current(), set_flag, NULL) == 0);
	resubmit(arg);
}

static void resubmit_task_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	resubmit_restart(&keep, pool, workers);
	CHECK(skua_post(pool, resubmit_after_setter, NULL) == 0);
	gate_await(&flag_set, 1);
	gate_open(&keep);
}

/* "On one worker, a task that resubmits itself until another task […] sets a
 * flag ends." */
Test(submit, resubmits_itself_until_another_task_sets_a_flag, .timeout = LIMIT)
{
	with_pools(resubmit_task_body);
}

static void *sleep_then_set_flag(void *arg)
{
	CHECK(skua_sleep(SKUA_MILLISECONDS(2)) == 0);
	set_flag(NULL);
	return arg;
}

static void *wait_then_set_flag(void *future)
{
	void *result = take(future);

	set_flag(NULL);
	return result;
}

static void resubmit_timer_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_future *sleeper;

	resubmit_restart(&keep, pool, workers);
	sleeper = submit(pool, sleep_then_set_flag, NULL);
	CHECK(skua_post(pool, resubmit, NULL) == 0);
	CHECK(take(sleeper) == NULL);
	gate_open(&keep);
}

/* The other task sleeps: timers are not starved either. */
Test(submit, resubmits_itself_until_a_sleeping_task_wakes, .timeout = LIMIT)
{
	with_pools(resubmit_timer_body);
}

static void resubmit_resumed_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep, finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *waiter;

	gate_close(&finish);
	resubmit_restart(&keep, pool, workers);
	waiter = submit(pool, wait_then_set_flag, submit(other, hold, &finish));
	CHECK(skua_post(pool, resubmit, NULL) == 0);
	gate_await(&resubmitting, 1000);
	gate_open(&finish);
	CHECK(take(waiter) == &finish);
	gate_open(&keep);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* The other task waits for a future of another pool: nor are the resumed. */
Test(submit, resubmits_itself_until_a_waiting_task_resumes, .timeout = LIMIT)
{
	with_pools(resubmit_resumed_body);
}

static void *spin_with_yield(void *arg)
{
	gate_arrive(&resubmitting);
	while (!atomic_load(&stop_flag))
		skua_yield();
	return arg;
}

static void yield_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;
	struct skua_future *spinner;

	resubmit_restart(&keep, pool, workers);
	spinner = submit(pool, spin_with_yield, &keep);
	gate_await(&resubmitting, 1);
	CHECK(skua_post(pool, set_flag, NULL) == 0);
	CHECK(take(spinner) == &keep);
	gate_open(&keep);
}

/* skua_yield() lets a guest's job and the worker's own jobs run. */
Test(submit, yield_lets_a_guests_job_run, .timeout = LIMIT)
{
	with_pools(yield_body);
}

static void *yield_to_own_task(void *arg)
{
	CHECK(skua_post(skua_pool_current(), set_flag, NULL) == 0);
	return spin_with_yield(arg);
}

static void yield_own_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep;

	resubmit_restart(&keep, pool, workers);
	CHECK(take(submit(pool, yield_to_own_task, &keep)) == &keep);
	gate_open(&keep);
}

Test(submit, yield_lets_a_task_of_the_same_worker_run, .timeout = LIMIT)
{
	with_pools(yield_own_body);
}

/* Two tasks that yield to each other on one worker while a third waits to
 * start: each goes on in its turn. */
static atomic_uint turns[2];

static void *yield_in_turn(void *arg)
{
	size_t me = (size_t)arg;

	for (unsigned i = 0; i < 1000; i++) {
		atomic_fetch_add(&turns[me], 1);
		while (atomic_load(&turns[1 - me]) < i)
			skua_yield();
	}
	return NULL;
}

static void yield_turns_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *first, *second;

	(void)workers;
	atomic_store(&turns[0], 0);
	atomic_store(&turns[1], 0);
	first = submit(pool, yield_in_turn, number(0));
	second = submit(pool, yield_in_turn, number(1));
	CHECK(take(first) == NULL);
	CHECK(take(second) == NULL);
}

Test(submit, yielding_tasks_take_turns, .timeout = LIMIT)
{
	with_pools(yield_turns_body);
}

/* skua_yield() in a plain thread is allowed, and only returns. */
Test(submit, yield_outside_a_task_returns, .timeout = LIMIT)
{
	skua_yield();
	cr_assert_null(skua_pool_current());
}

/* --- Ready work and a free worker meet. --- */

static void all_at_once_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate meeting;

	for (unsigned round = 0; round < 20; round++) {
		struct skua_future *futures[64];

		gate_close(&meeting);
		for (unsigned i = 0; i < workers; i++)
			futures[i] = submit(pool, hold, &meeting);
		gate_await(&meeting, workers);
		gate_open(&meeting);
		for (unsigned i = 0; i < workers; i++)
			CHECK(take(futures[i]) == &meeting);
	}
}

/* "no wake-up is ever lost": as many blocking jobs as workers all run at the
 * same time, again and again, from a pool that may have gone to sleep. */
Test(submit, as_many_jobs_as_workers_run_at_once, .timeout = LIMIT)
{
	with_pools(all_at_once_body);
}

/* The same when the jobs are made by one task, not by a guest. */
static void *hold_from_task(void *arg)
{
	struct gate *meeting = arg;

	for (unsigned i = 1; i < skua_pool_workers(skua_pool_current()); i++)
		CHECK(skua_submit(skua_pool_current(), hold, meeting, NULL) ==
		      0);
	return hold(meeting);
}

static void all_from_one_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate meetings[20];

	for (unsigned round = 0; round < 20; round++) {
		struct gate *meeting = &meetings[round];
		struct skua_future *first;

		gate_close(meeting);
		first = submit(pool, hold_from_task, meeting);
		gate_await(meeting, workers);
		gate_open(meeting);
		CHECK(take(first) == meeting);
	}
}

Test(submit, jobs_of_one_task_spread_over_all_workers, .timeout = LIMIT)
{
	with_pools(all_from_one_body);
}
