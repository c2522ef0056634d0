/* SPDX-License-Identifier: MIT */
/*
 * Waiting in the list of a state word (core/slot.h), for tasks and for threads:
 * futures, and what is waited for like them.
 * Protocol: docs/design/future.md.
 */
#ifndef SKI_WAITER_H
#define SKI_WAITER_H

#include "slot.h"
#include "worker.h"

/* Until *@state is final; as skua_future_result() without the result. */
int ski_wait_slot(ski_slot_state *state, int64_t timeout_ns);
/* Until ski_wait_tell() for a state that never is final: an event that comes
 * again and again. Once in the list, @registered looks whether it has come. */
int ski_wait_event(ski_slot_state *state, int64_t timeout_ns,
		   void (*registered)(void *arg), void *arg);
/* Tell all who wait for it, if it @is_so for each that waits by then. False:
 * it was not, and they are back in the list, where others may have missed them
 * meanwhile: look again. */
bool ski_wait_tell(ski_slot_state *state, bool (*is_so)(void *arg), void *arg);

/* Tell a list of waiters that what they wait for ended as @status. */
void ski_waiters_tell(struct ski_waiter *list, enum ski_status status);

/* ---- for waits on several futures ---- */

/* A shared waiter with two references, for @worker's fiber, or if that is
 * NULL for the calling thread. NULL: no memory. */
struct ski_waiter *ski_waiter_open(struct ski_worker *worker);
/* Give one of the references back. */
void ski_waiter_release(struct ski_waiter *waiter);
/* A thread, before it sleeps: look at @what for a while. True: it is over. */
bool ski_wait_spin(bool (*is_over)(void *), void *what);
/* Until it is told, or until @deadline_ns if that is not negative; then it is
 * GONE, and false is returned. A worker has been prepared. */
bool ski_wait_told(struct ski_waiter *waiter, struct ski_worker *worker,
		   int64_t deadline_ns);
/* Holder of a reference, whose waiter is GONE: drop such ones from its list, if
 * it is time to walk it. */
void ski_wait_sift(ski_slot_state *state);

#endif
