/* SPDX-License-Identifier: MIT */
/*
 * The fork stack: owner and thieves over the frames of one segment. Every child
 * runs exactly once, with its own arguments, its parent gets its result, and
 * nothing stays hidden from a thief that asked. The source of skua/fork.h and
 * core/forkstack.h; the runtime around it is in scenario_fork.c.
 *
 * Thread 1 forks and joins, the others steal. Frames are plain memory: whoever
 * reads one without having been given it is found as a race.
 */
#include "forkstack.h"
#include "parking.h"

enum {
	CHILDREN = 4,
	RESULT = 100
};

static struct {
	struct ski_segment *segment;
	unsigned forked;
	unsigned ran[EX_THREADS][CHILDREN];
	struct ski_parking parking;
	bool woken; /* the owner showed something to who is idle */
	_Atomic(unsigned) told; /* somebody asked in vain; or a proxy is queued */
	_Atomic(uint32_t) awake;
	uint64_t thief[EX_THREADS]; /* stands for a thief's segment */
} s;

/* What fork.c has, but for the runtime. */

static void look_at_idle(bool exposed)
{
	if (!ski_parking_idle(ski_parking_published(&s.parking)))
		return;
	ski_segment_listen(s.segment);
	s.woken |= exposed;
}

skua_here skua_fork_slow_1(skua_here here)
{
	look_at_idle(ski_forkstack_fork(s.segment,
					ski_segment_index(s.segment, here)));
	return here;
}

static void wait_frame(struct skua_frame *frame)
{
	if (!ski_frame_wait(frame, &s.awake))
		return;
	while (!atomic_exchange_explicit(&s.awake, 0, memory_order_acquire))
		ski_futex_wait(&s.awake, 0, -1);
}

uintptr_t skua_join_slow_1(skua_here here)
{
	struct skua_frame *frame = here - 1;
	uint32_t i = ski_segment_index(s.segment, frame);

	switch (ski_forkstack_join(s.segment, i)) {
	case SKI_JOIN_EXPOSED:
		look_at_idle(ski_segment_ready(s.segment));
		return (uintptr_t)frame | 1;
	case SKI_JOIN_MINE:
		return (uintptr_t)frame | 1;
	case SKI_JOIN_STOLEN:
		break;
	}
	wait_frame(frame);
	ski_forkstack_rebase(s.segment, i);
	return (uintptr_t)frame;
}

static void child(skua_here here, struct skua_job *job)
{
	struct skua_frame *frame = (struct skua_frame *)(void *)job;

	(void)here;
	ex_assert(frame->data[0] < CHILDREN);
	++s.ran[ex_self()][frame->data[0]];
	frame->data[0] += RESULT;
}

static skua_here fork_child(skua_here here)
{
	here->data[0] = s.forked++;
	return skua_fork(here, child);
}

/* As name_join() of fork.h. */
static skua_here join_child(skua_here here, uint64_t which)
{
	uintptr_t taken = skua_take(here, child);

	here = (skua_here)(taken & ~(uintptr_t)1);
	if (taken & 1)
		child(here, &here->job);
	ex_assert(here->data[0] == which + RESULT);
	return here;
}

static struct skua_frame *steal(bool asks)
{
	struct skua_frame *frame;
	bool again;

	do {
		again = false;
		frame = ski_forkstack_steal(s.segment, asks, &again);
	} while (again);
	return frame;
}

/* As ski_run_frame() of run.c. */
static void run_stolen(struct skua_frame *frame)
{
	_Atomic(uint32_t) *waiter;

	ski_frame_name_thief(frame, (struct ski_segment *)&s.thief[ex_self()]);
	frame->job.run(NULL, &frame->job);
	waiter = ski_frame_finish(frame);
	if (!waiter)
		return;
	atomic_store_explicit(waiter, 1, memory_order_release);
	ski_futex_wake(waiter, 1);
}

static void steal_once(void)
{
	struct skua_frame *frame = steal(true);

	if (frame)
		run_stolen(frame);
}

/* As who popped a proxy. */
static void steal_quietly(void)
{
	struct skua_frame *frame = steal(false);

	if (frame)
		run_stolen(frame);
}

static void steal_twice(void)
{
	steal_once();
	steal_once();
}

static void setup(void)
{
	s.segment = ski_block_alloc(SKUA_SEGMENT_BYTES);
	ski_segment_reset(s.segment);
}

static void check(void)
{
	for (unsigned i = 0; i < CHILDREN; ++i) {
		unsigned times = 0;
		for (unsigned t = 0; t < EX_THREADS; ++t)
			times += s.ran[t][i];
		ex_assert(times == (i < s.forked));
	}
	ski_block_free(s.segment, SKUA_SEGMENT_BYTES);
}

#define FORKSTACK_SCENARIO(id, text, ...)                                     \
	EX_SCENARIO(id, .concept = "forkstack", .what = text, .state = &s,    \
		    .state_bytes = sizeof(s), .setup = setup, .check = check, \
		    __VA_ARGS__)

/* ---- every child once ---- */

/* Forked in a row, joined the other way round. */
static void fork_and_join(unsigned children)
{
	skua_here here = s.segment->frame;

	for (unsigned i = 0; i < children; ++i)
		here = fork_child(here);
	for (unsigned i = children; i-- > 0;)
		here = join_child(here, i);
	ex_assert(here == s.segment->frame);
}

static void fork_join_one(void)
{
	fork_and_join(1);
}

static void fork_join_two(void)
{
	fork_and_join(2);
}

