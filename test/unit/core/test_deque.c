/* SPDX-License-Identifier: MIT */
/*
 * The deque, against a plain list first; then one owner and many thieves, where
 * each job must be had exactly once, by the owner newest first and by each
 * thief oldest first.
 */
#include "core_test.h"

#include <skua/error.h>

#include "deque.h"
#include "failing_memory.h"
#include "rcu.h"

TestSuite(deque, .timeout = LIMIT);

enum {
	SLOTS = SKI_DEQUE_SLOTS,
	BATCH = 32, /* most that lib/sched steals from a guest at once */
};

static struct ski_deque deque;

/* Indices start anywhere: at the end of what their type holds, too. */
static void open_at(ski_index start)
{
	cr_assert_eq(ski_deque_init(&deque), 0);
	atomic_store_explicit(&deque.top, start, memory_order_relaxed);
	atomic_store_explicit(&deque.bottom, start, memory_order_relaxed);
	deque.top_seen = start;
}

static const ski_index starts[] = {
	SKI_DEQUE_START,       INT64_MAX - 1, INT64_MAX, INT64_MIN, -3,
	INT64_MAX - SLOTS + 1,
};

static size_t slots_now(void)
{
	return atomic_load_explicit(&deque.ring, memory_order_relaxed)->mask +
	       1;
}

/* No ring is lost: they are in the retired list, each twice the next. */
static size_t count_retired(void)
{
	struct ski_ring *retired = ski_deque_retired(&deque);
	size_t count = 0, slots = slots_now();

	for (struct ski_ring *ring = retired; ring; ring = ring->older) {
		cr_assert_lt(ring->mask + 1, slots);
		slots = ring->mask + 1;
		count++;
	}
	ski_ring_free_all(retired);
	return count;
}

static void push(uintptr_t job)
{
	cr_assert_eq(ski_deque_reserve(&deque, 1), 0);
	ski_deque_push(&deque, job);
}

static uintptr_t steal(void)
{
	uintptr_t job = 0;
	int got = ski_deque_steal_many(&deque, &job, 1);

	cr_assert(got == 0 || got == 1);
	return got ? job : 0;
}

Test(deque, layout)
{
	cr_expect_eq((uintptr_t)&deque % SKI_LINE, 0);
	cr_expect_geq(offsetof(struct ski_deque, top), SKI_LINE);
	cr_expect_eq(SLOTS & (SLOTS - 1), 0);
}

Test(deque, empty)
{
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		open_at(starts[i]);
		cr_expect_eq(ski_deque_take(&deque), 0);
		cr_expect_eq(steal(), 0);
		cr_expect_eq(ski_deque_count(&deque), 0);
		push(1);
		cr_expect_eq(ski_deque_take(&deque), 1);
		cr_expect_eq(ski_deque_take(&deque), 0);
		cr_expect_eq(ski_deque_take(&deque), 0);
		push(2);
		cr_expect_eq(steal(), 2);
		cr_expect_eq(steal(), 0);
		/* The owner has not seen yet that it is gone. */
		cr_expect_eq(ski_deque_take(&deque), 0);
		cr_expect_eq(ski_deque_count(&deque), 0);
		cr_expect_null(ski_deque_retired(&deque));
		ski_deque_destroy(&deque);
	}
}

Test(deque, both_ends)
{
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		open_at(starts[i]);
		for (uintptr_t job = 1; job <= 9; job++)
			push(job);
		cr_expect_eq(ski_deque_count(&deque), 9);
		for (uintptr_t job = 1; job <= 4; job++) {
			cr_expect_eq(ski_deque_take(&deque), 10 - job);
			cr_expect_eq(steal(), job);
		}
		cr_expect_eq(ski_deque_count(&deque), 1);
		cr_expect_eq(ski_deque_take(&deque), 5);
		cr_expect_eq(ski_deque_take(&deque), 0);
		cr_expect_eq(steal(), 0);
		ski_deque_destroy(&deque);
	}
}

/* A job is a word of any value but 0. */
Test(deque, keeps_all_bits)
{
	open_at(SKI_DEQUE_START);
	push(UINTPTR_MAX);
	push(1);
	push(UINTPTR_MAX / 2 + 1);
	cr_expect_eq(ski_deque_take(&deque), UINTPTR_MAX / 2 + 1);
	cr_expect_eq(steal(), UINTPTR_MAX);
	cr_expect_eq(steal(), 1);
	ski_deque_destroy(&deque);
}

