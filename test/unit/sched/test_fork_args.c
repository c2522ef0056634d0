/* SPDX-License-Identifier: MIT */
/*
 * test_fork_args.c - tasks of zero to six arguments of all kinds, with every
 * kind of result, called, forked, stolen, run and submitted.
 */
#include <string.h>

#include "sched_test.h"

struct triple {
	uint64_t a;
	double b;
	const char *c;
};

static const struct triple sample = { UINT64_C(0x123456789abcdef0), 2.5, "c" };

static atomic_uint ran;

static bool same_triple(struct triple x, struct triple y)
{
	return x.a == y.a && x.b == y.b && x.c == y.c;
}

SKUA_TASK(int, args0)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return -7;
}

SKUA_TASK(double, args1, double, x)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return x * 2;
}

SKUA_TASK(struct triple, args2, struct triple, t, char, c)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	CHECK(c == 'x');
	t.a++;
	return t;
}

SKUA_TASK(char *, args3, char *, text, int, offset, signed char, minus)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return text + offset + minus;
}

SKUA_TASK(float, args4, float, a, short, b, void *, c, uint64_t, d)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	CHECK(c == &ran && d == UINT64_MAX);
	return a + (float)b;
}

SKUA_TASK(bool, args5, bool, yes, unsigned char, byte, int64_t, low,
	  const char *, text, double, x)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	return yes && byte == 255 && low == INT64_MIN &&
	       strcmp(text, "five") == 0 && x == -0.125;
}

/* 24 + 8 + 8 + 4 + 1 + 1: all the room there is. */
SKUA_TASK(struct triple, args6, struct triple, t, double, x, const char *, text,
	  int, i, char, c, unsigned char, byte)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	CHECK(strcmp(text, "six") == 0 && i == INT32_MIN && c == 'z' &&
	      byte == 200);
	t.b += x;
	return t;
}

SKUA_TASK_VOID(void0)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
}

SKUA_TASK_VOID(void1, int *, out)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	*out = 1;
}

SKUA_TASK_VOID(void6, char, a, short, b, int, c, long, d, double, e, int *, out)
{
	(void)here;
	atomic_fetch_add(&ran, 1);
	*out = a + b + c + (int)d + (int)e;
}

enum {
	KINDS = 10
};

static char letters[] = "letters";

/* --- Called and joined. --- */

static void call_all(skua_here here)
{
	int one = 0, sum = 0;

	CHECK(args0(here) == -7);
	CHECK(args1(here, 1.25) == 2.5);
	CHECK(args2(here, sample, 'x').a == sample.a + 1);
	CHECK(args3(here, letters, 3, -1) == letters + 2);
	CHECK(args4(here, 0.5f, -3, &ran, UINT64_MAX) == -2.5f);
	CHECK(args5(here, true, 255, INT64_MIN, "five", -0.125));
	CHECK(args6(here, sample, 1.5, "six", INT32_MIN, 'z', 200).b == 4);
	void0(here);
	void1(here, &one);
	void6(here, 1, 2, 3, 4, 5, &sum);
	CHECK(one == 1 && sum == 15);
}

static void wait_until_all_ran(unsigned count)
{
	while (atomic_load(&ran) < count)
		skua_yield();
}

/* With @stolen the children have all run before the first join, each in
 * another task; otherwise most are run by their join. */
SKUA_TASK(int, fork_all, int, stolen)
{
	int one = 0, sum = 0;
	struct triple expected = sample;

	args0_fork(&here);
	args1_fork(&here, 1.25);
	args2_fork(&here, sample, 'x');
	args3_fork(&here, letters, 3, -1);
	args4_fork(&here, 0.5f, -3, &ran, UINT64_MAX);
	args5_fork(&here, true, 255, INT64_MIN, "five", -0.125);
	args6_fork(&here, sample, 1.5, "six", INT32_MIN, 'z', 200);
	void0_fork(&here);
	void1_fork(&here, &one);
	void6_fork(&here, 1, 2, 3, 4, 5, &sum);
	if (stolen)
		wait_until_all_ran(KINDS);
	void6_join(&here);
	void1_join(&here);
	void0_join(&here);
	CHECK(one == 1 && sum == 15);
	expected.b = 4;
	CHECK(same_triple(args6_join(&here), expected));
	CHECK(args5_join(&here));
	CHECK(args4_join(&here) == -2.5f);
	CHECK(args3_join(&here) == letters + 2);
	expected = sample;
	expected.a++;
	CHECK(same_triple(args2_join(&here), expected));
	CHECK(args1_join(&here) == 2.5);
	return args0_join(&here);
}

