/* SPDX-License-Identifier: MIT */
/*
 * Scans in blocks. The value before a block is carried from block to block by
 * whoever has the baton; nobody waits for it. Protocol: docs/design/loops.md.
 */
#include <skua/scan.h>

#include "loop_call.h"
#include "loop_options.h"
#include "value.h"

enum {
	BLOCK_MOST = 16384, /* iterations: of 8 bytes, half of a cache */
	BLOCKS_MOST = 65536,
	BLOCKS_A_WORKER = 16,
	BLOCKS_DETERMINISTIC = 1024,
	HELPERS_MOST = 255
};

/* Of a block: */
enum {
	UNTOUCHED, /* or being folded */
	FOLDED, /* its value is there, that before it is not */
	BATON /* the value before it is there: whoever comes has the baton */
};

struct scan {
	struct ski_call call;
	uint64_t begin, end;
	const struct skua_fold *fold;
	skua_fold_fn *body;
	skua_fold_fn *write;
	void *context;
	uint64_t grain; /* iterations of a block */
	uint32_t blocks;
	bool deterministic;
	size_t stride; /* of values */
	void *carried; /* who has the baton: the value before `front` */
	void *spare; /* who has the baton */
	unsigned char *values; /* of each block; then that before it */
	_Atomic(unsigned char) *state; /* A, of each block */
	uint32_t *ready; /* who has the baton writes: blocks to be written */
	_Atomic(uint32_t) next; /* A: the first block that nobody has taken */
	_Atomic(uint32_t) shown; /* who has the baton: of ready */
	_Atomic(uint32_t) taken; /* A: of ready */
};

static void *value_of(struct scan *scan, uint32_t block)
{
	return scan->values + block * scan->stride;
}

/* True: go on. */
static bool run(skua_here here, struct scan *scan, skua_fold_fn *fn,
		uint32_t block, void *value)
{
	struct ski_loop *loop = &scan->call.loop;
	uint64_t begin = scan->begin + block * scan->grain;
	uint64_t count = scan->end - begin;
	int answer;

	if (ski_loop_is_over(loop, here))
		return false;
	if (count > scan->grain)
		count = scan->grain;
	answer = fn(here, begin, begin + count, value, scan->context);
	if (answer)
		ski_loop_stop(loop, answer);
	return !ski_loop_stopped(loop);
}

/* With the baton: the block whose value is there gets that before it, and may
 * be written. What is carried is the value after it. */
static void give(struct scan *scan, uint32_t block)
{
	const struct skua_fold *fold = scan->fold;
	void *value = value_of(scan, block);

	ski_value_copy(fold, scan->spare, scan->carried);
	fold->combine(scan->carried, value, scan->context);
	ski_value_copy(fold, value, scan->spare);
}

/* With the baton: give the blocks from @block on that are folded what they
 * need, and leave it at the first one that is not. */
static void pass_baton(struct scan *scan, uint32_t block)
{
	/* Relaxed: only who has the baton changes it. */
	uint32_t shown =
		atomic_load_explicit(&scan->shown, memory_order_relaxed);
	unsigned char untouched = UNTOUCHED;

	/* Release: what is carried, and all that the baton protects; pairs
	 * with take_block() and end_fold(). Failure acquires the block's
	 * value: pairs with end_fold(). */
	while (block < scan->blocks &&
	       !atomic_compare_exchange_strong_explicit(
		       &scan->state[block], &untouched, BATON,
		       memory_order_release, memory_order_acquire)) {
		give(scan, block);
		scan->ready[shown++] = block++;
		/* Release: the block's value. Pairs with take_ready(). */
		atomic_store_explicit(&scan->shown, shown,
				      memory_order_release);
		untouched = UNTOUCHED;
	}
}

/* A block that can be written. */
static bool take_ready(struct scan *scan, uint32_t *block)
{
	/* Relaxed: a place in the list, no more. */
	uint32_t at = atomic_load_explicit(&scan->taken, memory_order_relaxed);

	/* Acquire: the list and the value. Pairs with pass_baton(). */
	while (at < atomic_load_explicit(&scan->shown, memory_order_acquire))
		if (atomic_compare_exchange_weak_explicit(
			    &scan->taken, &at, at + 1, memory_order_relaxed,
			    memory_order_relaxed)) {
			*block = scan->ready[at];
			return true;
		}
	return false;
}

static bool take_block(struct scan *scan, uint32_t *block)
{
	/* Relaxed, both: a number. */
	uint32_t next = atomic_load_explicit(&scan->next, memory_order_relaxed);

	while (next < scan->blocks)
		if (atomic_compare_exchange_weak_explicit(
			    &scan->next, &next, next + 1, memory_order_relaxed,
			    memory_order_relaxed)) {
			*block = next;
			return true;
		}
	return false;
}

