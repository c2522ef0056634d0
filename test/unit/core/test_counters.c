/* SPDX-License-Identifier: MIT */
/*
 * Counters: one thread writes, all read, and what was counted first is seen
 * first. The end of a pool depends on that.
 */
#include "core_test.h"

#include "counters.h"

TestSuite(counters, .timeout = LIMIT);

Test(counters, start_at_zero_and_add_up)
{
	struct ski_counters counters = { 0 };

	for (int which = 0; which < SKI_COUNTERS; which++)
		cr_expect_eq(ski_count_of(&counters, which), 0);
	for (int which = 0; which < SKI_COUNTERS; which++)
		for (int n = 0; n <= which; n++)
			ski_count_add(&counters, which, (uint64_t)n);
	for (int which = 0; which < SKI_COUNTERS; which++)
		cr_expect_eq(ski_count_of(&counters, which),
			     (uint64_t)(which * (which + 1) / 2));
}

Test(counters, hold_64_bits)
{
	struct ski_counters counters = { 0 };

	ski_count_add(&counters, SKI_COUNT_PUSHED, UINT64_MAX - 1);
	ski_count_add(&counters, SKI_COUNT_PUSHED, 1);
	cr_expect_eq(ski_count_of(&counters, SKI_COUNT_PUSHED), UINT64_MAX);
	cr_expect_eq(ski_count_of(&counters, SKI_COUNT_STARTED), 0);
	ski_count_add(&counters, SKI_COUNT_PUSHED, 3);
	cr_expect_eq(ski_count_of(&counters, SKI_COUNT_PUSHED), 2);
}

Test(counters, have_lines_of_their_own)
{
	static struct ski_counters two[2];

	cr_expect_eq((uintptr_t)&two[0] % SKI_LINE, 0);
	cr_expect_eq(sizeof(two[0]) % SKI_LINE, 0);
}

enum {
	OWNERS = 4,
	TURNS = SCALED(40000),
};

/* A job goes round: each owner counts the next as its own push, and the one it
 * got as finished, before it passes on. Thread OWNERS sums up meanwhile. */
static struct {
	struct ski_counters counters[OWNERS];
	_Alignas(SKI_LINE) _Atomic unsigned turn;
} ring;

static void pass_on(unsigned self)
{
	for (unsigned turn = self; turn < TURNS; turn += OWNERS) {
		/* Acquire: as a job comes out of a deque. Pairs below. */
		while (atomic_load_explicit(&ring.turn, memory_order_acquire) !=
		       turn)
			sched_yield();
		/* As a job that submits another: push first, then finish. */
		ski_count_add(&ring.counters[self], SKI_COUNT_PUSHED, 1);
		if (turn)
			ski_count_add(&ring.counters[self], SKI_COUNT_FINISHED,
				      1);
		/* Release: as it goes in. */
		atomic_store_explicit(&ring.turn, turn + 1,
				      memory_order_release);
	}
}

static uint64_t sum_of(enum ski_counter which)
{
	uint64_t sum = 0;

	for (int i = 0; i < OWNERS; i++)
		sum += ski_count_of(&ring.counters[i], which);
	return sum;
}

static void sum_up(void)
{
	uint64_t finished, last = 0;

	do {
		finished = sum_of(SKI_COUNT_FINISHED);
		CHECK(finished >= last);
		CHECK(finished < sum_of(SKI_COUNT_PUSHED) || !finished);
		last = finished;
		sched_yield();
	} while (finished < TURNS - 1);
}

static void pass_or_sum(unsigned self)
{
	if (self < OWNERS)
		pass_on(self);
	else
		sum_up();
}

/* "a sum of finished equals a sum of pushed read after it": one is always on
 * its way here, so it never does. */
Test(counters, a_finish_is_never_seen_before_its_push)
{
	crew_run(OWNERS + 1, pass_or_sum);
	cr_expect_eq(sum_of(SKI_COUNT_PUSHED), TURNS);
	cr_expect_eq(sum_of(SKI_COUNT_FINISHED), TURNS - 1);
}
