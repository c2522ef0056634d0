/* SPDX-License-Identifier: MIT */
/*
 * Locks: the library's own sources, from the public calls down to the queue
 * (lib/core/waitq.c). All who call are threads: what a task does differently is
 * to suspend instead of to sleep on its ticket's state, and whoever tells it
 * does the same to that state.
 *
 * Those of the concept `sync` see all that RC11 allows, but for three that have
 * too many executions: each store but the newest that a load may read makes
 * others. Those of `sync-long`, with three threads, choose one of these. What is
 * limited so is in `sync-stale` too, with fewer preemptions and a higher limit.
 */
#include <skua/sync.h>

#include "alarm.h"
#include "clock.h"
#include "waiting.h"

struct element {
	struct skua_mutex mutex;
	struct skua_cond cond;
	struct skua_semaphore semaphore;
	struct skua_event event;
	struct skua_barrier barrier;
	struct skua_once once;
	struct skua_rwlock rwlock;
	unsigned references;
	unsigned value[2];
};

static struct {
	struct element *e; /* from the heap, so that it may be freed */
	struct skua_cond *cond; /* apart from its mutex */
	int64_t tick_ns, looks[EX_THREADS];
	unsigned got[EX_THREADS];
	bool late[EX_THREADS]; /* its time ran out */
	_Atomic(unsigned) coming; /* who has the mutex and then waits */
} s;

/* Only their names count: they are the same in each execution. */
static struct ski_worker selves[EX_THREADS];

_Thread_local struct ski_worker *ski_self;

/* What the sources need of their neighbours. */

struct ski_worker *ski_worker_self(void)
{
	return NULL;
}

void ski_fiber_resume(struct ski_fiber *fiber)
{
	(void)fiber;
	ex_assert(!"no fibers here");
}

void ski_alarm_ticket(struct ski_worker *worker, struct ski_ticket *ticket,
		      int64_t deadline_ns)
{
	(void)worker;
	(void)ticket;
	(void)deadline_ns;
	ex_assert(!"no fibers here");
}

/* Time stands still, or everybody has waited long enough by the second look. */
int64_t ski_clock_ns(void)
{
	return s.looks[ex_self()]++ * s.tick_ns;
}

int64_t ski_deadline_ns(int64_t timeout_ns)
{
	return timeout_ns < 0 ? -1 : timeout_ns;
}

/* Distinct owners: thread-local variables all have one address here. */
static struct element *begin(void)
{
	ski_self = &selves[ex_self()];
	ski_self->fiber = (struct ski_fiber *)(void *)ski_self;
	return s.e;
}

static void setup(void)
{
	s.e = ski_calloc(1, sizeof(*s.e));
	s.e->references = 2;
}

static void setup_three(void)
{
	setup();
	s.e->references = 3;
}

static void setup_patience(void)
{
	setup();
	s.tick_ns = 1000000;
}

static void setup_patience_three(void)
{
	setup_three();
	s.tick_ns = 1000000;
}

static unsigned all_got(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		sum += s.got[i];
	return sum;
}

/* Nothing is left behind. */
static void check_mutex(void)
{
	ex_assert(s.e->value[0] == all_got());
	ex_assert(skua_mutex_destroy(&s.e->mutex) == 0);
	ex_assert(skua_cond_destroy(&s.e->cond) == 0);
	ski_free(s.e);
}

#define SYNC_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "sync", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)
#define LONG_SCENARIO(id, text, ...)                                       \
	EX_SCENARIO(id, .concept = "sync-long", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .stale = 1, .most = 3,       \
		    __VA_ARGS__)
#define STALE_SCENARIO(id, text, ...)                                       \
	EX_SCENARIO(id, .concept = "sync-stale", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .fewer = 2, __VA_ARGS__)
