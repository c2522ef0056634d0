/* SPDX-License-Identifier: MIT */
/*
 * Ranges that several workers run at once, with the source of lib/algo/range.c:
 * each iteration runs once, and what it wrote is there after the loop. Iterations
 * write plain memory: two who run the same one are found as a race, and so is an
 * owner that reads what it has not waited for.
 *
 * range_run and those like it have the real fork stack under them: helpers are
 * forked, shown, stolen and joined. In the others helpers are threads that have
 * the part from the start.
 */
#include "explore.h"

#define SKUA_FORK_CHECK(ok, text) ex_assert((ok) && text)

#include "runtime.h"

#include "../../lib/algo/range.c"

enum {
	BASE = 3, /* the first iteration */
	ITERATIONS = 6,
	STOP = 7
};

static struct {
	struct rt rt;
	struct ski_loop loop;
	struct ski_part part;
	_Alignas(SKUA_SEGMENT_BYTES) struct skua_segment segment;
	uint64_t count;
	uint64_t chunk; /* of the owner */
	uint64_t stop_at; /* the iteration that stops the loop */
	uint64_t meet; /* none ends before so many have begun */
	_Atomic(uint64_t) begun;
	unsigned ran[ITERATIONS]; /* plain */
	bool stopped[EX_THREADS]; /* by that thread */
	int why[EX_THREADS]; /* the loop stopped, as that thread saw it */
	uint64_t ticks[EX_THREADS];
} r;

/* Each chunk takes as long as it should. */
uint64_t ski_ticks(void)
{
	return r.ticks[ex_self()] += GROWTH;
}

uint64_t ski_ticks_chunk(void)
{
	return GROWTH;
}

static void run_iterations(uint64_t begin, uint64_t end)
{
	ex_assert(!r.stopped[ex_self()]);
	ex_assert(BASE <= begin && begin < end && end <= BASE + r.count);
	for (uint64_t i = begin; i < end; i++)
		r.ran[i - BASE]++;
}

static void await_begun(uint64_t count)
{
	ex_await(atomic_load_explicit(&r.begun, memory_order_acquire) >= count);
}

static void meet(uint64_t count)
{
	/* Release: that others were let in. Pairs with help_when(). */
	atomic_fetch_add_explicit(&r.begun, count, memory_order_release);
	await_begun(r.meet);
}

static int body(struct ski_loop *loop, skua_here here, uint64_t begin,
		uint64_t end, void *value)
{
	(void)loop;
	(void)here;
	(void)value;
	run_iterations(begin, end);
	if (r.meet)
		meet(end - begin);
	if (r.stop_at < begin || end <= r.stop_at)
		return 0;
	r.stopped[ex_self()] = true;
	return STOP;
}

static void open_loop(uint64_t count)
{
	r.count = count;
	r.stop_at = UINT64_MAX;
	r.loop.run = body;
	r.loop.help = ski_part_help;
	r.loop.helpers_most = 2;
	ski_part_open(&r.part, &r.loop, BASE, BASE + count);
}

/* All of them, once, and the caller has come by what they wrote. */
static void expect_all(void)
{
	for (uint64_t i = 0; i < ITERATIONS; i++)
		ex_assert(r.ran[i] == (i < r.count));
}

#define RANGE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "range", .what = text, .state = &r, \
		    .state_bytes = sizeof(r), __VA_ARGS__)

/* ---- the word ---- */

/* The helper's frame is public. */
static void setup_word(uint64_t count, uint64_t chunk)
{
	open_loop(count);
	r.chunk = chunk;
	r.part.helpers = 1;
	r.part.first = (skua_here)(void *)((char *)&r.segment + 64);
	atomic_store_explicit(&r.segment.split, UINTPTR_MAX,
			      memory_order_relaxed);
}

static void setup_one(void)
{
	setup_word(1, 1);
}

static void setup_two(void)
{
	setup_word(2, 1);
}

static void setup_three(void)
{
	setup_word(3, 1);
}

static void setup_chunks(void)
{
	setup_word(6, 2);
}

static void take_all(void)
{
	struct pace pace = { .chunk = r.chunk };
	uint64_t begin, end;

	while (take(&r.part, &pace, &begin, &end))
		run_iterations(begin, end);
}

static void halve_all(void)
{
	uint64_t begin, end;

	while (ski_part_steal(&r.part, false, &begin, &end))
		run_iterations(begin, end);
}

/* As a reduction: what it has taken is one range. */
static void halve_below(void)
{
	uint64_t begin, end, before;

	if (!ski_part_steal(&r.part, false, &begin, &end))
		return;
	run_iterations(begin, end);
	before = begin;
	while (ski_part_steal(&r.part, true, &begin, &end)) {
		ex_assert(end == before);
		run_iterations(begin, end);
		before = begin;
	}
}

static void check_once(void)
{
	for (uint64_t i = 0; i < ITERATIONS; i++)
		ex_assert(r.ran[i] == (i < r.count));
	ex_assert(!rest(&r.part));
}

RANGE_SCENARIO(range_last, "the last one is wanted by two", .spurious = 1,
	       .setup = setup_one, .check = check_once,
	       .run = { take_all, halve_all })
RANGE_SCENARIO(range_halves, "an owner and a helper", .setup = setup_three,
	       .check = check_once, .run = { take_all, halve_all })
