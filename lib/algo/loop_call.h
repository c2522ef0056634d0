/* SPDX-License-Identifier: MIT */
/*
 * A loop from its call to its answer: what those over one range, over two, and
 * reductions have in common.
 */
#ifndef SKI_LOOP_CALL_H
#define SKI_LOOP_CALL_H

#include "range.h"

struct ski_call {
	/* Run all of it in this task. An error that is not a loop's, or 0. */
	int (*run)(skua_here here, struct ski_call *call);
	struct ski_loop loop;
	int error;
};

/* In the calling task. What the loop returns. */
int ski_call_in(skua_here here, struct ski_call *call);

/* As a task of @pool. */
int ski_call_on(struct skua_pool *pool, struct ski_call *call);

#endif
