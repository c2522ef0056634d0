/* SPDX-License-Identifier: MIT */
/* Futures: run by a worker, waited for, cancelled and released by anybody. */
#include "future.h"

#include <string.h>

#include "child.h"
#include "forked.h"
#include "hook.h"
#include "objects.h"
#include "pool.h"
#include "run.h"
#include "waiter.h"
#include "wake.h"

/* ---- memory ---- */

void ski_future_free(struct skua_future *future)
{
	struct ski_slab *mine = ski_own_slab();

	if (future->extra)
		ski_slab_free(mine, future->extra);
	if (future->job.run == ski_future_run_box)
		ski_slab_free(mine, future->arg);
	ski_slab_free(mine, future);
}

/* Nobody can read the result any more. */
static void drop_result(struct skua_future *future, enum ski_status status)
{
	struct ski_extra *extra = future->extra;
	const void *before;

	if (!extra || !extra->drop_result ||
	    /* Relaxed: readers came before the last release. */
	    atomic_load_explicit(&extra->read, memory_order_relaxed))
		return;
	if (status != SKI_DONE && (status != SKI_FAILED || !future->result))
		return;
	before = ski_hook_begin(SKI_HOOK_OF_ALL);
	extra->drop_result(future->result);
	ski_hook_end(before);
}

/* ---- in a worker ---- */

void ski_future_met(struct skua_future *future, enum ski_status status)
{
	struct ski_extra *extra = future->extra;

	if (future->job.run == ski_child_run) {
		ski_child_met(future, status);
		return;
	}
	/* Refused: the submitter was told, and keeps its argument. */
	if (status != SKI_REFUSED && extra && extra->drop_arg) {
		const void *before = ski_hook_begin(SKI_HOOK_OF_ALL);

		extra->drop_arg(future->arg);
		ski_hook_end(before);
	}
	if (ski_slot_popped(&future->job.state))
		ski_future_free(future);
}

/* It may be freed by now: only the waiters are left to look at, unless it has
 * callbacks, which hold a reference. Those may wait, so they come last. */
static void tell(struct skua_future *future, uint64_t state,
		 enum ski_status status)
{
	ski_waiters_tell(ski_slot_waiters(state), status);
	if (ski_unlikely(state & SKI_SLOT_CALLBACKS))
		ski_callbacks_run(future);
}

void ski_future_ended(struct skua_future *future, uint64_t state,
		      enum ski_status status)
{
	if (!(state & SKI_SLOT_ORPHAN)) {
		tell(future, state, status);
		return;
	}
	drop_result(future, status);
	ski_future_free(future);
	/* All of an orphan's are gone, since who waits holds a reference. */
	ski_waiters_tell(ski_slot_waiters(state), status);
}

/* By a holder of a reference, or while it is still queued. Returns the status
 * before. */
static enum ski_status cancel(struct skua_future *future, enum ski_status how)
{
	uint64_t state = ski_slot_revoke(&future->job.state, how);

	if (ski_slot_status(state) == SKI_PENDING)
		tell(future, state, how);
	return ski_slot_status(state);
}

void ski_future_discard(struct skua_future *future, enum ski_status how)
{
	cancel(future, how);
	ski_future_met(future,
		       ski_slot_status(ski_slot_load(&future->job.state)));
}

/* PENDING -> RUNNING. False: it was met cancelled, and is dealt with. */
static bool start(struct ski_worker *worker, struct skua_future *future)
{
	uint64_t state;

	ski_count_add(&worker->producer.counters, SKI_COUNT_STARTED, 1);
	if (ski_unlikely(ski_pool_closing(worker->pool) & SKI_CANCELLING))
		cancel(future, ski_pool_revoking(worker->pool));
	if (ski_slot_start(&future->job.state, &state)) {
		worker->fiber->root = &future->code;
		if (ski_unlikely(worker->pool->bound))
			ski_room_started(worker);
		return true;
	}
	ski_future_met(future, ski_slot_status(state));
	if (worker->pool->bound)
		ski_room_leave(worker->pool, 1);
	ski_count_add(&worker->producer.counters, SKI_COUNT_FINISHED, 1);
	return false;
}

