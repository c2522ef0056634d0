/* SPDX-License-Identifier: MIT */
/*
 * Groups, with the source of lib/sched (group.c, child.c) and the queue of
 * those who wait: children that end, add others and fail; who waits, destroys
 * and frees the group at once; cancelling and polling.
 *
 * Children are not run from deques here: they are what the threads do, in the
 * order in which a worker would.
 */
#include "child.c"
#include "group.c"
#include "runtime.h"

static struct {
	struct rt rt;
	struct ski_group *group; /* from the heap, so that it may be freed */
	struct ski_group *parent, *other;
	unsigned wrote[EX_THREADS]; /* plain: what a child did */
	unsigned readers; /* who wait; the last one frees */
	_Atomic(unsigned) left;
	_Atomic(unsigned) passed; /* a child is handed on */
	unsigned payload; /* written before it is cancelled */
	bool saw;
	unsigned round;
} s;

static struct ski_group *new_group(uint64_t children)
{
	struct skua_group *group = ski_calloc(1, sizeof(*group));

	ex_assert(skua_group_init(group, &s.rt.pool) == 0);
	if (children)
		ski_group_enter(ski_group_of(group), children);
	return ski_group_of(group);
}

static struct skua_group *name_of(struct ski_group *group)
{
	return (struct skua_group *)(void *)group;
}

static void setup_two(void)
{
	s.group = new_group(2);
	s.readers = 1;
}

static void setup_two_readers(void)
{
	s.group = new_group(1);
	s.readers = 2;
	atomic_init(&s.left, 2);
}

static void setup_one(void)
{
	s.group = new_group(1);
	s.readers = 1;
}

static void write(void)
{
	s.wrote[ex_self()] = 1;
}

static unsigned all_written(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		sum += s.wrote[i];
	return sum;
}

/* ---- ending and waiting ---- */

static void end_one(void)
{
	write();
	ski_group_leave(s.group, 1);
}

static void destroy(void)
{
	ex_assert(skua_group_destroy(name_of(s.group)) == 0);
	ski_free(s.group);
}

static void wait_for_two(void)
{
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 0);
	ex_assert(all_written() == 2);
	destroy();
}

static void wait_with_another(void)
{
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 0);
	ex_assert(all_written() == 1);
	/* Acquire and release: the last one comes after the other. */
	if (atomic_fetch_sub_explicit(&s.left, 1, memory_order_acq_rel) == 1)
		destroy();
}

static void wait_impatiently(void)
{
	int error = skua_group_wait(name_of(s.group), 1);

	ex_assert(!error || error == SKUA_ETIMEDOUT);
	if (error)
		error = skua_group_wait(name_of(s.group), SKUA_FOREVER);
	ex_assert(!error && all_written() == 1);
	destroy();
}

static void look_and_wait(void)
{
	int error = skua_group_wait(name_of(s.group), 0);

	ex_assert(!error || error == SKUA_ETIMEDOUT);
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 0);
	ex_assert(all_written() == 1);
	destroy();
}

/* ---- errors ---- */

static void fail_seven(void)
{
	ski_group_fail(s.group, 7);
	end_one();
}

static void wait_for_seven(void)
{
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 7);
	ex_assert(all_written() == 2);
	destroy();
}

/* Added one after the other: the group is empty in between. */
static void setup_none(void)
{
	s.group = new_group(0);
}

static void fail_and_hand_on(void)
{
	ski_group_enter(s.group, 1);
	fail_seven();
	ski_group_enter(s.group, 1);
	/* Release: as the deque. */
	atomic_store_explicit(&s.passed, 1, memory_order_release);
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 7);
	destroy();
}

static void take_and_end(void)
{
	ex_await(atomic_load_explicit(&s.passed, memory_order_acquire));
	end_one();
}

/* Two who wait hear of the same. */
static void fail_one(void)
{
	ski_group_fail(s.group, 7);
	end_one();
}

static void wait_for_seven_with_another(void)
{
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 7);
	if (atomic_fetch_sub_explicit(&s.left, 1, memory_order_acq_rel) == 1)
		destroy();
}

/* The next round begins while another still waits for the last one. */
static void wait_and_go_on(void)
{
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 0);
	ski_group_enter(s.group, 1);
	ski_group_leave(s.group, 1);
	ex_assert(skua_group_wait(name_of(s.group), SKUA_FOREVER) == 0);
	if (atomic_fetch_sub_explicit(&s.left, 1, memory_order_acq_rel) == 1)
		destroy();
}

/* ---- credit ---- */

static void setup_credit(void)
{
	rt_open(&s.rt, 2);
	s.group = new_group(1);
}

