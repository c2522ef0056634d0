/* SPDX-License-Identifier: MIT */
/* Jobs that count, and pools for them. */
#include "fault.h"

struct ledger ledger;

bool fault_shortage(int error)
{
	bool is = error == SKUA_ENOMEM || error == SKUA_EAGAIN;

	atomic_fetch_add(&ledger.shortages, is);
	return is;
}

bool fault_noted(int error, size_t count)
{
	EXPECT(error == 0 || (error == SKUA_ENOMEM && fault_shortage(error)));
	if (!error)
		atomic_fetch_add(&ledger.accepted, count);
	return !error;
}

void *fault_job(void *arg)
{
	atomic_fetch_add(&ledger.ran, 1);
	return arg;
}

void fault_post(void *arg)
{
	(void)fault_job(arg);
}

void *fault_optioned_job(void *arg)
{
	atomic_fetch_add(&ledger.optioned_ran, 1);
	return fault_job(arg);
}

static void drop_arg(void *arg)
{
	EXPECT(arg == &ledger);
	atomic_fetch_add(&ledger.dropped, 1);
}

static void drop_result(void *result)
{
	EXPECT(result == &ledger);
	atomic_fetch_add(&ledger.results_dropped, 1);
}

struct skua_future *fault_submit(struct skua_pool *pool)
{
	struct skua_future *future = NULL;
	int error = skua_submit(pool, fault_job, &ledger, &future);

	EXPECT(fault_noted(error, 1) == (future != NULL));
	return future;
}

struct skua_future *fault_submit_optioned(struct skua_pool *pool)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *future = NULL;
	int error;

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	error = skua_submit_with(pool, fault_optioned_job, &ledger, &options,
				 &future);
	EXPECT(fault_noted(error, 1) == (future != NULL));
	if (future)
		atomic_fetch_add(&ledger.optioned, 1);
	return future;
}

void fault_take(struct skua_future *future)
{
	void *result = NULL;

	if (!future)
		return;
	EXPECT(skua_future_result(future, SKUA_FOREVER, &result) == 0);
	EXPECT(result == &ledger);
	skua_future_release(future);
}

void fault_balance(void)
{
	size_t dropped = atomic_load(&ledger.dropped);
	size_t optioned_ran = atomic_load(&ledger.optioned_ran);

	EXPECT(atomic_load(&ledger.accepted) ==
	       atomic_load(&ledger.ran) + dropped);
	EXPECT(atomic_load(&ledger.optioned) == optioned_ran + dropped);
	EXPECT(optioned_ran == atomic_load(&ledger.results_dropped) +
				       atomic_load(&ledger.results_read));
}

struct skua_pool *fault_open(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = workers;
	options.stack_bytes = 256 << 10;
	options.seed = 1;
	EXPECT(skua_pool_open(&pool, &options) == 0);
	return pool;
}

void fault_close(struct skua_pool *pool)
{
	EXPECT(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void *hold_job(void *arg)
{
	struct hold *hold = arg;

	sem_post(&hold->arrived);
	await(&hold->go);
	return fault_job(&ledger);
}

void fault_hold(struct hold *hold, struct skua_pool *pool)
{
	EXPECT(sem_init(&hold->arrived, 0, 0) == 0);
	EXPECT(sem_init(&hold->go, 0, 0) == 0);
	EXPECT(skua_pool_workers(pool) == 2);
	for (int i = 0; i < 2; i++) {
		EXPECT(fault_noted(
			skua_submit(pool, hold_job, hold, &hold->job[i]), 1));
		await(&hold->arrived);
	}
}

void fault_let_go(struct hold *hold)
{
	sem_post(&hold->go);
	sem_post(&hold->go);
	fault_take(hold->job[0]);
	fault_take(hold->job[1]);
}
