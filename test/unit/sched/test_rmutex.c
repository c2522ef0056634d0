/* SPDX-License-Identifier: MIT */
/* test_rmutex.c - the recursive mutex. */
#include "sync_test.h"

static struct skua_rmutex rmutex;
static size_t counter;

static void nest(unsigned depth)
{
	CHECK(skua_rmutex_lock(&rmutex) == 0);
	counter++;
	if (depth)
		nest(depth - 1);
	else
		give_way();
	CHECK(skua_rmutex_unlock(&rmutex) == 0);
}

static void *nest_often(void *arg)
{
	for (size_t i = 0; i < SCALED(2000); i++)
		nest(i % 8);
	return arg;
}

static void nested(const struct crew *crew)
{
	size_t n;

	counter = 0;
	n = crew_run(crew, nest_often, NULL, 8);
	/* 0 … 7 deep in turn, so 1 … 8 locks. */
	CHECK(counter == n * (SCALED(2000) / 8 * 36 +
			      (SCALED(2000) % 8) * (SCALED(2000) % 8 + 1) / 2));
	CHECK(skua_rmutex_destroy(&rmutex) == 0);
}

Test(rmutex, is_locked_again_by_its_owner_alone, .timeout = LIMIT)
{
	with_crews(nested);
}

static void *others(void *arg)
{
	CHECK(skua_rmutex_unlock(&rmutex) == SKUA_EINVAL);
	CHECK(skua_rmutex_trylock(&rmutex) == SKUA_ETIMEDOUT);
	CHECK(skua_rmutex_lock_timed(&rmutex, 100000) == SKUA_ETIMEDOUT);
	return arg;
}

static void owners(const struct crew *crew)
{
	CHECK(skua_rmutex_lock(&rmutex) == 0);
	CHECK(skua_rmutex_lock_timed(&rmutex, 0) == 0);
	CHECK(skua_rmutex_trylock(&rmutex) == 0);
	for (int i = 0; i < 3; i++) {
		crew_run(crew, others, NULL, 4);
		CHECK(skua_rmutex_destroy(&rmutex) == SKUA_EBUSY);
		CHECK(skua_rmutex_unlock(&rmutex) == 0);
	}
	CHECK(skua_rmutex_unlock(&rmutex) == SKUA_EINVAL);
	CHECK(skua_rmutex_destroy(&rmutex) == 0);
}

Test(rmutex, is_free_when_it_was_unlocked_as_often, .timeout = LIMIT)
{
	with_crews(owners);
}

Test(rmutex, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_rmutex_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rmutex_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rmutex_lock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rmutex_trylock(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_rmutex_lock_timed(NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_rmutex_unlock(NULL), SKUA_EINVAL);
	memset(&rmutex, 0xff, sizeof(rmutex));
	cr_assert_eq(skua_rmutex_init(&rmutex), 0);
	cr_assert_eq(skua_rmutex_lock(&rmutex), 0);
	cr_assert_eq(skua_rmutex_unlock(&rmutex), 0);
}
