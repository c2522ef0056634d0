/* SPDX-License-Identifier: MIT */
/*
 * The tests of futex.h, for each implementation: the including file says which,
 * and defines SUITE.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <skua/error.h>

#include "clock.h"
#include "futex.h"
#include "platform_test.h"
#include "thread.h"

TestSuite(SUITE, .timeout = 60);

enum {
	MILLISECOND = 1000000,
	STACK = 65536,
};

static struct ski_thread start(void (*run)(void *), void *arg)
{
	struct ski_thread thread;

	cr_assert_eq(ski_thread_start(&thread, NULL, STACK, run, arg), 0);
	return thread;
}

Test(SUITE, value_differs)
{
	uint32_t word = 7;

	cr_expect_eq(ski_futex_wait(&word, 8, -1), 0);
	cr_expect_eq(ski_futex_wait(&word, 6, INT64_MAX), 0);
	cr_expect_eq(ski_futex_wait(&word, 7 + (1U << 31), -1), 0);
}

Test(SUITE, deadline_has_passed)
{
	uint32_t word = 7;

	cr_expect_eq(ski_futex_wait(&word, 7, 0), SKUA_ETIMEDOUT);
	cr_expect_eq(ski_futex_wait(&word, 7, 1), SKUA_ETIMEDOUT);
	cr_expect_eq(ski_futex_wait(&word, 7, ski_clock_ns()), SKUA_ETIMEDOUT);
}

Test(SUITE, never_early)
{
	uint32_t word = UINT32_MAX;

	for (int i = 0; i < 20; i++) {
		int64_t deadline = ski_deadline_ns(i * MILLISECOND);
		cr_assert_eq(ski_futex_wait(&word, UINT32_MAX, deadline),
			     SKUA_ETIMEDOUT);
		cr_assert_geq(ski_clock_ns(), deadline);
	}
}

Test(SUITE, errno_is_kept)
{
	uint32_t word = 7;

	errno = 1234;
	cr_expect_eq(ski_futex_wait(&word, 7, 1), SKUA_ETIMEDOUT);
	cr_expect_eq(errno, 1234);
	cr_expect_eq(ski_futex_wait(&word, 8, -1), 0);
	cr_expect_eq(errno, 1234);
	ski_futex_wake(&word, 1);
	cr_expect_eq(errno, 1234);
	/* No futex can be there: the kernel says so. */
	ski_futex_wake((char *)&word + 1, 1);
	cr_expect_eq(errno, 1234);
}

/* Only the address counts. */
Test(SUITE, wake_of_memory_that_is_gone)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(page, MAP_FAILED);
	munmap(page, 4096);
	ski_futex_wake(page, 1);
	ski_futex_wake(page, INT_MAX);
	ski_futex_wake(NULL, INT_MAX);
	ski_futex_wake((void *)(uintptr_t)0x7ffffffffff0, 1);
}

/* Two threads hand a word to and fro: one lost wake-up and they hang. */
enum {
	TURNS = SCALED(20000),
};

static _Atomic uint32_t turn;

/* Relaxed throughout: nothing but the words themselves is handed over. */
static uint32_t look(_Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static void take_turns(uint32_t parity)
{
	for (uint32_t i = parity; i < TURNS; i += 2) {
		while (look(&turn) != i)
			ski_futex_wait(&turn, i - 1, -1);
		set(&turn, i + 1);
		ski_futex_wake(&turn, 1);
	}
}

static void odd_turns(void *arg)
{
	(void)arg;
	take_turns(1);
}

Test(SUITE, no_wake_is_lost)
{
	struct ski_thread other = start(odd_turns, NULL);

	take_turns(0);
	ski_thread_join(&other);
	cr_assert_eq(look(&turn), TURNS);
}

/* Many words at once; some share whatever an implementation hashes to. */
enum {
	PAIRS = 8,
	EXCHANGES = SCALED(500),
};

static struct pair {
	_Atomic uint32_t ping, pong;
} pairs[PAIRS];

static void answer(void *arg)
{
	struct pair *p = arg;

	for (uint32_t i = 0; i < EXCHANGES; i++) {
		while (look(&p->ping) != i + 1)
			ski_futex_wait(&p->ping, i, -1);
		set(&p->pong, i + 1);
		ski_futex_wake(&p->pong, 1);
	}
}

static void ask(void *arg)
{
	struct pair *p = arg;

	for (uint32_t i = 0; i < EXCHANGES; i++) {
		set(&p->ping, i + 1);
		ski_futex_wake(&p->ping, 1);
		while (look(&p->pong) != i + 1)
			ski_futex_wait(&p->pong, i, -1);
	}
}

Test(SUITE, words_do_not_mix)
{
	struct ski_thread threads[2 * PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		threads[2 * i] = start(answer, &pairs[i]);
		threads[2 * i + 1] = start(ask, &pairs[i]);
	}
	for (int i = 0; i < 2 * PAIRS; i++)
		ski_thread_join(&threads[i]);
	for (int i = 0; i < PAIRS; i++)
		cr_expect_eq(look(&pairs[i].pong), EXCHANGES);
}

/* One wake for all. */
enum {
	CROWD = 8,
};

static _Atomic uint32_t gate, waiting;

static void wait_at_gate(void *arg)
{
	(void)arg;
	atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
	while (look(&gate) == 0)
		ski_futex_wait(&gate, 0, -1);
}

Test(SUITE, wake_all)
{
	struct ski_thread threads[CROWD];

	for (int i = 0; i < CROWD; i++)
		threads[i] = start(wait_at_gate, NULL);
	while (look(&waiting) < CROWD)
		ski_thread_yield();
	set(&gate, 1);
	ski_futex_wake(&gate, INT_MAX);
	for (int i = 0; i < CROWD; i++)
		ski_thread_join(&threads[i]);
}

/* A wake without a change of the word ends the wait: the caller looks again. */
static _Atomic uint32_t still, returned;

static void wait_once_for_still(void *arg)
{
	*(int *)arg = ski_futex_wait(&still, 0, -1);
	set(&returned, 1);
}

Test(SUITE, stray_wake)
{
	int result = 99;
	struct ski_thread thread = start(wait_once_for_still, &result);

	while (!look(&returned)) {
		ski_futex_wake(&still, 1);
		ski_thread_yield();
	}
	ski_thread_join(&thread);
	cr_expect_eq(result, 0);
	cr_expect_eq(look(&still), 0);
}

/*
 * A thread under a storm of signals, whose handler interrupts system calls,
 * still waits until its deadline and not longer.
 */
static _Atomic uint32_t storm_over, handled;
static uint32_t never_woken;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
}

