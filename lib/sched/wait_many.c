/* SPDX-License-Identifier: MIT */
/*
 * skua_wait(): until all of some futures are done, or the first one is.
 *
 * The caller stands in the list of each future that is pending, with a waiter
 * that counts (told()), and sleeps on one of its own. Whoever comes to the end
 * of the count, or to the first that matters, tells that one. What they share
 * is freed by the last of them: one who has been told of a future may still be
 * about it when the caller has gone.
 * Protocol: docs/design/future.md.
 */
#include "future.h"

#include "clock.h"
#include "objects.h"
#include "wait.h"
#include "waiter.h"

struct many {
	/* A: waiters not told; and 1 while the caller goes through the
	 * futures, so that nobody comes to the end before. */
	_Atomic(size_t) left;
	_Atomic(size_t) latest; /* A: told or found done last, or nearly so */
	_Atomic(size_t) winner; /* A: 1 + who ended the wait */
	_Atomic(size_t) holders; /* the caller, and waiters in lists */
	struct ski_waiter *sleeper; /* I: two references, ours and a winner's */
	enum skua_when when; /* I */
	size_t count; /* caller: of node */
	struct ski_waiter *node[]; /* caller */
};

static void drop(struct many *many, size_t n)
{
	/* Acquire and release: who frees comes after the others. */
	if (atomic_fetch_sub_explicit(&many->holders, n,
				      memory_order_acq_rel) != n)
		return;
	/* Relaxed: winners came before. */
	if (!atomic_load_explicit(&many->winner, memory_order_relaxed))
		ski_waiter_release(many->sleeper);
	ski_free(many);
}

static bool ends(enum skua_when when, enum ski_status status)
{
	return when == SKUA_FIRST_DONE ||
	       (when == SKUA_FIRST_FAILED && status == SKI_FAILED);
}

static void win(struct many *many, size_t index)
{
	size_t none = 0;

	/* Relaxed: comes to the sleeper with ski_waiter_decide(). */
	if (atomic_compare_exchange_strong_explicit(
		    &many->winner, &none, index + 1, memory_order_relaxed,
		    memory_order_relaxed))
		ski_waiters_tell(many->sleeper, SKI_DONE);
}

/* In who ended the future, which may be gone. */
static void told(struct ski_waiter *node, enum ski_status status)
{
	struct many *many = node->context;
	size_t index = node->index;

	ski_waiter_release(node);
	/* Relaxed: published by the count. */
	atomic_store_explicit(&many->latest, index, memory_order_relaxed);
	/* Before the count: one that failed has won, whoever is the last. */
	if (ends(many->when, status))
		win(many, index);
	/* Acquire and release: the last one has seen the others, and who has
	 * won. Pairs with itself and with join_all(). */
	if (atomic_fetch_sub_explicit(&many->left, 1, memory_order_acq_rel) ==
	    1)
		win(many, index);
	drop(many, 1);
}

/* ---- the caller ---- */

static struct many *new_many(size_t count, enum skua_when when,
			     struct ski_worker *worker)
{
	struct many *many;

	if (count > (PTRDIFF_MAX - sizeof(*many)) / sizeof(many->node[0]))
		return NULL;
	many = ski_calloc(1, sizeof(*many) + count * sizeof(many->node[0]));
	if (!many)
		return NULL;
	many->sleeper = ski_waiter_open(worker);
	if (!many->sleeper) {
		ski_free(many);
		return NULL;
	}
	many->sleeper->next = NULL;
	many->when = when;
	atomic_init(&many->left, 1);
	atomic_init(&many->holders, 1);
	return many;
}

static enum ski_status status_of(struct skua_future *future)
{
	return ski_slot_status(ski_slot_load(&future->job.state));
}

/* Stand in the list of a future. SKUA_EBUSY: it is done. */
static int join(struct many *many, struct skua_future *future, size_t index)
{
	struct ski_waiter *node = ski_waiter_open(NULL);

	if (!node)
		return SKUA_ENOMEM;
	node->told = told;
	node->context = many;
	node->index = index;
	/* Relaxed: ours; published with the node. */
	atomic_fetch_add_explicit(&many->holders, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&many->left, 1, memory_order_relaxed);
	if (ski_slot_wait(&future->job.state, node, node)) {
		many->node[many->count++] = node;
		return 0;
	}
	/* Relaxed: not the last, we hold one of each. */
	atomic_fetch_sub_explicit(&many->holders, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&many->left, 1, memory_order_relaxed);
	ski_object_free(node);
	return SKUA_EBUSY;
}

/* Caller, when all are done: which one it was. */
static size_t ended_by(struct many *many)
{
	/* Relaxed, both: came with the count. */
	size_t winner =
		atomic_load_explicit(&many->winner, memory_order_relaxed);

	return winner ? winner - 1 :
			atomic_load_explicit(&many->latest,
					     memory_order_relaxed);
}

