/* SPDX-License-Identifier: MIT */
/*
 * sync_test.h - for the tests of locks: the same calls made by threads, by
 * tasks on one worker and on several, by both at once, and by tasks of two
 * pools.
 */
#ifndef SYNC_TEST_H
#define SYNC_TEST_H

#include <string.h>

#include "sched_test.h"

struct crew {
	const char *kind;
	struct skua_pool *pool[2]; /* NULL: threads */
	unsigned threads; /* of how many of every 4 calls are a thread's */
};

enum {
	CREW_MOST = 1000,
	CREW_THREADS = 64
};

/* One call of a crew, still under way. */
struct hand {
	struct skua_future *future; /* NULL: a thread */
	pthread_t thread;
};

static inline struct hand start(const struct crew *crew, size_t i, skua_fn *fn,
				void *arg)
{
	struct hand hand = { 0 };

	if (i % 4 < crew->threads)
		CHECK(pthread_create(&hand.thread, NULL, fn, arg) == 0);
	else
		hand.future = submit(crew->pool[i / 2 % 2], fn, arg);
	return hand;
}

static inline void *finish(struct hand hand)
{
	void *result = NULL;

	if (hand.future)
		return take(hand.future);
	CHECK(pthread_join(hand.thread, &result) == 0);
	return result;
}

/* @fn(@arg) @count times at once; returns when all have ended. Threads are
 * fewer. */
static inline size_t crew_run(const struct crew *crew, skua_fn *fn, void *arg,
			      size_t count)
{
	static struct hand hands[CREW_MOST];
	size_t most = crew->threads ? CREW_THREADS : CREW_MOST;

	if (count > most)
		count = most;
	for (size_t i = 0; i < count; i++)
		hands[i] = start(crew, i, fn, arg);
	for (size_t i = 0; i < count; i++)
		finish(hands[i]);
	return count;
}

/* @body for each kind of crew. */
static inline void with_crews(void (*body)(const struct crew *crew))
{
	struct skua_pool *one = open_pool(1);
	struct skua_pool *two = open_pool(2);
	struct skua_pool *many = open_pool(8);
	const struct crew crews[] = {
		{ "threads", { NULL, NULL }, 4 },
		{ "tasks on one worker", { one, one }, 0 },
		{ "tasks on two workers", { two, two }, 0 },
		{ "tasks on eight workers", { many, many }, 0 },
		{ "tasks of two pools", { one, two }, 0 },
		{ "threads and tasks of two pools", { two, many }, 2 },
	};

	for (size_t i = 0; i < sizeof(crews) / sizeof(*crews); i++) {
		body(&crews[i]);
		cr_assert(!atomic_load(&failed_check), "%s: %s", crews[i].kind,
			  atomic_load(&failed_check));
	}
	CHECK(skua_pool_close(one, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_close(two, SKUA_CLOSE_WAIT) == 0);
	CHECK(skua_pool_close(many, SKUA_CLOSE_WAIT) == 0);
	settle(0);
}

/* In the place of a task, a thread waits for the others like this. */
static inline void give_way(void)
{
	skua_yield();
}

#endif
