/* SPDX-License-Identifier: MIT */
/*
 * Switching between C stacks within one thread. Used by the fibers of sched.
 *
 * A switch is a function call that returns in another place: it keeps what the
 * ABI says a call keeps (callee-saved registers, the rounding and exception
 * modes of the floating-point unit) and also errno. It does not touch the
 * signal mask, and a context stays on the thread that first runs it.
 *
 * <arch>/context.S has the switch, context_ucontext.c the portable one;
 * context.c is the rest. ASan, TSan and Valgrind are told (sanitizer.h).
 */
#ifndef SKI_CONTEXT_H
#define SKI_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sanitizer.h"

/*
 * The first three fields are known to the assembly by their offsets, which
 * context.c checks. errno_address is that of the thread: each switch hands it
 * on, so only adoption asks for it.
 */
struct ski_context {
	void *stack_pointer; /* while it does not run */
	int *errno_address;
	int saved_errno; /* while it does not run */
	bool made; /* by ski_context_make(), not adopted */
	unsigned valgrind_id;
	const void *base; /* of its C stack; adopted: known to ASan only */
	size_t bytes;
	void *fake_stack; /* ASan's, while it does not run */
	struct ski_context *previous; /* ASan: who switched to this one */
	void *tsan_fiber;
};

/*
 * Prepare @context so that the first switch to it calls @entry(@arg) on the
 * stack [@base, @base + @bytes), with errno 0 and the floating-point modes of
 * this call. @entry never returns: it ends in ski_context_exit().
 */
void ski_context_make(struct ski_context *context, void *base, size_t bytes,
		      void (*entry)(void *arg), void *arg);

/* Let @context be the calling thread, on the stack that it is on. */
void ski_context_adopt(struct ski_context *context);

/*
 * @context will never run again (or not before it is made anew): tell the
 * tools. Its stack must still be as it was left; unmap it after this. Not for
 * the running context, unless that one is adopted.
 */
void ski_context_drop(struct ski_context *context);

/* The bare switch, by architecture. */
void ski_context_swap(struct ski_context *from, struct ski_context *to);

/*
 * Below the top of a stack, aligned to 16: lay out what ski_context_swap()
 * expects of a context that does not run, so that it goes on with
 * @entry(@arg). Returns its stack pointer. By architecture.
 */
void *ski_context_frame(void *top, size_t bytes, void (*entry)(void *arg),
			void *arg);

/* Always inline, for ski_tsan_switch(). */
__attribute__((always_inline)) static inline void
ski_context_leave(struct ski_context *from, struct ski_context *to,
		  void **fake_stack)
{
	if (SKI_ASAN)
		to->previous = from;
	ski_asan_leave(fake_stack, to->base, to->bytes);
	ski_tsan_switch(to->tsan_fiber);
}

/* Only at arrival elsewhere does ASan tell the bounds of an adopted stack. */
static inline void ski_context_arrive(struct ski_context *self)
{
	const void *base = NULL;
	size_t bytes = 0;

	ski_asan_arrive(self->fake_stack, &base, &bytes);
	if (SKI_ASAN && !self->previous->made) {
		self->previous->base = base;
		self->previous->bytes = bytes;
	}
}

/* Stop running @from, which must be the running context, and go on with @to. */
static inline void ski_context_switch(struct ski_context *from,
				      struct ski_context *to)
{
	ski_context_leave(from, to, &from->fake_stack);
	ski_context_swap(from, to);
	ski_context_arrive(from);
}

/* The same for the last time: the stack of @from is over. */
_Noreturn static inline void ski_context_exit(struct ski_context *from,
					      struct ski_context *to)
{
	ski_context_leave(from, to, NULL);
	ski_context_swap(from, to);
	__builtin_unreachable();
}

#endif
