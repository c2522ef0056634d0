/* SPDX-License-Identifier: MIT */
/*
 * Scans in blocks, with the source of lib/algo/scan.c: each block is written once,
 * with the value before it, whoever has the baton and wherever it is left. What the
 * baton protects, the values and the blocks are plain memory.
 *
 * Workers are threads that have come by the scan, each block is one iteration, and
 * nobody wrote a block before it was its turn: the value is told by the order.
 */
#include "explore.h"

#include <string.h>

/* A copy that the compiler does not show. */
static void *copy(void *to, const void *from, size_t bytes)
{
	ex_plain_read(from, bytes);
	ex_plain_write(to, bytes);
	return memcpy(to, from, bytes);
}

#define memcpy copy

#include "../../lib/algo/scan.c"

enum {
	BLOCKS = 3
};

static struct {
	struct scan scan;
	/* Where a task's frames are that no group has cancelled. */
	_Alignas(SKUA_SEGMENT_BYTES) struct skua_segment segment;
	struct skua_fold fold;
	uint64_t identity, carried, spare;
	unsigned char values[BLOCKS * SKI_VALUE_SMALL];
	_Atomic(unsigned char) state[BLOCKS];
	uint32_t ready[BLOCKS];
	uint64_t written[BLOCKS]; /* 0: not */
} c;

/* Not called. */
int ski_call_on(struct skua_pool *pool, struct ski_call *call)
{
	(void)pool;
	(void)call;
	return 0;
}

int ski_call_in(skua_here here, struct ski_call *call)
{
	(void)here;
	(void)call;
	return 0;
}

/* Digits, one after the other: nothing else comes to the same. */
static void join_digits(void *left, const void *right, void *context)
{
	uint64_t *to = left;
	uint64_t more = *(const uint64_t *)right;

	(void)context;
	for (uint64_t rest = more; rest; rest /= 10)
		*to *= 10;
	*to += more;
}

static void append(uint64_t i, void *value)
{
	uint64_t digit = i + 1;

	join_digits(value, &digit, NULL);
}

static int fold_block(skua_here here, uint64_t begin, uint64_t end, void *value,
		      void *context)
{
	(void)here;
	(void)context;
	ex_assert(begin + 1 == end);
	append(begin, value);
	return 0;
}

static int write_block(skua_here here, uint64_t begin, uint64_t end,
		       void *value, void *context)
{
	(void)here;
	(void)context;
	ex_assert(begin + 1 == end && !c.written[begin]);
	append(begin, value);
	c.written[begin] = *(uint64_t *)value;
	return 0;
}

static void setup_scan(uint32_t blocks)
{
	c.fold.bytes = sizeof(c.identity);
	c.fold.identity = &c.identity;
	c.fold.combine = join_digits;
	c.scan.end = blocks;
	c.scan.fold = &c.fold;
	c.scan.body = fold_block;
	c.scan.write = write_block;
	c.scan.grain = 1;
	c.scan.blocks = blocks;
	c.scan.stride = SKI_VALUE_SMALL;
	c.scan.carried = &c.carried;
	c.scan.spare = &c.spare;
	c.scan.values = c.values;
	c.scan.state = c.state;
	c.scan.ready = c.ready;
	for (uint32_t i = 0; i < blocks; i++)
		atomic_store_explicit(&c.state[i], i ? UNTOUCHED : BATON,
				      memory_order_relaxed);
}

static void setup_two(void)
{
	setup_scan(2);
}

static void setup_three(void)
{
	setup_scan(3);
}

static void setup_deterministic(void)
{
	setup_scan(2);
	c.scan.deterministic = true;
}

static void work(void)
{
	run_blocks((skua_here)(void *)((char *)&c.segment + 64), &c.scan);
}

/* 1, 12, 123, and what is carried is all of it. */
static void check_scan(void)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < c.scan.blocks; i++) {
		append(i, &value);
		ex_assert(c.written[i] == value);
	}
	ex_assert(c.carried == value);
}

#define SCAN_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "scan", .what = text, .state = &c, \
		    .state_bytes = sizeof(c), .check = check_scan,    \
		    __VA_ARGS__)

SCAN_SCENARIO(scan_two, "two workers, two blocks", .setup = setup_two,
	      .spurious = 1, .run = { work, work })
SCAN_SCENARIO(scan_three_blocks, "two workers, three blocks",
	      .setup = setup_three, .run = { work, work })
SCAN_SCENARIO(scan_three_workers, "three workers, two blocks",
	      .setup = setup_two, .stale = 2, .run = { work, work, work })
SCAN_SCENARIO(scan_deterministic, "all blocks are folded",
	      .setup = setup_deterministic, .run = { work, work })
