/* SPDX-License-Identifier: MIT */
/*
 * Parking: no wake-up is lost, and the counts come out even. The loop's own
 * turns (lib/sched/loop.c), the wakes of wake.c and the resumption of fiber.c,
 * over a queue that is as weak as a deque: jobs are published by a release
 * store.
 *
 * A worker that got a job is busy for ever after: its thread ends. Those that
 * got none are asleep when an execution ends; then no job may be left, and just
 * they are counted. Some begin asleep or searching, so that what comes next is
 * seen with few preemptions.
 */
#include "parking_state.h"

static void open_worker(unsigned i)
{
	struct ski_worker *worker = &s.worker[i];

	s.list[i] = worker;
	worker->pool = &s.pool;
	worker->begun = true;
	worker->index = i;
	worker->fiber = &s.fiber[i];
	worker->fiber->first = &s.segment;
	ski_queue_init(&worker->ready);
	ski_queue_init(&worker->yielded);
}

static void open_pool(unsigned workers)
{
	s.workers = workers;
	atomic_init(&s.pool.slots, workers);
	atomic_init(&s.pool.target, workers);
	s.pool.worker = s.list;
	for (unsigned i = 0; i < workers; ++i)
		open_worker(i);
	s.resumed.home = &s.worker[0];
}

/* As park() leaves a worker that has found nothing. */
static void begin_asleep(unsigned i)
{
	ex_assert(ski_inbox_lie_down(&s.worker[i].inbox, SKI_INBOX_ASLEEP));
	ski_parking_announce(&s.pool.parking, false, false);
}

static void begin_searching(unsigned i)
{
	s.worker[i].searching = ski_parking_search(&s.pool.parking, 1);
}

static struct ski_worker *self(void)
{
	ski_self = &s.worker[ex_self() - 1];
	return ski_self;
}

static void work(void)
{
	struct ski_worker *worker = self();

	while (!s.busy[ex_self()])
		ex_assert(turn(worker));
}

/* The rest of park(), where sweeping has found nothing. */
static void sleep_then_work(void)
{
	struct ski_worker *worker = self();

	sleep_until(worker, SKI_INBOX_ASLEEP, -1);
	get_up(worker, false);
	work();
}

/* The rest of be_idle(), where searching has found nothing. */
static void park_then_work(void)
{
	struct ski_worker *worker = self();
	uintptr_t job = park(worker);

	if (job)
		run(worker, job);
	work();
}

/* A worker that was woken in vain. */
static void nap_then_work(void)
{
	struct ski_worker *worker = self();

	worker->nap = true;
	worker->vain = 1;
	park_then_work();
}

static void publish(unsigned job)
{
	/* Release: as the store of bottom in ski_deque_push(). */
	atomic_store_explicit(&s.queue[job], READY, memory_order_release);
}

static void submit(unsigned job)
{
	publish(job);
	ski_wake_published(&s.pool);
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

/* As look_at_idle() in fork.c has it. */
static void fork_first(void)
{
	uint64_t counts;

	publish(0);
	counts = ski_parking_published(&s.pool.parking);
	if (ski_parking_idle(counts) > ski_parking_napping(counts) &&
	    ski_parking_wanted(counts, false))
		ski_wake_one(&s.pool, false);
}

static void resume(void)
{
	ski_fiber_resume(&s.resumed);
}

static unsigned sum_ran(void)
{
	unsigned ran = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		ran += s.ran[i];
	return ran;
}

/* Whoever is not busy is asleep, and counted as idle. */
static void check_counts(void)
{
	uint64_t counts = ski_parking_counts(&s.pool.parking);
	int idle = 0, napping = 0;

	for (unsigned i = 0; i < s.workers; ++i) {
		idle += !s.busy[i + 1];
		napping += atomic_load_explicit(&s.worker[i].inbox.word,
						memory_order_relaxed) ==
			   (SKI_INBOX_ASLEEP | SKI_INBOX_NAP);
	}
	ex_assert(ski_parking_searching(counts) == 0);
	ex_assert(ski_parking_idle(counts) == idle);
	ex_assert(ski_parking_napping(counts) == napping);
}

static void check(void)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < JOBS; ++i) {
		unsigned state =
			atomic_load_explicit(&s.queue[i], memory_order_relaxed);
		ex_assert(state != READY);
		taken += state == TAKEN;
	}
	ex_assert(sum_ran() == taken);
	check_counts();
}

