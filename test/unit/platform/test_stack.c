/* SPDX-License-Identifier: MIT */
/* Mapped stacks and blocks: where they are, what they cost, how they fail. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <skua/error.h>

#include "platform_test.h"
#include "sanitizer.h"
#include "stack.h"

TestSuite(stack, .timeout = 120);

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	GUARD = 64 * KIB,
};

/* More address space than the limit in the tests below. */
static const size_t HUGE_ALIGN = SIZE_MAX / 4 + 1;

/* More than there ever is in one piece: a program of 32 bits may get half. */
static const size_t TOO_MUCH = SIZE_MAX / 4 * 3;

/* Of a task, unless set, and how many of those the addresses are enough for. */
enum {
	TASK_STACK = sizeof(void *) < 8 ? MIB : 8 * MIB,
	TASKS = sizeof(void *) < 8 ? 1500 : 20000,
};

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static struct ski_stack map(size_t stack_bytes, size_t tail_bytes, size_t align)
{
	struct ski_stack s;

	cr_assert_eq(ski_stack_map(&s, stack_bytes, tail_bytes, align), 0,
		     "%zu + %zu aligned to %zu", stack_bytes, tail_bytes,
		     align);
	return s;
}

static bool is_zero(const char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static void check_layout(const struct ski_stack *s, size_t stack_bytes,
			 size_t tail_bytes, size_t align)
{
	char *m = s->map, *base = s->base, *tail = s->tail;

	cr_assert_eq((uintptr_t)m % page_bytes(), 0);
	cr_assert_geq(base - m, GUARD);
	cr_assert_geq(s->bytes, stack_bytes);
	cr_assert_geq(s->bytes, 16 * KIB);
	cr_assert_eq(s->bytes % page_bytes(), 0);
	cr_assert_eq(tail, base + s->bytes);
	cr_assert_eq((uintptr_t)tail % align, 0);
	cr_assert_geq(m + s->map_bytes, tail + tail_bytes);
	cr_assert_lt(s->map_bytes, GUARD + stack_bytes + tail_bytes + 16 * KIB +
					   3 * page_bytes());
}

Test(stack, layout)
{
	static const size_t stacks[] = { 1,	   4096,    16383,
					 16384,	   16385,   100000,
					 64 * KIB, 8 * MIB, 8 * MIB + 1 };
	static const size_t tails[] = { 0, 1, 4096, 4097, 64 * KIB, MIB };

	for (unsigned i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		for (unsigned j = 0; j < sizeof(tails) / sizeof(*tails); j++) {
			for (size_t align = 1; align <= 32 * MIB; align *= 2) {
				struct ski_stack s =
					map(stacks[i], tails[j], align);
				check_layout(&s, stacks[i], tails[j], align);
				ski_stack_unmap(&s);
			}
		}
	}
}

Test(stack, zero_and_writable)
{
	/* Twice, so that the second finds what the first has left. */
	for (int i = 0; i < 2; i++) {
		struct ski_stack s = map(100 * KIB, 70 * KIB, 64 * KIB);
		cr_assert(is_zero(s.base, s.bytes + 70 * KIB));
		memset(s.base, 0xff, s.bytes + 70 * KIB);
		ski_stack_unmap(&s);
	}
}

Test(stack, costs_two_mappings)
{
	enum {
		N = 500
	};
	static struct ski_stack s[N];

	if (SKI_TSAN)
		cr_skip_test("TSan maps its shadow of each mapping");
	int before = count_mappings();

	for (int i = 0; i < N; i++)
		s[i] = map(256 * KIB, 64 * KIB, 64 * KIB);
	int now = count_mappings();
	/* A neighbour may be merged with the first or last. */
	cr_expect_leq(now - before, 2 * N);
	cr_expect_geq(now - before, 2 * N - 2);
	for (int i = 0; i < N; i++)
		ski_stack_unmap(&s[i]);
	cr_expect_leq(count_mappings(), before);
}

/* As many as tasks may be suspended at once, at the default size. */
Test(stack, twenty_thousand)
{
	struct ski_stack *s = calloc(TASKS, sizeof(*s));

	if (SKI_TSAN)
		cr_skip_test("TSan maps its shadow of each mapping");
	for (int i = 0; i < TASKS; i++) {
		s[i] = map(TASK_STACK, 64 * KIB, 64 * KIB);
		((char *)s[i].tail)[-1] = 1;
	}
	for (int i = 0; i < TASKS; i++)
		ski_stack_unmap(&s[i]);
	free(s);
}

Test(stack, is_reserved_and_not_committed)
{
	struct ski_stack s = map(8 * MIB, 64 * KIB, 64 * KIB);
	char *top = s.tail;

	cr_expect_eq(count_resident(s.base, s.bytes + 64 * KIB), 0);
	top[-1] = 1;
	cr_expect_eq(count_resident(s.base, s.bytes + 64 * KIB), 1);
	top[0] = 1;
	cr_expect_eq(count_resident(s.base, s.bytes + 64 * KIB), 2);
	ski_stack_unmap(&s);
}

/* Is @flag among the VmFlags of the mapping that @p is in? */
static bool mapping_has(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false, found = false;

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)p && (uintptr_t)p < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(f);
	return found;
}

