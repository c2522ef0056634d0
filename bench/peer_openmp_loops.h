/* SPDX-License-Identifier: MIT */
/*
 * Loops of OpenMP, for peer_openmp.c, each with a schedule chosen for it: static
 * where iterations are alike, dynamic with chunks of some 10 to 100 us where they
 * are not. They open their team themselves; its threads stay from one to the next.
 */
#ifndef BENCH_PEER_OPENMP_LOOPS_H
#define BENCH_PEER_OPENMP_LOOPS_H

#include "loops.h"

static void nested(struct loop_data *data)
{
#pragma omp parallel for collapse(2) schedule(static)
	for (uint64_t i = 0; i < LOOP_OUTER_N; i++)
		for (uint64_t j = 0; j < LOOP_INNER_N; j++)
			loop_inner(data, i, j);
}

static void reduce(struct loop_data *data)
{
	uint64_t sum = 0;

#pragma omp parallel for schedule(static) reduction(+ : sum)
	for (uint64_t i = 0; i < LOOP_CHEAP_N; i++)
		sum += loop_mix((uint32_t)i);
	data->sum = sum;
}

static void scan(struct loop_data *data)
{
	uint32_t sum = 0;

#pragma omp parallel for reduction(inscan, + : sum)
	for (uint64_t i = 0; i < LOOP_SCAN_N; i++) {
		sum += data->in[i];
#pragma omp scan inclusive(sum)
		data->out[i] = sum;
	}
}

static void run_loop(void *pool, enum loop_kind kind, struct loop_data *data)
{
	(void)pool;
	switch (kind) {
	case LOOP_CHEAP:
#pragma omp parallel for schedule(static)
		for (uint64_t i = 0; i < LOOP_CHEAP_N; i++)
			loop_cheap(data, i);
		break;
	case LOOP_TRIANGLE:
#pragma omp parallel for schedule(dynamic, 16)
		for (uint64_t i = 0; i < LOOP_TRIANGLE_N; i++)
			loop_triangle(data, i);
		break;
	case LOOP_SPIKE:
#pragma omp parallel for schedule(dynamic, 1000)
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

#endif
