/* SPDX-License-Identifier: MIT */
/*
 * Skua's locks. Their waits have nothing to say of memory: without a stack to
 * switch to a wait blocks its worker, which goes on with the tasks that it has
 * already begun. So those who let others go are threads, or have begun.
 */
#include <sched.h>

#include "scenarios.h"

enum {
	TASKS = 12,
	TURNS = 5,
	PARTIES = 3,
};

static struct {
	struct skua_mutex mutex;
	struct skua_rwlock rwlock;
	struct skua_cond cond;
	struct skua_semaphore semaphore;
	struct skua_event event;
	struct skua_barrier barrier;
	unsigned guarded, twins[2];
	bool told;
	atomic_uint added, waiting;
} s;

static void open_locks(void)
{
	EXPECT(skua_mutex_init(&s.mutex) == 0);
	EXPECT(skua_rwlock_init(&s.rwlock) == 0);
	EXPECT(skua_cond_init(&s.cond) == 0);
	EXPECT(skua_semaphore_init(&s.semaphore, 1) == 0);
	EXPECT(skua_event_init(&s.event) == 0);
	EXPECT(skua_barrier_init(&s.barrier, PARTIES) == 0);
}

/* Not EBUSY: who gave up waits no more. */
static void close_locks(void)
{
	EXPECT(skua_mutex_destroy(&s.mutex) == 0);
	EXPECT(skua_rwlock_destroy(&s.rwlock) == 0);
	EXPECT(skua_cond_destroy(&s.cond) == 0);
	EXPECT(skua_semaphore_destroy(&s.semaphore) == 0);
	EXPECT(skua_event_destroy(&s.event) == 0);
	EXPECT(skua_barrier_destroy(&s.barrier) == 0);
}

static bool in_time(int error)
{
	EXPECT(error == 0 || error == SKUA_ETIMEDOUT);
	return !error;
}

static void add_guarded(bool timed)
{
	if (!in_time(timed ? skua_mutex_lock_timed(&s.mutex, 1000) :
			     skua_mutex_lock(&s.mutex)))
		return;
	s.guarded++;
	/* Others come to wait. */
	skua_yield();
	atomic_fetch_add(&s.added, 1);
	EXPECT(skua_mutex_unlock(&s.mutex) == 0);
}

static void write_twins(bool timed)
{
	if (!in_time(timed ? skua_rwlock_wrlock_timed(&s.rwlock, 1000) :
			     skua_rwlock_wrlock(&s.rwlock)))
		return;
	s.twins[0]++;
	skua_yield();
	s.twins[1]++;
	EXPECT(skua_rwlock_unlock(&s.rwlock) == 0);
}

static void read_twins(bool timed)
{
	if (!in_time(timed ? skua_rwlock_rdlock_timed(&s.rwlock, 1000) :
			     skua_rwlock_rdlock(&s.rwlock)))
		return;
	EXPECT(s.twins[0] == s.twins[1]);
	skua_yield();
	EXPECT(s.twins[0] == s.twins[1]);
	EXPECT(skua_rwlock_unlock(&s.rwlock) == 0);
}

static void borrow_unit(bool timed)
{
	if (!in_time(timed ? skua_semaphore_acquire_timed(&s.semaphore, 1000) :
			     skua_semaphore_acquire(&s.semaphore)))
		return;
	skua_yield();
	EXPECT(skua_semaphore_release(&s.semaphore) == 0);
}

static void *take_turns(void *arg)
{
	for (unsigned i = 0; i < TURNS; i++) {
		bool timed = i % 2;

		add_guarded(timed);
		write_twins(timed);
		read_twins(timed);
		borrow_unit(timed);
	}
	return fault_job(arg);
}

