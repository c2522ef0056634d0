/* SPDX-License-Identifier: MIT */
/*
 * Futures, with the source of lib/sched (submit.c, future.c, waiter.c): the
 * finisher, those who wait, cancel and release, each at any moment. Every task
 * runs once or is cancelled, everybody who waits is told, and the future is
 * freed once, after the last touch. Waits with a deadline, and waits of tasks,
 * are in scenario_wait.c.
 */
#include "futures.h"

#define FUTURE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "future", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

static void run_first(void)
{
	run_future(s.future[0]);
}

static void run_second(void)
{
	run_future(s.future[1]);
}

static void release_first(void)
{
	skua_future_release(s.future[0]);
}

static void wait_first(void)
{
	ex_assert(!wait_for(0, SKUA_FOREVER));
}

static void wait_release(void)
{
	wait_first();
	release_first();
}

static void check_kept(void)
{
	release_first();
	check_futures(false);
}

static void check_freed(void)
{
	check_futures(false);
}

static void check_dropped(void)
{
	check_futures(true);
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

static void setup_drops(void)
{
	rt_open(&s.rt, 1);
	open_futures(1, 1, true);
}

static void setup_drops_shared(void)
{
	rt_open(&s.rt, 1);
	open_futures(1, 2, true);
}

/* ---- finish against those who wait ---- */

/* Asks without waiting. */
static void poll_first(void)
{
	struct account *account;

	if (!skua_future_done(s.future[0]))
		return;
	account = skua_future_value(s.future[0]);
	ex_assert(account == &s.account[0] && account->ran == 1);
}

FUTURE_SCENARIO(future_wait, "finish against a thread that waits",
		.setup = setup_one, .check = check_kept, .stray = 1,
		.spurious = 1, .run = { run_first, wait_first })
FUTURE_SCENARIO(future_poll, "who sees it done sees the result",
		.setup = setup_one, .check = check_kept,
		.run = { run_first, poll_first })
FUTURE_SCENARIO(future_two_waiters, "finish against two who wait",
		.setup = setup_one, .check = check_kept,
		.run = { run_first, wait_first, wait_first })
FUTURE_SCENARIO(future_freed_at_once, "who waited frees it at once",
		.setup = setup_one, .check = check_freed,
		.run = { run_first, wait_release })

/* ---- a task on the stack of the thread that waits for it ---- */

enum {
	RESULT = 100
};

static void run_frame(skua_here here, struct skua_job *job)
{
	struct skua_frame *frame = (struct skua_frame *)(void *)job;

	(void)here;
	frame->data[0] += RESULT;
}

static void setup_run(void)
{
	rt_open(&s.rt, 1);
	ex_assert(!ski_producer_init(&s.guest.producer, 0));
}

/* The frame is gone once it has its result. */
static void run_and_wait(void)
{
	struct skua_frame frame = { .job.run = run_frame, .data = { 1 } };

	ex_assert(!skua_run_frame_1(&s.rt.pool, &frame));
	ex_assert(frame.data[0] == 1 + RESULT);
	end_stack();
	ex_forget(&frame, sizeof(frame));
	ex_revive(&frame, sizeof(frame));
}

static void serve_guest(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	ex_await(ski_deque_count(&s.guest.producer.deque));
	ski_run(ski_fiber_base(worker->fiber),
		ski_steal_oldest(&s.guest.producer.deque));
}

static void check_run(void)
{
	ski_producer_destroy(&s.guest.producer);
	rt_close(&s.rt);
}

FUTURE_SCENARIO(future_on_stack, "who waited leaves the task's stack at once",
		.setup = setup_run, .check = check_run,
		.run = { serve_guest, run_and_wait })

/* ---- the last release ---- */

static void check_result_dropped(void)
{
	ex_assert(s.account[0].results_dropped == 1);
	check_futures(true);
}

static void value_and_release(void)
{
	if (skua_future_value(s.future[0]))
		s.code[ex_self()] = 1;
	release_first();
}

/* Dropped unless somebody has it. */
static void check_value(void)
{
	ex_assert(s.account[0].results_dropped + !!(s.code[2] + s.code[3]) ==
		  1);
	check_futures(true);
}

FUTURE_SCENARIO(future_release, "finish against the last release",
		.setup = setup_drops, .check = check_result_dropped,
		.spurious = 1, .run = { run_first, release_first })
FUTURE_SCENARIO(future_release_two, "... of two who may read the result",
		.setup = setup_drops_shared, .check = check_value,
		.run = { run_first, value_and_release, value_and_release })

/* ---- cancel ---- */

static void cancel_first(void)
{
	s.changed_mind = true;
	s.code[ex_self()] = skua_future_cancel(s.future[0]);
}

static void cancel_release(void)
{
	cancel_first();
	release_first();
}

static void release_after_cancel(void)
{
	s.code[ex_self()] = skua_future_cancel(s.future[0]);
	release_first();
}

/* Told the same as who cancels. */
static void wait_cancelled(void)
{
	s.code[ex_self()] = wait_for(0, SKUA_FOREVER);
	if (s.code[ex_self()])
		ex_assert(s.changed_mind);
	release_first();
}

static void check_cancelled(void)
{
	bool cancelled = s.account[0].args_dropped;

	ex_assert(s.code[2] == (cancelled ? 0 : SKUA_EBUSY));
	check_futures(true);
}

static void check_cancelled_waiter(void)
{
	bool cancelled = s.account[0].args_dropped;

	ex_assert(s.code[3] == (cancelled ? SKUA_ECANCELLED : 0));
	check_cancelled();
}

/* Before anybody else knows the future, as skua_submit() in a closing pool. */
static void refuse_or_release(void)
{
	bool refused = ski_slot_refuse(&s.future[0]->job.state);

	s.code[ex_self()] = refused;
	if (!refused)
		release_first();
}

static void check_refused(void)
{
	ex_assert(!s.account[0].args_dropped);
	ex_assert(s.account[0].ran + (unsigned)s.code[2] == 1);
	ex_assert(s.account[0].results_dropped == s.account[0].ran);
	rt_close(&s.rt);
}

FUTURE_SCENARIO(future_cancel_start, "cancel against start, with a waiter",
		.setup = setup_drops_shared, .check = check_cancelled_waiter,
		.run = { run_first, cancel_release, wait_cancelled })
FUTURE_SCENARIO(future_cancel_pop, "cancel and release against the pop",
		.setup = setup_drops, .check = check_cancelled, .spurious = 1,
		.run = { run_first, cancel_release })
FUTURE_SCENARIO(future_cancel_two, "two cancel and release",
		.setup = setup_drops_shared, .check = check_dropped,
		.run = { run_first, cancel_release, release_after_cancel })
FUTURE_SCENARIO(future_refuse, "refusal against start", .setup = setup_drops,
		.check = check_refused, .spurious = 1,
		.run = { run_first, refuse_or_release })

/* ---- two futures ---- */

static void setup_two(void)
{
	rt_open(&s.rt, 2);
	open_futures(2, 1, false);
}

static void wait_both(void)
{
	for (unsigned i = 0; i < 2; ++i)
		ex_assert(!wait_for(i, SKUA_FOREVER));
	for (unsigned i = 0; i < 2; ++i)
		skua_future_release(s.future[i]);
}

FUTURE_SCENARIO(future_wait_two, "a wait for one, then for another",
		.setup = setup_two, .check = check_freed,
		.run = { run_first, run_second, wait_both })

/* ---- a registrant that does not wait ---- */

static void add_first(void)
{
	add_waiter(s.future[0]);
}

FUTURE_SCENARIO(future_add, "two add waiters while the finisher takes them",
		.setup = setup_one, .check = check_kept, .spurious = 1,
		.run = { run_first, add_first, add_first })

/* ---- the pool goes first ---- */

static void setup_pool(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	rt_open(&s.rt, 1);
	/* A task of the pool submits it. */
	ski_self = worker;
	s.futures = 1;
	ex_assert(!skua_submit(&s.rt.pool, run_task, &s.account[0],
			       &s.future[0]));
	ex_assert(ski_deque_take(&worker->producer.deque) ==
		  (uintptr_t)s.future[0]);
	ski_self = NULL;
}

/* As ski_worker_close(), the rest of which is in rt_close(). */
static void run_and_close(void)
{
	run_first();
	ski_self = NULL;
	ski_producer_destroy(&s.rt.worker[0].producer);
	ex_assert(!ski_producer_init(&s.rt.worker[0].producer, 0));
}

FUTURE_SCENARIO(future_pool_gone, "its pool is freed while it is read",
		.setup = setup_pool, .check = check_freed,
		.run = { run_and_close, wait_release })
