/* SPDX-License-Identifier: MIT */
/*
 * The places of a bounded pool: room.c with its queue (waitq.c, waiting.c), as
 * they are. Who submits is a thread, and does what a submit does besides: one
 * more job is pending. A worker meets jobs and gives their places back.
 *
 * At no time more are admitted than there are places, everybody is told, and at
 * the end the word says what the pool holds.
 */
#include "isolate.h"
#include "room.h"
#include "wait.h"

/* Tasks of the pool, which are threads here, can be suspended and are in no
 * region. */
#define ski_wait_prepare(worker) ((void)(worker), 0)
#define ski_isolate_is_on(worker) ((void)(worker), false)
#include "room.c"
#undef ski_wait_prepare
#undef ski_isolate_is_on

#include "runtime.h"

enum {
	IN = 1 /* a result; errors are negative, and 0: it has not tried */
};

static struct {
	struct rt rt;
	_Atomic(int) held; /* admitted and not met */
	_Atomic(int) pending; /* of those, what has been pushed */
	int result[EX_THREADS];
} s;

static struct skua_pool *pool(void)
{
	return &s.rt.pool;
}

static void open_bound(unsigned workers, size_t places)
{
	rt_open(&s.rt, workers);
	for (unsigned i = 0; i < workers; ++i)
		atomic_init(&s.rt.worker[i].hand,
			    SKI_HAND_FREE | SKI_HAND_WANTED);
	ski_room_init(pool(), places);
	if (places == SKUA_NO_QUEUE)
		atomic_init(&pool()->room.q.word, (workers + BIAS) * PLACE);
}

/* So many that were pushed before anybody looks. */
static void take_before(int n)
{
	bool at_once = false;

	ex_assert(!ski_room_enter(pool(), (size_t)n, 0, false, &at_once));
	atomic_init(&s.held, n);
	atomic_init(&s.pending, n);
}

/* ---- who submits ---- */

static void submit(size_t need, int64_t timeout_ns, bool inside)
{
	bool at_once = false;
	int error = ski_room_enter(pool(), need, timeout_ns, inside, &at_once);
	int before;

	ex_assert(!at_once);
	s.result[ex_self()] = error ? error : IN;
	if (error)
		return;
	/* Relaxed, here and below: what is met is uncounted before its place
	 * is given back, and that is what orders the two. */
	before = atomic_fetch_add_explicit(&s.held, (int)need,
					   memory_order_relaxed);
	ex_assert(pool()->bound == SKI_NO_QUEUE ||
		  before + (int)need <= (int)pool()->room.places);
	atomic_fetch_add_explicit(&s.pending, (int)need, memory_order_release);
}

static void submit_one(void)
{
	submit(1, SKUA_FOREVER, false);
}

static void submit_two_at_once(void)
{
	submit(2, SKUA_FOREVER, false);
}

static void submit_twice(void)
{
	submit_one();
	submit_one();
}

static void submit_timed(void)
{
	submit(1, 5, false);
}

static void try_submit(void)
{
	submit(1, 0, false);
}

static void submit_inside(void)
{
	submit(1, SKUA_FOREVER, true);
}

/* It has a place, and then no memory. */
static void submit_and_fail(void)
{
	bool at_once = false;

	ex_assert(!ski_room_enter(pool(), 1, SKUA_FOREVER, false, &at_once));
	ski_room_leave(pool(), 1);
}

/* ---- workers ---- */

static void meet_one(void)
{
	ex_await(atomic_load_explicit(&s.pending, memory_order_acquire) > 0);
	atomic_fetch_sub_explicit(&s.pending, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s.held, 1, memory_order_relaxed);
	ski_room_leave(pool(), 1);
}

static void meet_two(void)
{
	meet_one();
	meet_one();
}

/* Without a queue: a job runs on worker 0. */
static void run_one(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	ex_await(atomic_load_explicit(&s.pending, memory_order_acquire) > 0);
	atomic_fetch_sub_explicit(&s.pending, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s.held, 1, memory_order_relaxed);
	ski_room_started(worker);
	ski_room_free(worker);
}

/* It does not end. */
static void start_one(void)
{
	ex_await(atomic_load_explicit(&s.pending, memory_order_acquire) > 0);
	atomic_fetch_sub_explicit(&s.held, 1, memory_order_relaxed);
	ski_room_started(&s.rt.worker[0]);
}

static void run_two(void)
{
	run_one();
	run_one();
}

/* Its task waits and goes on, and ends when a job has run in between. */
static void suspend_and_run(void)
{
	struct ski_worker *worker = &s.rt.worker[0];

	ex_assert(ski_room_free(worker));
	run_one();
	ski_room_busy(worker);
	ex_assert(ski_room_free(worker));
}

