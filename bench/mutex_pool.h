/* SPDX-License-Identifier: MIT */
/*
 * The thread pool that a good C programmer writes: one bounded ring, one mutex,
 * two condition variables, no allocation per job. Only for comparison.
 */
#ifndef BENCH_MUTEX_POOL_H
#define BENCH_MUTEX_POOL_H

#include <stddef.h>

#include "futex_future.h"

struct mutex_pool;

/* A pool of @workers threads and room for @capacity pending jobs, or NULL. */
struct mutex_pool *mutex_pool_open(unsigned workers, size_t capacity);

/* Run everything that was put, end the threads, free the pool. */
void mutex_pool_close(struct mutex_pool *pool);

/* Put a filled future at the end of the ring; blocks while the ring is full. */
void mutex_pool_put(struct mutex_pool *pool, struct futex_future *future);

#endif
