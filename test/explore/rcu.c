/* SPDX-License-Identifier: MIT */
/*
 * Read-side sections and grace periods, as liburcu's: a grace period that
 * begins while a section is open ends after it, and knows all that was done in
 * it; a section that opens later knows all that was done before the grace
 * period began.
 */
#include <string.h>

#include "engine.h"

/* What came before the grace periods that have begun. */
static struct ex_view begun;
static unsigned periods;

void ex_rcu_reset(void)
{
	memset(&begun, 0, sizeof(begun));
	periods = 0;
}

void ex_rcu_keep(void)
{
	ex_keep(&begun, sizeof(begun));
	ex_keep(&periods, sizeof(periods));
}

void ex_rcu_read_lock(const struct ex_site *site)
{
	struct ex_thread *t = ex_point_to_read(site, &begun);

	if (t->rcu_depth++)
		return;
	ex_begin_event(t);
	ex_trace(t, site, "opens a section");
	ex_join(&t->view, &begun);
	t->hash = ex_mix(t->hash, 0x4c00 + periods);
	t->progress = true;
}

/* @waiter knows of what @reader did in its sections. */
static void learn(struct ex_thread *waiter, const struct ex_thread *reader)
{
	uint64_t last = reader->rcu_done.clock[reader->number];

	ex_join(&waiter->view, &reader->rcu_done);
	/* A sum: the order in which readers leave makes no difference. */
	waiter->hash += ex_mix(reader->number, last);
}

static void release(struct ex_thread *waiter, const struct ex_thread *reader)
{
	if (!(waiter->rcu_awaited >> reader->number & 1))
		return;
	waiter->rcu_awaited &= ~(1u << reader->number);
	learn(waiter, reader);
	if (!waiter->rcu_awaited)
		waiter->status = EX_READY;
}

void ex_rcu_read_unlock(const struct ex_site *site)
{
	struct ex_thread *t = ex_point_to_write(site);

	if (!t->rcu_depth)
		ex_fail(EX_ASSERTION, "no section is open");
	if (--t->rcu_depth)
		return;
	ex_begin_event(t);
	ex_trace(t, site, "closes its section");
	t->rcu_done = t->view;
	t->hash = ex_mix(t->hash, 0x4cff);
	t->progress = true;
	t->chosen = false;
	for (unsigned i = 1; i < ex.threads; ++i)
		release(&ex.thread[i], t);
}

void ex_rcu_synchronize(const struct ex_site *site)
{
	struct ex_thread *t = ex_point(site);

	if (t->rcu_depth)
		ex_fail(EX_HANG, "a grace period inside of a section");
	ex_begin_event(t);
	ex_trace(t, site, "begins a grace period");
	ex_join(&begun, &t->view);
	ex_note_writer(&begun);
	++periods;
	t->hash = ex_mix(t->hash, 0x4c6ace);
	t->progress = true;
	for (unsigned i = 1; i < ex.threads; ++i) {
		struct ex_thread *reader = &ex.thread[i];
		if (reader->rcu_depth)
			t->rcu_awaited |= 1u << i;
		else
			learn(t, reader);
	}
	if (t->rcu_awaited) {
		t->status = EX_WAITING;
		ex_decide(false, true);
		t->chosen = true;
	}
	ex_trace(t, site, "ends a grace period");
}
