/* SPDX-License-Identifier: MIT */
#include "fiber.h"

#include "loop.h"
#include "run.h"

/* The fiber's own record lies at the top of its C stack, in a page that is
 * touched anyway. */
static struct ski_fiber *record_of(const struct ski_stack *stack)
{
	uintptr_t top = (uintptr_t)stack->tail - sizeof(struct ski_fiber);

	return (struct ski_fiber *)(top & ~(uintptr_t)63);
}

static void first_segment(struct ski_fiber *fiber, void *memory)
{
	struct ski_segment *segment = memory;

	ski_segment_give(segment, fiber);
	segment->pub.scope = NULL;
	segment->proxy.run = ski_proxy_run;
	ski_segment_reset(segment);
	fiber->first = segment;
	atomic_init(&fiber->current, segment);
}

static void begin(struct ski_fiber *fiber)
{
	ski_context_make(&fiber->context, fiber->stack.base,
			 (size_t)((char *)fiber - (char *)fiber->stack.base),
			 ski_loop_enter, fiber);
}

struct ski_fiber *ski_fiber_open(struct ski_worker *home, size_t stack_bytes)
{
	struct ski_stack stack;
	struct ski_fiber *fiber;

	if (ski_stack_map(&stack, stack_bytes, SKUA_SEGMENT_BYTES,
			  SKUA_SEGMENT_BYTES))
		return NULL;
	fiber = record_of(&stack);
	*fiber = (struct ski_fiber){ .home = home, .stack = stack };
	first_segment(fiber, stack.tail);
	begin(fiber);
	return fiber;
}

void ski_fiber_move(struct ski_fiber *fiber, struct ski_worker *home)
{
	ski_context_drop(&fiber->context);
	fiber->home = home;
	begin(fiber);
}

void ski_fiber_close(struct ski_fiber *fiber)
{
	struct ski_segment *spare = fiber->first->next;
	struct ski_stack stack = fiber->stack;

	if (spare)
		ski_block_free(spare, SKUA_SEGMENT_BYTES);
	ski_context_drop(&fiber->context);
	ski_stack_unmap(&stack);
}

void ski_fiber_resume(struct ski_fiber *fiber)
{
	struct ski_worker *home = fiber->home;
	const void *address = ski_inbox_address(&home->inbox);

	if (home == ski_self) {
		ski_queue_put(&home->ready, &fiber->node);
		return;
	}
	if (ski_inbox_push(&home->inbox, &fiber->node))
		ski_futex_wake(address, 1);
}