/* Whether this machine does what madvise() asks: kernels may refuse, emulators
 * say yes and do nothing. It is seen by @flag; NULL: by memory that is there. */
static bool heeds(int advice, const char *flag)
{
	size_t bytes = 4 * MIB;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool seen;

	cr_assert_neq(p, MAP_FAILED);
	seen = madvise(p, bytes, advice) == 0 &&
	       (flag ? mapping_has(p, flag) :
		       count_resident(p, bytes) * page_bytes() == bytes);
	munmap(p, bytes);
	return seen;
}

Test(stack, no_huge_pages)
{
	if (!heeds(MADV_NOHUGEPAGE, " nh"))
		cr_skip_test("this machine cannot be told");
	struct ski_stack s = map(8 * MIB, 4 * MIB, 2 * MIB);
	cr_expect(mapping_has(s.base, " nh"));
	cr_expect(mapping_has(s.tail, " nh"));
	ski_stack_unmap(&s);
}

static struct ski_stack victim;
static volatile ptrdiff_t offset;

static void write_at_offset(void)
{
	((volatile char *)victim.base)[offset] = 1;
}

Test(stack, guard_is_there)
{
	victim = map(64 * KIB, 64 * KIB, 64 * KIB);
	for (offset = -1; offset >= -GUARD; offset -= GUARD / 16 - 1)
		cr_expect_eq(fate_of_child(write_at_offset), SIGSEGV, "at %td",
			     offset);
	offset = -GUARD;
	cr_expect_eq(fate_of_child(write_at_offset), SIGSEGV);
	offset = 0;
	cr_expect_eq(fate_of_child(write_at_offset), 1000);
	offset = 128 * KIB - 1;
	cr_expect_eq(fate_of_child(write_at_offset), 1000);
	ski_stack_unmap(&victim);
}

static bool is_filled(const char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (p[i] != 0x5a)
			return false;
	}
	return true;
}

Test(stack, discard_keeps_the_top)
{
	struct ski_stack s = map(256 * KIB, 64 * KIB, 64 * KIB);
	size_t page = page_bytes(), all = s.bytes / page;
	static const size_t keeps[] = { 1000000, 256 * 1024, 100000, 4097,
					4096,	 1,	     0 };

	memset(s.base, 0x5a, s.bytes + 64 * KIB);
	ski_stack_discard(&s, SIZE_MAX);
	cr_expect_eq(count_resident(s.base, s.bytes), all);
	for (unsigned i = 0; i < sizeof(keeps) / sizeof(*keeps); i++) {
		size_t keep = keeps[i] < s.bytes ? keeps[i] : s.bytes;
		size_t pages = (keep + page - 1) / page;
		ski_stack_discard(&s, keeps[i]);
		cr_expect_eq(count_resident(s.base, s.bytes), pages, "keep %zu",
			     keep);
		cr_expect(is_filled((char *)s.tail - pages * page,
				    pages * page + 64 * KIB));
	}
	/* It can be used again. */
	memset(s.base, 0x5a, s.bytes);
	ski_stack_unmap(&s);
}

static bool is_untouched(const void *object, size_t bytes)
{
	return is_filled(object, bytes);
}

/* What mapping gives, which must be an error that leaves nothing behind. */
static int fail_to_map(size_t stack_bytes, size_t tail_bytes, size_t align)
{
	struct ski_stack s;
	int before = count_mappings();

	memset(&s, 0x5a, sizeof(s));
	errno = 1234;
	int error = ski_stack_map(&s, stack_bytes, tail_bytes, align);
	cr_expect_eq(errno, 1234);
	cr_expect(is_untouched(&s, sizeof(s)));
	/* TSan maps its shadow of what was mapped for a moment. */
	cr_expect(count_mappings() == before || SKI_TSAN);
	return error;
}

Test(stack, sizes_that_are_none)
{
	cr_expect_eq(fail_to_map(0, 4096, 4096), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, 4096, 0), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, 4096, 3), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, 4096, 4097), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, 4096, SIZE_MAX), SKUA_EINVAL);
}

