/* SPDX-License-Identifier: MIT */
/*
 * test_for_2d.c - loops over two ranges: each cell once, blocks of the asked
 * sizes at their multiples, near squares otherwise; neighbours together.
 */
#include <string.h>

#include "../sched/sched_test.h"

enum {
	MOST = 1 << 16,
	BLOCK_MOST = 4096 /* cells, if nothing is asked */
};

struct sheet {
	struct skua_block whole;
	uint64_t rows, cols; /* asked, 0: not */
	atomic_uint blocks;
	_Atomic(uint64_t) border; /* sum of the blocks' rows and columns */
	atomic_uchar runs[MOST];
};

static struct sheet sheet;

static int mark(skua_here here, const struct skua_block *block, void *context)
{
	const struct skua_block *whole = &sheet.whole;
	uint64_t rows = block->row_end - block->row_begin;
	uint64_t cols = block->col_end - block->col_begin;

	CHECK(here && context == &sheet);
	CHECK(rows && cols && block->row_begin >= whole->row_begin &&
	      block->row_end <= whole->row_end &&
	      block->col_begin >= whole->col_begin &&
	      block->col_end <= whole->col_end);
	CHECK((sheet.rows && sheet.cols) || sheet.rows > BLOCK_MOST ||
	      sheet.cols > BLOCK_MOST || rows * cols <= BLOCK_MOST);
	CHECK(!sheet.rows ||
	      ((block->row_begin - whole->row_begin) % sheet.rows == 0 &&
	       rows <= sheet.rows));
	CHECK(!sheet.cols ||
	      ((block->col_begin - whole->col_begin) % sheet.cols == 0 &&
	       cols <= sheet.cols));
	atomic_fetch_add(&sheet.blocks, 1);
	atomic_fetch_add(&sheet.border, rows + cols);
	for (uint64_t i = block->row_begin; i < block->row_end; i++)
		for (uint64_t j = block->col_begin; j < block->col_end; j++)
			atomic_fetch_add_explicit(
				&sheet.runs[(i - whole->row_begin) *
						    (whole->col_end -
						     whole->col_begin) +
					    j - whole->col_begin],
				1, memory_order_relaxed);
	return 0;
}

static void prepare(const struct skua_block *whole, uint64_t rows,
		    uint64_t cols)
{
	memset(&sheet, 0, sizeof(sheet));
	sheet.whole = *whole;
	sheet.rows = rows;
	sheet.cols = cols;
}

static void check_all(void)
{
	const struct skua_block *whole = &sheet.whole;
	uint64_t cells = (whole->row_end - whole->row_begin) *
			 (whole->col_end - whole->col_begin);

	CHECK(cells <= MOST);
	for (uint64_t i = 0; i < cells; i++)
		CHECK(atomic_load_explicit(&sheet.runs[i],
					   memory_order_relaxed) == 1);
}

SKUA_TASK(int, inside, int, n)
{
	(void)n;
	return skua_for_2d_in(here, &sheet.whole, mark, &sheet, NULL);
}

static void try_sizes(struct skua_pool *pool, const struct skua_block *whole)
{
	static const uint64_t sides[] = { 0, 1, 7, 64, UINT64_MAX };
	struct skua_for_2d_options options = SKUA_FOR_2D_OPTIONS;
	int answer = -1;

	for (size_t r = 0; r < 5; r++)
		for (size_t c = 0; c < 5; c++) {
			options.rows = sides[r];
			options.cols = sides[c];
			prepare(whole, sides[r], sides[c]);
			CHECK(skua_for_2d(pool, whole, mark, &sheet,
					  &options) == 0);
			check_all();
		}
	prepare(whole, 0, 0);
	CHECK(inside_run(pool, &answer, 0) == 0 && answer == 0);
	check_all();
}

static void cells_body(struct skua_pool *pool, unsigned workers)
{
	static const uint64_t sides[] = { 0, 1, 2, 3, 17, 100, 255, 256 };
	size_t most = SCALED(20) < 20 ? 6 : 8;

	(void)workers;
	for (size_t r = 0; r < most; r++)
		for (size_t c = 0; c < most; c++) {
			struct skua_block whole = { 5, 5 + sides[r],
						    UINT64_MAX - sides[c],
						    UINT64_MAX };

			try_sizes(pool, &whole);
		}
	try_sizes(pool, &(struct skua_block){ 0, 1, 0, SCALED(MOST) });
	try_sizes(pool, &(struct skua_block){ UINT64_MAX - SCALED(MOST / 2),
					      UINT64_MAX, 1, 3 });
}

/* "each iteration once", "cut at its multiples, counted from the begin" */
Test(for_2d, each_cell_once, .timeout = LIMIT)
{
	with_pools(cells_body);
}

