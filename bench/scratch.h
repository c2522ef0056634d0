/* SPDX-License-Identifier: MIT */
/* The temporary directory of one run, removed at its end. */
#ifndef BENCH_SCRATCH_H
#define BENCH_SCRATCH_H

/* Make the directory, below $TMPDIR or /tmp, at first use; an error is printed.
 * Its files go with it at exit and on SIGINT, SIGTERM and SIGHUP. */
int scratch_open(void);

/* The path of a file of that name in it; names are a few and fixed. */
const char *scratch_input(void);
const char *scratch_output(void);

#endif
