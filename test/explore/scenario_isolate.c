/* SPDX-License-Identifier: MIT */
/*
 * Isolation: frames older than a region and frames inside of it in one segment,
 * a worker in a region that lies low, and one that others must not wake for jobs.
 * The source of lib/sched: isolate.c, loop.c, fork.c, run.c, wake.c, pause.c.
 *
 * Worker 0 is in a region. No context is switched: what is left inside is said to
 * be, and loops are played turn by turn.
 */
#include "fork_children.h"

#include "isolate.h"

#include "../../lib/sched/isolate.c"
#include "../../lib/sched/loop.c"

/* ---- frames ---- */

enum {
	OLDER, /* children */
	YOUNGER
};

/* The mark says for sure what is inside, whenever it was won: all but the first
 * @older children. */
static void steal_one(uint64_t older)
{
	struct skua_frame *frame;
	bool again = false;

	rt_worker(&s.rt);
	ski_rcu_read_lock();
	frame = ski_forkstack_steal(s.rt.fiber[0].first, true, &again);
	ski_rcu_read_unlock();
	if (!frame)
		return;
	ex_assert(ski_frame_isolated(frame) == (frame->data[0] >= older));
	ski_run(ski_fiber_base(ski_self->fiber), ski_job_of_frame(frame));
}

static void steal_any(void)
{
	steal_one(YOUNGER);
}

static void steal_two(void)
{
	steal_any();
	steal_any();
}

static void steal_of_segment(void)
{
	steal_one(SKI_SEGMENT_FRAMES);
}

static void enter_region(struct ski_worker *worker, struct ski_region *region)
{
	worker->spare = worker->fiber;
	ex_assert(!enter(worker, region));
	worker->spare = NULL;
}

static void enter_here(struct ski_worker *worker)
{
	enter_region(worker, &worker->lent);
}

/* As the loop of its worker, while the task waits in the region. */
static void run_inside(struct ski_worker *worker)
{
	uintptr_t job;

	prepare_wait();
	ski_isolate_leave(worker, worker->fiber);
	while ((job = ski_isolate_job(worker))) {
		struct skua_frame *frame =
			(struct skua_frame *)(void *)ski_job_header(job);

		ex_assert(frame->data[0] != OLDER);
		/* Behind all frames of the task: another fiber's. */
		ski_run_frame(&worker->fiber->first->frame[2], frame);
	}
	ski_isolate_return(worker->fiber);
}

static void wait_inside(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	fork_leaves(&here, 1);
	enter_here(worker);
	fork_leaves(&here, 1);
	run_inside(worker);
	join_leaves(&here, YOUNGER, 1);
	leave(worker, &worker->lent);
	ex_assert(!worker->region && !worker->offering && !worker->bare);
	join_leaves(&here, OLDER, 1);
}

/* The older one is joined inside, and its place used again. */
static void join_older_inside(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	fork_leaves(&here, 1);
	enter_here(worker);
	fork_leaves(&here, 1);
	run_inside(worker);
	join_leaves(&here, YOUNGER, 1);
	join_leaves(&here, OLDER, 1);
	fork_leaves(&here, 1);
	run_inside(worker);
	join_leaves(&here, YOUNGER + 1, 1);
	leave(worker, &worker->lent);
}

/* The same, where all are still public when they are joined. */
static void join_public_inside(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;

	fork_leaves(&here, 1);
	enter_here(worker);
	fork_leaves(&here, 1);
	prepare_wait();
	join_leaves(&here, YOUNGER, 1);
	join_leaves(&here, OLDER, 1);
	fork_leaves(&here, 1);
	prepare_wait();
	join_leaves(&here, YOUNGER + 1, 1);
	leave(worker, &worker->lent);
}

/* A whole segment of them, joined in a region in another: what is forked there
 * afterwards is inside of the outer one. */
static void join_in_another(void)
{
	skua_here here = start_owner();
	struct ski_worker *worker = ski_self;
	struct ski_region inner;

	fork_leaves(&here, SKI_SEGMENT_FRAMES);
	enter_here(worker);
	enter_region(worker, &inner);
	join_leaves(&here, SKI_SEGMENT_FRAMES - 1, SKI_SEGMENT_FRAMES);
	leave(worker, &inner);
	fork_leaves(&here, 1);
	prepare_wait();
	join_leaves(&here, SKI_SEGMENT_FRAMES, 1);
	leave(worker, &worker->lent);
}

#define ISOLATE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "isolate", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

ISOLATE_SCENARIO(isolate_frames, "frames before and inside, and a thief",
		 .setup = setup_two, .check = check,
		 .run = { wait_inside, steal_two })
ISOLATE_SCENARIO(isolate_join, "... where older ones are joined inside",
		 .setup = setup_two, .check = check,
		 .run = { join_older_inside, steal_any })
ISOLATE_SCENARIO(isolate_public, "... and all are public until then",
		 .setup = setup_two, .check = check,
		 .run = { join_public_inside, steal_any })
ISOLATE_SCENARIO(isolate_chain, "... in a region in another, over segments",
		 .setup = setup_two, .check = check,
		 .run = { join_in_another, steal_of_segment })

/* ---- sleep ---- */

/* As if it served a region that does not end. */
static void lend_for_ever(struct ski_worker *worker)
{
	atomic_init(&worker->called, 1);
	atomic_init(&s.rt.pool.regions, 1);
	lend(worker);
}

/* What a submit pushes, and who ran it. */
static void note_job(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
	note_run(0);
}

