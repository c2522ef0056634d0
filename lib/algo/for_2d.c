/* SPDX-License-Identifier: MIT */
/*
 * Loops over two ranges: the range of one dimension, over tiles in an order
 * that keeps neighbours together. The order is that of the leaves of a tree
 * which halves the longer side of a block of tiles (cache-oblivious; Frigo et
 * al., 1999). So whatever part of the range a worker has, it is a few compact
 * blocks, and half of a part is one half of them.
 *
 * Tiles are small, in case that each takes long; the body gets the largest
 * blocks of the tree that are within its chunk and a cache.
 */
#include <skua/for.h>

#include <limits.h>

#include "loop_call.h"
#include "loop_options.h"

enum {
	/* So many tiles there are, to share among workers, while a tile is
	 * not larger than its most. */
	TILES = 4096,
	TILE_SIDE_MOST = 16,
	/* 32 KiB of 8 bytes each. */
	BLOCK_MOST = 4096
};

struct loop_2d {
	struct ski_call call;
	struct skua_block whole;
	skua_block_fn *body;
	void *context;
	struct skua_for_2d_options options;
	uint64_t tile_rows, tile_cols; /* iterations of a tile */
};

/* Tiles, and the number of the first one in the order of the tree. */
struct node {
	uint64_t row, col; /* the first */
	uint64_t rows, cols; /* how many */
	uint64_t index;
};

/* What a chunk is to be cut from. */
struct visit {
	struct loop_2d *loop;
	skua_here here;
	uint64_t from, to; /* tiles */
};

