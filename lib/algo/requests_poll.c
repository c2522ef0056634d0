/* SPDX-License-Identifier: MIT */
/* Requests, the side of those who poll. */
#include "batch.h"

#include <skua/fork.h>

#include "deadline.h"

size_t skua_batch_pending(struct skua_batch *batch)
{
	return batch ? ski_ready_pending(&batch->ready) : 0;
}

/* No request runs, and none will. Before a look at what is ready: those that
 * ran have been counted. */
static bool is_stuck(void *what)
{
	struct skua_batch *batch = what;

	return !skua_pool_workers(batch->pool) &&
	       /* Acquire: pairs with leave() in requests.c. */
	       atomic_load_explicit(&batch->life, memory_order_acquire) <
		       SKI_BATCH_RUNNING;
}

/* Until something is ready. */
static int await(struct skua_batch *batch, int64_t deadline_ns)
{
	bool stuck = is_stuck(batch);
	int error = ski_ready_look(&batch->ready);

	if (error != SKUA_ETIMEDOUT)
		return error;
	if (stuck)
		return SKUA_ENOWORKERS;
	if (!ski_time_left(deadline_ns))
		return error;
	if (ski_batch_is_inside(batch))
		return SKUA_EDEADLK;
	return ski_ready_wait(&batch->ready, deadline_ns, is_stuck, batch);
}

void ski_batch_refill(struct skua_batch *batch)
{
	/* Acquire: the requests; pairs with finish(). */
	struct ski_request *newest = atomic_exchange_explicit(
		&batch->finished, NULL, memory_order_acquire);
	struct ski_request *oldest = NULL;

	while (newest) {
		struct ski_request *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	batch->first = oldest;
}

/* With the mutex and a right to one. */
static struct ski_request *pop(struct skua_batch *batch)
{
	struct ski_request *request;

	if (!batch->first)
		ski_batch_refill(batch);
	request = batch->first;
	batch->first = request->next;
	return request;
}

/* Of the calling task, its children too, or thread. */
static const void *self(void)
{
	static _Thread_local char thread;
	const void *task = (const void *)(uintptr_t)skua_task_code_1();

	return task ? task : &thread;
}

static void call_back(struct ski_request *request)
{
	struct ski_request copy = *request;

	ski_request_free(request);
	if (copy.code) {
		if (copy.on_error)
			copy.on_error(copy.arg, copy.code, copy.context);
	} else if (copy.on_result) {
		copy.on_result(copy.arg, copy.result, copy.context);
	}
}

static struct ski_request *begin(struct skua_batch *batch,
				 struct ski_delivery *delivery)
{
	struct ski_request *request;

	pthread_mutex_lock(&batch->mutex);
	if (!delivery->who) {
		delivery->who = self();
		delivery->next = batch->deliveries;
		batch->deliveries = delivery;
	}
	request = pop(batch);
	pthread_mutex_unlock(&batch->mutex);
	return request;
}

static void end(struct skua_batch *batch, struct ski_delivery *delivery)
{
	struct ski_delivery **at = &batch->deliveries;

	pthread_mutex_lock(&batch->mutex);
	while (*at != delivery)
		at = &(*at)->next;
	*at = delivery->next;
	if (!batch->deliveries)
		skua_event_set(&batch->quiet);
	pthread_mutex_unlock(&batch->mutex);
}

/* Relaxed: of interest is whether a callback of our own closed it. */
static bool is_closed(struct skua_batch *batch)
{
	return atomic_load_explicit(&batch->life, memory_order_relaxed) &
	       SKI_BATCH_CLOSED;
}

/* False: others were faster. */
static bool deliver(struct skua_batch *batch)
{
	struct ski_delivery delivery = { NULL, NULL };
	size_t count = ski_ready_count(&batch->ready);

	while (count-- && !is_closed(batch) && ski_ready_take(&batch->ready))
		call_back(begin(batch, &delivery));
	if (!delivery.who)
		return false;
	end(batch, &delivery);
	return true;
}

static int poll_until(struct skua_batch *batch, int64_t deadline_ns)
{
	int error;

	ski_batch_retain(batch);
	do {
		error = await(batch, deadline_ns);
	} while (!error && !deliver(batch));
	ski_batch_release(batch);
	return error;
}

int skua_batch_poll(struct skua_batch *batch, int64_t timeout_ns)
{
	if (!batch)
		return SKUA_EINVAL;
	if (ski_batch_is_inherited(batch))
		return SKUA_ECLOSED;
	return poll_until(batch, ski_deadline_after(timeout_ns));
}

/* ---- wait ---- */

static bool is_delivering(struct skua_batch *batch, const void *who)
{
	struct ski_delivery *delivery = batch->deliveries;

	while (delivery && delivery->who != who)
		delivery = delivery->next;
	return delivery;
}

/* Until nobody is in a callback; at once if it is the caller. */
static void await_quiet(struct skua_batch *batch)
{
	bool wait = true;

	while (wait) {
		pthread_mutex_lock(&batch->mutex);
		wait = batch->deliveries && !is_delivering(batch, self());
		if (wait)
			skua_event_clear(&batch->quiet);
		pthread_mutex_unlock(&batch->mutex);
		if (wait)
			skua_event_wait(&batch->quiet);
	}
}

/* Until nothing is pending, or a callback has closed it. */
static int wait_for_all(struct skua_batch *batch)
{
	int error;

	do {
		do {
			error = poll_until(batch, -1);
			if (is_closed(batch))
				return 0;
		} while (!error);
		if (error != SKUA_ENONE)
			return error;
		await_quiet(batch);
		/* What those callbacks have put. */
	} while (skua_batch_pending(batch));
	return 0;
}

int skua_batch_wait(struct skua_batch *batch)
{
	int error;

	if (!batch)
		return SKUA_EINVAL;
	if (ski_batch_is_inherited(batch))
		return SKUA_ECLOSED;
	ski_batch_retain(batch);
	error = wait_for_all(batch);
	ski_batch_release(batch);
	return error;
}
