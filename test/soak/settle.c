/* SPDX-License-Identifier: MIT */
/* The fate of a child that its parent has not joined. */
#include "program.h"

/* What a wait said, by whomever: all must say the same. */
void note(struct node *child, struct skua_future *future, int error)
{
	int seen = 1;

	/* No progress: one that polls for ever hangs too. */
	if (error == SKUA_ETIMEDOUT)
		return;
	progress();
	EXPECT(child,
	       error == 0 || error == SKUA_EFAILED || error == SKUA_ECANCELLED);
	EXPECT(child, skua_future_done(future));
	EXPECT(child, !skua_future_running(future));
	EXPECT(child,
	       skua_future_cancelled(future) == (error == SKUA_ECANCELLED));
	EXPECT(child,
	       (skua_future_code(future) != 0) == (error == SKUA_EFAILED));
	if (!atomic_compare_exchange_strong_explicit(&child->seen, &seen, error,
						     memory_order_relaxed,
						     memory_order_relaxed))
		EXPECT(child, seen == error);
}

void try_cancel(struct node *child, struct skua_future *future)
{
	int error = skua_future_cancel(future);

	if (!error) {
		note(child, future, SKUA_ECANCELLED);
		atomic_fetch_add_explicit(&child->cancels, 1,
					  memory_order_relaxed);
		return;
	}
	EXPECT(child, error == SKUA_EBUSY);
	EXPECT(child, !skua_future_cancelled(future));
	atomic_fetch_add_explicit(&child->vain_cancels, 1,
				  memory_order_relaxed);
}

/* The parent's wait, by its plan. Of a node with drop_result() some are done
 * without reading the result. */
static int wait_for(struct node *child, void **result)
{
	int64_t timeout_ns = child->settle == AWAIT ? SKUA_FOREVER :
						      child->pause_ns;
	int error;

	do {
		error = skua_future_result(child->future, timeout_ns, result);
		note(child, child->future, error);
	} while (error == SKUA_ETIMEDOUT && child->settle == POLL);
	EXPECT(child, error != SKUA_ETIMEDOUT || timeout_ns >= 0);
	return error;
}

static void read(struct node *child)
{
	atomic_fetch_add_explicit(&child->reads, 1, memory_order_relaxed);
}

static void settle_function(struct node *child)
{
	bool reads = child->launch != WITH || child->order;
	void *result = NULL;
	int error = wait_for(child, reads ? &result : NULL);

	EXPECT(child, skua_future_arg(child->future) == child);
	if (error == SKUA_EFAILED) {
		child->outcome = FAILED;
		if (reads)
			result = skua_future_value(child->future);
	} else if (!error) {
		child->outcome = RETURNED;
	} else {
		child->outcome = error == SKUA_ECANCELLED ? CANCELLED : GAVE_UP;
		EXPECT(child, result == NULL);
		return;
	}
	child->code = skua_future_code(child->future);
	if (!reads) {
		child->taken = 1;
		return;
	}
	read(child);
	child->taken = (uintptr_t)result;
	if (child->launch == WITH && result) {
		EXPECT(child, result == child);
		child->taken = child->value;
	}
}

/* What visit_submit() gave. */
static void settle_box(struct node *child)
{
	int error = wait_for(child, NULL);

	EXPECT(child, skua_future_arg(child->future) == NULL);
	if (error == SKUA_ETIMEDOUT) {
		child->outcome = GAVE_UP;
		return;
	}
	EXPECT(child, box_result(child, &child->taken) == error);
	child->code = skua_future_code(child->future);
	if (error)
		child->outcome = error == SKUA_ECANCELLED ? CANCELLED : FAILED;
	else
		child->outcome = RETURNED;
}

void settle_future(struct node *child)
{
	struct skua_future *future = child->future;

	if (child->launch == BOX)
		settle_box(child);
	else
		settle_function(child);
	skua_future_release(future);
}

/* A thread can only be asked whether it is over; a task that joined it at once
 * would hold up the worker that the thread may wait for. */
void settle_thread(struct node *child)
{
	/* Acquire: the record. Pairs with run_thread(). */
	while (skua_worker() >= 0 &&
	       !atomic_load_explicit(&child->over, memory_order_acquire))
		EXPECT(child, skua_sleep(20000) == 0);
	EXPECT(child, pthread_join(child->thread, NULL) == 0);
	child->outcome = RETURNED;
	child->taken = child->value;
}
