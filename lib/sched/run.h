/* SPDX-License-Identifier: MIT */
/*
 * Running what was found: a job by its address, a frame of a fork stack with
 * bit 0 set. Bit 1 of a job: it was submitted inside a region (isolate.h).
 */
#ifndef SKI_RUN_H
#define SKI_RUN_H

#include "worker.h"

#define SKI_JOB_FRAME ((uintptr_t)1)
#define SKI_JOB_ISOLATED ((uintptr_t)2)
#define SKI_JOB_FLAGS ((uintptr_t)3)

/* Of what is no frame. */
static inline struct skua_job *ski_job_header(uintptr_t job)
{
	return (struct skua_job *)(job & ~SKI_JOB_FLAGS);
}

static inline uintptr_t ski_job_of_frame(struct skua_frame *frame)
{
	return (uintptr_t)frame | SKI_JOB_FRAME;
}

/* On the caller's stack, with the free frames from @here on. */
void ski_run(skua_here here, uintptr_t job);
/* A stolen frame of the same task: in a join. */
void ski_run_frame(skua_here here, struct skua_frame *frame);
/* The run functions of proxies and futures. */
void ski_proxy_run(skua_here here, struct skua_job *job);
void ski_future_run(skua_here here, struct skua_job *job);
void ski_future_run_post(skua_here here, struct skua_job *job);
/* Futures of fork.h: the frame is the caller's, or a box of the future's. */
void ski_future_run_frame(skua_here here, struct skua_job *job);
void ski_future_run_box(skua_here here, struct skua_job *job);

#endif