SKUA_TASK_VOID(call_all_task)
{
	call_all(here);
}

static void joined_body(struct skua_pool *pool, unsigned workers)
{
	int result = 0;

	atomic_store(&ran, 0);
	CHECK(call_all_task_run(pool) == 0);
	cr_assert_eq(atomic_load(&ran), KINDS, "%u workers", workers);
	atomic_store(&ran, 0);
	CHECK(fork_all_run(pool, &result, 0) == 0);
	cr_assert_eq(result, -7, "%u workers", workers);
	cr_assert_eq(atomic_load(&ran), KINDS, "%u workers", workers);
}

/* "Macros exist for 0 to 6 arguments and for void results": called, and forked
 * and joined. */
Test(fork_args, called_and_joined, .timeout = LIMIT)
{
	with_pools(joined_body);
}

static void stolen_body(struct skua_pool *pool, unsigned workers)
{
	for (unsigned i = 0; i < SCALED(100); i++) {
		int result = 0;

		atomic_store(&ran, 0);
		CHECK(fork_all_run(pool, &result, 1) == 0);
		cr_assert_eq(result, -7, "%u workers", workers);
		cr_assert_eq(atomic_load(&ran), KINDS, "%u workers", workers);
	}
}

/* The same with every child stolen: arguments and results cross over. */
Test(fork_args, stolen, .timeout = LIMIT)
{
	with_pools(stolen_body);
}

/* --- Run. --- */

static void run_all(struct skua_pool *pool)
{
	int zero = 0, one = 0, sum = 0;
	double twice = 0;
	struct triple triple = { 0, 0, NULL };
	char *text = NULL;
	float sum4 = 0;
	bool yes = false;

	CHECK(args0_run(pool, &zero) == 0 && zero == -7);
	CHECK(args1_run(pool, &twice, 1.25) == 0 && twice == 2.5);
	CHECK(args2_run(pool, &triple, sample, 'x') == 0);
	CHECK(triple.a == sample.a + 1 && triple.c == sample.c);
	CHECK(args3_run(pool, &text, letters, 3, -1) == 0);
	CHECK(text == letters + 2);
	CHECK(args4_run(pool, &sum4, 0.5f, -3, &ran, UINT64_MAX) == 0);
	CHECK(sum4 == -2.5f);
	CHECK(args5_run(pool, &yes, true, 255, INT64_MIN, "five", -0.125) == 0);
	CHECK(yes);
	CHECK(args6_run(pool, &triple, sample, 1.5, "six", INT32_MIN, 'z',
			200) == 0);
	CHECK(triple.b == 4 && triple.a == sample.a);
	CHECK(void0_run(pool) == 0);
	CHECK(void1_run(pool, &one) == 0 && one == 1);
	CHECK(void6_run(pool, 1, 2, 3, 4, 5, &sum) == 0 && sum == 15);
}

static void *run_all_inside(void *pool)
{
	run_all(pool);
	return pool;
}

static void run_body(struct skua_pool *pool, unsigned workers)
{
	atomic_store(&ran, 0);
	run_all(pool);
	cr_assert_eq(atomic_load(&ran), KINDS, "%u workers", workers);
	CHECK(take(submit(pool, run_all_inside, pool)) == pool);
	CHECK(args0_run(pool, NULL) == 0);
	cr_assert_eq(atomic_load(&ran), 2 * KINDS + 1, "%u workers", workers);
}

/* name_run "from any thread or task"; "*result (may be NULL)" */
Test(fork_args, run_from_a_thread_and_from_a_task, .timeout = LIMIT)
{
	with_pools(run_body);
}

