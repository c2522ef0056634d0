/* SPDX-License-Identifier: MIT */
/*
 * Joins of stolen frames: run what descends from it, then wait.
 * Protocol: docs/design/forkstack.md.
 */
#ifndef SKI_JOIN_H
#define SKI_JOIN_H

#include "worker.h"

/* Owner: until the stolen frame @i of @segment is done. */
void ski_join_frame(struct ski_worker *worker, struct ski_segment *segment,
		    uint32_t i);

#endif