/* A child adds another, which worker 2 runs, and ends after that or before. */
static void add_by_credit(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	ski_fiber_set_scope(worker->fiber, &s.group->scope);
	ski_child_enter(s.group);
	write();
	atomic_store_explicit(&s.passed, 1, memory_order_release);
	ski_fiber_set_scope(worker->fiber, NULL);
	earn(worker, s.group, 1);
	ski_child_settle(worker);
}

static void end_by_credit(void)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	ex_await(atomic_load_explicit(&s.passed, memory_order_acquire));
	write();
	earn(worker, s.group, 1);
	ski_child_settle(worker);
}

static void close_rt(void)
{
	rt_close(&s.rt);
}

/* ---- cancelling ---- */

static void setup_tree(void)
{
	s.parent = new_group(1);
	s.group = new_group(1);
	s.group->parent = s.parent;
	s.other = new_group(0);
	ex_assert(!ski_group_cancelled(s.group));
}

static void cancel_parent(void)
{
	s.payload = 1;
	ex_assert(skua_group_cancel(name_of(s.parent)) == 0);
}

static void cancel_other(void)
{
	ex_assert(skua_group_cancel(name_of(s.other)) == 0);
}

static void poll_twice(void)
{
	bool saw = ski_group_cancelled(s.group);

	if (saw)
		ex_assert(s.payload == 1);
	s.saw = ski_group_cancelled(s.group);
	ex_assert(s.saw || !saw);
	if (s.saw)
		ex_assert(s.payload == 1);
}

/* Whoever polled in between, it is seen now, and the one beside it is not. */
static void check_cancelled(void)
{
	ex_assert(ski_group_cancelled(s.group));
	ex_assert(ski_group_cancelled(s.parent));
	ski_group_leave(s.parent, 1);
	ex_assert(skua_group_wait(name_of(s.parent), 0) == SKUA_ECANCELLED);
	ex_assert(!ski_group_cancelled(s.group));
	ski_free(s.group);
	ski_free(s.parent);
	ski_free(s.other);
}

/* The last child ends while it is cancelled: that counts, or is for the next
 * wait, but not lost halfway. */
static void cancel_it(void)
{
	ex_assert(skua_group_cancel(name_of(s.group)) == 0);
}

static void wait_either(void)
{
	int error = skua_group_wait(name_of(s.group), SKUA_FOREVER);

	ex_assert(!error || error == SKUA_ECANCELLED);
	s.round = error ? 1 : 0;
}

static void check_either(void)
{
	int error = skua_group_wait(name_of(s.group), 0);

	ex_assert(error == SKUA_ECANCELLED);
	ex_assert(!ski_group_cancelled(s.group));
	destroy();
}

#define SCENARIO(id, text, ...)                                        \
	EX_SCENARIO(id, .concept = "group", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)
/* With two old stores, and as many as there are with one preemption. */
#define BOTH_SCENARIOS(id, text, ...)                          \
	SCENARIO(id, text, .stale = 2, .most = 3, __VA_ARGS__) \
	SCENARIO(id##_stale, text, .fewer = 2, .most = 3, __VA_ARGS__)

SCENARIO(group_wait, "two children end, who waits frees it", .setup = setup_two,
	 .run = { end_one, end_one, wait_for_two })
SCENARIO(group_two_wait, "two wait, the second frees it", .most = 3,
	 .setup = setup_two_readers,
	 .run = { end_one, wait_with_another, wait_with_another })
SCENARIO(group_timeout, "a wait runs out", .setup = setup_one, .timeouts = 1,
	 .run = { end_one, wait_impatiently })
SCENARIO(group_look, "a look, then a wait", .setup = setup_one,
	 .run = { end_one, look_and_wait })
SCENARIO(group_fail, "the error of one of two", .setup = setup_two,
	 .run = { fail_seven, end_one, wait_for_seven })
SCENARIO(group_fail_between, "an error outlasts the moment without children",
	 .setup = setup_none, .run = { fail_and_hand_on, take_and_end })
BOTH_SCENARIOS(group_fail_two, "two hear of the same error",
	       .setup = setup_two_readers,
	       .run = { fail_one, wait_for_seven_with_another,
			wait_for_seven_with_another })
SCENARIO(group_next_round, "a round begins while one waits for the last",
	 .stale = 2, .most = 3, .setup = setup_two_readers,
	 .run = { end_one, wait_and_go_on, wait_with_another })
SCENARIO(group_credit, "a child adds one that another worker ends",
	 .setup = setup_credit, .check = close_rt,
	 .run = { add_by_credit, end_by_credit, wait_for_two })
SCENARIO(group_cancel, "a poll against cancellations of two",
	 .setup = setup_tree, .check = check_cancelled,
	 .run = { cancel_parent, cancel_other, poll_twice })
SCENARIO(group_cancel_end, "cancelled as the last child ends",
	 .setup = setup_one, .check = check_either,
	 .run = { end_one, cancel_it, wait_either })
