/* SPDX-License-Identifier: MIT */
/*
 * A peer: one way of running tasks, Skua's or another, as the workloads see it.
 *
 * A peer offers what it can do in its natural form and leaves the rest NULL: a
 * workload measures those peers that offer what it needs. The peers that need
 * a library of their own are modules (peers.c loads them), which is why they
 * get everything through pointers. Clean as C and C++.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loops.h"
#include "uts.h"

/* A job as executors run it: code that was written for a thread. */
typedef void *peer_fn(void *arg);

/* What to do with an open pool. */
typedef void peer_body(void *pool, void *context);

struct crew {
	unsigned workers; /* threads that run tasks */
	unsigned submitters; /* other threads that submit; 0: only waits */
	size_t jobs; /* most that are ever pending: size of bounded rings */
};

/*
 * A pipeline for a peer that has some: gzip, and one of short items. Blocks are
 * numbered from 0; the `slots` buffers are reused in turn.
 */
struct pipeline {
	size_t blocks;
	size_t slots;
	void (*read)(struct pipeline *, size_t block); /* in order */
	void (*compress)(struct pipeline *, size_t block); /* anywhere */
	void (*write)(struct pipeline *, size_t block); /* in order */
};

/* The hidden job: long tasks forked while the other workers are busy. */
struct herd {
	unsigned workers;
	unsigned tasks;
	peer_fn *occupy; /* the arg is the herd; keeps one worker busy */
	peer_fn *work; /* the arg is the herd; one of the long tasks */
	/* Wait, burning time, until all but one worker run `occupy`. */
	void (*await_busy)(struct herd *);
};

/* Memory for a lock or an event of any peer; all zero, it is ready. */
struct peer_lock {
	unsigned long long room[8];
};

struct peer_event {
	unsigned long long room[8];
};

struct peer_sorts;

struct peer {
	const char *name;

	/* Threads of its own run the tasks; all but the serial ones. */
	bool threads;
	/* A pool of its own that any thread may submit to, ended by close. */
	bool executor;
	/* Opening starts the threads and closing ends them. */
	bool owns_threads;

	/*
	 * Open a pool, run @body with it in the place from which this peer's
	 * tasks are best started, close it. Returns 0, or -1 and @body did
	 * not run.
	 */
	int (*with)(const struct crew *crew, peer_body *body, void *context);

	/* Fork-join kernels: a task per call, no cutoff. */
	long (*fib)(void *pool, int n);
	long (*nqueens)(void *pool, int n);
	struct uts_count (*uts)(void *pool, const struct uts_tree *tree);
	long (*skynet)(void *pool, long leaves);

	/* A loop, with the settings that are best for it; in another place
	 * than that of `with` if there is one. */
	int (*with_loops)(const struct crew *crew, peer_body *body,
			  void *context);
	void (*loop)(void *pool, enum loop_kind kind, struct loop_data *data);

	/* NULL for executors: `submit` does it. */
	void (*herd)(void *pool, struct herd *herd);
	void (*pipeline)(void *pool, struct pipeline *pipeline);
	/* In a task: @count children of a group, each adds 1 to one of the
	 * marks, and a wait for all. */
	void (*group)(void *pool, unsigned char *mark, size_t count);
	/* In a child of a group: ask so many times whether it is cancelled, and
	 * return how often it was not. */
	size_t (*ask)(void *pool, size_t times);

	/*
	 * Jobs from outside. A future is `future_bytes` of memory that
	 * the caller lends from submit to wait; wait ends it.
	 */
	size_t future_bytes;
	int (*submit)(void *pool, void *future, peer_fn *fn, void *arg);
	void *(*wait)(void *pool, void *future);

	/* Lock, add 1 to the counter and unlock, over and over; in a task. */
	void (*count)(struct peer_lock *lock, long *counter, long times);
	/* Events, if a task that waits for one does not hold its thread. */
	void (*event_wait)(struct peer_event *event);
	void (*event_set)(struct peer_event *event);
	/*
	 * results[i] = fn(items[i]), @chunk items a task. 0, or -1. NULL for
	 * other executors: chunks are submitted.
	 */
	int (*map)(void *pool, peer_fn *fn, void *const items[], size_t count,
		   size_t chunk, void *results[]);
	/*
	 * Submit @count jobs with their numbers as argument, take their
	 * results as they are done, return the sum of the results.
	 */
	uint64_t (*collect)(void *pool, peer_fn *fn, size_t count);
	const struct peer_sorts *sorts; /* peer_sorts.h; NULL: none */
};

/* What a module defines. */
extern const struct peer bench_peer;

#ifdef __cplusplus
}
#endif

#endif
