/* SPDX-License-Identifier: MIT */
/*
 * GLib's GThreadPool, exclusive so that its threads are its own, with the
 * futures of futex_future.h, since it has none. It has no wait that helps: a task that
 * waits for its children holds its thread, and a few levels of recursion hold
 * them all. So it takes part in no fork-join workload.
 */
#include <glib.h>

#include "futex_future.h"
#include "peer.h"

static void run_job(gpointer data, gpointer user_data)
{
	(void)user_data;
	futex_future_run(data);
}

static int with(const struct crew *crew, peer_body *body, void *context)
{
	GThreadPool *pool = g_thread_pool_new(run_job, NULL,
					      (gint)crew->workers, TRUE, NULL);

	if (!pool)
		return -1;
	body(pool, context);
	g_thread_pool_free(pool, FALSE, TRUE);
	return 0;
}

static int submit(void *pool, void *future, peer_fn *fn, void *arg)
{
	futex_future_fill(future, fn, arg);
	return g_thread_pool_push(pool, future, NULL) ? 0 : -1;
}

static void *wait(void *pool, void *future)
{
	(void)pool;
	return futex_future_wait(future, 0);
}

const struct peer bench_peer = {
	.name = "gthreadpool",
	.threads = true,
	.executor = true,
	.owns_threads = true,
	.with = with,
	.future_bytes = sizeof(struct futex_future),
	.submit = submit,
	.wait = wait,
};
