/* SPDX-License-Identifier: MIT */
/*
 * Guests that come and go: a record has one holder at a time, who finds its
 * deque as it was left, and it is freed once, by the thread that has it or by
 * who frees the pool. The source of lib/sched/guest.c; only what it asks of
 * pthread is the scenario's: a thread that exits calls leave_all() itself.
 */
#include <pthread.h>

static int make_key(pthread_key_t *key);
static void drop_key(pthread_key_t key);
static int use_key(pthread_key_t key);
#define pthread_key_create(key, leave) ((void)(leave), make_key(key))
#define pthread_key_delete(key) drop_key(key)
#define pthread_setspecific(key, value) ((void)(value), use_key(key))
#include "guest.c"

#include "rcu.h"

enum {
	JOBS = 3
};

static struct {
	struct skua_pool pool;
	struct ski_guest *guest; /* of the pool's first */
	uint64_t job[JOBS];
	unsigned got[EX_THREADS][JOBS]; /* by each thread */
	uint32_t count; /* of records, at the end */
	struct ski_thread_exit at_exit;
	bool made[EX_THREADS], dropped[EX_THREADS]; /* a key by each thread */
} s;

/* The key of thread t is t; where the scenario is about something else, setup
 * has made one. */
static int make_key(pthread_key_t *key)
{
	*key = ex_self();
	s.made[*key] = true;
	return 0;
}

static void drop_key(pthread_key_t key)
{
	ex_assert(key == ex_self() && s.made[key]);
	s.dropped[key] = true;
}

/* Who did not make it itself was told of it. */
static int use_key(pthread_key_t key)
{
	ex_assert(s.made[key]);
	return 0;
}

/* As skua_submit() does it. */
static void submit(unsigned i)
{
	struct ski_guest *guest = ski_guest_of(&s.pool);

	ex_assert(guest);
	s.job[i] = i + 1;
	ex_assert(!ski_deque_reserve(&guest->producer.deque, 1));
	ski_deque_push(&guest->producer.deque, (uintptr_t)&s.job[i]);
	ski_guest_done(guest);
}

static void got(uintptr_t job)
{
	uint64_t *p = (uint64_t *)job;
	size_t i = (size_t)(p - s.job);

	ex_assert(i < JOBS && *p == i + 1);
	++s.got[ex_self()][i];
}

static void steal_all(void)
{
	uint32_t count = ski_registry_count(&s.pool.guests);

	ski_rcu_read_lock();
	for (uint32_t i = 0; i < count; ++i) {
		struct ski_guest *guest = ski_registry_at(&s.pool.guests, i);
		uintptr_t job;

		while (ski_deque_steal_many(&guest->producer.deque, &job, 1) >
		       0)
			got(job);
	}
	ski_rcu_read_unlock();
}

/* As free_all() of lifecycle.c. */
static void free_pool(void)
{
	s.count = ski_registry_count(&s.pool.guests);
	steal_all();
	for (uint32_t i = 0; i < s.count; ++i)
		ski_guest_part(ski_registry_at(&s.pool.guests, i));
	ski_registry_destroy(&s.pool.guests);
}

static void setup(void)
{
	s.made[0] = true;
	atomic_init(&at_exit.key, 1);
	s.pool.number = 1;
}

/* A guest submits and exits. */
static void come_and_go(void)
{
	submit(ex_self() - 1);
	leave_all(NULL);
}

/* Submits from the destructor of a key, after its own was called. */
static void submit_at_exit(void)
{
	leave_all(NULL);
	submit(ex_self() - 1);
}

static void check_jobs(unsigned jobs)
{
	for (unsigned i = 0; i < JOBS; ++i) {
		unsigned times = 0;
		for (unsigned t = 0; t < EX_THREADS; ++t)
			times += s.got[t][i];
		ex_assert(times == (i < jobs));
	}
}

static void check_two(void)
{
	free_pool();
	check_jobs(2);
}

#define GUEST_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "guest", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

/* One has left already. */
static void setup_left(void)
{
	setup();
	submit(2);
	leave_all(NULL);
}

static void check_three(void)
{
	free_pool();
	check_jobs(3);
}

GUEST_SCENARIO(guest_leave, "a new guest takes over from one that leaves",
	       .setup = setup, .check = check_two,
	       .run = { come_and_go, come_and_go })
GUEST_SCENARIO(guest_at_exit, "... also past its destructor", .setup = setup,
	       .check = check_two, .run = { come_and_go, submit_at_exit })
GUEST_SCENARIO(guest_take_over, "two new guests and one record that is free",
	       .setup = setup_left, .check = check_three,
	       .run = { come_and_go, come_and_go })
GUEST_SCENARIO(guest_steal, "a thief while two come and go", .setup = setup,
	       .check = check_two,
	       .run = { come_and_go, come_and_go, steal_all })

/* ---- the key ---- */

static void expect_exit(void)
{
	ex_assert(ski_thread_exit_expect(&s.at_exit, leave_all));
}

/* One is left, the one that everybody uses. */
static void check_key(void)
{
	pthread_key_t key = 99;

	ex_assert(ski_thread_exit_key(&s.at_exit, leave_all, &key));
	for (unsigned t = 0; t < EX_THREADS; ++t)
		ex_assert((s.made[t] && !s.dropped[t]) == (t == key));
}

GUEST_SCENARIO(guest_key, "three make the key", .check = check_key,
	       .run = { expect_exit, expect_exit, expect_exit })

/* ---- the pool is freed ---- */

/* As a thread that has submitted, before the pool is closed. */
static void setup_submitted(void)
{
	setup();
	submit(0);
	s.guest = mine.last;
	mine.last = NULL;
}

static void leave_later(void)
{
	mine.last = s.guest;
	leave_all(NULL);
}

static void purge_later(void)
{
	mine.last = s.guest;
	purge();
	leave_all(NULL);
}

static void check_one(void)
{
	ex_assert(s.count == 1);
	check_jobs(1);
}

GUEST_SCENARIO(guest_part, "the thread exits while the pool is freed",
	       .setup = setup_submitted, .check = check_one,
	       .run = { leave_later, free_pool })
GUEST_SCENARIO(guest_purge, "... or looks through its records",
	       .setup = setup_submitted, .check = check_one,
	       .run = { purge_later, free_pool })
