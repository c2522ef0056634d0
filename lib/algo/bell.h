/* SPDX-License-Identifier: MIT */
/*
 * Waiting until a condition holds that others make true: an event count, made
 * of promises so that tasks suspend and threads block.
 *
 *	waiter				ringer
 *	stand in the list		make the condition true
 *	look at the condition		take the list, tell all in it
 *	sleep				rings++
 *					again, if the list is not empty
 *
 * All of these are seq_cst, those of the condition too: either the waiter sees
 * it true, or the ringer sees the waiter.
 *
 * Who gives up takes the list whole, drops those who have given up, and puts
 * the others back (sift()). A ringer may not have seen those. If they are put
 * back before its last look, it sees them then; if later, whoever puts them
 * back sees `rings` changed since before he took them, and rings for it.
 */
#ifndef SKI_BELL_H
#define SKI_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ski_ringee;

/* Valid when all zero. */
struct ski_bell {
	_Atomic(struct ski_ringee *) list;
	_Atomic(uint64_t) rings;
};

/* Until @try(@what) returns true, which it may do by taking something. It loads
 * what it looks at with seq_cst. Errors: SKUA_ETIMEDOUT, SKUA_ENOMEM; then it
 * has not returned true. */
int ski_bell_wait(struct ski_bell *bell, bool (*try)(void *what), void *what,
		  int64_t deadline_ns);
/* After a seq_cst store: those who wait look again. */
void ski_bell_ring(struct ski_bell *bell);
/* When nobody waits any more. */
void ski_bell_destroy(struct ski_bell *bell);

#endif
