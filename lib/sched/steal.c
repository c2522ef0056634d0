/* SPDX-License-Identifier: MIT */
#include "steal.h"

#include "guest.h"
#include "isolate.h"
#include "pool.h"
#include "rcu.h"
#include "run.h"
#include "wake.h"

enum {
	BATCH = 32,
	DELAY_MOST = 127,
};

/* xorshift64*: Marsaglia, "Xorshift RNGs", 2003. Never 0. */
static unsigned random_below(struct ski_worker *worker, unsigned n)
{
	uint64_t x = worker->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	worker->random = x;
	return (unsigned)(((x * UINT64_C(0x2545f4914f6cdd1d) >> 32) * n) >> 32);
}

/* In a read-side section: a part of a running task, else, with @jobs, the
 * oldest job. */
static uintptr_t from_worker(struct ski_worker *victim, bool jobs)
{
	/* Acquire: the segment's header. Pairs with the stores of segment. */
	struct ski_segment *segment =
		atomic_load_explicit(&victim->segment, memory_order_acquire);
	uintptr_t job;
	int got;
	bool again;

	do {
		struct skua_frame *frame;

		again = false;
		frame = ski_forkstack_steal(segment, true, &again);
		if (frame)
			return ski_job_of_frame(frame);
		got = ski_deque_steal_many(&victim->inner, &job, 1);
		if (got > 0)
			return job;
		again |= got < 0;
		if (!jobs)
			continue;
		got = ski_deque_steal_many(&victim->producer.deque, &job, 1);
		if (got > 0)
			return job;
		/* Who was faster has made progress: nobody spins for ever. */
	} while (again || got < 0);
	return 0;
}

/* How long to leave a guest alone that was just emptied: if there was more than
 * one job it submits faster than it is looked at, and each look takes the line
 * of bottom from it, which its next push then has to fetch back. */
static void adapt(struct ski_worker *worker, int got)
{
	unsigned delay = worker->delay;

	delay = got > 1 ? delay * 2 + 1 : delay / 2;
	worker->delay = delay < DELAY_MOST ? delay : DELAY_MOST;
}

/* In a read-side section: this worker's share of the jobs, so that all get
 * some. The first is returned, the rest goes to the own deque. */
static uintptr_t from_guest(struct ski_worker *worker, struct ski_guest *guest)
{
	struct ski_deque *theirs = &guest->producer.deque;
	struct ski_deque *own = &worker->producer.deque;
	uintptr_t jobs[BATCH];
	size_t count = ski_deque_count(theirs);
	unsigned workers = ski_pool_target(worker->pool);
	size_t share = workers ? count / workers : count;
	int most = share < BATCH ? (int)share + 1 : BATCH;
	int got;

	if (ski_deque_reserve(own, BATCH))
		most = 1;
	do
		got = ski_deque_steal_many(theirs, jobs, most);
	while (got < 0);
	if (!got)
		return 0;
	worker->plenty = (size_t)got < count;
	adapt(worker, got);
	/* Last in, first out: the oldest is taken first. A sleeper's last look
	 * may have missed them on their way: published anew. */
	for (int i = got - 1; i > 0; i--) {
		ski_prefetch((const void *)jobs[i]);
		ski_deque_push(own, jobs[i]);
	}
	if (got > 1)
		ski_wake_published(worker->pool);
	return jobs[0];
}

/* In a read-side section: one of them, from @at on, that has jobs. */
static struct ski_guest *busy_guest(struct ski_registry *guests, uint32_t count,
				    uint32_t at)
{
	for (uint32_t i = 0; i < count; i++) {
		struct ski_guest *guest = ski_registry_at(guests, at);

		if (ski_deque_count(&guest->producer.deque))
			return guest;
		if (++at == count)
			at = 0;
	}
	return NULL;
}

static uintptr_t from_guests(struct ski_worker *worker)
{
	struct ski_registry *guests = &worker->pool->guests;
	uint32_t count = ski_registry_count(guests);
	uint32_t at = count > 1 ? random_below(worker, count) : 0;
	struct ski_guest *guest;
	uintptr_t job = 0;

	worker->plenty = false;
	if (ski_unlikely(ski_pool_paused(worker->pool)))
		return 0;
	while (!job && (guest = busy_guest(guests, count, at)))
		job = from_guest(worker, guest);
	if (!worker->plenty && count > 1)
		worker->plenty = busy_guest(guests, count, at);
	if (worker->plenty)
		worker->delay = 0;
	return job;
}

