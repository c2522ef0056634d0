/* SPDX-License-Identifier: MIT */
/* Opening pools, and what can be asked of them. Their end is in lifecycle.c. */
#include "pool.h"

#include <limits.h>
#include <string.h>

#include "cache.h"
#include "clock.h"
#include "cpus.h"
#include "guest.h"
#include "options.h"
#include "rcu.h"

/* Of the thread's own stack: the loop and all tasks run on fibers. */
enum {
	THREAD_STACK_BYTES = 64 << 10
};
#define TASK_STACK_BYTES ((size_t)8 << 20)
/* More than liburcu maps at once for up to 2,000 threads: it doubles the last
 * of its chunks, with 256 bytes a thread. */
#define RCU_BYTES ((size_t)1 << 20)

/* States of crew. */
enum {
	CREW_STARTING,
	CREW_COMPLETE,
	CREW_ABANDONED
};

static _Atomic(uint64_t) pools_opened;

static int workers_wanted(unsigned *workers)
{
	int error = 0;

	if (!*workers)
		error = ski_env_unsigned("SKUA_WORKERS", 1, SKUA_WORKERS_MAX,
					 workers);
	if (error == SKUA_ENONE) {
		*workers = ski_cpus_usable();
		if (*workers > SKUA_WORKERS_MAX)
			*workers = SKUA_WORKERS_MAX;
		error = 0;
	}
	return *workers > SKUA_WORKERS_MAX ? SKUA_EINVAL : error;
}

static int read_options(struct skua_pool_options *options,
			const struct skua_pool_options *from)
{
	int error = ski_options_read(options, sizeof(*options), from);

	if (error)
		return error;
	if (options->max_pending || options->start || options->stop ||
	    options->stack_bytes > PTRDIFF_MAX)
		return SKUA_EINVAL;
	if (!options->name)
		options->name = "skua";
	if (!options->stack_bytes)
		options->stack_bytes = TASK_STACK_BYTES;
	return workers_wanted(&options->workers);
}

/* Never 0, and different for each worker: splitmix64 (Steele, Lea, Flood,
 * OOPSLA 2014). */
static uint64_t seed_of(uint64_t seed, unsigned index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z ? z : 1;
}

void ski_pool_free(struct skua_pool *pool)
{
	if (pool->worker)
		for (unsigned i = 0; i < pool->workers; i++)
			if (pool->worker[i])
				ski_worker_close(pool->worker[i]);
	ski_free(pool->worker);
	pthread_mutex_destroy(&pool->freeing);
	ski_registry_destroy(&pool->guests);
	ski_free(pool);
}

static int make_workers(struct skua_pool *pool, uint64_t seed)
{
	pool->worker = ski_calloc(pool->workers, sizeof(struct ski_worker *));
	if (!pool->worker)
		return SKUA_ENOMEM;
	for (unsigned i = 0; i < pool->workers; i++) {
		pool->worker[i] = ski_worker_open(pool, i);
		if (!pool->worker[i])
			return SKUA_ENOMEM;
		pool->worker[i]->random = seed_of(seed, i);
	}
	return 0;
}

bool ski_pool_complete(struct skua_pool *pool)
{
	uint32_t crew;

	/* Acquire: pairs with dismiss(). */
	while ((crew = atomic_load_explicit(
			&pool->crew, memory_order_acquire)) == CREW_STARTING)
		ski_futex_wait(&pool->crew, CREW_STARTING, -1);
	return crew == CREW_COMPLETE;
}

/* To work, or if not all could be started, back. */
static void dismiss(struct skua_pool *pool, uint32_t crew)
{
	/* Release: that there is memory to register. Pairs with
	 * ski_pool_complete(). */
	atomic_store_explicit(&pool->crew, crew, memory_order_release);
	ski_futex_wake(&pool->crew, INT_MAX);
}

static int start_worker(struct ski_worker *worker, const char *name)
{
	char thread_name[SKI_THREAD_NAME_BYTES];

	ski_thread_format_name(thread_name, name, worker->index);
	return ski_thread_start(&worker->thread, thread_name,
				THREAD_STACK_BYTES, ski_worker_main, worker);
}

/*
 * All or none. liburcu ends the process if it gets no memory to register a
 * thread, and does not say beforehand whether it needs any. So what it may
 * need is kept while the threads are started, and let go just before they
 * register: if there is not enough of it the pool does not open.
 */
static int start_workers(struct skua_pool *pool, const char *name)
{
	unsigned started = 0;
	void *kept;
	int error = ski_block_map(&kept, RCU_BYTES, 1);

	if (error)
		return error;
	while (started < pool->workers && !error) {
		error = start_worker(pool->worker[started], name);
		started += !error;
	}
	ski_block_unmap(kept, RCU_BYTES);
	dismiss(pool, error ? CREW_ABANDONED : CREW_COMPLETE);
	for (unsigned i = 0; error && i < started; i++)
		ski_thread_join(&pool->worker[i]->thread);
	return error;
}

