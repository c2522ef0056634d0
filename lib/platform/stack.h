/* SPDX-License-Identifier: MIT */
/*
 * Memory that is mapped, not allocated: C stacks with what belongs to them, and
 * aligned blocks. All of it is zeroed, and committed only as it is touched.
 *
 *	map          base                 base + bytes = tail
 *	| guard      | C stack, grows down | tail: fork stack  |
 *	| no access  | <---------------    | aligned           |
 *
 * The guard is 64 KiB, whatever the page size: what compilers assume when they
 * probe a large frame (-fstack-clash-protection). A stack is exactly two
 * mappings to the kernel, so 20,000 fit under its limit of 65,530.
 *
 * All calls preserve errno: they may run in the midst of a task.
 */
#ifndef SKI_STACK_H
#define SKI_STACK_H

#include <stddef.h>

struct ski_stack {
	void *map; /* the guard is here */
	size_t map_bytes; /* guard, C stack and tail */
	void *base; /* lowest address of the C stack */
	size_t bytes; /* of the C stack, whole pages */
	void *tail; /* = base + bytes */
};

/*
 * Map a C stack of at least @stack_bytes (rounded up to pages, and to 16 KiB)
 * with @tail_bytes directly above it, aligned to @tail_align, a power of two.
 *
 * @tail_bytes may be 0. On success @out must be unmapped by ski_stack_unmap().
 * Errors, with @out untouched and nothing left behind: SKUA_EINVAL (no stack,
 * an alignment that is none, sizes that overflow), SKUA_ENOMEM.
 */
int ski_stack_map(struct ski_stack *out, size_t stack_bytes, size_t tail_bytes,
		  size_t tail_align);

void ski_stack_unmap(struct ski_stack *stack);

/*
 * Give the memory of the C stack back, but for the @keep bytes at its top. What
 * was below may read as zero or as before. Not for the stack one stands on.
 */
void ski_stack_discard(struct ski_stack *stack, size_t keep);

/*
 * Map @bytes, aligned to @align, a power of two. No guard.
 *
 * On success *@out must be unmapped by ski_block_unmap() with the same @bytes.
 * Errors, with *@out untouched: SKUA_EINVAL, SKUA_ENOMEM.
 */
int ski_block_map(void **out, size_t bytes, size_t align);

/* All of a block will be written soon: commit it at once, which costs about a
 * third of as many page faults. A hint: fails silently. */
void ski_block_commit(void *block, size_t bytes);

/* Let a block have huge pages, where the system has them. A hint. */
void ski_block_huge(void *block, size_t bytes);

void ski_block_unmap(void *block, size_t bytes);

#endif