Test(stack, sizes_that_overflow)
{
	size_t half = SIZE_MAX / 2 + 1;

	cr_expect_eq(fail_to_map(SIZE_MAX, 0, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(SIZE_MAX - 4095, 0, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(SIZE_MAX - GUARD, 0, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, SIZE_MAX, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(65536, SIZE_MAX - 4095, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(half, half, 1), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(half, 4096, half), SKUA_EINVAL);
	cr_expect_eq(fail_to_map(TOO_MUCH, 0, 1), SKUA_ENOMEM);
	cr_expect_eq(fail_to_map(TOO_MUCH / 2, TOO_MUCH / 2, 1), SKUA_ENOMEM);
	cr_expect_eq(fail_to_map(half / 2, 0, half), SKUA_ENOMEM);
}

/* By its mappings: the number in statm is with what an emulator has itself. */
static size_t address_space_in_use(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t from, to, bytes = 0;
	char line[512];

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%zx-%zx ", &from, &to) == 2)
			bytes += to - from;
	fclose(f);
	return bytes;
}

/* Emulators let it be set, and do not keep to it. */
static bool keeps_limit(size_t beyond)
{
	void *p = mmap(NULL, beyond, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, beyond);
	return p == MAP_FAILED;
}

/* Room for the mapping, but not for the larger one that is to be trimmed. */
Test(stack, no_address_space)
{
	if (SKI_ASAN || SKI_TSAN)
		cr_skip_test("a sanitizer needs all of the address space");
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };
	void *block = NULL;

	limit.rlim_cur = address_space_in_use() + 16 * MIB;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	if (!keeps_limit(64 * MIB))
		cr_skip_test("no limit of address space on this machine");
	cr_expect_eq(fail_to_map(64 * MIB, 64 * KIB, 64 * KIB), SKUA_ENOMEM);
	cr_expect_eq(fail_to_map(MIB, 64 * KIB, HUGE_ALIGN), SKUA_ENOMEM);
	cr_expect_eq(ski_block_map(&block, 64 * MIB, 4096), SKUA_ENOMEM);
	cr_expect_eq(ski_block_map(&block, MIB, HUGE_ALIGN), SKUA_ENOMEM);
	cr_expect_null(block);
	struct ski_stack s = map(8 * MIB, 64 * KIB, 64 * KIB);
	ski_stack_unmap(&s);
}

/*
 * A range whose pages alternate in protection takes all the mappings that the
 * kernel allows a process; giving some of them back leaves just so many.
 */
static char *taken;
static size_t taken_pages;

static bool take_all_mappings(void)
{
	size_t page = page_bytes(), most = 0;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");

#ifdef SKUA_TEST_EMULATED
	/* The emulator itself ends where it gets no mapping. */
	return false;
#endif
	if (!f || fscanf(f, "%zu", &most) != 1 || most > 300000)
		return false;
	fclose(f);
	taken = mmap(NULL, 2 * most * page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	cr_assert_neq(taken, MAP_FAILED);
	while (taken_pages < 2 * most &&
	       mprotect(taken + taken_pages * page, page,
			PROT_READ | PROT_WRITE) == 0)
		taken_pages += 2;
	return true;
}

static void give_back_mappings(size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		taken_pages -= 2;
		mprotect(taken + taken_pages * page_bytes(), page_bytes(),
			 PROT_NONE);
	}
}

/* Whatever step fails, the mappings are as many as before. */
Test(stack, no_mappings_left)
{
	int mapped = 0, refused = 0;

	if (SKI_ASAN || SKI_TSAN)
		cr_skip_test("a sanitizer needs mappings of its own");
	if (!take_all_mappings())
		cr_skip_test("the limit is unknown, too high or not ours");
	for (int round = 0; round < 8; round++) {
		struct ski_stack s;
		int before = count_mappings();
		int error = ski_stack_map(&s, MIB, 64 * KIB, 4 * MIB);
		cr_expect(error == 0 || error == SKUA_ENOMEM);
		refused += error != 0;
		mapped += error == 0;
		if (!error)
			ski_stack_unmap(&s);
		cr_expect_eq(count_mappings(), before);
		give_back_mappings(1);
	}
	cr_expect_gt(mapped, 0);
	cr_expect_gt(refused, 0);
}

Test(block, aligned_zero_and_writable, .timeout = 120)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 100000, 3 * MIB };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (size_t align = 1; align <= 64 * MIB; align *= 2) {
			void *block = NULL;
			cr_assert_eq(ski_block_map(&block, sizes[i], align), 0);
			cr_assert_eq((uintptr_t)block % align, 0);
			cr_assert_eq((uintptr_t)block % page_bytes(), 0);
			cr_assert(is_zero(block, sizes[i]));
			memset(block, 0x5a, sizes[i]);
			ski_block_unmap(block, sizes[i]);
		}
	}
}

