/* SPDX-License-Identifier: MIT */
#include "alarm.h"

#include <skua/error.h>
#include <skua/sync.h>

#include "clock.h"
#include "isolate.h"
#include "wait.h"

/* A timer that resumes a fiber. With a waiter or a ticket, only if nobody told
 * it. */
struct alarm {
	struct ski_timer timer;
	struct ski_fiber *fiber;
	struct ski_waiter *waiter;
	struct ski_ticket *ticket;
};

static bool goes_off(struct alarm *alarm)
{
	if (alarm->ticket)
		return ski_ticket_expire(alarm->ticket);
	return !alarm->waiter || ski_waiter_decide(alarm->waiter, SKI_GONE);
}

void ski_alarm_ring(struct ski_worker *worker)
{
	struct ski_timer *timer;
	int64_t now_ns;

	if (ski_likely(!worker->timers.first))
		return;
	now_ns = ski_clock_ns();
	while ((timer = ski_timers_due(&worker->timers, now_ns))) {
		struct alarm *alarm = (struct alarm *)(void *)timer;

		if (goes_off(alarm))
			ski_queue_put(&worker->ready, &alarm->fiber->node);
	}
}

void ski_alarm_suspend(struct ski_worker *worker, int64_t deadline_ns,
		       struct ski_waiter *waiter)
{
	struct alarm alarm = { .fiber = worker->fiber, .waiter = waiter };

	ski_timers_add(&worker->timers, &alarm.timer, deadline_ns);
	ski_wait_suspend(worker);
	if (alarm.timer.armed)
		ski_timers_remove(&worker->timers, &alarm.timer);
}

void ski_alarm_ticket(struct ski_worker *worker, struct ski_ticket *ticket,
		      int64_t deadline_ns)
{
	struct alarm alarm = { .fiber = worker->fiber, .ticket = ticket };

	if (deadline_ns >= 0)
		ski_timers_add(&worker->timers, &alarm.timer, deadline_ns);
	/* Without room for the proxy nobody is told of the frames, as in a
	 * task that runs on. */
	(void)ski_wait_offer(worker);
	ski_wait_leave(worker);
	if (alarm.timer.armed)
		ski_timers_remove(&worker->timers, &alarm.timer);
}

static void sleep_thread(int64_t deadline_ns)
{
	static const uint32_t word;

	while (!ski_futex_wait(&word, 0, deadline_ns))
		;
}

int skua_sleep(int64_t ns)
{
	struct ski_worker *worker = ski_worker_self();
	int error;

	if (ns < 0)
		return SKUA_EINVAL;
	if (!ns)
		return 0;
	if (!worker) {
		sleep_thread(ski_deadline_ns(ns));
		return 0;
	}
	error = ski_wait_prepare(worker);
	if (!error)
		ski_alarm_suspend(worker, ski_deadline_ns(ns), NULL);
	return error;
}

/* Without a stack to switch to, there may be one of a task that has begun on
 * this worker: whoever gives way until that one has done something must not
 * keep it from going on. */
static void yield_to_other(struct ski_worker *worker)
{
	struct ski_fiber *self = worker->fiber;
	struct ski_fiber *other = ski_wait_other(worker);

	if (!other)
		return;
	ski_queue_put(&worker->yielded, &self->node);
	ski_isolate_leave(worker, self);
	worker->suspended++;
	ski_wait_switch(worker, other);
	worker->suspended--;
	ski_isolate_return(self);
}

void skua_yield(void)
{
	struct ski_worker *worker = ski_worker_self();

	if (!worker) {
		ski_thread_yield();
		return;
	}
	if (ski_wait_prepare(worker)) {
		yield_to_other(worker);
		return;
	}
	ski_queue_put(&worker->yielded, &worker->fiber->node);
	ski_wait_suspend(worker);
}
