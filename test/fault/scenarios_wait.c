/* SPDX-License-Identifier: MIT */
/* Tasks that wait: for children, for each other, for a time. */
#include <errno.h>
#include <sched.h>

#include "scenarios.h"

enum {
	FLAT = 5000, /* several segments of frames */
	DEEP = 60, /* tasks that wait at once */
	SLEEPERS = 100,
};

/* ---- fork and join ---- */

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

/* A child that waits, so that whoever joins it does. */
SKUA_TASK(long, slow_fib, int, n)
{
	int error = skua_sleep(1);

	EXPECT(error == 0 || fault_shortage(error));
	skua_yield();
	return fib(here, n);
}

SKUA_TASK(long, slow_children, int, n)
{
	int error;

	for (int i = 0; i < n; i++)
		slow_fib_fork(&here, 12);
	error = skua_sleep(1);
	EXPECT(error == 0 || fault_shortage(error));
	skua_yield();
	for (int i = 0; i < n; i++)
		EXPECT(slow_fib_join(&here) == 144);
	return n;
}

void scenario_fork_join(void)
{
	struct skua_pool *pool = fault_open(2);
	long value = 0;

	fault_begin();
	for (int i = 0; i < 4; i++) {
		int error = fib_run(pool, &value, 18);

		EXPECT(fault_shortage(error) || (error == 0 && value == 2584));
		error = slow_children_run(pool, &value, 10);
		EXPECT(fault_shortage(error) || (error == 0 && value == 10));
	}
	fault_close(pool);
}

SKUA_TASK(int, one, int, n)
{
	(void)here;
	return n;
}

/* ---- joins that block ---- */

static atomic_bool stolen, woken;
static atomic_int sleeper; /* its worker, or -1 */

/* Ends after the sleeper, if that is not on this worker. */
SKUA_TASK_VOID(outlast, bool, sleeper_is_there)
{
	(void)here;
	atomic_store(&stolen, true);
	while (sleeper_is_there && !atomic_load(&woken))
		sched_yield();
}

/* The child is joined only after it was stolen: as long as frames are forked and
 * joined a thief gets what it asks for. Then it waits for a task that sleeps on
 * this worker. */
SKUA_TASK_VOID(join_stolen, int, unused)
{
	(void)unused;
	atomic_store(&stolen, false);
	outlast_fork(&here, atomic_load(&sleeper) == skua_worker());
	while (!atomic_load(&stolen)) {
		one_fork(&here, 1);
		(void)one_join(&here);
	}
	outlast_join(&here);
}

static void *sleep_meanwhile(void *arg)
{
	int error;

	atomic_store(&sleeper, skua_worker());
	error = skua_sleep(1000000);
	EXPECT(error == 0 || fault_shortage(error));
	atomic_store(&woken, true);
	return fault_job(arg);
}

/* Without a stack to switch to, a join blocks its worker, which goes on with
 * fibers that are resumed meanwhile, and with nothing else. */
void scenario_block(void)
{
	struct skua_pool *pool = fault_open(2);

	fault_begin();
	for (int i = 0; i < 4; i++) {
		int error;

		atomic_store(&sleeper, -1);
		atomic_store(&woken, false);
		if (fault_noted(skua_submit(pool, sleep_meanwhile, NULL, NULL),
				1))
			while (atomic_load(&sleeper) < 0)
				sched_yield();
		error = join_stolen_run(pool, 0);
		EXPECT(error == 0 || fault_shortage(error));
	}
	fault_close(pool);
}

SKUA_TASK(int, flat, int, n)
{
	int sum = 0;

	fault_expect_guard();
	for (int i = 0; i < n; i++)
		one_fork(&here, 1);
	for (int i = 0; i < n; i++)
		sum += one_join(&here);
	return sum;
}

/* A fork cannot say that there is no memory for another segment. */
void scenario_chain(void)
{
	struct skua_pool *pool = fault_open(2);
	int value = 0;

	fault_begin();
	for (int i = 0; i < 3; i++) {
		int error = flat_run(pool, &value, FLAT);

		EXPECT(fault_shortage(error) || (error == 0 && value == FLAT));
	}
	fault_close(pool);
}

/* ---- suspended ---- */

/* Submits the next one and waits for it; without a stack the wait fails. */
static void *wait_for_next(void *arg)
{
	struct skua_future *next = NULL;
	uintptr_t left = (uintptr_t)arg;
	int error = 0;

	if (left && fault_noted(skua_submit(skua_pool_current(), wait_for_next,
					    (void *)(left - 1), &next),
				1))
		error = skua_future_result(next, SKUA_FOREVER, NULL);
	EXPECT(error == 0 || fault_shortage(error));
	skua_future_release(next);
	return fault_job(arg);
}

static void wait_in_a_chain(struct skua_pool *pool, uintptr_t length)
{
	struct skua_future *first = NULL;

	if (!fault_noted(skua_submit(pool, wait_for_next, (void *)length,
				     &first),
			 1))
		return;
	EXPECT(skua_future_result(first, SKUA_FOREVER, NULL) == 0);
	skua_future_release(first);
}