/* Some kernels cannot commit on request: then the pages come when touched. */
Test(block, commit_is_a_hint, .timeout = 120)
{
	size_t page = page_bytes(), pages = 16;
	void *block = NULL;

	cr_assert_eq(ski_block_map(&block, pages * page, 4096), 0);
	errno = 1234;
	ski_block_commit(block, pages * page);
	cr_expect_eq(errno, 1234);
	size_t resident = count_resident(block, pages * page);
#ifdef MADV_POPULATE_WRITE
	if (heeds(MADV_POPULATE_WRITE, NULL))
		cr_expect_eq(resident, pages);
#endif
	cr_expect(resident == 0 || resident == pages, "%zu", resident);
	cr_expect(is_zero(block, pages * page));
	memset(block, 0x5a, pages * page);
	ski_block_unmap(block, pages * page);
}

Test(block, huge_is_a_hint, .timeout = 120)
{
	void *block = NULL;

	cr_assert_eq(ski_block_map(&block, 4 * MIB, 4 * MIB), 0);
	errno = 1234;
	ski_block_huge(block, 4 * MIB);
	cr_expect_eq(errno, 1234);
#ifdef MADV_HUGEPAGE
	if (heeds(MADV_HUGEPAGE, " hg"))
		cr_expect(mapping_has(block, " hg"));
#endif
	cr_expect(is_zero(block, 4 * MIB));
	memset(block, 0x5a, 4 * MIB);
	ski_block_unmap(block, 4 * MIB);
}

/* Advice about what is not mapped is refused, and nobody is told. */
Test(block, hints_that_are_refused, .timeout = 120)
{
	size_t page = page_bytes();
	void *block = NULL;

	cr_assert_eq(ski_block_map(&block, page, 4096), 0);
	errno = 1234;
	ski_block_commit((char *)block + 1, page);
	ski_block_huge((char *)block + 1, page);
	cr_expect_eq(errno, 1234);
	cr_expect(is_zero(block, page));
	ski_block_unmap(block, page);
}

Test(block, leaves_nothing_behind, .timeout = 120)
{
	enum {
		N = 300
	};
	static void *blocks[N];
	size_t before = address_space_in_use();

	for (int i = 0; i < N; i++)
		cr_assert_eq(ski_block_map(&blocks[i], 64 * KIB + 1, MIB), 0);
	for (int i = 0; i < N; i++)
		ski_block_unmap(blocks[i], 64 * KIB + 1);
	cr_expect_leq(address_space_in_use(), before + MIB);
}

Test(block, errors, .timeout = 120)
{
	void *block = &block;
	int before = count_mappings();

	cr_expect_eq(ski_block_map(&block, 0, 4096), SKUA_EINVAL);
	cr_expect_eq(ski_block_map(&block, 4096, 0), SKUA_EINVAL);
	cr_expect_eq(ski_block_map(&block, 4096, 12), SKUA_EINVAL);
	cr_expect_eq(ski_block_map(&block, SIZE_MAX, 4096), SKUA_EINVAL);
	cr_expect_eq(ski_block_map(&block, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1),
		     SKUA_ENOMEM);
	cr_expect_eq(ski_block_map(&block, TOO_MUCH, 4096), SKUA_ENOMEM);
	cr_expect_eq(block, &block);
	cr_expect_eq(count_mappings(), before);
}

/* To unmap the middle of what the kernel has merged needs a mapping more. */
Test(block, unmap_without_mappings, .timeout = 120)
{
	enum {
		N = 8,
		BYTES = 64 * KIB
	};
	void *blocks[N];

	if (SKI_ASAN || SKI_TSAN)
		cr_skip_test("a sanitizer needs mappings of its own");
	if (!take_all_mappings())
		cr_skip_test("the limit is unknown, too high or not ours");
	give_back_mappings(2);
	for (int i = 0; i < N; i++) {
		cr_assert_eq(ski_block_map(&blocks[i], BYTES, 1), 0);
		memset(blocks[i], 0x5a, BYTES);
	}
	while (mprotect(taken + taken_pages * page_bytes(), page_bytes(),
			PROT_READ | PROT_WRITE) == 0)
		taken_pages += 2;
	for (int i = 1; i < N; i += 2) {
		errno = 1234;
		ski_block_unmap(blocks[i], BYTES);
		cr_expect_eq(errno, 1234);
		cr_expect_eq(count_resident(blocks[i], BYTES), 0);
		cr_expect(is_filled(blocks[i - 1], BYTES));
	}
}
