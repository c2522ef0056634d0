/* SPDX-License-Identifier: MIT */
/*
 * Groups: counting, waiting, cancelling. How children come to run is in
 * child.c. Protocol: docs/design/group.md.
 */
#include "group.h"

#include "clock.h"
#include "forked.h"
#include "waiter.h"
#include "waiting.h"

/* Counted up after each cancellation. A group that was found not to be
 * cancelled notes the count it had read before, so as long as that stands
 * nobody need look again. Groups begin with 0. */
SKUA_ATOMIC(uint64_t) skua_cancellations_1 = 1;

static uint64_t round_of(uint64_t word)
{
	return word & ~(SKI_GROUP_ROUND - 1);
}

static bool has_children(uint64_t word)
{
	return word & SKI_GROUP_CHILDREN;
}

/* 0: nothing. */
static int code_of(uint64_t outcome)
{
	return (int)(int32_t)(uint32_t)outcome;
}

/* ---- outcome ---- */

void ski_group_fail(struct ski_group *group, int code)
{
	/* Relaxed: with children the round cannot end; without any is right. */
	uint64_t round = round_of(
		atomic_load_explicit(&group->q.word, memory_order_relaxed));
	uint64_t old =
		atomic_load_explicit(&group->outcome, memory_order_relaxed);

	do
		if (code_of(old) && round_of(old) == round)
			return;
	/* Release: what was done before. Pairs with is_cancelled(). Failure
	 * only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&group->outcome, &old, round | (uint32_t)code,
		memory_order_release, memory_order_relaxed));
	/* Release: the outcome. Pairs with ski_group_look(): who sees the new
	 * count sees it cancelled. */
	atomic_fetch_add_explicit(&skua_cancellations_1, 1,
				  memory_order_release);
}

/* One of them alone. */
static bool is_cancelled(struct ski_group *group)
{
	/* Acquire: what was done before it was cancelled. Pairs with
	 * ski_group_fail(). */
	uint64_t outcome =
		atomic_load_explicit(&group->outcome, memory_order_acquire);
	/* Relaxed: the round of a child's own group does not end. */
	uint64_t word =
		atomic_load_explicit(&group->q.word, memory_order_relaxed);

	return code_of(outcome) && round_of(outcome) == round_of(word);
}

bool ski_group_look(struct ski_group *group)
{
	/* Acquire: the outcomes that came before. Pairs with
	 * ski_group_fail(). */
	uint64_t count = atomic_load_explicit(&skua_cancellations_1,
					      memory_order_acquire);

	for (struct ski_group *at = group; at; at = at->parent)
		if (is_cancelled(at))
			return true;
	/* Relaxed: says nothing of what others did. One that stores an older
	 * count makes the next look again. */
	atomic_store_explicit(&group->scope.looked, count,
			      memory_order_relaxed);
	return false;
}

bool skua_cancelled_slow_1(struct skua_group_scope *scope)
{
	return ski_group_look(ski_group_of_scope(scope));
}

/* The error of the last round that had one, if that is @round or later. */
static int result_since(struct ski_group *group, uint64_t round)
{
	/* Relaxed: the end of the round came with the word. */
	uint64_t outcome =
		atomic_load_explicit(&group->outcome, memory_order_relaxed);

	return ski_waitq_before(round_of(outcome), round) ? 0 :
							    code_of(outcome);
}

/* Numbers of rounds go round, and an outcome of long ago must not come back.
 * Who waits may still ask for that of the last round. */
static void forget_old(struct ski_group *group, uint64_t round)
{
	/* Relaxed: only compared. */
	uint64_t outcome =
		atomic_load_explicit(&group->outcome, memory_order_relaxed);

	if (ski_likely(!code_of(outcome)) ||
	    !ski_waitq_before(round_of(outcome), round - SKI_GROUP_ROUND))
		return;
	/* Relaxed: nothing is published. Failure: there is a newer one. */
	atomic_compare_exchange_strong_explicit(&group->outcome, &outcome, 0,
						memory_order_relaxed,
						memory_order_relaxed);
}

/* What the word becomes when the round ends: somebody is told how it went. */
static uint64_t ended(struct ski_group *group, uint64_t word)
{
	forget_old(group, round_of(word));
	return (word & ~SKI_GROUP_USED) + SKI_GROUP_ROUND;
}

/* ---- children ---- */

/* Rule: the round is over, or can be as there are no children. */
static bool may_go(struct ski_ticket *first, uint64_t word, uint64_t *next)
{
	*next = word;
	if (!ski_waitq_before(first->rank, round_of(word))) {
		if (has_children(word))
			return false;
		*next = ended(first->of, word);
	}
	first->verdict = result_since(first->of, first->rank);
	return true;
}

static const struct ski_waitq_kind kind = { may_go, 0, NULL };

