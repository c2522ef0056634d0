/* SPDX-License-Identifier: MIT */
/*
 * sort_test.h - arrays to sort, and what must hold of them after it.
 *
 * An element of any size begins with its key, in up to four bytes, then comes
 * its first place, if there is room for it, then bytes that follow from both.
 * What is sorted right is told by qsort() in the same order made total.
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
	unsigned char *wanted;
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

static size_t total_size;

/* By key, then by the place, which is in the order of memory too. */
static inline int compare_total(const void *a, const void *b)
{
	int order = compare_keys(a, b, &total_size);
	const unsigned char *one = a, *other = b;

	for (size_t i = 8; !order && i-- > 4 && total_size >= 8;)
		order = one[i] - other[i];
	return order ? order : memcmp(a, b, total_size);
}

static inline struct array make_array(enum pattern pattern, size_t count,
				      size_t size, uint64_t *random)
{
	size_t bytes = count * size;
	struct array array = { malloc(bytes + 1), malloc(bytes + 1),
			       malloc(bytes + 1), count, size };

	CHECK(array.base && array.first && array.wanted);
	for (size_t i = 0; i < count; i++) {
		unsigned char *element = array.first + i * size;
		uint32_t key = pattern_key(pattern, i, count, random);

		for (size_t k = 0; k < size; k++)
			element[k] = k < 4 ? (unsigned char)(key >> 8 * k) :
				     k < 8 ? (unsigned char)(i >> 8 * (k - 4)) :
					     (unsigned char)(key + i * k);
	}
	memcpy(array.base, array.first, bytes);
	memcpy(array.wanted, array.first, bytes);
	total_size = size;
	qsort(array.wanted, count, size, compare_total);
	return array;
}

static inline void free_array(struct array *array)
{
	free(array->base);
	free(array->first);
	free(array->wanted);
}

/* Each element is there once. The order is lost. */
static inline bool is_permutation(struct array *array)
{
	total_size = array->size;
	qsort(array->base, array->count, array->size, compare_total);
	return !memcmp(array->base, array->wanted, array->count * array->size);
}

static inline bool is_sorted(const struct array *array)
{
	size_t size = array->size;

	for (size_t i = 1; i < array->count; i++)
		if (compare_keys(array->base + (i - 1) * size,
				 array->base + i * size, &size) > 0)
			return false;
	return true;
}

static inline bool is_sorted_stable(const struct array *array)
{
	return !memcmp(array->base, array->wanted, array->count * array->size);
}

#endif
