/* SPDX-License-Identifier: MIT */
/* Some items in one task: what both forms of map run. */
#ifndef SKI_CHUNK_H
#define SKI_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skua/future.h>

struct ski_chunk {
	/* I. */
	skua_fn *fn;
	_Atomic(bool) *stop; /* the owner's: no more items are to start */
	void *const *items;
	size_t count;
	/* The task, until its future is done. */
	void **results; /* may be @items; may be NULL */
	int *codes; /* 0 or what an item failed with; may be NULL */
	size_t ran; /* items that ended, the first ones */
	size_t failed; /* of those */
};

/* In a task that has not failed, and does not fail by it. */
void ski_chunk_run(struct ski_chunk *chunk);

/* Submit it, waiting for room in a bounded pool until @deadline_ns. Errors:
 * those of skua_submit_with(), SKUA_ETIMEDOUT also for 0 ns left. */
int ski_chunk_submit(struct ski_chunk *chunk, struct skua_pool *pool,
		     int64_t deadline_ns, struct skua_future **future);

/* Until a task has ended or been cancelled, come what may. Errors: those of
 * skua_future_result() but SKUA_ENOMEM. */
int ski_chunk_wait(struct skua_future *future);

#endif
