/* SPDX-License-Identifier: MIT */
/*
 * The mutex pool. What makes it as good as its kind gets: the critical sections
 * are a few stores; nobody is signalled unless somebody waits, and then after
 * the mutex is free, so that who wakes does not block at once; and who has been
 * signalled counts as awake from then on, so that a burst of jobs wakes a worker
 * by one system call, not by one each.
 */
#include "mutex_pool.h"

#include <pthread.h>
#include <stdlib.h>

/* head <= tail <= head + capacity; positions count on and on, the ring holds
 * them modulo its capacity, a power of two. All under the mutex. */
struct mutex_pool {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	size_t head;
	size_t tail;
	size_t capacity;
	unsigned idle; /* waits on not_empty that nobody has signalled */
	unsigned blocked; /* waits on not_full that nobody has signalled */
	bool closed;
	struct futex_future **ring;
	unsigned workers;
	pthread_t thread[];
};

/* Is there anyone to signal? A stray wake-up leaves a count too many, which
 * costs a signal that nobody hears; too few there never are. */
static bool claim(unsigned *waits)
{
	if (!*waits)
		return false;
	--*waits;
	return true;
}

static struct futex_future *take(struct mutex_pool *pool)
{
	struct futex_future *future = NULL;
	bool wake;

	pthread_mutex_lock(&pool->mutex);
	while (pool->head == pool->tail && !pool->closed) {
		pool->idle++;
		pthread_cond_wait(&pool->not_empty, &pool->mutex);
	}
	if (pool->head != pool->tail)
		future = pool->ring[pool->head++ & (pool->capacity - 1)];
	wake = future && claim(&pool->blocked);
	pthread_mutex_unlock(&pool->mutex);
	if (wake)
		pthread_cond_signal(&pool->not_full);
	return future;
}

static void *work(void *arg)
{
	struct mutex_pool *pool = arg;
	struct futex_future *future;

	while ((future = take(pool)))
		futex_future_run(future);
	return NULL;
}

void mutex_pool_put(struct mutex_pool *pool, struct futex_future *future)
{
	bool wake;

	pthread_mutex_lock(&pool->mutex);
	while (pool->tail - pool->head == pool->capacity) {
		pool->blocked++;
		pthread_cond_wait(&pool->not_full, &pool->mutex);
	}
	pool->ring[pool->tail++ & (pool->capacity - 1)] = future;
	wake = claim(&pool->idle);
	pthread_mutex_unlock(&pool->mutex);
	if (wake)
		pthread_cond_signal(&pool->not_empty);
}

static size_t power_of_two(size_t at_least)
{
	size_t power = 1;

	while (power < at_least)
		power *= 2;
	return power;
}

static struct mutex_pool *allocate(unsigned workers, size_t capacity)
{
	struct mutex_pool *pool =
		calloc(1, sizeof(*pool) + workers * sizeof(*pool->thread));

	if (!pool)
		return NULL;
	pool->capacity = power_of_two(capacity);
	pool->ring = calloc(pool->capacity, sizeof(struct futex_future *));
	if (!pool->ring) {
		free(pool);
		return NULL;
	}
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->not_empty, NULL);
	pthread_cond_init(&pool->not_full, NULL);
	return pool;
}

struct mutex_pool *mutex_pool_open(unsigned workers, size_t capacity)
{
	struct mutex_pool *pool = allocate(workers, capacity);

	if (!pool)
		return NULL;
	for (; pool->workers < workers; pool->workers++) {
		if (pthread_create(&pool->thread[pool->workers], NULL, work,
				   pool)) {
			mutex_pool_close(pool);
			return NULL;
		}
	}
	return pool;
}

void mutex_pool_close(struct mutex_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->closed = true;
	pthread_mutex_unlock(&pool->mutex);
	pthread_cond_broadcast(&pool->not_empty);
	for (unsigned i = 0; i < pool->workers; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->not_full);
	pthread_cond_destroy(&pool->not_empty);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->ring);
	free(pool);
}
