/* SPDX-License-Identifier: MIT */
/*
 * Fibers and segments that a worker keeps for the next time: a few of its own.
 * The rest is surplus: fibers in a deque that all workers take from, segments in
 * a list that the worker or who trims the pool takes whole. Protocol:
 * docs/design/fiber.md.
 */
#ifndef SKI_CACHE_H
#define SKI_CACHE_H

#include "worker.h"

/* Owner: make sure that a spare fiber is in hand. False: no memory. */
bool ski_cache_spare(struct ski_worker *worker);
/* Owner: the fiber in hand, which there must be. */
struct ski_fiber *ski_cache_take_fiber(struct ski_worker *worker);
void ski_cache_put_fiber(struct ski_worker *worker, struct ski_fiber *fiber);
/* The same, for all to take. */
void ski_cache_give_fiber(struct ski_worker *worker, struct ski_fiber *fiber);

/* Owner: NULL for no memory. Reset, but for fiber and previous. */
struct ski_segment *ski_cache_take_segment(struct ski_worker *worker);
void ski_cache_put_segment(struct ski_worker *worker,
			   struct ski_segment *segment);

/* What skua_pool_trim() gives back: taken out of the worker's reach, to be
 * freed after a grace period. */
struct ski_trimmed {
	struct ski_fiber *fibers;
	struct ski_segment *segments;
	struct ski_ring *rings;
};

/* Any thread that holds the pool's lock `freeing`; then comes a grace period. Not
 * what a proxy in some deque still points to: such fibers become strays, so these
 * are trimmed first. */
void ski_cache_trim_strays(struct skua_pool *pool, struct ski_trimmed *trimmed);
void ski_cache_trim(struct ski_worker *worker, struct ski_trimmed *trimmed);
/* The rings that one deque has outgrown. */
void ski_cache_trim_rings(struct ski_deque *deque, struct ski_trimmed *trimmed);
void ski_cache_free(struct ski_trimmed *trimmed);
/* After the worker has ended: all of it. */
void ski_cache_close(struct ski_worker *worker);
/* After all have: what lies in no worker's surplus. */
void ski_cache_close_strays(struct skua_pool *pool);

#endif