static void *run_inside(void *arg)
{
	long value = 0;
	int error = fib_run(skua_pool_current(), &value, 10);

	EXPECT(fault_shortage(error) || (error == 0 && value == 55));
	return fault_job(arg);
}

/* As many stacks as tasks that wait. */
void scenario_suspend(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *future = NULL;

	fault_begin();
	wait_in_a_chain(pool, DEEP);
	for (int i = 0; i < 10; i++)
		if (fault_noted(skua_submit(pool, run_inside, NULL, &future),
				1)) {
			EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) ==
			       0);
			skua_future_release(future);
		}
	fault_close(pool);
}

/* Their stacks are given back, and mapped again. */
void scenario_trim(void)
{
	struct skua_pool *pool = fault_open(2);

	wait_in_a_chain(pool, DEEP);
	fault_begin();
	for (int i = 0; i < 2; i++) {
		EXPECT(skua_pool_trim(pool) == 0);
		wait_in_a_chain(pool, DEEP);
	}
	fault_close(pool);
}

/* ---- for a time ---- */

static void expect_timeout(int error)
{
	EXPECT(error == 0 || error == SKUA_ETIMEDOUT || fault_shortage(error));
}

static void *sleep_and_time_out(void *held)
{
	int error = skua_sleep(1000);

	EXPECT(error == 0 || fault_shortage(error));
	expect_timeout(skua_future_result(held, 1000, NULL));
	return fault_job(held);
}

/* A job that waits in a deque meanwhile, and that is waited for by threads and
 * by tasks of another pool. */
void scenario_timed(void)
{
	struct skua_pool *pool = fault_open(2), *busy = fault_open(2);
	struct skua_future *held, *tasks[SLEEPERS];
	struct hold hold;

	fault_hold(&hold, busy);
	held = fault_submit(busy);
	fault_begin();
	for (int i = 0; i < SLEEPERS; i++)
		if (!fault_noted(skua_submit(pool, sleep_and_time_out, held,
					     &tasks[i]),
				 1))
			tasks[i] = NULL;
	for (int i = 0; i < 10; i++)
		expect_timeout(skua_future_result(held, 1000, NULL));
	for (int i = 0; i < SLEEPERS; i++) {
		if (tasks[i])
			EXPECT(skua_future_result(tasks[i], SKUA_FOREVER,
						  NULL) == 0);
		skua_future_release(tasks[i]);
	}
	fault_let_go(&hold);
	fault_take(held);
	fault_close(pool);
	fault_close(busy);
}

/* ---- isolated ---- */

static pthread_mutex_t plain;

static void open_plain(void)
{
	pthread_mutexattr_t attributes;

	EXPECT(!pthread_mutexattr_init(&attributes));
	EXPECT(!pthread_mutexattr_settype(&attributes,
					  PTHREAD_MUTEX_ERRORCHECK));
	EXPECT(!pthread_mutex_init(&plain, &attributes));
	EXPECT(!pthread_mutexattr_destroy(&attributes));
}

/* On the thread of the task that has it, it would be told so. */
static void *want_plain(void *arg)
{
	EXPECT(!pthread_mutex_lock(&plain));
	EXPECT(!pthread_mutex_unlock(&plain));
	return fault_job(arg);
}

struct isolated {
	skua_here here;
	bool called;
};

static void wait_for_own(void *arg)
{
	struct isolated *self = arg;
	struct skua_future *own = NULL;
	int error = 0;

	self->called = true;
	for (int i = 0; i < 4; i++)
		slow_fib_fork(&self->here, 8);
	skua_yield();
	if (fault_noted(skua_submit(skua_pool_current(), fault_job, NULL, &own),
			1))
		error = skua_future_result(own, SKUA_FOREVER, NULL);
	EXPECT(error == 0 || fault_shortage(error));
	skua_future_release(own);
	for (int i = 0; i < 4; i++)
		EXPECT(slow_fib_join(&self->here) == 21);
}

SKUA_TASK_VOID(hold_plain, int, unused)
{
	struct isolated self = { .here = here };
	int error;

	(void)unused;
	EXPECT(!pthread_mutex_lock(&plain));
	error = skua_isolate(wait_for_own, &self);
	EXPECT(error == 0 || fault_shortage(error));
	EXPECT(self.called == !error);
	EXPECT(!pthread_mutex_unlock(&plain));
}

SKUA_TASK_VOID(join_holders, int, n)
{
	for (int i = 0; i < n; i++)
		hold_plain_fork(&here, i);
	for (int i = 0; i < n; i++)
		hold_plain_join(&here);
}

/* Either it is isolated, or it is not called. */
void scenario_isolate(void)
{
	struct skua_pool *pool = fault_open(2);

	open_plain();
	fault_begin();
	for (int i = 0; i < 4; i++) {
		int error;

		fault_noted(skua_submit(pool, want_plain, NULL, NULL), 1);
		error = join_holders_run(pool, 3);
		EXPECT(error == 0 || fault_shortage(error));
	}
	fault_close(pool);
	EXPECT(!pthread_mutex_destroy(&plain));
}