static bool has_baton(struct scan *scan, uint32_t block)
{
	/* Acquire: what the baton protects. Pairs with pass_baton(). */
	return atomic_load_explicit(&scan->state[block],
				    memory_order_acquire) == BATON;
}

/* Its value is known. True: the baton has come meanwhile. */
static bool end_fold(struct scan *scan, uint32_t block)
{
	/* Release: the value; acquire: what the baton protects. Both pair with
	 * pass_baton(). */
	return atomic_exchange_explicit(&scan->state[block], FOLDED,
					memory_order_acq_rel) == BATON;
}

static void run_block(skua_here here, struct scan *scan, uint32_t block)
{
	void *value = value_of(scan, block);

	if (!scan->deterministic && has_baton(scan, block)) {
		if (run(here, scan, scan->write, block, scan->carried))
			pass_baton(scan, block + 1);
		return;
	}
	ski_value_copy(scan->fold, value, scan->fold->identity);
	if (!run(here, scan, scan->body, block, value) ||
	    !end_fold(scan, block))
		return;
	/* Others first: we still have the block in our cache. */
	give(scan, block);
	pass_baton(scan, block + 1);
	run(here, scan, scan->write, block, value);
}

static void run_blocks(skua_here here, struct scan *scan)
{
	uint32_t block;

	while (!ski_loop_stopped(&scan->call.loop)) {
		if (take_ready(scan, &block))
			run(here, scan, scan->write, block,
			    value_of(scan, block));
		else if (take_block(scan, &block))
			run_block(here, scan, block);
		else
			return;
	}
}

SKUA_TASK_VOID(helper, struct scan *, scan)
{
	run_blocks(here, scan);
}

/* All that there are workers for. Whoever has the baton at the end writes what
 * is ready then; so nothing is left when all of them have ended. */
static void run_together(skua_here here, struct scan *scan, unsigned workers)
{
	unsigned helpers = workers - 1;

	if (helpers > HELPERS_MOST)
		helpers = HELPERS_MOST;
	if (helpers > scan->blocks - 1)
		helpers = scan->blocks - 1;
	for (unsigned i = 0; i < helpers; i++)
		helper_fork(&here, scan);
	skua_show(here);
	run_blocks(here, scan);
	for (unsigned i = 0; i < helpers; i++)
		helper_join(&here);
}

/* Nobody else takes part: in order, with one value for all blocks. */
static void run_alone(skua_here here, struct scan *scan)
{
	const struct skua_fold *fold = scan->fold;
	bool go_on = true;

	scan->stride = 0;
	for (uint32_t i = 0; i < scan->blocks && go_on; i++) {
		if (!scan->deterministic) {
			go_on = run(here, scan, scan->write, i, scan->carried);
			continue;
		}
		ski_value_copy(fold, scan->values, fold->identity);
		go_on = run(here, scan, scan->body, i, scan->values);
		if (go_on) {
			give(scan, i);
			go_on = run(here, scan, scan->write, i, scan->values);
		}
	}
}

static size_t line(size_t bytes)
{
	return (bytes + SKI_VALUE_SMALL - 1) & ~(size_t)(SKI_VALUE_SMALL - 1);
}

/* What workers share of @scan's blocks. NULL: no memory. */
static void *alloc_blocks(struct scan *scan)
{
	size_t list = line(scan->blocks * sizeof(*scan->ready));
	size_t states = line(scan->blocks * sizeof(*scan->state)), values;
	unsigned char *memory;

	/* A stride is a line at least: where the lists do not fit a size_t, the
	 * values do not, either. */
	if (__builtin_mul_overflow(scan->blocks, scan->stride, &values) ||
	    __builtin_add_overflow(values, list + states, &values))
		return NULL;
	memory = aligned_alloc(SKI_VALUE_SMALL, values);
	if (!memory)
		return NULL;
	scan->ready = (void *)memory;
	scan->state = (void *)(memory + list);
	scan->values = memory + list + states;
	/* Relaxed, all: helpers see it through the frame that they steal. */
	for (uint32_t i = 0; i < scan->blocks; i++)
		atomic_store_explicit(&scan->state[i], i ? UNTOUCHED : BATON,
				      memory_order_relaxed);
	atomic_store_explicit(&scan->next, 0, memory_order_relaxed);
	atomic_store_explicit(&scan->shown, 0, memory_order_relaxed);
	atomic_store_explicit(&scan->taken, 0, memory_order_relaxed);
	return memory;
}

static uint64_t pieces(uint64_t count, uint64_t size)
{
	return count / size + !!(count % size);
}

