/* SPDX-License-Identifier: MIT */
/*
 * test_drop.c - arguments of jobs that never run go through drop_arg, results
 * that nobody reads through drop_result, each exactly once.
 *
 * Every argument and result is a block of its own that counts what happened
 * to it, so twice and never are both seen; LSan sees the rest.
 */
#include "sched_test.h"

struct parcel {
	atomic_uint runs, arg_drops, result_drops;
	int fail; /* what the task fails with */
};

static void *handle(void *arg)
{
	struct parcel *parcel = arg;

	atomic_fetch_add(&parcel->runs, 1);
	if (parcel->fail)
		(void)skua_fail(parcel->fail);
	return parcel;
}

/* A result of its own kind, so that the two callbacks cannot be confused. */
static void *handle_null(void *arg)
{
	(void)handle(arg);
	return NULL;
}

static void drop_arg(void *arg)
{
	atomic_fetch_add(&((struct parcel *)arg)->arg_drops, 1);
}

static void drop_result(void *result)
{
	atomic_fetch_add(&((struct parcel *)result)->result_drops, 1);
}

static struct skua_future *send_to(struct skua_pool *pool, skua_fn *fn,
				   struct parcel *parcel)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *future = NULL;

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	CHECK(skua_submit_with(pool, fn, parcel, &options, &future) == 0);
	return future;
}

static void happened(struct parcel *parcel, unsigned runs, unsigned arg_drops,
		     unsigned result_drops)
{
	cr_assert_eq(atomic_load(&parcel->runs), runs);
	cr_assert_eq(atomic_load(&parcel->arg_drops), arg_drops);
	cr_assert_eq(atomic_load(&parcel->result_drops), result_drops);
	atomic_store(&parcel->runs, 0);
	atomic_store(&parcel->arg_drops, 0);
	atomic_store(&parcel->result_drops, 0);
}

/* --- A result that is read belongs to the reader. --- */

static void read_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct parcel parcels[3] = { 0 };
	struct skua_future *shown = send_to(pool, handle, &parcels[1]);
	struct skua_future *twice = send_to(pool, handle, &parcels[2]);

	CHECK(take(send_to(pool, handle, &parcels[0])) == &parcels[0]);
	while (!skua_future_done(shown))
		sched_yield();
	CHECK(skua_future_value(shown) == &parcels[1]);
	skua_future_release(shown);
	CHECK(skua_future_result(twice, SKUA_FOREVER, &(void *){ NULL }) == 0);
	CHECK(take(twice) == &parcels[2]);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 0; i < 3; i++)
		happened(&parcels[i], 1, 0, 0);
}

Test(drop, a_result_that_was_read_is_the_readers, .timeout = LIMIT)
{
	with_workers(read_body);
}

/* --- A result that is not read is dropped. --- */

static void unread_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct parcel released = { 0 }, waited = { 0 }, forgotten = { 0 };
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *future;

	skua_future_release(send_to(pool, handle, &released));
	future = send_to(pool, handle, &waited);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	CHECK(skua_submit_with(pool, handle, &forgotten, &options, NULL) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	happened(&released, 1, 0, 1);
	happened(&waited, 1, 0, 1);
	happened(&forgotten, 1, 0, 1);
}

/* Released before it ran, waited for without taking the result, submitted
 * without a future. */
Test(drop, an_unread_result_is_dropped_once, .timeout = LIMIT)
{
	with_workers(unread_body);
}

static void unread_outlives_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct parcel parcel = { 0 };
	struct skua_future *future = send_to(pool, handle, &parcel);

	CHECK(skua_future_retain(future) == future);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	skua_future_release(future);
	happened(&parcel, 1, 0, 0);
	atomic_store(&parcel.runs, 1);
	skua_future_release(future);
	happened(&parcel, 1, 0, 1);
}

/* With the last reference, even after the pool has closed. */
Test(drop, an_unread_result_goes_with_the_last_reference, .timeout = LIMIT)
{
	with_workers(unread_outlives_body);
}