/* Both, with as many old stores in the latter. */
#define BOTH_SCENARIOS(id, text, old, ...)   \
	LONG_SCENARIO(id, text, __VA_ARGS__) \
	STALE_SCENARIO(id##_stale, text, .stale = old, .most = 2, __VA_ARGS__)

/* ---- mutex ---- */

static void add_one(struct element *e)
{
	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[0]++;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	s.got[ex_self()]++;
}

static void lock_once(void)
{
	add_one(begin());
}

static void lock_twice(void)
{
	struct element *e = begin();

	add_one(e);
	add_one(e);
}

/* The first thread has it as they start. */
static void setup_held(void)
{
	setup_patience();
	ski_self = &selves[1];
	ski_self->fiber = (struct ski_fiber *)(void *)ski_self;
	ex_assert(skua_mutex_lock(&s.e->mutex) == 0);
}

static void unlock_and_lock_twice(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	add_one(e);
	add_one(e);
}

static void lock_timed(void)
{
	struct element *e = begin();
	int error = skua_mutex_lock_timed(&e->mutex, 1);

	if (error) {
		ex_assert(error == SKUA_ETIMEDOUT);
		return;
	}
	e->value[0]++;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	s.got[ex_self()]++;
}

/* The mutex is in what it guards, and whoever is the last frees it. */
static void drop(void)
{
	struct element *e = begin();
	bool last;

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	last = --e->references == 0;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (last)
		ski_free(e);
}

static void drop_timed(void)
{
	struct element *e = begin();
	bool last;

	if (skua_mutex_lock_timed(&e->mutex, 1))
		ex_assert(skua_mutex_lock(&e->mutex) == 0);
	last = --e->references == 0;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (last)
		ski_free(e);
}

SYNC_SCENARIO(mutex_two, "two lock it", .setup = setup, .check = check_mutex,
	      .run = { lock_once, lock_once })
SYNC_SCENARIO(mutex_barging, "one locks it again, past who was woken",
	      .setup = setup, .check = check_mutex,
	      .run = { lock_twice, lock_once })
SYNC_SCENARIO(mutex_hand_over, "one who was passed over is handed it",
	      .stale = 3, .most = 3, .setup = setup_held, .check = check_mutex,
	      .run = { unlock_and_lock_twice, lock_once })
STALE_SCENARIO(mutex_hand_over_stale, "one who was passed over is handed it",
	       .most = 2, .setup = setup_held, .check = check_mutex,
	       .run = { unlock_and_lock_twice, lock_once })
SYNC_SCENARIO(mutex_timeout, "a timeout against the wake", .setup = setup,
	      .check = check_mutex, .timeouts = 1,
	      .run = { lock_once, lock_timed })
SYNC_SCENARIO(mutex_timeout_hand_over, "a timeout against the hand-over",
	      .setup = setup_patience, .check = check_mutex, .timeouts = 1,
	      .run = { lock_twice, lock_timed })
SYNC_SCENARIO(mutex_freed, "freed by whoever locked it last", .setup = setup,
	      .run = { drop, drop })
SYNC_SCENARIO(mutex_freed_timeout, "the same with a timeout before",
	      .setup = setup, .timeouts = 1, .run = { drop, drop_timed })
BOTH_SCENARIOS(mutex_three, "three lock it", 4, .setup = setup,
	       .check = check_mutex, .run = { lock_once, lock_once, lock_once })
BOTH_SCENARIOS(mutex_three_hand_over, "three, with patience", 3,
	       .setup = setup_patience, .check = check_mutex,
	       .run = { lock_twice, lock_once, lock_once })
STALE_SCENARIO(mutex_three_timeouts_stale, "two timeouts", .stale = 3,
	       .most = 1, .setup = setup_patience, .check = check_mutex,
	       .timeouts = 2, .run = { lock_twice, lock_timed, lock_timed })
LONG_SCENARIO(mutex_three_timeouts, "two timeouts", .setup = setup_patience,
	      .check = check_mutex, .timeouts = 2,
	      .run = { lock_once, lock_timed, lock_timed })
BOTH_SCENARIOS(mutex_three_freed, "the last of three frees it", 4,
	       .setup = setup_three, .run = { drop, drop, drop })
BOTH_SCENARIOS(mutex_three_freed_timeout, "the same with a timeout before", 3,
	       .setup = setup_patience_three, .timeouts = 1,
	       .run = { drop, drop_timed, drop })

/* ---- condition ---- */

static struct element *begin_locked(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	return e;
}

static void take_and_unlock(struct element *e)
{
	while (!e->value[1])
		ex_assert(skua_cond_wait(&e->cond, &e->mutex) == 0);
	e->value[1]--;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
}

/* One token for each who waits. */
static void take_token(void)
{
	take_and_unlock(begin_locked());
}

/* Looks only once, and passes a signal on: one that it took and that is lost
 * leaves another waiting. */
static void pass_on_and_unlock(struct element *e)
{
	int error = 0;

	if (!e->value[1])
		error = skua_cond_wait_timed(&e->cond, &e->mutex, 1);
	ex_assert(error == 0 || error == SKUA_ETIMEDOUT);
	if (!error)
		ex_assert(skua_cond_signal(&e->cond) == 0);
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
}

static void pass_on(void)
{
	pass_on_and_unlock(begin_locked());
}

static void put_token(struct element *e, bool outside)
{
	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[1]++;
	if (!outside)
		ex_assert(skua_cond_signal(&e->cond) == 0);
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (outside)
		ex_assert(skua_cond_signal(&e->cond) == 0);
}

static void put_inside(void)
{
	put_token(begin(), false);
}

static void put_outside(void)
{
	put_token(begin(), true);
}

/* With two who wait, a signal comes when both are there; what one that comes
 * before does, is in the scenarios with one. Relaxed: the mutex orders them. */
static struct element *come(void)
{
	struct element *e = begin_locked();

	atomic_fetch_add_explicit(&s.coming, 1, memory_order_relaxed);
	return e;
}

static void come_and_take(void)
{
	take_and_unlock(come());
}

/* One of two that do the same: the other way round is the same. */
static void follow_and_take(void)
{
	ex_await(atomic_load_explicit(&s.coming, memory_order_relaxed));
	come_and_take();
}

static void come_and_pass_on(void)
{
	pass_on_and_unlock(come());
}

static void await_two(void)
{
	ex_await(atomic_load_explicit(&s.coming, memory_order_relaxed) == 2);
}

static void put_to_two(void)
{
	await_two();
	put_inside();
}

static void put_two_to_two(void)
{
	await_two();
	put_outside();
	put_inside();
}

static void put_two(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[1] = 2;
	ex_assert(skua_cond_broadcast(&e->cond) == 0);
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
}

static void put_two_outside(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[1] = 2;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	ex_assert(skua_cond_broadcast(&e->cond) == 0);
}

/* The condition is on its own, and goes right after the broadcast. */
static struct skua_cond *cond_of(struct element *e)
{
	return (struct skua_cond *)(uintptr_t)e->event.opaque[0];
}

static void setup_removed(void)
{
	setup();
	s.e->event.opaque[0] =
		(uintptr_t)ski_calloc(1, sizeof(struct skua_cond));
}

static void await_removal(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	while (cond_of(e))
		ex_assert(skua_cond_wait(cond_of(e), &e->mutex) == 0);
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
}

static void remove_it(void)
{
	struct element *e = begin();
	struct skua_cond *cond;

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	cond = cond_of(e);
	ex_assert(skua_cond_broadcast(cond) == 0);
	ex_assert(skua_cond_destroy(cond) == 0);
	e->event.opaque[0] = 0;
	ski_free(cond);
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
}

/* The mutex goes with the last one: signalling is over with it by then. */
static void take_and_drop(void)
{
	struct element *e = begin();
	bool last;

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	while (!e->value[1])
		ex_assert(skua_cond_wait(&e->cond, &e->mutex) == 0);
	last = --e->references == 0;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (last)
		ski_free(e);
}

static void put_and_drop(void)
{
	struct element *e = begin();
	bool last;

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[1] = 1;
	ex_assert(skua_cond_broadcast(&e->cond) == 0);
	last = --e->references == 0;
	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (last)
		ski_free(e);
}

/* The condition outlives the mutex, which may go while the broadcast that
 * moves its waiters there has not returned. */
static void drop_last(struct element *e)
{
	bool last = --e->references == 0;

	ex_assert(skua_mutex_unlock(&e->mutex) == 0);
	if (last)
		ski_free(e);
}

static void setup_moved(void)
{
	setup_three();
	s.cond = ski_calloc(1, sizeof(*s.cond));
}

static void wait_and_drop(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	while (!e->value[1])
		ex_assert(skua_cond_wait(s.cond, &e->mutex) == 0);
	drop_last(e);
}

static void drop_and_broadcast(void)
{
	struct element *e = begin();

	ex_assert(skua_mutex_lock(&e->mutex) == 0);
	e->value[1] = 1;
	drop_last(e);
	ex_assert(skua_cond_broadcast(s.cond) == 0);
}

static void check_moved(void)
{
	ex_assert(skua_cond_destroy(s.cond) == 0);
	ski_free(s.cond);
}

SYNC_SCENARIO(cond_signal, "a signal against the wait", .setup = setup,
	      .check = check_mutex, .run = { take_token, put_inside })
SYNC_SCENARIO(cond_signal_outside, "the same without the mutex", .setup = setup,
	      .check = check_mutex, .run = { take_token, put_outside })
SYNC_SCENARIO(cond_timeout, "a signal against a timeout", .most = 3,
	      .setup = setup, .check = check_mutex, .timeouts = 1,
	      .run = { pass_on, put_inside })
SYNC_SCENARIO(cond_timeout_outside, "the same without the mutex", .most = 3,
	      .setup = setup, .check = check_mutex, .timeouts = 1,
	      .run = { pass_on, put_outside })
SYNC_SCENARIO(cond_removed, "it goes right after a broadcast",
	      .setup = setup_removed, .check = check_mutex,
	      .run = { await_removal, remove_it })
SYNC_SCENARIO(cond_freed, "the last one frees it and the mutex", .setup = setup,
	      .run = { take_and_drop, put_and_drop })
BOTH_SCENARIOS(cond_three_moved, "the mutex goes during the broadcast", 3,
	       .setup = setup_moved, .check = check_moved,
	       .run = { wait_and_drop, drop, drop_and_broadcast })
LONG_SCENARIO(cond_three_signals, "two signals for two", .setup = setup,
	      .check = check_mutex,
	      .run = { come_and_take, follow_and_take, put_two_to_two })
/* Two: with three it does not end in a minute. */
EX_SCENARIO(cond_three_timeout, .concept = "sync-long",
	    .what = "a signal against a timeout is not lost", .state = &s,
	    .state_bytes = sizeof(s), .stale = 1, .most = 2, .setup = setup,
	    .check = check_mutex, .timeouts = 1,
	    .run = { come_and_pass_on, come_and_take, put_to_two })
STALE_SCENARIO(cond_three_signals_stale, "two signals for two", .stale = 1,
	       .most = 1, .setup = setup, .check = check_mutex,
	       .run = { take_token, take_token, put_outside, put_inside })
STALE_SCENARIO(cond_three_timeout_stale,
	       "a signal against a timeout is not lost", .stale = 2, .most = 1,
	       .setup = setup, .check = check_mutex, .timeouts = 1,
	       .run = { pass_on, take_token, put_inside })
BOTH_SCENARIOS(cond_three_broadcast, "a broadcast moves two to the mutex", 2,
	       .setup = setup, .check = check_mutex,
	       .run = { take_token, take_token, put_two })
BOTH_SCENARIOS(cond_three_broadcast_outside, "the same without the mutex", 2,
	       .setup = setup, .check = check_mutex,
	       .run = { take_token, take_token, put_two_outside })
BOTH_SCENARIOS(cond_three_freed, "the last one frees it and the mutex", 2,
	       .setup = setup_three,
	       .run = { take_and_drop, take_and_drop, put_and_drop })

/* ---- semaphore ---- */

static void acquire(void)
{
	ex_assert(skua_semaphore_acquire(&begin()->semaphore) == 0);
}

static void acquire_timed(void)
{
	struct element *e = begin();

	s.late[ex_self()] = skua_semaphore_acquire_timed(&e->semaphore, 1);
}

static void release(void)
{
	ex_assert(skua_semaphore_release(&begin()->semaphore) == 0);
}

static void release_two(void)
{
	release();
	release();
}

static void acquire_and_free(void)
{
	struct element *e = begin();

	ex_assert(skua_semaphore_acquire(&e->semaphore) == 0);
	ski_free(e);
}

/* A unit that one did not take in time is there. */
static void check_semaphore(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i)
		if (s.late[i])
			ex_assert(skua_semaphore_acquire_timed(&s.e->semaphore,
							       0) == 0);
	ex_assert(skua_semaphore_acquire_timed(&s.e->semaphore, 0) ==
		  SKUA_ETIMEDOUT);
	ex_assert(skua_semaphore_destroy(&s.e->semaphore) == 0);
	ski_free(s.e);
}

