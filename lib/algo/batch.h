/* SPDX-License-Identifier: MIT */
/* What a batch of requests is: requests.c puts and runs them, requests_poll.c
 * takes them and calls back. */
#ifndef SKI_BATCH_H
#define SKI_BATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <skua/requests.h>
#include <skua/sync.h>

#include "ready.h"

/* Apart, so that those who poll and those who finish do not share a line. */
enum {
	SKI_BATCH_LINE = 128
};

struct ski_request {
	struct ski_request *next;
	struct skua_batch *batch;
	skua_fn *fn;
	void *arg;
	skua_on_result *on_result;
	skua_on_error *on_error;
	void *context;
	void *result;
	int code; /* 0, or why there is no result */
};

/* One who polls, in the midst of its callbacks. */
struct ski_delivery {
	struct ski_delivery *next;
	const void *who;
};

/* In life. */
enum {
	SKI_BATCH_CLOSED = 1,
	SKI_BATCH_RUNNING = 2 /* times those that are at work on the batch */
};

struct skua_batch {
	/* I. */
	struct skua_pool *pool;
	pid_t process;
	/* A: of its owner, of each request until it is freed, of each poll. */
	_Atomic(size_t) references;
	/* A. */
	_Alignas(SKI_BATCH_LINE) struct ski_ready ready;
	_Atomic(struct ski_request *) finished; /* newest first */
	_Atomic(uint64_t) life;
	struct skua_event idle; /* closed, and none of them is left */
	/* Under the mutex: those who poll. It is none of ours: a task that has
	 * to wait for one is suspended, may then be given it, and goes on when
	 * its worker gets to it; until then nobody else could poll. */
	_Alignas(SKI_BATCH_LINE) pthread_mutex_t mutex;
	struct ski_request *first; /* oldest first */
	struct ski_delivery *deliveries;
	struct skua_event quiet; /* there are none */
};

static inline void ski_batch_release(struct skua_batch *batch)
{
	/* Release and acquire: what others did with it, to who frees it.
	 * It pairs with itself. */
	if (atomic_fetch_sub_explicit(&batch->references, 1,
				      memory_order_acq_rel) == 1)
		free(batch);
}

static inline void ski_batch_retain(struct skua_batch *batch)
{
	/* Relaxed: the caller may use it. */
	atomic_fetch_add_explicit(&batch->references, 1, memory_order_relaxed);
}

/* It holds a reference. */
static inline void ski_request_free(struct ski_request *request)
{
	struct skua_batch *batch = request->batch;

	free(request);
	ski_batch_release(batch);
}

static inline bool ski_batch_is_inherited(const struct skua_batch *batch)
{
	return batch->process != getpid();
}

/* Whether the caller is in a request of the batch. */
bool ski_batch_is_inside(const struct skua_batch *batch);
/* With the mutex, or alone: what has finished since, where all that had before
 * was taken. */
void ski_batch_refill(struct skua_batch *batch);

#endif
