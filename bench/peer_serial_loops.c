/* SPDX-License-Identifier: MIT */
/* Loops in plain C. */
#include "peers.h"

static void nested(struct loop_data *data)
{
	for (uint64_t i = 0; i < LOOP_OUTER_N; i++)
		for (uint64_t j = 0; j < LOOP_INNER_N; j++)
			loop_inner(data, i, j);
}

static void reduce(struct loop_data *data)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < LOOP_CHEAP_N; i++)
		sum += loop_mix((uint32_t)i);
	data->sum = sum;
}

static void scan(struct loop_data *data)
{
	uint32_t sum = 0;

	for (uint64_t i = 0; i < LOOP_SCAN_N; i++)
		data->out[i] = sum += data->in[i];
}

void serial_loop(void *pool, enum loop_kind kind, struct loop_data *data)
{
	(void)pool;
	switch (kind) {
	case LOOP_CHEAP:
		for (uint64_t i = 0; i < LOOP_CHEAP_N; i++)
			loop_cheap(data, i);
		break;
	case LOOP_TRIANGLE:
		for (uint64_t i = 0; i < LOOP_TRIANGLE_N; i++)
			loop_triangle(data, i);
		break;
	case LOOP_SPIKE:
		for (uint64_t i = 0; i < LOOP_SPIKE_N; i++)
			loop_spike(data, i);
		break;
	case LOOP_NESTED:
		nested(data);
		break;
	case LOOP_REDUCE:
		reduce(data);
		break;
	case LOOP_SCAN:
		scan(data);
		break;
	}
}