static atomic_uint null_drops;

static void drop_null(void *result)
{
	CHECK(result == NULL);
	atomic_fetch_add(&null_drops, 1);
}

static void null_result_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct parcel fine = { 0 }, failed = { .fail = 6 };

	atomic_store(&null_drops, 0);
	options.drop_result = drop_null;
	CHECK(skua_submit_with(pool, handle_null, &fine, &options, NULL) == 0);
	CHECK(skua_submit_with(pool, handle_null, &failed, &options, NULL) ==
	      0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&null_drops), 1, "%u workers", workers);
	happened(&fine, 1, 0, 0);
	happened(&failed, 1, 0, 0);
}

/* NULL is a result like others, but for a task that failed: "a task that
 * failed has its value dropped if that is not NULL". */
Test(drop, a_null_is_dropped_unless_the_task_failed, .timeout = LIMIT)
{
	with_workers(null_result_body);
}

/* --- Failed. --- */

static void failed_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct parcel asked = { .fail = 3 }, unread = { .fail = 4 };
	struct parcel valued = { .fail = 5 };
	struct skua_future *future = send_to(pool, handle, &asked);
	void *result = NULL;

	CHECK(skua_future_result(future, SKUA_FOREVER, &result) ==
	      SKUA_EFAILED);
	CHECK(result == NULL);
	skua_future_release(future);
	future = send_to(pool, handle, &valued);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == SKUA_EFAILED);
	CHECK(skua_future_value(future) == &valued);
	skua_future_release(future);
	skua_future_release(send_to(pool, handle, &unread));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	happened(&asked, 1, 0, 1);
	happened(&valued, 1, 0, 0);
	happened(&unread, 1, 0, 1);
}

/* A failed task ran: its argument is its own. What it returned has been read
 * only by who asked for the value, since result() said only that it failed. */
Test(drop, a_failed_tasks_value, .timeout = LIMIT)
{
	with_workers(failed_body);
}

/* --- Cancelled. --- */

static void cancelled_body(unsigned workers)
{
	static struct gate keep;
	struct skua_pool *pool = open_pool(workers);
	struct parcel kept = { 0 }, released = { 0 };
	struct skua_future *future, *gone;

	gate_close(&keep);
	hold_workers(pool, &keep, workers);
	future = send_to(pool, handle, &kept);
	gone = send_to(pool, handle, &released);
	CHECK(skua_future_cancel(future) == 0);
	CHECK(skua_future_cancel(gone) == 0);
	skua_future_release(gone);
	gate_open(&keep);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	happened(&kept, 0, 1, 0);
	CHECK(skua_future_result(future, SKUA_FOREVER, NULL) ==
	      SKUA_ECANCELLED);
	skua_future_release(future);
	happened(&kept, 0, 0, 0);
	happened(&released, 0, 1, 0);
}

/* "Cancelled and dropped jobs call drop_arg, […] each exactly once." */
Test(drop, a_cancelled_jobs_argument_is_dropped_once, .timeout = LIMIT)
{
	with_workers(cancelled_body);
}

/* --- Never ran because the pool closed with CANCEL. --- */

enum {
	PARCELS = 1000
};

static void *close_with_cancel(void *pool)
{
	CHECK(skua_pool_close(pool, SKUA_CLOSE_CANCEL) == 0);
	return NULL;
}

