/* SPDX-License-Identifier: MIT */
/* The sorts of those peers that are part of the program. */
#ifndef BENCH_SORTS_H
#define BENCH_SORTS_H

#include "peer_sorts.h"

extern const struct peer_sorts sorts_skua;
extern const struct peer_sorts sorts_serial;

#endif
