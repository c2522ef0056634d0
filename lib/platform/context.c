/* SPDX-License-Identifier: MIT */
/*
 * Making and dropping contexts: what is the same on every architecture.
 */
#include "context.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#ifdef SKI_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

static_assert(offsetof(struct ski_context, stack_pointer) == 0,
	      "the stack pointer comes first: context.S");
static_assert(sizeof(void *) != 8 ||
		      offsetof(struct ski_context, errno_address) == 8,
	      "ERRNO_ADDRESS in context.S");
static_assert(sizeof(void *) != 8 ||
		      offsetof(struct ski_context, saved_errno) == 16,
	      "SAVED_ERRNO in context.S");

/* At the top of a made stack: what to do there. */
struct start {
	struct ski_context *context;
	void (*entry)(void *arg);
	void *arg;
};

static void enter(void *arg)
{
	struct start *start = arg;

	ski_context_arrive(start->context);
	start->entry(start->arg);
	__builtin_trap(); /* entry broke its contract */
}

void ski_context_make(struct ski_context *context, void *base, size_t bytes,
		      void (*entry)(void *arg), void *arg)
{
	char *top = (char *)base + bytes - sizeof(struct start);
	top -= (uintptr_t)top % 16;
	struct start *start = (struct start *)(void *)top;

	*start = (struct start){
		.context = context,
		.entry = entry,
		.arg = arg,
	};
	*context = (struct ski_context){
		.stack_pointer = ski_context_frame(
			top, (size_t)(top - (char *)base), enter, start),
		.made = true,
		.base = base,
		.bytes = bytes,
		.tsan_fiber = ski_tsan_create(),
	};
	context->valgrind_id =
		VALGRIND_STACK_REGISTER(base, (char *)base + bytes);
}

void ski_context_adopt(struct ski_context *context)
{
	*context = (struct ski_context){
		.errno_address = &errno,
		.tsan_fiber = ski_tsan_current(),
	};
}

/*
 * The frames that are left on the stack, poisoned by ASan between their
 * variables, would be found by the next user of this memory.
 */
static void forget_frames(const struct ski_context *context)
{
	const char *pointer = context->stack_pointer;
	const char *top = (const char *)context->base + context->bytes;

	ski_asan_unpoison(pointer, (size_t)(top - pointer));
}

void ski_context_drop(struct ski_context *context)
{
	if (!context->made)
		return;
	forget_frames(context);
	ski_tsan_destroy(context->tsan_fiber);
	VALGRIND_STACK_DEREGISTER(context->valgrind_id);
}
