/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include "alarm.h"
#include "cache.h"
#include "child.h"
#include "clock.h"
#include "isolate.h"
#include "pool.h"
#include "run.h"
#include "steal.h"
#include "wait.h"
#include "wake.h"

/* The explorer shortens these. */
#ifndef SKI_FAIR_EVERY
#define SKI_FAIR_EVERY 61 /* looks; prime, as Go and tokio have it */
#endif
/* Rounds of a search: looks close together, then apart, then others on this
 * CPU go first. A pause is 10 to 40 ns. */
#ifndef SKI_EAGER_ROUNDS
#define SKI_EAGER_ROUNDS 16
#define SKI_PATIENT_ROUNDS 16
#define SKI_YIELD_ROUNDS 32
#endif

enum {
	EAGER_PAUSES = 10,
	PATIENT_PAUSES = 32,
	SEARCH_ROUNDS = SKI_EAGER_ROUNDS + SKI_PATIENT_ROUNDS + SKI_YIELD_ROUNDS
};

#define NAP_NS INT64_C(100000)
#define NAP_DOUBLINGS 6 /* up to 3.2 ms */

uintptr_t ski_loop_collect(struct ski_worker *worker)
{
	uintptr_t taken;
	struct ski_inbox_node *node;
	struct ski_inbox_node *oldest = NULL;

	if (ski_likely(ski_inbox_empty(&worker->inbox)))
		return 0;
	taken = ski_inbox_take(&worker->inbox);
	/* The list has the newest first. */
	for (node = ski_inbox_list(taken); node;) {
		struct ski_inbox_node *next = node->next;

		node->next = oldest;
		oldest = node;
		node = next;
	}
	while (oldest) {
		node = oldest;
		oldest = node->next;
		ski_queue_put(&worker->ready, node);
	}
	return taken & SKI_INBOX_FLAGS;
}

static struct ski_inbox_node *ready_fiber(struct ski_worker *worker)
{
	ski_loop_collect(worker);
	return ski_queue_take(&worker->ready);
}

/* Go on with a fiber; this one becomes a spare, and returns from here when it
 * is needed again. */
static void go_on(struct ski_worker *worker, struct ski_inbox_node *node)
{
	ski_child_settle(worker);
	worker->left = worker->fiber;
	ski_wait_switch(worker, ski_fiber_of_node(node));
}

static void run(struct ski_worker *worker, uintptr_t job)
{
	ski_wake_found(worker);
	worker->vain = 0;
	ski_child_before(worker, job);
	/* With a spare in hand a wait in the job cannot lack one. Without,
	 * it runs all the same: see ski_wait_prepare(). */
	ski_cache_spare(worker);
	ski_run(ski_fiber_base(worker->fiber), job);
}

/* Whether there is something for the loop to do but jobs. */
static bool is_due(struct ski_worker *worker)
{
	ski_alarm_ring(worker);
	return worker->ready.first || !ski_inbox_empty(&worker->inbox);
}

static void rest(unsigned round)
{
	int pauses = round < SKI_EAGER_ROUNDS ? EAGER_PAUSES : PATIENT_PAUSES;

	if (round >= SKI_EAGER_ROUNDS + SKI_PATIENT_ROUNDS) {
		ski_thread_yield();
		return;
	}
	while (pauses-- > 0)
		ski_pause();
}

/* Look around for a while. A job, or 0: nothing, or something is due. */
static uintptr_t search(struct ski_worker *worker)
{
	struct ski_parking *parking = &worker->pool->parking;
	int idle = ski_parking_idle(ski_parking_counts(parking));
	int running = (int)ski_pool_target(worker->pool) - idle;

	if (!worker->searching)
		worker->searching = ski_parking_search(
			parking, running > 1 ? running / 2 : 1);
	if (!worker->searching)
		return 0;
	/* The thread that we woke may be queued behind us on this CPU. */
	if (worker->woke_thread)
		ski_thread_yield();
	worker->woke_thread = false;
	for (unsigned i = 0;
	     i < worker->delay && ski_inbox_empty(&worker->inbox); i++)
		ski_pause();
	for (unsigned round = 0; round < SEARCH_ROUNDS; round++) {
		uintptr_t job = ski_steal_some(worker);

		if (job || is_due(worker))
			return job;
		rest(round);
	}
	return 0;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	if (a_ns < 0 || b_ns < 0)
		return a_ns < 0 ? b_ns : a_ns;
	return a_ns < b_ns ? a_ns : b_ns;
}

static void sleep_until(struct ski_worker *worker, uintptr_t how,
			int64_t deadline_ns)
{
	const void *address = ski_inbox_address(&worker->inbox);

	ski_count_add(&worker->producer.counters, SKI_COUNT_PARKS, 1);
	/* Relaxed: a look; the inbox is taken with acquire after. */
	while (atomic_load_explicit(&worker->inbox.word,
				    memory_order_relaxed) == how)
		if (ski_futex_wait(address, (uint32_t)how, deadline_ns))
			break;
}