SYNC_SCENARIO(semaphore_one, "one for one unit", .setup = setup,
	      .check = check_semaphore, .run = { acquire, release })
SYNC_SCENARIO(semaphore_timeout, "a timeout against a release", .setup = setup,
	      .check = check_semaphore, .timeouts = 1,
	      .run = { acquire_timed, release })
LONG_SCENARIO(semaphore_three, "two for two units", .setup = setup,
	      .check = check_semaphore, .timeouts = 1,
	      .run = { acquire_timed, acquire, release_two })
STALE_SCENARIO(semaphore_three_stale, "... that two release", .stale = 1,
	       .most = 2, .setup = setup, .check = check_semaphore,
	       .timeouts = 1,
	       .run = { acquire_timed, acquire, release, release })
SYNC_SCENARIO(semaphore_freed, "whoever got the unit frees it", .setup = setup,
	      .run = { acquire_and_free, release })

/* ---- event ---- */

static void wait_event(void)
{
	struct element *e = begin();

	ex_assert(skua_event_wait(&e->event) == 0);
	ex_assert(e->value[0] == 1);
}

static void wait_event_timed(void)
{
	skua_event_wait_timed(&begin()->event, 1);
}

static void set_event(void)
{
	struct element *e = begin();

	e->value[0] = 1;
	ex_assert(skua_event_set(&e->event) == 0);
}