/* At each size the ring is full to the last slot before it grows. */
Test(deque, grows_when_full_and_not_before)
{
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		uintptr_t jobs = 0;

		open_at(starts[i]);
		for (size_t slots = SLOTS; slots <= 8 * SLOTS; slots *= 2) {
			while (jobs < slots) {
				push(++jobs);
				cr_assert_eq(slots_now(), slots);
			}
			push(++jobs);
			cr_assert_eq(slots_now(), 2 * slots);
		}
		cr_expect_eq(ski_deque_count(&deque), jobs);
		for (uintptr_t job = 1; job <= 3; job++)
			cr_expect_eq(steal(), job);
		for (uintptr_t job = jobs; job > 3; job--)
			cr_assert_eq(ski_deque_take(&deque), job);
		cr_expect_eq(ski_deque_take(&deque), 0);
		cr_expect_eq(count_retired(), 4);
		cr_expect_null(ski_deque_retired(&deque));
		ski_deque_destroy(&deque);
	}
}

/* What thieves took makes room: going round for ever needs no growth. */
Test(deque, goes_round_without_growing)
{
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		uintptr_t pushed = 0, stolen = 0;

		open_at(starts[i]);
		for (int n = 0; n < SLOTS; n++)
			push(++pushed);
		for (int n = 0; n < 5 * SLOTS; n++) {
			cr_assert_eq(steal(), ++stolen);
			push(++pushed);
		}
		cr_expect_eq(slots_now(), SLOTS);
		cr_expect_eq(ski_deque_count(&deque), SLOTS);
		/* Once more, while the ring is in no place of its own. */
		push(++pushed);
		cr_expect_eq(slots_now(), 2 * SLOTS);
		while (stolen < pushed)
			cr_assert_eq(steal(), ++stolen);
		ski_deque_destroy(&deque);
	}
}

/* Whatever is reserved fits, in a ring no larger than it needs to be. */
static void reserve(size_t used, size_t count)
{
	size_t slots = SLOTS;

	open_at(SKI_DEQUE_START);
	for (size_t n = 1; n <= used; n++)
		push(n);
	cr_assert_eq(ski_deque_reserve(&deque, count), 0);
	while (slots < used + count)
		slots *= 2;
	cr_assert_eq(slots_now(), slots);
	cr_assert_eq(ski_deque_count(&deque), used);
	for (size_t n = 1; n <= count; n++)
		ski_deque_push(&deque, used + n);
	for (size_t n = used + count; n > 0; n--)
		cr_assert_eq(ski_deque_take(&deque), n);
	ski_deque_destroy(&deque);
}

Test(deque, reserves_many)
{
	static const size_t used[] = { 0, 1, SLOTS / 2, SLOTS - 1, SLOTS };

	for (size_t i = 0; i < COUNT_OF(used); i++)
		for (size_t count = 0; count <= 5 * SLOTS; count++)
			reserve(used[i], count);
}

Test(deque, without_memory)
{
	/* Volatile, or the compiler warns of these sizes, rightly. */
	static volatile const size_t absurd[] = {
		SIZE_MAX,     SIZE_MAX - SLOTS, SIZE_MAX / 2,
		SIZE_MAX / 8, SIZE_MAX / 2 + 1, SIZE_MAX / 16 + 1,
	};

	memory_allow(0);
	cr_expect_eq(ski_deque_init(&deque), SKUA_ENOMEM);
	memory_relent();
	open_at(SKI_DEQUE_START);
	for (uintptr_t job = 1; job <= SLOTS; job++)
		push(job);
	memory_allow(0);
	cr_expect_eq(ski_deque_reserve(&deque, 1), SKUA_ENOMEM);
	cr_expect_eq(ski_deque_grow(&deque, 1), SKUA_ENOMEM);
	cr_expect_eq(memory_relent(), 2);
	for (size_t i = 0; i < COUNT_OF(absurd); i++)
		cr_expect_eq(ski_deque_reserve(&deque, absurd[i]), SKUA_ENOMEM);
	/* Nothing has happened. */
	cr_expect_eq(slots_now(), SLOTS);
	cr_expect_null(ski_deque_retired(&deque));
	cr_expect_eq(ski_deque_count(&deque), SLOTS);
	push(SLOTS + 1);
	for (uintptr_t job = SLOTS + 1; job > 0; job--)
		cr_assert_eq(ski_deque_take(&deque), job);
	ski_deque_destroy(&deque);
}

/* A stale top_seen asks for growth: grow() sees that there is room. */
Test(deque, grow_finds_room)
{
	open_at(SKI_DEQUE_START);
	for (uintptr_t job = 1; job <= SLOTS; job++)
		push(job);
	cr_expect_eq(steal(), 1);
	memory_allow(0);
	cr_expect_eq(ski_deque_reserve(&deque, 1), 0);
	cr_expect_eq(memory_relent(), 0);
	cr_expect_eq(slots_now(), SLOTS);
	ski_deque_destroy(&deque);
}

