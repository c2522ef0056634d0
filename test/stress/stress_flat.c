/* SPDX-License-Identifier: MIT */
/*
 * stress_flat.c - a flat loop that forks a million children (ten million with
 * --long) and then joins them all: the fork stack goes on in further segments.
 */
#include "stress.h"

SKUA_TASK(uint64_t, leaf, uint64_t, n)
{
	(void)here;
	return n ^ n << 7;
}

SKUA_TASK(uint64_t, flat, uint64_t, count)
{
	for (uint64_t i = 0; i < count; i++)
		leaf_fork(&here, i);
	for (uint64_t i = count; i-- > 0;)
		EXPECT(leaf_join(&here) == (i ^ i << 7));
	return count;
}

/* With a wait in the middle: all that was forked is offered to others. */
SKUA_TASK(uint64_t, flat_with_waits, uint64_t, count)
{
	for (uint64_t i = 0; i < count; i++) {
		leaf_fork(&here, i);
		if (i % 10000 == 9999)
			skua_yield();
	}
	EXPECT(skua_sleep(1000) == 0);
	for (uint64_t i = count; i-- > 0;) {
		EXPECT(leaf_join(&here) == (i ^ i << 7));
		if (i % 10000 == 5000)
			skua_yield();
	}
	return count;
}

static void body(void)
{
	uint64_t count = stress_rounds(SCALED(1000000), SCALED(10000000));
	struct skua_pool *pool = stress_open(stress.workers);
	uint64_t done = 0;

	EXPECT(flat_run(pool, &done, count) == 0);
	EXPECT(done == count);
	EXPECT(flat_with_waits_run(pool, &done, count) == 0);
	EXPECT(done == count);
	EXPECT(skua_pool_trim(pool) == 0);
	EXPECT(flat_run(pool, &done, count) == 0);
	EXPECT(done == count);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
