/* SPDX-License-Identifier: MIT */
/*
 * Pause: what is submitted once it has returned starts after the resume, and
 * starts then. The source of lib/sched: pause.c, steal.c, park() of loop.c.
 *
 * Worker 0 looks for jobs. One that it finds is one that it would start.
 */
#include "loop.c"
#include "pause.c"

#include "guest.h"
#include "runtime.h"

#define A_JOB 64 /* nobody runs it */

static struct {
	struct rt rt;
	struct ski_guest guest;
	_Atomic(uint64_t) resumed;
	uint64_t found; /* how many */
} s;

static void setup(void)
{
	rt_open(&s.rt, 2);
	ex_assert(!ski_producer_init(&s.guest.producer, 0));
	ex_assert(!ski_registry_add(&s.rt.pool.guests, &s.guest));
}

/* Paused, with a job that a task of worker 0 has submitted. */
static void setup_own(void)
{
	struct ski_deque *deque = &s.rt.worker[0].producer.deque;

	setup();
	atomic_init(&s.rt.pool.paused, true);
	ex_assert(!ski_deque_reserve(deque, 1));
	ski_deque_push(deque, A_JOB);
}

/* ---- worker 0 ---- */

static void start(uintptr_t job)
{
	ex_assert(job == A_JOB && !s.found);
	++s.found;
	/* An RMW: it sees what is so now. */
	ex_assert(
		atomic_fetch_or_explicit(&s.resumed, 0, memory_order_relaxed));
}

static void look_twice(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	for (int i = 0; i < 2; i++) {
		uintptr_t job = ski_steal_some(worker);

		if (job)
			start(job);
	}
}

static void look_fairly(void)
{
	uintptr_t job = ski_steal_fair(rt_worker(&s.rt));

	if (job)
		start(job);
}

/* Its own deque first, as in turn(). */
static void run_own(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job;

	do
		job = next_job(worker);
	while (!job && !(job = park(worker)));
	start(job);
}

static void sleep_until_found(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job;

	do
		job = park(worker);
	while (!job);
	start(job);
}

/* ---- who pauses ---- */

/* As push() in submit.c, to a pool that is paused: it wakes nobody. */
static void submit_to(struct ski_deque *deque)
{
	ex_assert(!ski_deque_reserve(deque, 1));
	ski_deque_push(deque, A_JOB);
	ski_fence_full(PARK_A);
	ex_assert(ski_pool_paused(&s.rt.pool));
}

static void resume(void)
{
	atomic_fetch_or_explicit(&s.resumed, 1, memory_order_relaxed);
	ex_assert(!skua_pool_resume(&s.rt.pool));
}

static void guest_pauses(void)
{
	ex_assert(!skua_pool_pause(&s.rt.pool));
	submit_to(&s.guest.producer.deque);
	resume();
}

static void task_pauses(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	ex_assert(!skua_pool_pause(&s.rt.pool));
	submit_to(&worker->producer.deque);
	resume();
}

static void check(void)
{
	uintptr_t left = ski_steal_any(&s.rt.pool);

	ex_assert(s.found == !left);
	ski_producer_destroy(&s.guest.producer);
	rt_close(&s.rt);
}

static void check_found(void)
{
	ex_assert(s.found);
	check();
}

#define PAUSE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "pause", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

PAUSE_SCENARIO(pause_guest, "a guest's job waits for the resume",
	       .setup = setup, .check = check,
	       .run = { look_twice, guest_pauses })
PAUSE_SCENARIO(pause_fair, "... of a worker that looks at guests first",
	       .setup = setup, .check = check,
	       .run = { look_fairly, guest_pauses })
PAUSE_SCENARIO(pause_task, "a task's job waits for the resume", .setup = setup,
	       .check = check, .run = { look_twice, task_pauses })
PAUSE_SCENARIO(pause_sleep, "a resume wakes who found nothing to start",
	       .setup = setup, .check = check_found,
	       .run = { sleep_until_found, guest_pauses })
PAUSE_SCENARIO(pause_own, "a resume wakes who has passed by its own deque",
	       .setup = setup_own, .check = check_found,
	       .run = { run_own, resume })
