/* SPDX-License-Identifier: MIT */
/*
 * Loops of OpenMP, for peer_openmp.c, each with a schedule chosen for it: static
 * where iterations are alike, dynamic with chunks of some 10 to 100 us where they
 * are not. They open their team themselves; its threads stay from one to the next.
 */
#ifndef BENCH_PEER_OPENMP_LOOPS_H
#define BENCH_PEER_OPENMP_LOOPS_H

#include <omp.h>

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

/* By hand: `inscan` is four times as slow with libgomp, and puts a copy of all
 * numbers on the stack with libomp. */
static void scan(struct loop_data *data)
{
	enum {
		THREADS_MOST = 1024
	};
	static uint32_t sums[THREADS_MOST];

#pragma omp parallel num_threads(omp_get_max_threads() % THREADS_MOST)
	{
		uint64_t threads = (uint64_t)omp_get_num_threads();
		uint64_t at = (uint64_t)omp_get_thread_num();
		uint64_t begin = LOOP_SCAN_N * at / threads;
		uint64_t end = LOOP_SCAN_N * (at + 1) / threads;
		uint32_t sum = 0;

		for (uint64_t i = begin; i < end; i++)
			sum += data->in[i];
		sums[at] = sum;
		sum = 0;
#pragma omp barrier
		for (uint64_t i = 0; i < at; i++)
			sum += sums[i];
		for (uint64_t i = begin; i < end; i++)
			data->out[i] = sum += data->in[i];
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