static void set_target(unsigned workers)
{
	unsigned before = ski_pool_target(pool());

	atomic_store_explicit(&pool()->target, workers, memory_order_relaxed);
	if (workers < before)
		ski_room_want(pool(), workers, before, false);
	else
		ski_room_want(pool(), 0, workers, true);
}

static void dismiss(void)
{
	set_target(0);
}

static void dismiss_one_of_two(void)
{
	set_target(1);
}

static void dismiss_and_call_back(void)
{
	set_target(0);
	set_target(1);
}

/* ---- the end ---- */

static void shut_as(unsigned bits)
{
	atomic_fetch_or_explicit(&pool()->closing, bits | SKI_CLOSING,
				 memory_order_relaxed);
	ski_room_shut(pool());
}

static void shut_pool(void)
{
	shut_as(0);
}

static void cancel_pool(void)
{
	shut_as(SKI_CANCELLING);
}

static void shut_then_cancel(void)
{
	shut_as(0);
	shut_as(SKI_CANCELLING);
}

static void break_pool(void)
{
	shut_as(SKI_CANCELLING | SKI_BROKEN_POOL);
}

/* ---- checks ---- */

static uint64_t word(void)
{
	return atomic_load_explicit(&pool()->room.q.word, memory_order_relaxed);
}

static int held(void)
{
	return atomic_load_explicit(&s.held, memory_order_relaxed);
}

static void close_all(void)
{
	/* Nobody waits or is at work there. */
	ex_assert(!(word() & (PLACE - 1)));
	rt_close(&s.rt);
}

static void check(void)
{
	ex_assert(places_in(word()) == (int64_t)pool()->room.places - held());
	close_all();
}

/* And all were let in. */
static void check_in(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		ex_assert(s.result[i] == 0 || s.result[i] == IN);
	check();
}

static void check_timed(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		ex_assert(s.result[i] >= 0 || s.result[i] == SKUA_ETIMEDOUT);
	check();
}

static void check_tried(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		ex_assert(s.result[i] >= 0 || s.result[i] == SKUA_EFULL);
	check();
}

static void check_closed(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		ex_assert(s.result[i] >= 0 || s.result[i] == SKUA_ECLOSED);
	check();
}

static void check_refused(void)
{
	ex_assert(s.result[1] == SKUA_ECLOSED);
	check();
}

/* The other one is a task, and waits for a place. */
static void check_one_refused(void)
{
	ex_assert(s.result[1] == SKUA_ECLOSED && s.result[2] == 0);
	ex_assert(places_in(word()) == 0);
	rt_close(&s.rt);
}

static void check_broken(void)
{
	ex_assert(s.result[1] == SKUA_EBROKEN);
	check();
}

static void check_no_queue(void)
{
	int64_t free = 0;

	for (unsigned i = 0; i < s.rt.workers; ++i)
		free += counts(atomic_load_explicit(&s.rt.worker[i].hand,
						    memory_order_relaxed));
	ex_assert(places_in(word()) == free - held());
	close_all();
}

static void check_busy(void)
{
	ex_assert(places_in(word()) == 0);
	check_no_queue();
}

static void check_no_room(void)
{
	ex_assert(s.result[1] == SKUA_EFULL);
	check_no_queue();
}

/* ---- setups ---- */

static void setup_one(void)
{
	open_bound(1, 1);
}

static void setup_two(void)
{
	open_bound(1, 2);
}

static void setup_full(void)
{
	open_bound(1, 1);
	take_before(1);
}

static void setup_two_taken(void)
{
	open_bound(1, 2);
	take_before(1);
}

static void setup_two_full(void)
{
	open_bound(1, 2);
	take_before(2);
}

static void setup_no_queue(void)
{
	open_bound(1, SKUA_NO_QUEUE);
}

static void setup_busy(void)
{
	open_bound(1, SKUA_NO_QUEUE);
	ski_room_busy(&s.rt.worker[0]);
}

static void setup_two_busy(void)
{
	open_bound(2, SKUA_NO_QUEUE);
	ski_room_busy(&s.rt.worker[0]);
	ski_room_busy(&s.rt.worker[1]);
}

static void setup_dismissed(void)
{
	open_bound(1, SKUA_NO_QUEUE);
	take_before(1);
	atomic_fetch_and_explicit(&s.rt.worker[0].hand,
				  ~(uint32_t)SKI_HAND_WANTED,
				  memory_order_relaxed);
	add_places(&pool()->room, -1);
	atomic_init(&pool()->target, 0);
}