/* Half of the futures are kept, half released before. */
static void closed_body(unsigned workers)
{
	static struct gate keep;
	static struct parcel parcels[PARCELS];
	struct skua_pool *pool = open_pool(workers);
	struct skua_future *kept[PARCELS / 2];
	pthread_t closer;

	gate_close(&keep);
	hold_workers(pool, &keep, workers);
	for (size_t i = 0; i < PARCELS; i++) {
		struct skua_future *future = send_to(pool, handle, &parcels[i]);

		if (i % 2)
			kept[i / 2] = future;
		else
			skua_future_release(future);
	}
	CHECK(skua_pool_retain(pool) == pool);
	CHECK(pthread_create(&closer, NULL, close_with_cancel, pool) == 0);
	/* It is closed to us before a worker is free to take the next job. */
	await_closed(pool);
	gate_open(&keep);
	CHECK(pthread_join(closer, NULL) == 0);
	skua_pool_release(pool);
	for (size_t i = 0; i < PARCELS / 2; i++) {
		CHECK(skua_future_result(kept[i], 0, NULL) == SKUA_ECANCELLED);
		skua_future_release(kept[i]);
	}
	for (size_t i = 0; i < PARCELS; i++)
		happened(&parcels[i], 0, 1, 0);
}

Test(drop, close_with_cancel_drops_the_arguments_once, .timeout = LIMIT)
{
	with_workers(closed_body);
}

/* --- Refused. --- */

static void refused_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *none = NULL;
	struct parcel parcel = { 0 };

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_submit_with(pool, handle, &parcel, &options, &none) ==
	      SKUA_ECLOSED);
	CHECK(none == NULL);
	skua_pool_release(pool);
	happened(&parcel, 0, 0, 0);
}

/* A refused argument was never taken, so it is not dropped. */
Test(drop, a_refused_argument_stays_the_callers, .timeout = LIMIT)
{
	with_workers(refused_body);
}

/* --- The callbacks may submit. --- */

static struct skua_pool *callback_pool;
static atomic_uint callback_runs;

static void *count_callback(void *arg)
{
	atomic_fetch_add(&callback_runs, 1);
	return arg;
}

static void submit_from_callback(void *arg)
{
	(void)arg;
	CHECK(skua_submit(callback_pool, count_callback, NULL, NULL) == 0);
}

static void callback_body(unsigned workers)
{
	static struct gate keep;
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_pool *pool = callback_pool = open_pool(workers);
	struct skua_future *future = NULL;

	gate_close(&keep);
	atomic_store(&callback_runs, 0);
	options.drop_arg = submit_from_callback;
	options.drop_result = submit_from_callback;
	hold_workers(pool, &keep, workers);
	CHECK(skua_submit_with(pool, do_nothing, pool, &options, NULL) == 0);
	CHECK(skua_submit_with(pool, do_nothing, pool, &options, &future) == 0);
	CHECK(skua_future_cancel(future) == 0);
	skua_future_release(future);
	gate_open(&keep);
	while (atomic_load(&callback_runs) < 2)
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&callback_runs), 2);
}

/* "Both may submit, and must not wait." */
Test(drop, the_callbacks_may_submit, .timeout = LIMIT)
{
	with_workers(callback_body);
}

/* --- All at once. --- */

enum {
	STORM = SCALED(20000)
};

static struct parcel storm[STORM];

/* Whatever happens to a future: read, unread, cancelled, released. */
static void weather(struct skua_future *future, uint64_t chance,
		    struct parcel *parcel, unsigned *reads)
{
	void *result = NULL;

	if (chance % 4 == 0)
		(void)skua_future_cancel(future);
	if (chance % 3 == 0)
		*reads += skua_future_result(future, SKUA_FOREVER, &result) ==
			  0;
	CHECK(result == NULL || result == parcel);
	skua_future_release(future);
}

static void storm_body(unsigned workers)
{
	struct skua_pool *pool = open_pool(workers);
	uint64_t seed = test_seed(), random = seed;
	unsigned reads = 0, runs = 0, args = 0, results = 0;

	for (size_t i = 0; i < STORM; i++) {
		atomic_store(&storm[i].runs, 0);
		atomic_store(&storm[i].arg_drops, 0);
		atomic_store(&storm[i].result_drops, 0);
		weather(send_to(pool, handle, &storm[i]), next_random(&random),
			&storm[i], &reads);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 0; i < STORM; i++) {
		unsigned ran = atomic_load(&storm[i].runs);

		cr_assert_eq(ran + atomic_load(&storm[i].arg_drops), 1,
			     "SKUA_TEST_SEED=%#llx", (unsigned long long)seed);
		runs += ran;
		args += atomic_load(&storm[i].arg_drops);
		results += atomic_load(&storm[i].result_drops);
	}
	cr_assert_eq(runs + args, STORM);
	cr_assert_eq(runs, results + reads, "SKUA_TEST_SEED=%#llx",
		     (unsigned long long)seed);
}