static void steal_at_most(int asked, size_t count)
{
	uintptr_t jobs[BATCH + 1] = { 0 };
	int expected = (int)count < asked ? (int)count : asked;

	for (uintptr_t job = 1; job <= count; job++)
		push(job);
	cr_assert_eq(ski_deque_steal_many(&deque, jobs, asked), expected);
	for (int n = 0; n < expected; n++)
		cr_assert_eq(jobs[n], (uintptr_t)n + 1);
	cr_assert_eq(jobs[expected], 0);
	cr_assert_eq(ski_deque_count(&deque), count - (size_t)expected);
}

/* All that is there, and no more than asked for. */
Test(deque, steals_no_more_than_asked)
{
	for (size_t i = 0; i < COUNT_OF(starts); i++)
		for (size_t count = 0; count <= 3 * BATCH; count++)
			for (int asked = 1; asked <= BATCH; asked++) {
				open_at(starts[i]);
				steal_at_most(asked, count);
				ski_deque_destroy(&deque);
			}
}

/* Jobs [front, back) of a plain array. */
static struct {
	uintptr_t job[1 << 16];
	size_t front, back;
} list;

static void compare_step(unsigned what, uintptr_t next)
{
	uintptr_t expected = 0;

	if (what < 3) {
		push(next);
		list.job[list.back++] = next;
	} else if (what == 3) {
		if (list.front < list.back)
			expected = list.job[--list.back];
		cr_assert_eq(ski_deque_take(&deque), expected);
	} else {
		if (list.front < list.back)
			expected = list.job[list.front++];
		cr_assert_eq(steal(), expected);
	}
	cr_assert_eq(ski_deque_count(&deque), list.back - list.front);
}

/* Pushes, takes and steals in a random order, more of the one, then of the
 * others. */
Test(deque, against_a_plain_list)
{
	uint64_t random = random_stream(0);

	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		open_at(starts[i]);
		list.front = list.back = 0;
		for (uintptr_t step = 1; step < COUNT_OF(list.job); step++) {
			unsigned what = random_below(&random, 6);

			if (step % 4096 > 2048 && what < 3)
				what = 3 + what % 2;
			compare_step(what == 5 ? 4 : what, step);
		}
		ski_deque_destroy(&deque);
	}
}

/* ---- one owner, many thieves ---- */

enum {
	THIEVES_MOST = 8,
	JOBS = SCALED(300000),
	OWNER = 0, /* and thieves from 1 on */
};

static struct job {
	atomic_uint had;
	uintptr_t payload; /* plain: published by the push */
} all[JOBS + 1];

static unsigned thieves;
static int most;
static atomic_bool pushed_all;
static _Alignas(SKI_LINE) atomic_uint had_by[THIEVES_MOST + 1];
static struct {
	uintptr_t job[JOBS + 1];
	size_t count;
} stack; /* what the owner would have if nobody stole */

/* Job @n is here now, for the first time. */
static void have(unsigned self, uintptr_t n)
{
	CHECK(n > 0 && n <= JOBS);
	CHECK(all[n].payload == n * 3);
	CHECK(!atomic_fetch_add_explicit(&all[n].had, 1, memory_order_relaxed));
	atomic_fetch_add_explicit(&had_by[self], 1, memory_order_relaxed);
}

static void owner_push(uintptr_t n)
{
	all[n].payload = n * 3;
	CHECK(!ski_deque_reserve(&deque, 1));
	ski_deque_push(&deque, n);
	stack.job[stack.count++] = n;
}

/* The newest, or nothing: then all were stolen, as the end will show. */
static void owner_take(void)
{
	uintptr_t n = ski_deque_take(&deque);

	if (n) {
		CHECK(stack.count && stack.job[stack.count - 1] == n);
		stack.count--;
		have(OWNER, n);
	} else {
		stack.count = 0;
	}
}

/* Waves up and down: the deque is empty often, and often long. */
static void own(bool takes)
{
	uint64_t random = random_stream(OWNER);
	uintptr_t next = 1;

	while (next <= JOBS) {
		unsigned up = 1 + random_below(&random, 200);
		unsigned down = random_below(&random, 220);

		while (up-- && next <= JOBS)
			owner_push(next++);
		while (takes && down--)
			owner_take();
	}
	while (takes && stack.count)
		owner_take();
	atomic_store_explicit(&pushed_all, true, memory_order_release);
}

/* In a read-side section, so that the rings it may look at are there. */
static int steal_some(uintptr_t jobs[])
{
	int got;

	ski_rcu_read_lock();
	got = ski_deque_steal_many(&deque, jobs, most);
	ski_rcu_read_unlock();
	return got;
}

