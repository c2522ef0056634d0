/* SPDX-License-Identifier: MIT */
/* Pools that change while they run: their size, and whether they run at all. */
#include <sched.h>

#include "scenarios.h"

enum {
	PENDING = 50,
};

/* ---- resize ---- */

/* As many as before, or as many as asked for. Who is not needed any more can
 * always be let go. */
static unsigned resize(struct skua_pool *pool, unsigned before, unsigned wanted)
{
	int error = skua_pool_resize(pool, wanted);
	unsigned now = error ? before : wanted;

	EXPECT(error == 0 || (wanted > before && fault_shortage(error)));
	EXPECT(skua_pool_workers(pool) == now);
	return now;
}

/* In a task, which is not alone in running as long as it does. */
static void *resize_inside(void *arg)
{
	struct skua_pool *pool = skua_pool_current();
	unsigned workers = skua_pool_workers(pool);

	workers = resize(pool, workers, workers + 2);
	(void)resize(pool, workers, 1);
	return fault_job(arg);
}

void scenario_resize(void)
{
	static const unsigned sizes[] = { 4, 1, 9, 3, 0, 2 };
	struct skua_pool *pool = fault_open(2);
	struct skua_future *future = NULL;
	unsigned workers = 2;

	fault_begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		workers = resize(pool, workers, sizes[i]);
		future = fault_submit(pool);
		if (workers)
			fault_take(future);
		else
			skua_future_release(future);
	}
	if (workers &&
	    fault_noted(skua_submit(pool, resize_inside, &ledger, &future), 1))
		fault_take(future);
	fault_end();
	/* Nothing failed for good. */
	EXPECT(skua_pool_resize(pool, 3) == 0);
	fault_take(fault_submit(pool));
	fault_close(pool);
}

static void count_stop(void *stopped, unsigned worker)
{
	(void)worker;
	atomic_fetch_add((atomic_uint *)stopped, 1);
}

/* Its workers have ended: one that was looking for a job as it was dismissed
 * would still start one. */
static struct skua_pool *open_without_workers(atomic_uint *stopped)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = 2;
	options.stack_bytes = 256 << 10;
	options.stop = count_stop;
	options.context = stopped;
	EXPECT(skua_pool_open(&pool, &options) == 0);
	EXPECT(skua_pool_resize(pool, 0) == 0);
	while (atomic_load(stopped) < options.workers)
		sched_yield();
	return pool;
}

/* Shutdown starts a worker for what was submitted to a pool without any; if
 * it gets none nothing has changed. */
void scenario_resize_none(void)
{
	atomic_uint stopped = 0;
	struct skua_pool *pool = open_without_workers(&stopped);
	struct skua_future *kept[PENDING];
	int error;

	for (int i = 0; i < PENDING; i++)
		kept[i] = fault_submit(pool);
	fault_begin();
	error = skua_pool_shutdown(pool, SKUA_CLOSE_WAIT);
	if (error) {
		EXPECT(fault_shortage(error));
		EXPECT(skua_pool_pending(pool) == PENDING);
		fault_noted(skua_post(pool, fault_post, NULL), 1);
	}
	fault_end();
	fault_close(pool);
	for (int i = 0; i < PENDING; i++)
		fault_take(kept[i]);
}

/* ---- pause and drain ---- */

static void *drain_other(void *pool)
{
	int error = skua_pool_drain(pool, SKUA_FOREVER);

	EXPECT(error == 0 || fault_shortage(error));
	error = skua_pool_drain(pool, 1000);
	EXPECT(error == 0 || fault_shortage(error));
	return fault_job(&ledger);
}

static void expect_stuck(int error)
{
	EXPECT(error == SKUA_ETIMEDOUT || fault_shortage(error));
}

/* Pausing and resuming need nothing. */
void scenario_pause(void)
{
	struct skua_pool *pool = fault_open(2), *other = fault_open(2);
	struct skua_future *waits = NULL;
	int error;

	fault_begin();
	for (int round = 0; round < 3; round++) {
		size_t pending;

		EXPECT(skua_pool_pause(pool) == 0);
		for (int i = 0; i < PENDING; i++)
			skua_future_release(fault_submit_optioned(pool));
		pending = skua_pool_pending(pool);
		if (pending)
			expect_stuck(skua_pool_drain(pool, 1000));
		if (!fault_noted(skua_submit(other, drain_other, pool, &waits),
				 1))
			waits = NULL;
		EXPECT(skua_pool_pending(pool) == pending);
		EXPECT(skua_pool_resume(pool) == 0);
		fault_take(waits);
		error = skua_pool_drain(pool, SKUA_FOREVER);
		EXPECT(error == 0 || fault_shortage(error));
	}
	EXPECT(skua_pool_pause(pool) == 0);
	skua_future_release(fault_submit_optioned(pool));
	/* Shutdown resumes. */
	fault_close(pool);
	fault_close(other);
}
