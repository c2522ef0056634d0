/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include "pool.h"
#include "rcu.h"
#include "run.h"
#include "steal.h"

/* Kept by a worker for itself; the rest may be trimmed. */
enum {
	FIBERS_KEPT = 16,
	SEGMENTS_KEPT = 4
};

static struct ski_fiber *next_fiber(struct ski_fiber *fiber)
{
	return ski_fiber_of_node(fiber->node.next);
}

static void keep_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	fiber->node.next = worker->spares ? &worker->spares->node : NULL;
	worker->spares = fiber;
	worker->spare_count++;
}

/* Any thread: one that no deque can be given. */
static void push_stray(struct skua_pool *pool, struct ski_fiber *fiber)
{
	/* Relaxed: the CAS checks it. */
	struct ski_fiber *head =
		atomic_load_explicit(&pool->strays, memory_order_relaxed);

	do
		fiber->node.next = head ? &head->node : NULL;
	/* Release: the link and the fiber. Pairs with take_strays(). Failure
	 * only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&pool->strays, &head, fiber, memory_order_release,
		memory_order_relaxed));
}

/* Any thread: all of them. Mostly there are none. */
static struct ski_fiber *take_strays(struct skua_pool *pool)
{
	/* Relaxed: a look, so that the line stays shared. */
	if (!atomic_load_explicit(&pool->strays, memory_order_relaxed))
		return NULL;
	/* Acquire: the fibers. Pairs with push_stray(). */
	return atomic_exchange_explicit(&pool->strays, NULL,
					memory_order_acquire);
}

static void put_surplus(struct ski_worker *worker, struct ski_fiber *fiber)
{
	if (ski_unlikely(ski_deque_reserve(&worker->surplus, 1)))
		push_stray(worker->pool, fiber);
	else
		ski_deque_push(&worker->surplus, (uintptr_t)fiber);
}

static void store_fiber(struct ski_worker *worker, struct ski_fiber *fiber)
{
	if (worker->spare_count < FIBERS_KEPT)
		keep_fiber(worker, fiber);
	else
		put_surplus(worker, fiber);
}

static struct ski_fiber *kept_fiber(struct ski_worker *worker)
{
	struct ski_fiber *fiber = worker->spares;

	if (fiber) {
		worker->spares = next_fiber(fiber);
		worker->spare_count--;
	}
	return fiber;
}

static struct ski_fiber *own_surplus(struct ski_worker *worker)
{
	return (struct ski_fiber *)ski_deque_take(&worker->surplus);
}

/* The one that has lain longest in the surplus of some worker. */
static struct ski_fiber *steal_fiber(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;
	unsigned slots = ski_pool_slots(pool);
	unsigned at = worker->last_lender;
	uintptr_t fiber;

	ski_rcu_read_lock();
	fiber = ski_steal_oldest(&pool->worker[at]->surplus);
	for (unsigned i = 1; i < slots && !fiber; i++) {
		if (++at == slots)
			at = 0;
		fiber = ski_steal_oldest(&pool->worker[at]->surplus);
	}
	ski_rcu_read_unlock();
	worker->last_lender = at;
	return (struct ski_fiber *)fiber;
}

/* One of them; the others have a home again. */
static struct ski_fiber *take_stray(struct ski_worker *worker)
{
	struct ski_fiber *fiber = take_strays(worker->pool);
	struct ski_fiber *other = fiber ? next_fiber(fiber) : NULL;

	while (other) {
		struct ski_fiber *next = next_fiber(other);

		store_fiber(worker, other);
		other = next;
	}
	return fiber;
}

/* Tasks suspend now on this worker, now on that: before a new stack is mapped
 * those that lie idle elsewhere are used, or each worker would end with as
 * many as all need together. */
static struct ski_fiber *find_fiber(struct ski_worker *worker)
{
	struct ski_fiber *fiber = steal_fiber(worker);

	return fiber ? fiber : take_stray(worker);
}

static struct ski_fiber *__attribute__((__cold__, __noinline__))
find_or_open(struct ski_worker *worker)
{
	struct ski_fiber *fiber = find_fiber(worker);

	if (!fiber)
		fiber = ski_fiber_open(worker, worker->pool->stack_bytes);
	/* No more to be had: somebody may have put one back. */
	return fiber ? fiber : find_fiber(worker);
}

/* Out of line: waits that are not deep do without. */
static struct ski_fiber *__attribute__((__noinline__))
more_fibers(struct ski_worker *worker)
{
	struct ski_fiber *fiber = own_surplus(worker);

	return ski_likely(fiber) ? fiber : find_or_open(worker);
}

static struct ski_fiber *next_spare(struct ski_worker *worker)
{
	struct ski_fiber *fiber = kept_fiber(worker);

	if (ski_unlikely(!fiber))
		fiber = more_fibers(worker);
	if (ski_unlikely(fiber && fiber->home != worker))
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
	else
		store_fiber(worker, fiber);
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

/* Relaxed: what offered the proxy happened before the segment was idle. And who
 * popped it, ski_proxy_popped(), releases nothing by that: it did so in a
 * read-side section, in which it looks at the segment to the end. The section
 * was open before this saw it, so the grace period that follows waits for it. */
static bool is_queued(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->proxy.state,
				    memory_order_relaxed) != SKI_PROXY_IDLE;
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

/* It is the caller's. */
static void trim_fiber(struct skua_pool *pool, struct ski_fiber *fiber,
		       struct ski_trimmed *trimmed)
{
	if (is_queued(fiber->first)) {
		push_stray(pool, fiber);
		return;
	}
	fiber->node.next = trimmed->fibers ? &trimmed->fibers->node : NULL;
	trimmed->fibers = fiber;
}

void ski_cache_trim_strays(struct skua_pool *pool, struct ski_trimmed *trimmed)
{
	struct ski_fiber *fiber = take_strays(pool);

	while (fiber) {
		struct ski_fiber *next = next_fiber(fiber);

		trim_fiber(pool, fiber, trimmed);
		fiber = next;
	}
}

/* As many as there are at first: the owner goes on. Under the lock `freeing`. */
static void trim_surplus(struct ski_worker *worker, struct ski_trimmed *trimmed)
{
	size_t count = ski_deque_count(&worker->surplus);

	while (count--) {
		uintptr_t fiber = ski_steal_oldest(&worker->surplus);

		if (!fiber)
			return;
		trim_fiber(worker->pool, (struct ski_fiber *)fiber, trimmed);
	}
}

static void trim_segments(struct ski_worker *worker,
			  struct ski_trimmed *trimmed)
{
	struct ski_segment *segment = take_segments(worker);

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
}

void ski_cache_trim(struct ski_worker *worker, struct ski_trimmed *trimmed)
{
	trim_surplus(worker, trimmed);
	trim_segments(worker, trimmed);
	ski_cache_trim_rings(&worker->surplus, trimmed);
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
	struct ski_trimmed all = { .segments = worker->segments };
	struct ski_fiber *fiber;

	ski_cache_free(&all);
	all.segments = take_segments(worker);
	ski_cache_free(&all);
	while ((fiber = kept_fiber(worker)) || (fiber = own_surplus(worker)))
		ski_fiber_close(fiber);
	if (worker->spare)
		ski_fiber_close(worker->spare);
	if (worker->fiber)
		ski_fiber_close(worker->fiber);
}

void ski_cache_close_strays(struct skua_pool *pool)
{
	struct ski_trimmed all = { .fibers = take_strays(pool) };

	ski_cache_free(&all);
}
