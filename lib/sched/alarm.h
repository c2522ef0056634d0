/* SPDX-License-Identifier: MIT */
/*
 * Timers that resume fibers: sleeping, and waits that run out.
 * Protocol: docs/design/parking.md.
 */
#ifndef SKI_ALARM_H
#define SKI_ALARM_H

#include "slot.h"
#include "waitq.h"
#include "worker.h"

/* Fibers whose time is over become ready. */
void ski_alarm_ring(struct ski_worker *worker);
/* Leave this fiber until @deadline_ns. With @waiter, until it is told, or is
 * GONE as the time was over before. A spare must be in hand. */
void ski_alarm_suspend(struct ski_worker *worker, int64_t deadline_ns,
		       struct ski_waiter *waiter);
/*
 * In a task: until @ticket is told, or its time is over (negative: never) and
 * it expires. Who tells resumes the fiber, perhaps before it is left. Without a
 * stack to switch to, the worker is blocked.
 */
void ski_alarm_ticket(struct ski_worker *worker, struct ski_ticket *ticket,
		      int64_t deadline_ns);

#endif
