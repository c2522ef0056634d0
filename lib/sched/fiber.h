/* SPDX-License-Identifier: MIT */
/*
 * Fibers: a C stack and the first segment of a fork stack in one mapping.
 *
 *	guard | C stack ... struct ski_fiber | first segment
 *
 * A worker runs its loop on a fiber. When a task must wait, its fiber is left
 * as it is and the loop goes on on another one. A fiber in use never leaves its
 * worker, so thread-local variables stay what they are.
 * Protocol: docs/design/fiber.md.
 */
#ifndef SKI_FIBER_H
#define SKI_FIBER_H

#include "context.h"
#include "forkstack.h"
#include "inbox.h"
#include "stack.h"

struct ski_worker;

struct ski_fiber {
	struct ski_inbox_node node; /* whoever has the list it is in */
	struct ski_context context;
	struct ski_worker *home; /* I while it is in use */
	struct ski_segment *first; /* I */
	_Atomic(struct ski_segment *) current; /* O: the newest segment */
	_Atomic(int) *root; /* O: where skua_fail() tells */
	/* O, all three: the number of the region in which it was left, or 0;
	 * and the list of those. See isolate.h. */
	uint64_t region;
	struct ski_fiber *beside;
	struct ski_fiber **beside_at;
	struct ski_stack stack; /* I */
};

/* NULL: no memory. */
struct ski_fiber *ski_fiber_open(struct ski_worker *home, size_t stack_bytes);
/* One that was idle on another worker begins anew on @home. */
void ski_fiber_move(struct ski_fiber *fiber, struct ski_worker *home);
/* When nobody can look at it any more. */
void ski_fiber_close(struct ski_fiber *fiber);

static inline struct ski_fiber *ski_fiber_of(skua_here here)
{
	return ski_segment_fiber(ski_segment_of(here));
}

static inline struct ski_fiber *ski_fiber_of_node(struct ski_inbox_node *node)
{
	return (struct ski_fiber *)(void *)node;
}

/* Home worker: where it stands when nothing runs on it. */
static inline skua_here ski_fiber_base(struct ski_fiber *fiber)
{
	return fiber->first->frame;
}

static inline struct ski_segment *ski_fiber_current(struct ski_fiber *fiber)
{
	/* Acquire: the segment's header. Pairs with publish() in
	 * chain.c. */
	return atomic_load_explicit(&fiber->current, memory_order_acquire);
}

/* Home worker: the group that what runs on it belongs to, or NULL. */
static inline struct skua_group_scope *
ski_fiber_scope(const struct ski_fiber *fiber)
{
	return fiber->first->pub.scope;
}

/* The same, when a task starts or ends there: nobody has frames of it. */
static inline void ski_fiber_set_scope(struct ski_fiber *fiber,
				       struct skua_group_scope *scope)
{
	fiber->first->pub.scope = scope;
}

/* Any thread: let its worker go on with it. The fiber may be gone at once. */
void ski_fiber_resume(struct ski_fiber *fiber);

#endif
