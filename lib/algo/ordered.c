/* SPDX-License-Identifier: MIT */
/*
 * The ordered queue: a ring of futures. Who puts takes a ticket, tail, if there
 * is room, and then submits; the place of the ticket is filled with the future,
 * or with NOTHING if the submit failed. One reader at a time, who has set
 * `reading`, takes what is at head.
 *
 *	head <= tail <= head + ahead
 *
 * All of head, tail, reading and the places are looked at by those who wait at
 * one of the bells, so they are accessed seq_cst: see bell.h.
 */
#include <stdlib.h>

#include <skua/ordered.h>

#include "bell.h"
#include "chunk.h"
#include "deadline.h"

/* Jobs for each worker, and for the reader, if not given. */
enum {
	JOBS_A_WORKER = 4
};

/* Apart, so that those who put and those who read do not share a line. */
enum {
	LINE = 128
};

struct skua_ordered {
	/* I. */
	struct skua_pool *pool;
	size_t ahead;
	/* Those who put. */
	_Alignas(LINE) _Atomic(uint64_t) tail;
	struct ski_bell filled;
	/* The reader. */
	_Alignas(LINE) _Atomic(uint64_t) head;
	struct ski_bell room;
	_Atomic(bool) reading;
	struct ski_bell read;
	/* A. */
	_Alignas(LINE) _Atomic(struct skua_future *) place[];
};

/* In a place: its submit failed. */
static char nothing;
#define NOTHING ((struct skua_future *)(void *)&nothing)

static _Atomic(struct skua_future *) *place_of(struct skua_ordered *queue,
					       uint64_t n)
{
	return &queue->place[n % queue->ahead];
}

/* ---- put ---- */

struct ticket {
	struct skua_ordered *queue;
	uint64_t number;
};

/* Seq_cst, here and below: head pairs with advance(), tail with is_pending(), in
 * one order with stand() in bell.c. */
static bool take_ticket(void *what)
{
	struct ticket *ticket = what;
	struct skua_ordered *queue = ticket->queue;
	/* Before tail, so that it is not beyond it. Each pairs with what is named
	 * above. */
	uint64_t head =
		atomic_load_explicit(&queue->head, memory_order_seq_cst);
	uint64_t tail =
		atomic_load_explicit(&queue->tail, memory_order_seq_cst);

	do {
		if (tail - head >= queue->ahead)
			return false;
		/* Pairs with is_pending(). */
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->tail, &tail, tail + 1, memory_order_seq_cst,
		memory_order_seq_cst));
	ticket->number = tail;
	return true;
}

static int submit(struct skua_ordered *queue, skua_fn *fn, void *arg,
		  int64_t deadline_ns, struct skua_future **future)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	int error;

	if (deadline_ns < 0)
		return skua_submit(queue->pool, fn, arg, future);
	options.timeout_ns = ski_time_left(deadline_ns);
	error = skua_submit_with(queue->pool, fn, arg, &options, future);
	/* It had time, before it was at the pool. */
	return error == SKUA_EFULL ? SKUA_ETIMEDOUT : error;
}

int skua_ordered_put(struct skua_ordered *queue, skua_fn *fn, void *arg,
		     int64_t timeout_ns)
{
	int64_t deadline_ns = ski_deadline_after(timeout_ns);
	struct ticket ticket = { .queue = queue };
	struct skua_future *future = NOTHING;
	int error;

	if (!queue || !fn)
		return SKUA_EINVAL;
	error = ski_bell_wait(&queue->room, take_ticket, &ticket, deadline_ns);
	if (error)
		return error;
	error = submit(queue, fn, arg, deadline_ns, &future);
	/* Seq_cst: pairs with is_filled(). */
	atomic_store_explicit(place_of(queue, ticket.number), future,
			      memory_order_seq_cst);
	ski_bell_ring(&queue->filled);
	return error;
}

/* ---- next ---- */

static bool begin_reading(void *what)
{
	struct skua_ordered *queue = what;

	/* Seq_cst: pairs with end_reading(). */
	return !atomic_exchange_explicit(&queue->reading, true,
					 memory_order_seq_cst);
}

static void end_reading(struct skua_ordered *queue)
{
	/* Seq_cst: pairs with begin_reading(), and with stand() in bell.c. */
	atomic_store_explicit(&queue->reading, false, memory_order_seq_cst);
	ski_bell_ring(&queue->read);
}

static bool is_pending(void *what)
{
	struct skua_ordered *queue = what;

	/* Seq_cst: pair with take_ticket() and advance(). */
	return atomic_load_explicit(&queue->tail, memory_order_seq_cst) !=
	       atomic_load_explicit(&queue->head, memory_order_seq_cst);
}

static bool is_filled(void *place)
{
	/* Seq_cst: pairs with the store in skua_ordered_put(). */
	return atomic_load_explicit((_Atomic(struct skua_future *) *)place,
				    memory_order_seq_cst);
}

