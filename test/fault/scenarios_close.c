/* SPDX-License-Identifier: MIT */
/* Closing, in every way. */
#include "scenarios.h"

enum {
	PENDING = 200,
};

/* Half of the futures are kept, by a thread that then releases them. */
static void submit_pending(struct skua_pool *pool, struct skua_future *kept[])
{
	for (int i = 0; i < PENDING; i++) {
		struct skua_future *future = fault_submit_optioned(pool);

		kept[i] = i % 2 ? future : NULL;
		if (!(i % 2))
			skua_future_release(future);
	}
}

static void expect_end(struct skua_future *future)
{
	int error;

	if (!future)
		return;
	error = skua_future_result(future, SKUA_FOREVER, NULL);
	EXPECT(error == 0 || error == SKUA_ECANCELLED);
	skua_future_release(future);
}

static void *shut_and_cancel(void *pool)
{
	EXPECT(skua_pool_shutdown(pool,
				  SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) == 0);
	return NULL;
}

/* By a thread that the pool does not know, while all workers are busy. */
void scenario_cancel(void)
{
	struct skua_pool *pool = fault_open(2);
	static struct skua_future *kept[PENDING];
	struct hold hold;

	fault_hold(&hold, pool);
	submit_pending(pool, kept);
	EXPECT(skua_future_cancel(kept[1]) == 0);
	fault_begin();
	EXPECT(pthread_join(fault_thread(shut_and_cancel, pool), NULL) == 0);
	EXPECT(skua_submit(pool, fault_job, NULL, NULL) == SKUA_ECLOSED);
	fault_let_go(&hold);
	for (int i = 0; i < PENDING; i++)
		expect_end(kept[i]);
	fault_close(pool);
}

struct shut_inside {
	struct skua_pool *pool;
	struct skua_future *kept[PENDING];
};

/* Submits, and cancels what it has submitted. */
static void *shut_inside(void *arg)
{
	struct shut_inside *shut = arg;

	submit_pending(shut->pool, shut->kept);
	(void)shut_and_cancel(shut->pool);
	EXPECT(skua_pool_shutdown(shut->pool, SKUA_CLOSE_WAIT) == SKUA_EDEADLK);
	return fault_job(arg);
}

void scenario_cancel_inside(void)
{
	static struct shut_inside shut;
	struct skua_future *future = NULL;

	shut.pool = fault_open(2);
	fault_begin();
	if (fault_noted(skua_submit(shut.pool, shut_inside, &shut, &future),
			1)) {
		EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
		skua_future_release(future);
	}
	for (int i = 0; i < PENDING; i++)
		expect_end(shut.kept[i]);
	fault_close(shut.pool);
}

static void *submit_while_closing(void *pool)
{
	struct skua_future *child = NULL;
	int error = skua_submit(pool, fault_job, &ledger, &child);

	EXPECT(error == 0 || fault_shortage(error) || error == SKUA_ECLOSED);
	if (error)
		return fault_job(pool);
	error = skua_future_result(child, SKUA_FOREVER, NULL);
	EXPECT(error == 0 || fault_shortage(error) || error == SKUA_ECANCELLED);
	/* One that we did not wait for is counted as what it will be: no
	 * CANCEL is on its way, or we would have been told. */
	if (error != SKUA_ECANCELLED)
		atomic_fetch_add(&ledger.accepted, 1);
	skua_future_release(child);
	return fault_job(pool);
}

/* Detached, by the last release, and by two that wait. */
void scenario_close(void)
{
	for (unsigned way = 0; way < 3; way++) {
		struct skua_pool *pool;

		fault_end();
		pool = fault_open(2);
		for (int i = 0; i < 20; i++)
			EXPECT(fault_noted(skua_submit(pool,
						       submit_while_closing,
						       pool, NULL),
					   1));
		fault_begin();
		switch (way) {
		case 0:
			EXPECT(skua_pool_close(pool, SKUA_CLOSE_DETACH) == 0);
			break;
		case 1:
			skua_pool_release(pool);
			break;
		default:
			EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
			fault_close(pool);
		}
	}
}

/* In a task of another pool: without a stack to switch to, it is shut down and
 * has not ended. */
static void *close_other(void *pool)
{
	int error = skua_pool_shutdown(pool, SKUA_CLOSE_WAIT);

	EXPECT(error == 0 || fault_shortage(error));
	EXPECT(skua_post(pool, fault_post, NULL) == SKUA_ECLOSED);
	return fault_job(pool);
}

void scenario_close_outside(void)
{
	struct skua_pool *pool = fault_open(2), *other = fault_open(2);
	struct skua_future *future = NULL;

	for (int i = 0; i < 20; i++)
		skua_future_release(fault_submit(other));
	fault_begin();
	if (fault_noted(skua_submit(pool, close_other, other, &future), 1))
		EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	fault_close(other);
	fault_close(pool);
}