/* Each with everybody else in front of it. */
void scenario_locks(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *tasks[TASKS];

	open_locks();
	fault_begin();
	for (int i = 0; i < TASKS; i++)
		if (!fault_noted(skua_submit(pool, take_turns, &ledger,
					     &tasks[i]),
				 1))
			tasks[i] = NULL;
	(void)take_turns(&ledger);
	atomic_fetch_add(&ledger.accepted, 1);
	for (int i = 0; i < TASKS; i++)
		fault_take(tasks[i]);
	EXPECT(s.guarded == atomic_load(&s.added));
	close_locks();
	fault_close(pool);
}

/* ---- told by a thread ---- */

static void *wait_to_be_told(void *arg)
{
	int error;

	(void)in_time(skua_event_wait_timed(&s.event, 1000));
	EXPECT(skua_mutex_lock(&s.mutex) == 0);
	error = skua_cond_wait_timed(&s.cond, &s.mutex, 1000);
	(void)in_time(error);
	atomic_fetch_add(&s.waiting, 1);
	while (!s.told)
		EXPECT(skua_cond_wait(&s.cond, &s.mutex) == 0);
	EXPECT(skua_mutex_unlock(&s.mutex) == 0);
	EXPECT(skua_event_wait(&s.event) == 0);
	return fault_job(arg);
}

static void *pass_barrier(void *arg)
{
	/* All of them or none: who gives up takes none along. */
	(void)in_time(skua_barrier_wait_timed(&s.barrier, 1000));
	return fault_job(arg);
}

void scenario_told(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *tasks[TASKS];

	open_locks();
	fault_begin();
	for (int i = 0; i < TASKS; i++)
		if (!fault_noted(skua_submit(pool,
					     i % 3 ? wait_to_be_told :
						     pass_barrier,
					     &ledger, &tasks[i]),
				 1))
			tasks[i] = NULL;
	/* Two at least have come that far, if so many were accepted; the
	 * others may be waiting for a worker. */
	while (atomic_load(&s.waiting) < 2 && tasks[1] && tasks[2])
		sched_yield();
	EXPECT(skua_mutex_lock(&s.mutex) == 0);
	s.told = true;
	EXPECT(skua_mutex_unlock(&s.mutex) == 0);
	EXPECT(skua_cond_broadcast(&s.cond) == 0);
	EXPECT(skua_event_set(&s.event) == 0);
	for (int i = 0; i < TASKS; i++)
		fault_take(tasks[i]);
	close_locks();
	fault_close(pool);
}

/* ---- held by a task that gave way ---- */

static atomic_bool rested;

static void *lock_it(void *arg)
{
	EXPECT(skua_mutex_lock(&s.mutex) == 0);
	EXPECT(skua_mutex_unlock(&s.mutex) == 0);
	return fault_job(arg);
}

static void *rest(void *arg)
{
	int error = skua_sleep(SKUA_MILLISECONDS(1));

	EXPECT(error == 0 || fault_shortage(error));
	atomic_store(&rested, true);
	return fault_job(arg);
}

/* On the only worker there is: whoever waits for the mutex has to let this
 * task go on, which in turn has to let the one go on that rests. */
static void *hold_and_yield(void *arg)
{
	struct skua_pool *pool = skua_pool_current();

	EXPECT(skua_mutex_lock(&s.mutex) == 0);
	(void)fault_noted(skua_submit(pool, lock_it, &ledger, NULL), 1);
	/* The newest is the next. */
	if (!fault_noted(skua_submit(pool, rest, &ledger, NULL), 1))
		atomic_store(&rested, true);
	skua_yield();
	skua_yield();
	/* A yield may have found no stack, and then neither has begun. */
	while (skua_pool_pending(pool) == 0 && !atomic_load(&rested))
		skua_yield();
	EXPECT(skua_mutex_unlock(&s.mutex) == 0);
	return fault_job(arg);
}

void scenario_gave_way(void)
{
	struct skua_pool *pool = fault_open(1);
	struct skua_future *task = NULL;

	open_locks();
	fault_begin();
	if (fault_noted(skua_submit(pool, hold_and_yield, &ledger, &task), 1))
		fault_take(task);
	fault_close(pool);
	close_locks();
}
