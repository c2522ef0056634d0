/* SPDX-License-Identifier: MIT */
/*
 * Loops with known answers: what an iteration does, the same inlined code for
 * every peer. Clean as C and C++.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <stdint.h>

enum loop_kind {
	LOOP_CHEAP, /* LOOP_CHEAP_N iterations of a nanosecond or less */
	LOOP_TRIANGLE, /* iteration i takes i steps */
	LOOP_SPIKE, /* one takes as long as all others together */
	LOOP_NESTED, /* loops of LOOP_INNER_N in a loop of LOOP_OUTER_N */
	LOOP_REDUCE, /* a sum over LOOP_CHEAP_N */
	LOOP_SCAN /* running sums of LOOP_SCAN_N numbers */
};

#define LOOP_CHEAP_N 100000000u
#define LOOP_TRIANGLE_N 16384u
#define LOOP_SPIKE_N 1000000u
#define LOOP_SPIKE_PLACES 8u
#define LOOP_SPIKE_STEPS 34u /* of one iteration: some 50 ns, alone */
#define LOOP_OUTER_N 100u
#define LOOP_INNER_N 1000u
#define LOOP_INNER_STEPS 16u
#define LOOP_SCAN_N 20000000u

struct loop_data {
	uint8_t *bytes; /* LOOP_CHEAP_N */
	uint32_t *words; /* LOOP_SPIKE_N, the most of the others */
	const uint32_t *in; /* LOOP_SCAN_N */
	uint32_t *out;
	uint64_t spike_at;
	uint64_t sum;
};

static inline uint32_t loop_step(uint32_t x)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static inline uint32_t loop_steps(uint32_t x, uint32_t steps)
{
	x |= 1;
	for (uint32_t k = 0; k < steps; k++)
		x = loop_step(x);
	return x;
}

static inline uint32_t loop_mix(uint32_t i)
{
	i *= 0x9e3779b1u;
	return i ^ i >> 15;
}

static inline void loop_cheap(const struct loop_data *data, uint64_t i)
{
	data->bytes[i] = (uint8_t)(loop_mix((uint32_t)i) >> 24);
}

static inline void loop_triangle(const struct loop_data *data, uint64_t i)
{
	data->words[i] = loop_steps((uint32_t)i, (uint32_t)i);
}

static inline void loop_spike(const struct loop_data *data, uint64_t i)
{
	uint32_t steps = LOOP_SPIKE_STEPS;

	if (i == data->spike_at)
		steps *= LOOP_SPIKE_N;
	data->words[i] = loop_steps((uint32_t)i, steps);
}

static inline void loop_inner(const struct loop_data *data, uint64_t i,
			      uint64_t j)
{
	uint64_t at = i * LOOP_INNER_N + j;

	data->words[at] = loop_steps((uint32_t)at, LOOP_INNER_STEPS);
}

#endif