/* Stand in all lists. SKUA_EBUSY: future *@index ended the wait. */
static int join_all(struct many *many, struct skua_future *const futures[],
		    size_t count, size_t *index)
{
	for (size_t i = 0; i < count; i++) {
		enum ski_status status = status_of(futures[i]);
		int error = 0;

		if (!ski_status_final(status))
			error = join(many, futures[i], i);
		if (error == SKUA_ENOMEM)
			return error;
		if (!error && !ski_status_final(status))
			continue;
		if (ends(many->when, status_of(futures[i]))) {
			*index = i;
			return SKUA_EBUSY;
		}
		/* Relaxed: as told(). */
		atomic_store_explicit(&many->latest, i, memory_order_relaxed);
	}
	/* Acquire and release: as told(). */
	if (atomic_fetch_sub_explicit(&many->left, 1, memory_order_acq_rel) !=
	    1)
		return 0;
	*index = ended_by(many);
	return SKUA_EBUSY;
}

/* All are marked before lists are looked at: one that is given twice has its
 * list cleared at once. */
static void leave_all(struct many *many, struct skua_future *const futures[])
{
	size_t mine = 1;
	size_t gone = 0;

	for (size_t i = 0; i < many->count; i++) {
		struct ski_waiter *node = many->node[i];

		if (ski_waiter_decide(node, SKI_GONE)) {
			many->node[gone++] = node;
			mine++;
		} else {
			ski_waiter_release(node);
		}
	}
	for (size_t i = 0; i < gone; i++) {
		ski_wait_sift(&futures[many->node[i]->index]->job.state);
		ski_waiter_release(many->node[i]);
	}
	ski_waiter_release(many->sleeper);
	drop(many, mine);
}

static bool is_told(void *waiter)
{
	/* Relaxed: a look. */
	return atomic_load_explicit(&((struct ski_waiter *)waiter)->state,
				    memory_order_relaxed) != SKI_WAITING;
}

static int sleep_until(struct many *many, struct ski_worker *worker,
		       int64_t deadline_ns, size_t *index)
{
	if (!worker)
		ski_wait_spin(is_told, many->sleeper);
	if (!ski_wait_told(many->sleeper, worker, deadline_ns))
		return SKUA_ETIMEDOUT;
	/* Relaxed: came with the telling. */
	*index = atomic_load_explicit(&many->winner, memory_order_relaxed) - 1;
	return 0;
}

/* Without sleeping. One who has won meanwhile resumes us all the same, and
 * that must be waited for. */
static void stay_awake(struct many *many, struct ski_worker *worker)
{
	if (!ski_waiter_decide(many->sleeper, SKI_GONE))
		ski_wait_told(many->sleeper, worker, -1);
}

static int wait_many(struct skua_future *const futures[], size_t count,
		     enum skua_when when, int64_t timeout_ns, size_t *index)
{
	struct ski_worker *worker = ski_worker_self();
	int64_t deadline_ns = ski_deadline_ns(timeout_ns);
	int error = worker ? ski_wait_prepare(worker) : 0;
	struct many *many;

	if (error)
		return error;
	many = new_many(count, when, worker);
	if (!many)
		return SKUA_ENOMEM;
	error = join_all(many, futures, count, index);
	if (error)
		stay_awake(many, worker);
	else
		error = sleep_until(many, worker, deadline_ns, index);
	leave_all(many, futures);
	return error == SKUA_EBUSY ? 0 : error;
}

/* What is known without waiting. SKUA_ETIMEDOUT: it takes a wait. 0: *@index
 * ended it. Else it is refused. */
static int look(struct skua_future *const futures[], size_t count,
		enum skua_when when, size_t *index)
{
	size_t awaited = 0;
	int refused = 0;

	for (size_t i = 0; i < count; i++) {
		enum ski_status status;
		int error;

		if (!futures[i])
			return SKUA_EINVAL;
		status = status_of(futures[i]);
		if (ski_status_final(status)) {
			if (ends(when, status)) {
				*index = i;
				return 0;
			}
			continue;
		}
		error = ski_future_refuse_wait(futures[i]);
		if (!error)
			awaited++;
		else if (!refused)
			refused = error;
	}
	if (refused && (when == SKUA_ALL_DONE || !awaited))
		return refused;
	*index = count - 1;
	return awaited ? SKUA_ETIMEDOUT : 0;
}

int skua_wait(struct skua_future *const futures[], size_t count,
	      enum skua_when when, int64_t timeout_ns, size_t *index)
{
	size_t which = 0;
	int error;

	if (when != SKUA_ALL_DONE && when != SKUA_FIRST_DONE &&
	    when != SKUA_FIRST_FAILED)
		return SKUA_EINVAL;
	if (!count)
		return when == SKUA_ALL_DONE ? 0 : SKUA_ENONE;
	if (!futures)
		return SKUA_EINVAL;
	error = look(futures, count, when, &which);
	if (error && error != SKUA_EINVAL && !timeout_ns)
		return SKUA_ETIMEDOUT;
	if (error == SKUA_ETIMEDOUT)
		error = wait_many(futures, count, when, timeout_ns, &which);
	if (!error && index)
		*index = which;
	return error;
}