/* Cleared at once, and then it is waited for again: in vain. */
static void pulse_event(void)
{
	struct element *e = begin();

	ex_assert(skua_event_set(&e->event) == 0);
	ex_assert(skua_event_clear(&e->event) == 0);
	ex_assert(skua_event_wait_timed(&e->event, 1) == SKUA_ETIMEDOUT);
}

static void wait_event_and_free(void)
{
	struct element *e = begin();

	ex_assert(skua_event_wait(&e->event) == 0);
	ski_free(e);
}

static void set_event_to_be_freed(void)
{
	ex_assert(skua_event_set(&begin()->event) == 0);
}

static void check_event(void)
{
	ex_assert(skua_event_destroy(&s.e->event) == 0);
	ski_free(s.e);
}

SYNC_SCENARIO(event_set, "two wait for it", .stale = 2, .most = 3,
	      .setup = setup, .check = check_event,
	      .run = { wait_event, wait_event, set_event })
STALE_SCENARIO(event_set_stale, "two wait for it", .most = 2, .setup = setup,
	       .check = check_event,
	       .run = { wait_event, wait_event, set_event })
BOTH_SCENARIOS(event_timeout, "a timeout against the set", 3, .setup = setup,
	       .check = check_event, .timeouts = 1,
	       .run = { wait_event, wait_event_timed, set_event })