static void thieve(unsigned self)
{
	uintptr_t jobs[BATCH], last = 0;

	for (;;) {
		bool last_look =
			atomic_load_explicit(&pushed_all, memory_order_acquire);
		int got = steal_some(jobs);

		CHECK(got >= -1 && got <= most);
		for (int i = 0; i < got; i++) {
			CHECK(jobs[i] > last);
			last = jobs[i];
			have(self, last);
		}
		if (got == 0 && last_look)
			return;
		if (got <= 0)
			sched_yield();
	}
}

static void take_or_thieve(unsigned self)
{
	if (self == OWNER)
		own(true);
	else
		thieve(self);
}

static void push_or_thieve(unsigned self)
{
	if (self == OWNER)
		own(false);
	else
		thieve(self);
}

/* Frees outgrown rings while thieves look at them. */
static void trim(void)
{
	bool last;

	do {
		struct ski_ring *ring;

		last = atomic_load_explicit(&pushed_all, memory_order_acquire);
		ring = ski_deque_retired(&deque);
		if (ring)
			ski_rcu_synchronize();
		ski_ring_free_all(ring);
		sched_yield();
	} while (!last);
}

static void take_thieve_or_trim(unsigned self)
{
	if (self == thieves + 1)
		trim();
	else
		take_or_thieve(self);
}

static void check_all_had(void)
{
	unsigned sum = 0;

	for (size_t n = 1; n <= JOBS; n++)
		cr_assert_eq(all[n].had, 1, "job %zu, SKUA_TEST_SEED=%#" PRIx64,
			     n, test_seed());
	for (unsigned i = 0; i <= thieves; i++)
		sum += had_by[i];
	cr_assert_eq(sum, JOBS);
	cr_assert_eq(ski_deque_count(&deque), 0);
}

static void run_with(unsigned thief_count, int steal_most, ski_index start,
		     unsigned more, void (*run)(unsigned))
{
	thieves = thief_count;
	most = steal_most;
	memset(all, 0, sizeof(all));
	memset(had_by, 0, sizeof(had_by));
	stack.count = 0;
	atomic_store_explicit(&pushed_all, false, memory_order_relaxed);
	open_at(start);
	crew_run(1 + thieves + more, run);
	check_all_had();
	ski_deque_destroy(&deque);
}

Test(deque, each_job_is_had_once)
{
	for (unsigned n = 1; n <= THIEVES_MOST; n *= 2)
		run_with(n, 1, SKI_DEQUE_START, 0, take_or_thieve);
}

Test(deque, each_job_is_had_once_where_indices_wrap)
{
	run_with(3, 1, INT64_MAX - JOBS / 2, 0, take_or_thieve);
	run_with(3, BATCH, INT64_MAX - JOBS / 2, 0, push_or_thieve);
}

Test(deque, each_job_of_a_guest_is_had_once)
{
	static const int mosts[] = { 1, 2, 7, BATCH };

	for (size_t i = 0; i < COUNT_OF(mosts); i++)
		run_with(1 + (unsigned)i, mosts[i], SKI_DEQUE_START, 0,
			 push_or_thieve);
}

Test(deque, outgrown_rings_are_freed_meanwhile)
{
	for (unsigned n = 1; n <= THIEVES_MOST; n *= 2)
		run_with(n, 1, SKI_DEQUE_START, 1, take_thieve_or_trim);
}

/* ---- the last job ---- */

enum {
	ROUNDS = SCALED(100000),
};

static _Alignas(SKI_LINE) atomic_uint round_now;
static atomic_uint takers;

/* One job a round: the owner and all thieves want it. */
static void want_the_last(unsigned self)
{
	uint64_t random = random_stream(self);

	for (unsigned round = 1; round <= ROUNDS; round++) {
		uintptr_t n = 0;

		if (self == OWNER) {
			owner_push(round);
			atomic_store_explicit(&round_now, round,
					      memory_order_release);
			for (unsigned i = random_below(&random, 50); i; i--)
				ski_pause();
			n = ski_deque_take(&deque);
			stack.count = 0;
		} else {
			while (atomic_load_explicit(&round_now,
						    memory_order_acquire) <
			       round)
				sched_yield();
			if (ski_deque_steal_many(&deque, &n, 1) != 1)
				n = 0;
		}
		CHECK(!n || n == round);
		if (n)
			have(self, n);
		atomic_fetch_add_explicit(&takers, 1, memory_order_acq_rel);
		while (self == OWNER &&
		       atomic_load_explicit(&takers, memory_order_acquire) <
			       round * (thieves + 1))
			sched_yield();
	}
}

Test(deque, the_last_job_is_had_once)
{
	thieves = 2;
	open_at(SKI_DEQUE_START);
	crew_run(1 + thieves, want_the_last);
	for (size_t n = 1; n <= ROUNDS; n++)
		cr_assert_eq(all[n].had, 1, "job %zu", n);
	cr_expect_eq(slots_now(), SLOTS);
	ski_deque_destroy(&deque);
}