static void fork_join_three(void)
{
	fork_and_join(3);
}

static void fork_join_four(void)
{
	fork_and_join(4);
}

/* The frame is used again, for another child, while a thief may still be about
 * to read what it saw in the word before. */
static void fork_join_again(void)
{
	skua_here here = s.segment->frame;

	for (unsigned i = 0; i < 2; ++i) {
		here = fork_child(here);
		here = join_child(here, i);
	}
}

/* The frame that is used again stands above one that is out all the time. */
static void fork_join_above(void)
{
	skua_here here = fork_child(s.segment->frame);

	for (unsigned i = 1; i < 3; ++i) {
		here = fork_child(here);
		here = join_child(here, i);
	}
	join_child(here, 0);
}

FORKSTACK_SCENARIO(forkstack_last, "owner and two thieves for the last frame",
		   .run = { fork_join_one, steal_once, steal_once })
FORKSTACK_SCENARIO(forkstack_expose, "frames become public",
		   .run = { fork_join_three, steal_twice })
FORKSTACK_SCENARIO(forkstack_reclaim, "public frames are taken back",
		   .run = { fork_join_four, steal_once })
FORKSTACK_SCENARIO(forkstack_two_thieves, "two thieves over two frames",
		   .run = { fork_join_two, steal_once, steal_once })
FORKSTACK_SCENARIO(forkstack_rebase, "a stolen frame is used again",
		   .run = { fork_join_again, steal_twice })
FORKSTACK_SCENARIO(forkstack_stale, "... against a stale thief",
		   .run = { fork_join_again, steal_once, steal_quietly })
FORKSTACK_SCENARIO(forkstack_above, "... above one that is out",
		   .run = { fork_join_above, steal_twice })
FORKSTACK_SCENARIO(forkstack_spurious, "a CAS fails, a sleeper wakes up",
		   .spurious = 2, .stray = 1,
		   .run = { fork_join_two, steal_twice })

/* ---- asking: hunger and poison ---- */

/* As park() in loop.c: what it did not get comes with a wake. */
static void ask(void)
{
	struct skua_frame *frame;

	ski_parking_announce(&s.parking, false, false);
	frame = steal(true);
	if (frame)
		run_stolen(frame);
	else
		/* Release: that it asked. */
		atomic_store_explicit(&s.told, 1, memory_order_release);
}

/* The public one, so that only hidden ones are left. */
static void steal_then_ask(void)
{
	steal_quietly();
	ask();
}

static bool is_told(void)
{
	return atomic_load_explicit(&s.told, memory_order_acquire);
}

/* Somebody asked before this join of @frame or fork behind it and sleeps:
 * nothing older is the owner's alone any more. */
static void check_shown(const struct skua_frame *frame)
{
	ex_assert(s.woken || ski_segment_split(s.segment) >=
				     ski_segment_index(s.segment, frame));
}

/* While the owner runs a child itself, nothing older stays hidden. */
static void join_asked(unsigned children)
{
	skua_here here = s.segment->frame;

	for (unsigned i = 0; i < children; ++i)
		here = fork_child(here);
	for (unsigned i = children; i-- > 0;) {
		bool told = is_told();
		uintptr_t taken = skua_take(here, child);

		here = (skua_here)(taken & ~(uintptr_t)1);
		if (taken & 1) {
			if (told)
				check_shown(here);
			child(here, &here->job);
		}
		ex_assert(here->data[0] == i + RESULT);
	}
}

static void join_three_asked(void)
{
	join_asked(3);
}

static void join_four_asked(void)
{
	join_asked(4);
}

/* What is forked after the asking is public at once. */
static void fork_asked(void)
{
	skua_here here = fork_child(s.segment->frame);

	here = join_child(here, 0);
	for (unsigned i = 1; i < 3; ++i) {
		bool told = is_told();

		here = fork_child(here);
		if (told)
			check_shown(here);
	}
	here = join_child(here, 2);
	join_child(here, 1);
}

FORKSTACK_SCENARIO(forkstack_poison, "a join shows what was asked for",
		   .run = { join_three_asked, steal_then_ask })
FORKSTACK_SCENARIO(forkstack_poison_full, "... and what a full segment had",
		   .run = { join_four_asked, ask })
FORKSTACK_SCENARIO(forkstack_poison_steal, "... while another steals",
		   .fewer = 2, .run = { join_three_asked, ask, steal_quietly })
FORKSTACK_SCENARIO(forkstack_hunger, "a fork shows what was asked for",
		   .run = { fork_asked, ask })

/* ---- proxies ---- */

static void offer(void)
{
	skua_here here = s.segment->frame;

	for (unsigned i = 0; i < 2; ++i) {
		here = fork_child(here);
		ski_forkstack_expose_all(s.segment);
		/* The deque: at most one proxy is in it. */
		if (ski_proxy_offer(s.segment))
			ex_assert(!atomic_exchange_explicit(
				&s.told, 1, memory_order_release));
	}
	here = join_child(here, 1);
	join_child(here, 0);
}

/* Who pops the proxy after the last offer finds what was offered with it. */
static void pop_proxy(void)
{
	for (unsigned i = 0; i < 2; ++i) {
		if (!atomic_exchange_explicit(&s.told, 0, memory_order_acquire))
			continue;
		ski_proxy_popped(s.segment);
		steal_quietly();
	}
}

FORKSTACK_SCENARIO(forkstack_proxy,
		   "a proxy is queued once, and leads to frames",
		   .run = { offer, pop_proxy })
