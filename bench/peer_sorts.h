/* SPDX-License-Identifier: MIT */
/* How a peer sorts; NULL: not at all. All return 0, or -1. */
#ifndef BENCH_PEER_SORTS_H
#define BENCH_PEER_SORTS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>

struct peer_sorts {
	/* The comparison is inlined. */
	int (*ints)(void *pool, int *base, size_t count);
	int (*ints_stable)(void *pool, int *base, size_t count);
	int (*words)(void *pool, const char **base, size_t count);
	/* It is a function, and so is the size of elements known at last. */
	int (*any)(void *pool, void *base, size_t count, size_t size,
		   int (*compare)(const void *, const void *));
};

#ifdef __cplusplus
}
#endif

#endif
