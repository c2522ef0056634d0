/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "cache.h"
#include "future.h"
#include "isolate.h"
#include "pool.h"
#include "rcu.h"
#include "wake.h"

void ski_run_frame(skua_here here, struct skua_frame *frame)
{
	struct ski_fiber *waiter;

	ski_frame_name_thief(frame, ski_segment_of(here));
	frame->job.run(here, &frame->job);
	waiter = ski_frame_finish(frame);
	if (waiter)
		ski_fiber_resume(waiter);
}

/* At the bottom of a fiber. The frame is not done, so the task that forked it
 * has not ended and its fiber is still about it: failures are told there. A
 * frame that is leapfrogged belongs to the task that waits, and the fiber's
 * root and scope, which thieves read, stay as they are. */
static void adopt_frame(skua_here here, struct skua_frame *frame)
{
	struct ski_fiber *fiber = ski_fiber_of(here);
	struct ski_fiber *owner = ski_fiber_of(frame);
	struct ski_worker *worker = fiber->home;
	bool counted = worker->pool->bound == SKI_NO_QUEUE;
	bool isolated = ski_frame_isolated(frame);
	uint32_t before = 0;

	if (ski_unlikely(isolated))
		before = ski_isolate_begin(worker, fiber->first);
	if (ski_unlikely(counted))
		ski_room_busy(worker);
	fiber->root = owner->root;
	ski_fiber_set_scope(fiber, ski_segment_of(frame)->pub.scope);
	ski_run_frame(here, frame);
	ski_fiber_set_scope(fiber, NULL);
	fiber->root = NULL;
	if (ski_unlikely(isolated))
		ski_isolate_done(fiber->first, before);
	if (ski_unlikely(counted))
		ski_room_free(worker);
}

static void run_isolated(skua_here here, struct skua_job *job)
{
	struct ski_segment *segment = ski_segment_of(here);
	uint32_t before = ski_isolate_begin(ski_worker_of(here), segment);

	job->run(here, job);
	ski_isolate_done(segment, before);
}

/* Out of line, so that the other jobs are one jump. */
__attribute__((__noinline__)) static void run_flagged(skua_here here,
						      uintptr_t job)
{
	struct skua_job *header = ski_job_header(job);

	if (job & SKI_JOB_FRAME)
		adopt_frame(here, (struct skua_frame *)(void *)header);
	else
		run_isolated(here, header);
}

void ski_run(skua_here here, uintptr_t job)
{
	struct skua_job *header = (struct skua_job *)job;

	if (ski_likely(!(job & SKI_JOB_FLAGS)))
		header->run(here, header);
	else
		run_flagged(here, job);
}

static struct ski_segment *segment_of_proxy(struct skua_job *job)
{
	return (struct ski_segment *)(void *)((char *)job -
					      offsetof(struct ski_segment,
						       proxy));
}

/* One frame of the proxy's segment; *@more: there are others. In a read-side
 * section from the pop on, since trimming looks at whether it is queued. */
static struct skua_frame *win_frame(struct ski_segment *segment, bool *more)
{
	struct skua_frame *frame;
	bool again;

	ski_rcu_read_lock();
	ski_proxy_popped(segment);
	do {
		again = false;
		frame = ski_forkstack_steal(segment, false, &again);
	} while (again);
	*more = frame && ski_segment_ready(segment);
	ski_rcu_read_unlock();
	return frame;
}

void ski_proxy_run(skua_here here, struct skua_job *job)
{
	struct ski_worker *worker = ski_worker_of(here);
	struct ski_segment *segment = segment_of_proxy(job);
	struct skua_frame *frame;
	bool more;

	do {
		frame = win_frame(segment, &more);
		/* While a frame that we won is not finished, the segment is
		 * in use. Without room for the proxy the rest is run here. */
		if (more && !ski_deque_reserve(&worker->inner, 1)) {
			if (ski_proxy_offer(segment)) {
				ski_deque_push(&worker->inner,
					       (uintptr_t)&segment->proxy);
				ski_wake_published(worker->pool);
			}
			more = false;
		}
		if (frame)
			adopt_frame(here, frame);
	} while (more);
}