/* Each job either ran or had its argument dropped; each that ran had its
 * result read or dropped. */
Test(drop, every_argument_and_result_has_one_fate, .timeout = LIMIT)
{
	with_workers(storm_body);
}

/* --- Many with options. --- */

enum {
	MANY = 40
};

/* Of those that were submitted at once half are cancelled, by their futures or
 * with their pool; of the others results are read or dropped. */
static void many_body(unsigned workers)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	static struct parcel parcels[2][MANY];
	struct skua_future *futures[MANY];
	struct skua_pool *pool = open_pool(workers);
	static struct gate gate;
	void *args[2][MANY];

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	for (size_t i = 0; i < 2 * MANY; i++)
		args[i / MANY][i % MANY] = &parcels[i / MANY][i % MANY];
	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	CHECK(skua_submit_many_with(pool, handle, args[0], MANY, &options,
				    futures) == 0);
	for (size_t i = 0; i < MANY; i++) {
		CHECK(skua_future_arg(futures[i]) == args[0][i]);
		if (i % 2)
			CHECK(skua_future_cancel(futures[i]) == 0);
	}
	gate_open(&gate);
	for (size_t i = 0; i < MANY; i++) {
		if (i % 2)
			skua_future_release(futures[i]);
		else
			CHECK(take(futures[i]) == args[0][i]);
	}
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	CHECK(skua_submit_many_with(pool, handle, args[1], MANY, &options,
				    NULL) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_CANCEL) == 0);
	for (size_t i = 0; i < MANY; i++) {
		unsigned ran = atomic_load(&parcels[1][i].runs);

		happened(&parcels[0][i], !(i % 2), i % 2, 0);
		happened(&parcels[1][i], ran, !ran, ran);
	}
}

Test(drop, many_at_once, .timeout = LIMIT)
{
	with_workers(many_body);
}

/* Refused, none of them is dropped. */
Test(drop, many_that_are_refused, .timeout = LIMIT)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_pool *pool = open_pool(1);
	struct parcel parcel = { 0 };
	struct skua_future *out[2] = { NULL, NULL };
	void *args[2] = { &parcel, &parcel };

	options.drop_arg = drop_arg;
	cr_assert_eq(skua_submit_many_with(NULL, handle, args, 2, &options,
					   out),
		     SKUA_EINVAL);
	cr_assert_eq(skua_submit_many_with(pool, NULL, args, 2, &options, out),
		     SKUA_EINVAL);
	cr_assert_eq(skua_submit_many_with(pool, handle, NULL, 2, &options,
					   out),
		     SKUA_EINVAL);
	options.size = 1;
	cr_assert_eq(skua_submit_many_with(pool, handle, args, 2, &options,
					   out),
		     SKUA_EINVAL);
	options.size = sizeof(options);
	cr_assert_eq(skua_submit_many_with(pool, handle, args, SIZE_MAX,
					   &options, out),
		     SKUA_ENOMEM);
	cr_assert_eq(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT), 0);
	cr_assert_eq(skua_submit_many_with(pool, handle, args, 2, &options,
					   out),
		     SKUA_ECLOSED);
	cr_assert_eq(skua_submit_many_with(pool, handle, args, 0, NULL, out),
		     SKUA_ECLOSED);
	cr_assert(out[0] == NULL && out[1] == NULL);
	happened(&parcel, 0, 0, 0);
	skua_pool_release(pool);
	settle(1);
}