SYNC_SCENARIO(event_pulse, "who waits after it was cleared is not let go",
	      .stale = 2, .most = 3, .setup = setup, .check = check_event,
	      .timeouts = 2, .timeouts_end_hangs = true,
	      .run = { pulse_event, wait_event_timed })
STALE_SCENARIO(event_pulse_stale,
	       "who waits after it was cleared is not let go", .most = 2,
	       .setup = setup, .check = check_event, .timeouts = 2,
	       .timeouts_end_hangs = true,
	       .run = { pulse_event, wait_event_timed })
SYNC_SCENARIO(event_freed, "whoever was let go frees it", .setup = setup,
	      .run = { wait_event_and_free, set_event_to_be_freed })

/* ---- barrier, once, reader-writer lock ---- */

static void setup_barrier(void)
{
	setup();
	s.e->barrier.opaque[4] = 2;
}

static void pass_twice(void)
{
	struct element *e = begin();
	unsigned me = ex_self() - 1;

	e->value[me] = 1;
	ex_assert(skua_barrier_wait(&e->barrier) == 0);
	ex_assert(e->value[1 - me] == 1);
	ex_assert(skua_barrier_wait(&e->barrier) == 0);
	e->value[1 - me] = 2;
}

static void pass_timed(void)
{
	struct element *e = begin();

	s.late[ex_self()] = skua_barrier_wait_timed(&e->barrier, 1);
}

