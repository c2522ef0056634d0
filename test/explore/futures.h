/* SPDX-License-Identifier: MIT */
/*
 * Futures for scenarios: each was submitted by a guest that has left since, so
 * that its memory goes as soon as it is freed, and whoever touches it after
 * that is found. Their jobs are out of the deque: a scenario hands them to its
 * workers itself.
 *
 * A task counts in its own account, with plain accesses, that it ran; so do the
 * functions that drop its argument and its result.
 */
#ifndef EX_FUTURES_H
#define EX_FUTURES_H

#include <skua/future.h>

#include "future.h"
#include "guest.h"
#include "objects.h"
#include "runtime.h"

enum {
	FUTURES = 2
};

struct account {
	unsigned ran, args_dropped, results_dropped;
};

static struct {
	struct rt rt;
	struct ski_guest guest;
	struct skua_future *future[FUTURES];
	struct account account[FUTURES];
	unsigned futures;
	int code[EX_THREADS]; /* what a thread's call came to */
	bool changed_mind; /* plain, before a cancel */
} s;

struct ski_guest *ski_guest_of(struct skua_pool *pool)
{
	(void)pool;
	return &s.guest;
}

static void *run_task(void *arg)
{
	struct account *account = arg;

	ex_assert(!account->args_dropped);
	account->ran++;
	return account;
}

static void drop_arg(void *arg)
{
	((struct account *)arg)->args_dropped++;
}

static void drop_result(void *result)
{
	struct account *account = result;

	ex_assert(account->ran);
	account->results_dropped++;
}

static void take_back(struct skua_future *future)
{
	ex_assert(ski_deque_take(&s.guest.producer.deque) ==
		  (uintptr_t)&future->job);
}

/* @users references each. @drops: with options. */
static void open_futures(unsigned futures, unsigned users, bool drops)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	s.futures = futures;
	for (unsigned i = 0; i < futures; ++i) {
		struct skua_future **future = &s.future[i];

		ex_assert(!ski_producer_init(&s.guest.producer, 0));
		ex_assert(!skua_submit_with(&s.rt.pool, run_task, &s.account[i],
					    drops ? &options : NULL, future));
		take_back(*future);
		ski_producer_destroy(&s.guest.producer);
		for (unsigned n = 1; n < users; ++n)
			skua_future_retain(*future);
	}
}

/* As a worker that has it from a deque. */
static void run_future(struct skua_future *future)
{
	struct ski_worker *worker = rt_worker(&s.rt);

	ski_run(ski_fiber_base(worker->fiber), (uintptr_t)&future->job);
}

/* The stack of a wait that is over is used for other things: nobody may touch
 * it any more. Here it begins where that of the wait did. */
static __attribute__((noinline)) void end_stack(void)
{
	enum {
		BYTES = 512
	};
	char *end = __builtin_frame_address(0);

	ex_forget(end - BYTES, BYTES);
	ex_revive(end - BYTES, BYTES);
}

/* Waits, and reads the result. */
static int wait_for(unsigned i, int64_t timeout_ns)
{
	void *result = NULL;
	int error = skua_future_result(s.future[i], timeout_ns, &result);

	end_stack();
	if (error) {
		ex_assert(!result);
		return error;
	}
	ex_assert(result == &s.account[i]);
	ex_assert(s.account[i].ran == 1);
	return 0;
}

/* Adds a waiter that nobody waits with; its memory is the finisher's to free,
 * unless the future is done already: then the result is there. Somebody else
 * holds the future, or else there is nobody to tell. */
static void add_waiter(struct skua_future *future)
{
	struct ski_waiter *waiter = ski_object_alloc();

	waiter->fiber = NULL;
	waiter->told = NULL;
	atomic_init(&waiter->state, SKI_WAITING);
	atomic_init(&waiter->references, 1);
	if (ski_slot_wait(&future->job.state, waiter, waiter))
		return;
	ex_assert(s.account[0].ran == 1);
	ski_object_free(waiter);
}

/* Each task ran or had its argument dropped, once. */
static void check_futures(bool drops)
{
	for (unsigned i = 0; i < s.futures; ++i)
		ex_assert(s.account[i].ran +
				  (drops ? s.account[i].args_dropped : 0) ==
			  1);
	rt_close(&s.rt);
}

#endif
