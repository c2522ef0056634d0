/* SPDX-License-Identifier: MIT */
/*
 * Waits for futures that end before the future does, and waits of tasks, with
 * the source of lib/sched (future.c, waiter.c, alarm.c): whoever waits goes on once, told
 * or timed out, and every waiter is freed once.
 *
 * A task that waits is suspended with the library's own calls. Only the switch
 * of the context is not made: the loop on the other stack is called instead,
 * and returns when it would switch back.
 */
#include "futures.h"

#include "clock.h"

#define WAIT_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "wait", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

static void run_first(void)
{
	run_future(s.future[0]);
}

static void release_first(void)
{
	skua_future_release(s.future[0]);
}

static void setup_one(void)
{
	rt_open(&s.rt, 1);
	open_futures(1, 1, false);
}

static void setup_one_shared(void)
{
	rt_open(&s.rt, 1);
	open_futures(1, 2, false);
}

static void check_freed(void)
{
	check_futures(false);
}

/* ---- threads with a deadline ---- */

static void wait_timed(void)
{
	int error = wait_for(0, 1);

	ex_assert(!error || error == SKUA_ETIMEDOUT || error == SKUA_ENOMEM);
}

static void wait_timed_release(void)
{
	wait_timed();
	release_first();
}

/* And again, now for as long as it takes. */
static void wait_timed_twice(void)
{
	wait_timed();
	ex_assert(!wait_for(0, SKUA_FOREVER));
	release_first();
}

static void wait_release(void)
{
	ex_assert(!wait_for(0, SKUA_FOREVER));
	release_first();
}

WAIT_SCENARIO(wait_timeout, "a deadline against finish, or no memory for it",
	      .setup = setup_one, .check = check_freed, .timeouts = 1,
	      .alloc_failures = 1, .stray = 1,
	      .run = { run_first, wait_timed_release })
WAIT_SCENARIO(wait_timeout_again, "... and then a wait without one",
	      .setup = setup_one, .check = check_freed, .timeouts = 1,
	      .run = { run_first, wait_timed_twice })

/* ---- who goes takes the list, with others in it ---- */

/* As skua_future_result(), but for what that looks at before and after. */
static void wait_slot(void)
{
	ex_assert(!ski_wait_slot(&s.future[0]->job.state, SKUA_FOREVER));
}

static void wait_slot_timed(void)
{
	int error = ski_wait_slot(&s.future[0]->job.state, 1);

	ex_assert(!error || error == SKUA_ETIMEDOUT);
}

static void check_kept(void)
{
	release_first();
	check_futures(false);
}

/* By a worker that comes late. */
static void check_run_late(void)
{
	ski_self = &s.rt.worker[0];
	ski_run(ski_fiber_base(ski_self->fiber), (uintptr_t)s.future[0]);
	ski_self = NULL;
	check_futures(false);
}

WAIT_SCENARIO(wait_timeout_other, "who goes puts the other waiter back",
	      .setup = setup_one, .check = check_kept, .timeouts = 1,
	      .run = { run_first, wait_slot_timed, wait_slot })
WAIT_SCENARIO(wait_timeout_two, "two go and leave, and then it is run",
	      .setup = setup_one_shared, .check = check_run_late, .timeouts = 2,
	      .timeouts_end_hangs = true,
	      .run = { wait_timed_release, wait_timed_release })

static void setup_listed(void)
{
	setup_one();
	add_waiter(s.future[0]);
}

static void add_first(void)
{
	add_waiter(s.future[0]);
}

WAIT_SCENARIO(wait_timeout_add, "... while another is added",
	      .setup = setup_listed, .check = check_kept, .timeouts = 1,
	      .run = { run_first, wait_slot_timed, add_first })

/* ---- tasks ---- */

static _Thread_local bool late; /* the calling thread slept to its deadline */

int64_t ski_clock_ns(void)
{
	return late;
}

static void sleep_until_pushed(struct ski_worker *worker)
{
	const void *address = ski_inbox_address(&worker->inbox);

	if (!ski_inbox_lie_down(&worker->inbox, SKI_INBOX_ASLEEP))
		return;
	/* As sleep_until() in loop.c. */
	while (atomic_load_explicit(&worker->inbox.word,
				    memory_order_relaxed) == SKI_INBOX_ASLEEP)
		if (ski_futex_wait(address, SKI_INBOX_ASLEEP,
				   ski_timers_next(&worker->timers))) {
			late = true;
			return;
		}
}

/* A loop that has nothing to do but to go on with @fiber. */
static void serve(struct ski_worker *worker, struct ski_fiber *fiber)
{
	for (;;) {
		struct ski_inbox_node *node;

		ski_alarm_ring(worker);
		ski_loop_collect(worker);
		node = ski_queue_take(&worker->ready);
		if (node) {
			ex_assert(node == &fiber->node);
			return;
		}
		sleep_until_pushed(worker);
	}
}

/* The loop's own fiber; the library has it as the spare. */
static struct ski_fiber *loop_fiber(void)
{
	return &s.rt.fiber[RT_WORKERS - 1];
}

void ski_context_swap(struct ski_context *from, struct ski_context *to)
{
	struct ski_worker *worker = ski_self;
	struct ski_fiber *loop = loop_fiber();
	struct ski_fiber *task = &s.rt.fiber[worker->index];

	(void)to;
	if (from == &loop->context)
		return;
	ex_assert(from == &task->context && worker->fiber == loop);
	serve(worker, task);
	/* As go_on() in loop.c. */
	worker->left = loop;
	ski_wait_switch(worker, task);
}

/* Worker 1 has a spare to suspend with. */
static void open_spare(void)
{
	struct ski_fiber *loop = loop_fiber();

	loop->first = ski_block_alloc(SKUA_SEGMENT_BYTES);
	ski_segment_give(loop->first, loop);
	ski_segment_reset(loop->first);
	atomic_init(&loop->current, loop->first);
	s.rt.worker[1].spare = loop;
}

static void setup_task(void)
{
	rt_open(&s.rt, 2);
	open_futures(1, 1, false);
	open_spare();
}

static void check_task(void)
{
	struct ski_worker *worker = &s.rt.worker[1];

	ex_assert(worker->spare == loop_fiber() && !worker->left);
	ex_assert(worker->fiber == &s.rt.fiber[1]);
	ex_assert(!worker->ready.first && !worker->timers.first);
	ski_block_free(loop_fiber()->first, SKUA_SEGMENT_BYTES);
	check_futures(false);
}

static void task_waits(void)
{
	rt_worker(&s.rt);
	wait_release();
}

static void task_waits_timed(void)
{
	rt_worker(&s.rt);
	wait_timed_release();
}

static void task_waits_twice(void)
{
	rt_worker(&s.rt);
	wait_timed_twice();
}

WAIT_SCENARIO(wait_task, "finish against a task that waits",
	      .setup = setup_task, .check = check_task, .stray = 1,
	      .run = { run_first, task_waits })
WAIT_SCENARIO(wait_task_timeout, "a task's timer against finish",
	      .setup = setup_task, .check = check_task, .timeouts = 1,
	      .run = { run_first, task_waits_timed })
WAIT_SCENARIO(wait_task_again, "... and then a wait without one",
	      .setup = setup_task, .check = check_task, .timeouts = 1,
	      .run = { run_first, task_waits_twice })
