/* SPDX-License-Identifier: MIT */
/*
 * Waiting in a task: the fiber is left and the worker goes on. What for is in
 * join.c, alarm.c and waiter.c.
 * Protocol: docs/design/fiber.md.
 */
#ifndef SKI_WAIT_H
#define SKI_WAIT_H

#include "worker.h"

/* Owner of the frames: publish those not yet joined, before a wait. Errors:
 * SKUA_ENOMEM (no room for the proxy, or no stack to switch to): do not
 * suspend. */
int ski_wait_prepare(struct ski_worker *worker);
/* The same without the stack. False: no room for the proxy. */
bool ski_wait_offer(struct ski_worker *worker);
/* Leave this fiber until it is resumed; a spare must be in hand. */
void ski_wait_suspend(struct ski_worker *worker);
/* The same; without a stack to switch to the worker is blocked. */
void ski_wait_leave(struct ski_worker *worker);
/* A task that has begun on this worker and can go on: resumed, or else one that
 * gave way. NULL: there is none. */
struct ski_fiber *ski_wait_other(struct ski_worker *worker);
/* Switch from the loop, or from a wait that has no spare, to @fiber. */
void ski_wait_switch(struct ski_worker *worker, struct ski_fiber *fiber);
/* After each switch, on the other stack: the one that was left may be used by
 * others only now. */
void ski_wait_arrive(struct ski_worker *worker);

#endif
