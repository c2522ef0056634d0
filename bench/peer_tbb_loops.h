/* SPDX-License-Identifier: MIT */
/*
 * Loops of oneTBB, for peer_tbb.cpp, each with a partitioner chosen for it: auto
 * where iterations are alike, simple with grains as OpenMP has where they are not.
 */
#ifndef BENCH_PEER_TBB_LOOPS_H
#define BENCH_PEER_TBB_LOOPS_H

#include <functional>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/parallel_scan.h>
#include <oneapi/tbb/partitioner.h>

#include "loops.h"

namespace tbb_loops
{

namespace tbb = oneapi::tbb;
using range = tbb::blocked_range<uint64_t>;

template <typename Body, typename Partitioner>
void run(uint64_t count, uint64_t grain, const Body &body,
	 const Partitioner &partitioner)
{
	tbb::parallel_for(
		range(0, count, grain),
		[&](const range &r) {
			for (uint64_t i = r.begin(); i < r.end(); i++)
				body(i);
		},
		partitioner);
}

inline void reduce(loop_data *data)
{
	data->sum = tbb::parallel_reduce(
		range(0, LOOP_CHEAP_N), uint64_t(0),
		[](const range &r, uint64_t sum) {
			for (uint64_t i = r.begin(); i < r.end(); i++)
				sum += loop_mix(uint32_t(i));
			return sum;
		},
		std::plus<uint64_t>(), tbb::auto_partitioner());
}

inline void scan(loop_data *data)
{
	tbb::parallel_scan(
		range(0, LOOP_SCAN_N), uint32_t(0),
		[=](const range &r, uint32_t sum, bool is_final) {
			if (is_final)
				for (uint64_t i = r.begin(); i < r.end(); i++)
					data->out[i] = sum += data->in[i];
			else
				for (uint64_t i = r.begin(); i < r.end(); i++)
					sum += data->in[i];
			return sum;
		},
		std::plus<uint32_t>(), tbb::auto_partitioner());
}

inline void nested(loop_data *data)
{
	run(
		LOOP_OUTER_N, 1,
		[=](uint64_t i) {
			run(
				LOOP_INNER_N, 1,
				[=](uint64_t j) { loop_inner(data, i, j); },
				tbb::auto_partitioner());
		},
		tbb::auto_partitioner());
}

inline void run_loop(void *, loop_kind kind, loop_data *data)
{
	switch (kind) {
	case LOOP_CHEAP:
		run(
			LOOP_CHEAP_N, 1,
			[=](uint64_t i) { loop_cheap(data, i); },
			tbb::auto_partitioner());
		break;
	case LOOP_TRIANGLE:
		run(
			LOOP_TRIANGLE_N, 16,
			[=](uint64_t i) { loop_triangle(data, i); },
			tbb::simple_partitioner());
		break;
	case LOOP_SPIKE:
		run(
			LOOP_SPIKE_N, 1000,
			[=](uint64_t i) { loop_spike(data, i); },
			tbb::simple_partitioner());
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

} // namespace tbb_loops

#endif
