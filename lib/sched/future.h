/* SPDX-License-Identifier: MIT */
/*
 * What a future is: one cache line with the job, its function, argument and
 * result, and the state word of core/slot.h.
 */
#ifndef SKI_FUTURE_H
#define SKI_FUTURE_H

#include <skua/fork.h>
#include <skua/future.h>
#include <skua/group.h>

#include "run.h"
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
		skua_child_fn *child;
		/* I: of a frame that is waited for in a task, or NULL. */
		struct skua_group_scope *scope;
	};
	void *arg;
	void *result; /* the running worker, before it is done */
	union {
		struct ski_extra *extra; /* I; may be NULL */
		struct ski_group *group; /* I: of a child */
	};
	_Atomic(uint32_t) references; /* of users, and CALLED_BACK */
	_Atomic(int) code; /* A: skua_fail(), the first wins */
	_Atomic(uintptr_t) callbacks; /* A: list of callback.c; or closed */
};

/* What all callbacks of a future hold together, beside its users. The runtime
 * holds nothing. */
#define SKI_CALLED_BACK (UINT32_C(1) << 31)

_Static_assert(sizeof(struct skua_future) <= SKI_OBJECT_BYTES, "one line");
_Static_assert(sizeof(struct ski_extra) <= SKI_OBJECT_BYTES, "one object");

/* What a deque has, of those that are no frames and no proxies. */
static inline struct skua_future *ski_future_of_job(uintptr_t job)
{
	return (struct skua_future *)(void *)ski_job_header(job);
}

/* Give the memory back, options and boxed frame too. */
void ski_future_free(struct skua_future *future);
/* In a worker (or the thread that cancels): a job met cancelled or refused. */
void ski_future_met(struct skua_future *future, enum ski_status status);
/* It ended as @status: hand the result out or drop it. @state is what it was
 * before. */
void ski_future_ended(struct skua_future *future, uint64_t state,
		      enum ski_status status);
/* Of a shut pool: cancel it if it has not started, and drop it. @how: CANCELLED
 * or BROKEN. */
void ski_future_discard(struct skua_future *future, enum ski_status how);

/* The last reference goes. */
void ski_future_orphan(struct skua_future *future);

/* Whether a wait could never end: SKUA_EDEADLK, SKUA_ECLOSED, or 0. */
int ski_future_refuse_wait(struct skua_future *future);

/* callback.c: of a future that has ended and had CALLBACKS. May free it. */
void ski_callbacks_run(struct skua_future *future);

/* promise.c: the run function of those that no worker runs. Never called. */
void ski_promise_run(skua_here here, struct skua_job *job);
/* One of several references. True: it was the last one. */
bool ski_promise_drop(struct skua_future *promise);

static inline bool ski_is_promise(const struct skua_future *future)
{
	return future->job.run == ski_promise_run;
}

#endif