static uintptr_t counted(struct ski_worker *worker, uintptr_t job)
{
	ski_count_add(&worker->producer.counters,
		      job ? SKI_COUNT_STEALS : SKI_COUNT_MISSES, 1);
	return job;
}

/* In a read-side section: @victim, unless it is oneself. */
static uintptr_t try_worker(struct ski_worker *worker, unsigned victim)
{
	uintptr_t job;

	if (victim == worker->index)
		return 0;
	job = from_worker(worker->pool->worker[victim],
			  !ski_pool_paused(worker->pool));
	if (job)
		worker->last_victim = victim;
	return job;
}

uintptr_t ski_steal_some(struct ski_worker *worker)
{
	unsigned workers = ski_pool_slots(worker->pool);
	uintptr_t job = 0;

	ski_rcu_read_lock();
	if (workers > 1) {
		job = try_worker(worker, worker->last_victim);
		for (int i = 0; i < 2 && !job; i++)
			job = try_worker(worker, random_below(worker, workers));
	}
	if (!job)
		job = from_guests(worker);
	ski_rcu_read_unlock();
	return counted(worker, job);
}

uintptr_t ski_steal_sweep(struct ski_worker *worker)
{
	unsigned workers = ski_pool_slots(worker->pool);
	unsigned at = workers > 1 ? random_below(worker, workers) : 0;
	uintptr_t job = 0;

	ski_rcu_read_lock();
	for (unsigned i = 0; i < workers && !job; i++) {
		job = try_worker(worker, at);
		if (++at == workers)
			at = 0;
	}
	if (!job)
		job = from_guests(worker);
	ski_rcu_read_unlock();
	return counted(worker, job);
}

/* In a read-side section. */
static bool has_work(struct ski_worker *worker, bool jobs)
{
	/* Acquire: the segment's header. Pairs with the stores of segment. */
	struct ski_segment *segment =
		atomic_load_explicit(&worker->segment, memory_order_acquire);

	return (jobs && ski_deque_count(&worker->producer.deque)) ||
	       ski_deque_count(&worker->inner) || ski_segment_ready(segment);
}

bool ski_steal_is_there(struct skua_pool *pool)
{
	unsigned workers = ski_pool_slots(pool);
	uint32_t count;
	bool there = false, jobs;

	/* FOUND: the caller's RMW on the counts before these loads. Pairs with
	 * PARK-A: a publisher that saw a searcher is seen here. */
	ski_fence_full(FOUND);
	jobs = !ski_pool_paused(pool);
	ski_rcu_read_lock();
	count = jobs ? ski_registry_count(&pool->guests) : 0;
	for (uint32_t i = 0; i < count && !there; i++) {
		struct ski_guest *guest = ski_registry_at(&pool->guests, i);

		there = ski_deque_count(&guest->producer.deque);
	}
	for (unsigned i = 0; i < workers && !there; i++)
		there = has_work(pool->worker[i], jobs);
	ski_rcu_read_unlock();
	return there;
}

/* No read-side section: see steal.h. */
uintptr_t ski_steal_oldest(struct ski_deque *deque)
{
	uintptr_t job;
	int got;

	do
		got = ski_deque_steal_many(deque, &job, 1);
	while (got < 0);
	return got ? job : 0;
}

uintptr_t ski_steal_fair(struct ski_worker *worker)
{
	uintptr_t job;

	if (ski_unlikely(ski_pool_paused(worker->pool)))
		return 0;
	ski_rcu_read_lock();
	job = from_guests(worker);
	ski_rcu_read_unlock();
	if (job)
		return job;
	return ski_isolate_left(ski_steal_oldest(&worker->producer.deque));
}

uintptr_t ski_steal_any(struct skua_pool *pool)
{
	unsigned workers = ski_pool_slots(pool);
	uint32_t count = ski_registry_count(&pool->guests);
	uintptr_t job = 0;

	for (unsigned i = 0; i < workers && !job; i++)
		job = ski_steal_oldest(&pool->worker[i]->producer.deque);
	for (uint32_t i = 0; i < count && !job; i++) {
		struct ski_guest *guest = ski_registry_at(&pool->guests, i);

		job = ski_steal_oldest(&guest->producer.deque);
	}
	return job;
}
