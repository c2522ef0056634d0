/* SPDX-License-Identifier: MIT */
/*
 * A worker: a thread of a pool, with what others may look at, what others may
 * write, and what is its own.
 */
#ifndef SKI_WORKER_H
#define SKI_WORKER_H

#include "fiber.h"
#include "inbox.h"
#include "producer.h"
#include "thread.h"
#include "timers.h"

struct skua_pool;
struct ski_group;

/* First in, first out; the worker's own. */
struct ski_queue {
	struct ski_inbox_node *first;
	struct ski_inbox_node **last;
};

/* Of a worker that runs only what was started inside: see isolate.h. The fields
 * below are of those that a task entered: where its frames begin. */
struct ski_region {
	struct ski_region *outer; /* or NULL */
	uint64_t number; /* never used again on this worker */
	uint64_t serves; /* lent: the pool's regions up to this one */
	ski_index mark; /* jobs above it were submitted inside */
	struct ski_queue held; /* fibers that are ready, but not inside */
	bool oldest; /* it is the one in worker->called */
	struct ski_fiber *fiber; /* the task's, or NULL */
	struct ski_segment *segment;
	uint32_t here; /* its first frame there */
	uint32_t first; /* those from here on are put aside */
	uint32_t before; /* what segment->isolated was */
};

struct ski_worker {
	struct ski_producer producer; /* what tasks submit */
	struct ski_deque inner; /* parts of running tasks: proxies, frames */
	struct ski_deque surplus; /* fibers that lie idle, for all to take */
	struct skua_pool *pool; /* I */
	unsigned index; /* I */
	struct ski_thread thread; /* under the pool's lock */
	bool joinable, fresh; /* the same */
	_Atomic(uint32_t) life; /* see resize.c */
	/* O: the newest segment of the fiber that runs; T steal from it. */
	_Atomic(struct ski_segment *) segment;
	/* A. */
	_Alignas(SKI_LINE) struct ski_inbox inbox;
	_Atomic(struct ski_segment *) surplus_segments; /* O, A: see cache.c */
	_Atomic(uint32_t) hand; /* see room.h: O frees, resizing wants */
	/* O: which of the pool's regions is the oldest that was called here and
	 * has not ended; 0: there is none. */
	_Atomic(uint64_t) called;
	/* O, all of the rest. */
	_Alignas(SKI_LINE) struct ski_fiber *fiber; /* that runs */
	struct ski_fiber *left; /* just switched from, to be cached */
	struct ski_fiber *spare; /* in hand: to switch to */
	struct ski_fiber *spares; /* more of them */
	unsigned spare_count;
	unsigned suspended; /* tasks and joins that wait here */
	unsigned segment_count;
	struct ski_segment *segments; /* cached, linked by next */
	struct ski_region *region; /* on top, or NULL: all may run */
	struct ski_queue ready; /* fibers to go on with */
	struct ski_queue yielded; /* the same, when others had a turn */
	struct ski_timers timers;
	uint64_t regions; /* entered so far */
	struct ski_region lent; /* by what was found, not by a call */
	/* Fibers left in some region: those that may have frames for others,
	 * and those that have not. Newest first, so those inside the region
	 * on top come before the others. */
	struct ski_fiber *offering, *bare;
	unsigned giving; /* tasks that wait in room.c, see there */
	uintptr_t stray; /* a job that is to run first in the region, or 0 */
	/* Children of this group that have ended here and still count in it:
	 * see child.h. */
	struct ski_group *group;
	uint64_t credit;
	struct ski_context outside; /* the thread's own stack */
	uint64_t random;
	unsigned last_victim;
	unsigned last_lender; /* had a fiber that lay idle */
	unsigned tick;
	unsigned delay; /* pauses before the next look at guests */
	unsigned vain; /* wakes in a row that found nothing */
	bool plenty; /* a guest had more than its share for us */
	bool woke_thread; /* that waited for a result */
	bool nap; /* the next sleep is a short one */
	bool searching; /* counted in the pool's parking */
	bool begun; /* the thread: its hook has been called */
	bool hooked; /* and succeeded: stop is due */
};

/* Found without a call from inside a shared library, too: it takes twice as long
 * to lock a mutex otherwise. glibc keeps room for such variables of libraries
 * that are loaded later; others may not load them at all. */
#ifdef __GLIBC__
#define SKI_NEAR_LOCAL __attribute__((__tls_model__("initial-exec")))
#else
#define SKI_NEAR_LOCAL
#endif

/* The worker that this thread is, or NULL. */
extern _Thread_local struct ski_worker *ski_self SKI_NEAR_LOCAL;

/* The calling thread's worker if it is one of the living process. */
struct ski_worker *ski_worker_self(void);

/* NULL: no memory. Not started. */
struct ski_worker *ski_worker_open(struct skua_pool *pool, unsigned index);
/* After its thread has ended, or was never started. */
void ski_worker_close(struct ski_worker *worker);
/* What its thread runs; @worker. */
void ski_worker_main(void *worker);
/* First and last in its thread, on a fiber: the hooks. */
void ski_worker_begin(struct ski_worker *worker);
void ski_worker_end(struct ski_worker *worker);

static inline struct ski_worker *ski_worker_of(skua_here here)
{
	return ski_fiber_of(here)->home;
}

static inline void ski_queue_init(struct ski_queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static inline void ski_queue_put(struct ski_queue *queue,
				 struct ski_inbox_node *node)
{
	node->next = NULL;
	*queue->last = node;
	queue->last = &node->next;
}

static inline struct ski_inbox_node *ski_queue_take(struct ski_queue *queue)
{
	struct ski_inbox_node *node = queue->first;

	if (node && !(queue->first = node->next))
		queue->last = &queue->first;
	return node;
}

#endif
