/* SPDX-License-Identifier: MIT */
/*
 * The places of a bounded pool: taken by a submit, given back by the worker that
 * starts the job. Pools without a bound never come here.
 * Protocol: docs/design/bounded.md.
 */
#ifndef SKI_ROOM_H
#define SKI_ROOM_H

#include "waitq.h"
#include "worker.h"

/* Of a pool. */
enum ski_bound {
	SKI_UNBOUNDED = 0,
	SKI_BOUNDED, /* by a number */
	SKI_NO_QUEUE /* by the workers that are free */
};

/* Of a worker's hand; both: it counts as a place. */
enum {
	SKI_HAND_FREE = 1, /* it runs nothing; the worker's own */
	SKI_HAND_WANTED = 2 /* it is not dismissed; under the pool's lock */
};

struct ski_room {
	struct ski_waitq q; /* the word: see room.c */
	size_t places; /* I: with a number */
};

/* @max_pending as in struct skua_pool_options, not 0. */
void ski_room_init(struct skua_pool *pool, size_t max_pending);

/*
 * Who submits: @need places, all or none, waiting for them. @inside: a task of
 * the pool. In *@at_once: they are beyond the bound, and after the jobs have
 * been pushed ski_room_beyond() is due.
 * Errors: SKUA_EFULL (more than there ever are; or not now, if @timeout_ns is 0
 * or the caller must not wait), SKUA_ETIMEDOUT, SKUA_ECLOSED, SKUA_EBROKEN.
 */
int ski_room_enter(struct skua_pool *pool, size_t need, int64_t timeout_ns,
		   bool inside, bool *at_once);
/* @n of them are free again: the submit failed, or a job was met. */
void ski_room_leave(struct skua_pool *pool, size_t n);
/* In a task, which may be suspended: see to it that the @n jobs that it has pushed
 * last are started, as far as they are still there. */
void ski_room_beyond(struct ski_worker *worker, size_t n);

/* A job starts on @worker. */
void ski_room_started(struct ski_worker *worker);
/* The pool is closing, as its `closing` says: those who wait look again. */
void ski_room_shut(struct skua_pool *pool);

/* ---- without a queue ---- */

/* In such a pool, and its task runs. */
bool ski_room_is_busy(struct ski_worker *worker);
/* The worker's task ends or is suspended. Returns whether it was busy. */
bool ski_room_free(struct ski_worker *worker);
/* It goes on, or something else than a job begins. */
void ski_room_busy(struct ski_worker *worker);
/* With the pool's lock held: those from @first to @end - 1 are wanted, or not
 * any more. */
void ski_room_want(struct skua_pool *pool, unsigned first, unsigned end,
		   bool wanted);

#endif
