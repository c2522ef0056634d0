/* SPDX-License-Identifier: MIT */
/*
 * The context switch over ucontext, for where there is no assembly: the same
 * contract, with three system calls a switch, for the signal mask: it stays
 * the thread's.
 *
 * The ucontext_t of a context that does not run lies on its own stack, so
 * struct ski_context needs no room for it.
 */
#include "context.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#ifdef __i386__
/* On i386 swapcontext() keeps the modes of the x87 alone: those of SSE are
 * kept here, where there is SSE, however this file is compiled. */
__attribute__((target("sse"))) static unsigned sse_modes(void)
{
	return __builtin_cpu_supports("sse") ? __builtin_ia32_stmxcsr() : 0;
}

__attribute__((target("sse"))) static void set_sse_modes(unsigned modes)
{
	if (__builtin_cpu_supports("sse"))
		__builtin_ia32_ldmxcsr(modes);
}
#else
static unsigned sse_modes(void)
{
	return 0;
}

static void set_sse_modes(unsigned modes)
{
	(void)modes;
}
#endif

/* makecontext() passes ints: a pointer and a function go in halves. */
static void start(unsigned modes, unsigned entry_high, unsigned entry_low,
		  unsigned arg_high, unsigned arg_low)
{
	uint64_t entry = (uint64_t)entry_high << 32 | entry_low;
	uint64_t arg = (uint64_t)arg_high << 32 | arg_low;

	set_sse_modes(modes);
	((void (*)(void *))(uintptr_t)entry)((void *)(uintptr_t)arg);
}

void *ski_context_frame(void *top, size_t bytes, void (*entry)(void *arg),
			void *arg)
{
	char *base = (char *)top - bytes;
	char *where = (char *)top - sizeof(ucontext_t);
	where -= (uintptr_t)where % 64;
	ucontext_t *u = (ucontext_t *)(void *)where;
	uint64_t entry_bits = (uintptr_t)entry;
	uint64_t arg_bits = (uintptr_t)arg;

	getcontext(u);
	u->uc_link = NULL;
	u->uc_stack.ss_sp = base;
	u->uc_stack.ss_size = (size_t)(where - base);
	makecontext(u, (void (*)(void))start, 5, sse_modes(),
		    (unsigned)(entry_bits >> 32), (unsigned)entry_bits,
		    (unsigned)(arg_bits >> 32), (unsigned)arg_bits);
	return u;
}

/* TSan counts this call with the fiber that is switched to, and its return
 * with the same one once that is left again: in balance. */
void ski_context_swap(struct ski_context *from, struct ski_context *to)
{
	ucontext_t *next = to->stack_pointer;
	ucontext_t self;
	unsigned modes = sse_modes();

	from->stack_pointer = &self;
	from->saved_errno = *from->errno_address;
	*from->errno_address = to->saved_errno;
	to->errno_address = from->errno_address;
	/* The thread's mask as it is: a context made in another thread must
	 * not bring that one's, and unblock a worker's signals. */
	pthread_sigmask(SIG_BLOCK, NULL, &next->uc_sigmask);
	swapcontext(&self, next);
	set_sse_modes(modes);
}
