/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include "pool.h"
#include "run.h"

/* Kept by a worker for itself; the rest may be trimmed. */
enum {
	FIBERS_KEPT = 16,
	SEGMENTS_KEPT = 4,
	RECALLS = 16 /* looks for what is on its way, before a new one */
};

static struct ski_fiber *next_fiber(struct ski_fiber *fiber)
{
	return ski_fiber_of_node(fiber->node.next);
}

/* Relaxed: a hint. */
static void count_surplus(struct ski_worker *worker, uint32_t n)
{
	atomic_fetch_add_explicit(&worker->surplus_count, n,
				  memory_order_relaxed);
}

static bool is_surplus(struct skua_pool *pool)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		/* Relaxed: a hint. */
		sum += atomic_load_explicit(&pool->worker[i]->surplus_count,
					    memory_order_relaxed);
	return sum;
}

static void push_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	/* Relaxed: the CAS checks it. */
	struct ski_fiber *head =
		atomic_load_explicit(&worker->surplus, memory_order_relaxed);

	do
		fiber->node.next = head ? &head->node : NULL;
	/* Release: the link and the fiber. Pairs with take_fibers(). Failure
	 * only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&worker->surplus, &head, fiber, memory_order_release,
		memory_order_relaxed));
}

static void put_surplus(struct ski_worker *worker, struct ski_fiber *fiber)
{
	count_surplus(worker, 1);
	push_fiber(worker, fiber);
}

static struct ski_fiber *take_fibers(struct ski_worker *worker)
{
	/* Acquire: the fibers. Pairs with push_fiber(). */
	return atomic_exchange_explicit(&worker->surplus, NULL,
					memory_order_acquire);
}

static void push_segment(struct ski_worker *worker, struct ski_segment *segment)
{
	/* Relaxed: the CAS checks it. */
	struct ski_segment *head = atomic_load_explicit(
		&worker->surplus_segments, memory_order_relaxed);

	do
		segment->next = head;
	/* Release: the link. Pairs with take_segments(). Failure only
	 * reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&worker->surplus_segments, &head, segment, memory_order_release,
		memory_order_relaxed));
}

static struct ski_segment *take_segments(struct ski_worker *worker)
{
	/* Acquire: the links. Pairs with push_segment(). */
	return atomic_exchange_explicit(&worker->surplus_segments, NULL,
					memory_order_acquire);
}

static void keep_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	fiber->node.next = worker->spares ? &worker->spares->node : NULL;
	worker->spares = fiber;
	worker->spare_count++;
}

/* Some of @from's surplus becomes the worker's own, the rest its surplus, which
 * is empty mostly: it was looked at first. */
static void recall_fibers(struct ski_worker *worker, struct ski_worker *from)
{
	struct ski_fiber *fiber = take_fibers(from);
	struct ski_fiber *none = NULL;
	uint32_t kept = 0;

	for (; fiber && worker->spare_count < FIBERS_KEPT; kept++) {
		struct ski_fiber *next = next_fiber(fiber);

		keep_fiber(worker, fiber);
		fiber = next;
	}
	if (kept)
		count_surplus(worker, -kept);
	/* Release: the list. Pairs with take_fibers(). Failure: a trim has put
	 * some back; one by one then. */
	if (fiber && atomic_compare_exchange_strong_explicit(
			     &worker->surplus, &none, fiber,
			     memory_order_release, memory_order_relaxed))
		return;
	while (fiber) {
		struct ski_fiber *next = next_fiber(fiber);

		push_fiber(worker, fiber);
		fiber = next;
	}
}

static bool recall_any(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;

	recall_fibers(worker, worker);
	for (unsigned i = 0; i < ski_pool_slots(pool) && !worker->spares; i++)
		recall_fibers(worker, pool->worker[i]);
	return worker->spares;
}

/* Tasks suspend now on this worker, now on that: before a new stack is mapped
 * those that lie idle elsewhere are used, or each worker would end with as
 * many as all need together. One that another worker has just taken whole is
 * waited for, but not for long. */
static void find_fibers(struct ski_worker *worker)
{
	for (int i = 0; !recall_any(worker) && i < RECALLS; i++) {
		if (!is_surplus(worker->pool))
			return;
		ski_thread_yield();
	}
}

static struct ski_fiber *next_spare(struct ski_worker *worker)
{
	struct ski_fiber *fiber;

	if (!worker->spares)
		find_fibers(worker);
	if (!worker->spares) {
		fiber = ski_fiber_open(worker, worker->pool->stack_bytes);
		/* No more to be had: somebody may have put one back. */
		if (fiber || !recall_any(worker))
			return fiber;
	}
	fiber = worker->spares;
	worker->spares = next_fiber(fiber);
	worker->spare_count--;
	if (fiber->home != worker)
		ski_fiber_move(fiber, worker);
	return fiber;
}

