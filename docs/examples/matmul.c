/* SPDX-License-Identifier: MIT */
/*
 * matmul [-w] [N]: multiply two N x N matrices (512 unless given) by dividing
 * and conquering, and check the product as Freivalds does: A(Br) = Cr for
 * random vectors r of zeros and ones. A wrong product passes one such check half
 * of the time at the most, and 40 of them once in 10^12 times; each takes N^2
 * steps, not N^3. With -w one number is made wrong before.
 *
 * The longest of the three sides is halved until a block fits a cache. Halves
 * of the rows or of the columns of the product have nothing in common and are
 * forked; halves of the sums are added one after the other.
 *
 * The matrices are of small whole numbers, so that doubles are exact.
 */
#include <skua/skua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 64, /* three of them in doubles are 96 KiB */
	MAX_N = 8192,
	ROUNDS = 40,
	LESS_THAN = 1000 /* numbers: sums stay below 2^53 */
};

/* Sides of a block: c is rows x columns, the sums have depth terms. All
 * matrices are parts of ones with `stride` columns. */
struct sides {
	uint32_t rows, columns, depth, stride;
};

static void multiply_block(const double *a, const double *b, double *c,
			   struct sides s)
{
	for (size_t i = 0; i < s.rows; i++) {
		for (size_t k = 0; k < s.depth; k++) {
			double factor = a[i * s.stride + k];

			for (size_t j = 0; j < s.columns; j++)
				c[i * s.stride + j] +=
					factor * b[k * s.stride + j];
		}
	}
}

/* c += a b */
SKUA_TASK_VOID(multiply, const double *, a, const double *, b, double *, c,
	       struct sides, s)
{
	struct sides first = s, second = s;

	if (s.rows <= BLOCK && s.columns <= BLOCK && s.depth <= BLOCK) {
		multiply_block(a, b, c, s);
	} else if (s.rows >= s.columns && s.rows >= s.depth) {
		first.rows = s.rows / 2;
		second.rows = s.rows - first.rows;
		size_t down = (size_t)first.rows * s.stride;

		multiply_fork(&here, a + down, b, c + down, second);
		multiply(here, a, b, c, first);
		multiply_join(&here);
	} else if (s.columns >= s.depth) {
		first.columns = s.columns / 2;
		second.columns = s.columns - first.columns;
		multiply_fork(&here, a, b + first.columns, c + first.columns,
			      second);
		multiply(here, a, b, c, first);
		multiply_join(&here);
	} else {
		first.depth = s.depth / 2;
		second.depth = s.depth - first.depth;
		multiply(here, a, b, c, first);
		multiply(here, a + first.depth,
			 b + (size_t)first.depth * s.stride, c, second);
	}
}

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 11;
}

/* to = matrix vector */
static void apply(const double *matrix, const double *vector, double *to,
		  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = 0;
		for (size_t j = 0; j < n; j++)
			to[i] += matrix[i * n + j] * vector[j];
	}
}

/* With room for four vectors at @r. */
static bool is_product(const double *a, const double *b, const double *c,
		       double *r, size_t n)
{
	double *br = r + n, *abr = br + n, *cr = abr + n;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < n; i++)
			r[i] = (double)(next_random() % 2);
		apply(b, r, br, n);
		apply(a, br, abr, n);
		apply(c, r, cr, n);
		if (memcmp(abr, cr, n * sizeof(*cr)) != 0)
			return false;
	}
	return true;
}

static int run(struct skua_pool *pool, uint32_t n, bool spoil)
{
	size_t count = (size_t)n * n;
	double *a = calloc(3 * count + 4 * (size_t)n, sizeof(*a));
	double *b = a + count, *c = b + count, *vectors = c + count;
	struct sides sides = { n, n, n, n };
	int error;
	bool right;

	if (!a)
		return SKUA_ENOMEM;
	for (size_t i = 0; i < 2 * count; i++)
		a[i] = (double)(next_random() % LESS_THAN);
	error = multiply_run(pool, a, b, c, sides);
	if (spoil)
		c[next_random() % count] += 1;
	right = !error && is_product(a, b, c, vectors, n);
	free(a);
	if (error)
		return error;
	printf("%u x %u: %s\n", n, n, right ? "right" : "wrong");
	return right ? 0 : SKUA_EFAILED;
}

int main(int argc, char **argv)
{
	struct skua_pool *pool;
	bool spoil = argc > 1 && strcmp(argv[1], "-w") == 0;
	long n = 512;

	argv += spoil;
	argc -= spoil;
	if (argc == 2) {
		char *end;

		n = strtol(argv[1], &end, 10);
		if (end == argv[1] || *end != '\0')
			n = 0;
	}
	if (argc > 2 || n < 1 || n > MAX_N) {
		fprintf(stderr, "usage: matmul [-w] [N], N from 1 to %d\n",
			MAX_N);
		return 1;
	}

	int error = skua_pool_open(&pool, NULL);
	if (!error) {
		error = run(pool, (uint32_t)n, spoil);
		skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	if (error && error != SKUA_EFAILED)
		fprintf(stderr, "matmul: %s\n", skua_strerror(error));
	return error || fflush(stdout) != 0;
}
