/* SPDX-License-Identifier: MIT */
/*
 * One wait for two futures, with the source of lib/sched (wait_many.c, future.c,
 * waiter.c): it is over once, by the one that it names, and when it is, whoever
 * still tells it touches nothing that the caller has given back.
 */
#include "futures.h"

#define MANY_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "many", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check_freed,   \
		    __VA_ARGS__)

/* Three threads: too many executions otherwise. */
#define THREE .stale = 2

static void run_first(void)
{
	run_future(s.future[0]);
}

static void run_second(void)
{
	run_future(s.future[1]);
}

/* Not in the order in which they are waited for. */
static void run_both(void)
{
	run_second();
	run_first();
}

static void setup_two(void)
{
	rt_open(&s.rt, 2);
	open_futures(2, 1, false);
}

static void *fail_task(void *arg)
{
	skua_fail(1);
	return run_task(arg);
}

/* The second one fails. */
static void setup_failing(void)
{
	setup_two();
	s.future[1]->fn = fail_task;
}

/* One of them for both: the other has gone before. */
static void setup_one(void)
{
	rt_open(&s.rt, 1);
	open_futures(2, 1, false);
	ski_self = &s.rt.worker[0];
	ski_run(ski_fiber_base(ski_self->fiber), (uintptr_t)s.future[1]);
	ski_self = NULL;
}

static void check_freed(void)
{
	check_futures(false);
}

static void release_both(void)
{
	end_stack();
	skua_future_release(s.future[0]);
	skua_future_release(s.future[1]);
}

/* That one is done, and its result there. */
static void expect_done(size_t index)
{
	ex_assert(index < 2 && skua_future_done(s.future[index]));
	ex_assert(s.account[index].ran == 1);
}

static void wait_first(void)
{
	size_t index = 7;

	ex_assert(
		!skua_wait(s.future, 2, SKUA_FIRST_DONE, SKUA_FOREVER, &index));
	expect_done(index);
	release_both();
}

static void wait_all(void)
{
	size_t index = 7;

	ex_assert(!skua_wait(s.future, 2, SKUA_ALL_DONE, SKUA_FOREVER, &index));
	ex_assert(index < 2);
	expect_done(0);
	expect_done(1);
	release_both();
}

/* None has failed, so this is for all. */
static void wait_failed(void)
{
	size_t index = 7;

	ex_assert(!skua_wait(s.future, 2, SKUA_FIRST_FAILED, SKUA_FOREVER,
			     &index));
	ex_assert(index < 2);
	expect_done(0);
	expect_done(1);
	release_both();
}

static void wait_failing(void)
{
	size_t index = 7;

	ex_assert(!skua_wait(s.future, 2, SKUA_FIRST_FAILED, SKUA_FOREVER,
			     &index));
	ex_assert(index == 1);
	expect_done(1);
	release_both();
}

static void wait_timed(void)
{
	size_t index = 7;
	int error = skua_wait(s.future, 2, SKUA_FIRST_DONE, 1, &index);

	if (error)
		ex_assert(index == 7 &&
			  (error == SKUA_ETIMEDOUT || error == SKUA_ENOMEM));
	else
		expect_done(index);
	release_both();
}

/* The same future in both places. */
static void wait_twice(void)
{
	struct skua_future *same[2] = { s.future[0], s.future[0] };
	size_t index = 7;

	ex_assert(!skua_wait(same, 2, SKUA_ALL_DONE, SKUA_FOREVER, &index));
	ex_assert(index < 2);
	expect_done(0);
	release_both();
}

MANY_SCENARIO(many_first, "the first of two that end", THREE,
	      .setup = setup_two, .run = { run_first, run_second, wait_first })
MANY_SCENARIO(many_all, "both", THREE, .setup = setup_two,
	      .run = { run_first, run_second, wait_all })
MANY_SCENARIO(many_failed, "the first that fails, and none does", THREE,
	      .setup = setup_two, .run = { run_first, run_second, wait_failed })
MANY_SCENARIO(many_fails, "the first that fails, and one does", THREE,
	      .setup = setup_failing,
	      .run = { run_first, run_second, wait_failing })
MANY_SCENARIO(many_timeout, "a deadline against both", THREE,
	      .setup = setup_two, .timeouts = 1,
	      .run = { run_first, run_second, wait_timed })
MANY_SCENARIO(many_no_memory, "no memory to wait for one of them",
	      .setup = setup_two, .alloc_failures = 1, .timeouts = 1,
	      .run = { run_both, wait_timed })
MANY_SCENARIO(many_twice, "one that is given twice", .setup = setup_one,
	      .run = { run_first, wait_twice })