bool ski_cache_spare(struct ski_worker *worker)
{
	if (ski_unlikely(!worker->spare))
		worker->spare = next_spare(worker);
	return worker->spare;
}

struct ski_fiber *ski_cache_take_fiber(struct ski_worker *worker)
{
	struct ski_fiber *fiber = worker->spare;

	worker->spare = NULL;
	return fiber;
}

void ski_cache_give_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	put_surplus(worker, fiber);
}

void ski_cache_put_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	if (!worker->spare)
		worker->spare = fiber;
	else if (worker->spare_count < FIBERS_KEPT)
		keep_fiber(worker, fiber);
	else
		put_surplus(worker, fiber);
}

static struct ski_segment *new_segment(void)
{
	struct ski_segment *segment = ski_block_alloc(SKUA_SEGMENT_BYTES);

	if (segment)
		segment->proxy.run = ski_proxy_run;
	return segment;
}

struct ski_segment *ski_cache_take_segment(struct ski_worker *worker)
{
	struct ski_segment *segment = worker->segments;

	if (!segment) {
		/* As many as there are: the list is walked by its links. */
		segment = take_segments(worker);
		worker->segments = segment;
		worker->segment_count = segment ? SEGMENTS_KEPT : 0;
	} else if (worker->segment_count) {
		worker->segment_count--;
	}
	if (segment)
		worker->segments = segment->next;
	else
		segment = new_segment();
	if (segment) {
		segment->next = NULL;
		ski_segment_reset(segment);
	}
	return segment;
}

void ski_cache_put_segment(struct ski_worker *worker,
			   struct ski_segment *segment)
{
	if (worker->segment_count >= SEGMENTS_KEPT) {
		push_segment(worker, segment);
		return;
	}
	segment->next = worker->segments;
	worker->segments = segment;
	worker->segment_count++;
}

/* Acquire: who popped the proxy did so in a read-side section, which the
 * grace period waits for. Pairs with ski_proxy_popped(). */
static bool is_queued(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->proxy.state,
				    memory_order_acquire) != SKI_PROXY_IDLE;
}

void ski_cache_trim_rings(struct ski_deque *deque, struct ski_trimmed *trimmed)
{
	struct ski_ring *ring = ski_deque_retired(deque);

	while (ring) {
		struct ski_ring *older = ring->older;

		ring->older = trimmed->rings;
		trimmed->rings = ring;
		ring = older;
	}
}

void ski_cache_trim(struct ski_worker *worker, struct ski_trimmed *trimmed)
{
	struct ski_fiber *fiber = take_fibers(worker);
	struct ski_segment *segment = take_segments(worker);

	while (fiber) {
		struct ski_fiber *next = next_fiber(fiber);

		if (is_queued(fiber->first)) {
			push_fiber(worker, fiber);
		} else {
			fiber->node.next =
				trimmed->fibers ? &trimmed->fibers->node : NULL;
			trimmed->fibers = fiber;
			count_surplus(worker, (uint32_t)-1);
		}
		fiber = next;
	}
	while (segment) {
		struct ski_segment *next = segment->next;

		if (is_queued(segment)) {
			push_segment(worker, segment);
		} else {
			segment->next = trimmed->segments;
			trimmed->segments = segment;
		}
		segment = next;
	}
	ski_cache_trim_rings(&worker->inner, trimmed);
	ski_cache_trim_rings(&worker->producer.deque, trimmed);
}

void ski_cache_free(struct ski_trimmed *trimmed)
{
	while (trimmed->fibers) {
		struct ski_fiber *fiber = trimmed->fibers;

		trimmed->fibers = next_fiber(fiber);
		ski_fiber_close(fiber);
	}
	while (trimmed->segments) {
		struct ski_segment *segment = trimmed->segments;

		trimmed->segments = segment->next;
		ski_block_free(segment, SKUA_SEGMENT_BYTES);
	}
	ski_ring_free_all(trimmed->rings);
	trimmed->rings = NULL;
}

void ski_cache_close(struct ski_worker *worker)
{
	struct ski_trimmed all = { .fibers = worker->spares,
				   .segments = worker->segments };

	ski_cache_free(&all);
	all.fibers = take_fibers(worker);
	all.segments = take_segments(worker);
	ski_cache_free(&all);
	if (worker->spare)
		ski_fiber_close(worker->spare);
	if (worker->fiber)
		ski_fiber_close(worker->fiber);
}
