/* SPDX-License-Identifier: MIT */
/* Loops by skua_for(), skua_reduce() and skua_scan(), with all defaults. */
#include <skua/skua.h>

#include "peers.h"

#define BODY(name)                                                    \
	static int name(skua_here here, uint64_t begin, uint64_t end, \
			void *context)                                \
	{                                                             \
		const struct loop_data *data = context;               \
                                                                      \
		(void)here;                                           \
		for (uint64_t i = begin; i < end; i++)                \
			loop_##name(data, i);                         \
		return 0;                                             \
	}

BODY(cheap)
BODY(triangle)
BODY(spike)

struct row {
	const struct loop_data *data;
	uint64_t i;
};

static int inner(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	const struct row *row = context;

	(void)here;
	for (uint64_t j = begin; j < end; j++)
		loop_inner(row->data, row->i, j);
	return 0;
}

static int outer(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	int error = 0;

	for (uint64_t i = begin; i < end && !error; i++) {
		struct row row = { context, i };

		error = skua_for_in(here, 0, LOOP_INNER_N, inner, &row);
	}
	return error;
}

static void plus(void *left, const void *right, void *context)
{
	(void)context;
	*(uint64_t *)left += *(const uint64_t *)right;
}

static int sum(skua_here here, uint64_t begin, uint64_t end, void *value,
	       void *context)
{
	uint64_t sum = *(uint64_t *)value;

	(void)here;
	(void)context;
	for (uint64_t i = begin; i < end; i++)
		sum += loop_mix((uint32_t)i);
	*(uint64_t *)value = sum;
	return 0;
}

static void plus_words(void *left, const void *right, void *context)
{
	(void)context;
	*(uint32_t *)left += *(const uint32_t *)right;
}

static int add_words(skua_here here, uint64_t begin, uint64_t end, void *value,
		     void *context)
{
	const struct loop_data *data = context;
	uint32_t sum = *(uint32_t *)value;

	(void)here;
	for (uint64_t i = begin; i < end; i++)
		sum += data->in[i];
	*(uint32_t *)value = sum;
	return 0;
}

static int write_words(skua_here here, uint64_t begin, uint64_t end,
		       void *value, void *context)
{
	const struct loop_data *data = context;
	uint32_t sum = *(uint32_t *)value;

	(void)here;
	for (uint64_t i = begin; i < end; i++)
		data->out[i] = sum += data->in[i];
	*(uint32_t *)value = sum;
	return 0;
}

static void reduce(skua_here here, struct loop_data *data)
{
	static const uint64_t zero;
	static const struct skua_fold fold = { sizeof(zero), &zero, plus };

	if (skua_reduce_in(here, 0, LOOP_CHEAP_N, &fold, sum, NULL, &data->sum))
		data->sum = 0;
}

static int scan(skua_here here, struct loop_data *data)
{
	static const uint32_t zero;
	static const struct skua_fold fold = { sizeof(zero), &zero,
					       plus_words };

	return skua_scan_in(here, 0, LOOP_SCAN_N, &fold, add_words, write_words,
			    data, NULL);
}

/* What failed has no right answer. */
void skua_loop(void *pool, enum loop_kind kind, struct loop_data *data)
{
	skua_here here = pool;

	switch (kind) {
	case LOOP_CHEAP:
		(void)skua_for_in(here, 0, LOOP_CHEAP_N, cheap, data);
		break;
	case LOOP_TRIANGLE:
		(void)skua_for_in(here, 0, LOOP_TRIANGLE_N, triangle, data);
		break;
	case LOOP_SPIKE:
		(void)skua_for_in(here, 0, LOOP_SPIKE_N, spike, data);
		break;
	case LOOP_NESTED:
		(void)skua_for_in(here, 0, LOOP_OUTER_N, outer, data);
		break;
	case LOOP_REDUCE:
		reduce(here, data);
		break;
	case LOOP_SCAN:
		(void)scan(here, data);
		break;
	}
}
