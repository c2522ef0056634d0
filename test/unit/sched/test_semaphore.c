/* SPDX-License-Identifier: MIT */
/* test_semaphore.c - never more than there are units, none lost. */
#include "sync_test.h"

enum {
	UNITS = 3
};

static struct skua_semaphore semaphore;
static atomic_int inside;

static void *enter(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 55 + 1;

	for (size_t i = 0; i < SCALED(1000); i++) {
		uint64_t what = next_random(&random) >> 32;
		int64_t timeout_ns = what % 2 ? -1 : (int64_t)(what % 100000);
		int error =
			skua_semaphore_acquire_timed(&semaphore, timeout_ns);

		if (error) {
			CHECK(error == SKUA_ETIMEDOUT && timeout_ns >= 0);
			continue;
		}
		CHECK(atomic_fetch_add(&inside, 1) < UNITS);
		if (what % 8 == 0)
			give_way();
		CHECK(atomic_fetch_sub(&inside, 1) > 0);
		CHECK(skua_semaphore_release(&semaphore) == 0);
	}
	return arg;
}

static void bounded(const struct crew *crew)
{
	CHECK(skua_semaphore_init(&semaphore, UNITS) == 0);
	crew_run(crew, enter, number(test_seed()), 40);
	CHECK(skua_semaphore_destroy(&semaphore) == 0);
	for (int i = 0; i < UNITS; i++)
		CHECK(skua_semaphore_acquire_timed(&semaphore, 0) == 0);
	CHECK(skua_semaphore_acquire_timed(&semaphore, 0) == SKUA_ETIMEDOUT);
}

Test(semaphore, lets_no_more_in_than_it_has_units, .timeout = LIMIT)
{
	with_crews(bounded);
}

/* --- All at once. --- */

static void *acquire(void *arg)
{
	CHECK(skua_semaphore_acquire(&semaphore) == 0);
	return arg;
}

static void many(const struct crew *crew)
{
	struct hand hands[30];

	CHECK(skua_semaphore_init(&semaphore, 0) == 0);
	for (size_t i = 0; i < 30; i++)
		hands[i] = start(crew, i, acquire, NULL);
	CHECK(skua_semaphore_release_many(&semaphore, 0) == 0);
	CHECK(skua_semaphore_release_many(&semaphore, 10) == 0);
	CHECK(skua_semaphore_release_many(&semaphore, 21) == 0);
	for (size_t i = 0; i < 30; i++)
		finish(hands[i]);
	CHECK(skua_semaphore_acquire_timed(&semaphore, 0) == 0);
	CHECK(skua_semaphore_acquire_timed(&semaphore, 1) == SKUA_ETIMEDOUT);
	CHECK(skua_semaphore_destroy(&semaphore) == 0);
}

Test(semaphore, gives_several_units_at_once, .timeout = LIMIT)
{
	with_crews(many);
}

/* --- Whoever got a unit may free it. --- */

static void *give(void *arg)
{
	CHECK(skua_semaphore_release(arg) == 0);
	return arg;
}

static void *take_and_free(void *arg)
{
	CHECK(skua_semaphore_acquire(arg) == 0);
	CHECK(skua_semaphore_destroy(arg) == 0);
	memset(arg, 0xff, sizeof(struct skua_semaphore));
	free(arg);
	return NULL;
}

static void freed(const struct crew *crew)
{
	for (size_t i = 0; i < SCALED(1000); i++) {
		struct skua_semaphore *s = calloc(1, sizeof(*s));
		struct hand taker = start(crew, i, take_and_free, s);
		struct hand giver = start(crew, i + 2, give, s);

		finish(giver);
		finish(taker);
	}
}

Test(semaphore, may_be_freed_by_whoever_got_a_unit, .timeout = LIMIT)
{
	with_crews(freed);
}

Test(semaphore, refuses_what_it_cannot_count, .timeout = LIMIT)
{
	struct skua_semaphore *s = &semaphore;

	cr_assert_eq(skua_semaphore_init(NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_acquire(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_acquire_timed(NULL, 0), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_release(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_init(s, SKUA_SEMAPHORE_MAX + 1),
		     SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_init(s, SKUA_SEMAPHORE_MAX), 0);
	cr_assert_eq(skua_semaphore_release(s), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_acquire(s), 0);
	cr_assert_eq(skua_semaphore_release_many(s, 2), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_release_many(s, UINT32_MAX), SKUA_EINVAL);
	cr_assert_eq(skua_semaphore_release(s), 0);
	*s = (struct skua_semaphore)SKUA_SEMAPHORE_INIT(2);
	cr_assert_eq(skua_semaphore_acquire(s), 0);
	cr_assert_eq(skua_semaphore_acquire(s), 0);
	cr_assert_eq(skua_semaphore_acquire_timed(s, 0), SKUA_ETIMEDOUT);
}