/* Awake again, or not asleep after all: who does the counts? */
static void get_up(struct ski_worker *worker, bool nap)
{
	if (ski_loop_collect(worker) & SKI_INBOX_CLAIMED)
		worker->searching = true;
	else
		ski_parking_leave(&worker->pool->parking, nap);
}

/* Nothing to do: do others wait for that? True: the pool is over. */
static bool look_at_end(struct skua_pool *pool)
{
	ski_pool_tell_drained(pool);
	return ski_pool_closing(pool) && ski_pool_is_over(pool);
}

/* Was the pool resumed since the own deque was passed by? Behind PARK-B, which
 * pairs with PARK-A in ski_pool_unpause(): it sees us asleep, or we see that. */
static bool has_own_job(struct ski_worker *worker)
{
	return !ski_pool_paused(worker->pool) &&
	       ski_deque_count(&worker->producer.deque);
}

/* Announce, look at everything once more, sleep. A job, or 0. */
static uintptr_t park(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;
	bool nap = worker->nap;
	uintptr_t how = SKI_INBOX_ASLEEP | (nap ? SKI_INBOX_NAP : 0);
	int64_t deadline_ns = ski_timers_next(&worker->timers);
	uintptr_t job;

	if (!ski_inbox_lie_down(&worker->inbox, how)) {
		ski_wake_found(worker);
		return 0;
	}
	ski_parking_announce(&pool->parking, nap, worker->searching);
	worker->searching = false;
	worker->nap = false;
	job = ski_steal_sweep(worker);
	if (!job && (ski_worker_is_dismissed(worker) || has_own_job(worker) ||
		     look_at_end(pool))) {
		get_up(worker, nap);
		return 0;
	}
	if (!job) {
		if (nap)
			deadline_ns =
				earlier(deadline_ns,
					ski_clock_ns() +
						(NAP_NS << (worker->vain - 1)));
		sleep_until(worker, how, deadline_ns);
	}
	get_up(worker, nap);
	/* Wakes were withheld while we searched, and what we found may not be
	 * all: pass it on. A claimed one does so as it begins to run. */
	if (job && !worker->searching)
		ski_wake_published(pool);
	return job;
}

static bool is_over(struct ski_worker *worker)
{
	/* Acquire: all that was done in the pool. Pairs with
	 * ski_pool_is_over(). */
	return atomic_load_explicit(&worker->pool->over, memory_order_acquire);
}

/* Nothing was found, and some worker's sum said that the pool is over. */
static bool may_leave(struct ski_worker *worker)
{
	/* Who was woken to leave is a searcher: one that leaves as such would
	 * withhold wakes for ever. */
	ski_wake_found(worker);
	/* Only by its own sum: since another found it over, a racing submit
	 * may have been accepted by us, and wait. */
	return ski_pool_is_over(worker->pool);
}

/* Nothing is ready, queued or yielded here. False: the pool is over. */
static bool be_idle(struct ski_worker *worker)
{
	bool woken = worker->searching;
	uintptr_t job;

	ski_child_settle(worker);
	job = search(worker);

	if (!job && !is_due(worker)) {
		/* Woken, and for nothing: nap, once. */
		worker->nap = woken;
		if (woken && worker->vain < NAP_DOUBLINGS)
			worker->vain++;
		job = park(worker);
		if (!job && is_over(worker) && may_leave(worker))
			return false;
	}
	if (job)
		run(worker, job);
	else if (worker->ready.first)
		ski_wake_found(worker);
	return true;
}

/* Every so often what else would have to wait for ever: timers, guests and
 * the oldest job, before fibers that keep resuming each other and tasks that
 * keep submitting themselves. */
static uintptr_t fair_job(struct ski_worker *worker)
{
	if (ski_likely(++worker->tick % SKI_FAIR_EVERY))
		return 0;
	ski_alarm_ring(worker);
	return ski_steal_fair(worker);
}

/* Nothing is ready: a job from the own deques, or after one look around, not
 * counted as a searcher yet: where there is plenty, that is enough. Those who
 * gave way wait until then. */
static uintptr_t next_job(struct ski_worker *worker)
{
	uintptr_t job = ski_deque_take(&worker->inner);

	if (!job && ski_likely(!ski_pool_paused(worker->pool)))
		job = ski_isolate_left(ski_deque_take(&worker->producer.deque));
	if (!job && (worker->yielded.first || worker->plenty))
		job = ski_steal_some(worker);
	return job;
}

static void go_on_or_run(struct ski_worker *worker, struct ski_inbox_node *node,
			 uintptr_t job)
{
	if (job) {
		run(worker, job);
		return;
	}
	ski_wake_found(worker);
	worker->vain = 0;
	go_on(worker, node);
}

