/* SPDX-License-Identifier: MIT */
/*
 * stress_suspend.c - 20,000 tasks suspended at once, in every way a task can
 * be, resumed by one event, again and again.
 */
#include "stress.h"

enum {
	CROWD = FIBERS(20000)
};

static struct skua_pool *pool, *other;
static struct skua_future *event;
static atomic_bool happened;
static atomic_size_t arrived;

/* What all wait for: it runs until the test says so, in a pool of its own. */
static void *event_task(void *arg)
{
	while (!atomic_load(&happened))
		EXPECT(skua_sleep(100000) == 0);
	return arg;
}

SKUA_TASK(uintptr_t, leaf, uintptr_t, n)
{
	(void)here;
	return n;
}

/* Waits with three children unjoined. */
SKUA_TASK(uintptr_t, wait_with_children, uintptr_t, n)
{
	uintptr_t sum = 0;

	for (uintptr_t i = 0; i < 3; i++)
		leaf_fork(&here, n + i);
	EXPECT(skua_future_result(event, SKUA_FOREVER, NULL) == 0);
	for (uintptr_t i = 0; i < 3; i++)
		sum += leaf_join(&here);
	return sum;
}

/* Polls: is switched out and in all the time. A few do, since each time-out
 * has to find its place among all that wait. */
static void poll_event(void)
{
	int error;

	do {
		error = skua_future_result(event, 50000000, NULL);
		EXPECT(error == 0 || error == SKUA_ETIMEDOUT);
	} while (error);
}

static void *wait_somehow(void *arg)
{
	uintptr_t n = (uintptr_t)arg, sum = 0;
	int worker = skua_worker();

	atomic_fetch_add(&arrived, 1);
	switch (n % 8) {
	case 0:
		if (n % 4096 == 0)
			poll_event();
		else
			EXPECT(skua_future_result(event, SKUA_SECONDS(1000),
						  NULL) == 0);
		break;
	case 1:
		EXPECT(wait_with_children_run(skua_pool_current(), &sum, n) ==
		       0);
		EXPECT(sum == 3 * n + 3);
		break;
	case 2:
		EXPECT(skua_sleep(500000) == 0);
		EXPECT(skua_future_result(event, SKUA_FOREVER, NULL) == 0);
		break;
	default:
		EXPECT(skua_future_result(event, SKUA_FOREVER, NULL) == 0);
		break;
	}
	EXPECT(skua_worker() == worker);
	return arg;
}

static void *echo(void *arg)
{
	return arg;
}

static void one_round(struct skua_future **crowd)
{
	atomic_store(&happened, false);
	atomic_store(&arrived, 0);
	event = stress_submit(other, event_task, &happened);
	for (uintptr_t i = 0; i < CROWD; i++)
		crowd[i] = stress_submit(pool, wait_somehow, number(i));
	while (atomic_load(&arrived) < CROWD)
		EXPECT(stress_take(stress_submit(pool, echo, crowd)) == crowd);
	for (uintptr_t i = 0; i < CROWD; i++)
		EXPECT(i % 8 == 2 || !skua_future_done(crowd[i]));
	atomic_store(&happened, true);
	for (uintptr_t i = 0; i < CROWD; i++)
		EXPECT(stress_take(crowd[i]) == number(i));
	EXPECT(stress_take(event) == &happened);
}

static void body(void)
{
	size_t rounds = stress_rounds(4, 200);
	struct skua_future **crowd = calloc(CROWD, sizeof(*crowd));

	pool = stress_open(stress.workers);
	other = stress_open(1);
	for (size_t i = 0; i < rounds; i++) {
		one_round(crowd);
		if (i % 2)
			EXPECT(skua_pool_trim(pool) == 0);
	}
	stress_close(pool);
	stress_close(other);
	free(crowd);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
