/* SPDX-License-Identifier: MIT */
/* Opening pools and submitting to them. */
#include "scenarios.h"

enum {
	MANY = 400,
	BATCH_MOST = 3000,
	/* More guests at once than the registry's first chunk has slots. */
	GUESTS_BEFORE = 62,
	GUESTS_AFTER = 4,
};

/* Jobs for more chunks than are mapped one by one. */
#ifdef SKI_TINY
enum {
	GROWN = 2000
};
#else
enum {
	GROWN = 20000
};
#endif

/* ---- opening ---- */

static struct skua_pool *try_open(unsigned workers)
{
	static struct skua_pool *const untouched = (void *)&ledger;
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = untouched;
	int error;

	options.workers = workers;
	error = skua_pool_open(&pool, &options);
	EXPECT(error == 0 || fault_shortage(error));
	EXPECT((error == 0) == (pool != untouched));
	return error ? NULL : pool;
}

/* The number of workers is asked of the system, too. */
void scenario_open(void)
{
	struct skua_pool *pool;

	fault_begin();
	for (unsigned workers = 0; workers < 4; workers++) {
		pool = try_open(workers);
		if (!pool)
			continue;
		fault_take(fault_submit(pool));
		fault_close(pool);
	}
	fault_end();
	/* The next one is none the worse for it. */
	pool = fault_open(2);
	fault_take(fault_submit(pool));
	fault_close(pool);
}

/* It stays open, to the end of the process. */
void scenario_default(void)
{
	struct skua_pool *pool;

	fault_begin();
	pool = skua_pool_default();
	if (pool)
		fault_take(fault_submit(pool));
	fault_end();
	if (pool)
		EXPECT(skua_pool_default() == pool);
	else
		pool = skua_pool_default();
	EXPECT(pool != NULL);
	EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == SKUA_EINVAL);
}

/* ---- submitting ---- */

SKUA_TASK(int, add_one, int, n)
{
	(void)here;
	fault_post(NULL);
	return n + 1;
}

static void submit_frame(struct skua_pool *pool)
{
	struct skua_future *future = NULL;
	int value = 0;

	if (!fault_noted(add_one_submit(pool, &future, 41), 1))
		return;
	EXPECT(add_one_result(future, SKUA_FOREVER, &value) == 0);
	EXPECT(value == 42);
	skua_future_release(future);
}

static void run_frame(struct skua_pool *pool)
{
	int value = 0;
	int error = add_one_run(pool, &value, 41);

	EXPECT(!fault_noted(error, 1) || value == 42);
}

void scenario_submit(void)
{
	struct skua_pool *pool = fault_open(2);
	static struct skua_future *future[MANY];

	fault_begin();
	for (int i = 0; i < MANY; i++) {
		future[i] = fault_submit(pool);
		fault_noted(skua_post(pool, fault_post, NULL), 1);
		fault_noted(skua_submit(pool, fault_job, NULL, NULL), 1);
		submit_frame(pool);
		run_frame(pool);
	}
	for (int i = 0; i < MANY / 2; i++)
		fault_take(future[i]);
	fault_end();
	/* Nothing failed for good. */
	EXPECT(fault_noted(skua_post(pool, fault_post, NULL), 1));
	fault_close(pool);
	/* The others outlive their pool. */
	for (int i = MANY / 2; i < MANY; i++)
		fault_take(future[i]);
}

static void read_result(struct skua_future *future)
{
	void *result = NULL;

	EXPECT(skua_future_result(future, SKUA_FOREVER, &result) == 0);
	EXPECT(result == &ledger);
	atomic_fetch_add(&ledger.results_read, 1);
}

/* Read, and released unread; so many at once that a future is the last of its
 * chunk and its options would be the first of another. */
void scenario_submit_with(void)
{
	struct skua_pool *pool = fault_open(2);
	static struct skua_future *future[2 * MANY];

	fault_begin();
	for (int i = 0; i < 2 * MANY; i++)
		future[i] = fault_submit_optioned(pool);
	for (int i = 0; i < 2 * MANY; i++) {
		if (future[i] && i % 2)
			read_result(future[i]);
		skua_future_release(future[i]);
	}
	fault_close(pool);
}

static void submit_batch(struct skua_pool *pool, size_t count, bool wanted)
{
	static struct skua_future *const untouched = (void *)&ledger;
	static struct skua_future *out[BATCH_MOST];
	static void *args[BATCH_MOST];
	bool accepted;

	for (size_t i = 0; i < count; i++) {
		args[i] = &ledger;
		out[i] = untouched;
	}
	accepted = fault_noted(skua_submit_many(pool, fault_job, args, count,
						wanted ? out : NULL),
			       count);
	for (size_t i = 0; wanted && i < count; i++) {
		EXPECT((out[i] != untouched) == accepted);
		if (accepted)
			fault_take(out[i]);
	}
}

