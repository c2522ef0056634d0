/* SPDX-License-Identifier: MIT */
#include "chunk.h"

#include <skua/fork.h>
#include <skua/sync.h>

#include "deadline.h"

/* An item has failed, and not the task. */
static void note_failure(struct ski_chunk *chunk, size_t i, _Atomic(int) *code)
{
	/* Relaxed: the task's own; joins have brought what children said. */
	int said = atomic_load_explicit(code, memory_order_relaxed);

	atomic_store_explicit(code, 0, memory_order_relaxed);
	chunk->failed++;
	if (chunk->codes)
		chunk->codes[i] = said;
	if (chunk->results)
		chunk->results[i] = NULL;
}

void ski_chunk_run(struct ski_chunk *chunk)
{
	/* In registers: results might be anywhere, for all the compiler knows. */
	skua_fn *fn = chunk->fn;
	void *const *items = chunk->items;
	void **results = chunk->results;
	_Atomic(bool) *stop = chunk->stop;
	_Atomic(int) *code = skua_task_code_1();
	size_t count = chunk->count, i;

	for (i = 0; i < count; i++) {
		void *result;

		/* Relaxed: a request; nothing comes with it. */
		if (atomic_load_explicit(stop, memory_order_relaxed))
			break;
		result = fn(items[i]);
		if (results)
			results[i] = result;
		/* Relaxed: as in note_failure(). */
		if (__builtin_expect(atomic_load_explicit(code,
							  memory_order_relaxed),
				     0))
			note_failure(chunk, i, code);
	}
	chunk->ran = i;
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