void ski_group_leave(struct ski_group *group, uint64_t count)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&group->q.word, memory_order_relaxed);
	uint64_t next;

	do {
		next = word - count * SKI_GROUP_CHILD;
		if (!has_children(next) && (word & SKI_WAITQ_WAITERS))
			next = ski_waitq_called(ended(group, next));
		/* Release: what the children did. Pairs with skua_group_wait()
		 * and begin() in waitq.c; the others' RMWs keep the sequence.
		 * Acquire: the queue, if BUSY is ours now. Failure only
		 * reloads. */
	} while (!atomic_compare_exchange_weak_explicit(
		&group->q.word, &word, next, memory_order_acq_rel,
		memory_order_relaxed));
	/* If not, the group may be gone by now. */
	if ((next & ~word) & SKI_WAITQ_BUSY)
		ski_waiting_work(&group->q, &kind);
}

/* ---- for everybody ---- */

/* The group of the calling task. */
static struct ski_group *current(void)
{
	struct ski_worker *worker = ski_worker_self();

	return worker ? ski_group_of_scope(ski_fiber_scope(worker->fiber)) :
			NULL;
}

int skua_group_init(struct skua_group *group, struct skua_pool *pool)
{
	struct ski_group *g = (struct ski_group *)(void *)group;

	if (!g || !pool)
		return SKUA_EINVAL;
	*group = (struct skua_group){ { 0 } };
	g->pool = pool;
	g->generation = ski_generation();
	g->parent = current();
	if (g->parent)
		/* Relaxed: we are in one of its children. */
		atomic_fetch_add_explicit(&g->parent->descendants, 1,
					  memory_order_relaxed);
	return 0;
}

int skua_group_destroy(struct skua_group *group)
{
	struct ski_group *g = ski_group_of(group);

	if (!g)
		return SKUA_EINVAL;
	/* Acquire: what the others did with it: those who descend from it, and
	 * in ski_waiting_unused() children. Pairs with the release below. */
	if (atomic_load_explicit(&g->descendants, memory_order_acquire) ||
	    ski_waiting_unused(&g->q, ~(SKI_GROUP_ROUND - 1) | SKI_GROUP_USED))
		return SKUA_EBUSY;
	g->pool = NULL;
	if (g->parent)
		/* Release: all our use of it. Pairs with the load above. */
		atomic_fetch_sub_explicit(&g->parent->descendants, 1,
					  memory_order_release);
	return 0;
}

int skua_group_cancel(struct skua_group *group)
{
	struct ski_group *g = ski_group_of(group);

	if (!g)
		return SKUA_EINVAL;
	ski_group_fail(g, SKUA_ECANCELLED);
	return 0;
}

bool skua_group_cancelled(struct skua_group *group)
{
	struct ski_group *g = ski_group_of(group);

	return g && ski_group_cancelled(g);
}

/* The first round whose error is told to who waits now: this one, or the one
 * before if nothing has begun since. */
static uint64_t asked_for(struct ski_group *group, uint64_t word)
{
	uint64_t round = round_of(word);

	if ((word & SKI_GROUP_USED) || is_cancelled(group))
		return round;
	return round - SKI_GROUP_ROUND;
}

/* No children and nobody in the queue. False: look again. */
static bool conclude(struct ski_group *group, uint64_t word, int *result)
{
	uint64_t round = asked_for(group, word);

	*result = result_since(group, round);
	if (round != round_of(word))
		return true;
	/* Relaxed: there are no children, and RMWs keep the sequence. Failure:
	 * there is one. */
	return atomic_compare_exchange_strong_explicit(&group->q.word, &word,
						       ended(group, word),
						       memory_order_relaxed,
						       memory_order_relaxed);
}

static bool is_idle(uint64_t word)
{
	return !(word & (SKI_GROUP_ROUND - 1) & ~SKI_GROUP_USED);
}

/* For ski_wait_spin(). */
static bool is_over(void *group)
{
	/* Relaxed: a look. */
	return is_idle(atomic_load_explicit(
		&((struct ski_group *)group)->q.word, memory_order_relaxed));
}

/* Whether the calling task keeps the group from ending. */
static bool is_within(const struct ski_group *group)
{
	struct ski_group *at = current();

	while (at && at != group)
		at = at->parent;
	return at;
}

int skua_group_wait(struct skua_group *group, int64_t timeout_ns)
{
	struct ski_group *g = ski_group_of(group);
	uint64_t word;
	int result;

	if (!g)
		return SKUA_EINVAL;
	if (is_within(g))
		return SKUA_EDEADLK;
	if (timeout_ns && !ski_worker_self() && !is_over(g))
		ski_wait_spin(is_over, g);
	do {
		/* Acquire: what the children did. Pairs with
		 * ski_group_leave(). */
		word = atomic_load_explicit(&g->q.word, memory_order_acquire);
		if (!is_idle(word))
			break;
	} while (!conclude(g, word, &result));
	if (is_idle(word))
		return result;
	if (!timeout_ns)
		return SKUA_ETIMEDOUT;
	if (g->generation != ski_generation())
		return SKUA_ECLOSED;
	return ski_waiting_wait(&g->q, &kind, asked_for(g, word), g,
				ski_deadline_ns(timeout_ns));
}
