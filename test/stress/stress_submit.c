/* SPDX-License-Identifier: MIT */
/*
 * stress_submit.c - four outside threads and as many tasks submit at once, in
 * every way there is; each job is counted once where it runs.
 */
#include "stress.h"

enum {
	SUBMITTERS = 4,
	BATCH = 64
};

static atomic_size_t runs;
static struct skua_pool *pool;

static void *count_run(void *arg)
{
	atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
	return arg;
}

static void post_run(void *arg)
{
	(void)count_run(arg);
}

/* Submits two more of its kind until there is nothing left to share. */
static void *split_run(void *count)
{
	uintptr_t left = (uintptr_t)count - 1;

	(void)count_run(NULL);
	if (left)
		EXPECT(skua_submit(pool, split_run, number((left + 1) / 2),
				   NULL) == 0);
	if (left / 2)
		EXPECT(skua_submit(pool, split_run, number(left / 2), NULL) ==
		       0);
	return NULL;
}

static void submit_batch(size_t first)
{
	struct skua_future *futures[BATCH];
	void *args[BATCH];

	for (size_t i = 0; i < BATCH; i++)
		args[i] = number(first + i);
	EXPECT(skua_submit_many(pool, count_run, args, BATCH, futures) == 0);
	for (size_t i = 0; i < BATCH; i++)
		EXPECT(stress_take(futures[i]) == args[i]);
}

/* One of the ways; returns how many jobs that made. */
static size_t submit_some(uint64_t *random, size_t n)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	unsigned way = stress_below(random, 100);

	if (way == 0) {
		submit_batch(n);
		return BATCH;
	}
	if (way < 5) {
		unsigned count = 1 + stress_below(random, 40);

		EXPECT(skua_submit(pool, split_run, number(count), NULL) == 0);
		return count;
	}
	if (way < 20)
		EXPECT(skua_post(pool, post_run, NULL) == 0);
	else if (way < 40)
		EXPECT(skua_submit_with(pool, count_run, NULL, &options,
					NULL) == 0);
	else if (way < 60)
		skua_future_release(stress_submit(pool, count_run, NULL));
	else
		EXPECT(stress_take(stress_submit(pool, count_run, number(n))) ==
		       number(n));
	return 1;
}

static void *submitter(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);
	size_t rounds = stress_rounds(SCALED(40000), SCALED(4000000));
	size_t made = 0;

	for (size_t i = 0; i < rounds; i++)
		made += submit_some(&random, i);
	return number(made);
}

static void body(void)
{
	struct skua_future *tasks[SUBMITTERS];
	pthread_t threads[SUBMITTERS];
	size_t made = 0;

	pool = stress_open(stress.workers);
	atomic_store(&runs, 0);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		stress_thread(&threads[i], submitter, number(i));
		tasks[i] =
			stress_submit(pool, submitter, number(SUBMITTERS + i));
	}
	for (size_t i = 0; i < SUBMITTERS; i++) {
		void *count = NULL;

		EXPECT(pthread_join(threads[i], &count) == 0);
		made += (size_t)count + (size_t)stress_take(tasks[i]);
	}
	stress_close(pool);
	EXPECT(atomic_load(&runs) == made);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
