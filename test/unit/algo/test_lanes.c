/* SPDX-License-Identifier: MIT */
/*
 * test_lanes.c - each number is given out once, whatever the number of lanes,
 * of threads that take and of those that take the rest.
 */
#include "lanes.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	LANES = 5,
	NUMBERS = 20000,
	THREADS = 3
};

static struct ski_lane lane[LANES];
static _Atomic(unsigned) given[NUMBERS];

Test(lanes, are_filled_evenly_and_taken_in_order, .timeout = 60)
{
	for (unsigned lanes = 1; lanes <= LANES; lanes++)
		for (size_t count = lanes; count < 40; count++) {
			size_t next = 0, number;

			ski_lanes_fill(lane, lanes, count);
			for (unsigned i = 0; i < lanes; i++) {
				size_t size = lane[i].end - next;

				cr_assert(size == count / lanes ||
					  size == count / lanes + 1);
				next = lane[i].end;
			}
			cr_assert(next == count);
			/* One who takes them all gets them in order. */
			for (size_t i = 0; i < count; i++) {
				cr_assert(ski_lanes_left(lane, lanes));
				cr_assert(ski_lanes_take(lane, lanes, 0,
							 &number));
				cr_assert(number == i);
			}
			cr_assert(!ski_lanes_left(lane, lanes));
			number = 77;
			cr_assert(!ski_lanes_take(lane, lanes, 0, &number));
			cr_assert(number == 77);
		}
}

Test(lanes, home_comes_first_and_then_the_next, .timeout = 60)
{
	size_t number;

	ski_lanes_fill(lane, 3, 6); /* 0 1, 2 3, 4 5 */
	cr_assert(ski_lanes_take(lane, 3, 2, &number) && number == 4);
	cr_assert(ski_lanes_take(lane, 3, 5, &number) && number == 5);
	cr_assert(ski_lanes_take(lane, 3, 2, &number) && number == 0);
	cr_assert(ski_lanes_take(lane, 3, 1, &number) && number == 2);
	cr_assert(ski_lane_take_rest(&lane[0], &number) == 1 && number == 1);
	cr_assert(ski_lane_take_rest(&lane[0], &number) == 0);
	cr_assert(ski_lane_take_rest(&lane[2], &number) == 0);
	cr_assert(ski_lanes_take(lane, 3, 0, &number) && number == 3);
	cr_assert(!ski_lanes_left(lane, 3));
}

static void *take_all(void *home)
{
	size_t number;

	while (ski_lanes_take(lane, LANES, *(unsigned *)home, &number))
		atomic_fetch_add(&given[number], 1);
	return home;
}

static void *take_rests(void *unused)
{
	for (unsigned i = 0; i < LANES; i += 2) {
		size_t first, count = ski_lane_take_rest(&lane[i], &first);

		while (count-- > 0)
			atomic_fetch_add(&given[first + count], 1);
	}
	return unused;
}

Test(lanes, each_number_once_with_many_who_take, .timeout = 60)
{
	for (int round = 0; round < 50; round++) {
		static unsigned home[THREADS] = { 0, 1, 1 };
		pthread_t thread[THREADS + 1];

		ski_lanes_fill(lane, LANES, NUMBERS);
		for (int i = 0; i < NUMBERS; i++)
			atomic_store(&given[i], 0);
		for (int i = 0; i < THREADS; i++)
			cr_assert(!pthread_create(&thread[i], NULL, take_all,
						  &home[i]));
		cr_assert(!pthread_create(&thread[THREADS], NULL, take_rests,
					  NULL));
		for (int i = 0; i <= THREADS; i++)
			cr_assert(!pthread_join(thread[i], NULL));
		cr_assert(!ski_lanes_left(lane, LANES));
		for (int i = 0; i < NUMBERS; i++)
			cr_assert(atomic_load(&given[i]) == 1, "%d: %u times",
				  i, atomic_load(&given[i]));
	}
}
