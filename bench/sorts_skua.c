/* SPDX-License-Identifier: MIT */
/* How Skua sorts, through its public interface; and plain C, by qsort(). */
#include <skua/sort.h>
#include <stdlib.h>
#include <string.h>

#include "sorts.h"

#define LESS(a, b) (*(a) < *(b))
#define WORD_LESS(a, b) (strcmp(*(a), *(b)) < 0)

SKUA_DEFINE_SORT(sort_ints, int, LESS);
SKUA_DEFINE_STABLE_SORT(sort_ints_stable, int, LESS);
SKUA_DEFINE_SORT(sort_words, const char *, WORD_LESS);

static int run_ints(void *pool, int *base, size_t count)
{
	return sort_ints(pool, base, count);
}

static int run_ints_stable(void *pool, int *base, size_t count)
{
	return sort_ints_stable(pool, base, count);
}

static int run_words(void *pool, const char **base, size_t count)
{
	return sort_words(pool, base, count);
}

struct comparison {
	int (*compare)(const void *, const void *);
};

static int compare(const void *a, const void *b, void *context)
{
	return ((struct comparison *)context)->compare(a, b);
}

static int run_any(void *pool, void *base, size_t count, size_t size,
		   int (*function)(const void *, const void *))
{
	struct comparison comparison = { function };

	return skua_sort(pool, base, count, size, compare, &comparison);
}

const struct peer_sorts sorts_skua = {
	.ints = run_ints,
	.ints_stable = run_ints_stable,
	.words = run_words,
	.any = run_any,
};

static int run_qsort(void *pool, void *base, size_t count, size_t size,
		     int (*function)(const void *, const void *))
{
	(void)pool;
	qsort(base, count, size, function);
	return 0;
}

const struct peer_sorts sorts_serial = {
	.any = run_qsort,
};
