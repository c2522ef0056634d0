/* SPDX-License-Identifier: MIT */
#include "child.h"

#include "future.h"
#include "objects.h"
#include "pool.h"

/* How much of the count a child takes at once for those that it adds. */
enum {
	CREDIT = 32
};

/* ---- the count ---- */

void ski_child_give_back(struct ski_worker *worker)
{
	struct ski_group *group = worker->group;
	uint64_t credit = worker->credit;

	worker->group = NULL;
	worker->credit = 0;
	/* None: all was spent on children, which may have ended by now, and
	 * the group gone. */
	if (credit)
		ski_group_leave(group, credit);
}

void ski_child_change(struct ski_worker *worker, uintptr_t job)
{
	struct skua_future *child = ski_future_of_job(job);

	if ((job & SKI_JOB_FRAME) || child->job.run != ski_child_run ||
	    child->group != worker->group)
		ski_child_give_back(worker);
}

static void earn(struct ski_worker *worker, struct ski_group *group,
		 uint64_t credit)
{
	if (worker->group != group) {
		ski_child_settle(worker);
		worker->group = group;
	}
	worker->credit += credit;
}

void ski_child_enter(struct ski_group *group)
{
	struct ski_worker *worker = ski_self;

	/* From outside of the group each counts at once: more would keep it
	 * from ending. A child does that anyway. */
	if (!worker || ski_fiber_scope(worker->fiber) != &group->scope) {
		ski_group_enter(group, 1);
		return;
	}
	if (worker->group != group || !worker->credit) {
		ski_group_enter(group, CREDIT);
		earn(worker, group, CREDIT);
	}
	worker->credit--;
}

/* ---- running ---- */

static int call(struct ski_worker *worker, skua_here here,
		struct skua_future *child)
{
	struct ski_fiber *fiber = worker->fiber;
	int error;

	if (ski_unlikely(worker->pool->bound))
		ski_room_started(worker);
	fiber->root = &child->code;
	ski_fiber_set_scope(fiber, &child->group->scope);
	error = child->child(here, child->arg);
	ski_fiber_set_scope(fiber, NULL);
	fiber->root = NULL;
	if (ski_unlikely(worker->pool->bound == SKI_NO_QUEUE))
		ski_room_free(worker);
	/* Relaxed: joins have brought what children failed with. */
	if (!error && atomic_load_explicit(&child->code, memory_order_relaxed))
		error = SKUA_EFAILED;
	return error;
}

/* It does not run: why. */
static int leave_out(struct ski_worker *worker, int why)
{
	if (worker->pool->bound)
		ski_room_leave(worker->pool, 1);
	return why;
}

static int code_of_status(enum ski_status status)
{
	return status == SKI_BROKEN ? SKUA_EBROKEN : SKUA_ECANCELLED;
}

void ski_child_run(skua_here here, struct skua_job *job)
{
	struct skua_future *child = (struct skua_future *)(void *)job;
	struct ski_worker *worker = ski_worker_of(here);
	struct ski_group *group = child->group;
	int error;

	ski_count_add(&worker->producer.counters, SKI_COUNT_STARTED, 1);
	if (ski_unlikely(ski_pool_closing(worker->pool) & SKI_CANCELLING))
		error = leave_out(worker, code_of_status(ski_pool_revoking(
						  worker->pool)));
	else if (ski_unlikely(ski_group_cancelled(group)))
		error = leave_out(worker, SKUA_ECANCELLED);
	else
		error = call(worker, here, child);
	if (ski_unlikely(error))
		ski_group_fail(group, error);
	ski_slab_free(worker->producer.slab, child);
	ski_count_add(&worker->producer.counters, SKI_COUNT_FINISHED, 1);
	earn(worker, group, 1);
}

void ski_child_met(struct skua_future *child, enum ski_status status)
{
	struct ski_group *group = child->group;

	ski_group_fail(group, code_of_status(status));
	ski_slab_free(ski_own_slab(), child);
	ski_group_leave(group, 1);
}

int skua_group_run(struct skua_group *group, skua_child_fn *fn, void *arg)
{
	struct ski_group *g = ski_group_of(group);

	if (!g || !fn)
		return SKUA_EINVAL;
	return ski_submit_child(g->pool, g, fn, arg);
}
