/* SPDX-License-Identifier: MIT */
/*
 * The explorer's own tests: programs with a fault, which must be found, each
 * beside a program without it, where none may be.
 */
#include <limits.h>
#include <stdatomic.h>

#include "hooks.h"
#include "rcu.h"

static struct {
	_Atomic(uint32_t) word;
	_Atomic(uint32_t) other;
	_Atomic(void *) pointer;
	uint64_t plain;
	struct {
		uint8_t first, second;
	} bytes;
	uint64_t read[EX_THREADS];
} s;

#define load(p, order) atomic_load_explicit(&s.p, memory_order_##order)
#define store(p, value, order) \
	atomic_store_explicit(&s.p, value, memory_order_##order)

#define FAULT(id, text, fault, ...)                                     \
	EX_SCENARIO(id, .concept = "litmus", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .unbounded = true,        \
		    .finds = fault, __VA_ARGS__)

/* Data races. */

static void race_write_release(void)
{
	s.plain = 1;
	store(word, 1, release);
}

static void race_write_relaxed(void)
{
	s.plain = 1;
	store(word, 1, relaxed);
}

static void race_read_acquire(void)
{
	if (load(word, acquire))
		s.read[0] = s.plain;
}

static void race_read_relaxed(void)
{
	if (load(word, relaxed))
		s.read[0] = s.plain;
}

static void race_write_first_byte(void)
{
	s.bytes.first = 1;
}

static void race_write_second_byte(void)
{
	s.bytes.second = 1;
}

static void race_init(void)
{
	atomic_init(&s.word, 1);
}

static void race_load(void)
{
	load(word, relaxed);
}

FAULT(race_none, "a plain payload, released and acquired", EX_NONE,
      .run = { race_write_release, race_read_acquire })
FAULT(race_no_release, "... not released", EX_RACE,
      .run = { race_write_relaxed, race_read_acquire })
FAULT(race_no_acquire, "... not acquired", EX_RACE,
      .run = { race_write_release, race_read_relaxed })
FAULT(race_writers, "two plain writers", EX_RACE,
      .run = { race_write_release, race_write_release })
FAULT(race_neighbours, "plain writers of neighbouring bytes", EX_NONE,
      .run = { race_write_first_byte, race_write_second_byte })
FAULT(race_same_byte, "... of the same byte", EX_RACE,
      .run = { race_write_first_byte, race_write_first_byte })
FAULT(race_atomic_init, "atomic_init() beside an atomic load", EX_RACE,
      .run = { race_init, race_load })

/* Lifetimes. */

static void life_publish(void)
{
	uint64_t *p = ski_calloc(1, sizeof(*p));

	*p = 3;
	store(pointer, p, release);
}

static void life_publish_relaxed(void)
{
	_Atomic(uint64_t) *p = ski_calloc(1, sizeof(*p));

	store(pointer, (void *)(uintptr_t)p, relaxed);
}

static void life_use(void)
{
	uint64_t *p = load(pointer, acquire);

	if (p)
		ex_assert(*p == 3);
}

static void life_use_atomic(void)
{
	_Atomic(uint64_t) *p = load(pointer, relaxed);

	if (p)
		atomic_load_explicit(p, memory_order_relaxed);
}

static void life_use_and_free(void)
{
	void *p = atomic_exchange_explicit(&s.pointer, NULL,
					   memory_order_acquire);

	if (p)
		ex_assert(*(uint64_t *)p == 3);
	ski_free(p);
}

static void life_free_rest(void)
{
	ski_free(load(pointer, relaxed));
}

static void life_free_without_taking(void)
{
	ski_free(load(pointer, acquire));
}

static void life_overrun(void)
{
	uint64_t *volatile p = ski_calloc(1, sizeof(*p));

	p[1] = 1;
}

/* Counted: the last of two to let go frees. */
static void life_setup_counted(void)
{
	life_publish();
	store(word, 2, relaxed);
}

static void life_drop_acq_rel(void)
{
	uint64_t *p = load(pointer, relaxed);

	s.read[ex_self()] = *p;
	if (atomic_fetch_sub_explicit(&s.word, 1, memory_order_acq_rel) == 1)
		ski_free(p);
}

static void life_drop_relaxed(void)
{
	uint64_t *p = load(pointer, relaxed);

	s.read[ex_self()] = *p;
	if (atomic_fetch_sub_explicit(&s.word, 1, memory_order_relaxed) == 1)
		ski_free(p);
}

FAULT(life_none, "allocated here, used and freed there", EX_NONE,
      .run = { life_publish, life_use_and_free }, .check = life_free_rest)
FAULT(life_leak, "never freed", EX_LEAK, .run = { life_publish, life_use })
FAULT(life_use_after_free, "used while another thread frees it",
      EX_USE_AFTER_FREE, .run = { life_publish, life_use_and_free, life_use })
FAULT(life_double_free, "freed by two", EX_BAD_FREE, .setup = life_publish,
      .run = { life_free_without_taking }, .check = life_free_rest)
FAULT(life_unpublished, "used, but its allocation is not known", EX_RACE,
      .run = { life_publish_relaxed, life_use_atomic })
FAULT(life_overrun, "beyond its end", EX_USE_AFTER_FREE,
      .run = { life_overrun })
FAULT(life_counted, "the last of two frees", EX_NONE,
      .setup = life_setup_counted,
      .run = { life_drop_acq_rel, life_drop_acq_rel })
FAULT(life_counted_relaxed, "... without knowing that the other has ended",
      EX_USE_AFTER_FREE, .setup = life_setup_counted,
      .run = { life_drop_relaxed, life_drop_relaxed })

/* Grace periods. */

static void rcu_read(void)
{
	uint64_t *p;

	ski_rcu_read_lock();
	p = load(pointer, acquire);
	if (p)
		ex_assert(*p == 3);
	ski_rcu_read_unlock();
}

static void rcu_read_late(void)
{
	uint64_t *p;

	ski_rcu_read_lock();
	p = load(pointer, acquire);
	ski_rcu_read_unlock();
	if (p)
		ex_assert(*p == 3);
}

static void rcu_unlink_and_free(void)
{
	void *p = atomic_exchange_explicit(&s.pointer, NULL,
					   memory_order_relaxed);

	ski_rcu_synchronize();
	ski_free(p);
}

FAULT(rcu_grace, "freed after a grace period", EX_NONE, .setup = life_publish,
      .run = { rcu_read, rcu_unlink_and_free, rcu_read })
FAULT(rcu_outside, "used behind the section", EX_USE_AFTER_FREE,
      .setup = life_publish, .run = { rcu_read_late, rcu_unlink_and_free })

/* Hangs. */

static void hang_wait(void)
{
	while (!load(word, relaxed))
		ski_futex_wait(&s.word, 0, -1);
}

static void hang_store_and_wake(void)
{
	store(word, 1, relaxed);
	ski_futex_wake(&s.word, 1);
}

static void hang_store_only(void)
{
	store(word, 1, relaxed);
}

static void hang_wake_first(void)
{
	ski_futex_wake(&s.word, 1);
	store(word, 1, relaxed);
}

/* Wakes only if it sees somebody; sleepers count themselves in `other`. */
static void hang_count_and_wait(void)
{
	store(other, 1, relaxed);
	ski_fence_full(A);
	hang_wait();
}

static void hang_wake_if_counted(void)
{
	store(word, 1, relaxed);
	ski_fence_full(B);
	if (load(other, relaxed))
		ski_futex_wake(&s.word, 1);
}

static void hang_wake_if_counted_unfenced(void)
{
	store(word, 1, relaxed);
	if (load(other, relaxed))
		ski_futex_wake(&s.word, 1);
}

static void hang_spin(void)
{
	while (!load(word, relaxed))
		ski_pause();
}

static void hang_spin_twice(void)
{
	for (unsigned i = 0; i < 2; ++i) {
		if (load(word, relaxed))
			return;
		ski_pause();
	}
	hang_wait();
}

static void hang_spin_on_other(void)
{
	store(other, 1, relaxed);
	while (!load(word, relaxed))
		ski_pause();
}

static void hang_other_spins(void)
{
	while (!load(other, relaxed))
		ski_pause();
	store(word, 1, relaxed);
}

static void hang_wait_timed(void)
{
	while (!load(word, relaxed))
		s.read[0] |= ski_futex_wait(&s.word, 0, 1) == SKUA_ETIMEDOUT;
}

static void hang_stray(void)
{
	ski_futex_wait(&s.word, 0, -1);
	ex_assert(load(word, relaxed));
}

static void hang_wake_one(void)
{
	store(word, 1, relaxed);
	ski_futex_wake(&s.word, 1);
}

static void hang_wake_all(void)
{
	store(word, 1, relaxed);
	ski_futex_wake(&s.word, INT_MAX);
}

FAULT(hang_none, "store and wake", EX_NONE,
      .run = { hang_wait, hang_store_and_wake })
FAULT(hang_no_wake, "no wake", EX_HANG, .run = { hang_wait, hang_store_only })
FAULT(hang_lost_wake, "a wake before the store is lost", EX_HANG,
      .run = { hang_wait, hang_wake_first })
FAULT(hang_counted, "wake only if somebody sleeps", EX_NONE,
      .run = { hang_count_and_wait, hang_wake_if_counted })
FAULT(hang_counted_unfenced, "... without a fence", EX_HANG,
      .run = { hang_count_and_wait, hang_wake_if_counted_unfenced })
FAULT(hang_one_of_two, "two sleepers, one wake", EX_HANG,
      .run = { hang_wait, hang_wait, hang_wake_one })
FAULT(hang_all_of_two, "two sleepers, all woken", EX_NONE,
      .run = { hang_wait, hang_wait, hang_wake_all })
FAULT(hang_spin, "a spinning thread sees a store in the end", EX_NONE,
      .run = { hang_spin, hang_store_only })
FAULT(hang_spin_for_ever, "a spinning thread that nobody answers", EX_HANG,
      .run = { hang_spin })
FAULT(hang_spin_then_sleep, "spin twice, then sleep", EX_NONE, .spins = 2,
      .run = { hang_spin_twice, hang_store_and_wake })
FAULT(hang_spin_then_lost, "spin twice, then sleep without being woken",
      EX_HANG, .spins = 2, .run = { hang_spin_twice, hang_store_only })
FAULT(hang_spin_both, "two that spin for each other", EX_NONE,
      .run = { hang_spin_on_other, hang_other_spins })
FAULT(hang_timeout, "no wake, but a timeout", EX_NONE, .timeouts = 1,
      .timeouts_end_hangs = true, .run = { hang_wait_timed, hang_store_only })
FAULT(hang_no_timeout, "a timeout that may not end it", EX_HANG,
      .run = { hang_wait_timed, hang_store_only })
FAULT(hang_stray_wake, "a stray wake, not looked after", EX_ASSERTION,
      .stray = 1, .run = { hang_stray, hang_store_and_wake })

/* Nowhere. */

static void null_atomic(void)
{
	_Atomic(unsigned) *volatile p = NULL;

	atomic_store_explicit(p, 1, memory_order_relaxed);
}

FAULT(null_atomic, "an atomic store to NULL", EX_USE_AFTER_FREE,
      .run = { null_atomic })

/* Choices. */

static void choose_alloc(void)
{
	void *p = ski_calloc(1, 8);

	ex_assert(p);
	ski_free(p);
}

static void choose_three(void)
{
	ex_assert(ex_choose(3) != 2);
}

FAULT(choose_works, "allocations work", EX_NONE, .run = { choose_alloc })
FAULT(choose_alloc_fails, "unless they may fail", EX_ASSERTION,
      .alloc_failures = 1, .run = { choose_alloc })
FAULT(choose_last, "the last of three choices", EX_ASSERTION,
      .run = { choose_three })
