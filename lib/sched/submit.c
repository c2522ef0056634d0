/* SPDX-License-Identifier: MIT */
/*
 * From a function to a job in a deque. What happens to it next is in run.c and
 * future.c; what a racing shutdown does, in docs/design/lifecycle.md.
 */
#include <string.h>

#include "child.h"
#include "future.h"
#include "guest.h"
#include "options.h"
#include "pool.h"
#include "run.h"
#include "wait.h"
#include "wake.h"

/* Who submits: a worker of the pool in a task, or a guest. */
struct submitter {
	struct ski_producer *producer;
	struct ski_guest *guest; /* NULL inside */
	size_t places; /* taken in a bounded pool */
	bool at_once; /* beyond its bound */
};

/* As a worker of the pool or as a guest, in an open one. */
static int submitter_of(struct submitter *who, struct skua_pool *pool)
{
	struct ski_worker *worker = ski_self;
	unsigned closing;

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	closing = ski_pool_closing(pool);
	if (worker && worker->pool == pool) {
		*who = (struct submitter){ .producer = &worker->producer };
		return closing & SKI_CANCELLING ? ski_pool_refusal(pool) : 0;
	}
	if (closing)
		return ski_pool_refusal(pool);
	who->guest = ski_guest_of(pool);
	if (!who->guest)
		return SKUA_ENOMEM;
	who->producer = &who->guest->producer;
	return 0;
}

static bool is_inside(const struct submitter *who)
{
	return !who->guest;
}

/* With room for @need jobs. In a bounded pool this may be after a wait, in which
 * others have used the producer and the pool has been closed. */
static int enter(struct submitter *who, struct skua_pool *pool, size_t need,
		 int64_t timeout_ns)
{
	int error = submitter_of(who, pool);

	if (ski_unlikely(!error && pool->bound)) {
		error = ski_room_enter(pool, need, timeout_ns, is_inside(who),
				       &who->at_once);
		if (!error)
			who->places = need;
		else if (who->guest)
			ski_guest_done(who->guest);
	}
	return error;
}

/* After the push, or an error that left the jobs in their deque. */
static int leave(struct submitter *who, int error)
{
	if (who->guest)
		ski_guest_done(who->guest);
	else if (ski_unlikely(who->at_once))
		ski_room_beyond(ski_self, who->places);
	return error;
}

/* Nothing was pushed. */
static int give_up(struct submitter *who, struct skua_pool *pool, int error)
{
	if (who->places)
		ski_room_leave(pool, who->places);
	who->at_once = false;
	return leave(who, error);
}

static struct skua_future *new_future(struct ski_slab *slab, skua_run *run,
				      bool wanted)
{
	struct skua_future *future = ski_slab_alloc(slab);

	if (!future)
		return NULL;
	future->job.run = run;
	future->result = NULL;
	future->extra = NULL;
	/* Relaxed: published by the push. */
	atomic_store_explicit(&future->job.state,
			      SKI_SLOT_QUEUED | (wanted ? 0 : SKI_SLOT_ORPHAN),
			      memory_order_relaxed);
	atomic_store_explicit(&future->references, wanted,
			      memory_order_relaxed);
	atomic_store_explicit(&future->code, 0, memory_order_relaxed);
	atomic_store_explicit(&future->callbacks, 0, memory_order_relaxed);
	return future;
}

/* Into room that was reserved. */
static void push(struct ski_producer *producer, struct skua_job *job)
{
	ski_deque_push(&producer->deque, (uintptr_t)job | producer->mark);
}

/* Into room that was reserved. After this the future may be gone, unless it is
 * wanted. SKUA_ECLOSED: it was taken back, and is the workers' to free. */
static int publish(struct submitter *who, struct skua_pool *pool,
		   struct skua_future *future)
{
	uint64_t counts;
	int error = 0;

