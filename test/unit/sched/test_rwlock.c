/* SPDX-License-Identifier: MIT */
/*
 * test_rwlock.c - readers together, writers alone, first come first served.
 */
#include "sync_test.h"

static struct skua_rwlock rwlock;
static size_t value[2];
static atomic_size_t written;
static atomic_int readers;

static void read_both(void)
{
	atomic_fetch_add(&readers, 1);
	CHECK(value[0] == value[1]);
	give_way();
	CHECK(value[0] == value[1]);
	atomic_fetch_sub(&readers, 1);
}

static void write_both(bool slowly)
{
	CHECK(atomic_load(&readers) == 0);
	value[0]++;
	if (slowly)
		give_way();
	value[1]++;
	CHECK(atomic_load(&readers) == 0);
	atomic_fetch_add(&written, 1);
}

static void *read_and_write(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 99 + 1;

	for (size_t i = 0; i < SCALED(500); i++) {
		uint64_t what = next_random(&random) >> 32;
		int64_t timeout_ns = what % 3 ? -1 : (int64_t)(what % 100000);
		int error;

		if (what % 4) {
			error = skua_rwlock_rdlock_timed(&rwlock, timeout_ns);
			if (!error)
				read_both();
		} else {
			error = skua_rwlock_wrlock_timed(&rwlock, timeout_ns);
			if (!error)
				write_both(what % 8);
		}
		CHECK(error == 0 ||
		      (error == SKUA_ETIMEDOUT && timeout_ns >= 0));
		CHECK(error || skua_rwlock_unlock(&rwlock) == 0);
	}
	return arg;
}

static void mixed(const struct crew *crew)
{
	value[0] = value[1] = 0;
	atomic_store(&written, 0);
	crew_run(crew, read_and_write, number(test_seed()), 40);
	CHECK(value[0] == atomic_load(&written));
	CHECK(skua_rwlock_destroy(&rwlock) == 0);
}

Test(rwlock, several_readers_or_one_writer, .timeout = LIMIT)
{
	with_crews(mixed);
}

/* --- Readers are in together. --- */

static struct skua_barrier all_in;

static void *read_together(void *arg)
{
	CHECK(skua_rwlock_rdlock(&rwlock) == 0);
	CHECK(skua_barrier_wait(&all_in) == 0);
	CHECK(skua_rwlock_unlock(&rwlock) == 0);
	return arg;
}

static void together(const struct crew *crew)
{
	CHECK(skua_barrier_init(&all_in, 16) == 0);
	crew_run(crew, read_together, NULL, 16);
	CHECK(skua_rwlock_destroy(&rwlock) == 0);
}

Test(rwlock, lets_readers_in_together, .timeout = LIMIT)
{
	with_crews(together);
}

/* --- No starvation. --- */

static atomic_bool served;

static void *keep_reading(void *arg)
{
	while (!atomic_load(&served)) {
		CHECK(skua_rwlock_rdlock(&rwlock) == 0);
		give_way();
		CHECK(skua_rwlock_unlock(&rwlock) == 0);
	}
	return arg;
}

static void *keep_writing(void *arg)
{
	while (!atomic_load(&served)) {
		CHECK(skua_rwlock_wrlock(&rwlock) == 0);
		give_way();
		CHECK(skua_rwlock_unlock(&rwlock) == 0);
	}
	return arg;
}

static void *write_some(void *arg)
{
	for (int i = 0; i < 50; i++) {
		CHECK(skua_rwlock_wrlock(&rwlock) == 0);
		CHECK(skua_rwlock_unlock(&rwlock) == 0);
	}
	return arg;
}

static void *read_some(void *arg)
{
	for (int i = 0; i < 50; i++) {
		CHECK(skua_rwlock_rdlock(&rwlock) == 0);
		CHECK(skua_rwlock_unlock(&rwlock) == 0);
	}
	return arg;
}

static void serve(const struct crew *crew, skua_fn *keep, skua_fn *some)
{
	struct hand hands[4];

	atomic_store(&served, false);
	for (size_t i = 0; i < 4; i++)
		hands[i] = start(crew, i, keep, NULL);
	crew_run(crew, some, NULL, 2);
	atomic_store(&served, true);
	for (size_t i = 0; i < 4; i++)
		finish(hands[i]);
	CHECK(skua_rwlock_destroy(&rwlock) == 0);
}

static void starve(const struct crew *crew)
{
	serve(crew, keep_reading, write_some);
	serve(crew, keep_writing, read_some);
}

Test(rwlock, lets_neither_readers_nor_writers_starve, .timeout = LIMIT)
{
	with_crews(starve);
}

/* --- Ownership. --- */

static void *while_written(void *arg)
{
	CHECK(skua_rwlock_unlock(&rwlock) == SKUA_EINVAL);
	CHECK(skua_rwlock_rdlock_timed(&rwlock, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_rwlock_wrlock_timed(&rwlock, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_rwlock_rdlock_timed(&rwlock, 100000) == SKUA_ETIMEDOUT);
	CHECK(skua_rwlock_wrlock_timed(&rwlock, 100000) == SKUA_ETIMEDOUT);
	return arg;
}

static void *while_read(void *arg)
{
	CHECK(skua_rwlock_wrlock_timed(&rwlock, 100000) == SKUA_ETIMEDOUT);
	CHECK(skua_rwlock_rdlock_timed(&rwlock, SKUA_SECONDS(1000)) == 0);
	CHECK(skua_rwlock_unlock(&rwlock) == 0);
	return arg;
}

static void owners(const struct crew *crew)
{
	CHECK(skua_rwlock_wrlock(&rwlock) == 0);
	CHECK(skua_rwlock_wrlock(&rwlock) == SKUA_EDEADLK);
	CHECK(skua_rwlock_rdlock(&rwlock) == SKUA_EDEADLK);
	CHECK(skua_rwlock_destroy(&rwlock) == SKUA_EBUSY);
	crew_run(crew, while_written, NULL, 8);
	CHECK(skua_rwlock_unlock(&rwlock) == 0);
	CHECK(skua_rwlock_unlock(&rwlock) == SKUA_EINVAL);
	CHECK(skua_rwlock_rdlock(&rwlock) == 0);
	crew_run(crew, while_read, NULL, 8);
	CHECK(skua_rwlock_destroy(&rwlock) == SKUA_EBUSY);
	CHECK(skua_rwlock_unlock(&rwlock) == 0);
	CHECK(skua_rwlock_unlock(&rwlock) == SKUA_EINVAL);
	CHECK(skua_rwlock_destroy(&rwlock) == 0);
}

Test(rwlock, belongs_to_its_writer, .timeout = LIMIT)
{
	with_crews(owners);
}

Test(rwlock, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_rwlock_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rwlock_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rwlock_rdlock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rwlock_wrlock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rwlock_unlock(NULL), SKUA_EINVAL);
	memset(&rwlock, 0xff, sizeof(rwlock));
	cr_assert_eq(skua_rwlock_init(&rwlock), 0);
	cr_assert_eq(skua_rwlock_wrlock(&rwlock), 0);
	cr_assert_eq(skua_rwlock_unlock(&rwlock), 0);
}
