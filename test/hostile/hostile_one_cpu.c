/* SPDX-License-Identifier: MIT */
/*
 * hostile_one_cpu.c - everybody on one CPU, then under SCHED_RR, where a thread
 * that spins for another one keeps it from running. No spin may be without end.
 */
#include <errno.h>

#include "stress.h"

enum {
	ROUNDS = SCALED(200),
	JOBS = 50,
	SKIPPED = 77,
};

static atomic_size_t runs;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void *wait_and_count(void *arg)
{
	struct skua_future *future =
		stress_submit(skua_pool_current(), count_run, arg);

	skua_yield();
	EXPECT(stress_take(future) == arg);
	EXPECT(skua_sleep(1) == 0);
	return count_run(arg);
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void work(struct skua_pool *pool)
{
	struct skua_future *futures[JOBS];
	long value = 0;

	for (uintptr_t i = 0; i < JOBS; i++)
		futures[i] = stress_submit(pool, wait_and_count, number(i));
	EXPECT(fib_run(pool, &value, 15) == 0 && value == 610);
	for (uintptr_t i = 0; i < JOBS; i++)
		EXPECT(stress_take(futures[i]) == number(i));
}

/* Workers inherit CPU and policy from who opens the pool. */
static void work_with(unsigned workers)
{
	size_t rounds = stress_rounds(ROUNDS, 50 * ROUNDS);

	atomic_store(&runs, 0);
	for (size_t i = 0; i < rounds; i++) {
		struct skua_pool *pool = stress_open(workers);

		EXPECT(workers || skua_pool_workers(pool) == 1);
		work(pool);
		stress_close(pool);
	}
	EXPECT(atomic_load(&runs) == rounds * JOBS * 2);
}

static void use_one_cpu(void)
{
	cpu_set_t mask;
	int cpu = 0;

	EXPECT(sched_getaffinity(0, sizeof(mask), &mask) == 0);
	while (!CPU_ISSET(cpu, &mask))
		cpu++;
	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	EXPECT(sched_setaffinity(0, sizeof(mask), &mask) == 0);
}

static void body(void)
{
	struct sched_param lowest = { sched_get_priority_min(SCHED_RR) };

	use_one_cpu();
	work_with(0);
	work_with(stress.workers);
	if (sched_setscheduler(0, SCHED_RR, &lowest)) {
		EXPECT(errno == EPERM);
		printf("SCHED_RR is not permitted here\n");
		exit(SKIPPED);
	}
	work_with(stress.workers);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