	/* Counted before it is pushed: a pool is over when as many have
	 * finished as were pushed. */
	ski_count_add(&who->producer->counters, SKI_COUNT_PUSHED, 1);
	push(who->producer, &future->job);
	counts = ski_parking_published(&pool->parking);
	/* Behind PARK-A: either the pool's end sees the count, or we see that
	 * it is closing. */
	if (ski_unlikely(who->guest && ski_pool_closing(pool)) &&
	    ski_slot_refuse(&future->job.state))
		error = ski_pool_refusal(pool);
	/* Behind PARK-A: else ski_pool_unpause() wakes all. */
	if (ski_likely(!ski_pool_paused(pool)))
		ski_wake_counted(pool, counts);
	return error;
}

/* A future that nobody wants may be freed by the worker at once: the racing
 * submitter must not look at it again to refuse it. It is kept wanted until
 * then. */
static int submit(struct skua_pool *pool, struct submitter *who,
		  struct skua_future *future, struct skua_future **out)
{
	int error = publish(who, pool, future);

	if (error)
		return error;
	if (out)
		*out = future;
	else
		skua_future_release(future);
	return 0;
}

static int submit_plain(struct skua_pool *pool, skua_run *run, skua_fn *fn,
			void (*post)(void *), void *arg,
			struct skua_future **out)
{
	struct submitter who = { 0 };
	struct skua_future *future;
	int error = enter(&who, pool, 1, SKUA_FOREVER);

	if (ski_unlikely(error))
		return error;
	if (ski_unlikely(ski_deque_reserve(&who.producer->deque, 1)))
		return give_up(&who, pool, SKUA_ENOMEM);
	future = new_future(who.producer->slab, run, true);
	if (ski_unlikely(!future))
		return give_up(&who, pool, SKUA_ENOMEM);
	if (fn)
		future->fn = fn;
	else
		future->post = post;
	future->arg = arg;
	return leave(&who, submit(pool, &who, future, out));
}

int skua_submit(struct skua_pool *pool, skua_fn *fn, void *arg,
		struct skua_future **out)
{
	if (!fn)
		return SKUA_EINVAL;
	return submit_plain(pool, ski_future_run, fn, NULL, arg, out);
}

int skua_post(struct skua_pool *pool, void (*fn)(void *), void *arg)
{
	if (!fn)
		return SKUA_EINVAL;
	return submit_plain(pool, ski_future_run_post, NULL, fn, arg, NULL);
}

static int read_options(struct ski_extra *extra, int64_t *timeout_ns,
			const struct skua_submit_options *options)
{
	struct skua_submit_options read = SKUA_SUBMIT_OPTIONS;
	int error = ski_options_read(&read, sizeof(read), options);

	if (error)
		return error;
	extra->drop_arg = read.drop_arg;
	extra->drop_result = read.drop_result;
	extra->name = read.name;
	*timeout_ns = read.timeout_ns;
	atomic_init(&extra->read, false);
	return 0;
}

int skua_submit_with(struct skua_pool *pool, skua_fn *fn, void *arg,
		     const struct skua_submit_options *options,
		     struct skua_future **out)
{
	struct submitter who = { 0 };
	struct skua_future *future;
	struct ski_extra read;
	int64_t timeout_ns;
	int error = fn ? read_options(&read, &timeout_ns, options) :
			 SKUA_EINVAL;

	if (!error)
		error = enter(&who, pool, 1, timeout_ns);
	if (error)
		return error;
	if (ski_deque_reserve(&who.producer->deque, 1))
		return give_up(&who, pool, SKUA_ENOMEM);
	future = new_future(who.producer->slab, ski_future_run, true);
	if (!future)
		return give_up(&who, pool, SKUA_ENOMEM);
	future->fn = fn;
	future->arg = arg;
	future->extra = ski_slab_alloc(who.producer->slab);
	if (!future->extra) {
		ski_slab_free(who.producer->slab, future);
		return give_up(&who, pool, SKUA_ENOMEM);
	}
	memcpy(future->extra, &read, sizeof(read));
	return leave(&who, submit(pool, &who, future, out));
}

/* ---- many at once ---- */

static void free_futures(struct ski_slab *slab, struct skua_future *list)
{
	while (list) {
		struct skua_future *next = list->result;

		if (list->extra)
			ski_slab_free(slab, list->extra);
		ski_slab_free(slab, list);
		list = next;
	}
}

