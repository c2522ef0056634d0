/* SPDX-License-Identifier: MIT */
/* What the figures were measured on. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* Processors that this process may use. */
unsigned machine_processors(void);

/* The processor's name, or "unknown". */
const char *machine_name(void);

/* How many processors others keep busy just now; looks for half a second. */
double machine_load(void);

/* The compiler of this program, and whether it optimised. */
const char *machine_compiler(void);
int machine_is_optimised(void);

#endif
