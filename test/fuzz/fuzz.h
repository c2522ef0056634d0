/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - sequences of calls, decoded from bytes, against a model of what each
 * may answer.
 *
 *	fuzz.c		the sequence, and its end
 *	model.c		what is known of pools and jobs
 *	jobs.c		what runs in the tasks
 *	calls_pool.c, calls_submit.c, calls_future.c, calls_fork.c
 *			the calls, each with its check
 *	replay.c	main() of the program without libFuzzer
 *
 * One thread makes all calls. Tasks are uncertain only as far as the model says
 * so, which gates see to. A *hard* gate blocks its worker until the driver opens
 * it: if as many are held as there are workers, the pool is plugged, and what is
 * submitted then stays pending. A *soft* gate suspends its task.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <skua/skua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JOBS_MOST = 96,
	POOLS_MOST = 3,
	CALLS_MOST = 80
};

enum state {
	NEVER, /* not submitted, or refused */
	PENDING, /* certainly: its pool is plugged */
	HELD, /* certainly: at its gate */
	LOOSE, /* it will run, or has */
	STARTED, /* as LOOSE, and too late to cancel */
	DONE,
	FAILED,
	CANCELLED
};

/* What a job does besides. */
enum action {
	NO_ACTION,
	FAIL,
	FAIL_TWICE,
	FAIL_NOT, /* with code 0 */
	POST_CHILD,
	GIVE_WAY,
	TRIM_POOL,
	RUN_FORKS,
	NEST_POOL,
	/* These only behind a gate: the driver must know when. */
	WAIT_FOR_SELF,
	SHUT_POOL,
	DETACH_POOL,
	ACTIONS
};

enum gate {
	NO_GATE,
	HARD,
	SOFT
};

struct job {
	/* The driver's. */
	enum state state;
	struct skua_future *future;
	unsigned refs;
	bool read; /* drop_result() is off */
	bool unmet; /* cancelled, and no worker has met it */
	/* The plan, not changed while it may run. */
	struct pool *pool;
	enum gate gate;
	enum action action;
	int fails;
	bool null_result, drops_arg, drops_result, box;
	int n;
	struct job *child;
	struct skua_future *self;
	/* Events, under the lock. */
	bool started, open;
	bool posted; /* of a child */
	unsigned runs, ends, arg_drops, result_drops;
};

struct pool {
	struct skua_pool *handle; /* also when no reference is left */
	unsigned refs, workers;
	unsigned held; /* workers, at hard gates */
	bool bounded;
	bool closing, cancelling; /* under the lock */
};

struct world {
	struct pool pools[POOLS_MOST];
	struct job jobs[JOBS_MOST];
	unsigned pools_used, jobs_used;
	const uint8_t *at, *end;
};

extern struct world world;
/* Whether a task makes the calls. */
extern bool driver_is_task;

/* fuzz.c: the next byte; 0 behind the last. */
unsigned take(unsigned below);
bool coin(void);
_Noreturn void wrong(const char *file, int line, const char *what);

#define EXPECT(condition) \
	((condition) ? (void)0 : wrong(__FILE__, __LINE__, #condition))

/* model.c. Some pool that has a reference, some job that has one; NULL: none. */
struct pool *some_pool(void);
struct job *some_job(void);
struct job *new_job(struct pool *pool, enum gate gate);
bool is_plugged(const struct pool *pool);
/* A submit that must have been accepted or refused: was it? */
bool accepted(struct job *job, int error, struct skua_future *future);
/* The result was told, by @error. */
void told(struct job *job, int error);
/* Until all that can run has run. */
void drain(struct pool *pool);
void open_gate(struct job *job);
void open_gates(struct pool *pool);
void cancel_pending(struct pool *pool);
void *value_of(struct job *job);

/* jobs.c */
void lock(void);
void unlock(void);
void await(const bool *event);
void await_end(const struct job *job);
void begin(struct job *job);
void end(struct job *job);
void *run_job(void *arg);
void run_post(void *arg);
void drop_arg(void *arg);
void drop_result(void *result);
long fib_of(int n);
int run_fib(struct skua_pool *pool, long *result, int n);

/* The calls. */
void call_open(void);
void call_shutdown(void);
void call_close(void);
void call_retain_pool(void);
void call_release_pool(void);
void call_trim(void);
void call_numbers(void);
void call_settle(void);
void call_default(void);
void call_submit(void);
void call_post(void);
void call_submit_many(void);
void call_submit_with(void);
void call_gate(void);
void call_open_gate(void);
void call_bad_submit(void);
void call_look(void);
void call_result(void);
void call_cancel(void);
void call_retain(void);
void call_release(void);
void call_nothing(void);
void call_fork_run(void);
void call_fork_submit(void);
void call_fork_result(void);

#endif