/* What each of many is like. */
struct likeness {
	skua_fn *fn;
	const struct ski_extra *extra; /* may be NULL */
	bool wanted;
};

static struct skua_future *new_one(struct ski_slab *slab,
				   const struct likeness *like, void *arg)
{
	struct skua_future *future =
		new_future(slab, ski_future_run, like->wanted);

	if (!future)
		return NULL;
	future->fn = like->fn;
	future->arg = arg;
	if (!like->extra)
		return future;
	future->extra = ski_slab_alloc(slab);
	if (!future->extra) {
		ski_slab_free(slab, future);
		return NULL;
	}
	memcpy(future->extra, like->extra, sizeof(*like->extra));
	return future;
}

/* A list through `result`, in the order of @args. NULL: no memory. */
static struct skua_future *new_futures(struct ski_slab *slab,
				       const struct likeness *like,
				       void *const args[], size_t count)
{
	struct skua_future *list = NULL;

	for (size_t i = count; i-- > 0;) {
		struct skua_future *future = new_one(slab, like, args[i]);

		if (!future) {
			free_futures(slab, list);
			return NULL;
		}
		future->result = list;
		list = future;
	}
	return list;
}

/* All or none is decided before the first push: counted, the pool cannot end;
 * and if it is closing then, the count is taken back, and the places. */
static int count_in(struct submitter *who, struct skua_pool *pool, size_t count)
{
	ski_count_add(&who->producer->counters, SKI_COUNT_PUSHED, count);
	/* A task is not refused. */
	if (is_inside(who))
		return 0;
	/* CLOSE-A: the count before the look at closing. Pairs with CLOSE-B
	 * in ski_pool_is_over(). */
	ski_fence_full(CLOSE_A);
	if (ski_likely(!ski_pool_closing(pool)))
		return 0;
	ski_count_add(&who->producer->counters, SKI_COUNT_PUSHED,
		      -(uint64_t)count);
	/* A worker may have slept because of the count. */
	ski_wake_published(pool);
	if (pool->bound)
		ski_room_leave(pool, count);
	return ski_pool_refusal(pool);
}

static void wake(struct skua_pool *pool)
{
	uint64_t counts = ski_parking_published(&pool->parking);

	if (ski_likely(!ski_pool_paused(pool)))
		ski_wake_counted(pool, counts);
}

/* Into room that was reserved. */
static int publish_many(struct submitter *who, struct skua_pool *pool,
			struct skua_future *list, size_t count,
			struct skua_future *out[])
{
	int error = count_in(who, pool, count);

	if (error) {
		free_futures(who->producer->slab, list);
		return error;
	}
	for (size_t i = 0; list; i++) {
		struct skua_future *next = list->result;

		if (out)
			out[i] = list;
		list->result = NULL;
		push(who->producer, &list->job);
		list = next;
	}
	wake(pool);
	return 0;
}

static int submit_many(struct skua_pool *pool, const struct likeness *like,
		       void *const args[], size_t count, int64_t timeout_ns,
		       struct skua_future *out[])
{
	struct submitter who = { 0 };
	struct skua_future *list;
	int error = count ? enter(&who, pool, count, timeout_ns) :
			    submitter_of(&who, pool);

	if (error || !count)
		return error ? error : leave(&who, 0);
	if (count > SIZE_MAX / SKI_OBJECT_BYTES ||
	    ski_deque_reserve(&who.producer->deque, count))
		return give_up(&who, pool, SKUA_ENOMEM);
	list = new_futures(who.producer->slab, like, args, count);
	if (!list)
		return give_up(&who, pool, SKUA_ENOMEM);
	return leave(&who, publish_many(&who, pool, list, count, out));
}

int skua_submit_many(struct skua_pool *pool, skua_fn *fn, void *const args[],
		     size_t count, struct skua_future *out[])
{
	struct likeness like = { fn, NULL, out != NULL };

	if (!pool || !fn || (count && !args))
		return SKUA_EINVAL;
	return submit_many(pool, &like, args, count, SKUA_FOREVER, out);
}

