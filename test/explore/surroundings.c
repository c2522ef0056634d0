/* SPDX-License-Identifier: MIT */
/*
 * What the sources of lib/sched call of lib/platform, when they run in the
 * explorer: time stands still until nothing else can happen, stacks cannot be
 * had (a task that must wait blocks its worker, as the library does when memory
 * runs out), and nothing is a fork's child. A scenario that needs more defines
 * its own.
 */
#include "clock.h"
#include "context.h"
#include "cpus.h"
#include "env.h"
#include "forked.h"
#include "guest.h"
#include "hooks.h"
#include "objects.h"
#include "stack.h"
#include "thread.h"

#define WEAK __attribute__((weak))

WEAK _Atomic(unsigned) ski_forked_count;

WEAK int64_t ski_clock_ns(void)
{
	return 0;
}

WEAK int64_t ski_deadline_ns(int64_t timeout_ns)
{
	return timeout_ns;
}

WEAK void ski_thread_yield(void)
{
}

WEAK void ski_thread_join(struct ski_thread *thread)
{
	(void)thread;
}

WEAK void ski_thread_detach(struct ski_thread *thread)
{
	(void)thread;
}

/* Pools are opened by scenarios (runtime.h), not by skua_pool_open(). */
WEAK int ski_thread_start(struct ski_thread *thread, const char *name,
			  size_t stack_bytes, void (*run)(void *arg), void *arg)
{
	(void)thread;
	(void)name;
	(void)stack_bytes;
	(void)run;
	(void)arg;
	return SKUA_EAGAIN;
}

WEAK void ski_thread_format_name(char out[SKI_THREAD_NAME_BYTES],
				 const char *prefix, unsigned number)
{
	(void)prefix;
	(void)number;
	out[0] = 0;
}

WEAK int ski_env_unsigned(const char *name, unsigned min, unsigned max,
			  unsigned *out)
{
	(void)name;
	(void)min;
	(void)max;
	(void)out;
	return SKUA_ENONE;
}

WEAK unsigned ski_cpus_usable(void)
{
	return 1;
}

WEAK int ski_forked_watch(void)
{
	return 0;
}

WEAK int ski_stack_map(struct ski_stack *out, size_t stack_bytes,
		       size_t tail_bytes, size_t tail_align)
{
	(void)out;
	(void)stack_bytes;
	(void)tail_bytes;
	(void)tail_align;
	return SKUA_ENOMEM;
}

WEAK void ski_stack_unmap(struct ski_stack *stack)
{
	(void)stack;
}

WEAK void ski_context_make(struct ski_context *context, void *base,
			   size_t bytes, void (*entry)(void *arg), void *arg)
{
	(void)context;
	(void)base;
	(void)bytes;
	(void)entry;
	(void)arg;
}

WEAK void ski_context_adopt(struct ski_context *context)
{
	(void)context;
}

WEAK void ski_context_drop(struct ski_context *context)
{
	(void)context;
}

WEAK void ski_context_swap(struct ski_context *from, struct ski_context *to)
{
	(void)from;
	(void)to;
	ex_assert(!"a scenario switches contexts");
}

/* Which guest a thread is, the scenario knows. */
WEAK struct ski_guest *ski_guest_of(struct skua_pool *pool)
{
	(void)pool;
	return NULL;
}

WEAK void ski_guest_done(struct ski_guest *guest)
{
	(void)guest;
}

WEAK void ski_guest_part(struct ski_guest *guest)
{
	(void)guest;
}

WEAK struct ski_slab *ski_guest_slab(void)
{
	return NULL;
}

WEAK int ski_block_map(void **out, size_t bytes, size_t align)
{
	(void)out;
	(void)bytes;
	(void)align;
	return SKUA_ENOMEM;
}

WEAK void ski_block_unmap(void *block, size_t bytes)
{
	(void)block;
	(void)bytes;
}

/* In a chunk of its own, whose owner has left: threads of scenarios have no
 * slab that ends with them. */
WEAK void *ski_object_alloc(void)
{
	struct ski_slab *slab = ski_slab_open(0);
	void *object = slab ? ski_slab_alloc(slab) : NULL;

	if (slab)
		ski_slab_orphan(slab);
	return object;
}
