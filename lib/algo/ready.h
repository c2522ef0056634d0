/* SPDX-License-Identifier: MIT */
/*
 * How many things are pending and how many of those are ready, in one word, with
 * those who wait for the next one: threads, tasks, and event loops by a
 * descriptor that is readable while something is ready.
 *
 *	word	pending | ready | EDGE WAITING FD HAVE BUSY
 *
 *	ready <= pending
 *	not BUSY, and nobody in the midst of a call =>
 *		HAVE == (FD and ready > 0) == the descriptor is readable
 *
 * Nothing is allocated but the descriptor, when it is asked for. Protocol:
 * docs/design/requests.md.
 */
#ifndef SKI_READY_H
#define SKI_READY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skua/sync.h>

/* Valid when all zero. */
struct ski_ready {
	_Atomic(uint64_t) word;
	_Atomic(uint64_t) fd; /* both ends, each plus 1; 0: none */
	struct skua_event changed; /* set while one who waits must look */
};

/* @count more are pending. False: there would be too many. */
bool ski_ready_add(struct ski_ready *ready, size_t count);
/* They are not, after all. */
void ski_ready_withdraw(struct ski_ready *ready, size_t count);
/* One that is pending is ready; what was done before is visible to whoever
 * takes it. */
void ski_ready_finish(struct ski_ready *ready);
/* Take one that is ready: it is not pending any more. */
bool ski_ready_take(struct ski_ready *ready);

/* Snapshots. */
size_t ski_ready_count(struct ski_ready *ready);
size_t ski_ready_pending(struct ski_ready *ready);

/* 0 if one is ready, SKUA_ENONE if none is pending, else SKUA_ETIMEDOUT. */
int ski_ready_look(struct ski_ready *ready);
/* Until one is ready, 0, or none is pending, SKUA_ENONE, or @hopeless(@what):
 * SKUA_ENOWORKERS. That is looked at before it sleeps, and after each
 * ski_ready_rouse(). Errors, beside: SKUA_ETIMEDOUT. */
int ski_ready_wait(struct ski_ready *ready, int64_t deadline_ns,
		   bool (*hopeless)(void *what), void *what);
/* What was done before may have made it hopeless. */
void ski_ready_rouse(struct ski_ready *ready);

/* The descriptor, made at the first call. Errors: SKUA_ENOMEM. */
int ski_ready_open_fd(struct ski_ready *ready);
/* Nobody uses it any more. */
void ski_ready_destroy(struct ski_ready *ready);

#endif