/* Until something is resumed here, or the worker is called back. */
static void doze(struct ski_worker *worker)
{
	if (ski_inbox_lie_down(&worker->inbox, SKI_INBOX_NAP)) {
		/* PARK-B: that before the look at the target. Pairs with
		 * PARK-A in set_target(): it rouses us, or we see it. */
		ski_fence_full(PARK_B);
		if (ski_worker_is_dismissed(worker))
			sleep_until(worker, SKI_INBOX_NAP,
				    ski_timers_next(&worker->timers));
	}
	ski_loop_collect(worker);
}

/* Dismissed: what is left of the tasks that are here, and no more. Their parts
 * are in the own deque, jobs are for others. False: leave. */
static bool serve(struct ski_worker *worker)
{
	struct skua_pool *pool = worker->pool;
	struct ski_inbox_node *node;
	uintptr_t job = 0;

	/* No searcher any more: others do it. */
	ski_wake_found(worker);
	ski_alarm_ring(worker);
	node = ready_fiber(worker);
	if (!node)
		job = ski_deque_take(&worker->inner);
	if (!node && !job)
		node = ski_queue_take(&worker->yielded);
	if (node || job) {
		go_on_or_run(worker, node, job);
		return true;
	}
	/* The end of a group that somebody here waits for, perhaps. */
	ski_child_settle(worker);
	if (worker->ready.first)
		return true;
	/* We may be the only one who knew of the jobs in our deque. Behind
	 * PARK-A we look at the end, as park() does behind PARK-B. */
	ski_wake_published(pool);
	look_at_end(pool);
	if (!worker->suspended)
		return !ski_worker_leave(worker);
	doze(worker);
	return true;
}

/* Until something is resumed here, or may run again. Nobody wakes it for jobs,
 * and what it does not run itself is for others. */
static void lie_low(struct ski_worker *worker)
{
	/* The end of a group that somebody here waits for, perhaps. */
	ski_child_settle(worker);
	if (worker->ready.first)
		return;
	if (ski_deque_count(&worker->producer.deque) ||
	    ski_deque_count(&worker->inner))
		ski_wake_published(worker->pool);
	if (ski_inbox_lie_down(&worker->inbox, SKI_INBOX_NAP)) {
		/* PARK-B: that before the looks at paused and at who has called
		 * a region. Pairs with PARK-A in ski_pool_unpause() and in
		 * skua_isolate(): they rouse us, or we see it. */
		ski_fence_full(PARK_B);
		if ((ski_pool_paused(worker->pool) ||
		     !ski_isolate_has_job(worker)) &&
		    !ski_isolate_is_over(worker))
			sleep_until(worker, SKI_INBOX_NAP,
				    ski_timers_next(&worker->timers));
	}
	ski_loop_collect(worker);
}

/* In a region: only what was started inside, wherever its parts are here. Every
 * so often what else would have to wait for ever comes first: who gave way, and
 * old jobs and frames. */
static void isolated(struct ski_worker *worker)
{
	bool fair = !(++worker->tick % SKI_FAIR_EVERY);
	unsigned look = worker->tick / SKI_FAIR_EVERY;
	struct ski_inbox_node *node = NULL;
	uintptr_t job = 0;

	ski_alarm_ring(worker);
	ski_loop_collect(worker);
	if (ski_unlikely(fair) && ski_isolate_end(worker))
		return;
	if (ski_unlikely(fair) && look % 2)
		node = ski_isolate_take(worker, &worker->yielded);
	else if (ski_unlikely(fair))
		job = ski_isolate_fair_job(worker, look / 2);
	if (!job && !node)
		node = ski_isolate_take(worker, &worker->ready);
	if (!job && !node)
		job = ski_isolate_job(worker);
	if (!job && !node)
		node = ski_isolate_take(worker, &worker->yielded);
	if (job || node)
		go_on_or_run(worker, node, job);
	else if (!ski_isolate_end(worker))
		lie_low(worker);
}

/* One turn: a fiber that is ready, a job, or one that gave way. */
static bool turn(struct ski_worker *worker)
{
	struct ski_inbox_node *node = NULL;
	uintptr_t job;

	if (ski_unlikely(worker->region)) {
		isolated(worker);
		return true;
	}
	if (ski_unlikely(ski_worker_is_dismissed(worker)))
		return serve(worker);
	job = fair_job(worker);

	if (!job)
		node = ready_fiber(worker);
	if (!job && !node)
		job = next_job(worker);
	if (!job && !node)
		node = ski_queue_take(&worker->yielded);
	if (!job && !node)
		return be_idle(worker);
	go_on_or_run(worker, node, job);
	return true;
}

void ski_loop_enter(void *argument)
{
	struct ski_fiber *fiber = argument;
	struct ski_worker *worker = fiber->home;

	ski_wait_arrive(worker);
	if (ski_unlikely(!worker->begun))
		ski_worker_begin(worker);
	while (turn(worker))
		;
	ski_worker_end(worker);
	/* This fiber is the one that runs now, whichever it was before. */
	ski_context_exit(&fiber->context, &worker->outside);
}
