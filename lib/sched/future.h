/* SPDX-License-Identifier: MIT */
/*
 * What a future is: one cache line with the job, its function, argument and
 * result, and the state word of core/slot.h.
 */
#ifndef SKI_FUTURE_H
#define SKI_FUTURE_H

#include <skua/fork.h>
#include <skua/future.h>

#include "slab.h"
#include "slot.h"

/* Options of a submit, in a slab object of their own. */
struct ski_extra {
	void (*drop_arg)(void *arg);
	void (*drop_result)(void *result);
	const char *name;
	_Atomic(bool) read; /* A: somebody took the result */
};

struct skua_future {
	struct skua_job job; /* job.state: see core/slot.h */
	union {
		skua_fn *fn;
		void (*post)(void *arg);
	};
	void *arg;
	void *result; /* the running worker, before it is done */
	struct ski_extra *extra; /* I; may be NULL */
	_Atomic(uint32_t) references; /* of users; the runtime holds none */
	_Atomic(int) code; /* A: skua_fail(), the first wins */
	struct ski_crowd crowd; /* A */
};

_Static_assert(sizeof(struct skua_future) <= SKI_OBJECT_BYTES, "one line");
_Static_assert(sizeof(struct ski_extra) <= SKI_OBJECT_BYTES, "one object");

/* Give the memory back, options and boxed frame too. */
void ski_future_free(struct skua_future *future);
/* In a worker (or the thread that cancels): a job met cancelled or refused. */
void ski_future_met(struct skua_future *future, enum ski_status status);
/* It ended: hand the result out or drop it. @state is what it was before. */
void ski_future_ended(struct skua_future *future, uint64_t state);
/* Of a shut pool: cancel it if it has not started, and drop it. @how: CANCELLED
 * or BROKEN. */
void ski_future_discard(struct skua_future *future, enum ski_status how);

/* Resume a list of waiters. */
void ski_waiters_tell(struct ski_waiter *list);

#endif