/* "near squares": the blocks' borders are not much longer than those of
 * squares of the same number. */
Test(for_2d, blocks_are_near_squares, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_block whole = { 0, 256, 0, 256 };

	prepare(&whole, 0, 0);
	CHECK(skua_for_2d(pool, &whole, mark, &sheet, NULL) == 0);
	check_all();
	/* n squares of 65536 / n cells have 2 * n * sqrt(65536 / n) sides. */
	cr_assert(atomic_load(&sheet.border) * atomic_load(&sheet.border) <
			  UINT64_C(8) * MOST * atomic_load(&sheet.blocks),
		  "%u blocks, %llu sides", atomic_load(&sheet.blocks),
		  (unsigned long long)atomic_load(&sheet.border));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* --- The order of one worker. --- */

static struct skua_block walk[MOST];
static size_t steps;

static int note(skua_here here, const struct skua_block *block, void *context)
{
	(void)here;
	(void)context;
	walk[steps++] = *block;
	return 0;
}

/* "a worker goes through neighbouring blocks": the first quarter of them is
 * one quarter of the whole */
Test(for_2d, neighbours_together, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_for_2d_options options = SKUA_FOR_2D_OPTIONS;

	options.rows = options.cols = 16;
	steps = 0;
	CHECK(skua_for_2d(pool, &(struct skua_block){ 0, 256, 0, 256 }, note,
			  NULL, &options) == 0);
	CHECK(steps == 256);
	for (size_t i = 0; i < 256; i++) {
		size_t quarter = i / 64;

		CHECK(walk[i].row_begin / 128 == quarter / 2 &&
		      walk[i].col_begin / 128 == quarter % 2);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}

/* --- Arguments, ends, huge sizes. --- */

static int answer_two(skua_here here, const struct skua_block *block,
		      void *context)
{
	(void)here;
	(void)block;
	atomic_fetch_add((atomic_uint *)context, 1);
	return 2;
}

static void end_body(struct skua_pool *pool, unsigned workers)
{
	static const struct skua_block wholes[] = {
		{ 0, 1000, 0, 1000 },
		{ 0, UINT64_MAX, 0, 1 },
		{ 0, 1, 0, UINT64_MAX },
		{ 0, UINT64_MAX, 0, UINT64_MAX },
		{ 7, UINT64_MAX, 9, UINT64_C(1) << 60 },
	};
	struct skua_for_2d_options options = SKUA_FOR_2D_OPTIONS;

	for (size_t i = 0; i < 5; i++) {
		atomic_uint calls = 0;

		CHECK(skua_for_2d(pool, &wholes[i], answer_two, &calls,
				  &options) == 2);
		CHECK(atomic_load(&calls) <= workers);
	}
	options.rows = 1;
	for (size_t i = 0; i < 5; i++) {
		atomic_uint calls = 0;

		CHECK(skua_for_2d(pool, &wholes[i], answer_two, &calls,
				  &options) == 2);
	}
}

Test(for_2d, ends_early, .timeout = LIMIT)
{
	with_pools(end_body);
}

static int never(skua_here here, const struct skua_block *block, void *context)
{
	(void)here;
	(void)block;
	(void)context;
	CHECK(!"called");
	return 0;
}

SKUA_TASK_VOID(invalid_in, const struct skua_block *, whole)
{
	CHECK(skua_for_2d_in(NULL, whole, never, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_2d_in(here, NULL, never, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_2d_in(here, whole, NULL, NULL, NULL) == SKUA_EINVAL);
}

Test(for_2d, invalid_arguments, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_for_2d_options options = SKUA_FOR_2D_OPTIONS;
	struct skua_block whole = { 0, 10, 0, 10 };

	CHECK(skua_for_2d(NULL, &whole, never, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_2d(pool, NULL, never, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_for_2d(pool, &whole, NULL, NULL, NULL) == SKUA_EINVAL);
	CHECK(invalid_in_run(pool, &whole) == 0);
	options.size = 3;
	CHECK(skua_for_2d(pool, &whole, never, NULL, &options) == SKUA_EINVAL);
	options.size = sizeof(options);
	whole.row_begin = 11;
	CHECK(skua_for_2d(pool, &whole, never, NULL, NULL) == SKUA_EINVAL);
	whole = (struct skua_block){ 0, 10, 11, 10 };
	CHECK(skua_for_2d(pool, &whole, never, NULL, NULL) == SKUA_EINVAL);
	/* "more than 2^64 - 1 blocks" */
	options.rows = options.cols = 1;
	whole = (struct skua_block){ 0, UINT64_C(1) << 33, 0,
				     UINT64_C(1) << 31 };
	CHECK(skua_for_2d(pool, &whole, never, NULL, &options) == SKUA_EINVAL);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(1);
}
