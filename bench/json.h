/* SPDX-License-Identifier: MIT */
/* All samples, for programs to read. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include "plan.h"

/* Write the run as one JSON object; seconds, bytes and ratios as they are. */
void json_write(FILE *file, const struct plan *plan, const struct peers *peers);

#endif
