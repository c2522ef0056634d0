/* SPDX-License-Identifier: MIT */
/* Waking workers: core/parking.h applied to those of a pool. */
#ifndef SKI_WAKE_H
#define SKI_WAKE_H

#include <stdbool.h>
#include <stdint.h>

struct skua_pool;
struct ski_worker;

/* After publishing a job: wake one worker if nobody would see it. */
void ski_wake_published(struct skua_pool *pool);
/* The same, given the counts behind PARK-A. */
void ski_wake_counted(struct skua_pool *pool, uint64_t counts);
/* One more worker, nappers only if @nappers. */
void ski_wake_one(struct skua_pool *pool, bool nappers);
/* All that sleep or wait for their inbox, from worker @first on. */
void ski_wake_from(struct skua_pool *pool, unsigned first);
/* All that wait for their inbox alone: see why. */
void ski_wake_low(struct skua_pool *pool);
/* A searcher found work. */
void ski_wake_found(struct ski_worker *worker);

/* Whether the calling thread has just woken a worker from its sleep. */
extern _Thread_local bool ski_woke_sleeper;

#endif
