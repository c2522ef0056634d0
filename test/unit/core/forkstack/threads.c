/* SPDX-License-Identifier: MIT */
/*
 * Threads that steal frames from each other as the runtime does, and wait for
 * those that were stolen from them.
 */
#include "futex.h"
#include "one_segment.h"

TestSuite(forkstack_threads, .timeout = LIMIT);

enum {
	WORKERS_MOST = 8
};

static struct worker {
	_Alignas(SKI_LINE) struct ski_segment *segment;
	atomic_uint *fiber; /* a thing of its own that the segment names */
	uint64_t random;
} workers[WORKERS_MOST];

static unsigned worker_count;
static atomic_bool over;
static atomic_uint won, finished, waits, again_count;

/* One who waits for a frame sleeps on this. */
struct waiter {
	_Alignas(8) _Atomic uint32_t told;
};

static void finish(struct skua_frame *frame)
{
	struct waiter *waiter = ski_frame_finish(frame);

	add(&finished, 1);
	if (!waiter)
		return;
	/* Release: the result, once more. The last touch: after that it is
	 * only an address. */
	atomic_store_explicit(&waiter->told, 1, memory_order_release);
	ski_futex_wake(&waiter->told, 1);
}

static bool is_a_segment(uint64_t state)
{
	for (unsigned i = 0; i < worker_count; i++)
		if (state == (uint64_t)(uintptr_t)workers[i].segment)
			return true;
	return false;
}

static void sleep_until_done(struct skua_frame *frame)
{
	struct waiter waiter = { 0 };

	if (!ski_frame_wait(frame, &waiter))
		return;
	add(&waits, 1);
	while (!atomic_load_explicit(&waiter.told, memory_order_acquire))
		ski_futex_wait(&waiter.told, 0, -1);
	CHECK(ski_frame_state(frame) == SKUA_FRAME_DONE);
}

/* Look for a while at who has it, then sleep. */
static void wait_for_thief(struct skua_frame *frame)
{
	for (int looks = 0; looks < 5; looks++) {
		uint64_t state = ski_frame_state(frame);

		if (state == SKUA_FRAME_DONE)
			return;
		if (state == SKUA_FRAME_PENDING) {
			sched_yield();
			continue;
		}
		CHECK(is_a_segment(state));
		/* Plain: published with the name. */
		CHECK(ski_segment_fiber(
			(struct ski_segment *)(uintptr_t)state));
	}
	sleep_until_done(frame);
}

static bool steal_and_run(struct worker *self, struct ski_segment *victim,
			  bool ask)
{
	struct skua_frame *frame;
	bool again = false;

	if (victim == self->segment)
		return false;
	frame = ski_forkstack_steal(victim, ask, &again);
	add(&again_count, again);
	CHECK(!again || !frame);
	if (!frame)
		return again;
	add(&won, 1);
	ski_frame_name_thief(frame, self->segment);
	frame->job.run(self->segment->frame, &frame->job);
	finish(frame);
	return true;
}

static void thieve(struct worker *self)
{
	unsigned vain = 0;

	while (!atomic_load_explicit(&over, memory_order_acquire)) {
		unsigned victim = random_below(&self->random, worker_count);

		if (steal_and_run(self, workers[victim].segment,
				  random_below(&self->random, 4) == 0))
			vain = 0;
		else if (++vain > 3)
			sched_yield();
	}
}

static void open_workers(unsigned count)
{
	static atomic_uint fiber;

	worker_count = count;
	wait_for = wait_for_thief;
	atomic_store_explicit(&over, false, memory_order_relaxed);
	atomic_store_explicit(&won, 0, memory_order_relaxed);
	atomic_store_explicit(&finished, 0, memory_order_relaxed);
	atomic_store_explicit(&stolen_joins, 0, memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		workers[i].segment = new_segment();
		ski_segment_give(workers[i].segment, &fiber);
		workers[i].random = random_stream(i);
	}
}

/* All joined: nothing is left in any segment. */
static void close_workers(void)
{
	cr_assert_eq(finished, won);
	cr_assert_eq(stolen_joins, won);
	for (unsigned i = 0; i < worker_count; i++) {
		struct ski_segment *segment = workers[i].segment;

		cr_assert_eq(word_of(segment), 0);
		for (uint32_t n = 0; n < FRAMES; n++)
			cr_assert(is_free(&segment->frame[n]));
		free_segment(segment);
	}
}

enum {
	JOBS = SCALED(200000),
	YIELDS = 300, /* on average so many jobs from one to the next */
};

static atomic_uint had[JOBS];
static unsigned rounds;

static void have(skua_here here, struct skua_job *job)
{
	struct skua_frame *frame = (struct skua_frame *)(void *)job;

	(void)here;
	CHECK(frame->data[0] < JOBS);
	CHECK(frame->data[1] == ~frame->data[0]);
	add(&had[frame->data[0]], 1);
	frame->data[2] = frame->data[0] * 7;
}

/* Forks and joins up and down, as a task and its children would. */
static void fork_and_join(struct worker *self)
{
	struct ski_segment *segment = self->segment;
	skua_here here = segment->frame;
	uint64_t next = 0;

	while (next < JOBS || here != segment->frame) {
		uint32_t most = 1 + random_below(&self->random, FRAMES);
		unsigned down = random_below(&self->random, FRAMES);

		while (next < JOBS && ski_segment_index(segment, here) < most) {
			here->data[0] = next;
			here->data[1] = ~next++;
			here = skua_fork(here, have);
			if (random_below(&self->random, YIELDS) == 0)
				sched_yield();
		}
		while (here != segment->frame && (down-- || next == JOBS)) {
			uintptr_t taken = skua_take(here, have);

			here = (skua_here)(taken & ~(uintptr_t)1);
			if (taken & 1)
				have(here, &here->job);
			CHECK(here->data[2] == here->data[0] * 7);
		}
	}
}