static void finish(struct ski_worker *worker, struct skua_future *future)
{
	/* Relaxed: joins have brought what children failed with. */
	bool failed = atomic_load_explicit(&future->code, memory_order_relaxed);
	enum ski_status status = failed ? SKI_FAILED : SKI_DONE;

	worker->fiber->root = NULL; /* drop_result() is no task */
	/* Before anybody is told: who then submits finds it free. */
	if (ski_unlikely(worker->pool->bound == SKI_NO_QUEUE))
		ski_room_free(worker);
	ski_future_ended(future, ski_slot_finish(&future->job.state, status),
			 status);
	ski_count_add(&worker->producer.counters, SKI_COUNT_FINISHED, 1);
}

static struct skua_future *future_of(struct skua_job *job)
{
	return (struct skua_future *)(void *)job;
}

void ski_future_run(skua_here here, struct skua_job *job)
{
	struct ski_worker *worker = ski_worker_of(here);
	struct skua_future *future = future_of(job);

	if (!start(worker, future))
		return;
	future->result = future->fn(future->arg);
	finish(worker, future);
}

void ski_future_run_post(skua_here here, struct skua_job *job)
{
	struct ski_worker *worker = ski_worker_of(here);
	struct skua_future *future = future_of(job);

	if (!start(worker, future))
		return;
	future->post(future->arg);
	finish(worker, future);
}

void ski_future_run_frame(skua_here here, struct skua_job *job)
{
	struct ski_worker *worker = ski_worker_of(here);
	struct skua_future *future = future_of(job);
	struct skua_frame *frame = future->arg;

	if (!start(worker, future))
		return;
	ski_fiber_set_scope(worker->fiber, future->scope);
	frame->job.run(here, &frame->job);
	ski_fiber_set_scope(worker->fiber, NULL);
	finish(worker, future);
}

void ski_future_run_box(skua_here here, struct skua_job *job)
{
	ski_future_run_frame(here, job);
}

void *skua_fail(int code)
{
	struct ski_worker *worker = ski_worker_self();
	int none = 0;

	if (worker && code && worker->fiber->root)
		/* Relaxed: comes to the waiter with the end of the task.
		 * Failure: another code was first. */
		atomic_compare_exchange_strong_explicit(worker->fiber->root,
							&none, code,
							memory_order_relaxed,
							memory_order_relaxed);
	return NULL;
}

_Atomic(int) *skua_task_code_1(void)
{
	struct ski_worker *worker = ski_worker_self();

	return worker ? worker->fiber->root : NULL;
}

/* The root is the code of the future. */
void *skua_task_arg_1(skua_fn *fn)
{
	_Atomic(int) *root = skua_task_code_1();
	struct skua_future *future;

	if (!root)
		return NULL;
	future = (struct skua_future *)(void *)((char *)(uintptr_t)root -
						offsetof(struct skua_future,
							 code));
	return future->job.run == ski_future_run && future->fn == fn ?
		       future->arg :
		       NULL;
}

/* ---- for everybody ---- */

static enum ski_status status_of(struct skua_future *future)
{
	return ski_slot_status(ski_slot_load(&future->job.state));
}

bool skua_future_done(struct skua_future *future)
{
	return future && ski_status_final(status_of(future));
}

bool skua_future_running(struct skua_future *future)
{
	return future && status_of(future) == SKI_RUNNING;
}

bool skua_future_cancelled(struct skua_future *future)
{
	return future && status_of(future) == SKI_CANCELLED;
}

int skua_future_cancel(struct skua_future *future)
{
	enum ski_status before;

	if (!future)
		return SKUA_EINVAL;
	before = cancel(future, SKI_CANCELLED);
	return before == SKI_PENDING || before == SKI_CANCELLED ? 0 :
								  SKUA_EBUSY;
}

static void mark_read(struct skua_future *future)
{
	if (future->extra)
		/* Relaxed: comes to drop_result() with the release. */
		atomic_store_explicit(&future->extra->read, true,
				      memory_order_relaxed);
}

int ski_future_refuse_wait(struct skua_future *future)
{
	struct ski_worker *worker = ski_worker_self();

	if (ski_unlikely(ski_chunk_of(future)->generation != ski_generation()))
		return SKUA_ECLOSED;
	if (ski_unlikely(worker && worker->fiber->root == &future->code))
		return SKUA_EDEADLK;
	return 0;
}