static void choose_grain(struct scan *scan, uint64_t count, unsigned workers)
{
	uint64_t blocks = scan->deterministic ?
				  BLOCKS_DETERMINISTIC :
				  (uint64_t)workers * BLOCKS_A_WORKER;

	scan->grain = pieces(count, blocks);
	if (scan->grain > BLOCK_MOST)
		scan->grain = BLOCK_MOST;
	if (scan->grain < pieces(count, BLOCKS_MOST))
		scan->grain = pieces(count, BLOCKS_MOST);
}

static int run_scan(skua_here here, struct ski_call *call)
{
	struct scan *scan = (struct scan *)(void *)call;
	unsigned workers = skua_pool_workers(skua_pool_current());
	uint64_t count = scan->end - scan->begin;
	void *memory = NULL;

	if (!count)
		return 0;
	if (!workers)
		workers = 1; /* it was resized under us */
	if (!scan->grain)
		choose_grain(scan, count, workers);
	if (pieces(count, scan->grain) > UINT32_MAX)
		return SKUA_EINVAL;
	scan->blocks = (uint32_t)pieces(count, scan->grain);
	if (workers > 1 && scan->blocks > 1)
		memory = alloc_blocks(scan);
	if (memory)
		run_together(here, scan, workers);
	else
		run_alone(here, scan);
	free(memory);
	return 0;
}

/* ---- calls ---- */

static int open_scan(struct scan *scan, uint64_t begin, uint64_t end,
		     const struct skua_fold *fold, skua_fold_fn *body,
		     skua_fold_fn *write, void *context,
		     const struct skua_scan_options *from)
{
	struct skua_scan_options options = SKUA_SCAN_OPTIONS;

	if (!fold || !fold->bytes || !fold->identity || !fold->combine ||
	    !body || !write || end < begin ||
	    ski_options_take(&options, sizeof(options), from))
		return SKUA_EINVAL;
	*scan = (struct scan){
		.call.run = run_scan,
		.begin = begin,
		.end = end,
		.fold = fold,
		.body = body,
		.write = write,
		.context = context,
		.grain = options.grain,
		.deterministic = options.deterministic,
		.stride = ski_value_stride(fold),
	};
	return 0;
}

/* With room for what is carried, one to spare, and that of a block for who is
 * alone. One of @pool and @here. */
static int call(struct skua_pool *pool, skua_here here, struct scan *scan,
		void *total)
{
	const struct skua_fold *fold = scan->fold;
	struct ski_box boxes[3];
	void *room[3];
	int error = SKUA_ENOMEM;

	for (int i = 0; i < 3; i++)
		room[i] = ski_value_room(fold, &boxes[i]);
	scan->carried = room[0];
	scan->spare = room[1];
	scan->values = room[2];
	if (room[0] && room[1] && room[2]) {
		ski_value_copy(fold, scan->carried, fold->identity);
		error = pool ? ski_call_on(pool, &scan->call) :
			       ski_call_in(here, &scan->call);
		if (!error && total)
			ski_value_copy(fold, total, scan->carried);
	}
	for (int i = 0; i < 3; i++)
		ski_value_drop(fold, room[i]);
	return error;
}

int skua_scan(struct skua_pool *pool, uint64_t begin, uint64_t end,
	      const struct skua_fold *fold, skua_fold_fn *body,
	      skua_fold_fn *write, void *context, void *total)
{
	return skua_scan_with(pool, begin, end, fold, body, write, context,
			      total, NULL);
}

int skua_scan_in(skua_here here, uint64_t begin, uint64_t end,
		 const struct skua_fold *fold, skua_fold_fn *body,
		 skua_fold_fn *write, void *context, void *total)
{
	return skua_scan_in_with(here, begin, end, fold, body, write, context,
				 total, NULL);
}

int skua_scan_with(struct skua_pool *pool, uint64_t begin, uint64_t end,
		   const struct skua_fold *fold, skua_fold_fn *body,
		   skua_fold_fn *write, void *context, void *total,
		   const struct skua_scan_options *options)
{
	struct scan scan;

	if (!pool ||
	    open_scan(&scan, begin, end, fold, body, write, context, options))
		return SKUA_EINVAL;
	return call(pool, NULL, &scan, total);
}

int skua_scan_in_with(skua_here here, uint64_t begin, uint64_t end,
		      const struct skua_fold *fold, skua_fold_fn *body,
		      skua_fold_fn *write, void *context, void *total,
		      const struct skua_scan_options *options)
{
	struct scan scan;

	if (!here ||
	    open_scan(&scan, begin, end, fold, body, write, context, options))
		return SKUA_EINVAL;
	return call(NULL, here, &scan, total);
}
