/* SPDX-License-Identifier: MIT */
/*
 * producer: counts the lines, words and bytes of its standard input, as wc
 * does. One thread reads blocks, the workers of a pool count in them. The pool
 * is bounded: while AHEAD blocks wait for a worker skua_post() waits, too.
 */
#include <ctype.h>
#include <skua/skua.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define AHEAD 8
#define BLOCK (64 << 10)

struct block {
	unsigned char before; /* the last byte of the one before it */
	size_t bytes;
	unsigned char text[BLOCK];
};

static atomic_size_t lines, words, bytes;

/* A word begins behind a space, in whichever block that was. */
static void consume(void *arg)
{
	struct block *block = arg;
	unsigned char before = block->before;
	size_t ends = 0, begins = 0;

	for (size_t i = 0; i < block->bytes; before = block->text[i++]) {
		ends += block->text[i] == '\n';
		begins += isspace(before) && !isspace(block->text[i]);
	}
	lines += ends;
	words += begins;
	bytes += block->bytes;
	free(block);
}

static int produce(struct skua_pool *pool)
{
	unsigned char last = ' ';
	struct block *block;

	while ((block = calloc(1, sizeof(*block)))) {
		int error;

		block->bytes = fread(block->text, 1, BLOCK, stdin);
		block->before = last;
		last = block->text[BLOCK - 1]; /* if it is full */
		error = skua_post(pool, consume, block);
		if (error)
			free(block);
		if (error || feof(stdin) || ferror(stdin))
			return error;
	}
	return SKUA_ENOMEM;
}

int main(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;
	int error;

	options.max_pending = AHEAD;
	error = skua_pool_open(&pool, &options);
	if (!error) {
		error = produce(pool);
		skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	if (!error && !ferror(stdin))
		printf("%zu %zu %zu\n", lines, words, bytes);
	else
		fprintf(stderr, "producer: %s\n",
			error ? skua_strerror(error) : "read error");
	return error || ferror(stdin) || fflush(stdout);
}
