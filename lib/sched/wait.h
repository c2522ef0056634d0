/* SPDX-License-Identifier: MIT */
/*
 * Waiting in a task: the fiber is left and the worker goes on.
 * Protocol: docs/design/fiber.md.
 */
#ifndef SKI_WAIT_H
#define SKI_WAIT_H

#include "slot.h"
#include "waitq.h"
#include "worker.h"

/* Join: until the stolen frame @i of @segment is done. */
void ski_wait_frame(struct ski_worker *worker, struct ski_segment *segment,
		    uint32_t i);
/* Owner of the frames: publish those not yet joined, before a wait. Errors:
 * SKUA_ENOMEM (no room for the proxy, or no stack to switch to): do not
 * suspend. */
int ski_wait_prepare(struct ski_worker *worker);
/* Leave this fiber until it is resumed; a spare must be in hand. */
void ski_wait_suspend(struct ski_worker *worker);
/* Switch from the loop, or from a wait that has no spare, to @fiber. */
void ski_wait_switch(struct ski_worker *worker, struct ski_fiber *fiber);
/* After each switch, on the other stack: the one that was left may be used by
 * others only now. */
void ski_wait_arrive(struct ski_worker *worker);
/*
 * In a task: until @ticket is told, or its time is over (negative: never) and
 * it expires. Who tells resumes the fiber, perhaps before it is left. Without a
 * stack to switch to, the worker is blocked.
 */
void ski_wait_ticket(struct ski_worker *worker, struct ski_ticket *ticket,
		     int64_t deadline_ns);
/* Fibers whose time is over become ready. */
void ski_wait_timers(struct ski_worker *worker);

/* ---- for waits on several futures, and on other things than futures ---- */

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

#endif
