/* SPDX-License-Identifier: MIT */
/*
 * A future in memory that the caller lends, on a futex word: for the peers
 * that have none of their own. Clean as C and C++.
 */
#ifndef BENCH_FUTEX_FUTURE_H
#define BENCH_FUTEX_FUTURE_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdint.h>

#include "peer.h"

/* Written by the submitter, then by the one worker that runs it. */
struct futex_future {
	peer_fn *fn;
	void *value; /* the argument, and then the result */
	uint64_t opaque;
};

/* Make @future a job that has not run. */
void futex_future_fill(struct futex_future *future, peer_fn *fn, void *arg);

/* Run the job and tell who waits. Does not touch the future afterwards. */
void futex_future_run(struct futex_future *future);

/* Look @spins times, then block until the job has run; its result. Spinning
 * pays where the workers do, too; else the wake-up takes longer than it saves. */
void *futex_future_wait(struct futex_future *future, unsigned spins);

#ifdef __cplusplus
}
#endif

#endif
