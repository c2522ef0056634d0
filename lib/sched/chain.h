/* SPDX-License-Identifier: MIT */
/*
 * The chain of segments of a fiber's fork stack: one more when the newest is
 * full, back when it is empty.
 */
#ifndef SKI_CHAIN_H
#define SKI_CHAIN_H

#include "worker.h"

/* Owner, on @segment, the newest: go on in another one, which is returned.
 * NULL: no memory, nothing has changed. */
struct ski_segment *ski_chain_push(struct ski_worker *worker,
				   struct ski_segment *segment);
/* Owner, at the first frame of the newest: back to @segment, the one before.
 * One spare is kept. */
void ski_chain_pop(struct ski_worker *worker, struct ski_segment *segment);

#endif
