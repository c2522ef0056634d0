/* SPDX-License-Identifier: MIT */
#include "bell.h"

#include <stdlib.h>

#include <skua/future.h>

#include "deadline.h"

/* One who waits; freed by who takes it out of the list. */
struct ski_ringee {
	struct ski_ringee *next;
	struct skua_future *promise; /* cancelled by who has given up */
};

static void stand(struct ski_bell *bell, struct ski_ringee *ringee)
{
	/* Relaxed: the CAS checks it. */
	ringee->next = atomic_load_explicit(&bell->list, memory_order_relaxed);
	/* Seq_cst: pairs with is_empty() and take_all() in who rings: he
	 * sees us, or we see what he made true. Failure: reloaded. */
	while (!atomic_compare_exchange_weak_explicit(
		&bell->list, &ringee->next, ringee, memory_order_seq_cst,
		memory_order_relaxed))
		;
}

static struct ski_ringee *take_all(struct ski_bell *bell)
{
	/* Seq_cst: pairs with stand(), whose ringees it acquires. */
	return atomic_exchange_explicit(&bell->list, NULL,
					memory_order_seq_cst);
}

static bool is_empty(struct ski_bell *bell)
{
	/* Seq_cst: pairs with stand(). */
	return !atomic_load_explicit(&bell->list, memory_order_seq_cst);
}

static void free_ringee(struct ski_ringee *ringee)
{
	skua_future_release(ringee->promise);
	free(ringee);
}

static void tell_all(struct ski_ringee *list)
{
	while (list) {
		struct ski_ringee *next = list->next;

		skua_promise_set(list->promise, NULL);
		free_ringee(list);
		list = next;
	}
}

void ski_bell_ring(struct ski_bell *bell)
{
	do {
		if (!is_empty(bell))
			tell_all(take_all(bell));
		/* Seq_cst: pairs with the loads in sift(). */
		atomic_fetch_add_explicit(&bell->rings, 1,
					  memory_order_seq_cst);
	} while (!is_empty(bell));
}

/* Drop those who have given up. */
static void sift(struct ski_bell *bell)
{
	/* Seq_cst, here and below: pairs with ski_bell_ring(). */
	uint64_t rings =
		atomic_load_explicit(&bell->rings, memory_order_seq_cst);
	struct ski_ringee *list = take_all(bell);

	while (list) {
		struct ski_ringee *next = list->next;

		if (skua_future_done(list->promise))
			free_ringee(list);
		else
			stand(bell, list);
		list = next;
	}
	/* Seq_cst: pairs with ski_bell_ring(), as above. */
	if (atomic_load_explicit(&bell->rings, memory_order_seq_cst) != rings)
		ski_bell_ring(bell);
}

static struct ski_ringee *new_ringee(struct skua_future **promise)
{
	struct ski_ringee *ringee = calloc(1, sizeof(*ringee));

	if (!ringee)
		return NULL;
	if (skua_promise_open(promise)) {
		free(ringee);
		return NULL;
	}
	ringee->promise = skua_future_retain(*promise);
	return ringee;
}

/* Until it rings. True in *@done: @try(@what) was true before. */
static int wait_once(struct ski_bell *bell, bool (*try)(void *what), void *what,
		     int64_t deadline_ns, bool *done)
{
	struct skua_future *promise;
	struct ski_ringee *ringee = new_ringee(&promise);
	int error = 0;

	if (!ringee)
		return SKUA_ENOMEM;
	stand(bell, ringee);
	*done = try(what);
	if (!*done)
		error = skua_future_result(promise, ski_time_left(deadline_ns),
					   NULL);
	/* Not if it has rung: then it is in no list. */
	if ((*done || error) && !skua_future_cancel(promise))
		sift(bell);
	skua_future_release(promise);
	return error;
}

int ski_bell_wait(struct ski_bell *bell, bool (*try)(void *what), void *what,
		  int64_t deadline_ns)
{
	bool done = try(what);

	while (!done) {
		int error = SKUA_ETIMEDOUT;

		if (ski_time_left(deadline_ns))
			error = wait_once(bell, try, what, deadline_ns, &done);
		if (error)
			return error;
		if (!done)
			done = try(what);
	}
	return 0;
}

void ski_bell_destroy(struct ski_bell *bell)
{
	struct ski_ringee *list = take_all(bell);

	while (list) {
		struct ski_ringee *next = list->next;

		free_ringee(list);
		list = next;
	}
}