static void pass_and_free(void)
{
	struct element *e = begin();
	bool last = false;

	ex_assert(skua_barrier_wait_last(&e->barrier, -1, &last) == 0);
	if (last)
		ski_free(e);
}

static void check_barrier(void)
{
	ex_assert(s.late[1] == s.late[2]);
	ex_assert(skua_barrier_destroy(&s.e->barrier) == 0);
	ski_free(s.e);
}

static void count_call(void)
{
	s.e->value[0]++;
}

static void call_once(void)
{
	struct element *e = begin();

	ex_assert(skua_once(&e->once, count_call) == 0);
	ex_assert(e->value[0] == 1);
}

static void check_once(void)
{
	ex_assert(skua_once_destroy(&s.e->once) == 0);
	ski_free(s.e);
}

static void read_both(void)
{
	struct element *e = begin();

	ex_assert(skua_rwlock_rdlock(&e->rwlock) == 0);
	ex_assert(e->value[0] == e->value[1]);
	ex_assert(skua_rwlock_unlock(&e->rwlock) == 0);
}

static void write_both(void)
{
	struct element *e = begin();

	ex_assert(skua_rwlock_wrlock(&e->rwlock) == 0);
	e->value[0]++;
	e->value[1]++;
	ex_assert(skua_rwlock_unlock(&e->rwlock) == 0);
}

static void write_timed(void)
{
	struct element *e = begin();

	if (skua_rwlock_wrlock_timed(&e->rwlock, 1))
		return;
	e->value[0]++;
	e->value[1]++;
	ex_assert(skua_rwlock_unlock(&e->rwlock) == 0);
}

static void check_rwlock(void)
{
	ex_assert(skua_rwlock_destroy(&s.e->rwlock) == 0);
	ski_free(s.e);
}

SYNC_SCENARIO(barrier_twice, "two pass it again and again", .most = 3,
	      .setup = setup_barrier, .check = check_barrier,
	      .run = { pass_twice, pass_twice })
SYNC_SCENARIO(barrier_timeout, "two pass it, or neither", .most = 3,
	      .setup = setup_barrier, .check = check_barrier, .timeouts = 2,
	      .timeouts_end_hangs = true, .run = { pass_timed, pass_timed })
SYNC_SCENARIO(barrier_freed, "the last one frees it", .setup = setup_barrier,
	      .run = { pass_and_free, pass_and_free })
SYNC_SCENARIO(once_two, "two call it", .setup = setup, .check = check_once,
	      .run = { call_once, call_once })
SYNC_SCENARIO(rwlock_both, "a reader and a writer", .setup = setup,
	      .check = check_rwlock, .run = { read_both, write_both })
SYNC_SCENARIO(rwlock_timeout, "a writer that gives up", .setup = setup,
	      .check = check_rwlock, .timeouts = 1,
	      .run = { read_both, write_timed })
BOTH_SCENARIOS(rwlock_three, "readers behind a writer that gives up", 3,
	       .setup = setup, .check = check_rwlock, .timeouts = 1,
	       .run = { read_both, write_timed, write_both })
