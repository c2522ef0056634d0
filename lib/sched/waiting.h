/* SPDX-License-Identifier: MIT */
/*
 * Waiting in the queue of a lock, an event and the like: core/waitq.h for
 * tasks, which are suspended, and for threads, which block.
 * Protocol: docs/design/sync.md.
 */
#ifndef SKI_WAITING_H
#define SKI_WAITING_H

#include "waitq.h"
#include "worker.h"

/*
 * Who is calling, for ownership: the fiber that a task runs on, or the thread.
 * Never NULL, and the same from the start of a task to its end.
 */
static inline const void *ski_waiting_self(void)
{
	struct ski_worker *worker = ski_self;

	return worker ? (const void *)worker->fiber : (const void *)&ski_self;
}

/* A ticket of the caller. */
void ski_waiting_ticket(struct ski_ticket *ticket, int64_t deadline_ns,
			uint64_t rank);

/*
 * Queue up with @ticket. At the same time the word loses @clear and gets @set.
 * Whoever is told may be told before this returns.
 */
void ski_waiting_come(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		      struct ski_ticket *ticket, uint64_t clear, uint64_t set);

/*
 * Wait until @ticket, which is queued, is told; if its time is over before it
 * leaves the queue. Returns its verdict.
 */
int ski_waiting_stay(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		     struct ski_ticket *ticket, int64_t deadline_ns);

/* Both of them, with a ticket of @rank for @of. */
int ski_waiting_wait(struct ski_waitq *q, const struct ski_waitq_kind *kind,
		     uint64_t rank, void *of, int64_t deadline_ns);

/* BUSY is ours: look at the queue, give it back, and tell those who may go.
 * The object may be gone afterwards. */
void ski_waiting_work(struct ski_waitq *q, const struct ski_waitq_kind *kind);

/* Tell all of a list; they may be gone at once. */
void ski_waiting_tell(struct ski_ticket *list);

/* Try to get it, for a short while: who has it may be about to give it back.
 * Not when others wait already, whose turn it is. */
bool ski_waiting_spin(struct ski_waitq *q, bool (*get)(struct ski_waitq *q));

/* 0 if nothing is in the word but @idle, else SKUA_EBUSY: for destroying. */
int ski_waiting_unused(struct ski_waitq *q, uint64_t idle);

#endif
