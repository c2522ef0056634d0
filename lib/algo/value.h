/* SPDX-License-Identifier: MIT */
/* Values of a fold: small ones in a box on somebody's stack, others allocated.
 * Boxes are a line each, so that nobody shares one. */
#ifndef SKI_VALUE_H
#define SKI_VALUE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <skua/reduce.h>

enum {
	SKI_VALUE_SMALL = 64
};

struct ski_box {
	_Alignas(SKI_VALUE_SMALL) unsigned char bytes[SKI_VALUE_SMALL];
};

/* Bytes from one value to the next. 0: so many that there is no memory. */
static inline size_t ski_value_stride(const struct skua_fold *fold)
{
	size_t bytes = fold->bytes;

	if (bytes > SIZE_MAX - (SKI_VALUE_SMALL - 1))
		return 0;
	return (bytes + SKI_VALUE_SMALL - 1) & ~(size_t)(SKI_VALUE_SMALL - 1);
}

static inline bool ski_value_is_small(const struct skua_fold *fold)
{
	return fold->bytes <= SKI_VALUE_SMALL;
}

/* Room for a value: @box or allocated. NULL: no memory. */
static inline void *ski_value_room(const struct skua_fold *fold,
				   struct ski_box *box)
{
	size_t stride = ski_value_stride(fold);

	if (ski_value_is_small(fold))
		return box->bytes;
	return stride ? aligned_alloc(SKI_VALUE_SMALL, stride) : NULL;
}

static inline void ski_value_drop(const struct skua_fold *fold, void *value)
{
	if (!ski_value_is_small(fold))
		free(value);
}

static inline void ski_value_copy(const struct skua_fold *fold, void *to,
				  const void *from)
{
	memcpy(to, from, fold->bytes);
}

#endif
