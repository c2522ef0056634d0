/* SPDX-License-Identifier: MIT */
/* The report that a person reads. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "plan.h"

/* The machine, the build, and what could not be measured and why. */
void table_print_head(const struct plan *plan, const struct cmdline *cmdline,
		      const struct peers *peers);

/* A table for each workload. */
void table_print(const struct plan *plan);

/* What --list shows. */
void table_print_list(const struct peers *peers);

/* "1.25 ms", "31.5 MiB", "1.04": three digits that matter. */
const char *table_format(enum unit unit, double value, char *buffer,
			 size_t bytes);

#endif
