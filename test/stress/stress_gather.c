/* SPDX-License-Identifier: MIT */
/*
 * stress_gather.c - several readers wait for the same futures at once, by
 * skua_wait() and skua_as_completed(), with and without time limits, to the end
 * or stopping early, while the futures end or are cancelled. Each reader that
 * goes to the end gets each future exactly once, and each wait that says that
 * it is over is right. The futures are released at once, so that whoever looks
 * at one too late is seen by a sanitizer.
 */
#include "stress.h"

enum {
	READERS = 4,
	SET = 40
};

static struct skua_pool *pool;
static struct skua_future *set[SET];

static void *work(void *kind)
{
	switch ((uintptr_t)kind % 8) {
	case 0:
		skua_yield();
		return NULL;
	case 1:
		return skua_fail(5);
	default:
		return kind;
	}
}

static int64_t some_time(uint64_t *random)
{
	return stress_below(random, 3) ? SKUA_FOREVER :
					 (int64_t)stress_below(random, 30000);
}

static void wait_once(uint64_t *random)
{
	enum skua_when when = (enum skua_when)stress_below(random, 3);
	size_t index = SET;
	int error = skua_wait(set, SET, when, some_time(random), &index);
	size_t done = 0;

	if (error) {
		EXPECT(error == SKUA_ETIMEDOUT && index == SET);
		return;
	}
	for (size_t i = 0; i < SET; i++)
		done += skua_future_done(set[i]);
	EXPECT(index < SET && skua_future_done(set[index]));
	EXPECT(when != SKUA_ALL_DONE || done == SET);
	EXPECT(when != SKUA_FIRST_FAILED || done == SET ||
	       skua_future_code(set[index]) == 5);
}

static void collect(uint64_t *random)
{
	struct skua_completed *completed;
	struct skua_future *future;
	bool seen[SET] = { false };
	size_t stop = stress_below(random, 2 * SET), got = 0, index;
	int error = 0;

	EXPECT(skua_as_completed(&completed, set, SET) == 0);
	while (got < stop && error != SKUA_ENONE) {
		error = skua_completed_next(completed, some_time(random),
					    &future, &index);
		if (error) {
			EXPECT(error == SKUA_ETIMEDOUT || error == SKUA_ENONE);
			EXPECT(error == SKUA_ETIMEDOUT || got == SET);
			continue;
		}
		EXPECT(index < SET && future == set[index] && !seen[index]);
		EXPECT(skua_future_done(future));
		seen[index] = true;
		got++;
	}
	EXPECT(got == stop || got == SET);
	skua_completed_free(completed);
}

static void *read_set(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);

	for (unsigned i = 0; i < 4; i++)
		if (stress_below(&random, 2))
			wait_once(&random);
		else
			collect(&random);
	return NULL;
}

/* Some of them are promises, which this thread completes last. */
static void fill_set(uint64_t *random, struct skua_future *promises[SET])
{
	for (size_t i = 0; i < SET; i++) {
		promises[i] = NULL;
		if (stress_below(random, 4)) {
			set[i] = stress_submit(
				pool, work, number(stress_below(random, 64)));
			continue;
		}
		EXPECT(skua_promise_open(&set[i]) == 0);
		promises[i] = set[i];
	}
}

static void end_set(uint64_t *random, struct skua_future *promises[SET])
{
	for (size_t i = 0; i < SET; i++)
		if (stress_below(random, 8) == 0)
			(void)skua_future_cancel(set[i]);
		else if (promises[i] && stress_below(random, 4) == 0)
			EXPECT(skua_promise_fail(promises[i], 5) == 0);
		else if (promises[i])
			EXPECT(skua_promise_set(promises[i], NULL) == 0);
}

static void one_round(uint64_t *random, size_t round)
{
	struct skua_future *promises[SET], *tasks[READERS / 2];
	pthread_t threads[READERS / 2];

	fill_set(random, promises);
	for (size_t i = 0; i < READERS / 2; i++) {
		stress_thread(&threads[i], read_set,
			      number(1 + round * READERS + 2 * i));
		tasks[i] = stress_submit(pool, read_set,
					 number(2 + round * READERS + 2 * i));
	}
	end_set(random, promises);
	for (size_t i = 0; i < READERS / 2; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
		EXPECT(stress_take(tasks[i]) == NULL);
	}
	for (size_t i = 0; i < SET; i++)
		skua_future_release(set[i]);
}

static void body(void)
{
	uint64_t random = stress_stream(0);
	size_t rounds = stress_rounds(SCALED(2000), 100000);

	pool = stress_open(stress.workers);
	for (size_t i = 0; i < rounds; i++)
		one_round(&random, i);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
