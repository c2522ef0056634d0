/* SPDX-License-Identifier: MIT */
/* Opening pools, and what can be asked of them. Their end is in lifecycle.c. */
#include "pool.h"

#include <string.h>

#include "cache.h"
#include "clock.h"
#include "cpus.h"
#include "guest.h"
#include "options.h"
#include "rcu.h"

/* As main() has; but 400 of those are all that 32 bits can address. */
#define TASK_STACK_BYTES ((size_t)(sizeof(void *) < 8 ? 1 : 8) << 20)
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
	if (options->stack_bytes > PTRDIFF_MAX)
		return SKUA_EINVAL;
	if (!options->name)
		options->name = "skua";
	if (!options->stack_bytes)
		options->stack_bytes = TASK_STACK_BYTES;
	return workers_wanted(&options->workers);
}

void ski_pool_free(struct skua_pool *pool)
{
	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		ski_worker_close(pool->worker[i]);
	ski_cache_close_strays(pool);
	ski_free(pool->worker);
	pthread_mutex_destroy(&pool->freeing);
	ski_registry_destroy(&pool->guests);
	pthread_mutex_destroy(&pool->lock);
	ski_free(pool);
}

static struct skua_pool *new_pool(const struct skua_pool_options *options)
{
	struct skua_pool *pool = ski_aligned_alloc(SKI_LINE, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->worker = ski_calloc(SKUA_WORKERS_MAX, sizeof(*pool->worker));
	if (!pool->worker) {
		ski_free(pool);
		return NULL;
	}
	/* Relaxed: only different. */
	pool->number = 1 + atomic_fetch_add_explicit(&pools_opened, 1,
						     memory_order_relaxed);
	pool->generation = ski_generation();
	pool->stack_bytes = options->stack_bytes;
	pool->seed = options->seed;
	if (!pool->seed)
		pool->seed = (uint64_t)ski_clock_ns() ^ pool->number << 40;
	memcpy(pool->name, options->name,
	       strnlen(options->name, SKI_POOL_NAME_BYTES - 1));
	pool->start = options->start;
	pool->stop = options->stop;
	pool->context = options->context;
	if (options->max_pending)
		ski_room_init(pool, options->max_pending);
	/* Without attributes it cannot fail. */
	pthread_mutex_init(&pool->lock, NULL);
	pthread_mutex_init(&pool->freeing, NULL);
	atomic_init(&pool->users, 1);
	atomic_init(&pool->holders, 2);
	atomic_init(&pool->live, 1);
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
	pthread_mutex_lock(&pool->lock);
	error = ski_pool_grow(pool, options.workers);
	pthread_mutex_unlock(&pool->lock);
	if (error) {
		ski_pool_free(pool);
		return error;
	}
	*out = pool;
	return 0;
}

unsigned skua_pool_workers(const struct skua_pool *pool)
{
	return pool && ski_pool_alive(pool) ? ski_pool_target(pool) : 0;
}

uint64_t ski_pool_sum(const struct skua_pool *pool, enum ski_counter which)
{
	struct ski_registry *guests =
		(struct ski_registry *)(uintptr_t)&pool->guests;
	uint32_t count = ski_registry_count(guests);
	uint64_t sum = 0;

	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		sum += ski_count_of(&pool->worker[i]->producer.counters, which);
	for (uint32_t i = 0; i < count; i++) {
		const struct ski_guest *guest = ski_registry_at(guests, i);

		sum += ski_count_of(&guest->producer.counters, which);
	}
	return sum;
}

/* All workers have left: nothing that was accepted is left either. What was
 * refused meanwhile is counted as pushed, and no worker meets it any more. */
static bool has_ended(const struct skua_pool *pool)
{
	ski_slot_state *ended = (ski_slot_state *)(uintptr_t)&pool->ended;

	return ski_status_final(ski_slot_status(ski_slot_load(ended)));
}

/* Of two sums that move, the later event first: the difference is not
 * negative. */
static size_t between(const struct skua_pool *pool, enum ski_counter later,
		      enum ski_counter earlier)
{
	uint64_t done;

	if (!pool || !ski_pool_alive(pool) || has_ended(pool))
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

/* What is idle, out of reach of all others from now on. Those who began to look
 * at it before may still do so. */
static void gather(struct skua_pool *pool, struct ski_trimmed *trimmed)
{
	uint32_t count = ski_registry_count(&pool->guests);

	ski_cache_trim_strays(pool, trimmed);
	for (unsigned i = 0; i < ski_pool_slots(pool); i++)
		ski_cache_trim(pool->worker[i], trimmed);
	for (uint32_t i = 0; i < count; i++) {
		struct ski_guest *guest = ski_registry_at(&pool->guests, i);

		ski_cache_trim_rings(&guest->producer.deque, trimmed);
	}
}

int skua_pool_trim(struct skua_pool *pool)
{
	struct ski_trimmed trimmed = { NULL, NULL, NULL };

	if (!pool)
		return SKUA_EINVAL;
	if (!ski_pool_alive(pool))
		return SKUA_ECLOSED;
	/* It looks at deques without a section, as take_oldest() in lifecycle.c
	 * does: they keep each other out. */
	pthread_mutex_lock(&pool->freeing);
	gather(pool, &trimmed);
	pthread_mutex_unlock(&pool->freeing);
	ski_rcu_synchronize();
	ski_cache_free(&trimmed);
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