static struct skua_pool *new_pool(const struct skua_pool_options *options)
{
	struct skua_pool *pool = ski_aligned_alloc(SKI_LINE, sizeof(*pool));

	if (!pool)
		return NULL;
	/* Relaxed: only different. */
	pool->number = 1 + atomic_fetch_add_explicit(&pools_opened, 1,
						     memory_order_relaxed);
	pool->generation = ski_generation();
	pool->workers = options->workers;
	pool->stack_bytes = options->stack_bytes;
	pthread_mutex_init(&pool->freeing, NULL);
	atomic_init(&pool->users, 1);
	atomic_init(&pool->holders, 2);
	atomic_init(&pool->live, options->workers);
	return pool;
}

int skua_pool_open(struct skua_pool **out, const struct skua_pool_options *from)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;
	int error = out ? read_options(&options, from) : SKUA_EINVAL;

	if (!error)
		error = ski_forked_watch();
	if (error)
		return error;
	pool = new_pool(&options);
	if (!pool)
		return SKUA_ENOMEM;
	if (!options.seed)
		options.seed = (uint64_t)ski_clock_ns() ^ pool->number << 40;
	error = make_workers(pool, options.seed);
	if (!error)
		error = start_workers(pool, options.name);
	if (error) {
		ski_pool_free(pool);
		return error;
	}
	*out = pool;
	return 0;
}

unsigned skua_pool_workers(const struct skua_pool *pool)
{
	return pool && ski_pool_alive(pool) ? pool->workers : 0;
}

uint64_t ski_pool_sum(const struct skua_pool *pool, enum ski_counter which)
{
	struct ski_registry *guests =
		(struct ski_registry *)(uintptr_t)&pool->guests;
	uint32_t count = ski_registry_count(guests);
	uint64_t sum = 0;

	for (unsigned i = 0; i < pool->workers; i++)
		sum += ski_count_of(&pool->worker[i]->producer.counters, which);
	for (uint32_t i = 0; i < count; i++) {
		const struct ski_guest *guest = ski_registry_at(guests, i);

		sum += ski_count_of(&guest->producer.counters, which);
	}
	return sum;
}

/* Of two sums that move, the later event first: the difference is not
 * negative. */
static size_t between(const struct skua_pool *pool, enum ski_counter later,
		      enum ski_counter earlier)
{
	uint64_t done;

	if (!pool || !ski_pool_alive(pool))
		return 0;
	done = ski_pool_sum(pool, later);
	return (size_t)(ski_pool_sum(pool, earlier) - done);
}

size_t skua_pool_pending(const struct skua_pool *pool)
{
	return between(pool, SKI_COUNT_STARTED, SKI_COUNT_PUSHED);
}

size_t skua_pool_running(const struct skua_pool *pool)
{
	return between(pool, SKI_COUNT_FINISHED, SKI_COUNT_STARTED);
}

int skua_pool_trim(struct skua_pool *pool)
{
	struct ski_trimmed trimmed = { NULL, NULL, NULL };
	uint32_t count;

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	for (unsigned i = 0; i < pool->workers; i++)
		ski_cache_trim(pool->worker[i], &trimmed);
	count = ski_registry_count(&pool->guests);
	for (uint32_t i = 0; i < count; i++) {
		struct ski_guest *guest = ski_registry_at(&pool->guests, i);

		ski_cache_trim_rings(&guest->producer.deque, &trimmed);
	}
	ski_rcu_synchronize();
	/* Against who looks without a section: take_oldest(), lifecycle.c. */
	pthread_mutex_lock(&pool->freeing);
	ski_cache_free(&trimmed);
	pthread_mutex_unlock(&pool->freeing);
	return 0;
}

/* The process's own; after fork() the child's copy is dead, and replaced. */
static _Atomic(struct skua_pool *) shared;

struct skua_pool *skua_pool_default(void)
{
	/* Acquire: the pool. Pairs with the CAS below. */
	struct skua_pool *old =
		atomic_load_explicit(&shared, memory_order_acquire);
	struct skua_pool *pool;

	if (old && ski_pool_alive(old))
		return old;
	if (skua_pool_open(&pool, NULL))
		return NULL;
	/* Relaxed: published by the CAS. */
	atomic_store_explicit(&pool->is_default, true, memory_order_relaxed);
	/* Release: the pool. Failure acquires that of who was faster. */
	if (atomic_compare_exchange_strong_explicit(&shared, &old, pool,
						    memory_order_release,
						    memory_order_acquire))
		return pool;
	atomic_store_explicit(&pool->is_default, false, memory_order_relaxed);
	skua_pool_close(pool, SKUA_CLOSE_WAIT);
	return old;
}
