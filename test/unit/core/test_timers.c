/* SPDX-License-Identifier: MIT */
/* The heap of timers, against what it must be: an ordered set. */
#include "core_test.h"

#include "timers.h"

TestSuite(timers, .timeout = LIMIT);

/*
 * Whether all links of a heap agree and no timer is before its parent; adds its
 * timers to *@count. Recursive over children only: siblings may be many.
 */
static bool is_heap(const struct ski_timer *first,
		    const struct ski_timer *above, size_t *count)
{
	const struct ski_timer *previous = above;

	for (const struct ski_timer *t = first; t; t = t->sibling) {
		++*count;
		if (!t->armed || t->previous != previous)
			return false;
		if (above && t->deadline_ns < above->deadline_ns)
			return false;
		if (!is_heap(t->child, t, count))
			return false;
		previous = t;
	}
	return true;
}

static void check_heap(const struct ski_timers *timers, size_t expected)
{
	size_t count = 0;

	cr_assert(is_heap(timers->first, NULL, &count));
	cr_assert(!timers->first || !timers->first->sibling);
	cr_assert_eq(count, expected);
}

Test(timers, none)
{
	struct ski_timers timers = { NULL };

	cr_expect_lt(ski_timers_next(&timers), 0);
	cr_expect_null(ski_timers_due(&timers, INT64_MAX));
}

Test(timers, one)
{
	struct ski_timers timers = { NULL };
	struct ski_timer timer;

	/* Twice: what the first round leaves in it does no harm. */
	for (int round = 0; round < 2; round++) {
		ski_timers_add(&timers, &timer, 10);
		cr_expect(timer.armed);
		cr_expect_eq(ski_timers_next(&timers), 10);
		cr_expect_null(ski_timers_due(&timers, 9));
		cr_expect(timer.armed);
		cr_expect_eq(ski_timers_due(&timers, 10), &timer);
		cr_expect_not(timer.armed);
		cr_expect_lt(ski_timers_next(&timers), 0);
	}
	ski_timers_add(&timers, &timer, 10);
	ski_timers_remove(&timers, &timer);
	cr_expect_not(timer.armed);
	cr_expect_lt(ski_timers_next(&timers), 0);
	cr_expect_null(ski_timers_due(&timers, INT64_MAX));
}

/* A timed wait's deadline saturates, and 0 is a time like any other. */
Test(timers, first_and_last_time)
{
	struct ski_timers timers = { NULL };
	struct ski_timer zero, last;

	ski_timers_add(&timers, &last, INT64_MAX);
	ski_timers_add(&timers, &zero, 0);
	cr_expect_eq(ski_timers_next(&timers), 0);
	cr_expect_eq(ski_timers_due(&timers, 0), &zero);
	cr_expect_eq(ski_timers_next(&timers), INT64_MAX);
	cr_expect_null(ski_timers_due(&timers, INT64_MAX - 1));
	cr_expect_eq(ski_timers_due(&timers, INT64_MAX), &last);
}

enum {
	FEW = 7
};

static int64_t factorial(int n)
{
	return n < 2 ? 1 : n * factorial(n - 1);
}

/* Permutation number @k of 1 to FEW. */
static void permute(int64_t out[FEW], int64_t k)
{
	for (int i = 0; i < FEW; i++)
		out[i] = i + 1;
	for (int i = FEW; i > 1; i--) {
		int64_t at = k % i, held = out[i - 1];

		k /= i;
		out[i - 1] = out[at];
		out[at] = held;
	}
}

static void expect_sorted(struct ski_timers *timers, int64_t without)
{
	for (int64_t now = 1; now <= FEW; now++) {
		struct ski_timer *timer = ski_timers_due(timers, now);

		if (now == without) {
			cr_assert_null(timer);
			continue;
		}
		cr_assert_not_null(timer);
		cr_assert_eq(timer->deadline_ns, now);
		cr_assert_null(ski_timers_due(timers, now));
	}
	cr_assert_null(timers->first);
}

/* All orders of a few, with none or any one of them removed in between. */
Test(timers, every_order_of_a_few)
{
	for (int64_t k = 0; k < factorial(FEW); k++) {
		int64_t deadlines[FEW];

		permute(deadlines, k);
		for (int without = 0; without <= FEW; without++) {
			struct ski_timers timers = { NULL };
			struct ski_timer timer[FEW];

			for (int i = 0; i < FEW; i++)
				ski_timers_add(&timers, &timer[i],
					       deadlines[i]);
			if (without < FEW)
				ski_timers_remove(&timers, &timer[without]);
			expect_sorted(&timers,
				      without < FEW ? deadlines[without] : 0);
		}
	}
}

