/* SPDX-License-Identifier: MIT */
/*
 * sort_test.h - arrays to sort, and what must hold of them after it.
 *
 * An element of any size begins with its key, in up to four bytes, then comes
 * its first place, if there is room for it, then bytes that follow from both.
 */
#ifndef SORT_TEST_H
#define SORT_TEST_H

#include "../sched/sched_test.h"

#include <string.h>

enum pattern {
	RANDOM,
	SORTED,
	REVERSED,
	EQUAL,
	ORGAN_PIPE,
	TWO_VALUES,
	FEW_VALUES,
	SAW,
	NEARLY_SORTED,
	NEARLY_REVERSED,
	PATTERNS
};

static inline uint32_t pattern_key(enum pattern pattern, size_t i, size_t count,
				   uint64_t *random)
{
	uint64_t any = next_random(random);

	switch (pattern) {
	case RANDOM:
	case PATTERNS:
		break;
	case SORTED:
		return (uint32_t)i;
	case REVERSED:
		return (uint32_t)(count - i);
	case EQUAL:
		return 7;
	case ORGAN_PIPE:
		return (uint32_t)(i < count / 2 ? i : count - i);
	case TWO_VALUES:
		return any >> 40 & 1;
	case FEW_VALUES:
		return (any >> 40) % 10;
	case SAW:
		return (uint32_t)(i % 50);
	case NEARLY_SORTED:
		return any % 100 ? (uint32_t)i : (uint32_t)(any >> 40);
	case NEARLY_REVERSED:
		return any % 100 ? (uint32_t)(count - i) : 3;
	}
	return (uint32_t)(any >> 20);
}

struct array {
	unsigned char *base; /* what is sorted */
	unsigned char *first; /* as it was */
	size_t count;
	size_t size;
};

/* The key: as many bytes as there are, the first the least. */
static inline uint32_t key_of(const unsigned char *element, size_t size)
{
	uint32_t key = 0;

	for (size_t i = 0; i < size && i < 4; i++)
		key |= (uint32_t)element[i] << 8 * i;
	return key;
}

static inline int compare_keys(const void *a, const void *b, void *size)
{
	uint32_t one = key_of(a, *(size_t *)size);
	uint32_t other = key_of(b, *(size_t *)size);

	return (one > other) - (one < other);
}

/* Its first place; for elements of 8 bytes or more. */
static inline size_t place_of(const unsigned char *element)
{
	return key_of(element + 4, 4);
}

static inline struct array make_array(enum pattern pattern, size_t count,
				      size_t size, uint64_t *random)
{
	size_t bytes = count * size;
	struct array array = { malloc(bytes + 1), malloc(bytes + 1), count,
			       size };

	CHECK(array.base && array.first);
	for (size_t i = 0; i < count; i++) {
		unsigned char *element = array.first + i * size;
		uint32_t key = pattern_key(pattern, i, count, random);

		for (size_t k = 0; k < size; k++)
			element[k] = k < 4 ? (unsigned char)(key >> 8 * k) :
				     k < 8 ? (unsigned char)(i >> 8 * (k - 4)) :
					     (unsigned char)(key + i * k);
	}
	memcpy(array.base, array.first, bytes);
	return array;
}

static inline void free_array(struct array *array)
{
	free(array->base);
	free(array->first);
}

/* By all of their bytes. */
static size_t compared_size;

static inline int compare_bytes(const void *a, const void *b)
{
	return memcmp(a, b, compared_size);
}

/* Whether each element is there once, where they do not say their place. */
static inline bool are_the_same(const struct array *array)
{
	size_t bytes = array->count * array->size;
	unsigned char *both = malloc(2 * bytes + 1);
	bool same;

	CHECK(both);
	memcpy(both, array->first, bytes);
	memcpy(both + bytes, array->base, bytes);
	compared_size = array->size;
	qsort(both, array->count, array->size, compare_bytes);
	qsort(both + bytes, array->count, array->size, compare_bytes);
	same = !memcmp(both, both + bytes, bytes);
	free(both);
	return same;
}

/* Each element is there once. */
static inline bool is_permutation(const struct array *array)
{
	size_t size = array->size;
	bool *seen, good = true;

	if (size < 8)
		return are_the_same(array);
	seen = calloc(array->count + 1, sizeof(*seen));
	CHECK(seen);
	for (size_t i = 0; i < array->count && good; i++) {
		const unsigned char *element = array->base + i * size;
		size_t place = place_of(element);

		good = place < array->count && !seen[place] &&
		       !memcmp(element, array->first + place * size, size);
		if (good)
			seen[place] = true;
	}
	free(seen);
	return good;
}

/* A pair that is in order; @stable: equal keys by their first place. */
static inline bool is_pair(const unsigned char *one, const unsigned char *other,
			   size_t size, bool stable)
{
	int order = compare_keys(one, other, &size);

	return order < 0 ||
	       (!order && (!stable || place_of(one) < place_of(other)));
}

static inline bool are_pairs(const struct array *array, bool stable)
{
	size_t size = array->size;

	for (size_t i = 1; i < array->count; i++)
		if (!is_pair(array->base + (i - 1) * size,
			     array->base + i * size, size, stable))
			return false;
	return true;
}

static inline bool is_sorted(const struct array *array)
{
	return are_pairs(array, false);
}

/* For elements of 8 bytes or more. */
static inline bool is_sorted_stable(const struct array *array)
{
	return are_pairs(array, true);
}

#endif
