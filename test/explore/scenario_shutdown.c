/* SPDX-License-Identifier: MIT */
/*
 * The end of a pool: a submit that races with it is accepted and runs, or is
 * refused and does not; nobody leaves before all is done, and all leave then.
 * The source of lib/sched (submit.c, future.c, lifecycle.c, loop.c, wake.c) over
 * real deques and slabs. Only stealing is condensed: one job at a time, from
 * deques alone, in the same order each time.
 *
 * Workers are the first threads. What closes is shut(), which the calls of
 * skua/pool.h come down to; a worker leaves as ski_worker_main() has it.
 */
#include "lifecycle.c"
#include "loop.c"
#include "submit.c"

#include "runtime.h"

enum {
	JOBS = 2
};

static struct {
	struct rt rt;
	struct ski_guest guest;
	bool is_guest[EX_THREADS];
	struct skua_future *future[JOBS];
	struct skua_future *late;
	int error[JOBS]; /* of each submit; 1: not tried */
	unsigned ran[EX_THREADS][JOBS];
	unsigned job[JOBS]; /* their arguments */
	bool left[RT_WORKERS];
	bool suspended[RT_WORKERS]; /* a task of it waits for ever */
} s;

struct ski_guest *ski_guest_of(struct skua_pool *pool)
{
	ex_assert(pool == &s.rt.pool);
	return s.is_guest[ex_self()] ? &s.guest : NULL;
}

struct ski_slab *ski_guest_slab(void)
{
	return s.is_guest[ex_self()] ? s.guest.producer.slab : NULL;
}

/* In place of steal.c. */

uintptr_t ski_steal_oldest(struct ski_deque *deque)
{
	uintptr_t job;
	int got;

	ski_rcu_read_lock();
	do
		got = ski_deque_steal_many(deque, &job, 1);
	while (got < 0);
	ski_rcu_read_unlock();
	return got ? job : 0;
}

static struct ski_deque *deque_of(unsigned i)
{
	return i < s.rt.workers ? &s.rt.worker[i].producer.deque :
				  &s.guest.producer.deque;
}

static uintptr_t steal_but(unsigned own)
{
	uintptr_t job = 0;

	for (unsigned i = s.rt.workers + 1; i-- > 0 && !job;)
		if (i != own)
			job = ski_steal_oldest(deque_of(i));
	return job;
}

uintptr_t ski_steal_sweep(struct ski_worker *worker)
{
	return steal_but(worker->index);
}

uintptr_t ski_steal_some(struct ski_worker *worker)
{
	return steal_but(worker->index);
}

uintptr_t ski_steal_fair(struct ski_worker *worker)
{
	return steal_but(worker->index);
}

uintptr_t ski_steal_any(struct skua_pool *pool)
{
	(void)pool;
	return steal_but(s.rt.workers + 1);
}

bool ski_steal_is_there(struct skua_pool *pool)
{
	bool there = false;

	(void)pool;
	ski_fence_full(FOUND);
	for (unsigned i = 0; i <= s.rt.workers; ++i)
		there |= ski_deque_count(deque_of(i)) > 0;
	return there;
}

static void open_pool(unsigned workers)
{
	rt_open(&s.rt, workers);
	ex_assert(!ski_producer_init(&s.guest.producer, 0));
	ex_assert(!ski_registry_add(&s.rt.pool.guests, &s.guest));
	for (unsigned i = 0; i < JOBS; ++i) {
		s.job[i] = i;
		s.error[i] = 1;
	}
}

static void setup_one(void)
{
	open_pool(1);
}

/* As park() leaves a worker that has found nothing. */
static void begin_asleep(unsigned i)
{
	ex_assert(ski_inbox_lie_down(&s.rt.worker[i].inbox, SKI_INBOX_ASLEEP));
	ski_parking_announce(&s.rt.pool.parking, false, false);
}

static void leave_pool(struct ski_worker *worker)
{
	s.left[worker->index] = true;
	ski_self = NULL;
	ski_pool_left(&s.rt.pool);
}

static void work(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	while (turn(worker))
		;
	leave_pool(worker);
}

/* The rest of be_idle(), of a worker that has found the pool over and was woken
 * with all others, and of one that searched in vain. */
static void leave_or_work(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	if (may_leave(worker))
		leave_pool(worker);
	else
		work();
}

static void park_then_work(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = park(worker);

	if (job)
		run(worker, job);
	work();
}

static void sleep_then_work(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	sleep_until(worker, SKI_INBOX_ASLEEP, -1);
	get_up(worker, false);
	work();
}

static void *run_job(void *arg)
{
	++s.ran[ex_self()][*(unsigned *)arg];
	return arg;
}

/* As a task that waits for what never comes: its worker goes on, on another
 * stack in the library, here inside the task. */
static void *suspend_job(void *arg)
{
	struct ski_worker *worker = ski_self;

	run_job(arg);
	s.suspended[worker->index] = true;
	while (turn(worker))
		;
	ex_assert(!"a worker leaves a suspended task");
	return arg;
}

static void submit_job(unsigned i, skua_fn *fn)
{
	s.error[i] = skua_submit(&s.rt.pool, fn, &s.job[i], &s.future[i]);
	ex_assert(!s.error[i] || s.error[i] == SKUA_ECLOSED);
}

static void *run_and_submit(void *arg)
{
	submit_job(1, run_job);
	ex_assert(!s.error[1]);
	return run_job(arg);
}

static void guest_submits(void)
{
	s.is_guest[ex_self()] = true;
	submit_job(0, run_job);
}

