/* SPDX-License-Identifier: MIT */
/*
 * Read-side sections and grace periods, as the library uses them: what a
 * section can see stays until it is closed.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "core_test.h"

#include "rcu.h"

TestSuite(rcu, .timeout = LIMIT);

Test(rcu, sections_nest)
{
	ski_rcu_read_lock();
	ski_rcu_read_lock();
	ski_rcu_read_unlock();
	ski_rcu_read_unlock();
	/* Hangs if one were still open. */
	ski_rcu_synchronize();
}

enum {
	LOOKS = 1000,
	READERS = 4,
	CHANGES =
		200, /* liburcu sleeps 10 ms over a reader it has to wait for */
};

static struct {
	_Atomic bool open, waiting;
	_Atomic bool waited;
} gate;

static void set(_Atomic bool *flag)
{
	atomic_store_explicit(flag, true, memory_order_release);
}

static bool is_set(_Atomic bool *flag)
{
	return atomic_load_explicit(flag, memory_order_acquire);
}

static void await(_Atomic bool *flag)
{
	while (!is_set(flag))
		sched_yield();
}

static void hold_section(void)
{
	ski_rcu_read_lock();
	ski_rcu_read_lock();
	set(&gate.open);
	await(&gate.waiting);
	for (int i = 0; i < LOOKS; i++) {
		CHECK(!is_set(&gate.waited));
		sched_yield();
	}
	ski_rcu_read_unlock();
	/* The inner one: the section is still open. */
	for (int i = 0; i < LOOKS; i++) {
		CHECK(!is_set(&gate.waited));
		sched_yield();
	}
	ski_rcu_read_unlock();
}

static void hold_or_wait(unsigned self)
{
	if (self == 0) {
		hold_section();
		return;
	}
	await(&gate.open);
	set(&gate.waiting);
	ski_rcu_synchronize();
	set(&gate.waited);
}

Test(rcu, a_grace_period_waits_for_an_open_section)
{
	crew_run(2, hold_or_wait);
	cr_expect(is_set(&gate.waited));
}

/* Plain, so that TSan judges the order too. */
struct thing {
	uint64_t value, complement;
};

static struct {
	_Atomic(struct thing *) current;
	_Atomic unsigned changed;
	_Atomic unsigned seen;
} shared;

static struct thing *new_thing(uint64_t value)
{
	struct thing *thing = malloc(sizeof(*thing));

	*thing = (struct thing){ value, ~value };
	return thing;
}

static void change(void)
{
	for (uint64_t i = 1; i <= CHANGES; i++) {
		struct thing *old = atomic_exchange_explicit(
			&shared.current, new_thing(i), memory_order_acq_rel);

		ski_rcu_synchronize();
		CHECK(old->value == i - 1);
		*old = (struct thing){ 0, 0 };
		free(old);
		atomic_store_explicit(&shared.changed, (unsigned)i,
				      memory_order_release);
	}
}

static void read_or_change(unsigned self)
{
	uint64_t last = 0;
	unsigned seen = 0;

	if (self == READERS) {
		change();
		return;
	}
	do {
		const struct thing *thing;

		ski_rcu_read_lock();
		thing = atomic_load_explicit(&shared.current,
					     memory_order_acquire);
		CHECK(thing->value == ~thing->complement);
		CHECK(thing->value >= last);
		seen += thing->value != last;
		last = thing->value;
		ski_rcu_read_unlock();
	} while (atomic_load_explicit(&shared.changed, memory_order_acquire) <
		 CHANGES);
	atomic_fetch_add_explicit(&shared.seen, seen, memory_order_relaxed);
}

Test(rcu, nothing_is_freed_under_a_reader)
{
	struct thing *last = new_thing(0);

	atomic_init(&shared.current, last);
	crew_run(READERS + 1, read_or_change);
	last = atomic_load_explicit(&shared.current, memory_order_relaxed);
	cr_expect_eq(last->value, CHANGES);
	/* The readers were there while it changed. */
	cr_expect_gt(shared.seen, 0);
	free(last);
}

static struct {
	_Atomic unsigned arrived;
	_Atomic bool leave;
} crowd;

static void wait_in_section(unsigned self)
{
	pid_t child;
	int status = 0;

	if (self) {
		ski_rcu_read_lock();
		atomic_fetch_add_explicit(&crowd.arrived, 1,
					  memory_order_acq_rel);
		await(&crowd.leave);
		ski_rcu_read_unlock();
		return;
	}
	while (atomic_load_explicit(&crowd.arrived, memory_order_acquire) <
	       READERS)
		sched_yield();
	urcu_bp_before_fork();
	child = fork();
	if (child == 0) {
		urcu_bp_after_fork_child();
		ski_rcu_synchronize();
		ski_rcu_read_lock();
		ski_rcu_read_unlock();
		_exit(7);
	}
	urcu_bp_after_fork_parent();
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	set(&crowd.leave);
}

/* With the handlers that lib/sched/forked.c installs: those who stood in
 * sections are not there, and nothing waits for them. */
Test(rcu, in_a_child_of_fork)
{
	crew_run(READERS + 1, wait_in_section);
}
