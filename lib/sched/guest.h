/* SPDX-License-Identifier: MIT */
/*
 * Guests: threads that are no workers of a pool and submit to it.
 *
 * A thread becomes a guest of a pool at its first submit and gets a record
 * with a deque of its own; workers steal from it. When the thread exits, the
 * record stays with the pool, jobs and all, and the next new guest takes it
 * over. The record knows the pool by a number that is never used again.
 *
 *	LIVE  a thread has it, in its list
 *	FREE  nobody has it: its jobs are stolen, a new guest may take it
 *	DEAD  the pool is gone: the thread frees it, or who frees the pool did
 */
#ifndef SKI_GUEST_H
#define SKI_GUEST_H

#include "producer.h"

struct skua_pool;

enum {
	SKI_GUEST_LIVE,
	SKI_GUEST_FREE,
	SKI_GUEST_DEAD
};

struct ski_guest {
	struct ski_producer producer;
	uint64_t pool_number; /* I */
	unsigned generation; /* I */
	_Atomic(int) state; /* A */
	struct ski_guest *next; /* the thread's list */
};

/* The calling thread as a guest of @pool, new if need be. NULL: no memory. */
struct ski_guest *ski_guest_of(struct skua_pool *pool);
/* After a submit: a thread past its exit destructor gives the record back. */
void ski_guest_done(struct ski_guest *guest);
/* The pool is freed: no other thread uses it. */
void ski_guest_part(struct ski_guest *guest);
/* The slab of the guest that the calling thread used last, or NULL. */
struct ski_slab *ski_guest_slab(void);

#endif
