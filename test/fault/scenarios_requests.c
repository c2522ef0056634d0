/* SPDX-License-Identifier: MIT */
/* Batches of requests: all or none is put, and what was put is told. */
#include "scenarios.h"

enum {
	MANY = 30,
	ROUNDS = 2,
};

/* What callbacks were told. */
struct told {
	size_t results, errors;
};

static void on_result(void *arg, void *result, void *context)
{
	EXPECT(arg == &ledger && result == &ledger);
	((struct told *)context)->results++;
}

static void on_error(void *arg, int code, void *context)
{
	EXPECT(arg == &ledger && code == SKUA_ECANCELLED);
	((struct told *)context)->errors++;
	atomic_fetch_add(&ledger.optioned, 1);
	atomic_fetch_add(&ledger.dropped, 1);
}

static size_t put_some(struct skua_batch *batch, struct told *told)
{
	static void *args[MANY];
	size_t accepted = 0;

	for (size_t i = 0; i < MANY; i++) {
		args[i] = &ledger;
		accepted +=
			fault_noted(skua_batch_put(batch, fault_job, &ledger,
						   on_result, on_error, told),
				    1);
	}
	if (fault_noted(skua_batch_put_many(batch, fault_job, args, MANY,
					    on_result, on_error, told),
			MANY))
		accepted += MANY;
	return accepted;
}

/* In a task a wait may find no stack to switch to, and blocks. */
static void be_told(struct skua_batch *batch, struct told *told)
{
	size_t accepted = 0;

	for (int i = 0; i < ROUNDS; i++) {
		accepted += put_some(batch, told);
		EXPECT(skua_batch_wait(batch) == 0);
		EXPECT(told->results + told->errors == accepted);
	}
}

static struct skua_batch *try_open(struct skua_pool *pool)
{
	static struct skua_batch *const untouched = (void *)&ledger;
	struct skua_batch *batch = untouched;
	int error = skua_batch_open(&batch, pool);

	EXPECT(error == 0 || fault_shortage(error));
	EXPECT((error == 0) == (batch != untouched));
	return error ? NULL : batch;
}

static void run_some(struct skua_pool *pool)
{
	struct skua_batch *batch = try_open(pool);
	struct told told = { 0, 0 };

	if (!batch)
		return;
	be_told(batch, &told);
	EXPECT(told.errors == 0);
	EXPECT(skua_batch_close(batch) == 0);
}

/* Each is told that it was cancelled. */
static void cancel_some(struct skua_pool *pool, struct hold *hold)
{
	struct skua_batch *batch = try_open(pool);
	struct told told = { 0, 0 };
	size_t accepted = batch ? put_some(batch, &told) : 0;

	EXPECT(skua_pool_shutdown(pool,
				  SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) == 0);
	fault_let_go(hold);
	if (!batch)
		return;
	EXPECT(skua_batch_wait(batch) == 0);
	EXPECT(told.results == 0 && told.errors == accepted);
	EXPECT(skua_batch_close(batch) == 0);
}

void scenario_requests(void)
{
	struct skua_pool *pool = fault_open(2), *held = fault_open(2);
	struct hold hold;

	fault_hold(&hold, held);
	fault_begin();
	run_some(pool);
	cancel_some(held, &hold);
	fault_close(pool);
	fault_close(held);
}
