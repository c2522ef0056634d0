/* SPDX-License-Identifier: MIT */
/* A sequence of calls from bytes, in a thread or a task, and its end. */
#include "fuzz.h"
#include "../support/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

struct world world;
bool driver_is_task;

/* Some calls ask for more memory than there is, and expect an error. */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void (*const calls[])(void) = {
	call_open,	  call_submit,	     call_submit,      call_post,
	call_submit_many, call_submit_with,  call_submit_with, call_gate,
	call_gate,	  call_gate,	     call_open_gate,   call_open_gate,
	call_bad_submit,  call_look,	     call_look,	       call_result,
	call_result,	  call_result,	     call_cancel,      call_cancel,
	call_retain,	  call_release,	     call_shutdown,    call_close,
	call_retain_pool, call_release_pool, call_trim,	       call_numbers,
	call_numbers,	  call_settle,	     call_default,     call_nothing,
	call_fork_run,	  call_fork_submit,  call_fork_submit, call_fork_result,
	call_fork_result,
};

unsigned take(unsigned below)
{
	return world.at < world.end ? *world.at++ % below : 0;
}

bool coin(void)
{
	return take(2);
}

void wrong(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

/* ---- the end ---- */

static void end_pool(struct pool *pool)
{
	open_gates(pool);
	if (pool->refs && coin()) {
		EXPECT(skua_pool_shutdown(pool->handle, SKUA_CLOSE_WAIT) == 0);
		EXPECT(skua_pool_pending(pool->handle) == 0);
		EXPECT(skua_pool_running(pool->handle) == 0);
	}
	for (; pool->refs; pool->refs--)
		skua_pool_release(pool->handle);
}

static void release_futures(void)
{
	for (unsigned i = 0; i < world.jobs_used; i++)
		for (; world.jobs[i].refs; world.jobs[i].refs--)
			skua_future_release(world.jobs[i].future);
}

/* Futures outlive their pool. */
static void ask_futures(void)
{
	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[i];

		if (job->refs)
			told(job, skua_future_result(job->future, SKUA_FOREVER,
						     NULL));
	}
}

static void *drive(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < CALLS_MOST && world.at < world.end; i++)
		calls[take(sizeof(calls) / sizeof(*calls))]();
	if (coin())
		release_futures();
	for (unsigned i = 0; i < world.pools_used; i++)
		end_pool(&world.pools[i]);
	ask_futures();
	release_futures();
	return NULL;
}

/* ---- who makes the calls ---- */

static void drive_in_thread(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, drive, NULL) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
}

static void drive_in_task(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_future *future = NULL;
	struct skua_pool *outer = NULL;

	options.workers = 1;
	driver_is_task = true;
	EXPECT(skua_pool_open(&outer, &options) == 0);
	EXPECT(skua_submit(outer, drive, NULL, &future) == 0);
	EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
	skua_future_release(future);
	EXPECT(skua_pool_close(outer, SKUA_CLOSE_WAIT) == 0);
	driver_is_task = false;
}

static void check_job(const struct job *job)
{
	bool ran = job->state != NEVER && job->state != CANCELLED;
	bool has_result = !job->null_result && !job->read;

	EXPECT(job->state != PENDING && job->state != HELD);
	EXPECT(job->runs == ran && job->ends == ran);
	EXPECT(job->arg_drops == (job->drops_arg && job->state == CANCELLED));
	EXPECT(job->result_drops == (job->drops_result && ran && has_result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned threads;

	/* First, for its threads stay. */
	EXPECT(skua_pool_default());
	threads = threads_of_process();
	memset(&world, 0, sizeof(world));
	world.at = data;
	world.end = data + size;
	switch (take(4)) {
	case 0:
		drive_in_thread();
		break;
	case 1:
		drive_in_task();
		break;
	default:
		drive(NULL);
	}
	/* Pools that were left to themselves: with their last thread all that
	 * they had is gone. */
	while (threads_of_process() > threads)
		sched_yield();
	/* What their last events were, as TSan sees it. */
	lock();
	unlock();
	for (unsigned i = 0; i < world.jobs_used; i++)
		check_job(&world.jobs[i]);
	return 0;
}