/* A guest that found the pool open goes on with its submit. Now the pool is
 * closing, and a worker has found it over. */
static void late_setup(skua_fn *fn)
{
	struct skua_future *future;

	open_pool(2);
	future = new_future(s.guest.producer.slab, ski_future_run, true);
	ex_assert(future);
	future->fn = fn;
	future->arg = &s.job[0];
	s.late = future;
	shut(&s.rt.pool, 0, false);
	ex_assert(ski_pool_is_over(&s.rt.pool));
	s.rt.worker[0].searching = ski_parking_search(&s.rt.pool.parking, 1);
}

static void setup_late(void)
{
	late_setup(run_job);
}

static void setup_late_suspending(void)
{
	late_setup(suspend_job);
}

static void guest_goes_on(void)
{
	struct submitter who = { .producer = &s.guest.producer,
				 .guest = &s.guest };

	s.is_guest[ex_self()] = true;
	s.error[0] = submit(&s.rt.pool, &who, s.late, &s.future[0]);
}

static void guest_submits_two(void)
{
	void *const args[] = { &s.job[0], &s.job[1] };

	s.is_guest[ex_self()] = true;
	s.error[0] = s.error[1] =
		skua_submit_many(&s.rt.pool, run_job, args, 2, s.future);
}

static void close_pool(void)
{
	shut(&s.rt.pool, 0, false);
}

static void submit_then_close(void)
{
	guest_submits();
	ex_assert(!s.error[0]);
	close_pool();
}

static void submit_then_cancel(void)
{
	guest_submits();
	ex_assert(!s.error[0]);
	shut(&s.rt.pool, SKI_CANCELLING, false);
}

static void setup_asleep(void)
{
	open_pool(1);
	begin_asleep(0);
}

static void setup_submitting(void)
{
	open_pool(1);
	s.is_guest[0] = true;
	submit_job(0, run_and_submit);
	s.is_guest[0] = false;
}

static unsigned times_ran(unsigned i)
{
	unsigned times = 0;

	for (unsigned t = 0; t < EX_THREADS; ++t)
		times += s.ran[t][i];
	return times;
}

static void free_pool(void)
{
	drain(&s.rt.pool);
	for (unsigned i = 0; i < JOBS; ++i)
		skua_future_release(s.future[i]);
	ski_producer_destroy(&s.guest.producer);
	rt_close(&s.rt);
}

/* Refused or cancelled, or run. */
static void check_job(unsigned i)
{
	struct skua_future *future = s.future[i];

	ex_assert(s.error[i] || skua_future_done(future));
	ex_assert(times_ran(i) ==
		  (!s.error[i] && !skua_future_cancelled(future)));
}

static void check(void)
{
	check_job(0);
	check_job(1);
	for (unsigned i = 0; i < s.rt.workers; ++i)
		ex_assert(s.left[i]);
	ex_assert(ski_slot_status(ski_slot_load(&s.rt.pool.ended)) == SKI_DONE);
	free_pool();
}

/* The task waits for ever, and the worker that began it with it: here it is
 * ended for it. The other one may have left before. */
static void check_suspended(void)
{
	struct skua_future *future = s.future[0];

	ex_assert(times_ran(0) == !s.error[0]);
	for (unsigned i = 0; i < s.rt.workers; ++i)
		ex_assert(s.left[i] || !s.error[0]);
	if (!s.error[0])
		ski_slot_finish(&future->job.state, SKI_DONE);
	free_pool();
}

#define SHUTDOWN_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "shutdown", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)
/* With one old store, and as many as there are with one preemption. */
#define BOTH_SCENARIOS(id, text, ...)                                   \
	SHUTDOWN_SCENARIO(id, text, .stale = 1, .most = 3, __VA_ARGS__) \
	SHUTDOWN_SCENARIO(id##_stale, text, .fewer = 2, .most = 3, __VA_ARGS__)

SHUTDOWN_SCENARIO(shutdown_sleep, "stop against sleep", .setup = setup_one,
		  .check = check, .run = { work, close_pool })
SHUTDOWN_SCENARIO(shutdown_asleep, "stop wakes who sleeps",
		  .setup = setup_asleep, .check = check,
		  .run = { sleep_then_work, close_pool })
SHUTDOWN_SCENARIO(shutdown_last, "what was submitted before the stop is run",
		  .setup = setup_one, .check = check,
		  .run = { work, submit_then_close })
SHUTDOWN_SCENARIO(shutdown_submit, "a racing submit is accepted or refused",
		  .setup = setup_one, .check = check,
		  .run = { work, guest_submits, close_pool })
BOTH_SCENARIOS(shutdown_two, "... by one of two that leave",
	       .setup = setup_late, .check = check,
	       .run = { leave_or_work, park_then_work, guest_goes_on })
SHUTDOWN_SCENARIO(shutdown_many, "... of several, all or none",
		  .setup = setup_one, .check = check,
		  .run = { work, guest_submits_two, close_pool })
SHUTDOWN_SCENARIO(shutdown_task, "a task submits while the pool closes",
		  .setup = setup_submitting, .check = check,
		  .run = { work, close_pool })
SHUTDOWN_SCENARIO(shutdown_cancel, "cancelled, or begun before",
		  .setup = setup_one, .check = check,
		  .run = { work, submit_then_cancel })
BOTH_SCENARIOS(shutdown_suspended, "nobody leaves a suspended task",
	       .setup = setup_late_suspending, .check = check_suspended,
	       .daemons = 6,
	       .run = { leave_or_work, park_then_work, guest_goes_on })