/* Each of a few is removed after one was due: what is left has depth. */
Test(timers, remove_after_one_was_due)
{
	for (int64_t k = 0; k < factorial(FEW); k++) {
		int64_t deadlines[FEW];

		permute(deadlines, k);
		for (int without = 0; without < FEW; without++) {
			struct ski_timers timers = { NULL };
			struct ski_timer timer[FEW];

			if (deadlines[without] == 1)
				continue;
			for (int i = 0; i < FEW; i++)
				ski_timers_add(&timers, &timer[i],
					       deadlines[i]);
			cr_assert_not_null(ski_timers_due(&timers, 1));
			ski_timers_remove(&timers, &timer[without]);
			check_heap(&timers, FEW - 2);
			cr_assert_eq(ski_timers_next(&timers),
				     deadlines[without] == 2 ? 3 : 2);
		}
	}
}

/* Those of the same time are all due then, each once. */
Test(timers, of_the_same_time)
{
	struct ski_timers timers = { NULL };
	static struct ski_timer timer[100];

	for (size_t i = 0; i < COUNT_OF(timer); i++)
		ski_timers_add(&timers, &timer[i], 5);
	cr_expect_null(ski_timers_due(&timers, 4));
	for (size_t left = COUNT_OF(timer); left > 0; left--) {
		check_heap(&timers, left);
		cr_assert_not_null(ski_timers_due(&timers, 5));
	}
	cr_expect_null(ski_timers_due(&timers, 5));
	for (size_t i = 0; i < COUNT_OF(timer); i++)
		cr_expect_not(timer[i].armed);
}

enum {
	MANY = 300,
	STEPS = SCALED(60000),
};

/* What is in the heap, sorted by time; of the same time in no order. */
static struct ski_timer *sorted[MANY];
static size_t sorted_count;

static void sorted_add(struct ski_timer *timer)
{
	size_t i = sorted_count++;

	for (; i && sorted[i - 1]->deadline_ns > timer->deadline_ns; i--)
		sorted[i] = sorted[i - 1];
	sorted[i] = timer;
}

static void sorted_remove(const struct ski_timer *timer)
{
	size_t i = 0;

	while (i < sorted_count && sorted[i] != timer)
		i++;
	cr_assert_lt(i, sorted_count);
	sorted_count--;
	for (; i < sorted_count; i++)
		sorted[i] = sorted[i + 1];
}

static void check_next(const struct ski_timers *timers)
{
	cr_assert_eq(ski_timers_next(timers),
		     sorted_count ? sorted[0]->deadline_ns : -1,
		     "SKUA_TEST_SEED=%#" PRIx64, test_seed());
}

static void take_due(struct ski_timers *timers, int64_t now)
{
	struct ski_timer *timer;

	while ((timer = ski_timers_due(timers, now))) {
		cr_assert_not(timer->armed);
		cr_assert_eq(timer->deadline_ns, sorted[0]->deadline_ns);
		sorted_remove(timer);
	}
	cr_assert(!sorted_count || sorted[0]->deadline_ns > now);
}

/* Random adds, removes and passing time, with few times and with many. */
Test(timers, against_a_sorted_list)
{
	static struct ski_timer timer[MANY];
	uint64_t random = random_stream(0);
	int64_t now = 0;
	struct ski_timers timers = { NULL };

	for (int step = 0; step < STEPS; step++) {
		unsigned range = step % 2000 < 1000 ? 10 : 1000000;
		struct ski_timer *one = &timer[random_below(&random, MANY)];

		if (!one->armed) {
			ski_timers_add(&timers, one,
				       now + random_below(&random, range));
			sorted_add(one);
		} else if (random_below(&random, 3)) {
			ski_timers_remove(&timers, one);
			cr_assert_not(one->armed);
			sorted_remove(one);
		} else {
			now += random_below(&random, range / 10 + 1);
			take_due(&timers, now);
		}
		check_next(&timers);
		if (step % 100 == 0)
			check_heap(&timers, sorted_count);
	}
	take_due(&timers, INT64_MAX);
	cr_expect_eq(sorted_count, 0);
}

static void fill(struct ski_timers *timers, struct ski_timer *timer, int count,
		 bool rising)
{
	for (int i = 0; i < count; i++)
		ski_timers_add(timers, &timer[i], rising ? i : count - 1 - i);
}

static void drain(struct ski_timers *timers, int count)
{
	for (int i = 0; i < count; i++) {
		struct ski_timer *timer = ski_timers_due(timers, INT64_MAX);

		cr_assert_not_null(timer);
		cr_assert_eq(timer->deadline_ns, i);
	}
	cr_assert_null(timers->first);
}

/* A long list of siblings, and a long chain of children: 64 KiB of stack would
 * not do for a recursion over either. */
static void *drain_long_ones(void *arg)
{
	const int count = 200000;
	struct ski_timer *timer = calloc((size_t)count, sizeof(*timer));
	struct ski_timers timers = { NULL };

	for (int rising = 0; rising < 2; rising++) {
		fill(&timers, timer, count, rising);
		drain(&timers, count);
		fill(&timers, timer, count, rising);
		for (int i = 0; i < count; i++)
			ski_timers_remove(&timers, &timer[i]);
		cr_assert_null(timers.first);
	}
	free(timer);
	return arg;
}

Test(timers, need_no_stack)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 * 1024);
	cr_assert_eq(pthread_create(&thread, &small, drain_long_ones, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&small);
}
