/* SPDX-License-Identifier: MIT */
/*
 * Mapping stacks and blocks. Called when the caches of fibers and segments are
 * empty.
 */
#include "stack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <skua/error.h>

enum {
	GUARD_BYTES = 64 << 10,
	LEAST_STACK_BYTES = 16 << 10,
};

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Where the system has no such advice, or its headers do not know it. */
#ifndef MADV_NOHUGEPAGE
#define MADV_NOHUGEPAGE MADV_NORMAL
#endif
#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE MADV_NORMAL
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE MADV_NORMAL
#endif

/*
 * Elsewhere, as on FreeBSD, the flag makes a mapping that grows by itself,
 * which a guard of our own and a tail do not go with.
 */
#if defined(__linux__) || defined(__OpenBSD__)
#define STACK_FLAG MAP_STACK
#else
#define STACK_FLAG 0
#endif

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Up to whole pages; false if that overflows. */
static bool round_up(size_t bytes, size_t *out)
{
	size_t page = page_bytes();

	if (bytes > SIZE_MAX - (page - 1))
		return false;
	*out = (bytes + page - 1) & ~(page - 1);
	return true;
}

static bool is_power_of_two(size_t x)
{
	return x && (x & (x - 1)) == 0;
}

/*
 * munmap() can fail only where it would split a mapping that the kernel has
 * merged, with no more mappings to be had. Then at least the memory goes back.
 */
static void unmap(void *map, size_t bytes)
{
	if (bytes && munmap(map, bytes) != 0)
		madvise(map, bytes, MADV_DONTNEED);
}

static char *map_pages(size_t bytes, int protection, int flags)
{
	void *map = mmap(NULL, bytes, protection,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	return map == MAP_FAILED ? NULL : map;
}

/* From @p to the next multiple of @align. */
static size_t gap(const char *p, size_t align)
{
	return -(uintptr_t)p & (align - 1);
}

/*
 * Map @bytes so that the address @lead bytes into them is a multiple of @align.
 * The kernel places mappings side by side, so that once one is aligned the next
 * of the same size mostly is: only if not, map more and trim.
 */
static int map_aligned(char **out, size_t bytes, size_t lead, size_t align,
		       int protection, int flags)
{
	size_t page = page_bytes();
	size_t slack = align > page ? align - page : 0;

	if (bytes > SIZE_MAX - slack)
		return SKUA_EINVAL;
	*out = map_pages(bytes, protection, flags);
	if (!*out)
		return SKUA_ENOMEM;
	if (gap(*out + lead, align) == 0)
		return 0;

	unmap(*out, bytes);
	char *map = map_pages(bytes + slack, protection, flags);
	if (!map)
		return SKUA_ENOMEM;
	size_t front = gap(map + lead, align);
	unmap(map, front);
	unmap(map + front + bytes, slack - front);
	*out = map + front;
	return 0;
}

/* All sizes are whole pages. */
static int map_stack(struct ski_stack *out, size_t bytes, size_t tail_bytes,
		     size_t tail_align)
{
	size_t guard, lead, all;
	char *map;

	if (!round_up(GUARD_BYTES, &guard) ||
	    __builtin_add_overflow(guard, bytes, &lead) ||
	    __builtin_add_overflow(lead, tail_bytes, &all))
		return SKUA_EINVAL;
	int error = map_aligned(&map, all, lead, tail_align, PROT_NONE,
				MAP_NORESERVE | STACK_FLAG);
	if (error)
		return error;
	if (mprotect(map + guard, all - guard, PROT_READ | PROT_WRITE) != 0) {
		unmap(map, all);
		return SKUA_ENOMEM;
	}
	/* A huge page would commit 2 MiB for the first frame. Kernels built
	 * without them refuse, and need not be asked. */
	madvise(map + guard, all - guard, MADV_NOHUGEPAGE);
	*out = (struct ski_stack){
		.map = map,
		.map_bytes = all,
		.base = map + guard,
		.bytes = bytes,
		.tail = map + lead,
	};
	return 0;
}

int ski_stack_map(struct ski_stack *out, size_t stack_bytes, size_t tail_bytes,
		  size_t tail_align)
{
	int saved_errno = errno;

	if (!stack_bytes || !is_power_of_two(tail_align))
		return SKUA_EINVAL;
	if (stack_bytes < LEAST_STACK_BYTES)
		stack_bytes = LEAST_STACK_BYTES;
	if (!round_up(stack_bytes, &stack_bytes) ||
	    !round_up(tail_bytes, &tail_bytes))
		return SKUA_EINVAL;
	int error = map_stack(out, stack_bytes, tail_bytes, tail_align);
	errno = saved_errno;
	return error;
}

void ski_stack_unmap(struct ski_stack *stack)
{
	int saved_errno = errno;

	unmap(stack->map, stack->map_bytes);
	errno = saved_errno;
}

void ski_stack_discard(struct ski_stack *stack, size_t keep)
{
	int saved_errno = errno;
	size_t page = page_bytes();

	if (keep < stack->bytes) {
		size_t bytes = (stack->bytes - keep) & ~(page - 1);
		if (bytes)
			madvise(stack->base, bytes, MADV_DONTNEED);
	}
	errno = saved_errno;
}

int ski_block_map(void **out, size_t bytes, size_t align)
{
	int saved_errno = errno;
	char *block;

	if (!bytes || !is_power_of_two(align) || !round_up(bytes, &bytes))
		return SKUA_EINVAL;
	int error = map_aligned(&block, bytes, 0, align, PROT_READ | PROT_WRITE,
				MAP_NORESERVE);
	errno = saved_errno;
	if (!error)
		*out = block;
	return error;
}

static void advise(void *block, size_t bytes, int advice)
{
	int saved_errno = errno;

	madvise(block, bytes, advice);
	errno = saved_errno;
}

void ski_block_commit(void *block, size_t bytes)
{
	advise(block, bytes, MADV_POPULATE_WRITE);
}

void ski_block_huge(void *block, size_t bytes)
{
	advise(block, bytes, MADV_HUGEPAGE);
}

void ski_block_unmap(void *block, size_t bytes)
{
	int saved_errno = errno;

	if (round_up(bytes, &bytes))
		unmap(block, bytes);
	errno = saved_errno;
}
