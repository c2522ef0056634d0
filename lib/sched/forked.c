/* SPDX-License-Identifier: MIT */
#include "forked.h"

#include <pthread.h>

#include <skua/error.h>

#include "rcu.h"

_Atomic(unsigned) ski_forked_count;

static pthread_mutex_t watching = PTHREAD_MUTEX_INITIALIZER;
static int watched;

/* liburcu's own lists must be consistent in the child: nobody is in the midst
 * of changing them while it forks. */
static void prepare(void)
{
	urcu_bp_before_fork();
}

static void parent(void)
{
	urcu_bp_after_fork_parent();
}

static void child(void)
{
	urcu_bp_after_fork_child();
	/* Relaxed: the child has one thread. */
	atomic_fetch_add_explicit(&ski_forked_count, 1, memory_order_relaxed);
}

/* A lock: this is only reached in opening pools. fork() may not find it held
 * for ever: prepare() of another thread cannot run while pthread_atfork()
 * does, and the child of a fork() in between finds it unlocked or never opens
 * a pool before its exec(). */
int ski_forked_watch(void)
{
	int error = 0;

	pthread_mutex_lock(&watching);
	if (!watched && pthread_atfork(prepare, parent, child))
		error = SKUA_ENOMEM;
	else
		watched = 1;
	pthread_mutex_unlock(&watching);
	return error;
}