static void check_resumed(void)
{
	ex_assert(sum_ran() == 1);
	check_counts();
}

/* The job and the fiber. */
static void check_both(void)
{
	ex_assert(atomic_load_explicit(&s.queue[0], memory_order_relaxed) ==
		  TAKEN);
	ex_assert(sum_ran() == 2);
	check_counts();
}

static void setup_one(void)
{
	open_pool(1);
}

static void setup_two(void)
{
	open_pool(2);
}

static void setup_second_asleep(void)
{
	open_pool(2);
	begin_asleep(1);
}

static void setup_both_asleep(void)
{
	setup_second_asleep();
	begin_asleep(0);
}

static void setup_chained(void)
{
	setup_both_asleep();
	s.chained = true;
}

static void setup_served(void)
{
	setup_both_asleep();
	s.served = true;
}

static void setup_searching(void)
{
	setup_second_asleep();
	begin_searching(0);
}

/* What is resumed ends the pool: worker and fiber are freed. */
static void work_and_free(void)
{
	work();
	ex_forget(&s.worker[0], sizeof(s.worker[0]));
	ex_forget(&s.resumed, sizeof(s.resumed));
}

static void check_freed(void)
{
	ex_assert(sum_ran() == 1);
}

#define PARKING_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "parking", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

PARKING_SCENARIO(parking_submit, "submit against sleep", .setup = setup_one,
		 .check = check, .daemons = 2, .run = { work, submit_first })
PARKING_SCENARIO(parking_stray, "... that ends for no reason",
		 .setup = setup_one, .check = check, .daemons = 2, .stray = 1,
		 .spurious = 1, .run = { work, submit_first })
PARKING_SCENARIO(parking_two_sleepers, "two go to sleep, two jobs come",
		 .setup = setup_two, .check = check, .daemons = 6,
		 .run = { park_then_work, park_then_work, submit_both })
PARKING_SCENARIO(parking_withdraw, "found in the last look, and claimed",
		 .setup = setup_second_asleep, .check = check, .daemons = 6,
		 .run = { park_then_work, sleep_then_work, submit_both })
PARKING_SCENARIO(parking_searching, "a searcher makes up for withheld wakes",
		 .setup = setup_searching, .check = check, .daemons = 6,
		 .run = { work, sleep_then_work, submit_both })
PARKING_SCENARIO(parking_last_look, "... with what its last look finds",
		 .setup = setup_searching, .check = check, .daemons = 6,
		 .run = { park_then_work, sleep_then_work, submit_both })
PARKING_SCENARIO(parking_claimed, "who is claimed is ahead of the counts",
		 .setup = setup_chained, .check = check, .daemons = 6,
		 .run = { sleep_then_work, sleep_then_work, submit_first })
PARKING_SCENARIO(parking_fork, "fork against sleep", .setup = setup_one,
		 .check = check, .daemons = 2,
		 .run = { park_then_work, fork_first })
PARKING_SCENARIO(parking_nap, "a fork wakes no napper, which looks by itself",
		 .setup = setup_one, .check = check, .timeouts_end_hangs = true,
		 .run = { nap_then_work, fork_first })
PARKING_SCENARIO(parking_nap_submit, "a submit wakes a napper",
		 .setup = setup_one, .check = check, .daemons = 2,
		 .run = { nap_then_work, submit_first })
PARKING_SCENARIO(parking_nap_ends, "a nap ends while a submit claims",
		 .setup = setup_one, .check = check, .daemons = 2,
		 .timeouts = 1, .run = { nap_then_work, submit_first })
PARKING_SCENARIO(parking_nap_beside, "a napper beside a sleeper, and a fork",
		 .setup = setup_second_asleep, .check = check, .daemons = 6,
		 .run = { nap_then_work, sleep_then_work, fork_first })
PARKING_SCENARIO(parking_resume, "resume against sleep", .setup = setup_one,
		 .check = check_resumed, .daemons = 2, .run = { work, resume })
PARKING_SCENARIO(parking_resume_claimed, "resumed and claimed: passed on",
		 .setup = setup_served, .check = check_both, .daemons = 6,
		 .run = { sleep_then_work, sleep_then_work, submit_first,
			  resume })
PARKING_SCENARIO(parking_resume_frees, "the resumed fiber frees the worker",
		 .setup = setup_one, .check = check_freed,
		 .run = { work_and_free, resume })
