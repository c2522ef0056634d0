/* SPDX-License-Identifier: MIT */
/*
 * Skua: a lock-free work-stealing task runtime. This header brings all of it.
 *
 * Read in this order: error.h (codes), pool.h (worker threads), future.h
 * (submit a function, get its result), map.h (one function for many items),
 * ordered.h (results in the order of jobs), requests.h (callbacks where you ask
 * for them), fork.h (fork-join for compute kernels), group.h (tasks waited for
 * and cancelled together), invoke.h (functions at once), for.h, reduce.h and
 * scan.h (parallel loops), sort.h (arrays), pipeline.h (items that go through
 * stages), sync.h (sleep, yield, locks), isolate.h (plain locks held across
 * waits), thread.h (plain threads).
 */
#ifndef SKUA_SKUA_H
#define SKUA_SKUA_H

#include <skua/error.h>
#include <skua/for.h>
#include <skua/fork.h>
#include <skua/future.h>
#include <skua/group.h>
#include <skua/invoke.h>
#include <skua/isolate.h>
#include <skua/map.h>
#include <skua/ordered.h>
#include <skua/pipeline.h>
#include <skua/pool.h>
#include <skua/reduce.h>
#include <skua/requests.h>
#include <skua/scan.h>
#include <skua/sort.h>
#include <skua/sync.h>
#include <skua/thread.h>

#endif
