/* SPDX-License-Identifier: MIT */
/*
 * Waiting without a result: for tasks and for plain threads.
 *
 * In a task these suspend the task: its worker runs other tasks meanwhile,
 * and the task goes on later on the same thread.
 */
#ifndef SKUA_SYNC_H
#define SKUA_SYNC_H

#include <stdint.h>

#include <skua/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Let other tasks of this worker run; in a plain thread, other threads.
 *
 * Jobs that are queued anywhere in the pool get a turn before the task goes
 * on. Thread: any. Blocks: suspends the task (not if there is no stack to
 * switch to).
 */
SKUA_API void skua_yield(void);

/**
 * Sleep for at least @ns nanoseconds (CLOCK_MONOTONIC). In a task the worker
 * runs on meanwhile.
 *
 * Zero returns at once. Thread: any. Blocks: suspends the task / blocks the
 * thread. Errors: SKUA_EINVAL (negative), SKUA_ENOMEM (in a task: no stack
 * to switch to).
 */
SKUA_API int skua_sleep(int64_t ns);

#ifdef __cplusplus
}
#endif

#endif