/* Reader: the place at head has been read. */
static void advance(struct skua_ordered *queue)
{
	/* Relaxed: only the reader writes it. */
	uint64_t head =
		atomic_load_explicit(&queue->head, memory_order_relaxed);

	/* Relaxed: published by head. */
	atomic_store_explicit(place_of(queue, head), NULL,
			      memory_order_relaxed);
	/* Seq_cst: pairs with take_ticket() and is_pending(). */
	atomic_store_explicit(&queue->head, head + 1, memory_order_seq_cst);
	ski_bell_ring(&queue->room);
}

/* Reader: the future at head, behind places with nothing in them. */
static int first(struct skua_ordered *queue, int64_t deadline_ns,
		 struct skua_future **future)
{
	while (is_pending(queue)) {
		/* Relaxed: only the reader writes it. */
		_Atomic(struct skua_future *) *place = place_of(
			queue, atomic_load_explicit(&queue->head,
						    memory_order_relaxed));
		int error = ski_bell_wait(&queue->filled, is_filled, place,
					  deadline_ns);

		if (error)
			return error;
		/* Relaxed: is_filled() has acquired it. */
		*future = atomic_load_explicit(place, memory_order_relaxed);
		if (*future != NOTHING)
			return 0;
		advance(queue);
	}
	return SKUA_ENONE;
}

static bool is_answer(int error)
{
	return !error || error == SKUA_EFAILED || error == SKUA_ECANCELLED;
}

static int read_first(struct skua_ordered *queue, int64_t deadline_ns,
		      void **result, int *code)
{
	struct skua_future *future;
	void *value = NULL;
	int error = first(queue, deadline_ns, &future);

	if (error)
		return error;
	error = skua_future_result(future, ski_time_left(deadline_ns), &value);
	if (!is_answer(error))
		return error;
	if (!error && result)
		*result = value;
	if (code)
		*code = skua_future_code(future);
	advance(queue);
	skua_future_release(future);
	return error;
}

int skua_ordered_next(struct skua_ordered *queue, int64_t timeout_ns,
		      void **result, int *code)
{
	int64_t deadline_ns = ski_deadline_after(timeout_ns);
	int error;

	if (!queue)
		return SKUA_EINVAL;
	if (!is_pending(queue))
		return SKUA_ENONE;
	error = ski_bell_wait(&queue->read, begin_reading, queue, deadline_ns);
	if (error)
		return error;
	error = read_first(queue, deadline_ns, result, code);
	end_reading(queue);
	return error;
}

int skua_ordered_await(struct skua_ordered *queue, int64_t timeout_ns)
{
	if (!queue)
		return SKUA_EINVAL;
	return ski_bell_wait(&queue->filled, is_pending, queue,
			     ski_deadline_after(timeout_ns));
}

/* ---- open and close ---- */

int skua_ordered_open(struct skua_ordered **out, struct skua_pool *pool,
		      size_t ahead)
{
	struct skua_ordered *queue;
	size_t bytes;

	if (!out || !pool)
		return SKUA_EINVAL;
	if (!ahead)
		ahead = JOBS_A_WORKER * ((size_t)skua_pool_workers(pool) + 1);
	if (ahead >
	    (PTRDIFF_MAX - sizeof(*queue)) / sizeof(queue->place[0]) - LINE)
		return SKUA_ENOMEM;
	bytes = sizeof(*queue) + ahead * sizeof(queue->place[0]);
	queue = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
	if (!queue)
		return SKUA_ENOMEM;
	*queue = (struct skua_ordered){ .ahead = ahead };
	for (size_t i = 0; i < ahead; i++)
		atomic_init(&queue->place[i], NULL);
	queue->pool = skua_pool_retain(pool);
	*out = queue;
	return 0;
}

static void cancel_all(struct skua_ordered *queue)
{
	for (size_t i = 0; i < queue->ahead; i++) {
		/* Relaxed: nobody else uses it, here and below. */
		struct skua_future *future = atomic_load_explicit(
			&queue->place[i], memory_order_relaxed);

		if (future && future != NOTHING)
			skua_future_cancel(future);
	}
}

/* False: one of them is the caller's own. */
static bool wait_for_all(struct skua_ordered *queue)
{
	bool own = false;

	for (size_t i = 0; i < queue->ahead; i++) {
		struct skua_future *future = atomic_load_explicit(
			&queue->place[i], memory_order_relaxed);

		if (future && future != NOTHING)
			own |= ski_chunk_wait(future) == SKUA_EDEADLK;
	}
	return !own;
}

static void release_all(struct skua_ordered *queue)
{
	for (size_t i = 0; i < queue->ahead; i++) {
		struct skua_future *future = atomic_load_explicit(
			&queue->place[i], memory_order_relaxed);

		if (future != NOTHING)
			skua_future_release(future);
	}
}

int skua_ordered_close(struct skua_ordered *queue)
{
	if (!queue)
		return SKUA_EINVAL;
	cancel_all(queue);
	if (!wait_for_all(queue))
		return SKUA_EDEADLK;
	release_all(queue);
	ski_bell_destroy(&queue->filled);
	ski_bell_destroy(&queue->room);
	ski_bell_destroy(&queue->read);
	skua_pool_release(queue->pool);
	free(queue);
	return 0;
}
