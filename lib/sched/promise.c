/* SPDX-License-Identifier: MIT */
/*
 * Promises: futures that no worker runs and that are completed by hand. They
 * are PENDING without QUEUED, so no worker will meet them: who completes one
 * claims it by PENDING -> RUNNING, as a worker does, and finishes it.
 */
#include "future.h"

#include "forked.h"
#include "objects.h"
#include "waiter.h"

void ski_promise_run(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
	ski_assert(false);
}

int skua_promise_open(struct skua_future **out)
{
	struct skua_future *promise;

	if (!out)
		return SKUA_EINVAL;
	promise = ski_object_alloc();
	if (!promise)
		return SKUA_ENOMEM;
	promise->job.run = ski_promise_run;
	promise->fn = NULL;
	promise->arg = NULL;
	promise->result = NULL;
	promise->extra = NULL;
	/* Relaxed: published by whoever hands the promise on. */
	atomic_store_explicit(&promise->job.state, SKI_PENDING,
			      memory_order_relaxed);
	atomic_store_explicit(&promise->references, 1, memory_order_relaxed);
	atomic_store_explicit(&promise->code, 0, memory_order_relaxed);
	atomic_store_explicit(&promise->callbacks, 0, memory_order_relaxed);
	*out = promise;
	return 0;
}

static int complete(struct skua_future *promise, void *value, int code)
{
	enum ski_status status = code ? SKI_FAILED : SKI_DONE;
	uint64_t state;

	if (!promise || !ski_is_promise(promise))
		return SKUA_EINVAL;
	if (ski_chunk_of(promise)->generation != ski_generation())
		return SKUA_ECLOSED;
	if (!ski_slot_start(&promise->job.state, &state))
		return ski_slot_status(state) == SKI_CANCELLED ?
			       SKUA_ECANCELLED :
			       SKUA_EBUSY;
	promise->result = value;
	/* Relaxed: published by ski_slot_finish(). */
	atomic_store_explicit(&promise->code, code, memory_order_relaxed);
	ski_future_ended(promise, ski_slot_finish(&promise->job.state, status),
			 status);
	return 0;
}

int skua_promise_set(struct skua_future *promise, void *value)
{
	return complete(promise, value, 0);
}

int skua_promise_fail(struct skua_future *promise, int code)
{
	return code ? complete(promise, NULL, code) : SKUA_EINVAL;
}

static bool is_pending(struct skua_future *promise)
{
	return ski_slot_status(ski_slot_load(&promise->job.state)) ==
	       SKI_PENDING;
}

bool ski_promise_drop(struct skua_future *promise)
{
	/* Acquire: what other holders did with it; pairs with the CAS. */
	uint32_t n = atomic_load_explicit(&promise->references,
					  memory_order_acquire);

	do {
		/* Nobody else is left who could complete it. Its callbacks
		 * hear so, and give their reference back. */
		if (n == SKI_CALLED_BACK + 1 && is_pending(promise)) {
			skua_future_cancel(promise);
			n = atomic_load_explicit(&promise->references,
						 memory_order_acquire);
		}
		/* Acquire and release: the last holder comes after all
		 * others. Failure acquires as above. */
	} while (!atomic_compare_exchange_weak_explicit(
		&promise->references, &n, n - 1, memory_order_acq_rel,
		memory_order_acquire));
	return n == 1;
}
