/* SPDX-License-Identifier: MIT */
/*
 * test_mutex.c - mutual exclusion, for tasks and threads on one mutex; who
 * owns it; timeouts; nobody starves; the last one may free it.
 */
#include "sync_test.h"

static struct skua_mutex mutex;
static size_t counter;
static size_t each;

/* --- "2 × 1,000,000 increments give 2,000,000" --- */

static void *increment(void *arg)
{
	for (size_t i = 0; i < each; i++) {
		CHECK(skua_mutex_lock(&mutex) == 0);
		counter++;
		CHECK(skua_mutex_unlock(&mutex) == 0);
	}
	return arg;
}

static void count_two(const struct crew *crew)
{
	counter = 0;
	each = SCALED(1000000);
	crew_run(crew, increment, NULL, 2);
	CHECK(counter == 2 * each);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

Test(mutex, two_times_a_million_increments, .timeout = LIMIT)
{
	with_crews(count_two);
}

static void count_many(const struct crew *crew)
{
	size_t n = FIBERS(1000);

	counter = 0;
	each = SCALED(2000000) / n;
	n = crew_run(crew, increment, NULL, n);
	CHECK(counter == n * each);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

Test(mutex, increments_of_a_thousand, .timeout = LIMIT)
{
	with_crews(count_many);
}

/* The mutex is held while others run, so all of them queue up. */
static void *increment_and_give_way(void *arg)
{
	for (size_t i = 0; i < each; i++) {
		size_t before;

		CHECK(skua_mutex_lock(&mutex) == 0);
		before = counter;
		if (i % 4 == 0)
			give_way();
		CHECK(counter == before);
		counter = before + 1;
		CHECK(skua_mutex_unlock(&mutex) == 0);
	}
	return arg;
}

static void count_held(const struct crew *crew)
{
	size_t n;

	counter = 0;
	each = SCALED(1000);
	n = crew_run(crew, increment_and_give_way, NULL, 100);
	CHECK(counter == n * each);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

Test(mutex, is_held_across_waits, .timeout = LIMIT)
{
	with_crews(count_held);
}

/* --- Ownership. --- */

static void *own_it(void *arg)
{
	CHECK(skua_mutex_unlock(&mutex) == SKUA_EINVAL);
	CHECK(skua_mutex_lock(&mutex) == 0);
	CHECK(skua_mutex_lock(&mutex) == SKUA_EDEADLK);
	CHECK(skua_mutex_lock_timed(&mutex, 1) == SKUA_EDEADLK);
	CHECK(skua_mutex_lock_timed(&mutex, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_mutex_trylock(&mutex) == SKUA_ETIMEDOUT);
	CHECK(skua_mutex_destroy(&mutex) == SKUA_EBUSY);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	CHECK(skua_mutex_unlock(&mutex) == SKUA_EINVAL);
	CHECK(skua_mutex_trylock(&mutex) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	return arg;
}

static void *others(void *arg)
{
	CHECK(skua_mutex_unlock(&mutex) == SKUA_EINVAL);
	CHECK(skua_mutex_trylock(&mutex) == SKUA_ETIMEDOUT);
	CHECK(skua_mutex_lock_timed(&mutex, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_mutex_lock_timed(&mutex, 100000) == SKUA_ETIMEDOUT);
	return arg;
}

static void owners(const struct crew *crew)
{
	crew_run(crew, own_it, NULL, 1);
	CHECK(skua_mutex_lock(&mutex) == 0);
	crew_run(crew, others, NULL, 8);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

/* "EDEADLK: relock by its owner, unlock by a non-owner EINVAL" */
Test(mutex, belongs_to_the_task_or_thread_that_locked_it, .timeout = LIMIT)
{
	with_crews(owners);
}

Test(mutex, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_mutex_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_mutex_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_mutex_lock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_mutex_lock_timed(NULL, 0), SKUA_EINVAL);
	cr_assert_eq(skua_mutex_trylock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_mutex_unlock(NULL), SKUA_EINVAL);
	memset(&mutex, 0xff, sizeof(mutex));
	cr_assert_eq(skua_mutex_init(&mutex), 0);
	cr_assert_eq(skua_mutex_lock(&mutex), 0);
	cr_assert_eq(skua_mutex_unlock(&mutex), 0);
}

/* --- A task that waits leaves its worker to others. --- */

static struct skua_event may_unlock;

static void *hold_until_event(void *arg)
{
	CHECK(skua_mutex_lock(&mutex) == 0);
	CHECK(skua_event_wait(&may_unlock) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	return arg;
}

static void *lock_once(void *arg)
{
	CHECK(skua_mutex_lock(&mutex) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	return arg;
}

static void *set_event(void *arg)
{
	CHECK(skua_event_set(&may_unlock) == 0);
	return arg;
}

Test(mutex, suspends_the_task_never_the_worker, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_future *future[12];

	future[0] = submit(pool, hold_until_event, NULL);
	for (int i = 1; i < 11; i++)
		future[i] = submit(pool, lock_once, NULL);
	future[11] = submit(pool, set_event, NULL);
	for (int i = 0; i < 12; i++)
		take(future[i]);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* --- Timeouts. --- */

static atomic_size_t got;

/* Waits that run out, and others that do not, at random. */
static void *try_for_a_time(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 77 + 1;

	for (size_t i = 0; i < each; i++) {
		int64_t timeout_ns = (int64_t)(next_random(&random) % 200000);
		int error = skua_mutex_lock_timed(&mutex, timeout_ns);

		if (error) {
			CHECK(error == SKUA_ETIMEDOUT);
			continue;
		}
		counter++;
		if (next_random(&random) % 4 == 0)
			give_way();
		atomic_fetch_add(&got, 1);
		CHECK(skua_mutex_unlock(&mutex) == 0);
	}
	return arg;
}

static void time_out(const struct crew *crew)
{
	counter = 0;
	atomic_store(&got, 0);
	each = SCALED(1000);
	crew_run(crew, try_for_a_time, number(test_seed()), 50);
	CHECK(counter == atomic_load(&got));
	/* Nothing is left behind. */
	CHECK(skua_mutex_destroy(&mutex) == 0);
	CHECK(skua_mutex_lock(&mutex) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
}

Test(mutex, leaves_nothing_behind_when_time_runs_out, .timeout = LIMIT)
{
	with_crews(time_out);
}

static void *lock_in_time(void *arg)
{
	CHECK(skua_mutex_lock_timed(&mutex, SKUA_SECONDS(1000)) == 0);
	counter++;
	CHECK(skua_mutex_unlock(&mutex) == 0);
	return arg;
}

static void in_time(const struct crew *crew)
{
	struct hand hand[8];

	counter = 0;
	CHECK(skua_mutex_lock(&mutex) == 0);
	for (size_t i = 0; i < 8; i++)
		hand[i] = start(crew, i, lock_in_time, NULL);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	for (size_t i = 0; i < 8; i++)
		finish(hand[i]);
	CHECK(counter == 8);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

Test(mutex, is_had_before_time_runs_out, .timeout = LIMIT)
{
	with_crews(in_time);
}

/* --- Nobody starves. --- */

static atomic_bool served;

/* Gives it back only to take it again. */
static void *hog(void *arg)
{
	while (!atomic_load(&served)) {
		CHECK(skua_mutex_lock(&mutex) == 0);
		give_way();
		CHECK(skua_mutex_unlock(&mutex) == 0);
	}
	return arg;
}

static void *be_served(void *arg)
{
	for (int i = 0; i < 20; i++)
		lock_once(arg);
	return arg;
}

static void starve(const struct crew *crew)
{
	struct hand hogs[4];

	atomic_store(&served, false);
	for (size_t i = 0; i < 4; i++)
		hogs[i] = start(crew, i, hog, NULL);
	crew_run(crew, be_served, NULL, 4);
	atomic_store(&served, true);
	for (size_t i = 0; i < 4; i++)
		finish(hogs[i]);
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

/* "Fair enough that no waiter starves" */
Test(mutex, lets_nobody_starve, .timeout = LIMIT)
{
	with_crews(starve);
}

/* --- The last one frees it. --- */

struct counted {
	struct skua_mutex mutex;
	unsigned references;
};

static void *drop(void *arg)
{
	struct counted *counted = arg;
	bool last;

	CHECK(skua_mutex_lock(&counted->mutex) == 0);
	last = --counted->references == 0;
	CHECK(skua_mutex_unlock(&counted->mutex) == 0);
	if (last) {
		CHECK(skua_mutex_destroy(&counted->mutex) == 0);
		memset(counted, 0xff, sizeof(*counted));
		free(counted);
	}
	return arg;
}

static void free_by_the_last(const struct crew *crew)
{
	size_t n = SCALED(400);

	for (size_t i = 0; i < n; i++) {
		struct counted *counted = calloc(1, sizeof(*counted));

		counted->references = 4;
		crew_run(crew, drop, counted, 4);
	}
}

/* An unlock does not touch a mutex that another could have got by then. */
Test(mutex, may_be_freed_by_whoever_locked_it_last, .timeout = LIMIT)
{
	with_crews(free_by_the_last);
}

/* --- SKUA_LOCKED --- */

static bool is_free(void)
{
	bool is = skua_mutex_trylock(&mutex) == 0;

	if (is)
		CHECK(skua_mutex_unlock(&mutex) == 0);
	return is;
}

static int leave_by_return(void)
{
	SKUA_LOCKED(&mutex) {
		CHECK(!is_free());
		return 42;
	}
	return 0;
}

Test(mutex, is_unlocked_however_a_block_is_left, .timeout = LIMIT)
{
	static struct skua_mutex inner;
	int rounds = 0;

	SKUA_LOCKED(&mutex) {
		rounds++;
		CHECK(!is_free());
	}
	CHECK(is_free() && rounds == 1);
	CHECK(leave_by_return() == 42 && is_free());
	SKUA_LOCKED(&mutex) {
		break;
	}
	CHECK(is_free());
	for (int i = 0; i < 3; i++) {
		SKUA_LOCKED(&mutex) {
			if (i == 1)
				continue;
			rounds++;
		}
		CHECK(is_free());
	}
	CHECK(rounds == 3);
	SKUA_LOCKED(&mutex)
		SKUA_LOCKED(&inner) {
			rounds++;
			CHECK(skua_mutex_trylock(&inner) == SKUA_ETIMEDOUT);
		}
	CHECK(is_free() && rounds == 4);
	/* Had already: the block does not run. */
	SKUA_LOCKED(&mutex)
		SKUA_LOCKED(&mutex)
			rounds++;
	CHECK(is_free() && rounds == 4);
	settle(0);
}
