/* SPDX-License-Identifier: MIT */
/*
 * test_fiber.c - the stacks of tasks: their size, alignment and guard, what a
 * switch keeps, and that they are given back.
 */
#include <fenv.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

/* --- Size. --- */

enum {
	MEBIBYTE = 1 << 20,
	/* In 32 bits there are not addresses for many of 8 MiB. */
	STACK_BYTES = sizeof(void *) < 8 ? MEBIBYTE : 8 * MEBIBYTE
};

/* Recursion that cannot be turned into a loop, since it looks at its room
 * again on the way back. */
static void *use_stack(void *bytes)
{
	volatile unsigned char room[4096];

	for (size_t i = 0; i < sizeof(room); i += 64)
		room[i] = (unsigned char)i;
	if ((size_t)bytes > 2 * sizeof(room))
		(void)use_stack(number((size_t)bytes - sizeof(room)));
	for (size_t i = 0; i < sizeof(room); i += 64)
		CHECK(room[i] == (unsigned char)i);
	return bytes;
}

static void size_body(struct skua_pool *pool, unsigned workers)
{
	/* Sanitizers put red zones around the room. */
	uintptr_t bytes = SCALED(1) ? STACK_BYTES / 8 * 7 : STACK_BYTES / 8 * 3;

	(void)workers;
	for (unsigned i = 0; i < 4; i++)
		CHECK(take(submit(pool, use_stack, number(bytes))) ==
		      number(bytes));
}

/* "C stacks are reserved at the size of main()'s (8 MiB unless set)": a task
 * may use most of it. */
Test(fiber, a_task_may_use_7_of_8_mebibytes, .timeout = LIMIT)
{
	with_pools(size_body);
}

/* --- The guard. --- */

__attribute__((noinline)) static uintptr_t endless(uintptr_t n)
{
	volatile unsigned char room[1024];

	room[n % sizeof(room)] = (unsigned char)n;
	if (n == UINTPTR_MAX)
		return room[0];
	return endless(n + 1) + room[n % sizeof(room)];
}

static void *overflow(void *arg)
{
	return number(endless((uintptr_t)arg));
}

/* Runs @fn in a task of a pool in a process of its own; does not return. */
static void overflow_in_child(unsigned workers)
{
	struct rlimit no_core = { 0, 0 };
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGSEGV, SIG_DFL);
	options.workers = workers;
	options.stack_bytes = 256 << 10;
	if (skua_pool_open(&pool, &options))
		_exit(0);
	(void)take(submit(pool, overflow, NULL));
	_exit(0);
}

static void guard_body(unsigned workers)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		overflow_in_child(workers);
	cr_assert(pid > 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	/* A sanitizer reports it and exits with a status of its own. */
	cr_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV :
					WEXITSTATUS(status) != 0);
}

/* "meets the guard page like a deep C recursion": nothing else is written. */
Test(fiber, an_overflow_meets_the_guard_page, .timeout = LIMIT)
{
	with_workers(guard_body);
}

/* --- Alignment. --- */

static void *aligned(void *arg)
{
	_Alignas(64) volatile unsigned char line[64] = { 0 };
	char text[64];

	CHECK(((uintptr_t)line & 63) == 0);
	/* Variadic doubles are spilled with aligned stores. */
	snprintf(text, sizeof(text), "%.3f %.3Lf", 2.125, 3.25L);
	CHECK(strcmp(text, "2.125 3.250") == 0);
	(void)take(submit(skua_pool_current(), do_nothing, arg));
	snprintf(text, sizeof(text), "%.3f %.3Lf", 4.125, 5.25L);
	CHECK(strcmp(text, "4.125 5.250") == 0);
	return arg;
}

static void aligned_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (uintptr_t i = 0; i < 100; i++)
		CHECK(take(submit(pool, aligned, number(i))) == number(i));
}

Test(fiber, stacks_are_aligned_as_the_abi_asks, .timeout = LIMIT)
{
	with_pools(aligned_body);
}

/* --- What a switch keeps. --- */

static const int roundings[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
				 FE_TOWARDZERO };

/* Each task has a rounding mode of its own while all of them wait. */
static void *keep_rounding(void *arg)
{
	int mine = roundings[(uintptr_t)arg % 4];
	volatile double one = 1, three = 3;
	double third;
	long double long_third;

	CHECK(fesetround(mine) == 0);
	third = one / three;
	long_third = (long double)one / three;
	for (unsigned i = 0; i < 20; i++) {
		if (i % 2)
			skua_yield();
		else
			CHECK(skua_sleep(10000) == 0);
		CHECK(fegetround() == mine);
		CHECK(one / three == third);
		CHECK((long double)one / three == long_third);
	}
	CHECK(fesetround(FE_TONEAREST) == 0);
	return arg;
}

static void rounding_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[40];

	(void)workers;
	for (size_t i = 0; i < 40; i++)
		tasks[i] = submit(pool, keep_rounding, number(i));
	for (size_t i = 0; i < 40; i++)
		CHECK(take(tasks[i]) == number(i));
	CHECK(fegetround() == FE_TONEAREST);
}

/* "MXCSR/x87 CW, FPCR kept" */
Test(fiber, a_wait_keeps_the_rounding_mode, .timeout = LIMIT)
{
	with_pools(rounding_body);
}

