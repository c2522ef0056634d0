/* SPDX-License-Identifier: MIT */
/* The workloads, one file each: for the table in workload.c. */
#ifndef BENCH_WORKS_H
#define BENCH_WORKS_H

#include "peers.h"
#include "workload.h"

extern const struct workload work_fib;
extern const struct workload work_nqueens;
extern const struct workload work_uts_t1;
extern const struct workload work_uts_t3;
extern const struct workload work_uts_t5;
extern const struct workload work_skynet;
extern const struct workload work_for_cheap;
extern const struct workload work_for_triangle;
extern const struct workload work_for_spike;
extern const struct workload work_for_nested;
extern const struct workload work_reduce;
extern const struct workload work_scan;
extern const struct workload work_group_run;
extern const struct workload work_group_asked;
extern const struct workload work_submit;
extern const struct workload work_submit4;
extern const struct workload work_roundtrip_awake;
extern const struct workload work_roundtrip_asleep;
extern const struct workload work_map_100;
extern const struct workload work_map_1000;
extern const struct workload work_completed_10k;
extern const struct workload work_completed_100k;
extern const struct workload work_hidden;
extern const struct workload work_mutex_alone;
extern const struct workload work_mutex_contended;
extern const struct workload work_waits;
extern const struct workload work_idle_empty;
extern const struct workload work_idle_beside;
extern const struct workload work_gzip;
extern const struct workload work_pipeline;
extern const struct workload work_pending;
extern const struct workload work_open_time;
extern const struct workload work_open_memory;
extern const struct workload work_sort_random;
extern const struct workload work_sort_sorted;
extern const struct workload work_sort_reversed;
extern const struct workload work_sort_equal;
extern const struct workload work_sort_organ_pipe;
extern const struct workload work_sort_few;
extern const struct workload work_sort_stable;
extern const struct workload work_sort_words;
extern const struct workload work_sort_any_ints;
extern const struct workload work_sort_any_words;
extern const struct workload work_sort_any_records;

#endif
