/* SPDX-License-Identifier: MIT */
/*
 * The loop of a worker: what a fiber runs when no task runs on it. It looks
 * for work, runs it on its own stack, and sleeps when there is none.
 */
#ifndef SKI_LOOP_H
#define SKI_LOOP_H

#include "worker.h"

/* Entry of each fiber; @fiber. Leaves to the thread's own stack at the end. */
void ski_loop_enter(void *fiber);
/* Take what was resumed here into the queue of ready fibers. Returns the flags
 * that the inbox had. */
uintptr_t ski_loop_collect(struct ski_worker *worker);

#endif