static uint64_t product(uint64_t a, uint64_t b)
{
	uint64_t c;

	return __builtin_mul_overflow(a, b, &c) ? UINT64_MAX : c;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t pieces(uint64_t count, uint64_t size)
{
	return count / size + !!(count % size);
}

static uint64_t rows_of(const struct skua_block *block)
{
	return block->row_end - block->row_begin;
}

static uint64_t cols_of(const struct skua_block *block)
{
	return block->col_end - block->col_begin;
}

static struct skua_block block_of(const struct loop_2d *loop,
				  const struct node *node)
{
	const struct skua_block *whole = &loop->whole;
	struct skua_block block;

	/* The first tiles begin inside of it. */
	block.row_begin = whole->row_begin + node->row * loop->tile_rows;
	block.col_begin = whole->col_begin + node->col * loop->tile_cols;
	block.row_end =
		block.row_begin + least(product(node->rows, loop->tile_rows),
					whole->row_end - block.row_begin);
	block.col_end =
		block.col_begin + least(product(node->cols, loop->tile_cols),
					whole->col_end - block.col_begin);
	return block;
}

/* Whether the body may get all of @block at once. */
static bool fits(const struct loop_2d *loop, const struct skua_block *block)
{
	const struct skua_for_2d_options *options = &loop->options;
	uint64_t rows = rows_of(block), cols = cols_of(block);

	return product(rows, cols) <= BLOCK_MOST &&
	       (!options->rows || rows <= options->rows) &&
	       (!options->cols || cols <= options->cols);
}

static void split(const struct loop_2d *loop, const struct node *node,
		  struct node half[2])
{
	bool by_rows = node->cols == 1 ||
		       (node->rows > 1 &&
			product(node->rows, loop->tile_rows) >=
				product(node->cols, loop->tile_cols));

	half[0] = half[1] = *node;
	if (by_rows) {
		half[0].rows = node->rows / 2;
		half[1].rows -= half[0].rows;
		half[1].row += half[0].rows;
	} else {
		half[0].cols = node->cols / 2;
		half[1].cols -= half[0].cols;
		half[1].col += half[0].cols;
	}
	half[1].index += half[0].rows * half[0].cols;
}

static int run_node(const struct visit *visit, const struct node *node)
{
	struct loop_2d *loop = visit->loop;
	uint64_t count = node->rows * node->cols;
	struct node half[2];
	int answer;

	if (node->index >= visit->to || node->index + count <= visit->from ||
	    ski_loop_is_over(&loop->call.loop, visit->here))
		return 0;
	if (node->index >= visit->from && node->index + count <= visit->to) {
		struct skua_block block = block_of(loop, node);

		if (count == 1 || fits(loop, &block))
			return loop->body(visit->here, &block, loop->context);
	}
	split(loop, node, half);
	answer = run_node(visit, &half[0]);
	return answer ? answer : run_node(visit, &half[1]);
}

static struct node root_of(const struct loop_2d *loop)
{
	return (struct node){
		.rows = pieces(rows_of(&loop->whole), loop->tile_rows),
		.cols = pieces(cols_of(&loop->whole), loop->tile_cols),
	};
}

static int run_tiles(struct ski_loop *shared, skua_here here, uint64_t from,
		     uint64_t to, void *value)
{
	struct loop_2d *loop =
		(struct loop_2d *)(void *)((char *)shared -
					   offsetof(struct loop_2d, call.loop));
	struct visit visit = { loop, here, from, to };
	struct node root = root_of(loop);

	(void)value;
	return run_node(&visit, &root);
}

static int run_2d(skua_here here, struct ski_call *call)
{
	struct loop_2d *loop = (struct loop_2d *)(void *)call;
	struct node root = root_of(loop);
	struct ski_part part;

	ski_part_open(&part, &call->loop, 0, root.rows * root.cols);
	ski_part_run(here, &part, NULL);
	return 0;
}

/* Near squares, a power of two long where they are not cut off. */
static void choose_tile(struct loop_2d *loop)
{
	uint64_t rows = rows_of(&loop->whole), cols = cols_of(&loop->whole);
	uint64_t area = product(rows, cols) / TILES;
	uint64_t side = 1, rest;

	while (side < TILE_SIDE_MOST && side * side * 4 <= area)
		side *= 2;
	rest = side * side;
	loop->tile_rows = loop->options.rows ? loop->options.rows : side;
	loop->tile_rows = least(loop->tile_rows, rows);
	/* What is short of a square in one direction is added in the other. */
	rest = rest > loop->tile_rows ? rest / loop->tile_rows : 1;
	loop->tile_cols = loop->options.cols ? loop->options.cols : rest;
	loop->tile_cols = least(loop->tile_cols, cols);
	if (!loop->options.rows && loop->tile_cols < side)
		loop->tile_rows = least(side * side / loop->tile_cols, rows);
}

/* Tiles so large that they can be counted. */
static int count_tiles(struct loop_2d *loop)
{
	for (;;) {
		struct node root = root_of(loop);
		uint64_t count;

		if (!__builtin_mul_overflow(root.rows, root.cols, &count))
			return 0;
		if (loop->options.rows && loop->options.cols)
			return SKUA_EINVAL;
		if (!loop->options.rows)
			loop->tile_rows = product(loop->tile_rows, 2);
		if (!loop->options.cols)
			loop->tile_cols = product(loop->tile_cols, 2);
	}
}

static int open_loop(struct loop_2d *loop, const struct skua_block *whole,
		     skua_block_fn *body, void *context,
		     const struct skua_for_2d_options *options)
{
	if (!body || !whole || whole->row_end < whole->row_begin ||
	    whole->col_end < whole->col_begin)
		return SKUA_EINVAL;
	*loop = (struct loop_2d){
		.call.run = run_2d,
		.call.loop.run = run_tiles,
		.call.loop.help = ski_part_help,
		.call.loop.helpers_most = UINT_MAX,
		.whole = *whole,
		.body = body,
		.context = context,
		.options = SKUA_FOR_2D_OPTIONS,
	};
	return ski_options_take(&loop->options, sizeof(loop->options), options);
}

static bool is_empty(const struct skua_block *block)
{
	return !rows_of(block) || !cols_of(block);
}

static int cut(struct loop_2d *loop)
{
	choose_tile(loop);
	return count_tiles(loop);
}

int skua_for_2d(struct skua_pool *pool, const struct skua_block *whole,
		skua_block_fn *body, void *context,
		const struct skua_for_2d_options *options)
{
	struct loop_2d loop;

	if (!pool || open_loop(&loop, whole, body, context, options))
		return SKUA_EINVAL;
	if (is_empty(whole))
		return 0;
	return cut(&loop) ? SKUA_EINVAL : ski_call_on(pool, &loop.call);
}

int skua_for_2d_in(skua_here here, const struct skua_block *whole,
		   skua_block_fn *body, void *context,
		   const struct skua_for_2d_options *options)
{
	struct loop_2d loop;

	if (!here || open_loop(&loop, whole, body, context, options))
		return SKUA_EINVAL;
	if (is_empty(whole))
		return 0;
	return cut(&loop) ? SKUA_EINVAL : ski_call_in(here, &loop.call);
}
