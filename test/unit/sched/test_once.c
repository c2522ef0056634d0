/* SPDX-License-Identifier: MIT */
/* test_once.c - once, before anybody goes on. */
#include "sync_test.h"

static struct skua_once once;
static size_t calls;

static void slowly(void)
{
	for (int i = 0; i < 20; i++)
		give_way();
	calls++;
}

static void *call(void *arg)
{
	CHECK(skua_once(&once, slowly) == 0);
	CHECK(calls == 1);
	return arg;
}

static void once_for_all(const struct crew *crew)
{
	for (size_t i = 0; i < 20; i++) {
		CHECK(skua_once_init(&once) == 0);
		calls = 0;
		crew_run(crew, call, NULL, FIBERS(500));
		CHECK(calls == 1);
		CHECK(skua_once_destroy(&once) == 0);
	}
}

Test(once, runs_once_and_all_wait_for_it, .timeout = LIMIT)
{
	with_crews(once_for_all);
}

/* --- From inside. --- */

static void from_inside(void)
{
	CHECK(skua_once(&once, slowly) == SKUA_EDEADLK);
	CHECK(skua_once_destroy(&once) == SKUA_EBUSY);
	calls++;
}

static void *call_inside(void *arg)
{
	CHECK(skua_once(&once, from_inside) == 0);
	return arg;
}

static void inside(const struct crew *crew)
{
	CHECK(skua_once_init(&once) == 0);
	calls = 0;
	crew_run(crew, call_inside, NULL, 2);
	CHECK(calls == 1);
}

Test(once, refuses_to_be_called_by_its_function, .timeout = LIMIT)
{
	with_crews(inside);
}

Test(once, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_once_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_once_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_once(NULL, slowly), SKUA_EINVAL);
	cr_assert_eq(skua_once(&once, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_once_destroy(&once), 0);
}