/* --- Submitted. --- */

static void submit_some(struct skua_pool *pool, struct skua_future *futures[4],
			int *one)
{
	CHECK(args0_submit(pool, &futures[0]) == 0);
	CHECK(args6_submit(pool, &futures[1], sample, 1.5, "six", INT32_MIN,
			   'z', 200) == 0);
	CHECK(void0_submit(pool, &futures[2]) == 0);
	CHECK(void1_submit(pool, &futures[3], one) == 0);
}

static void collect_some(struct skua_future *futures[4], const int *one)
{
	struct triple triple = { 0, 0, NULL };
	int zero = 0;

	CHECK(void1_result(futures[3], SKUA_FOREVER) == 0);
	CHECK(*one == 1);
	CHECK(void0_result(futures[2], SKUA_FOREVER) == 0);
	CHECK(args6_result(futures[1], SKUA_FOREVER, &triple) == 0);
	CHECK(triple.a == sample.a && triple.b == 4 && triple.c == sample.c);
	CHECK(args0_result(futures[0], SKUA_FOREVER, NULL) == 0);
	CHECK(args0_result(futures[0], 0, &zero) == 0 && zero == -7);
	for (size_t i = 0; i < 4; i++)
		CHECK(skua_future_done(futures[i]));
}

static void *submit_inside(void *pool)
{
	struct skua_future *futures[4] = { NULL };
	int one = 0;

	submit_some(pool, futures, &one);
	collect_some(futures, &one);
	for (size_t i = 0; i < 4; i++)
		skua_future_release(futures[i]);
	return pool;
}

static void submit_body(struct skua_pool *pool, unsigned workers)
{
	atomic_store(&ran, 0);
	CHECK(submit_inside(pool) == pool);
	CHECK(take(submit(pool, submit_inside, pool)) == pool);
	CHECK(args0_submit(pool, NULL) == 0);
	while (atomic_load(&ran) < 9)
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
	cr_assert_eq(atomic_load(&ran), 9, "%u workers", workers);
}

/* name_submit and name_result, from outside and from inside */
Test(fork_args, submit_and_result, .timeout = LIMIT)
{
	with_pools(submit_body);
}

static void other_kind_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *plain = submit(pool, do_nothing, pool);
	struct skua_future *task = NULL;
	double twice = 11;
	int zero = 11;

	(void)workers;
	CHECK(args0_submit(pool, &task) == 0);
	CHECK(skua_future_result(plain, SKUA_FOREVER, NULL) == 0);
	CHECK(args0_result(task, SKUA_FOREVER, NULL) == 0);
	CHECK(args0_result(plain, SKUA_FOREVER, &zero) == SKUA_EINVAL);
	CHECK(args1_result(task, SKUA_FOREVER, &twice) == SKUA_EINVAL);
	CHECK(void0_result(task, SKUA_FOREVER) == SKUA_EINVAL);
	CHECK(zero == 11 && twice == 11);
	CHECK(args0_result(task, SKUA_FOREVER, &zero) == 0 && zero == -7);
	CHECK(take(plain) == pool);
	skua_future_release(task);
}

/* "SKUA_EINVAL if the future is of another kind" */
Test(fork_args, result_of_another_kind_is_an_error, .timeout = LIMIT)
{
	with_pools(other_kind_body);
}

Test(fork_args, null_is_an_error_code, .timeout = LIMIT)
{
	struct skua_future *none = NULL;
	int value = 11;

	cr_assert_eq(args0_run(NULL, &value), SKUA_EINVAL);
	cr_assert_eq(void0_run(NULL), SKUA_EINVAL);
	cr_assert_eq(args0_submit(NULL, &none), SKUA_EINVAL);
	cr_assert_eq(args0_result(NULL, SKUA_FOREVER, &value), SKUA_EINVAL);
	cr_assert_eq(void0_result(NULL, 0), SKUA_EINVAL);
	cr_assert_null(none);
	cr_assert_eq(value, 11);
}