RANGE_SCENARIO(range_chunks, "an owner that takes two at a time",
	       .setup = setup_chunks, .check = check_once,
	       .run = { take_all, halve_all })
RANGE_SCENARIO(range_last_three, "the last one is wanted by three",
	       .setup = setup_one, .check = check_once,
	       .run = { take_all, halve_all, halve_all })
RANGE_SCENARIO(range_two_helpers, "an owner and two helpers",
	       .setup = setup_two, .check = check_once,
	       .run = { take_all, halve_all, halve_all })
RANGE_SCENARIO(range_below, "helpers that take what lies below",
	       .setup = setup_chunks, .check = check_once,
	       .run = { take_all, halve_below, halve_below })

/* ---- the end ---- */

/* As one whose body has answered. */
static void stop_it(void)
{
	ski_loop_stop(&r.loop, (int)ex_self());
	r.why[ex_self()] = ski_loop_stopped(&r.loop);
}

static void check_first_answer(void)
{
	int why = ski_loop_stopped(&r.loop);

	ex_assert(why == 1 || why == 2);
	ex_assert(r.why[1] == why && r.why[2] == why);
}

RANGE_SCENARIO(range_answers, "the first of two answers counts",
	       .check = check_first_answer, .run = { stop_it, stop_it })

/* ---- with the fork stack ---- */

/* Too many executions otherwise. */
#define FEW .stale = 2

static void setup_run(void)
{
	rt_open(&r.rt, 2);
	open_loop(4);
}

static void setup_run_short(void)
{
	rt_open(&r.rt, 2);
	open_loop(2);
}

/* The owner takes itself for alone: the other one has come just now. */
static void setup_run_late(void)
{
	setup_run();
	atomic_store_explicit(&r.rt.pool.target, 1, memory_order_relaxed);
}

static void setup_run_three(void)
{
	rt_open(&r.rt, 3);
	open_loop(3);
}

/* As many iterations as workers, all of them long. Worker 1 has forked before: no
 * fork makes its frames public. */
static void setup_run_long(void)
{
	struct ski_segment *segment;

	setup_run_three();
	r.meet = 3;
	segment = r.rt.fiber[1].first;
	atomic_store_explicit(&segment->pub.limit,
			      ski_segment_limit(segment, 0),
			      memory_order_relaxed);
}

static void setup_stop(void)
{
	setup_run();
	r.stop_at = BASE + 1;
}

static void run_part(void)
{
	skua_here here = ski_fiber_base(rt_worker(&r.rt)->fiber);

	ski_part_run(here, &r.part, NULL);
}

static void run_to_end(void)
{
	run_part();
	expect_all();
}

/* It has ended for all when the owner comes back. */
static void run_and_stop(void)
{
	run_part();
	ex_assert(r.ran[1] == 1);
	ex_assert(ski_loop_stopped(&r.loop) == STOP);
	for (uint64_t i = 0; i < ITERATIONS; i++)
		ex_assert(r.ran[i] <= 1);
}

/* A helper's frame, as from_worker() in steal.c has it. */
static bool help(unsigned victim)
{
	struct ski_worker *worker = rt_worker(&r.rt);
	struct skua_frame *frame;
	bool again = false;

	ski_rcu_read_lock();
	frame = ski_forkstack_steal(r.rt.fiber[victim].first, true, &again);
	ski_rcu_read_unlock();
	if (frame)
		ski_run(ski_fiber_base(worker->fiber), ski_job_of_frame(frame));
	return frame;
}

static void help_once(void)
{
	help(0);
}

/* Worker @victim is in the how-manieth iteration that has begun, a long one, and
 * there is more to do: it is within reach. */
static void help_when(unsigned victim, uint64_t begun)
{
	await_begun(begun);
	ex_assert(help(victim));
}

static void help_first(void)
{
	help_when(0, 1);
}

static void help_second(void)
{
	help_when(1, 2);
}

static void help_twice(void)
{
	help_once();
	help_once();
}

static void check_run(void)
{
	rt_close(&r.rt);
}

RANGE_SCENARIO(range_run, "a helper that is stolen", FEW, .setup = setup_run,
	       .check = check_run, .run = { run_to_end, help_once })
RANGE_SCENARIO(range_run_short, "the last one, and the end",
	       .setup = setup_run_short, .check = check_run,
	       .run = { run_to_end, help_once })
RANGE_SCENARIO(range_run_again, "one that comes again", FEW, .setup = setup_run,
	       .check = check_run, .run = { run_to_end, help_twice })
RANGE_SCENARIO(range_run_late, "a helper that is forked after the first chunk",
	       FEW, .setup = setup_run_late, .check = check_run,
	       .run = { run_to_end, help_once })
RANGE_SCENARIO(range_run_three, "two that come", .setup = setup_run_three,
	       .check = check_run, .stale = 2, .most = 3,
	       .run = { run_to_end, help_once, help_once })
RANGE_SCENARIO(range_run_long, "as many long ones as there are workers",
	       .setup = setup_run_long, .check = check_run, .stale = 2,
	       .most = 3, .run = { run_to_end, help_first, help_second })
RANGE_SCENARIO(range_stop, "a body stops it", FEW, .setup = setup_stop,
	       .check = check_run, .run = { run_and_stop, help_once })
