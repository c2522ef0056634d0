/* SPDX-License-Identifier: MIT */
/*
 * Requests. A worker runs one, pushes it on `finished` and counts it ready; who
 * polls takes a count, and with it the right to one request: from a queue that
 * is refilled with all of `finished`. Protocol: docs/design/requests.md.
 */
#include "batch.h"

#include <skua/fork.h>

static void free_requests(struct ski_request *list)
{
	while (list) {
		struct ski_request *next = list->next;

		ski_request_free(list);
		list = next;
	}
}

/* ---- in a worker ---- */

/* False: the batch is closed, and nothing but the request is left. */
static bool enter(struct skua_batch *batch)
{
	/* Acquire: nothing is pushed before. Pairs with close_and_wait(). */
	return !(atomic_fetch_add_explicit(&batch->life, SKI_BATCH_RUNNING,
					   memory_order_acquire) &
		 SKI_BATCH_CLOSED);
}

/* The last one of all tells those who wait for work that will not be done. */
static void leave(struct skua_batch *batch)
{
	/* Release: what was done to the batch; pairs with close_and_wait()
	 * and is_stuck(). Acquire: that `idle` was cleared before; pairs with
	 * close_and_wait(). */
	uint64_t life = atomic_fetch_sub_explicit(
		&batch->life, SKI_BATCH_RUNNING, memory_order_acq_rel);

	if (life == (SKI_BATCH_RUNNING | SKI_BATCH_CLOSED))
		skua_event_set(&batch->idle);
	else if (life == SKI_BATCH_RUNNING)
		ski_ready_rouse(&batch->ready);
}