static void note_inside(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
	note_run(1);
}

static void push_job(struct ski_worker *worker, uintptr_t mark)
{
	struct skua_frame *box = &worker->fiber->first->frame[3];

	box->job.run = note_job;
	ex_assert(!ski_deque_reserve(&worker->producer.deque, 1));
	ski_deque_push(&worker->producer.deque, (uintptr_t)&box->job | mark);
}

static void push_younger(struct ski_worker *worker)
{
	struct skua_frame *box = &worker->fiber->first->frame[2];

	box->job.run = note_inside;
	ex_assert(!ski_deque_reserve(&worker->producer.deque, 1));
	ski_deque_push(&worker->producer.deque,
		       (uintptr_t)&box->job | SKI_JOB_ISOLATED);
}

/* In a region, with a job inside that must not start yet. */
static void setup_paused(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 1);
	atomic_init(&s.rt.pool.paused, true);
	lend_for_ever(worker);
	push_job(worker, SKI_JOB_ISOLATED);
}

static void turns_inside(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	while (worker->region)
		ex_assert(turn(worker));
}

static void unpause(void)
{
	ski_pool_unpause(&s.rt.pool);
}

static void check_job(void)
{
	ex_assert(times_run(0) == 1);
	rt_close(&s.rt);
}

/* Worker 0 is about to lie low, worker 1 is asleep, and worker 2 submits. */
static void setup_low(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 3);
	lend_for_ever(worker);
	ex_assert(ski_inbox_lie_down(&s.rt.worker[1].inbox, SKI_INBOX_ASLEEP));
	ski_parking_announce(&s.rt.pool.parking, false, false);
}

static void lie_there(void)
{
	lie_low(rt_worker(&s.rt));
}

static void wake_and_run(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	sleep_until(worker, SKI_INBOX_ASLEEP, -1);
	get_up(worker, false);
	while (!s.ran[ex_self()][0])
		ex_assert(turn(worker));
}

static void submit_one(void)
{
	push_job(rt_worker(&s.rt), 0);
	ski_wake_published(&s.rt.pool);
}

/* Before the region: a job in the deque and a fiber that is ready. One job
 * inside. A thief may have either job. */
static void setup_below(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 2);
	push_job(worker, 0);
	ski_queue_put(&worker->ready, &s.rt.fiber[1].node);
	lend_for_ever(worker);
	push_younger(worker);
}

/* In the region each turn may run what is inside, and nothing else. */
static void end_inside(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	while (worker->region) {
		ex_assert(turn(worker));
		ex_assert(!worker->region || !s.ran[ex_self()][0]);
	}
	ex_assert(worker->ready.first == &s.rt.fiber[1].node);
	ex_assert(!worker->ready.first->next);
	ski_queue_init(&worker->ready);
}

static void steal_job(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job;

	ski_rcu_read_lock();
	job = ski_steal_oldest(&s.rt.worker[0].producer.deque);
	ski_rcu_read_unlock();
	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
}

static void check_below(void)
{
	ex_assert(times_run(0) +
			  ski_deque_count(&s.rt.worker[0].producer.deque) ==
		  1);
	ex_assert(times_run(1) == 1);
	rt_close(&s.rt);
}

/* Two jobs inside, and a worker that is about to sleep, whose last look may come
 * while the younger one is out of the way. */
static void setup_deep(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 2);
	lend_for_ever(worker);
	push_job(worker, SKI_JOB_ISOLATED);
	push_younger(worker);
}

/* Runs one, and is busy for ever. */
static void take_older(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = take_deep(worker, 1);

	ex_assert(job);
	ski_run(ski_fiber_base(worker->fiber), job);
}

static void park_then_run(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = park(worker);

	if (job)
		run(worker, job);
	while (!s.ran[ex_self()][0] && !s.ran[ex_self()][1])
		ex_assert(turn(worker));
}

static void check_deep(void)
{
	ex_assert(times_run(0) == 1 && times_run(1) == 1);
	rt_close(&s.rt);
}

/* Worker 0 has a task left of a region that worker 1 has called. */
static struct ski_region *called(void)
{
	return &s.rt.worker[1].lent;
}

static void setup_over(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 2);
	count_in(&s.rt.worker[1], called());
	lend(worker);
	ski_isolate_keep(worker, &s.rt.fiber[0]);
}

static void end_called(void)
{
	count_out(rt_worker(&s.rt), called());
}

static void check_over(void)
{
	ex_assert(!s.rt.worker[0].region);
	rt_close(&s.rt);
}

ISOLATE_SCENARIO(isolate_below, "what is older than the region, and a thief",
		 .setup = setup_below, .check = check_below,
		 .run = { end_inside, steal_job })
ISOLATE_SCENARIO(isolate_deep, "an older job is wanted, and somebody lies down",
		 .setup = setup_deep, .check = check_deep, .daemons = 2,
		 .run = { take_older, park_then_run })
ISOLATE_SCENARIO(isolate_over, "nobody is isolated for a region that has ended",
		 .setup = setup_over, .check = check_over,
		 .run = { turns_inside, end_called })
ISOLATE_SCENARIO(isolate_paused, "a pool goes on, and who lies low",
		 .setup = setup_paused, .check = check_job,
		 .run = { turns_inside, unpause })
ISOLATE_SCENARIO(isolate_low, "who lies low is not woken for a job",
		 .setup = setup_low, .check = check_job, .daemons = 2,
		 .run = { lie_there, wake_and_run, submit_one })
