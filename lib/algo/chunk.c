/* SPDX-License-Identifier: MIT */
#include "chunk.h"

#include <skua/fork.h>
#include <skua/sync.h>

#include "deadline.h"

/* Whether an item has failed, and not the task. */
static void look_at_failure(struct ski_chunk *chunk, size_t i,
			    _Atomic(int) *code)
{
	/* Relaxed: the task's own; joins have brought what children said. */
	int said = atomic_load_explicit(code, memory_order_relaxed);

	if (!said)
		return;
	atomic_store_explicit(code, 0, memory_order_relaxed);
	chunk->failed++;
	if (chunk->codes)
		chunk->codes[i] = said;
	if (chunk->results)
		chunk->results[i] = NULL;
}

/* Relaxed: a request; nothing comes with it. */
static bool is_stopped(const struct ski_chunk *chunk)
{
	return atomic_load_explicit(chunk->stop, memory_order_relaxed);
}

/* Once for each @wanted: as few values are alive in the loop as there are
 * registers that calls preserve. */
static inline size_t run_items(struct ski_chunk *chunk, _Atomic(int) *code,
			       bool wanted)
{
	skua_fn *fn = chunk->fn;
	_Atomic(bool) *stop = chunk->stop;
	void *const *item = chunk->items, *const *end = item + chunk->count;
	void **result = chunk->results;

	/* Its taken branches are what a trivial item costs. (clang wants the
	 * pragma only where it optimizes.) */
#ifndef __clang__
#pragma GCC unroll 4
#endif
	for (; item < end; item++) {
		void *returned = fn(*item);

		if (wanted)
			*result++ = returned;
		/* One branch an item for both. Relaxed: as above. */
		if (__builtin_expect(
			    atomic_load_explicit(code, memory_order_relaxed) |
				    atomic_load_explicit(stop,
							 memory_order_relaxed),
			    0)) {
			look_at_failure(chunk, (size_t)(item - chunk->items),
					code);
			if (is_stopped(chunk))
				end = item + 1;
		}
	}
	return (size_t)(end - chunk->items);
}

void ski_chunk_run(struct ski_chunk *chunk)
{
	_Atomic(int) *code = skua_task_code_1();

	if (is_stopped(chunk))
		chunk->ran = 0;
	else if (chunk->results)
		chunk->ran = run_items(chunk, code, true);
	else
		chunk->ran = run_items(chunk, code, false);
}

static void *run(void *chunk)
{
	ski_chunk_run(chunk);
	return NULL;
}

int ski_chunk_submit(struct ski_chunk *chunk, struct skua_pool *pool,
		     int64_t deadline_ns, struct skua_future **future)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	if (deadline_ns < 0)
		return skua_submit(pool, run, chunk, future);
	options.timeout_ns = ski_time_left(deadline_ns);
	if (!options.timeout_ns)
		return SKUA_ETIMEDOUT;
	return skua_submit_with(pool, run, chunk, &options, future);
}

int ski_chunk_wait(struct skua_future *future)
{
	int error;

	/* A task that gets no stack to switch to lets others run, as far as
	 * that goes: what runs still uses the caller's memory. */
	while ((error = skua_future_result(future, SKUA_FOREVER, NULL)) ==
	       SKUA_ENOMEM)
		skua_yield();
	return error;
}