/* It belongs to who polls from here on. */
static void finish(struct skua_batch *batch, struct ski_request *request)
{
	/* Relaxed: the CAS checks it. */
	request->next =
		atomic_load_explicit(&batch->finished, memory_order_relaxed);
	/* Release: the request; pairs with ski_batch_refill(). Failure only
	 * reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&batch->finished, &request->next, request, memory_order_release,
		memory_order_relaxed))
		;
	ski_ready_finish(&batch->ready);
}

/* Its own reference, since that of the request goes to who polls. */
static void *run(void *argument)
{
	struct ski_request *request = argument;
	struct skua_batch *batch = request->batch;
	_Atomic(int) *code = skua_task_code_1();

	ski_batch_retain(batch);
	if (enter(batch)) {
		request->result = request->fn(request->arg);
		/* Relaxed, both: the task's own; joins have brought what
		 * children said. It is not the task that failed. */
		request->code =
			atomic_load_explicit(code, memory_order_relaxed);
		atomic_store_explicit(code, 0, memory_order_relaxed);
		finish(batch, request);
	} else {
		ski_request_free(request);
	}
	leave(batch);
	ski_batch_release(batch);
	return NULL;
}

/* Why a task of the pool was dropped: no submit is as good as one of none. */
static int reason(struct skua_batch *batch)
{
	int error = skua_submit_many(batch->pool, run, NULL, 0, NULL);

	return error == SKUA_EBROKEN ? error : SKUA_ECANCELLED;
}

/* It never runs. In a worker, or in who shuts the pool down. */
static void drop(void *argument)
{
	struct ski_request *request = argument;
	struct skua_batch *batch = request->batch;

	ski_batch_retain(batch);
	if (enter(batch)) {
		request->code = reason(batch);
		finish(batch, request);
	} else {
		ski_request_free(request);
	}
	leave(batch);
	ski_batch_release(batch);
}

bool ski_batch_is_inside(const struct skua_batch *batch)
{
	const struct ski_request *request = skua_task_arg_1(run);

	return request && request->batch == batch;
}

/* ---- put ---- */

static struct ski_request *
new_request(struct skua_batch *batch, const struct ski_request *like, void *arg)
{
	struct ski_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	*request = *like;
	request->batch = batch;
	request->arg = arg;
	ski_batch_retain(batch);
	return request;
}

static const struct skua_submit_options *how(void)
{
	static const struct skua_submit_options options = {
		.size = sizeof(options),
		.timeout_ns = SKUA_FOREVER,
		.drop_arg = drop,
	};

	return &options;
}

/* Pending before it is submitted: it may be taken at once. */
static int submit(struct skua_batch *batch, struct ski_request *request[],
		  size_t count)
{
	int error;

	if (!ski_ready_add(&batch->ready, count))
		return SKUA_ENOMEM;
	if (count == 1)
		error = skua_submit_with(batch->pool, run, request[0], how(),
					 NULL);
	else
		error = skua_submit_many_with(
			batch->pool, run, (void **)request, count, how(), NULL);
	if (error)
		ski_ready_withdraw(&batch->ready, count);
	return error;
}

static int put(struct skua_batch *batch, const struct ski_request *like,
	       void *const args[], size_t count, struct ski_request *request[])
{
	size_t made = 0;
	int error = 0;

	while (made < count && !error) {
		request[made] = new_request(batch, like, args[made]);
		if (request[made])
			made++;
		else
			error = SKUA_ENOMEM;
	}
	if (!error)
		error = submit(batch, request, count);
	while (error && made)
		ski_request_free(request[--made]);
	return error;
}

int skua_batch_put(struct skua_batch *batch, skua_fn *fn, void *arg,
		   skua_on_result *on_result, skua_on_error *on_error,
		   void *context)
{
	struct ski_request *request;

	if (!batch || !fn)
		return SKUA_EINVAL;
	if (ski_batch_is_inherited(batch))
		return SKUA_ECLOSED;
	return put(batch,
		   &(struct ski_request){ .fn = fn,
					  .on_result = on_result,
					  .on_error = on_error,
					  .context = context },
		   &arg, 1, &request);
}

int skua_batch_put_many(struct skua_batch *batch, skua_fn *fn,
			void *const args[], size_t count,
			skua_on_result *on_result, skua_on_error *on_error,
			void *context)
{
	struct ski_request **request;
	int error;

	if (!batch || !fn || (count && !args))
		return SKUA_EINVAL;
	if (ski_batch_is_inherited(batch))
		return SKUA_ECLOSED;
	if (!count)
		return 0;
	request = calloc(count, sizeof(struct ski_request *));
	if (!request)
		return SKUA_ENOMEM;
	error = put(batch,
		    &(struct ski_request){ .fn = fn,
					   .on_result = on_result,
					   .on_error = on_error,
					   .context = context },
		    args, count, request);
	free(request);
	return error;
}

int skua_batch_fd(struct skua_batch *batch)
{
	if (!batch)
		return SKUA_EINVAL;
	return ski_batch_is_inherited(batch) ? SKUA_ECLOSED :
					       ski_ready_open_fd(&batch->ready);
}

/* ---- open and close ---- */

int skua_batch_open(struct skua_batch **out, struct skua_pool *pool)
{
	struct skua_batch *batch;

	if (!out || !pool)
		return SKUA_EINVAL;
	batch = aligned_alloc(SKI_BATCH_LINE, sizeof(*batch));
	if (!batch)
		return SKUA_ENOMEM;
	*batch = (struct skua_batch){ .process = getpid(),
				      .mutex = PTHREAD_MUTEX_INITIALIZER };
	atomic_init(&batch->references, 1);
	batch->pool = skua_pool_retain(pool);
	*out = batch;
	return 0;
}

/* Nothing starts any more, and what runs has ended. Each look is an RMW, so that
 * it comes before or after that of the last one who leaves: in the first case he
 * sets `idle` after it was cleared here. */
static void close_and_wait(struct skua_batch *batch)
{
	/* Acquire: what requests did to the batch. Pairs with leave().
	 * Release: that `idle` was cleared, and that it is closed; pairs with
	 * leave() and enter(). */
	while (atomic_fetch_or_explicit(&batch->life, SKI_BATCH_CLOSED,
					memory_order_acq_rel) >=
	       SKI_BATCH_RUNNING) {
		skua_event_wait(&batch->idle);
		skua_event_clear(&batch->idle);
	}
}

int skua_batch_close(struct skua_batch *batch)
{
	if (!batch)
		return SKUA_EINVAL;
	if (ski_batch_is_inherited(batch)) {
		ski_ready_destroy(&batch->ready);
		free(batch);
		return SKUA_ECLOSED;
	}
	if (ski_batch_is_inside(batch))
		return SKUA_EDEADLK;
	close_and_wait(batch);
	free_requests(batch->first);
	ski_batch_refill(batch);
	free_requests(batch->first);
	batch->first = NULL;
	ski_ready_destroy(&batch->ready);
	skua_pool_release(batch->pool);
	ski_batch_release(batch);
	return 0;
}
