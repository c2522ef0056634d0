/* SPDX-License-Identifier: MIT */
/*
 * The mutex pool as a peer. A task that waits for its children holds its
 * thread, and a few levels of recursion hold them all: no fork-join workloads.
 */
#include <pthread.h>

#include "mutex_pool.h"
#include "peers.h"

static int with(const struct crew *crew, peer_body *body, void *context)
{
	struct mutex_pool *pool = mutex_pool_open(crew->workers, crew->jobs);

	if (!pool)
		return -1;
	body(pool, context);
	mutex_pool_close(pool);
	return 0;
}

static int submit(void *pool, void *future, peer_fn *fn, void *arg)
{
	futex_future_fill(future, fn, arg);
	mutex_pool_put(pool, future);
	return 0;
}

static void *wait(void *pool, void *future)
{
	(void)pool;
	return futex_future_wait(future, 0);
}

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct peer_lock),
	       "it has room");

/* All zero is PTHREAD_MUTEX_INITIALIZER on Linux. */
static void count(struct peer_lock *lock, long *counter, long times)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)lock;

	for (long i = 0; i < times; i++) {
		pthread_mutex_lock(mutex);
		++*counter;
		pthread_mutex_unlock(mutex);
	}
}

const struct peer peer_mutex = {
	.name = "mutex",
	.threads = true,
	.executor = true,
	.owns_threads = true,
	.with = with,
	.future_bytes = sizeof(struct futex_future),
	.submit = submit,
	.wait = wait,
	.count = count,
};
