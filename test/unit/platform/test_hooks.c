/* SPDX-License-Identifier: MIT */
/* Memory, the fence and assertions. */
#include <criterion/criterion.h>
#include <errno.h>

#include "hooks.h"
#include "platform_test.h"
#include "thread.h"

TestSuite(hooks, .timeout = 60);

/* Sanitizers end the program where malloc() would return NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static bool is_zero(const char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* Dirty memory goes back to the allocator, so that zeros are its doing. */
static void soil(size_t bytes)
{
	char *p[8];

	for (int i = 0; i < 8; i++) {
		p[i] = malloc(bytes);
		memset(p[i], 0xa5, bytes);
	}
	for (int i = 0; i < 8; i++)
		free(p[i]);
}

Test(hooks, aligned_memory_is_aligned_and_zero)
{
	for (size_t align = 1; align <= 65536; align *= 2) {
		for (size_t size = 1; size < 300; size += 37) {
			soil(size + align);
			char *p = ski_aligned_alloc(align, size);
			cr_assert_not_null(p);
			cr_expect_eq((uintptr_t)p % align, 0);
			cr_expect(is_zero(p, size));
			memset(p, 1, size);
			ski_free(p);
		}
	}
}

Test(hooks, sizes_that_overflow)
{
	/* Volatile, or the compiler warns of these sizes, rightly, and takes
	 * an allocation that nobody uses for one that succeeds. */
	volatile size_t most = SIZE_MAX, third = SIZE_MAX / 3 + 1;
	void *volatile p = NULL;

	cr_expect_null(p = ski_aligned_alloc(128, most));
	cr_expect_null(p = ski_aligned_alloc(128, most - 126));
	cr_expect_null(p = ski_aligned_alloc(128, most / 2 + 1));
	cr_expect_null(p = ski_calloc(3, third));
	cr_expect_null(p = ski_calloc(third, 3));
}

Test(hooks, calloc_is_zero)
{
	soil(1000);
	char *p = ski_calloc(10, 100);
	cr_assert_not_null(p);
	cr_expect(is_zero(p, 1000));
	ski_free(p);
	ski_free(NULL);
}

static void expect_block(void *(*alloc)(size_t), size_t bytes)
{
	char *block = alloc(bytes);

	cr_assert_not_null(block);
	cr_expect_eq((uintptr_t)block % bytes, 0);
	cr_expect(is_zero(block, bytes));
	memset(block, 0x5a, bytes);
	ski_block_free(block, bytes);
}

Test(hooks, blocks_are_aligned_to_their_size_and_zero)
{
	for (size_t bytes = 4096; bytes <= (size_t)4 << 20; bytes *= 4) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		if (bytes < page)
			continue;
		expect_block(ski_block_alloc, bytes);
		expect_block(ski_block_alloc_huge, bytes);
	}
}

Test(hooks, blocks_of_no_size)
{
	static const size_t sizes[] = { 0, 12345, SIZE_MAX, SIZE_MAX / 2 + 1 };

	errno = 1234;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		cr_expect_null(ski_block_alloc(sizes[i]), "%zu", sizes[i]);
		cr_expect_null(ski_block_alloc_huge(sizes[i]), "%zu", sizes[i]);
	}
	cr_expect_eq(errno, 1234);
}

/* A hint may name what is not there: nothing is read, written or mapped. */
Test(hooks, prefetch_touches_nothing)
{
	char text[] = "text";

	ski_prefetch(text);
	ski_prefetch(NULL);
	ski_prefetch((const void *)(uintptr_t)64);
	cr_expect_str_eq(text, "text");
}

static void broken_assertion(void)
{
	volatile bool yes = false;

	ski_assert(yes);
	(void)yes;
}

static void kept_assertion(void)
{
	volatile bool yes = true;

	ski_assert(yes);
	(void)yes;
}

Test(hooks, assertions_trap_in_debug_builds_only)
{
	cr_expect_eq(fate_of_child(kept_assertion), 1000);
#if defined(NDEBUG) && !defined(SKI_DEBUG)
	cr_expect_eq(fate_of_child(broken_assertion), 1000);
#else
	int fate = fate_of_child(broken_assertion);
	cr_expect(fate == SIGILL || fate == SIGTRAP, "%d", fate);
#endif
}

/*
 * Store buffering: each of two threads stores in its own word and looks at the
 * other's. With a full fence between, one of them sees the other.
 */
enum {
	ROUNDS = SCALED(20000),
};

static struct {
	_Alignas(SKI_LINE) _Atomic int word[2][SKI_LINE / sizeof(int)];
	_Alignas(SKI_LINE) _Atomic int arrived;
	int saw[2][ROUNDS];
} litmus;

static void meet(int round)
{
	/* Seq_cst: the threads start a round as close as they can. */
	atomic_fetch_add_explicit(&litmus.arrived, 1, memory_order_seq_cst);
	for (int spins = 0;
	     atomic_load_explicit(&litmus.arrived, memory_order_seq_cst) <
	     2 * (round + 1);
	     spins++) {
		ski_pause();
		if (spins > 1000)
			ski_thread_yield();
	}
}

static void store_and_look(void *arg)
{
	int self = *(const int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		meet(i);
		atomic_store_explicit(&litmus.word[self][0], i + 1,
				      memory_order_relaxed);
		ski_fence_full(TEST_A);
		litmus.saw[self][i] = atomic_load_explicit(
			&litmus.word[1 - self][0], memory_order_relaxed);
	}
}

Test(hooks, full_fence_orders_store_and_load)
{
	static const int number[2] = { 0, 1 };
	struct ski_thread thread;

	cr_assert_eq(ski_thread_start(&thread, "litmus", 65536, store_and_look,
				      (void *)(uintptr_t)&number[1]),
		     0);
	store_and_look((void *)(uintptr_t)&number[0]);
	ski_thread_join(&thread);
	for (int i = 0; i < ROUNDS; i++)
		cr_assert(litmus.saw[0][i] == i + 1 ||
				  litmus.saw[1][i] == i + 1,
			  "round %d: both missed the other", i);
}
