/* SPDX-License-Identifier: MIT */
/*
 * test_bell.c - waiting for a condition: no ring is lost, also while others
 * give up; and nothing is left in the list.
 */
#include "bell.h"

#include "../sched/sched_test.h"
#include "deadline.h"

#include "../core/failing_memory.h"

static struct ski_bell bell;
static atomic_size_t tokens;

static bool take_token(void *arg)
{
	size_t n = atomic_load(&tokens);

	(void)arg;
	while (n)
		if (atomic_compare_exchange_weak(&tokens, &n, n - 1))
			return true;
	return false;
}

Test(bell, looks_without_waiting, .timeout = LIMIT)
{
	atomic_store(&tokens, 1);
	cr_assert_eq(ski_bell_wait(&bell, take_token, NULL,
				   ski_deadline_after(0)),
		     0);
	cr_assert_eq(ski_bell_wait(&bell, take_token, NULL,
				   ski_deadline_after(0)),
		     SKUA_ETIMEDOUT);
	cr_assert_eq(ski_bell_wait(&bell, take_token, NULL,
				   ski_deadline_after(1000000)),
		     SKUA_ETIMEDOUT);
	cr_assert_null(atomic_load(&bell.list));
	/* A ring for nobody. */
	ski_bell_ring(&bell);
	memory_allow(0);
	cr_assert_eq(ski_bell_wait(&bell, take_token, NULL, -1), SKUA_ENOMEM);
	memory_relent();
	cr_assert_null(atomic_load(&bell.list));
	ski_bell_destroy(&bell);
}

enum {
	TAKERS = 6,
	TOKENS = SCALED(20000)
};

/* Half of them give up again and again, and so sift while others wait. */
static void *take_tokens(void *arg)
{
	uintptr_t n = (uintptr_t)arg, got = 0;

	while (got < TOKENS) {
		int64_t timeout_ns = n % 2 ? (int64_t)(n * 3000) : -1;
		int error = ski_bell_wait(&bell, take_token, NULL,
					  ski_deadline_after(timeout_ns));

		CHECK(error == 0 || (error == SKUA_ETIMEDOUT && n % 2));
		got += error == 0;
	}
	return arg;
}

static void rings_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[TAKERS / 2];
	pthread_t threads[TAKERS / 2];

	(void)workers;
	atomic_store(&tokens, 0);
	for (uintptr_t i = 0; i < TAKERS / 2; i++) {
		tasks[i] = submit(pool, take_tokens, number(2 * i));
		CHECK(pthread_create(&threads[i], NULL, take_tokens,
				     number(2 * i + 1)) == 0);
	}
	for (size_t i = 0; i < TAKERS * (size_t)TOKENS; i++) {
		atomic_fetch_add(&tokens, 1);
		ski_bell_ring(&bell);
	}
	for (uintptr_t i = 0; i < TAKERS / 2; i++) {
		CHECK(take(tasks[i]) == number(2 * i));
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
	CHECK(atomic_load(&tokens) == 0);
	CHECK(atomic_load(&bell.list) == NULL);
	ski_bell_destroy(&bell);
}

/* As many tokens as are taken: a ring that is lost is a hang. */
Test(bell, no_ring_is_lost, .timeout = LIMIT)
{
	with_pools(rings_body);
}

/* --- Every ring counts. --- */

enum {
	STEPS = SCALED(20000)
};
static atomic_size_t step, seen_step;
static atomic_bool over;

static bool has_stepped(void *arg)
{
	(void)arg;
	return atomic_load(&step) > atomic_load(&seen_step);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* No time limit: a ring that it misses is not made up for by the next. */
static void *follow(void *arg)
{
	for (size_t i = 0; i < STEPS; i++) {
		CHECK(ski_bell_wait(&bell, has_stepped, NULL, -1) == 0);
		atomic_fetch_add(&seen_step, 1);
	}
	return arg;
}

/* Takes the one that follows out of the list, and puts it back. */
static void *keep_giving_up(void *arg)
{
	while (!atomic_load(&over))
		CHECK(ski_bell_wait(&bell, never, NULL,
				    ski_deadline_after(1000)) ==
		      SKUA_ETIMEDOUT);
	return arg;
}

Test(bell, ring_while_others_give_up, .timeout = LIMIT)
{
	pthread_t follower, others[2];

	CHECK(pthread_create(&follower, NULL, follow, NULL) == 0);
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_create(&others[i], NULL, keep_giving_up, NULL) ==
		      0);
	for (size_t i = 1; i <= STEPS; i++) {
		atomic_store(&step, i);
		ski_bell_ring(&bell);
		while (atomic_load(&seen_step) < i)
			sched_yield();
	}
	atomic_store(&over, true);
	CHECK(pthread_join(follower, NULL) == 0);
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_join(others[i], NULL) == 0);
	cr_assert_null(atomic_load(&bell.list));
	ski_bell_destroy(&bell);
	settle(0);
}
