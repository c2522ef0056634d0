/* SPDX-License-Identifier: MIT */
/*
 * fault.h - what the scenarios share: when calls begin to fail, how a check
 * fails, and the jobs whose fates are counted.
 *
 * A scenario runs in a process and a thread of its own. It opens what it
 * needs, says fault_begin(), and from there on the n-th of some call fails, or
 * all from the n-th on, until it returns with everything closed.
 */
#ifndef FAULT_H
#define FAULT_H

#include <pthread.h>
#include <semaphore.h>
#include <skua/skua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_TEXT_(x) #x
#define FAULT_TEXT(x) FAULT_TEXT_(x)
/* Anywhere, inside tasks too: the process ends, and the run has failed. */
#define EXPECT(condition)                                          \
	((condition) ?                                             \
		 (void)0 :                                         \
		 fault_fail(__FILE__ ":" FAULT_TEXT(__LINE__) ": " \
							      "" #condition))

_Noreturn void fault_fail(const char *what);

/* From now on calls fail as the command line says. */
void fault_begin(void);
/* And from now on none. */
void fault_end(void);

/* In a task: if it forks without memory for another segment it meets the guard
 * page of its stack, and that is how this run ends. */
void fault_expect_guard(void);

/* A thread of the test's own: this never fails. */
pthread_t fault_thread(void *(*fn)(void *), void *arg);

/* ---- jobs that count ---- */

/* Each job that was accepted runs once, or its argument is dropped once; each
 * result is read or dropped, once. */
struct ledger {
	atomic_size_t accepted; /* by a submit that succeeded */
	atomic_size_t ran;
	atomic_size_t dropped; /* arguments */
	atomic_size_t optioned; /* accepted with both callbacks */
	atomic_size_t optioned_ran;
	atomic_size_t results_dropped;
	atomic_size_t results_read;
	atomic_size_t shortages; /* that were reported */
};

extern struct ledger ledger;

/* Whether it is an error that a call may give for want of memory or threads;
 * noted, since the failure of a mere hint must not lead to any. */
bool fault_shortage(int error);
/* Notes the outcome of a submit of @count jobs; true if it was accepted. */
bool fault_noted(int error, size_t count);

void *fault_job(void *arg);
void fault_post(void *arg);
void *fault_optioned_job(void *arg);

/* skua_submit() of fault_job; NULL if it was refused. */
struct skua_future *fault_submit(struct skua_pool *pool);
/* With drop_arg and drop_result. */
struct skua_future *fault_submit_optioned(struct skua_pool *pool);
/* A job of fault_submit(): it must have run. NULL is ignored. */
void fault_take(struct skua_future *future);

/* The books balance; when all pools have ended. */
void fault_balance(void);

/* ---- pools ---- */

/* Before fault_begin(). */
struct skua_pool *fault_open(unsigned workers);
/* Waits; never fails, whatever does. */
void fault_close(struct skua_pool *pool);

/* Jobs that keep workers busy until they are let go. */
struct hold {
	sem_t arrived, go;
	struct skua_future *job[2];
};

void fault_hold(struct hold *hold, struct skua_pool *pool);
void fault_let_go(struct hold *hold);

/* ---- the table ---- */

struct scenario {
	const char *name;
	void (*body)(void);
	bool keeps; /* a pool, to the end of the process */
};

extern const struct scenario fault_scenarios[];

#endif