/* Values that a compiler keeps in callee-saved registers over a call. */
static void *keep_registers(void *arg)
{
	uint64_t a = (uint64_t)(uintptr_t)arg, b = a * 3, c = a * 5, d = a * 7;
	uint64_t e = a * 11, f = a * 13;
	double x = (double)a / 3;

	for (unsigned i = 0; i < 50; i++) {
		skua_yield();
		a += i;
		b += a;
		c ^= b;
		d += c;
		e ^= d;
		f += e;
		x += 0.5;
	}
	CHECK(x == (double)(uintptr_t)arg / 3 + 25);
	return number((uintptr_t)(a ^ b ^ c ^ d ^ e ^ f));
}

static uintptr_t registers_expected(uintptr_t n)
{
	uint64_t v[6] = { n, n * 3, n * 5, n * 7, n * 11, n * 13 };

	for (unsigned i = 0; i < 50; i++) {
		v[0] += i;
		v[1] += v[0];
		v[2] ^= v[1];
		v[3] += v[2];
		v[4] ^= v[3];
		v[5] += v[4];
	}
	return (uintptr_t)(v[0] ^ v[1] ^ v[2] ^ v[3] ^ v[4] ^ v[5]);
}

static void registers_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[40];

	for (size_t i = 0; i < 40; i++)
		tasks[i] = submit(pool, keep_registers, number(1000 + i));
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq((uintptr_t)take(tasks[i]),
			     registers_expected(1000 + i), "%u workers",
			     workers);
}

Test(fiber, a_wait_keeps_the_registers, .timeout = LIMIT)
{
	with_pools(registers_body);
}

/* --- They are used again, and given back. --- */

enum {
	SUSPENDED = FIBERS(1000),
	ODD_BYTES = STACK_BYTES + MEBIBYTE + 12288
};

/* Mappings that can only be stacks of tasks: writable, of the odd size that was
 * asked for or a little more, and with a guard right below. (What a sanitizer
 * maps for itself may be of any size.) */
static size_t stacks_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], mode[8];
	size_t low, high, guard_end = 0, count = 0;

	cr_assert(maps != NULL);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%zx-%zx %4s", &low, &high, mode) != 3)
			continue;
		if (mode[1] == 'w' && low == guard_end &&
		    high - low >= ODD_BYTES &&
		    high - low < ODD_BYTES + (256 << 10))
			count++;
		guard_end = mode[0] == '-' && mode[1] == '-' ? high : 0;
	}
	fclose(maps);
	return count;
}

static struct skua_pool *open_odd(unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	options.workers = workers;
	options.stack_bytes = ODD_BYTES;
	CHECK(skua_pool_open(&pool, &options) == 0);
	return pool;
}

static struct skua_future *awaited;
static atomic_size_t waiting;

static void *wait_for_awaited(void *arg)
{
	atomic_fetch_add(&waiting, 1);
	CHECK(skua_future_result(awaited, SKUA_FOREVER, NULL) == 0);
	return arg;
}

/* Suspends @SUSPENDED tasks together and lets them end. */
static void suspend_many(struct skua_pool *pool)
{
	static struct gate finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *tasks[SUSPENDED];

	gate_close(&finish);
	atomic_store(&waiting, 0);
	awaited = submit(other, hold, &finish);
	for (size_t i = 0; i < SUSPENDED; i++)
		tasks[i] = submit(pool, wait_for_awaited, number(i));
	while (atomic_load(&waiting) < SUSPENDED)
		CHECK(take(submit(pool, do_nothing, pool)) == pool);
	cr_assert(stacks_mapped() + skua_pool_workers(pool) >= SUSPENDED);
	gate_open(&finish);
	for (size_t i = 0; i < SUSPENDED; i++)
		CHECK(take(tasks[i]) == number(i));
	CHECK(take(awaited) == &finish);
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

static void trimmed_body(unsigned workers)
{
	size_t trimmed, before = stacks_mapped();
	struct skua_pool *pool;

	if (workers > 8)
		workers = 8;
	pool = open_odd(workers);
	suspend_many(pool);
	CHECK(skua_pool_trim(pool) == 0);
	trimmed = stacks_mapped();
	/* What a worker may keep for itself is a handful, not hundreds. */
	cr_assert(trimmed <= 24 * (size_t)workers, "%zu left, %u workers",
		  trimmed, workers);
	/* And it goes on as if nothing had been. */
	suspend_many(pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	(void)before;
	/* TSan's shadows of stacks are not taken back with them. */
#ifndef UNDER_TSAN
	cr_assert_eq(stacks_mapped(), before, "%zu left, %u workers",
		     stacks_mapped() - before, workers);
#endif
}

/* skua_pool_trim: "Give memory back that the pool keeps for speed: cached
 * stacks […]"; and close gives back all. */
Test(fiber, cached_stacks_are_given_back_by_trim, .timeout = LIMIT)
{
	with_workers(trimmed_body);
}

static void reused_body(unsigned workers)
{
	struct skua_pool *pool = open_odd(workers);
	size_t most = SUSPENDED * 5 / 4 + 24 * (size_t)workers;

	for (unsigned i = 0; i < 20; i++) {
		suspend_many(pool);
		cr_assert(stacks_mapped() <= most,
			  "%zu after %u rounds, %u workers", stacks_mapped(),
			  i + 1, workers);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

/* "cached": the stacks of tasks that ended serve those that come, whichever
 * worker takes them. If each worker kept those of its own worst moment, the
 * 20,000 suspended tasks that fit under vm.max_map_count would not fit the
 * tenth time. */
Test(fiber, stacks_are_used_again, .timeout = LIMIT)
{
	with_workers(reused_body);
}