#define BOUNDED_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "bounded", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)
/* With one old store, and as many as there are without preemptions. */
#define BOTH_SCENARIOS(id, text, ...)                                  \
	BOUNDED_SCENARIO(id, text, .stale = 1, .most = 3, __VA_ARGS__) \
	BOUNDED_SCENARIO(id##_stale, text, .fewer = 3, .most = 2, __VA_ARGS__)

BOUNDED_SCENARIO(bounded_start, "a submit against a start", .setup = setup_full,
		 .check = check_in, .run = { submit_one, meet_two })
BOUNDED_SCENARIO(bounded_two, "two submits, one place", .setup = setup_one,
		 .check = check_in, .run = { submit_one, submit_one, meet_two })
BOTH_SCENARIOS(bounded_wait_two, "two who wait, one place after the other",
	       .setup = setup_full, .check = check_in,
	       .run = { submit_one, submit_one, meet_two })
BOUNDED_SCENARIO(bounded_try, "who only looks takes nothing",
		 .setup = setup_full, .check = check_tried,
		 .run = { submit_one, try_submit, meet_two })
BOUNDED_SCENARIO(bounded_fail, "a submit that fails gives its place on",
		 .setup = setup_one, .check = check_in,
		 .run = { submit_one, submit_and_fail, meet_one })
BOUNDED_SCENARIO(bounded_timeout, "a timeout against a place",
		 .setup = setup_full, .check = check_timed, .timeouts = 1,
		 .run = { submit_timed, meet_one })
BOTH_SCENARIOS(bounded_timeout_two, "... with another behind",
	       .setup = setup_two_full, .check = check_timed, .timeouts = 1,
	       .run = { submit_timed, submit_one, meet_two })
BOUNDED_SCENARIO(bounded_many, "all or none", .setup = setup_two,
		 .check = check_in,
		 .run = { submit_two_at_once, submit_one, meet_two })
BOUNDED_SCENARIO(bounded_many_wait, "... is not passed by one",
		 .setup = setup_two_taken, .check = check_tried, .daemons = 8,
		 .run = { submit_two_at_once, try_submit, meet_two })
BOUNDED_SCENARIO(bounded_shut, "shutdown against one who waits",
		 .setup = setup_full, .check = check_refused,
		 .run = { submit_one, shut_pool })
BOUNDED_SCENARIO(bounded_shut_place, "... who may get a place first",
		 .setup = setup_full, .check = check_closed,
		 .run = { submit_one, meet_one, shut_pool })
BOUNDED_SCENARIO(bounded_shut_inside, "a task's wait outlives it",
		 .setup = setup_full, .check = check_in,
		 .run = { submit_inside, meet_one, shut_pool })
BOTH_SCENARIOS(bounded_shut_both, "an outsider behind a task is told",
	       .setup = setup_full, .check = check_one_refused, .daemons = 4,
	       .run = { submit_one, submit_inside, shut_pool })
BOUNDED_SCENARIO(bounded_cancel_inside, "CANCEL tells a task too",
		 .setup = setup_full, .check = check_refused,
		 .run = { submit_inside, cancel_pool })
BOUNDED_SCENARIO(bounded_cancel_later, "... if it comes later",
		 .setup = setup_full, .check = check_refused,
		 .run = { submit_inside, shut_then_cancel })
BOUNDED_SCENARIO(bounded_broken, "a broken pool says so", .setup = setup_full,
		 .check = check_broken, .run = { submit_inside, break_pool })
BOUNDED_SCENARIO(no_queue_run, "a submit against the end of a job",
		 .setup = setup_no_queue, .check = check_no_queue,
		 .run = { submit_twice, run_two })
BOUNDED_SCENARIO(no_queue_start, "a worker that runs is no room",
		 .setup = setup_no_queue, .check = check_busy,
		 .run = { submit_one, start_one })
BOUNDED_SCENARIO(no_queue_two, "two submits, one free worker",
		 .setup = setup_no_queue, .check = check_no_queue,
		 .run = { submit_one, submit_one, run_two })
BOUNDED_SCENARIO(no_queue_suspend, "a worker is free while its task waits",
		 .setup = setup_busy, .check = check_no_queue,
		 .run = { submit_one, suspend_and_run })
BOUNDED_SCENARIO(no_queue_dismiss, "a start against a dismissal",
		 .setup = setup_no_queue, .check = check_no_queue,
		 .run = { submit_one, run_one, dismiss_and_call_back })
BOUNDED_SCENARIO(no_queue_dismissed, "... of a worker that has a job",
		 .setup = setup_dismissed, .check = check_no_queue,
		 .run = { run_one, dismiss_and_call_back })
BOUNDED_SCENARIO(no_queue_called_back, "a worker is called back for one",
		 .setup = setup_dismissed, .check = check_no_queue,
		 .run = { submit_one, run_two, dismiss_and_call_back })
BOUNDED_SCENARIO(no_queue_shrink, "a batch is told that it never fits",
		 .setup = setup_two_busy, .check = check_no_room,
		 .run = { submit_two_at_once, dismiss_one_of_two })
