/* SPDX-License-Identifier: MIT */
/*
 * stress_bounded.c - threads, tasks of the pool and tasks of another one fill a
 * bounded pool, in every way there is and with every timeout, while it is
 * paused, resized and at last closed. Each job that was accepted runs once, no
 * other runs, and at no time are more pending than there is room for.
 */
#include "stress.h"

enum {
	SUBMITTERS = 4,
	BATCH_MOST = 4
};

static struct skua_pool *pool;
static size_t bound; /* 0: no queue */
static atomic_size_t runs, accepted;
static atomic_bool closing;

static void *count_run(void *arg)
{
	atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
	return arg;
}

static void post_run(void *arg)
{
	(void)count_run(arg);
}

static bool is_in(int error, size_t count)
{
	EXPECT(error == 0 || error == SKUA_EFULL || error == SKUA_ETIMEDOUT ||
	       (error == SKUA_ECLOSED && atomic_load(&closing)));
	if (!error)
		atomic_fetch_add_explicit(&accepted, count,
					  memory_order_relaxed);
	return !error;
}

static int submit_within(int64_t timeout_ns, struct skua_future **out)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	options.timeout_ns = timeout_ns;
	return skua_submit_with(pool, count_run, &runs, &options, out);
}

static void cancel_or_take(struct skua_future *future, bool cancels)
{
	if (cancels && !skua_future_cancel(future))
		count_run(NULL);
	else
		EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
}

static void submit_some(uint64_t *random)
{
	void *args[BATCH_MOST] = { NULL };
	size_t count = 1 + stress_below(random, BATCH_MOST);
	struct skua_future *future = NULL;
	unsigned way = stress_below(random, 10);

	if (way < 2) {
		/* More than there is room for: none. */
		is_in(skua_submit_many(pool, count_run, args, count, NULL),
		      count);
	} else if (way < 4) {
		is_in(skua_post(pool, post_run, NULL), 1);
	} else if (way < 6) {
		is_in(submit_within(0, NULL), 1);
	} else if (way < 8) {
		is_in(submit_within(1000 << stress_below(random, 8), NULL), 1);
	} else if (is_in(submit_within(SKUA_FOREVER, &future), 1)) {
		cancel_or_take(future, way == 8);
	}
}

static void *submitter(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);
	size_t rounds = stress_rounds(SCALED(3000), SCALED(300000));

	for (size_t i = 0; i < rounds; i++)
		submit_some(&random);
	return NULL;
}

static void *change(void *unused)
{
	uint64_t random = stress_stream(99);
	size_t rounds = stress_rounds(SCALED(200), SCALED(20000));

	for (size_t i = 0; i < rounds; i++) {
		unsigned workers = stress_below(&random, stress.workers + 1);

		EXPECT(skua_pool_pause(pool) == 0);
		/* Who is about to be counted as started, too, for a moment. */
		EXPECT(!bound || skua_pool_pending(pool) <= bound);
		EXPECT(skua_pool_resume(pool) == 0);
		EXPECT(skua_pool_resize(pool, workers) == 0);
		sched_yield();
	}
	EXPECT(skua_pool_resize(pool, stress.workers) == 0);
	return unused;
}

static struct skua_pool *open_bounded(size_t max_pending)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *opened = NULL;

	options.workers = stress.workers;
	options.max_pending = max_pending;
	options.stack_bytes = 256 << 10;
	options.seed = stress.seed;
	EXPECT(skua_pool_open(&opened, &options) == 0);
	return opened;
}

/* All are let in, but for those who are not told to wait. */
static void fill(struct skua_pool *other)
{
	struct skua_future *tasks[2 * SUBMITTERS];
	pthread_t threads[SUBMITTERS + 1];

	for (size_t i = 0; i < SUBMITTERS; i++) {
		stress_thread(&threads[i], submitter, number(i));
		tasks[i] = stress_submit(other, submitter, number(10 + i));
		tasks[SUBMITTERS + i] =
			stress_submit(pool, submitter, number(20 + i));
	}
	stress_thread(&threads[SUBMITTERS], change, NULL);
	for (size_t i = 0; i <= SUBMITTERS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < 2 * SUBMITTERS; i++)
		stress_take(tasks[i]);
	EXPECT(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	EXPECT(atomic_load(&runs) == atomic_load(&accepted));
}

static void *submit_until_closed(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);

	while (!atomic_load(&closing))
		submit_some(&random);
	return NULL;
}

/* Those who wait are told. */
static void close_full(void)
{
	pthread_t threads[SUBMITTERS];
	size_t before = atomic_load(&runs);

	for (size_t i = 0; i < SUBMITTERS; i++)
		stress_thread(&threads[i], submit_until_closed, number(30 + i));
	while (atomic_load(&runs) < before + 50)
		sched_yield();
	atomic_store(&closing, true);
	EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 0; i < SUBMITTERS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	EXPECT(atomic_load(&runs) == atomic_load(&accepted));
	EXPECT(skua_pool_pending(pool) == 0);
	skua_pool_release(pool);
}

static void body(void)
{
	static const size_t bounds[] = { 1, 3, 100, SKUA_NO_QUEUE };

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct skua_pool *other = stress_open(2);

		bound = bounds[i] == SKUA_NO_QUEUE ? 0 : bounds[i];
		atomic_store(&runs, 0);
		atomic_store(&accepted, 0);
		atomic_store(&closing, false);
		pool = open_bounded(bounds[i]);
		fill(other);
		close_full();
		stress_close(other);
	}
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