static void *wait_in_storm(void *arg)
{
	int64_t deadline = ski_deadline_ns(100 * MILLISECOND);
	int64_t *early = arg;
	int result = ski_futex_wait(&never_woken, 0, deadline);

	*early = deadline - ski_clock_ns();
	set(&storm_over, 1);
	return (void *)(intptr_t)result;
}

Test(SUITE, signals_do_not_end_a_wait)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	int64_t early;
	void *result;

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	/* Not ours: in a ski_thread all signals are blocked. */
	cr_assert_eq(pthread_create(&thread, NULL, wait_in_storm, &early), 0);
	while (!look(&storm_over)) {
		pthread_kill(thread, SIGUSR1);
		ski_thread_yield();
	}
	pthread_join(thread, &result);
	cr_expect_eq((intptr_t)result, SKUA_ETIMEDOUT);
	cr_expect_leq(early, 0);
	cr_expect_gt(look(&handled), 0);
}

/* A wake that comes with the deadline: either answer, but no hang. */
static void wait_briefly(void *arg)
{
	_Atomic uint32_t *word = arg;

	for (uint32_t i = 0; i < 2000; i++) {
		int64_t deadline = ski_deadline_ns(20000);
		int result = 0;
		while (look(word) == i && !result)
			result = ski_futex_wait(word, i, deadline);
		while (look(word) == i)
			ski_futex_wait(word, i, -1);
	}
}

Test(SUITE, wake_against_deadline)
{
	static _Atomic uint32_t word;
	struct ski_thread thread = start(wait_briefly, &word);

	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t spin = 0; spin < i * 10; spin++)
			(void)look(&word);
		set(&word, i + 1);
		ski_futex_wake(&word, 1);
	}
	ski_thread_join(&thread);
}

/*
 * The copy of a process has no waiters, but its own waits work, wherever the
 * other threads were in theirs.
 */
static _Atomic uint32_t hammering;

static void wake_all_the_time(void *arg)
{
	struct pair *p = arg;

	while (look(&hammering)) {
		set(&p->ping, look(&p->ping) + 1);
		ski_futex_wake(&p->ping, 1);
	}
}

static void wait_all_the_time(void *arg)
{
	struct pair *p = arg;

	while (look(&hammering))
		ski_futex_wait(&p->ping, look(&p->ping),
			       ski_deadline_ns(MILLISECOND));
}

static void use_in_child(void)
{
	static uint32_t words[64];

	alarm(20);
	for (int i = 0; i < 64; i++) {
		ski_futex_wake(&words[i], INT_MAX);
		if (ski_futex_wait(&words[i], 0, 1) != SKUA_ETIMEDOUT)
			_exit(1);
	}
	for (int i = 0; i < PAIRS; i++) {
		ski_futex_wake(&pairs[i].pong, INT_MAX);
		ski_futex_wake(&pairs[i].ping, INT_MAX);
	}
}

Test(SUITE, after_fork)
{
	struct ski_thread threads[PAIRS];

	set(&hammering, 1);
	for (int i = 0; i < PAIRS; i++)
		threads[i] =
			start(i % 4 ? wait_all_the_time : wake_all_the_time,
			      &pairs[i / 4]);
	for (int i = 0; i < SCALED(200); i++)
		cr_assert_eq(fate_of_child(use_in_child), 1000);
	set(&hammering, 0);
	for (int i = 0; i < PAIRS; i++)
		ski_thread_join(&threads[i]);
}
