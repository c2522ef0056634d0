/* SPDX-License-Identifier: MIT */
/* A large file made of what lies on the machine. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include <stdint.h>

/*
 * Write about @bytes of real files into the file at @path: the compiler, the
 * libraries, headers and programs, a share of each, in the order of their
 * names. Returns 0, or -1 after an error message.
 */
int corpus_make(const char *path, int64_t bytes);

#endif
