/* SPDX-License-Identifier: MIT */
/* The table of workloads. */
#include "workload.h"

#include <stdarg.h>
#include <stdio.h>

#include "works.h"

const struct workload *const workloads[] = {
	&work_fib,
	&work_nqueens,
	&work_uts_t1,
	&work_uts_t3,
	&work_uts_t5,
	&work_skynet,
	&work_for_cheap,
	&work_for_triangle,
	&work_for_spike,
	&work_for_nested,
	&work_reduce,
	&work_scan,
	&work_group_run,
	&work_group_asked,
	&work_submit,
	&work_submit4,
	&work_roundtrip_awake,
	&work_roundtrip_asleep,
	&work_map_100,
	&work_map_1000,
	&work_completed_10k,
	&work_completed_100k,
	&work_hidden,
	&work_mutex_alone,
	&work_mutex_contended,
	&work_waits,
	&work_idle_empty,
	&work_idle_beside,
	&work_gzip,
	&work_pipeline,
	&work_pending,
	&work_open_time,
	&work_open_memory,
	&work_sort_random,
	&work_sort_sorted,
	&work_sort_reversed,
	&work_sort_equal,
	&work_sort_organ_pipe,
	&work_sort_few,
	&work_sort_stable,
	&work_sort_words,
	&work_sort_any_ints,
	&work_sort_any_words,
	&work_sort_any_records,
	NULL,
};

void sample_fail(struct sample *sample, const char *format, ...)
{
	va_list arguments;

	if (sample->error[0])
		return;
	va_start(arguments, format);
	vsnprintf(sample->error, sizeof(sample->error), format, arguments);
	va_end(arguments);
}

const char *workload_label(const struct workload *workload, char *buffer,
			   size_t bytes)
{
	snprintf(buffer, bytes, "%s%s%s", workload->name,
		 workload->variant[0] ? " " : "", workload->variant);
	return buffer;
}