void scenario_submit_many(void)
{
	static const size_t count[] = { 1, 7, 300, BATCH_MOST };
	struct skua_pool *pool = fault_open(2);

	fault_begin();
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		submit_batch(pool, count[i], true);
		submit_batch(pool, count[i], false);
	}
	fault_close(pool);
}

/* ---- growth ---- */

static void *submit_thousands(void *pool)
{
	for (int i = 0; i < GROWN; i++)
		fault_noted(skua_post(pool, fault_post, NULL), 1);
	return fault_job(NULL);
}

/* Rings and slabs, of a guest and of a worker. */
void scenario_growth(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *future = NULL;
	struct hold hold;

	fault_hold(&hold, pool);
	fault_begin();
	submit_thousands(pool);
	atomic_fetch_add(&ledger.accepted, 1);
	if (!fault_noted(skua_submit(pool, submit_thousands, pool, &future), 1))
		future = NULL;
	fault_let_go(&hold);
	if (future)
		EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	fault_close(pool);
}

/* ---- guests ---- */

struct visit {
	struct skua_pool *pool;
	sem_t submitted, leave;
};

static void *visit(void *arg)
{
	struct visit *me = arg;

	fault_take(fault_submit(me->pool));
	fault_noted(skua_post(me->pool, fault_post, NULL), 1);
	sem_post(&me->submitted);
	while (sem_wait(&me->leave))
		;
	return NULL;
}

/* One after another submits first, and all of them stay. */
static void begin_visits(struct visit *visits, pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++) {
		threads[i] = fault_thread(visit, visits);
		while (sem_wait(&visits->submitted))
			;
	}
}

void scenario_guests(void)
{
	pthread_t threads[GUESTS_BEFORE + GUESTS_AFTER];
	struct visit visits;

	visits.pool = fault_open(2);
	EXPECT(sem_init(&visits.submitted, 0, 0) == 0);
	EXPECT(sem_init(&visits.leave, 0, 0) == 0);
	begin_visits(&visits, threads, GUESTS_BEFORE);
	fault_begin();
	begin_visits(&visits, threads + GUESTS_BEFORE, GUESTS_AFTER);
	for (int i = 0; i < GUESTS_BEFORE + GUESTS_AFTER; i++)
		sem_post(&visits.leave);
	for (int i = 0; i < GUESTS_BEFORE + GUESTS_AFTER; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	/* Their records are free now, and are taken over. */
	fault_take(fault_submit(visits.pool));
	fault_close(visits.pool);
}

/* ---- bounded pools ---- */

enum {
	ROOM = 4
};

static struct skua_pool *open_bounded(size_t max_pending)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = 2;
	options.max_pending = max_pending;
	options.stack_bytes = 256 << 10;
	options.seed = 1;
	EXPECT(skua_pool_open(&pool, &options) == 0);
	return pool;
}

/* In a task: it waits for room, and without a stack for that the jobs run at
 * once or are queued beyond the bound. */
static void *submit_dozens(void *pool)
{
	struct skua_future *future = NULL;

	for (int i = 0; i < 10 * ROOM; i++) {
		fault_noted(skua_post(pool, fault_post, NULL), 1);
		if (fault_noted(add_one_submit(pool, &future, 41), 1))
			skua_future_release(future);
		run_frame(pool);
	}
	return fault_job(NULL);
}

static void fill_bounded(struct skua_pool *pool)
{
	struct skua_future *future[2] = { NULL, NULL };

	for (int i = 0; i < 2; i++)
		if (!fault_noted(skua_submit(pool, submit_dozens, pool,
					     &future[i]),
				 1))
			future[i] = NULL;
	for (int i = 0; i < 2; i++) {
		skua_future_release(fault_submit_optioned(pool));
		submit_batch(pool, 1 + (size_t)i, true);
		submit_frame(pool);
		run_frame(pool);
	}
	for (int i = 0; i < 2; i++) {
		if (future[i])
			EXPECT(skua_future_result(future[i], SKUA_FOREVER,
						  NULL) == 0);
		skua_future_release(future[i]);
	}
}

/* A place that a failed submit took is there again: all of them are. */
static void expect_room(struct skua_pool *pool, int room)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct hold hold;
	int error;

	EXPECT(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	fault_hold(&hold, pool);
	options.timeout_ns = 0;
	for (int i = 0; i <= room; i++) {
		error = skua_submit_with(pool, fault_job, &ledger, &options,
					 NULL);
		EXPECT(error == (i < room ? 0 : SKUA_EFULL));
		if (!error)
			atomic_fetch_add(&ledger.accepted, 1);
	}
	fault_let_go(&hold);
}

void scenario_bounded(void)
{
	struct skua_pool *pools[2] = { open_bounded(ROOM),
				       open_bounded(SKUA_NO_QUEUE) };

	fault_begin();
	fill_bounded(pools[0]);
	fill_bounded(pools[1]);
	fault_end();
	expect_room(pools[0], ROOM);
	expect_room(pools[1], 0);
	fault_close(pools[0]);
	fault_close(pools[1]);
}
