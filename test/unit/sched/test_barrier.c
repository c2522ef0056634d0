/* SPDX-License-Identifier: MIT */
/* test_barrier.c - nobody goes on before all have arrived. */
#include "sync_test.h"

enum {
	PARTIES = 40
};

static struct skua_barrier barrier;
static atomic_size_t arrived, lasts;

/* Each round all are counted before anybody passes, and one is the last. */
static void *pass(void *arg)
{
	for (size_t i = 0; i < SCALED(200); i++) {
		bool last = false;

		atomic_fetch_add(&arrived, 1);
		CHECK(skua_barrier_wait_last(&barrier, SKUA_FOREVER, &last) ==
		      0);
		CHECK(atomic_load(&arrived) >= (i + 1) * PARTIES);
		CHECK(atomic_load(&arrived) <= (i + 2) * PARTIES);
		atomic_fetch_add(&lasts, last);
	}
	return arg;
}

static void rounds(const struct crew *crew)
{
	CHECK(skua_barrier_init(&barrier, PARTIES) == 0);
	atomic_store(&arrived, 0);
	atomic_store(&lasts, 0);
	crew_run(crew, pass, NULL, PARTIES);
	CHECK(atomic_load(&arrived) == SCALED(200) * PARTIES);
	CHECK(atomic_load(&lasts) == SCALED(200));
	CHECK(skua_barrier_destroy(&barrier) == 0);
}

Test(barrier, nobody_passes_before_all_have_arrived, .timeout = LIMIT)
{
	with_crews(rounds);
}

/* --- An arrival that runs out does not count. --- */

static atomic_size_t in_time, too_late;

static void *arrive_for_a_time(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 11 + 1;

	for (size_t i = 0; i < SCALED(500); i++) {
		int error = skua_barrier_wait_timed(
			&barrier, (int64_t)(next_random(&random) % 200000));

		CHECK(error == 0 || error == SKUA_ETIMEDOUT);
		atomic_fetch_add(error ? &too_late : &in_time, 1);
	}
	return arg;
}

static void withdraw(const struct crew *crew)
{
	CHECK(skua_barrier_init(&barrier, 3) == 0);
	atomic_store(&in_time, 0);
	atomic_store(&too_late, 0);
	crew_run(crew, arrive_for_a_time, number(test_seed()), 8);
	/* Whoever passed did so with two others. */
	CHECK(atomic_load(&in_time) % 3 == 0);
	CHECK(atomic_load(&in_time) + atomic_load(&too_late) ==
	      8 * SCALED(500));
	CHECK(skua_barrier_destroy(&barrier) == 0);
	CHECK(skua_barrier_wait_timed(&barrier, 0) == SKUA_ETIMEDOUT);
}

Test(barrier, does_not_count_those_whose_time_ran_out, .timeout = LIMIT)
{
	with_crews(withdraw);
}

/* --- The last one frees it. --- */

static void *pass_and_free(void *arg)
{
	bool last = false;

	CHECK(skua_barrier_wait_last(arg, SKUA_FOREVER, &last) == 0);
	if (last) {
		memset(arg, 0xff, sizeof(struct skua_barrier));
		free(arg);
	}
	return NULL;
}

static void freed(const struct crew *crew)
{
	for (size_t i = 0; i < SCALED(500); i++) {
		struct skua_barrier *b = malloc(sizeof(*b));

		CHECK(skua_barrier_init(b, 4) == 0);
		crew_run(crew, pass_and_free, b, 4);
	}
}

Test(barrier, may_be_freed_by_whoever_passed_it, .timeout = LIMIT)
{
	with_crews(freed);
}

Test(barrier, refuses_none_and_too_many, .timeout = LIMIT)
{
	bool last = false;

	cr_assert_eq(skua_barrier_init(NULL, 1), SKUA_EINVAL);
	cr_assert_eq(skua_barrier_init(&barrier, 0), SKUA_EINVAL);
	cr_assert_eq(skua_barrier_init(&barrier, SKUA_BARRIER_MAX + 1),
		     SKUA_EINVAL);
	cr_assert_eq(skua_barrier_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_barrier_wait(NULL), SKUA_EINVAL);
	memset(&barrier, 0, sizeof(barrier));
	cr_assert_eq(skua_barrier_wait(&barrier), SKUA_EINVAL);
	barrier = (struct skua_barrier)SKUA_BARRIER_INIT(1);
	cr_assert_eq(skua_barrier_wait_last(&barrier, 0, &last), 0);
	cr_assert(last);
	cr_assert_eq(skua_barrier_wait(&barrier), 0);
	cr_assert_eq(skua_barrier_init(&barrier, SKUA_BARRIER_MAX), 0);
	last = true;
	cr_assert_eq(skua_barrier_wait_last(&barrier, 0, &last),
		     SKUA_ETIMEDOUT);
	cr_assert(last, "touched on error");
}
