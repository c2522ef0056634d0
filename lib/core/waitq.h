/* SPDX-License-Identifier: MIT */
/*
 * The queue of those who wait for a lock, an event and the like. It knows
 * nothing of what they wait for: each object has a rule that says whether the
 * first in the queue may go.
 *
 * Nobody waits for the queue itself. Who has something to do to it leaves a
 * notice and sets BUSY in the object's word; if that was set already, whoever
 * set it sees MORE and does the work too. Nothing is allocated: a ticket lies
 * on the stack of who waits, and is out of the queue before the wait returns.
 *
 *	word	what the object keeps there (from SKI_WAITQ_SHIFT on) and
 *	  WAITERS  there may be somebody in the queue
 *	  BUSY	   somebody works at it: he alone touches first and last
 *	  MORE	   there is more for him to do: he must look again
 *
 *	BUSY => WAITERS;  WAITERS and not BUSY => the queue is not empty
 *
 * The last thing that who works at the queue does to the object is the CAS
 * that clears BUSY; tickets are told after it. So the object may go as soon as
 * the last one who waits is told. Protocol: docs/design/sync.md.
 */
#ifndef SKI_WAITQ_H
#define SKI_WAITQ_H

#include "hooks.h"

#define SKI_WAITQ_WAITERS UINT64_C(1)
#define SKI_WAITQ_BUSY UINT64_C(2)
#define SKI_WAITQ_MORE UINT64_C(4)
#define SKI_WAITQ_SHIFT 3

/* Of a ticket. Which way it goes is decided by one CAS from WAITING: TAKEN by
 * who works at the queue, or EXPIRED by the one who waits. */
enum ski_ticket_state {
	SKI_TICKET_WAITING = 0,
	SKI_TICKET_TAKEN, /* it may go, unless another gets there first */
	SKI_TICKET_LATE, /* ... and if so, its time is over */
	SKI_TICKET_EXPIRED, /* awake, and on its way out of the queue */
	SKI_TICKET_LEAVING, /* the same, asleep until it is out */
	SKI_TICKET_TOLD, /* the last touch by anybody else */
};

struct ski_ticket;

/* One that comes to the queue, or wants to leave it before its turn. */
struct ski_notice {
	struct ski_notice *next; /* whoever has the list */
	struct ski_ticket *ticket; /* I */
	bool leaves; /* I */
};

/* Q: who works at the queue. After the ticket was told all is its owner's. */
struct ski_ticket {
	struct ski_ticket *next, *previous; /* Q */
	struct ski_notice come, leave;
	void *fiber; /* I: to resume; NULL: a thread sleeps on state */
	void *of; /* I: for the rule */
	uint64_t rank; /* I: goes before those of a higher one */
	int verdict; /* Q: what the wait comes to: 0, or a code */
	_Atomic(uint32_t) state; /* A */
	bool timed; /* Q: it may expire */
	bool queued; /* Q */
};

/* All zero is an empty one. */
struct ski_waitq {
	_Atomic(uint64_t) word; /* A */
	_Atomic(struct ski_notice *) notices; /* A, newest first */
	struct ski_ticket *first, *last; /* Q: in order of rank */
};

/*
 * Whether @first may go, given @word; *@next is what the word becomes by that,
 * and the verdict of @first is set. May be asked several times over. @word may
 * be older than @first: where *@next is the same word, that must not matter.
 */
typedef bool ski_waitq_rule(struct ski_ticket *first, uint64_t word,
			    uint64_t *next);

struct ski_waitq_kind {
	ski_waitq_rule *rule;
	uint64_t of_waiters; /* bits of the word that go with the last one */
	/* Tells those of a list, NULL too; NULL: nothing else is to be done. */
	void (*tell)(struct ski_ticket *list);
};

/* Ranks are bits of a word that count from its upper end, and go round. */
static inline bool ski_waitq_before(uint64_t rank, uint64_t other)
{
	return (int64_t)(rank - other) < 0;
}

static inline void ski_ticket_init(struct ski_ticket *ticket, void *fiber,
				   bool timed, uint64_t rank)
{
	ticket->come.ticket = ticket;
	ticket->come.leaves = false;
	ticket->leave.ticket = ticket;
	ticket->leave.leaves = true;
	ticket->fiber = fiber;
	ticket->of = NULL;
	ticket->rank = rank;
	ticket->timed = timed;
	ticket->queued = false;
	atomic_init(&ticket->state, SKI_TICKET_WAITING);
}

/* Who waits: its time is over. False: too late, it is being told. */
bool ski_ticket_expire(struct ski_ticket *ticket);

/*
 * Who worked at the queue, after it: true if the one who waits must be woken,
 * its fiber resumed or its thread by the address of the state. Read @ticket's
 * fiber and next before.
 */
bool ski_ticket_tell(struct ski_ticket *ticket);

/* Leave a notice for who works at the queue; then call ski_waitq_call(). */
void ski_waitq_put(struct ski_waitq *q, struct ski_notice *notice);

/*
 * Somebody must look at the queue: the caller, if true is returned; then it
 * calls ski_waitq_work(). The word loses @clear and gets @set at the same time.
 * Only while the object cannot go: in a call of one that uses it.
 */
bool ski_waitq_call(struct ski_waitq *q, uint64_t clear, uint64_t set);

/* What a word becomes if somebody must look at the queue: the caller, if BUSY
 * was not in it. */
static inline uint64_t ski_waitq_called(uint64_t word)
{
	return word | SKI_WAITQ_WAITERS |
	       (word & SKI_WAITQ_BUSY ? SKI_WAITQ_MORE : SKI_WAITQ_BUSY);
}

/* BUSY is ours: a ticket that is in no queue, behind those of its rank. */
void ski_waitq_add(struct ski_waitq *q, struct ski_ticket *ticket);

/* BUSY is ours, and is given back. Returns those that are to be told, linked by
 * next; @q must not be touched any more. */
struct ski_ticket *ski_waitq_work(struct ski_waitq *q,
				  const struct ski_waitq_kind *kind);

#endif