int skua_submit_many_with(struct skua_pool *pool, skua_fn *fn,
			  void *const args[], size_t count,
			  const struct skua_submit_options *options,
			  struct skua_future *out[])
{
	struct ski_extra read;
	struct likeness like = { fn, &read, out != NULL };
	int64_t timeout_ns;
	int error;

	if (!pool || !fn || (count && !args))
		return SKUA_EINVAL;
	error = read_options(&read, &timeout_ns, options);
	return error ? error :
		       submit_many(pool, &like, args, count, timeout_ns, out);
}

int ski_submit_child(struct skua_pool *pool, struct ski_group *group,
		     skua_child_fn *fn, void *arg)
{
	struct submitter who = { 0 };
	struct skua_future *child;
	int error = enter(&who, pool, 1, SKUA_FOREVER);

	if (ski_unlikely(error))
		return error;
	if (ski_unlikely(ski_deque_reserve(&who.producer->deque, 1)))
		return give_up(&who, pool, SKUA_ENOMEM);
	child = new_future(who.producer->slab, ski_child_run, false);
	if (ski_unlikely(!child))
		return give_up(&who, pool, SKUA_ENOMEM);
	child->child = fn;
	child->arg = arg;
	child->group = group;
	error = count_in(&who, pool, 1);
	if (ski_unlikely(error)) {
		ski_slab_free(who.producer->slab, child);
		return leave(&who, error);
	}
	ski_child_enter(group);
	push(who.producer, &child->job);
	wake(pool);
	return leave(&who, 0);
}

/* ---- tasks of fork.h ---- */

int skua_submit_frame_1(struct skua_pool *pool, const struct skua_frame *frame,
			struct skua_future **out)
{
	struct submitter who = { 0 };
	struct skua_future *future;
	struct skua_frame *box;
	int error = enter(&who, pool, 1, SKUA_FOREVER);

	if (error)
		return error;
	if (ski_deque_reserve(&who.producer->deque, 1))
		return give_up(&who, pool, SKUA_ENOMEM);
	future = new_future(who.producer->slab, ski_future_run_box, true);
	if (!future)
		return give_up(&who, pool, SKUA_ENOMEM);
	box = ski_slab_alloc(who.producer->slab);
	if (!box) {
		ski_slab_free(who.producer->slab, future);
		return give_up(&who, pool, SKUA_ENOMEM);
	}
	memcpy(box, frame, sizeof(*box));
	future->scope = NULL; /* it may outlive the group */
	future->arg = box;
	return leave(&who, submit(pool, &who, future, out));
}

/* Once it is submitted, this stack must not be left: what the wait needs is made
 * sure of before. */
static int prepare(struct ski_worker *worker)
{
	if (!worker)
		return 0;
	return ski_wait_prepare(worker) ||
			       ski_deque_reserve(&worker->inner, 1) ?
		       SKUA_ENOMEM :
		       0;
}

static int submit_frame(struct skua_pool *pool, struct skua_frame *frame,
			struct skua_future **out)
{
	struct submitter who = { 0 };
	struct ski_worker *worker;
	struct skua_future *future;
	int error = enter(&who, pool, 1, SKUA_FOREVER);

	if (error)
		return error;
	if (prepare(ski_worker_self()) ||
	    ski_deque_reserve(&who.producer->deque, 1))
		return give_up(&who, pool, SKUA_ENOMEM);
	future = new_future(who.producer->slab, ski_future_run_frame, true);
	if (!future)
		return give_up(&who, pool, SKUA_ENOMEM);
	worker = ski_worker_self();
	future->scope = worker ? ski_fiber_scope(worker->fiber) : NULL;
	future->arg = frame;
	return leave(&who, submit(pool, &who, future, out));
}

int skua_run_frame_1(struct skua_pool *pool, struct skua_frame *frame)
{
	struct skua_future *future;
	int error = submit_frame(pool, frame, &future);

	if (error)
		return error;
	error = skua_future_result(future, SKUA_FOREVER, NULL);
	skua_future_release(future);
	return error;
}