/* Until somebody has stolen, however late the thieves are. */
static void fork_until_stolen(void)
{
	do {
		fork_and_join(&workers[0]);
		rounds++;
	} while (!atomic_load_explicit(&won, memory_order_relaxed));
	atomic_store_explicit(&over, true, memory_order_release);
}

static void fork_or_thieve(unsigned self)
{
	if (self == 0)
		fork_until_stolen();
	else
		thieve(&workers[self]);
}

Test(forkstack_threads, each_frame_is_won_once)
{
	for (unsigned n = 2; n <= WORKERS_MOST; n *= 2) {
		memset(had, 0, sizeof(had));
		rounds = 0;
		open_workers(n);
		crew_run(n, fork_or_thieve);
		for (size_t i = 0; i < JOBS; i++)
			cr_assert_eq(had[i], rounds,
				     "frame %zu, SKUA_TEST_SEED=%#" PRIx64, i,
				     test_seed());
		close_workers();
	}
}

/* ---- tasks ---- */

enum {
	FIB_N = SKI_ASAN || SKI_TSAN ? 20 : 25,
	ROUNDS = 20,
};

static const long fib_known[] = {
	[20] = 6765,
	[25] = 75025,
};

/* Plain recursion on the fork stacks: each value is what it must be. */
SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	if (n == FIB_N / 2) /* on one core thieves run now or never */
		sched_yield();
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void fib_or_thieve(unsigned self)
{
	if (self) {
		thieve(&workers[self]);
		return;
	}
	do {
		CHECK(fib(workers[0].segment->frame, FIB_N) ==
		      fib_known[FIB_N]);
		sched_yield();
	} while (++rounds < ROUNDS ||
		 (!atomic_load_explicit(&won, memory_order_relaxed) &&
		  worker_count > 1));
	atomic_store_explicit(&over, true, memory_order_release);
}

Test(forkstack_threads, tasks_are_stolen_from_thieves_too)
{
	for (unsigned n = 1; n <= WORKERS_MOST; n *= 2) {
		rounds = 0;
		open_workers(n);
		crew_run(n, fib_or_thieve);
		close_workers();
	}
}

/* ---- proxies ---- */

enum {
	POPPERS = 3,
	SPELLS = SCALED(4000),
};

/* A deque of proxies that has room for one, which is as many as there are. */
static atomic_uint proxies;
static atomic_uint pops;

static void push_proxy(struct ski_segment *segment)
{
	if (ski_proxy_offer(segment))
		CHECK(!atomic_exchange_explicit(&proxies, 1,
						memory_order_release));
}

/* As lib/sched/run.c: pop, win one, push again if there are more, run it. */
static void pop_proxy(struct ski_segment *segment)
{
	struct skua_frame *frame;
	bool again;

	if (!atomic_exchange_explicit(&proxies, 0, memory_order_acquire)) {
		sched_yield();
		return;
	}
	add(&pops, 1);
	ski_proxy_popped(segment);
	do {
		again = false;
		frame = ski_forkstack_steal(segment, false, &again);
	} while (again);
	if (!frame)
		return;
	add(&won, 1);
	if (ski_segment_ready(segment))
		push_proxy(segment);
	ski_frame_name_thief(frame, segment);
	frame->job.run(segment->frame, &frame->job);
	finish(frame);
}

/* Some frames, then what a wait does: all are public, and one proxy stands for
 * them. They are only waited for: what is out of reach is a hang. */
static void expose_and_wait(struct worker *self, uint64_t *next)
{
	struct ski_segment *segment = self->segment;
	uint32_t count = 1 + random_below(&self->random, 3 * KEEP);
	skua_here here = segment->frame;

	for (uint32_t i = 0; i < count; i++) {
		here->data[0] = *next % JOBS;
		here->data[1] = ~here->data[0];
		++*next;
		here = skua_fork(here, have);
		if (random_below(&self->random, 4) == 0 &&
		    ski_segment_ready(segment))
			push_proxy(segment);
	}
	if (ski_forkstack_expose_all(segment) || ski_segment_ready(segment))
		push_proxy(segment);
	for (uint32_t i = 0; i < count; i++)
		sleep_until_done(&segment->frame[i]);
	while (here != segment->frame)
		here = (skua_here)skua_take(here, have);
	CHECK(word_of(segment) == 0);
}

static void expose_or_pop(unsigned self)
{
	uint64_t next = 0;

	if (self) {
		while (!atomic_load_explicit(&over, memory_order_acquire))
			pop_proxy(workers[0].segment);
		return;
	}
	for (int i = 0; i < SPELLS; i++)
		expose_and_wait(&workers[0], &next);
	for (uint64_t i = 0; i < JOBS; i++)
		CHECK(had[i] == next / JOBS + (i < next % JOBS));
	CHECK(won == next);
	atomic_store_explicit(&over, true, memory_order_release);
}

Test(forkstack_threads, a_proxy_leaves_nothing_behind)
{
	open_workers(1);
	crew_run(1 + POPPERS, expose_or_pop);
	cr_expect_gt(pops, 0);
	cr_expect_leq(atomic_load(&proxies), 1);
	close_workers();
}
