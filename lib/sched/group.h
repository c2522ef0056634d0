/* SPDX-License-Identifier: MIT */
/*
 * What a group is: a count of children and who waits for its end, in the word
 * of a queue (core/waitq.h); how it went; and the group it descends from.
 * Protocol: docs/design/group.md.
 */
#ifndef SKI_GROUP_H
#define SKI_GROUP_H

#include <skua/group.h>

#include "waitq.h"

/*
 * The word, from its upper end: how many rounds are over; how many children have
 * not ended; whether this round has had any. The flags of the queue are below.
 */
#define SKI_GROUP_USED (UINT64_C(1) << SKI_WAITQ_SHIFT)
#define SKI_GROUP_CHILD (SKI_GROUP_USED << 1)
#define SKI_GROUP_ROUND (SKI_GROUP_CHILD << 33)
#define SKI_GROUP_CHILDREN (SKI_GROUP_ROUND - SKI_GROUP_CHILD)

struct ski_group {
	/* What children poll. */
	struct skua_group_scope scope; /* A: see ski_group_look() */
	struct ski_group *parent; /* I */
	/* A: the code of the first error or cancellation, below the number of
	 * the round it was in. */
	_Atomic(uint64_t) outcome;
	struct skua_pool *pool; /* I; NULL: not open */
	unsigned generation; /* I: of the process */
	_Atomic(uint32_t) descendants; /* A: whose parent it is */
	uint64_t apart[3];
	/* What is written for each child that is added from outside; never in
	 * one cache line with the above. */
	struct ski_waitq q;
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct ski_group) <= sizeof(struct skua_group),
	       "the size of a group is frozen");
_Static_assert(offsetof(struct ski_group, q) >= 64, "another cache line");

/* @count of its children have ended: the last touch of it by whoever counts in
 * it no more. */
void ski_group_leave(struct ski_group *group, uint64_t count);
/* By a child, or a holder: the first error of the round cancels it. */
void ski_group_fail(struct ski_group *group, int code);
/* Whether it, or one that it descends from, is cancelled. */
bool ski_group_look(struct ski_group *group);

/* NULL, too, if it is not open. */
static inline struct ski_group *ski_group_of(struct skua_group *group)
{
	struct ski_group *g = (struct ski_group *)(void *)group;

	return g && g->pool ? g : NULL;
}

static inline struct ski_group *
ski_group_of_scope(struct skua_group_scope *scope)
{
	return (struct ski_group *)(void *)scope;
}

/* @count more children. */
static inline void ski_group_enter(struct ski_group *group, uint64_t count)
{
	/* Relaxed, both: what the child needs comes with the deque, and it
	 * leaves after that: on one word RMWs are in order. */
	uint64_t word = atomic_fetch_add_explicit(
		&group->q.word, count * SKI_GROUP_CHILD, memory_order_relaxed);

	/* The round cannot end in between. */
	if (ski_unlikely(!(word & SKI_GROUP_USED)))
		atomic_fetch_or_explicit(&group->q.word, SKI_GROUP_USED,
					 memory_order_relaxed);
}

/* The same as skua_cancelled(), given the group. */
static inline bool ski_group_cancelled(struct ski_group *group)
{
	/* Relaxed: as there. */
	return skua_load_relaxed(&group->scope.looked) !=
		       skua_load_relaxed(&skua_cancellations_1) &&
	       ski_group_look(group);
}

#endif
