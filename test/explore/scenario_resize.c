/* SPDX-License-Identifier: MIT */
/*
 * Workers that are dismissed and called back: one that leaves is called back or
 * stays, never both and never neither; one that sleeps hears of it; what lies in
 * its deque is found by others. The source of lib/sched: resize.c, loop.c,
 * steal.c.
 *
 * Worker 1 is the one that comes and goes. Its new thread is a flag: who starts
 * it goes on as that thread.
 */
#include "loop.c"
#include "resize.c"

#include "runtime.h"

#define A_JOB 64 /* nobody runs it */

static struct {
	struct rt rt;
	uint64_t stayed; /* worker 1, in the end */
	uint64_t started; /* a thread for it */
	uint64_t found; /* by worker 0 */
} s;

/* ---- threads ---- */

int ski_block_map(void **out, size_t bytes, size_t align)
{
	(void)bytes;
	(void)align;
	*out = &s;
	return 0;
}

int ski_thread_start(struct ski_thread *thread, const char *name,
		     size_t stack_bytes, void (*run)(void *arg), void *arg)
{
	(void)thread;
	(void)name;
	(void)stack_bytes;
	(void)run;
	ex_assert(arg == &s.rt.worker[1]);
	++s.started;
	return 0;
}

/* What threads of a worker do one after the other: plain, so that it is a race
 * if they are not. */
static void use_worker(struct ski_worker *worker)
{
	++worker->vain;
	worker->vain = 0;
}

static void setup_here(unsigned target)
{
	rt_open(&s.rt, 2);
	for (unsigned i = 0; i < 2; ++i)
		atomic_init(&s.rt.worker[i].life, HERE);
	atomic_init(&s.rt.pool.target, target);
}

static void setup_dismissed(void)
{
	setup_here(1);
}

static void setup_wanted(void)
{
	setup_here(2);
}

/* It has a job, which it may not start, and the other one sleeps. */
static void setup_job(void)
{
	struct ski_deque *deque = &s.rt.worker[1].producer.deque;

	setup_dismissed();
	ex_assert(ski_inbox_lie_down(&s.rt.worker[0].inbox, SKI_INBOX_ASLEEP));
	ski_parking_announce(&s.rt.pool.parking, false, false);
	ex_assert(!ski_deque_reserve(deque, 1));
	ski_deque_push(deque, A_JOB);
}

/* A task of it is suspended. */
static void setup_suspended(void)
{
	setup_dismissed();
	s.rt.worker[1].suspended = 1;
}

/* ---- worker 1 ---- */

static void leave(void)
{
	struct ski_worker *worker = &s.rt.worker[1];

	ski_self = worker;
	use_worker(worker);
	s.stayed = !ski_worker_leave(worker);
	if (s.stayed)
		use_worker(worker);
}

static void doze_until_wanted(void)
{
	struct ski_worker *worker = &s.rt.worker[1];

	ski_self = worker;
	while (ski_worker_is_dismissed(worker))
		doze(worker);
}

static void park_until_dismissed(void)
{
	struct ski_worker *worker = &s.rt.worker[1];

	ski_self = worker;
	while (!ski_worker_is_dismissed(worker))
		ex_assert(!park(worker));
}

static void serve_until_left(void)
{
	struct ski_worker *worker = &s.rt.worker[1];

	ski_self = worker;
	while (serve(worker))
		;
}

/* ---- the others ---- */

static void find(void)
{
	struct ski_worker *worker = &s.rt.worker[0];
	uintptr_t job = 0;

	ski_self = worker;
	sleep_until(worker, SKI_INBOX_ASLEEP, -1);
	get_up(worker, false);
	while (!job)
		job = park(worker);
	ex_assert(job == A_JOB);
	++s.found;
}

static void grow(void)
{
	ex_assert(!ski_pool_grow(&s.rt.pool, 2));
	if (s.started)
		use_worker(&s.rt.worker[1]);
}

static void grow_twice(void)
{
	grow();
	grow();
}

static void shrink(void)
{
	ski_pool_shrink(&s.rt.pool, 1);
}

static void check_called_back(void)
{
	/* Relaxed: all have ended. */
	uint32_t life = atomic_load_explicit(&s.rt.worker[1].life,
					     memory_order_relaxed);

	ex_assert(s.stayed + s.started == 1);
	ex_assert(life == HERE);
	rt_close(&s.rt);
}

static void check(void)
{
	rt_close(&s.rt);
}

static void check_found(void)
{
	ex_assert(s.found == 1);
	rt_close(&s.rt);
}

#define RESIZE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "resize", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

RESIZE_SCENARIO(resize_leave, "one that leaves is called back",
		.setup = setup_dismissed, .check = check_called_back,
		.run = { leave, grow })
RESIZE_SCENARIO(resize_leave_twice, "... twice", .setup = setup_dismissed,
		.check = check_called_back, .run = { leave, grow_twice })
RESIZE_SCENARIO(resize_doze, "one that waits for its tasks is called back",
		.setup = setup_suspended, .check = check,
		.run = { doze_until_wanted, grow })
RESIZE_SCENARIO(resize_sleep, "one that sleeps is dismissed",
		.setup = setup_wanted, .check = check,
		.run = { park_until_dismissed, shrink })
RESIZE_SCENARIO(resize_job, "one that leaves has a job", .setup = setup_job,
		.check = check_found, .run = { serve_until_left, find })
