/* SPDX-License-Identifier: MIT */
/*
 * The fork stack: owner and thieves over the frames of one segment, and who
 * asks for more. The source of skua/fork.h, core/forkstack.h and lib/sched,
 * with loop.c as it is for workers that sleep. Waiting joins, chains, proxies
 * and leapfrogging are in scenario_fork.c.
 */
#include "fork_children.h"

/* A worker that lies down says so: what it looked for in vain it has asked
 * for before. */
static void say_asleep(void)
{
	/* Release: the asking. */
	atomic_store_explicit(&s.told, 1, memory_order_release);
}

#undef ski_futex_wait
#define ski_futex_wait(word, expected, deadline_ns)                        \
	(say_asleep(), ex_futex_wait(EX_SITE("futex wait " #word), (word), \
				     (expected), (deadline_ns)))
#include "loop.c"

/* ---- every child once ---- */

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

/* A wait that was over at once: all children are public, and are taken back
 * several at a time. */
static void fork_wait_join_three(void)
{
	skua_here here = start_owner();

	fork_leaves(&here, 3);
	prepare_wait();
	join_leaves(&here, 2, 3);
}

/* The frame is used again, for another child, while a thief may still be about
 * to win what it saw in the word before. */
static void fork_join_again(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < 2; ++i) {
		fork_leaves(&here, 1);
		join_leaves(&here, i, 1);
	}
}

/* The frame that is used again stands above one that is out all the time. */
static void fork_join_above(void)
{
	skua_here here = start_owner();

	fork_leaves(&here, 1);
	for (unsigned i = 1; i < 3; ++i) {
		fork_leaves(&here, 1);
		join_leaves(&here, i, 1);
	}
	join_leaves(&here, 0, 1);
}

FORK_SCENARIO(forkstack_last, "forkstack",
	      "owner and two thieves for the last frame", .setup = setup_three,
	      .run = { fork_join_one, steal_once, steal_once })
FORK_SCENARIO(forkstack_expose, "forkstack",
	      "frames become public, and joins find them stolen",
	      .setup = setup_two, .run = { fork_join_three, steal_twice })
FORK_SCENARIO(forkstack_reclaim, "forkstack",
	      "public frames are taken back, several at a time",
	      .setup = setup_two, .run = { fork_wait_join_three, steal_once })
FORK_SCENARIO(forkstack_two_thieves, "forkstack", "two thieves over two frames",
	      .setup = setup_three,
	      .run = { fork_join_two, steal_quietly, steal_once })
FORK_SCENARIO(forkstack_rebase, "forkstack", "a stolen frame is used again",
	      .setup = setup_two, .run = { fork_join_again, steal_twice })
FORK_SCENARIO(forkstack_stale, "forkstack", "... against a stale thief",
	      .setup = setup_three,
	      .run = { fork_join_again, steal_once, steal_quietly })
FORK_SCENARIO(forkstack_above, "forkstack", "... above one that is out",
	      .setup = setup_two, .run = { fork_join_above, steal_twice })
FORK_SCENARIO(forkstack_spurious, "forkstack",
	      "a CAS fails, a sleeper wakes for no reason", .setup = setup_two,
	      .spurious = 2, .stray = 1, .run = { fork_join_two, steal_twice })

/* ---- asking: hunger and poison ---- */

/* Lies down once; when it has been woken, or has found something, it steals
 * while there is something, and asks no more. */
static void sleep_then_steal(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);
	uintptr_t job = park(worker);

	if (job)
		ski_run(ski_fiber_base(worker->fiber), job);
	while (steal_first(false))
		;
}

/* Whether worker 1 has asked in vain and sleeps: it does so once, and only
 * worker 0 wakes it. */
static bool is_asked(void)
{
	/* Acquire: the asking. */
	return !ski_woke_sleeper &&
	       atomic_load_explicit(&s.told, memory_order_acquire);
}

/* If its parent was asked before it joined this, it runs as long as the next
 * older child, which must have been shown, is not started by another. */
SKUA_TASK(uint64_t, patient, uint64_t, child)
{
	(void)here;
	atomic_store_explicit(&s.started[child], 1, memory_order_relaxed);
	note_run(child);
	if (child && ex_self() == 1 && s.asked)
		ex_await(has_started(child - 1));
	return child + RESULT;
}

static void join_patient(skua_here *here, unsigned children)
{
	for (unsigned i = children; i-- > 0;) {
		s.asked = is_asked();
		ex_assert(patient_join(here) == i + RESULT);
	}
}

static void join_three_asked(void)
{
	skua_here here = start_owner();

	for (unsigned i = 0; i < 3; ++i)
		patient_fork(&here, s.forked++);
	join_patient(&here, 3);
}

/* The second time the frames are private, and nobody has looked at the idle
 * since the first child was taken back. */
static void join_again_asked(void)
{
	skua_here here = start_owner();

	leaf_fork(&here, 7);
	ex_assert(leaf_join(&here) == 7 + RESULT);
	for (unsigned i = 0; i < 2; ++i)
		patient_fork(&here, s.forked++);
	join_patient(&here, 2);
	s.ran[1][7] = s.ran[2][7] = 0;
}

/* A wait that was over at once; the proxy is in some deque since an earlier
 * one. What was public is taken back in a piece. */
static void take_back_asked(void)
{
	skua_here here = start_owner();

	ex_assert(ski_proxy_offer(s.rt.fiber[0].first));
	for (unsigned i = 0; i < 3; ++i)
		patient_fork(&here, s.forked++);
	prepare_wait();
	join_patient(&here, 3);
}

/* A child forked after the asking is shown at once, and one before. */
static void fork_asked(void)
{
	skua_here here = start_owner();

	marked_fork(&here, s.forked++);
	ex_assert(marked_join(&here) == 0 + RESULT);
	for (unsigned i = 1; i < 3; ++i) {
		bool asked = is_asked();

		marked_fork(&here, s.forked++);
		if (asked)
			ex_await(has_started(1));
	}
	ex_assert(marked_join(&here) == 2 + RESULT);
	ex_assert(marked_join(&here) == 1 + RESULT);
}

FORK_SCENARIO(forkstack_poison, "forkstack", "a join shows what was asked for",
	      .setup = setup_two, .daemons = 4,
	      .run = { join_three_asked, sleep_then_steal })
FORK_SCENARIO(forkstack_poison_back, "forkstack",
	      "... also if it takes frames back", .setup = setup_two,
	      .daemons = 4, .run = { take_back_asked, sleep_then_steal })
FORK_SCENARIO(forkstack_poison_again, "forkstack",
	      "... also after one was taken back", .setup = setup_two,
	      .daemons = 4, .run = { join_again_asked, sleep_then_steal })
FORK_SCENARIO(forkstack_hunger, "forkstack", "a fork shows what was asked for",
	      .setup = setup_two, .daemons = 4,
	      .run = { fork_asked, sleep_then_steal })
