/* SPDX-License-Identifier: MIT */
/*
 * Children of groups: jobs that count in a group, each in one slab object.
 *
 * A worker that has ended a child does not take it out of the group's count at
 * once: what it holds of the count is its credit, for the next child that it
 * adds or ends there. It gives the credit back before it does anything else
 * than to go from one child of the group to the next: all that while it looks
 * for nothing and waits for nobody. Protocol: docs/design/group.md.
 */
#ifndef SKI_CHILD_H
#define SKI_CHILD_H

#include "group.h"
#include "run.h"
#include "slot.h"

/* The run function. */
void ski_child_run(skua_here here, struct skua_job *job);
/* It was met as @status, and never ran: the end of a pool. */
void ski_child_met(struct skua_future *child, enum ski_status status);
/* One more: by credit, or in the group's count. */
void ski_child_enter(struct ski_group *group);
/* In submit.c: a child that may run at once. Errors: those of
 * skua_group_run(). */
int ski_submit_child(struct skua_pool *pool, struct ski_group *group,
		     skua_child_fn *fn, void *arg);

/* Cold paths of the two below. */
void ski_child_give_back(struct ski_worker *worker);
void ski_child_change(struct ski_worker *worker, uintptr_t job);

/* Owner: give the credit back. */
static inline void ski_child_settle(struct ski_worker *worker)
{
	if (ski_unlikely(worker->group))
		ski_child_give_back(worker);
}

/* Owner, before it runs @job: the same, unless that is a child of the group. */
static inline void ski_child_before(struct ski_worker *worker, uintptr_t job)
{
	if (ski_unlikely(worker->group))
		ski_child_change(worker, job);
}

#endif