static int wait_for(struct skua_future *future, int64_t timeout_ns,
		    enum ski_status *status)
{
	int error;

	*status = status_of(future);
	if (!ski_status_final(*status)) {
		error = timeout_ns ? ski_future_refuse_wait(future) : 0;
		if (!error)
			error = ski_wait_slot(&future->job.state, timeout_ns);
		if (error)
			return error;
		*status = status_of(future);
	}
	switch (*status) {
	case SKI_DONE:
		return 0;
	case SKI_FAILED:
		return SKUA_EFAILED;
	case SKI_BROKEN:
		return SKUA_EBROKEN;
	default:
		return SKUA_ECANCELLED;
	}
}

int skua_future_result(struct skua_future *future, int64_t timeout_ns,
		       void **result)
{
	enum ski_status status;
	int error;

	if (!future)
		return SKUA_EINVAL;
	error = wait_for(future, timeout_ns, &status);
	if (error || !result)
		return error;
	mark_read(future);
	*result = future->result;
	return 0;
}

int skua_frame_result_1(struct skua_future *future, int64_t timeout_ns,
			skua_run *run, void *result, size_t bytes)
{
	struct skua_frame *frame;
	enum ski_status status;
	int error;

	if (!future || future->job.run != ski_future_run_box)
		return SKUA_EINVAL;
	frame = future->arg;
	if (frame->job.run != run)
		return SKUA_EINVAL;
	error = wait_for(future, timeout_ns, &status);
	if (!error && result)
		memcpy(result, frame->data, bytes);
	return error;
}

void *skua_future_value(struct skua_future *future)
{
	enum ski_status status = future ? status_of(future) : SKI_PENDING;

	if (status != SKI_DONE && status != SKI_FAILED)
		return NULL;
	mark_read(future);
	return future->result;
}

void *skua_future_arg(struct skua_future *future)
{
	return future && future->job.run != ski_future_run_box ? future->arg :
								 NULL;
}

int skua_future_code(struct skua_future *future)
{
	if (!future || status_of(future) != SKI_FAILED)
		return 0;
	/* Relaxed: came with the status. */
	return atomic_load_explicit(&future->code, memory_order_relaxed);
}

struct skua_future *skua_future_retain(struct skua_future *future)
{
	if (future)
		/* Relaxed: the caller holds one. */
		atomic_fetch_add_explicit(&future->references, 1,
					  memory_order_relaxed);
	return future;
}

/* The last reference goes: whoever comes second, this or the runtime's last
 * touch, frees. */
void ski_future_orphan(struct skua_future *future)
{
	uint64_t state = ski_slot_load(&future->job.state);
	enum ski_status status = ski_slot_status(state);

	/* Done already, as it mostly is: no RMW is needed. */
	if (ski_status_final(status) && !(state & SKI_SLOT_QUEUED)) {
		drop_result(future, status);
		ski_future_free(future);
	} else if (ski_is_promise(future)) {
		/* No worker will meet it, and nobody waits; but some whose
		 * wait ran out may be listed still. */
		ski_future_free(future);
		ski_waiters_tell(ski_slot_waiters(state), SKI_CANCELLED);
	} else if (ski_slot_orphan(&future->job.state)) {
		drop_result(future, status_of(future));
		ski_future_free(future);
	}
}

/* One of several references, when it was looked at. True: it was the last. */
static bool drop_shared(struct skua_future *future)
{
	if (ski_is_promise(future))
		return ski_promise_drop(future);
	/* Acquire and release: the last holder comes after all others. */
	return atomic_fetch_sub_explicit(&future->references, 1,
					 memory_order_acq_rel) == 1;
}

void skua_future_release(struct skua_future *future)
{
	if (!future)
		return;
	/* Acquire: what other holders did with it. Pairs with drop_shared() of
	 * those. With one reference nobody else can take one. */
	if (ski_likely(atomic_load_explicit(&future->references,
					    memory_order_acquire) == 1) ||
	    drop_shared(future))
		ski_future_orphan(future);
}
