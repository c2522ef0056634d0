/* SPDX-License-Identifier: MIT */
/*
 * Parking: no wake-up is lost. The loop's own way to sleep (lib/sched/loop.c)
 * and the wakes of lib/sched/wake.c, over a queue that is as weak as a deque:
 * jobs are published by a release store.
 *
 * Workers are daemons: each execution ends with all of them asleep, and then
 * every job must have been run.
 */
#include "loop.c"
#include "wake.c"

enum {
	WORKERS = 2,
	JOBS = 3
};
enum {
	NO_JOB,
	READY,
	TAKEN
};

static struct {
	struct skua_pool pool;
	struct ski_worker worker[WORKERS];
	struct ski_worker *list[WORKERS];
	_Atomic(unsigned) queue[JOBS];
	_Atomic(unsigned) started[JOBS];
	unsigned jobs; /* how many there will be */
	bool meet; /* jobs wait for each other: they need a worker each */
	unsigned ran[EX_THREADS];
} s;

/* A job is the address of its place in the queue. */
static uintptr_t look(void)
{
	for (unsigned i = 0; i < s.jobs; ++i) {
		unsigned state = READY;
		if (atomic_load_explicit(&s.queue[i], memory_order_acquire) ==
			    READY &&
		    atomic_compare_exchange_strong_explicit(
			    &s.queue[i], &state, TAKEN, memory_order_acquire,
			    memory_order_relaxed))
			return (uintptr_t)&s.queue[i];
	}
	return 0;
}

/* What loop.c needs of its neighbours. */

uintptr_t ski_steal_sweep(struct ski_worker *worker)
{
	(void)worker;
	return look();
}

uintptr_t ski_steal_some(struct ski_worker *worker)
{
	(void)worker;
	return look();
}

uintptr_t ski_steal_fair(struct ski_worker *worker)
{
	(void)worker;
	return 0;
}

bool ski_steal_is_there(struct skua_pool *pool)
{
	(void)pool;
	ski_fence_full(FOUND);
	for (unsigned i = 0; i < s.jobs; ++i)
		if (atomic_load_explicit(&s.queue[i], memory_order_relaxed) ==
		    READY)
			return true;
	return false;
}

bool ski_pool_is_over(struct skua_pool *pool)
{
	(void)pool;
	return false;
}

void ski_pool_tell_drained(struct skua_pool *pool)
{
	(void)pool;
}

bool ski_worker_leave(struct ski_worker *worker)
{
	(void)worker;
	return true;
}

void ski_worker_begin(struct ski_worker *worker)
{
	(void)worker;
}

void ski_worker_end(struct ski_worker *worker)
{
	(void)worker;
}

void ski_wait_timers(struct ski_worker *worker)
{
	(void)worker;
}

void ski_wait_arrive(struct ski_worker *worker)
{
	(void)worker;
}

void ski_wait_switch(struct ski_worker *worker, struct ski_fiber *fiber)
{
	(void)worker;
	(void)fiber;
}

void ski_cache_put_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	(void)worker;
	(void)fiber;
}

bool ski_cache_spare(struct ski_worker *worker)
{
	(void)worker;
	return true;
}

void ski_run(skua_here here, uintptr_t job)
{
	(void)here;
	(void)job;
}

int64_t ski_clock_ns(void)
{
	return 0;
}

void ski_thread_yield(void)
{
}

void ski_context_swap(struct ski_context *from, struct ski_context *to)
{
	(void)from;
	(void)to;
}

static void open_pool(unsigned workers, unsigned jobs)
{
	s.jobs = jobs;
	atomic_init(&s.pool.slots, workers);
	atomic_init(&s.pool.target, workers);
	s.pool.worker = s.list;
	for (unsigned i = 0; i < workers; ++i) {
		struct ski_worker *worker = &s.worker[i];
		s.list[i] = worker;
		worker->pool = &s.pool;
		worker->index = i;
		ski_queue_init(&worker->ready);
		ski_queue_init(&worker->yielded);
	}
}

static void run_job(uintptr_t job)
{
	size_t i = (size_t)((_Atomic(unsigned) *)job - s.queue);

	++s.ran[ex_self()];
	if (!s.meet)
		return;
	atomic_store_explicit(&s.started[i], 1, memory_order_relaxed);
	for (i = 0; i < s.jobs; ++i)
		ex_await(atomic_load_explicit(&s.started[i],
					      memory_order_relaxed));
}

/* A worker, as be_idle() in loop.c has it. */
static void work(void)
{
	struct ski_worker *worker = &s.worker[ex_self() - 1];

	for (;;) {
		uintptr_t job = worker->searching ? look() : 0;

		if (!job)
			job = park(worker);
		if (job) {
			ski_wake_found(worker);
			run_job(job);
		}
	}
}

static void submit(unsigned job)
{
	/* Release: as the store of bottom in ski_deque_push(). */
	atomic_store_explicit(&s.queue[job], READY, memory_order_release);
	ski_wake_published(&s.pool);
}

static void check(void)
{
	unsigned ran = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		ran += s.ran[i];
	ex_assert(ran == s.jobs);
}

#define PARKING_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "parking", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

static void setup_one_one(void)
{
	open_pool(1, 1);
}

static void setup_one_two(void)
{
	open_pool(1, 2);
}

static void setup_two_two(void)
{
	open_pool(2, 2);
	s.meet = true;
}

static void submit_first(void)
{
	submit(0);
}

static void submit_second(void)
{
	submit(1);
}

static void submit_both(void)
{
	submit(0);
	submit(1);
}

PARKING_SCENARIO(parking_submit, "submit against sleep", .setup = setup_one_one,
		 .daemons = 2, .run = { work, submit_first })
PARKING_SCENARIO(parking_two_submits, "two submitters against sleep",
		 .setup = setup_one_two, .daemons = 2, .fewer = 1,
		 .run = { work, submit_first, submit_second })
PARKING_SCENARIO(parking_two_sleepers, "two sleepers for two jobs at a time",
		 .setup = setup_two_two, .daemons = 6, .fewer = 2,
		 .run = { work, work, submit_both })
